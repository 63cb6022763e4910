//! What a measurement came to, as a row for people and as JSON for programs.

use crate::latency::Latencies;
use crate::meter::Measured;
use crate::workload::Workload;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// The form of the JSON; it goes up when a field changes its meaning or goes.
pub const FORM: u32 = 1;

/// Reasons that a row names; of more it says how many.
const NAMED: u64 = 10;

/// One measurement. Its fields are the fields of the JSON; what was not measured is null.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// [`FORM`].
    pub form: u32,
    /// Which workload.
    pub workload: &'static str,
    /// Which measurement of it.
    pub variant: String,
    /// What one operation is.
    pub unit: &'static str,
    /// How many were done.
    pub ops: u64,
    /// How long they took together, in seconds.
    pub wall_s: f64,
    /// How many were done in a second.
    pub ops_per_s: f64,
    /// Octets of mail that went to the server, or all octets that came from it, in millions.
    pub mb: f64,
    /// How many millions of them in a second.
    pub mb_per_s: f64,
    /// Half of the operations took no longer, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<f64>,
    /// The longest took so long.
    pub max_ms: Option<f64>,
    /// CPU that the server used for one operation, in microseconds.
    pub server_cpu_us_per_op: Option<f64>,
    /// CPU that it used in all, in seconds.
    pub server_cpu_s: Option<f64>,
    /// CPU that this program used, in seconds.
    pub client_cpu_s: f64,
    /// Memory of the server's processes afterwards, what is shared by its share, in KiB.
    pub pss_kib: Option<u64>,
    /// The same, what is shared in full for each.
    pub rss_kib: Option<u64>,
    /// How many processes the server has.
    pub processes: Option<u64>,
    /// What was wrong with the server's answers; empty where nothing was. Figures of a row with something here are none.
    pub wrong: Vec<String>,
    /// Why it was not measured, which is no fault of the server's.
    pub skipped: Option<String>,
    /// What else was found out, by name.
    pub notes: Map<String, Value>,
}

impl Row {
    pub(crate) fn new(workload: Workload, variant: impl Into<String>) -> Self {
        let about = workload.about();
        Self {
            form: FORM,
            workload: about.name,
            variant: variant.into(),
            unit: about.unit,
            ops: 0,
            wall_s: 0.0,
            ops_per_s: 0.0,
            mb: 0.0,
            mb_per_s: 0.0,
            p50_ms: None,
            p99_ms: None,
            max_ms: None,
            server_cpu_us_per_op: None,
            server_cpu_s: None,
            client_cpu_s: 0.0,
            pss_kib: None,
            rss_kib: None,
            processes: None,
            wrong: Vec::new(),
            skipped: None,
            notes: Map::new(),
        }
    }

    pub(crate) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub(crate) fn measured(mut self, measured: Measured, ops: u64, octets: u64) -> Self {
        self.ops = ops;
        self.wall_s = rounded(measured.wall.as_secs_f64());
        self.ops_per_s = rate(ops, measured.wall);
        self.mb = rounded(float(octets) / 1e6);
        self.mb_per_s = rounded(float(octets) / 1e6 / measured.wall.as_secs_f64().max(1e-9));
        self.client_cpu_s = rounded(measured.client_cpu.as_secs_f64());
        if let Some(cpu) = measured.server_cpu {
            self.server_cpu_s = Some(rounded(cpu.as_secs_f64()));
            self.server_cpu_us_per_op = Some(rounded(cpu.as_secs_f64() * 1e6 / float(ops.max(1))));
        }
        if let Some(memory) = measured.memory {
            self.pss_kib = Some(memory.pss_kib);
            self.rss_kib = Some(memory.rss_kib);
            self.processes = Some(memory.processes);
        }
        self
    }

    pub(crate) fn took(mut self, latencies: &Latencies) -> Self {
        self.p50_ms = latencies.percentile(50).map(milliseconds);
        self.p99_ms = latencies.percentile(99).map(milliseconds);
        self.max_ms = latencies.longest().map(milliseconds);
        self
    }

    pub(crate) fn wrong(mut self, wrongs: Wrongs) -> Self {
        self.wrong.extend(wrongs.named);
        if wrongs.count > NAMED {
            self.wrong.push(format!("and {} more", wrongs.count - NAMED));
        }
        self
    }

    pub(crate) fn note(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.notes.insert(name.into(), value.into());
        self
    }

    /// Of several measurements of the same the one with the least CPU, or else the fastest: what else ran on the machine
    /// only ever adds to them. What was wrong in any of them is wrong in it.
    pub(crate) fn best(rows: Vec<Self>) -> Option<Self> {
        let rounds = rows.len();
        let wrong: Vec<_> = rows.iter().flat_map(|row| row.wrong.clone()).collect();
        let cost = |row: &Self| row.server_cpu_us_per_op.unwrap_or(row.wall_s);
        let best = rows.into_iter().min_by(|one, two| cost(one).total_cmp(&cost(two)))?;
        let best = Self { wrong, ..best };
        Some(if rounds > 1 { best.note("best_of", rounds) } else { best })
    }

    /// The measurement's figures as they stand in a table: the cells of [`Row::HEAD`].
    #[must_use]
    pub fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.workload.to_owned(), self.variant.clone()];
        if self.skipped.is_some() || !self.wrong.is_empty() {
            cells.push(if self.wrong.is_empty() { "skipped" } else { "WRONG" }.into());
            return cells;
        }
        let told = |figure: Option<f64>| figure.map_or_else(|| "-".into(), shown);
        cells.push(format!("{} {}", self.ops, plural(self.unit, self.ops)));
        cells.extend([Some(self.ops_per_s), Some(self.mb_per_s).filter(|rate| *rate > 0.0)].map(told));
        cells.extend([self.server_cpu_us_per_op, self.p50_ms, self.p99_ms, self.max_ms].map(told));
        cells.push(told(self.pss_kib.map(|kib| float(kib) / 1024.0)));
        cells.push(self.notes.iter().map(|(name, value)| note(name, value)).collect::<Vec<_>>().join("; "));
        cells
    }

    /// What is to be said below the table: why there are no figures.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let name = if self.variant.is_empty() { String::new() } else { format!(", {}", self.variant) };
        let remark = |kind: &str, why: &String| format!("{}{name}: {kind}: {why}", self.workload);
        let skipped = self.skipped.iter().map(|why| remark("skipped", why));
        skipped.chain(self.wrong.iter().map(|why| remark("WRONG", why))).collect()
    }

    /// What stands over the cells.
    pub const HEAD: [&str; 11] =
        ["workload", "", "done", "/s", "MB/s", "CPU us each", "p50 ms", "p99 ms", "max ms", "PSS MiB", ""];
}

fn note(name: &str, value: &Value) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{} {value}", name.replace('_', " "))
}

fn plural(unit: &str, count: u64) -> String {
    match unit {
        _ if count == 1 => unit.to_owned(),
        "search" => "searches".to_owned(),
        _ => format!("{unit}s"),
    }
}

/// Answers that were not what they had to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrongs {
    named: Vec<String>,
    count: u64,
}

impl Wrongs {
    /// Says what is wrong, unless it is right.
    pub(crate) fn check(&mut self, is_right: bool, what: impl FnOnce() -> String) {
        if !is_right {
            self.say(what());
        }
    }

    pub(crate) fn say(&mut self, what: String) {
        self.count += 1;
        if self.count <= NAMED {
            self.named.push(what);
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn merge(&mut self, other: Self) {
        let unnamed = other.count - other.named.len() as u64;
        other.named.into_iter().for_each(|what| self.say(what));
        self.count += unnamed;
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3)
}

pub(crate) fn rate(ops: u64, wall: Duration) -> f64 {
    rounded(float(ops) / wall.as_secs_f64().max(1e-9))
}

/// Four digits: more are noise.
pub(crate) fn rounded(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return 0.0;
    }
    format!("{figure:.3e}").parse().unwrap_or(figure)
}

/// Three digits at least, and whole numbers in full.
fn shown(figure: f64) -> String {
    match figure {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        1.0.. => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures have four digits")]
pub(crate) const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let measured = Measured {
            wall: Duration::from_millis(2_000),
            server_cpu: Some(Duration::from_micros(123_456)),
            ..Measured::default()
        };
        Row::new(Workload::Login, "x").measured(measured, 1_000, 5_000_000)
    }

    #[test]
    fn figures_are_by_the_operation() {
        let row = row();
        assert_eq!((row.ops_per_s, row.mb_per_s, row.mb), (500.0, 2.5, 5.0));
        assert_eq!((row.server_cpu_us_per_op, row.server_cpu_s), (Some(123.5), Some(0.1235)));
        assert_eq!(row.p50_ms, None);
    }

    #[test]
    fn a_wrong_answer_stands_where_the_figures_would() {
        let mut wrongs = Wrongs::default();
        wrongs.check(true, || unreachable!());
        (0..13).for_each(|number| wrongs.check(number == 99, || format!("number {number}")));
        let mut all = Wrongs::default();
        all.merge(wrongs);
        let row = row().wrong(all);
        assert_eq!(row.wrong.len(), 11);
        assert_eq!(row.wrong[10], "and 3 more");
        assert_eq!(row.cells()[2..], ["WRONG"]);
        assert_eq!(row.remarks()[0], "login, x: WRONG: number 0");
    }

    #[test]
    fn a_row_has_as_many_cells_as_the_head() {
        assert_eq!(row().cells().len(), Row::HEAD.len());
        assert_eq!(row().cells()[2], "1000 logins");
    }

    #[test]
    fn the_manual_names_every_field() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/bench.md");
        let page = std::fs::read_to_string(page).unwrap();
        let json = serde_json::to_value(row()).unwrap();
        for field in json.as_object().unwrap().keys() {
            assert!(page.contains(&format!("| `{field}` |")), "{field}");
        }
    }

    #[test]
    fn figures_have_four_digits() {
        assert_eq!(rounded(123_456.0), 123_500.0);
        assert_eq!(rounded(0.000_123_456), 0.000_123_5);
        assert_eq!(rounded(0.0), 0.0);
    }
}
