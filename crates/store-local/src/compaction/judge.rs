//! Which records of the log are still needed. What is needless once stays so: nothing that is written later makes the index
//! lead to an old record again. So no lock is held while it is judged.
//!
//! A record to which an entry of the index leads is needed by that; one that *is* an entry (a head, a trim), as long as the
//! entry says what it says. A removal is needed as long as an older segment may hold what it removed. And where an entry
//! is merely missing, that is not enough: an index may have rotted. Then what removed it must lie in the log, behind it.

use crate::check::entries;
use crate::index::Index;
use crate::index::change::{Change, changes};
use crate::index::kv::{Key, KvError, Value};
use crate::index::value::Place;
use crate::index::{key, value};
use crate::log::format::{RecordHeader, Subject};
use crate::log::frames::Frame;
use std::collections::HashMap;
use store::{Seq, StreamId};
use xxhash_rust::xxh3::xxh3_128;

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

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Needed,
    Needless,
    /// The index does not know it. It is needless if one of these was removed behind it.
    Missing(Removed, Option<Removed>),
}

/// What a record may remove, by its key in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Removed(u128);

impl Removed {
    fn at(key: &[u8]) -> Self {
        Self(xxh3_128(key))
    }

    /// What a record removes, if it does.
    pub(super) fn by(header: &RecordHeader) -> Option<Self> {
        let of = |number| StreamId { account: header.account, number };
        match header.subject {
            Subject::RecordGone(id) => Some(Self::at(&key::record(header.account, id))),
            Subject::BodyGone(id) => Some(Self::at(&key::body(header.account, id))),
            Subject::Dropped { stream } => Some(Self::at(&key::head(of(stream)))),
            Subject::Anew { stream, .. } => Some(Self::at(&key::quarantine(of(stream)))),
            _ => None,
        }
    }
}

/// What becomes of the records of each frame.
pub(super) fn judge(
    index: &Index,
    frames: &[Frame],
    bytes: &[u8],
    older: Older,
) -> Result<Vec<Vec<Verdict>>, KvError> {
    let mut judged = Vec::with_capacity(frames.len());
    for some in frames.chunks(TOGETHER) {
        let records = || some.iter().flat_map(|frame| &frame.records);
        let mut keys: Vec<Key> = records().flat_map(|found| keys_of(&found.header)).collect();
        keys.sort_unstable();
        keys.dedup();
        let values = index.get_all(&keys)?;
        let there: HashMap<Key, Value> =
            keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect();
        for frame in some {
            let of_frame = frame.records.iter().map(|found| {
                let payload = bytes.get(found.payload.clone()).unwrap_or_default();
                Case { header: &found.header, payload, there: &there, older }.verdict()
            });
            judged.push(of_frame.collect());
        }
    }
    Ok(judged)
}

/// The entries that tell what becomes of a record.
fn keys_of(header: &RecordHeader) -> Vec<Key> {
    let account = header.account;
    let of = |number| StreamId { account, number };
    match header.subject {
        Subject::Event { stream, seq } => vec![key::event(of(stream), seq), key::trim(of(stream))],
        Subject::Head { stream, .. } => vec![key::head(of(stream))],
        Subject::Record(id, _) | Subject::RecordGone(id) => vec![key::record(account, id)],
        Subject::Body(id) | Subject::BodyFile(id) | Subject::BodyGone(id) => vec![key::body(account, id)],
        Subject::Piece { stream, at, writing, piece } => {
            let stream = of(stream);
            vec![key::piece(stream, at, writing, piece), key::snapshot(stream, at), key::trim(stream)]
        }
        Subject::Snapshot { stream, at, .. } => {
            vec![key::snapshot(of(stream), at), key::trim(of(stream))]
        }
        Subject::Trimmed { stream, .. } => vec![key::trim(of(stream))],
        Subject::Quarantined { stream, .. } => vec![key::quarantine(of(stream))],
        Subject::Anew { .. } | Subject::Dropped { .. } | Subject::Footer | Subject::PassedOver { .. } => {
            Vec::new()
        }
    }
}

/// A record before the index.
struct Case<'a> {
    header: &'a RecordHeader,
    payload: &'a [u8],
    there: &'a HashMap<Key, Value>,
    older: Older,
}

impl Case<'_> {
    fn verdict(&self) -> Verdict {
        let of = |number| StreamId { account: self.header.account, number };
        let dropped = |stream| Removed::at(&key::head(of(stream)));
        if self.is_entry() {
            return Verdict::Needed;
        }
        let missing = |removed| Verdict::Missing(removed, None);
        match self.header.subject {
            Subject::Event { stream, seq } => {
                let key = key::event(of(stream), seq);
                let gone = self.trim(of(stream)) >= seq || self.leads_later(&key);
                if gone { Verdict::Needless } else { missing(dropped(stream)) }
            }
            Subject::Head { stream, seq } => {
                let key = key::head(of(stream));
                let now = self.there.get(&key).and_then(|now| value::head(&key, now));
                let gone = now.is_some_and(|(now, _)| now >= seq);
                if gone { Verdict::Needless } else { missing(dropped(stream)) }
            }
            Subject::Trimmed { stream, through } => {
                let gone = self.trim(of(stream)) > through;
                if gone { Verdict::Needless } else { missing(dropped(stream)) }
            }
            Subject::Snapshot { stream, at, .. } | Subject::Piece { stream, at, .. } => {
                let replaced = self.there.contains_key(&key::snapshot(of(stream), at));
                let gone = replaced || self.trim(of(stream)) > at;
                if gone { Verdict::Needless } else { missing(dropped(stream)) }
            }
            Subject::Record(id, _) => self.replaced_or_removed(&key::record(self.header.account, id)),
            Subject::Body(id) | Subject::BodyFile(id) => {
                self.replaced_or_removed(&key::body(self.header.account, id))
            }
            Subject::Quarantined { stream, .. } => {
                let key = key::quarantine(of(stream));
                if self.there.contains_key(&key) {
                    return Verdict::Needless;
                }
                Verdict::Missing(Removed::at(&key), Some(dropped(stream)))
            }
            Subject::RecordGone(id) => self.removal(Some(&key::record(self.header.account, id))),
            Subject::BodyGone(id) => self.removal(Some(&key::body(self.header.account, id))),
            Subject::Dropped { .. } | Subject::Anew { .. } => self.removal(None),
            Subject::Footer => Verdict::Needless,
            Subject::PassedOver { .. } => Verdict::Needed,
        }
    }

    /// Whether an entry leads to it, or is it.
    fn is_entry(&self) -> bool {
        let nowhere = Place { segment: 0, offset: 0, stored_length: 0, log_number: self.header.log_number };
        let mut is_entry = false;
        changes(self.header, nowhere, self.payload, &mut |change| {
            let Change::Set(key, Some(value)) = change else { return };
            let Some(now) = self.there.get(&key) else { return };
            is_entry = match (entries::place(&key, &value), entries::place(&key, now)) {
                (Some(_), Some(now)) => now.log_number == self.header.log_number,
                (Some(_), None) => false,
                (None, _) => *now == value,
            };
        });
        is_entry
    }

    fn replaced_or_removed(&self, key: &Key) -> Verdict {
        if self.leads_later(key) { Verdict::Needless } else { Verdict::Missing(Removed::at(key), None) }
    }

    /// Where something new lies under its key it is not needed: that stands against anything older by itself.
    fn removal(&self, key: Option<&Key>) -> Verdict {
        let needless =
            self.older == Older::HoldsNothingRemoved || key.is_some_and(|key| self.leads_later(key));
        if needless { Verdict::Needless } else { Verdict::Needed }
    }

    fn leads_later(&self, key: &Key) -> bool {
        let now = self.there.get(key).and_then(|now| entries::place(key, now));
        now.is_some_and(|now| now.log_number > self.header.log_number)
    }

    fn trim(&self, stream: StreamId) -> Seq {
        let key = key::trim(stream);
        self.there.get(&key).and_then(|trim| value::seq(&key, trim)).unwrap_or(Seq::NONE)
    }
}
