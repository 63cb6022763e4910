//! Holding the index against the log that it was made from.

use crate::OpenError;
use crate::engine::Engine;
use crate::index::kv::{Key, Value};
use crate::index::tail::Generation;
use crate::log::Rot;
use crate::log::chain::Chain;
use crate::log::footer;
use crate::log::format::LogEnd;
use crate::log::replay::{read_file, replay};
use crate::log::segments::segment_name;
use crate::recovery::{index_error, take_in};
use std::collections::{BTreeMap, BTreeSet};

/// What came out when the index was made again from the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexReport {
    /// Entries of the index made again.
    pub entries: usize,
    /// Keys, in hex, that only one of the two has or that have different values.
    pub differences: Vec<String>,
    /// How many sealed segments have a table of contents that says what is in them.
    pub right_footers: usize,
    /// Sealed segments whose table of contents says something else.
    pub wrong_footers: Vec<String>,
    /// Log numbers that more than one record has.
    pub numbers_given_twice: Vec<u64>,
    /// What of the log does not read back as it was written.
    pub rot: Vec<Rot>,
}

/// Every key there can be: accounts are below `u64::MAX`.
fn everything() -> (Key, Key) {
    (Vec::new(), vec![0xff; 9])
}

pub(crate) fn compare(engine: &Engine) -> Result<IndexReport, OpenError> {
    let mut report = IndexReport::default();
    let made_again = make_again(engine, &mut report)?;
    let all = everything();
    let made_again: BTreeMap<&Key, &Value> =
        made_again.entries_in(&all).filter_map(|(key, value)| Some((key, value.as_ref()?))).collect();
    let there = engine.index.scan(std::slice::from_ref(&all), usize::MAX).map_err(index_error)?;
    let there: BTreeMap<&Key, &Value> = there.iter().flatten().map(|(key, value)| (key, value)).collect();
    let keys = made_again.keys().chain(there.keys());
    let mut differences: Vec<String> =
        keys.filter(|key| made_again.get(*key) != there.get(*key)).map(|key| hex(key)).collect();
    differences.sort();
    differences.dedup();
    (report.entries, report.differences) = (made_again.len(), differences);
    check_footers(engine, &mut report)?;
    Ok(report)
}

fn check_footers(engine: &Engine, report: &mut IndexReport) -> Result<(), OpenError> {
    for link in Chain::find(&*engine.segments.disk)?.links {
        let bytes = read_file(&engine.segments, link.header.number, 0)?;
        let Some(footer) = footer::read(&link.header, &bytes, link.end) else { continue };
        if footer.contents == footer::walk(&link.header, &bytes, footer.end) {
            report.right_footers += 1;
        } else {
            report.wrong_footers.push(segment_name(link.header.number));
        }
    }
    Ok(())
}

fn make_again(engine: &Engine, report: &mut IndexReport) -> Result<Generation, OpenError> {
    let chain = Chain::find(&*engine.segments.disk)?;
    let links = chain.from(None).unwrap_or_default();
    let mut all = Generation::default();
    let IndexReport { rot, numbers_given_twice, .. } = report;
    let mut seen = BTreeSet::new();
    replay(&engine.segments, &links, LogEnd::default(), rot, &mut |frame| {
        let numbers = frame.records.iter().map(|record| record.header.log_number);
        numbers_given_twice.extend(numbers.filter(|number| !seen.insert(*number)));
        take_in(&frame, &mut all);
    })?;
    Ok(all)
}

fn hex(key: &[u8]) -> String {
    key.iter().fold(String::new(), |text, octet| text + &format!("{octet:02x}"))
}
