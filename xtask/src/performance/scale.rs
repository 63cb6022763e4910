//! The part of the page that tells what much mail and many sessions cost one server: what `bench/compare.sh --scale`
//! measured, each thing once.

use super::figures::{Figures, variant};
use super::page::{float, grouped, growth, inline, notes, row, shown, told};
use super::result::{Measurement, Outcome, Row};

const HEAD: [&str; 9] =
    ["", "done", "CPU µs each", "p50 ms", "p99 ms", "longest ms", "took s", "holds MiB", ""];

/// The whole part.
pub(crate) fn section(outcome: &Outcome) -> String {
    let names: Vec<_> = outcome.servers.iter().map(|server| inline(&server.version)).collect();
    let run = &outcome.run;
    let (least, most) = outcome.load();
    format!(
        "## Much mail in one mailbox, and many sessions\n\n{} alone, by `bench/compare.sh --scale`: a mailbox of {} messages, \
         6.5 KB in the mean, and sessions of {} users over TLS. Before all but `fill` the server was started anew, and \
         the kernel let go of what it had read of its files. CPU is for one operation; what the server holds is its memory \
         (PSS) behind it. A notice counts from the OK to the APPEND: who hears before has waited for nothing. Who comes \
         back counts from when the server greets again; of passwords it remembers nothing then, and hashes them, \
         and whom it cannot let in at once it asks to come again.\n\n{}{}\n\n{}, {}; load {least:.1} to {most:.1} on {} processors; {}. {}",
        names.join(", "),
        grouped(outcome.largest()),
        run.users,
        table(outcome).trim_end(),
        by_size(outcome),
        run.date,
        run.filesystem,
        run.cores,
        disk(outcome),
        inline(&run.remark),
    )
}

fn table(outcome: &Outcome) -> String {
    let lines = "---|".to_owned() + &"--:|".repeat(HEAD.len() - 2) + "---|";
    let head = row(HEAD.iter().map(|word| (*word).to_owned()));
    let largest = outcome.largest();
    let rows: String = outcome.measurements.iter().filter(|one| one.messages == largest).map(line).collect();
    format!("{head}|{lines}\n{rows}")
}

/// The same with less mail: a message may not cost more where there are more of them.
fn by_size(outcome: &Outcome) -> String {
    match growth(outcome, &Figures::of(outcome)) {
        table if table.is_empty() => table,
        table => {
            format!("\n\nCPU for one operation, in µs, by messages in the mailbox:\n\n{}", table.trim_end())
        }
    }
}

fn line(measurement: &Measurement) -> String {
    let Row { workload, skipped, wrong, .. } = &measurement.row;
    let name = match variant(measurement).as_deref() {
        None | Some("") => workload.clone(),
        Some(variant) => format!("{workload}: {variant}"),
    };
    let nothing = wrong.first().map(|why| ("WRONG", why)).or(skipped.as_ref().map(|why| ("not there", why)));
    if let Some((kind, why)) = nothing {
        let empty = (0..HEAD.len() - 3).map(|_| String::new());
        return row([name, kind.to_owned()].into_iter().chain(empty).chain([inline(why)]));
    }
    let Row { ops, unit, server_cpu_us_per_op, p50_ms, p99_ms, max_ms, wall_s, pss_kib, .. } =
        &measurement.row;
    let done = format!("{} {unit}{}", grouped(*ops), if *ops == 1 { "" } else { "s" });
    let figures = [*server_cpu_us_per_op, *p50_ms, *p99_ms, *max_ms, *wall_s].map(told);
    let held = pss_kib.map_or_else(|| "-".into(), |kib| shown(float(kib) / 1024.0));
    row([name, done].into_iter().chain(figures).chain([held, notes(&measurement.row.notes)]))
}

fn disk(outcome: &Outcome) -> String {
    let told = |octets: u64| format!("{} MB on the disk behind `fill`", grouped(octets / 1_000_000));
    outcome.disks.last().map_or_else(|| "the disk was not looked at".into(), |disk| told(disk.octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million and a crowd, made small: one row was wrong.
    const RESULT: &str = include_str!("scale-fixture.jsonl");

    #[test]
    fn each_measurement_has_a_line_with_what_was_held() {
        let section = section(&Outcome::read(RESULT).unwrap());
        for line in [
            "| resync: SELECT, after a restart | 1 select | 9,000 | 12.3 | 12.3 | 12.3 | 0.0123 | 40.0 | 3.00 MiB more |\n",
            "| idle: 15000 sessions | 15,000 sessions | 400 | 5.00 | 9.00 | 20.0 | 60.0 | 250 | 15.5 KiB for one more (PSS), 20.0 KiB of the kernel for both ends |\n",
            "| idle: 15000 sessions come back | WRONG |  |  |  |  |  |  | session 7 is not there any more |\n",
        ] {
            assert!(section.contains(line), "{line}{section}");
        }
        assert!(
            section.contains("gatepost 0.1.0 alone, by `bench/compare.sh --scale`: a mailbox of 1,000,000")
        );
        assert!(section.contains("load 1.5 to 3.0 on 2 processors; 4,321 MB on the disk"), "{section}");
    }
}
