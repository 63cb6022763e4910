//! The entries of the index: does each say what the log says, and lead to the record that it names?

use super::damage::{Damage, Lost};
use super::{BodyInFile, LOOK};
use crate::body_file::path_of;
use crate::engine::Engine;
use crate::index::Index;
use crate::index::key::{self, KeyRange, Owner};
use crate::index::kv::{Key, KvError, Value};
use crate::index::value::{self, BodyPlace, Place};
use crate::log::format::{RecordHeader, Subject};
use crate::log::frames::{Frame, State};
use crate::log::segments::segment_name;
use std::collections::HashMap;
use std::path::PathBuf;
use store::{Seq, StreamId};

/// How often entries are looked up once more, when they have changed meanwhile.
const LOOKS: u32 = 8;

/// The next entries.
pub(crate) fn batch(index: &Index, from: &[u8], count: usize) -> Result<Vec<(Key, Value)>, KvError> {
    let rest = (from.to_vec(), vec![0xff; 9]);
    Ok(index.scan(std::slice::from_ref(&rest), count)?.into_iter().flatten().collect())
}

/// The first key behind this one.
pub(crate) fn behind(key: &[u8]) -> Key {
    [key, &[0]].concat()
}

/// Where in the log what lies under a key is, when it is there.
pub(crate) fn place(key: &[u8], value: &[u8]) -> Option<Place> {
    match key::owner(key)? {
        Owner::Event(..) | Owner::Record(..) | Owner::Piece(..) => value::place(key, value),
        Owner::Body(..) => match value::body(key, value)? {
            BodyPlace::Log(place, _) => Some(place),
            BodyPlace::File { .. } => None,
        },
        _ => None,
    }
}

/// The file that an entry names, if it is that of a body in one.
pub(super) fn body_file(key: &[u8], value: &[u8]) -> Option<PathBuf> {
    match (key::owner(key)?, value::body(key, value)?) {
        (Owner::Body(_, id), BodyPlace::File { file, .. }) => Some(path_of(id, file)),
        _ => None,
    }
}

/// What came out of looking at some entries.
#[derive(Default)]
pub(super) struct Looked {
    /// Damages of the log, and the keys that lead there.
    pub(super) damages: Vec<(Damage, Key)>,
    /// What does not fit together in the index itself.
    pub(super) misfits: Vec<String>,
    /// Bodies in files, to be read.
    pub(super) bodies: Vec<BodyInFile>,
    /// About how much was read.
    pub(super) read: u64,
}

/// Looks at entries that a scan has shown.
pub(super) fn look(engine: &Engine, batch: &[(Key, Value)]) -> Result<Looked, KvError> {
    find_each(&engine.index, batch)?;
    let mut looked = Looked { read: 64 * batch.len() as u64, ..Looked::default() };
    let mut places = Vec::new();
    for (key, value) in batch {
        match key::owner(key) {
            None => looked.misfits.push(format!("it has an entry {} that is none of ours", hex(key))),
            Some(Owner::Head(stream)) => {
                looked.misfits.extend(missing_event(engine, stream, &mut looked.damages)?)
            }
            Some(Owner::Snapshot(stream, at)) => {
                looked.misfits.extend(missing_piece(&engine.index, stream, at)?)
            }
            Some(Owner::Body(account, id)) => match value::body(key, value) {
                Some(BodyPlace::File { file, length }) => {
                    looked.bodies.push(BodyInFile { account, id, file, length });
                }
                Some(BodyPlace::Log(place, _)) => places.push((place, key)),
                None => looked.misfits.push(format!("its entry {} is not one of a body", hex(key))),
            },
            Some(_) => places.extend(place(key, value).map(|place| (place, key))),
        }
    }
    // In the order in which they lie on the disk.
    places.sort_unstable_by_key(|(place, _)| (place.segment, place.offset));
    for (place, key) in places {
        looked.read += LOOK;
        if let Some(damage) = misled(engine, key, place)? {
            looked.damages.push((damage, key.clone()));
        }
    }
    Ok(looked)
}

/// A scan goes from leaf to leaf; looking one up goes by the branches, and they may have rotted on their own.
fn find_each(index: &Index, batch: &[(Key, Value)]) -> Result<(), KvError> {
    let (Some((first, _)), Some((last, _))) = (batch.first(), batch.last()) else { return Ok(()) };
    let range: KeyRange = (first.clone(), behind(last));
    let mut scanned = batch.to_vec();
    for _ in 0..LOOKS {
        let keys: Vec<Key> = scanned.iter().map(|(key, _)| key.clone()).collect();
        let found = index.get_all(&keys)?;
        if found.iter().zip(&scanned).all(|(found, (_, value))| found.as_ref() == Some(value)) {
            return Ok(());
        }
        // Unless it was changed between the two looks.
        scanned = index.scan(std::slice::from_ref(&range), usize::MAX)?.into_iter().flatten().collect();
    }
    Err(KvError::Damaged(format!(
        "what lies behind the entry {} is not found when it is looked up",
        hex(first)
    )))
}

/// Whether an entry leads to another record than the one that it names, or to none.
fn misled(engine: &Engine, key: &[u8], place: Place) -> Result<Option<Damage>, KvError> {
    let why = match engine.segments.header_at(place) {
        Ok(header) if is_that(&header, key, place) => return Ok(None),
        Ok(_) => "another record is there than the index says".to_owned(),
        Err(e) => e.to_string(),
    };
    // It may have been replaced, or gone elsewhere, since.
    let now = engine.index.get(key)?;
    if now.is_none_or(|now| self::place(key, &now) != Some(place)) {
        return Ok(None);
    }
    let file = format!("log/{}", segment_name(place.segment));
    let mut damage = Damage::of(file, place.offset..place.end(), why);
    damage.lost.extend(Lost::under(key));
    Ok(Some(damage))
}

fn is_that(header: &RecordHeader, key: &[u8], place: Place) -> bool {
    let of = |number| StreamId { account: header.account, number };
    let owner = match header.subject {
        Subject::Event { stream, seq } => Owner::Event(of(stream), seq),
        Subject::Record(id, _) => Owner::Record(header.account, id),
        Subject::Body(id) => Owner::Body(header.account, id),
        Subject::Piece { stream, at, writing, piece } => Owner::Piece(of(stream), at, writing, piece),
        _ => return false,
    };
    key::owner(key) == Some(owner)
        && header.log_number == place.log_number
        && header.stored_length == place.stored_length
}

/// Whether an event between what was trimmed and the head is not there. Where a hole is known (the stream is in
/// quarantine) the damage is that of the log.
fn missing_event(
    engine: &Engine,
    stream: StreamId,
    damages: &mut Vec<(Damage, Key)>,
) -> Result<Option<String>, KvError> {
    let head = key::head(stream);
    let single = |key: &Key| (key.clone(), behind(key));
    let ranges = [
        key::events(stream, Seq::NONE..=Seq(u64::MAX - 1)),
        single(&head),
        single(&key::trim(stream)),
        single(&key::quarantine(stream)),
    ];
    let found = engine.index.scan(&ranges, usize::MAX)?;
    let [events, heads, trims, quarantines] = found.as_slice() else { return Ok(None) };
    let Some((last, _)) = heads.first().and_then(|(key, value)| value::head(key, value)) else {
        return Ok(None);
    };
    let seq = |entries: &[(Key, Value)]| entries.first().and_then(|(key, value)| value::seq(key, value));
    let mut expected = seq(trims).unwrap_or(Seq::NONE).plus(1);
    for (key, _) in events {
        match key::seq_of(key) {
            Some(seq) if seq == expected => expected = seq.plus(1),
            _ => break,
        }
    }
    if expected > last {
        return Ok(None);
    }
    if seq(quarantines).is_none() {
        let StreamId { account, number } = stream;
        return Ok(Some(format!(
            "event {} of stream {number} of account {} is not in it",
            expected.0, account.0
        )));
    }
    let mut damage = Damage::of("log".to_owned(), 0..0, "an event is missing; the stream is in quarantine");
    damage.lost.push(Lost::Event { stream, seq: expected });
    damages.push((damage, head));
    Ok(None)
}

/// Whether a snapshot lacks a piece.
fn missing_piece(index: &Index, stream: StreamId, at: Seq) -> Result<Option<String>, KvError> {
    let seal = key::snapshot(stream, at);
    let ranges = [(seal.clone(), behind(&seal)), key::pieces_before(stream, at.plus(1))];
    let found = index.scan(&ranges, usize::MAX)?;
    let [seals, pieces] = found.as_slice() else { return Ok(None) };
    let Some(made_of) = seals.first().and_then(|(key, value)| value::pieces(key, value)) else {
        return Ok(None);
    };
    let (first, end) = key::pieces(stream, at, made_of.writing);
    let there = pieces.iter().filter(|(key, _)| (&first..&end).contains(&key)).count();
    let StreamId { account, number } = stream;
    let missing =
        || format!("a piece of snapshot {} of stream {number} of account {} is not in it", at.0, account.0);
    Ok((there < made_of.count as usize).then(missing))
}

/// Holds what sound records of the log say against the index: which of them does it not know, or know better?
pub(crate) fn compare(index: &Index, frames: &[Frame], segment: u64) -> Result<Vec<String>, KvError> {
    let records = frames.iter().filter(|frame| !frame.is_footer()).flat_map(|frame| &frame.records);
    let sound: Vec<&RecordHeader> =
        records.filter(|record| record.state == State::Sound).map(|record| &record.header).collect();
    let mut behind = Vec::new();
    for some in sound.chunks(super::ENTRIES) {
        let mut keys: Vec<Key> = some.iter().flat_map(|header| keys_of(header)).collect();
        keys.sort_unstable();
        keys.dedup();
        let values = index.get_all(&keys)?;
        let said: HashMap<Key, Value> =
            keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect();
        for header in some.iter().filter(|header| is_behind(header, &said)) {
            behind.push(format!(
                "it does not know record {} of {}",
                header.log_number,
                segment_name(segment)
            ));
        }
    }
    // Once is enough to know that it has to be made again.
    behind.truncate(1);
    Ok(behind)
}

/// The entries that tell whether the index knows a record.
fn keys_of(header: &RecordHeader) -> Vec<Key> {
    let account = header.account;
    let of = |number| StreamId { account, number };
    match header.subject {
        Subject::Event { stream, seq } => {
            vec![key::event(of(stream), seq), key::head(of(stream)), key::trim(of(stream))]
        }
        Subject::Head { stream, .. } => vec![key::head(of(stream))],
        Subject::Trimmed { stream, .. } => vec![key::head(of(stream)), key::trim(of(stream))],
        Subject::Anew { stream, .. } => vec![key::quarantine(of(stream))],
        Subject::Record(id, _) | Subject::RecordGone(id) => vec![key::record(account, id)],
        Subject::Body(id) | Subject::BodyFile(id) | Subject::BodyGone(id) => vec![key::body(account, id)],
        _ => Vec::new(),
    }
}

/// Whether the index does not know a record that it should, or only an earlier one. Where it has no entry at all, that
/// may be so because what the record said is gone; of events alone it is known how far they must be there.
fn is_behind(header: &RecordHeader, said: &HashMap<Key, Value>) -> bool {
    let account = header.account;
    let of = |number| StreamId { account, number };
    let earlier = |key: &Key| {
        said.get(key)
            .and_then(|value| place(key, value))
            .is_some_and(|place| place.log_number < header.log_number)
    };
    let head = |stream| {
        let key = key::head(of(stream));
        said.get(&key).and_then(|value| value::head(&key, value)).map(|(seq, _)| seq)
    };
    let seq = |key: Key| said.get(&key).and_then(|value| value::seq(&key, value));
    let trim = |stream| seq(key::trim(of(stream))).unwrap_or(Seq::NONE);
    match header.subject {
        Subject::Event { stream, seq } => {
            let key = key::event(of(stream), seq);
            let lost = || head(stream).is_some_and(|head| head >= seq) && trim(stream) < seq;
            if said.contains_key(&key) { earlier(&key) } else { lost() }
        }
        Subject::Head { stream, seq } => head(stream).is_some_and(|head| head < seq),
        Subject::Trimmed { stream, through } => head(stream).is_some() && trim(stream) < through,
        Subject::Anew { stream, from } => {
            seq(key::quarantine(of(stream))).is_some_and(|last_good| last_good < from)
        }
        Subject::Record(id, _) | Subject::RecordGone(id) => earlier(&key::record(account, id)),
        Subject::Body(id) | Subject::BodyGone(id) => earlier(&key::body(account, id)),
        _ => false,
    }
}

fn hex(key: &[u8]) -> String {
    key.iter().fold(String::new(), |text, octet| text + &format!("{octet:02x}"))
}
