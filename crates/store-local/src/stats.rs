//! How much is in a store, counted by its index.

use crate::engine::Engine;
use crate::index::key::{self, Owner};
use crate::index::kv::{Key, KvError};
use crate::index::value::{self, BodyPlace, Place};
use crate::log::format::padded;
use crate::log::segments::{LOG_DIRECTORY, number_of, segment_path};
use crate::recovery::INDEX_FILE;
use std::path::Path;
use store::AccountId;

/// Entries that are looked at together.
const ENTRIES: usize = 1_024;

/// What is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Segments of the log, of all accounts.
    pub segments: u64,
    /// Their octets.
    pub log_octets: u64,
    /// Octets of the index, of all accounts.
    pub index_octets: u64,
    /// Streams.
    pub streams: u64,
    /// Events that are kept.
    pub events: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Records of messages.
    pub records: u64,
    /// Bodies.
    pub bodies: u64,
    /// Those of them that have a file of their own.
    pub body_files: u64,
    /// Octets in these.
    pub body_file_octets: u64,
    /// Octets of the log to which the index leads.
    pub log_octets_in_use: u64,
}

/// Counts what is there, or what is one account's.
pub(crate) fn count(engine: &Engine, only: Option<AccountId>) -> Result<Stats, KvError> {
    let mut stats = Stats::default();
    let disk = &engine.segments.disk;
    for number in disk.list(Path::new(LOG_DIRECTORY))?.iter().filter_map(|name| number_of(name)) {
        stats.segments += 1;
        stats.log_octets += disk.open(&segment_path(number))?.length()?;
    }
    stats.index_octets = disk.open(Path::new(INDEX_FILE))?.length()?;
    let (mut from, end) = match only {
        Some(account) => key::whole_account(account),
        None => (Key::new(), vec![0xff; 9]),
    };
    loop {
        let range = (from, end.clone());
        let batch = engine.index.scan(std::slice::from_ref(&range), ENTRIES)?.into_iter().flatten();
        let batch: Vec<_> = batch.collect();
        let Some((last, _)) = batch.last() else { return Ok(stats) };
        batch.iter().for_each(|(key, value)| stats.add(key, value));
        from = [last.as_slice(), &[0]].concat();
    }
}

impl Stats {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        match key::owner(key) {
            Some(Owner::Event(..)) => {
                self.events += 1;
                self.use_place(value::place(key, value));
            }
            Some(Owner::Record(..)) => {
                self.records += 1;
                self.use_place(value::place(key, value));
            }
            Some(Owner::Piece(..)) => self.use_place(value::place(key, value)),
            Some(Owner::Body(..)) => {
                self.bodies += 1;
                match value::body(key, value) {
                    Some(BodyPlace::Log(place, _)) => self.use_place(Some(place)),
                    Some(BodyPlace::File { length, .. }) => {
                        self.body_files += 1;
                        self.body_file_octets += length;
                    }
                    None => {}
                }
            }
            Some(Owner::Head(_)) => self.streams += 1,
            Some(Owner::Snapshot(..)) => self.snapshots += 1,
            Some(Owner::Other) | None => {}
        }
    }

    fn use_place(&mut self, place: Option<Place>) {
        let octets = place.map_or(0, |place| padded((place.end() - place.offset) as usize));
        self.log_octets_in_use += octets as u64;
    }
}
