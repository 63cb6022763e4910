//! From measurements to figures: rounds become one, servers stand beside each other.
//!
//! Of CPU the least of the rounds counts: what else runs on a machine only ever adds to it. Of times and rates it is the
//! median.

use super::result::{Measurement, Outcome, Row, State};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// All figures, in the order in which they were measured.
pub(crate) struct Figures {
    pub(crate) lines: Vec<Line>,
}

/// One thing that was measured, of all servers.
pub(crate) struct Line {
    pub(crate) workload: String,
    /// Which measurement of the workload; may be empty.
    pub(crate) variant: String,
    pub(crate) unit: String,
    /// Messages in the large mailbox.
    pub(crate) messages: u64,
    cells: BTreeMap<String, Cell>,
}

/// What a server came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Right(Numbers),
    /// An answer was wrong: there are no figures.
    Wrong(String),
    /// It cannot do it.
    Skipped(String),
    /// It was not asked.
    Unasked,
}

/// Figures of right answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) cpu_us: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) ops_per_s: Option<f64>,
    pub(crate) mb_per_s: Option<f64>,
    /// Of the first round: what is found out there is mostly no figure.
    pub(crate) notes: Map<String, Value>,
}

impl Line {
    pub(crate) fn cell(&self, server: &str) -> &Cell {
        self.cells.get(server).unwrap_or(&Cell::Unasked)
    }

    pub(crate) fn numbers(&self, server: &str) -> Option<&Numbers> {
        match self.cell(server) {
            Cell::Right(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// CPU of one operation, where it was counted: less than nothing is measured of nobody.
    pub(crate) fn cpu(&self, server: &str) -> Option<f64> {
        self.numbers(server)?.cpu_us.filter(|cpu| *cpu > 0.0)
    }

    /// What stands for it in a list.
    pub(crate) fn name(&self) -> String {
        if self.variant.is_empty() {
            self.workload.clone()
        } else {
            format!("{}: {}", self.workload, self.variant)
        }
    }
}

/// Workload, variant, messages.
type Key = (String, String, u64);

impl Figures {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let mut order: Vec<(Key, String)> = Vec::new();
        let mut rounds: BTreeMap<(Key, String), Vec<&Row>> = BTreeMap::new();
        let mut failures: BTreeMap<(String, u64, String), Cell> = BTreeMap::new();
        for measurement in &outcome.measurements {
            let Measurement { server, messages, row, .. } = measurement;
            if let Some(cell) = failure(row) {
                failures.insert((row.workload.clone(), *messages, server.clone()), cell);
                continue;
            }
            let Some(variant) = variant(measurement) else { continue };
            let key = (row.workload.clone(), variant, *messages);
            if !order.iter().any(|(known, _)| *known == key) {
                order.push((key.clone(), row.unit.clone()));
            }
            rounds.entry((key, server.clone())).or_default().push(row);
        }
        keep_together(&mut order, &failures);
        let line = |(key, unit): (Key, String)| {
            let cell = |server: &str| {
                let failed = failures.get(&(key.0.clone(), key.2, server.to_owned()));
                let measured = rounds.get(&(key.clone(), server.to_owned())).map(|rows| merge(rows));
                failed.cloned().or(measured)
            };
            let servers = outcome.servers.iter().map(|server| server.server.as_str());
            let cells = servers.filter_map(|server| Some((server.to_owned(), cell(server)?))).collect();
            let (workload, variant, messages) = key.clone();
            Line { workload, variant, unit, messages, cells }
        };
        Self { lines: order.into_iter().map(line).collect() }
    }

    /// Those of a size of the large mailbox.
    pub(crate) fn with(&self, messages: u64) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.messages == messages)
    }

    /// Workloads that were measured with a size of the large mailbox.
    pub(crate) fn workloads(&self, messages: u64) -> Vec<&str> {
        let mut workloads: Vec<_> = self.with(messages).map(|line| line.workload.as_str()).collect();
        workloads.dedup();
        workloads
    }

    /// One of them.
    pub(crate) fn find(&self, workload: &str, variant: &str, messages: u64) -> Option<&Line> {
        self.with(messages).find(|line| line.workload == workload && line.variant == variant)
    }
}

/// Lines of a workload stand together, also where the first server could not do a part of it; a workload that nobody could
/// do has a line that says so.
fn keep_together(order: &mut Vec<(Key, String)>, failures: &BTreeMap<(String, u64, String), Cell>) {
    for (workload, messages, _) in failures.keys() {
        if !order.iter().any(|((known, _, size), _)| known == workload && size == messages) {
            order.push(((workload.clone(), String::new(), *messages), String::new()));
        }
    }
    let workloads: Vec<_> = order.iter().map(|((workload, ..), _)| workload.clone()).collect();
    order.sort_by_key(|((workload, ..), _)| workloads.iter().position(|known| known == workload));
}

/// A row that tells of a whole workload that there are no figures of it.
fn failure(row: &Row) -> Option<Cell> {
    let is_empty = row.variant.is_empty() && row.ops_per_s.unwrap_or_default() == 0.0;
    match (&row.skipped, row.wrong.first()) {
        (Some(why), _) if is_empty => Some(Cell::Skipped(why.clone())),
        (_, Some(why)) if is_empty => Some(Cell::Wrong(why.clone())),
        _ => None,
    }
}

/// The variant's name. What is first in a round is only first in the first: later it stands for itself where the server has
/// been started anew, and for nothing otherwise.
pub(crate) fn variant(measurement: &Measurement) -> Option<String> {
    let variant = &measurement.row.variant;
    match (measurement.state, variant.strip_suffix("first")) {
        (State::First, _) | (_, None) => Some(variant.clone()),
        (State::Restarted, Some(before)) => Some(format!("{before}after a restart")),
        (State::Later, Some(_)) => None,
    }
}

fn merge(rows: &[&Row]) -> Cell {
    if let Some(why) = rows.iter().flat_map(|row| &row.wrong).next() {
        return Cell::Wrong(why.clone());
    }
    if let Some(why) = rows.iter().filter_map(|row| row.skipped.as_ref()).next() {
        return Cell::Skipped(why.clone());
    }
    let all = |figure: fn(&Row) -> Option<f64>| rows.iter().filter_map(|row| figure(row)).collect::<Vec<_>>();
    Cell::Right(Numbers {
        cpu_us: least(&all(|row| row.server_cpu_us_per_op)),
        p50_ms: median(all(|row| row.p50_ms)),
        p99_ms: median(all(|row| row.p99_ms)),
        ops_per_s: median(all(|row| row.ops_per_s)),
        mb_per_s: median(all(|row| row.mb_per_s)).filter(|rate| *rate > 0.0),
        notes: rows.first().map(|row| row.notes.clone()).unwrap_or_default(),
    })
}

fn least(figures: &[f64]) -> Option<f64> {
    figures.iter().copied().min_by(f64::total_cmp)
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let upper = *figures.get(middle)?;
    if figures.len() % 2 == 1 {
        return Some(upper);
    }
    figures.get(middle.checked_sub(1)?).map(|lower| f64::midpoint(*lower, upper))
}

/// How many times as much.
pub(crate) fn ratio(figure: Option<f64>, base: Option<f64>) -> Option<f64> {
    let base = base.filter(|base| *base > 0.0)?;
    figure.map(|figure| figure / base)
}

#[cfg(test)]
mod tests {
    use super::super::tests::RESULT;
    use super::*;

    fn figures() -> Figures {
        Figures::of(&Outcome::read(RESULT).unwrap())
    }

    fn line<'a>(figures: &'a Figures, workload: &str, variant: &str) -> &'a Line {
        figures.find(workload, variant, 1_000).unwrap()
    }

    #[test]
    fn of_cpu_the_least_counts_and_of_the_rest_the_median() {
        let figures = figures();
        let numbers = line(&figures, "login", "1 at once").numbers("dovecot").unwrap();
        assert_eq!(
            (numbers.cpu_us, numbers.p50_ms, numbers.ops_per_s),
            (Some(800.0), Some(2.0), Some(500.0))
        );
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn what_is_wrong_once_is_wrong() {
        let figures = figures();
        let cell = line(&figures, "login", "1 at once").cell("cyrus");
        assert_eq!(*cell, Cell::Wrong("a wrong password was right".into()));
        assert_eq!(line(&figures, "login", "1 at once").cpu("cyrus"), None);
    }

    #[test]
    fn a_workload_that_failed_has_no_figures_whatever_its_variant() {
        let figures = figures();
        let cell = |variant: &str, server: &str| line(&figures, "resync", variant).cell(server).clone();
        assert_eq!(cell("SELECT", "cyrus"), Cell::Wrong("no figures (1): lost".into()));
        assert_eq!(cell("SELECT with QRESYNC", "cyrus"), Cell::Wrong("no figures (1): lost".into()));
        assert!(matches!(cell("SELECT", "gatepost"), Cell::Right(_)));
        let nobodys = line(&figures, "lmtp", "").cell("dovecot").clone();
        assert_eq!(nobodys, Cell::Skipped("LMTP: nobody said where it takes it (--lmtp)".into()));
        assert_eq!(*line(&figures, "lmtp", "").cell("gatepost"), Cell::Unasked);
    }

    #[test]
    fn the_first_time_is_only_once_and_restarts_stand_for_themselves() {
        let figures = figures();
        let cpu = |variant: &str| line(&figures, "sync", variant).cpu("dovecot");
        assert_eq!((cpu("first"), cpu("after a restart"), cpu("again")), (Some(20.0), Some(12.0), Some(9.0)));
        let search = line(&figures, "search", "UNSEEN, first").cpu("dovecot");
        assert_eq!(search, Some(50.0), "the second round's is not the first, though it is less");
    }

    #[test]
    fn sizes_are_kept_apart_and_workloads_together() {
        let figures = figures();
        assert_eq!(figures.find("sync", "first", 100).unwrap().cpu("dovecot"), Some(39.0));
        assert_eq!(figures.workloads(1_000), ["login", "sync", "search", "resync", "idle", "lmtp"]);
    }

    #[test]
    fn a_ratio_needs_two_figures() {
        assert_eq!(ratio(Some(1.0), Some(4.0)), Some(0.25));
        assert_eq!((ratio(None, Some(4.0)), ratio(Some(1.0), Some(0.0))), (None, None));
    }
}
