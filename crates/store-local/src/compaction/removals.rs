//! What removed what is missing: looked for from the newest segment backwards, for what a compaction finds needless has
//! mostly been removed a moment before. What has been read is remembered for as long as the compaction goes on.

use super::judge::Removed;
use super::rewriting::{Pace, Unwritten};
use crate::engine::Engine;
use crate::log::chain::Link;
use crate::log::format::{RecordHeader, SEGMENT_HEADER};
use crate::log::frames::{Octets, Step};
use crate::log::replay::read_file;
use std::collections::HashMap;

/// Of what was removed, the log number of the last record that did.
#[derive(Debug, Default)]
pub(super) struct Removals {
    found: HashMap<Removed, u64>,
    /// Segments that have not been read yet, the newest last, and how far each counts.
    unread: Vec<(Link, u64)>,
}

impl Removals {
    /// Those of a log that is published up to its end.
    pub(super) fn of(links: &[Link], published: u64) -> Self {
        let unread = links.iter().map(|link| (link.clone(), link.end.unwrap_or(published))).collect();
        Self { found: HashMap::new(), unread }
    }

    /// Takes note of a removal that was met on another way.
    pub(super) fn note(&mut self, header: &RecordHeader) {
        if let Some(removed) = Removed::by(header) {
            let last = self.found.entry(removed).or_default();
            *last = header.log_number.max(*last);
        }
    }

    /// Whether this was removed behind a record of that number, in a segment behind `segment` or one that was noted.
    pub(super) fn has(
        &mut self,
        engine: &Engine,
        removed: Removed,
        number: u64,
        segment: u64,
        pace: Pace<'_>,
    ) -> Result<bool, Unwritten> {
        loop {
            if self.found.get(&removed).is_some_and(|last| *last > number) {
                return Ok(true);
            }
            let Some((link, end)) = self.unread.pop_if(|(link, _)| link.header.number > segment) else {
                return Ok(false);
            };
            self.read(engine, &link, end, pace)?;
        }
    }

    fn read(&mut self, engine: &Engine, link: &Link, end: u64, pace: Pace<'_>) -> Result<(), Unwritten> {
        let read = read_file(&engine.segments, link.header.number, 0);
        let bytes = read.map_err(|_| Unwritten::Unread)?;
        if !pace(bytes.len() as u64) {
            return Err(Unwritten::Told);
        }
        let end = usize::try_from(end).unwrap_or(usize::MAX).min(bytes.len());
        let octets = Octets { header: &link.header, bytes: bytes.get(..end).unwrap_or_default() };
        let mut offset = SEGMENT_HEADER;
        while offset < end {
            let (step, next) = octets.step(offset, end);
            match step {
                Step::Whole(frame) | Step::Rotten(frame, _) => {
                    frame.records.iter().for_each(|found| self.note(&found.header));
                }
                Step::End => break,
            }
            offset = next;
        }
        Ok(())
    }
}
