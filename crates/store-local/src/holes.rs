//! Holes: events that a stream has lost. They are looked for in an index that has taken in all of the log, for the order
//! of the log alone does not tell them: what was trimmed may have left it, though the trim comes much later.

use crate::index::key;
use crate::index::kv::{Key, KvError, Value};
use crate::index::{Index, value};
use crate::log::format::Subject;
use crate::log::replay::Replayed;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use store::{Seq, StreamId};

/// Streams in which an event is missing, whose end the log cannot tell any more, and the last event before that.
pub(crate) type Holes = BTreeMap<StreamId, Seq>;

/// Entries that are looked at together.
const ENTRIES: usize = 1_024;

/// Where to look: behind where streams stood before the log went on.
#[derive(Clone, Debug)]
pub(crate) enum Search {
    /// In all streams, from where they begin.
    Everywhere,
    /// In these, behind that event.
    Behind(BTreeMap<StreamId, Seq>),
}

impl Search {
    /// Before the log is taken in. Everywhere, where that has never come to its end.
    pub(crate) fn begin(index: &Index) -> Result<Self, KvError> {
        let anew = index.checkpoint().is_none() || index.is_catching_up()?;
        Ok(if anew { Self::Everywhere } else { Self::Behind(BTreeMap::new()) })
    }

    /// Takes note of the streams that a frame is about, before the index has it.
    pub(crate) fn take_note(&mut self, frame: &Replayed, index: &Index) -> Result<(), KvError> {
        let Self::Behind(streams) = self else { return Ok(()) };
        for record in &frame.records {
            let of = |number| StreamId { account: record.header.account, number };
            match record.header.subject {
                Subject::Event { stream, .. } | Subject::Head { stream, .. } => {
                    if let Entry::Vacant(new) = streams.entry(of(stream)) {
                        new.insert(stands_at(index, of(stream))?);
                    }
                }
                Subject::Dropped { stream } => drop(streams.insert(of(stream), Seq::NONE)),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is missing, by an index that has all of the log.
    pub(crate) fn holes(&self, index: &Index) -> Result<Holes, KvError> {
        match self {
            Self::Everywhere => holes(index, &all_streams(index)?),
            Self::Behind(streams) => holes(index, streams),
        }
    }
}

fn all_streams(index: &Index) -> Result<BTreeMap<StreamId, Seq>, KvError> {
    let mut all = BTreeMap::new();
    let mut after = Key::new();
    loop {
        let range = (after, vec![0xff; 9]);
        let batch = index.scan(std::slice::from_ref(&range), ENTRIES)?;
        let Some((last, _)) = batch.iter().flatten().last() else { return Ok(all) };
        after = [last.as_slice(), &[0]].concat();
        let streams = batch.iter().flatten().filter_map(|(key, _)| key::stream_of(key));
        all.extend(streams.map(|stream| (stream, Seq::NONE)));
    }
}

fn holes(index: &Index, streams: &BTreeMap<StreamId, Seq>) -> Result<Holes, KvError> {
    let mut holes = Holes::new();
    for (stream, stood) in streams {
        if let Some(last_good) = hole(index, *stream, *stood)? {
            holes.insert(*stream, last_good);
        }
    }
    Ok(holes)
}

/// The last event that an index knows of a stream, trimmed or not.
fn stands_at(index: &Index, stream: StreamId) -> Result<Seq, KvError> {
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
