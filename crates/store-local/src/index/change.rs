//! What a record in the log means for the index: the one place that knows, used when a commit is published, when
//! the log's tail is replayed and when the whole index is made again.

use super::key::{self, KeyRange};
use super::kv::{Key, Value};
use super::value::{self, BodyPlace, Pieces, Place};
use crate::log::format::{RecordHeader, Subject};
use crate::log::octets::u64_at;
use store::{Seq, StreamId};

/// One change of the index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Everything in the range goes.
    Clear(KeyRange),
    /// An entry is put or, with `None`, removed.
    Set(Key, Option<Value>),
}

/// Hands the changes that a record makes to `apply`, in order. They depend on the record alone, never on what
/// the index holds. A payload that is damaged is as good as an empty one.
pub(crate) fn changes(record: &RecordHeader, place: Place, payload: &[u8], apply: &mut dyn FnMut(Change)) {
    let account = record.account;
    let of = |number| StreamId { account, number };
    match record.subject {
        Subject::Event { stream, seq } => apply(at_place(key::event(of(stream), seq), place)),
        Subject::Head { stream, seq } => {
            apply(set(key::head(of(stream)), |k| value::of_head(k, seq, payload)))
        }
        Subject::Record(id, names) => {
            apply(set(key::record(account, id), |k| value::of_record(k, place, names)));
        }
        Subject::RecordGone(id) => apply(Change::Set(key::record(account, id), None)),
        Subject::Body(id) => {
            let body = BodyPlace::Log(place, record.raw_length.into());
            apply(set(key::body(account, id), |k| value::of_body(k, body)));
        }
        Subject::BodyFile(id) => {
            let change = body_file(payload).map(|b| set(key::body(account, id), |k| value::of_body(k, b)));
            change.into_iter().for_each(apply);
        }
        Subject::BodyGone(id) => apply(Change::Set(key::body(account, id), None)),
        Subject::Piece { stream, at, writing, piece } => {
            apply(at_place(key::piece(of(stream), at, writing, piece), place));
        }
        Subject::Snapshot { stream, at, writing, pieces } => {
            key::other_pieces(of(stream), at, writing).into_iter().map(Change::Clear).for_each(&mut *apply);
            let pieces = Pieces { writing, count: pieces };
            apply(set(key::snapshot(of(stream), at), |k| value::of_pieces(k, pieces)));
        }
        Subject::Trimmed { stream, through } => trimmed(of(stream), through, apply),
        Subject::Dropped { stream } => key::whole_stream(of(stream)).map(Change::Clear).for_each(apply),
        Subject::Quarantined { stream, last_good } => {
            apply(set(key::quarantine(of(stream)), |k| value::of_seq(k, last_good)));
        }
        Subject::Anew { stream, .. } => apply(Change::Set(key::quarantine(of(stream)), None)),
        Subject::Footer | Subject::PassedOver { .. } => {}
    }
}

fn trimmed(stream: StreamId, through: Seq, apply: &mut dyn FnMut(Change)) {
    let before = Seq(through.0.saturating_sub(1));
    apply(Change::Clear(key::events(stream, Seq::NONE..=through)));
    apply(Change::Clear(key::snapshots(stream, Seq::NONE..=before)));
    apply(Change::Clear(key::pieces_before(stream, through)));
    apply(set(key::trim(stream), |k| value::of_seq(k, through)));
}

/// The payload of [`Subject::BodyFile`].
fn body_file(payload: &[u8]) -> Option<BodyPlace> {
    Some(BodyPlace::File { file: u64_at(payload, 0)?, length: u64_at(payload, 8)? })
}

fn at_place(key: Key, place: Place) -> Change {
    set(key, |key| value::of_place(key, place))
}

fn set(key: Key, value: impl FnOnce(&[u8]) -> Value) -> Change {
    let value = value(&key);
    Change::Set(key, Some(value))
}
