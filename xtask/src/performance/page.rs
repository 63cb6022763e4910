//! `docs/performance.md`.

use super::figures::{Cell, Figures, Line, Numbers, ratio};
use super::result::{Limits, Outcome, Server};
use serde_json::{Map, Value};

/// The whole page. `charts` are files in `performance/`, `scale` the part on much mail and many sessions.
pub(crate) fn page(outcome: &Outcome, figures: &Figures, charts: &[&str], scale: &str) -> String {
    let page = Page { outcome, figures, largest: outcome.largest() };
    let parts = [
        page.opening(),
        charts.iter().map(|name| chart(name)).collect(),
        page.costs(),
        page.scale(),
        scale.to_owned(),
        page.held(),
        page.details(),
        page.remarks(),
        page.fairness(),
        page.machine(),
        page.servers(),
    ];
    parts.iter().filter(|part| !part.is_empty()).map(|part| part.trim_end()).collect::<Vec<_>>().join("\n\n")
        + "\n"
}

/// A table of what was measured with several sizes of the mailbox, a column for each; nothing where there is one size.
pub(crate) fn growth(outcome: &Outcome, figures: &Figures) -> String {
    let (sizes, largest) = (&outcome.run.messages, outcome.largest());
    if sizes.len() < 2 {
        return String::new();
    }
    let is_scaled = |line: &Line| {
        let mut others = sizes.iter().filter(|size| **size != largest);
        others.any(|size| figures.find(&line.workload, &line.variant, *size).is_some())
    };
    let mut text = head(&["", "server"], sizes.iter().map(|size| grouped(*size)).collect());
    for line in figures.with(largest).filter(|line| is_scaled(line)) {
        for server in &outcome.servers {
            let cells = sizes.iter().map(|size| {
                let line = figures.find(&line.workload, &line.variant, *size);
                told(line.and_then(|line| line.cpu(&server.server)))
            });
            let what = format!("{}, a {}", line.name(), line.unit);
            text += &row([what, server.title()].into_iter().chain(cells));
        }
    }
    text
}

struct Page<'a> {
    outcome: &'a Outcome,
    figures: &'a Figures,
    /// Messages in the mailbox that everything was measured with.
    largest: u64,
}

/// Names of notes that are told, and how.
const NOTES: [(&str, &str, &str); 12] = [
    ("pss_kib_per_session", "", " KiB a session (PSS)"),
    ("rss_kib_per_session", "", " KiB a session (RSS)"),
    ("pss_kib_per_further_session", "", " KiB for one more (PSS)"),
    ("kernel_kib_per_session", "", " KiB of the kernel for both ends"),
    ("resting_cpu_ms_per_s", "", " ms CPU a second at rest"),
    ("append_ok_p50_ms", "APPEND itself ", " ms"),
    ("handshake_p50_ms", "handshake ", " ms"),
    ("select_ms", "SELECT ", " ms"),
    ("hits", "", " hits"),
    ("pss_kib_more", "", " MiB more"),
    ("restart_ms", "greets ", " ms after it was killed"),
    ("turned_away", "", " times somebody was asked to come again"),
];

impl Page<'_> {
    fn opening(&self) -> String {
        let names: Vec<_> = self.outcome.servers.iter().map(Server::title).collect();
        let kind = match self.outcome.run.limits {
            Limits::Quick => {
                "**This is a quick run** (`bench/compare.sh --quick`): small numbers, few rounds. It shows that the \
                 comparison works, and roughly where each server stands.\n\n"
            }
            Limits::Usual | Limits::Scale => "",
        };
        format!(
            "# Performance\n\n<!-- Written by `cargo xtask performance` from docs/performance/result.jsonl. -->\n\n\
             {} side by side on one machine, measured by [`gatepost bench`](guide/bench.md), which compares every answer \
             with what it has to be. To repeat it:\n\n    bench/compare.sh\n    cargo xtask performance compare-DATE.jsonl\n\n\
             {kind}Servers take turns, workload by workload and round by round. **CPU is the figure to compare**: what a \
             server used for one operation, all its processes together, counted by the kernel. Of the rounds the least \
             counts, for what else runs on a machine only ever adds to it. Times and rates are the median of the rounds; \
             they depend on the disk and on what else ran (load {}). Where an answer was wrong it says WRONG, and there \
             are no figures.",
            and(&names),
            self.load(),
        )
    }

    fn load(&self) -> String {
        let (least, most) = self.outcome.load();
        format!("{least:.1} to {most:.1} on {} processors", self.outcome.run.cores)
    }

    /// CPU of everything at a glance.
    fn costs(&self) -> String {
        let mut text = format!(
            "## CPU for one operation, in µs\n\nIn brackets: how many times as much as {}. The large mailbox has {} \
             messages.\n\n{}",
            self.base().title(),
            grouped(self.largest),
            head(&["", "operation"], self.titles())
        );
        for line in self.figures.with(self.largest).filter(|line| self.has_costs(line)) {
            let cells = self.outcome.servers.iter().map(|server| self.cost(line, server));
            text += &row([line.name(), line.unit.clone()].into_iter().chain(cells));
        }
        text
    }

    /// Not where nobody's CPU was counted, though all was right.
    fn has_costs(&self, line: &Line) -> bool {
        let says = |cell: &Cell| match cell {
            Cell::Right(numbers) => numbers.cpu_us.is_some(),
            Cell::Wrong(_) | Cell::Skipped(_) => true,
            Cell::Unasked => false,
        };
        self.outcome.servers.iter().any(|server| says(line.cell(&server.server)))
    }

    fn cost(&self, line: &Line, server: &Server) -> String {
        match line.cell(&server.server) {
            Cell::Wrong(_) => "WRONG".into(),
            Cell::Skipped(_) => "not there".into(),
            Cell::Unasked => "-".into(),
            Cell::Right(numbers) => {
                let cost = told(numbers.cpu_us);
                let base = line.cpu(&self.base().server).filter(|_| server.server != self.base().server);
                ratio(numbers.cpu_us, base)
                    .map_or_else(|| cost.clone(), |times| format!("{cost} ({}×)", shown(times)))
            }
        }
    }

    /// The same with other sizes of the mailbox.
    fn scale(&self) -> String {
        match growth(self.outcome, self.figures) {
            table if table.is_empty() => table,
            table => format!(
                "## How it grows with the mailbox\n\nCPU for one operation, in µs, by messages in it.\n\n{table}"
            ),
        }
    }

    /// Memory of sessions is among the details; here is the disk.
    fn held(&self) -> String {
        if self.outcome.disks.is_empty() {
            return String::new();
        }
        let mut text = "## Disk, in MB\n\nAll that a server keeps after `fill`, which is done one size after the other, so \
                        that each line has the mail of those above it as well.\n\n"
            .to_owned();
        text += &head(&["messages"], self.titles());
        for size in &self.outcome.run.messages {
            let cells = self.outcome.servers.iter().map(|server| {
                let mut disks = self.outcome.disks.iter().filter(|disk| disk.messages == *size);
                let disk = disks.find(|disk| disk.server == server.server);
                disk.map_or_else(|| "-".into(), |disk| grouped(disk.octets / 1_000_000))
            });
            text += &row([grouped(*size)].into_iter().chain(cells));
        }
        text
    }

    /// A table for each workload.
    fn details(&self) -> String {
        let mut text = "## Workload by workload\n\nWhat each does is said in [the guide](guide/bench.md#what-is-measured).".to_owned();
        for workload in self.figures.workloads(self.largest) {
            let head = head(
                &["", "server"],
                ["CPU µs", "p50 ms", "p99 ms", "/s", "×", "MB/s"].map(String::from).to_vec(),
            );
            let head = head.replacen(" MB/s |", " MB/s | |", 1).replacen("--:|\n", "--:|---|\n", 1);
            text += &format!("\n\n### {workload}\n\n{head}");
            for line in self.figures.with(self.largest).filter(|line| line.workload == workload) {
                self.outcome.servers.iter().for_each(|server| text += &self.detail(line, server));
            }
            text.truncate(text.trim_end().len());
        }
        text
    }

    fn detail(&self, line: &Line, server: &Server) -> String {
        let what = if line.variant.is_empty() { line.workload.clone() } else { line.variant.clone() };
        let begin = [what, server.title()].into_iter();
        let nothing =
            |why: &str| row(begin.clone().chain([why.to_owned()]).chain((0..6).map(|_| String::new())));
        let numbers = match line.cell(&server.server) {
            Cell::Wrong(_) => return nothing("WRONG"),
            Cell::Skipped(_) => return nothing("not there"),
            Cell::Unasked => return nothing("-"),
            Cell::Right(numbers) => numbers,
        };
        let base = line.numbers(&self.base().server).and_then(|base| base.ops_per_s);
        let Numbers { cpu_us, p50_ms, p99_ms, ops_per_s, mb_per_s, .. } = numbers;
        let figures = [*cpu_us, *p50_ms, *p99_ms, *ops_per_s, ratio(*ops_per_s, base), *mb_per_s].map(told);
        row(begin.chain(figures).chain([notes(&numbers.notes)]))
    }

    /// Why there are no figures.
    fn remarks(&self) -> String {
        let mut remarks = Vec::new();
        for line in &self.figures.lines {
            for server in &self.outcome.servers {
                let (kind, why) = match line.cell(&server.server) {
                    Cell::Wrong(why) => ("WRONG", why),
                    Cell::Skipped(why) => ("not there", why),
                    Cell::Right(_) | Cell::Unasked => continue,
                };
                let (name, title, size) = (line.name(), server.title(), grouped(line.messages));
                remarks.push(format!("- {title}, {name}, {size} messages: {kind}: {}", inline(why)));
            }
        }
        if remarks.is_empty() {
            String::new()
        } else {
            format!("## Where there are no figures\n\n{}", remarks.join("\n"))
        }
    }

    fn fairness(&self) -> String {
        let knows = |about: &str| {
            let (name, setting) = about.split_once('/').unwrap_or((about, ""));
            let mut servers = self.outcome.servers.iter();
            servers.any(|server| server.server == name && server.config.contains(setting))
        };
        let points = FAIRNESS.iter().filter(|(about, _)| about.is_empty() || knows(about));
        let points: Vec<_> = points.map(|(_, point)| format!("- {point}")).collect();
        format!("## What is not alike\n\n{}", points.join("\n"))
    }

    fn machine(&self) -> String {
        let run = &self.outcome.run;
        let took = self.outcome.end.as_ref().map_or_else(
            || "The run was ended early.".into(),
            |end| {
                format!(
                    "The run took {} min; a sync took {} µs at its end.",
                    end.took_s.div_ceil(60),
                    shown(end.sync_us)
                )
            },
        );
        let sizes: Vec<_> = run.messages.iter().map(|size| grouped(*size)).collect();
        format!(
            "## The machine, and the run\n\n{}, {} processors, {:.1} GiB of memory, {}, {}. A write of 4 KiB with its sync \
             (O_DSYNC) took {} µs in the mean. {took} {}; {}; {} s for what is bounded by time; {} users; large mailboxes \
             of {} messages, 6.5 KB in the mean; load {}. CPU was counted by {}. {}",
            run.cpu,
            run.cores,
            float(run.memory_kib) / f64::from(1 << 20),
            run.kernel,
            run.filesystem,
            shown(run.sync_us),
            run.date,
            if run.rounds == 1 { "one round".to_owned() } else { format!("{} rounds", run.rounds) },
            run.seconds,
            run.users,
            and(&sizes),
            self.load(),
            run.counted,
            inline(&run.remark),
        )
    }

    fn servers(&self) -> String {
        let mut text = "## Versions and configurations".to_owned();
        for server in &self.outcome.servers {
            text += &format!(
                "\n\n<details><summary>{}</summary>\n\n```\n{}\n```\n\n</details>",
                inline(&server.version),
                server.config.trim_end()
            );
        }
        text
    }

    /// The one that others are compared with.
    fn base(&self) -> &Server {
        // A result without servers is none.
        self.outcome.servers.first().expect("Outcome::read refuses a result without servers")
    }

    fn titles(&self) -> Vec<String> {
        self.outcome.servers.iter().map(Server::title).collect()
    }
}

/// What a reader must know to judge the figures: of which server, behind a slash where it is set up so, or of the whole.
const FAIRNESS: &[(&str, &str)] = &[
    (
        "",
        "Load generator and server share the machine. Times and rates are lower than those of the server alone; its CPU is not.",
    ),
    (
        "",
        "A kernel works for a server also where nobody is charged for it: the interrupts of disk and network are in no figure.",
    ),
    (
        "",
        "All do the same handshake, in full: TLS 1.3, X25519, one P-256 certificate. Who supports X25519MLKEM768 would \
         choose it otherwise, and pay for it.",
    ),
    (
        "",
        "Before `idle` each server is started anew. What it takes once, for the first who come, is charged to the \
         sessions: the more of them there are, the less that is for each.",
    ),
    (
        "",
        "Nobody has an index of words. With one a SEARCH for a word is fast, and for a part of one it is wrong or slow.",
    ),
    (
        "dovecot",
        "Dovecot syncs less: in its usual setting (`mail_fsync = optimized`) mail that comes in is synced before its OK, \
         and flags and expunges are not. A power cut takes them back.",
    ),
    (
        "dovecot",
        "Dovecot is measured with mdbox, the format of its own for large installations, and without hibernation.",
    ),
    ("dovecot", "Dovecot and Cyrus have the passwords in the clear here, which costs nothing to compare."),
    (
        "cyrus",
        "Cyrus has a setting that is not its usual one: `tls_eccurve`, for the same handshake as the others.",
    ),
    (
        "cyrus/duplicatesuppression: no",
        "Cyrus does not look for Message-IDs that it has delivered before (`duplicatesuppression`), which it usually does.",
    ),
    (
        "gatepost",
        "Gatepost keeps Argon2id hashes, and remembers for five minutes that a password was right. `login` is mostly of \
         users that are remembered; whoever is not costs a hash more. A hash takes 19 MiB while it is made, and with few sessions that is \
         most of what `idle` shows for each.",
    ),
    (
        "gatepost/literal_plus",
        "Gatepost has a setting that is not its usual one: `limits.literal_plus`, so that messages need not ask before \
         they come, as with the others. Where each of many asks, that costs a round trip more for each.",
    ),
    ("gatepost", "Gatepost compresses mail when it comes in, and syncs everything before its OK."),
];

fn chart(name: &str) -> String {
    format!("![{}](performance/{name})\n\n", name.trim_end_matches(".svg").replace('-', " "))
}

pub(crate) fn notes(notes: &Map<String, Value>) -> String {
    let told = |(name, before, behind): &(&str, &str, &str)| {
        let value = notes.get(*name).and_then(Value::as_f64)?;
        if name.ends_with("_kib_per_session") && value == 0.0 {
            return Some("too little memory to see".to_owned());
        }
        let value = match *name {
            "hits" | "turned_away" => format!("{value}"),
            "pss_kib_more" => shown(value / 1024.0),
            _ => shown(value),
        };
        Some(format!("{before}{value}{behind}"))
    };
    NOTES.iter().filter_map(told).collect::<Vec<_>>().join(", ")
}

fn head(words: &[&str], figures: Vec<String>) -> String {
    let lines = "---|".repeat(words.len()) + &"--:|".repeat(figures.len());
    format!("{}|{lines}\n", row(words.iter().map(|word| (*word).to_owned()).chain(figures)))
}

pub(crate) fn row(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<_> = cells.map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A text of elsewhere in one line, in which nothing is markup.
pub(crate) fn inline(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

pub(crate) fn told(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".into(), shown)
}

/// Three digits: more are noise.
pub(crate) fn shown(figure: f64) -> String {
    match figure {
        0.0 => "0".into(),
        100.0.. => grouped(whole(figure)),
        10.0.. => format!("{figure:.1}"),
        1.0.. => format!("{figure:.2}"),
        0.1.. => format!("{figure:.3}"),
        _ => format!("{figure:.4}"),
    }
}

/// 12,345.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it saturates, and no figure is so large"
)]
fn whole(figure: f64) -> u64 {
    figure.round().max(0.0) as u64
}

#[expect(clippy::cast_precision_loss, reason = "figures have three digits")]
pub(crate) const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::super::tests::RESULT;
    use super::*;

    fn written() -> String {
        let outcome = Outcome::read(RESULT).unwrap();
        page(&outcome, &Figures::of(&outcome), &["cpu.svg"], "## Much mail\n")
    }

    #[test]
    fn costs_stand_beside_each_other_with_their_ratio() {
        let page = written();
        assert!(page.contains("| login: 1 at once | login | 800 | WRONG | 80.0 (0.100×) |\n"), "{page}");
        assert!(
            page.contains("| sync: after a restart | message | 12.0 | 2.90 (0.242×) | 0.900 (0.0750×) |\n"),
            "{page}"
        );
        assert!(page.contains("| lmtp |  | not there | - | - |\n"), "{page}");
    }

    #[test]
    fn details_have_all_figures_and_what_else_was_found() {
        let page = written();
        assert!(
            page.contains("| 1 at once | Gatepost | 80.0 | 0.600 | 1.00 | 500 | 1.00 | - |  |\n"),
            "{page}"
        );
        assert!(page.contains("9.50 KiB a session (PSS), 0.100 ms CPU a second at rest |\n"), "{page}");
        let columns =
            |line: &str| line.matches(" |").count() + line.matches("-|").count() + line.matches(":|").count();
        let table: Vec<_> = page.lines().skip_while(|line| *line != "### login").skip(2).take(5).collect();
        assert!(table.iter().all(|line| columns(line) == 9), "{table:?}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_reason() {
        let page = written();
        let remark = "- Cyrus, login: 1 at once, 1,000 messages: WRONG: a wrong password was right\n";
        assert!(page.contains(remark), "{page}");
        assert!(
            page.contains("Cyrus, resync: SELECT, 1,000 messages: WRONG: no figures (1): lost"),
            "{page}"
        );
    }

    #[test]
    fn growth_has_a_column_for_each_size() {
        let page = written();
        assert!(page.contains("|  | server | 100 | 1,000 |\n"), "{page}");
        assert!(page.contains("| sync: first, a message | Dovecot | 39.0 | 20.0 |\n"), "{page}");
        assert!(page.contains("| 1,000 | 9 | 9 | 4 |\n"), "the disk: {page}");
        assert!(page.contains("\n\n## Much mail\n\n## Disk"), "{page}");
    }

    #[test]
    fn the_run_is_described() {
        let page = written();
        assert!(page.contains("**This is a quick run**"), "{page}");
        assert!(page.contains("load 1.5 to 9.0 on 2 processors"), "{page}");
        assert!(page.contains("CPU was counted by control group. Much else ran.\n"), "{page}");
        assert!(page.contains("<summary>Dovecot 2.3</summary>\n\n```\nprotocols = imap\n```"), "{page}");
        assert!(page.contains("![cpu](performance/cpu.svg)"), "{page}");
        // What is true of a setting is only said where it is set.
        assert!(page.contains("`tls_eccurve`") && !page.contains("`duplicatesuppression`"), "{page}");
    }

    #[test]
    fn figures_have_three_digits() {
        let all = [0.0, 0.012_34, 0.5, 1.0, 12.34, 123.4, 12_345.6].map(shown);
        assert_eq!(all, ["0", "0.0123", "0.500", "1.00", "12.3", "123", "12,346"]);
        assert_eq!(grouped(1_000_000), "1,000,000");
        assert_eq!(inline("a\n<b>&"), "a &lt;b>&amp;");
    }
}
