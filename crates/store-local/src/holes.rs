//! Holes: events that a stream has lost. They are looked for in an index that has taken in the log, for the order of the
//! log alone does not tell them: what was trimmed may have left it, though the trim comes later.

use crate::index::key;
use crate::index::kv::{Key, KvError, Value};
use crate::index::{Index, value};
use crate::log::format::Subject;
use crate::log::replay::Replayed;
use std::collections::BTreeMap;
use store::{Seq, StreamId};

/// Streams in which an event is missing, whose end the log cannot tell any more, and the last event before that.
pub(crate) type Holes = BTreeMap<StreamId, Seq>;

/// Entries that are looked at together.
const ENTRIES: usize = 1_024;

/// Where streams stood before the log went on: what lies behind that is to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Standing(BTreeMap<StreamId, Seq>);

impl Standing {
    /// Of all streams that an index has, from where they begin.
    pub(crate) fn of_all(index: &Index) -> Result<Self, KvError> {
        let mut all = Self::default();
        let mut after = Key::new();
        loop {
            let range = (after, vec![0xff; 9]);
            let batch = index.scan(std::slice::from_ref(&range), ENTRIES)?;
            let Some((last, _)) = batch.iter().flatten().last() else { return Ok(all) };
            after = [last.as_slice(), &[0]].concat();
            let streams = batch.iter().flatten().filter_map(|(key, _)| key::stream_of(key));
            all.0.extend(streams.map(|stream| (stream, Seq::NONE)));
        }
    }

    /// Takes note of the streams that a frame is about, before the index has it.
    pub(crate) fn take_note(&mut self, frame: &Replayed, index: &Index) -> Result<(), KvError> {
        for record in &frame.records {
            let of = |number| StreamId { account: record.header.account, number };
            match record.header.subject {
                Subject::Event { stream, .. } | Subject::Head { stream, .. } => {
                    if !self.0.contains_key(&of(stream)) {
                        self.0.insert(of(stream), stands_at(index, of(stream))?);
                    }
                }
                Subject::Dropped { stream } => drop(self.0.insert(of(stream), Seq::NONE)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The holes behind where the streams stood.
    pub(crate) fn holes(&self, index: &Index) -> Result<Holes, KvError> {
        let hole = |(stream, stood): (&StreamId, &Seq)| {
            hole(index, *stream, *stood).map(|hole| hole.map(|last_good| (*stream, last_good))).transpose()
        };
        self.0.iter().filter_map(hole).collect()
    }
}

/// The last event that an index knows of a stream, trimmed or not.
pub(crate) fn stands_at(index: &Index, stream: StreamId) -> Result<Seq, KvError> {
    let end = head(index, stream)?.max(trim(index, stream)?);
    // A head that was lost leaves the events before it.
    let behind = key::events(stream, end.plus(1)..=Seq(u64::MAX));
    let events = index.scan(&[behind], usize::MAX)?;
    Ok(events
        .iter()
        .flatten()
        .filter_map(|(key, _)| key::seq_of(key))
        .max()
        .map_or(end, |last| last.max(end)))
}

/// The last event before the first that is missing behind `stood`, unless it is known already.
fn hole(index: &Index, stream: StreamId, stood: Seq) -> Result<Option<Seq>, KvError> {
    let mut last = stood.max(trim(index, stream)?);
    let last = loop {
        let range = key::events(stream, last.plus(1)..=Seq(u64::MAX));
        let events = index.scan(&[range], ENTRIES)?;
        let mut seqs = events.iter().flatten().filter_map(|(key, _)| key::seq_of(key)).peekable();
        if seqs.peek().is_none() {
            break (head(index, stream)? > last).then_some(last);
        }
        let mut broken = false;
        for seq in seqs {
            broken = seq != last.plus(1);
            if broken {
                break;
            }
            last = seq;
        }
        if broken {
            break Some(last);
        }
    };
    let known = entry(index, key::quarantine(stream), value::seq)?;
    Ok(last.filter(|last| known.is_none_or(|known| *last < known)))
}

fn head(index: &Index, stream: StreamId) -> Result<Seq, KvError> {
    let head = entry(index, key::head(stream), value::head)?;
    Ok(head.map_or(Seq::NONE, |(seq, _)| seq))
}

fn trim(index: &Index, stream: StreamId) -> Result<Seq, KvError> {
    Ok(entry(index, key::trim(stream), value::seq)?.unwrap_or(Seq::NONE))
}

fn entry<T>(
    index: &Index,
    key: Key,
    decode: impl Fn(&[u8], &[u8]) -> Option<T>,
) -> Result<Option<T>, KvError> {
    let value: Option<Value> = index.get(&key)?;
    Ok(value.and_then(|value| decode(&key, &value)))
}
