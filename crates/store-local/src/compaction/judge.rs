//! Which records of the log are still needed. What is needless once stays so: nothing that is written later makes the index
//! lead to an old record again. So no lock is held while it is judged.
//!
//! A record to which an entry of the index leads is needed by that; one that *is* an entry (a head, a trim), as long as the
//! entry says what it says. A removal is needed as long as an older segment may hold what it removed.

use crate::check::entries;
use crate::index::Index;
use crate::index::change::{Change, changes};
use crate::index::key;
use crate::index::kv::{Key, KvError, Value};
use crate::index::value::Place;
use crate::log::format::{RecordHeader, Subject};
use crate::log::frames::Frame;
use std::collections::HashMap;
use store::StreamId;

/// Frames whose records are looked up together.
const TOGETHER: usize = 512;

/// What older segments may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Older {
    /// Something that a removal here removed.
    MayHoldRemoved,
    /// Nothing of that: they have been judged since.
    HoldsNothingRemoved,
}

/// What tells whether a record is needed.
enum Evidence {
    /// The entry under this key leads to it.
    Leads(Key),
    /// The entry under this key is this.
    Is(Key, Value),
    /// It removed what lay under this key, or more than that.
    Removed(Option<Key>),
    /// Nothing: it is kept.
    None,
}

/// Of each frame, which of its records are needed.
pub(super) fn needed(
    index: &Index,
    frames: &[Frame],
    bytes: &[u8],
    older: Older,
) -> Result<Vec<Vec<bool>>, KvError> {
    let mut needed = Vec::with_capacity(frames.len());
    for some in frames.chunks(TOGETHER) {
        let evidence = |frame: &Frame| -> Vec<Evidence> {
            let payload = |range| bytes.get(range).unwrap_or_default();
            frame
                .records
                .iter()
                .map(|found| evidence(&found.header, payload(found.payload.clone())))
                .collect()
        };
        let evidence: Vec<Vec<Evidence>> = some.iter().map(evidence).collect();
        let mut keys: Vec<Key> = evidence.iter().flatten().filter_map(Evidence::key).cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        let values = index.get_all(&keys)?;
        let there: HashMap<Key, Value> =
            keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect();
        for (frame, evidence) in some.iter().zip(evidence) {
            let judged = frame.records.iter().zip(&evidence).map(|(found, evidence)| {
                !frame.is_footer() && evidence.says_needed(&found.header, &there, older)
            });
            needed.push(judged.collect());
        }
    }
    Ok(needed)
}

fn evidence(header: &RecordHeader, payload: &[u8]) -> Evidence {
    let account = header.account;
    match header.subject {
        Subject::RecordGone(id) => Evidence::Removed(Some(key::record(account, id))),
        Subject::BodyGone(id) => Evidence::Removed(Some(key::body(account, id))),
        Subject::Dropped { .. } => Evidence::Removed(None),
        Subject::Anew { stream, .. } => {
            Evidence::Removed(Some(key::quarantine(StreamId { account, number: stream })))
        }
        Subject::Event { .. } | Subject::Record(_) | Subject::Body(_) | Subject::Piece { .. } => {
            entry(header, payload).map_or(Evidence::None, |(key, _)| Evidence::Leads(key))
        }
        Subject::Head { .. }
        | Subject::BodyFile(_)
        | Subject::Snapshot { .. }
        | Subject::Trimmed { .. }
        | Subject::Quarantined { .. } => {
            entry(header, payload).map_or(Evidence::None, |(key, value)| Evidence::Is(key, value))
        }
        Subject::Footer | Subject::PassedOver { .. } => Evidence::None,
    }
}

/// The entry that a record makes, wherever it lies.
fn entry(header: &RecordHeader, payload: &[u8]) -> Option<(Key, Value)> {
    let nowhere = Place { segment: 0, offset: 0, stored_length: 0, log_number: header.log_number };
    let mut entry = None;
    changes(header, nowhere, payload, &mut |change| {
        if let Change::Set(key, Some(value)) = change {
            entry = Some((key, value));
        }
    });
    entry
}

impl Evidence {
    const fn key(&self) -> Option<&Key> {
        match self {
            Self::Leads(key) | Self::Is(key, _) | Self::Removed(Some(key)) => Some(key),
            Self::Removed(None) | Self::None => None,
        }
    }

    fn says_needed(&self, header: &RecordHeader, there: &HashMap<Key, Value>, older: Older) -> bool {
        match self {
            Self::Leads(key) => {
                let place = there.get(key).and_then(|value| entries::place(key, value));
                place.is_some_and(|place| place.log_number == header.log_number)
            }
            Self::Is(key, value) => there.get(key) == Some(value),
            // What lies there now came later, and stands against anything older by itself.
            Self::Removed(key) => {
                older == Older::MayHoldRemoved && key.as_ref().is_none_or(|key| !there.contains_key(key))
            }
            Self::None => true,
        }
    }
}
