//! Reading: from the index to a place in the log, and from there, every checksum tested, to the reader.

use crate::engine::Engine;
use crate::index::kv::{Key, Value};
use crate::index::value::{BodyPlace, Place};
use crate::index::{key, value};
use crate::log::octets::{array_at, u16_at};
use crate::request::{damaged_entry, quarantined};
use bytes::Bytes;
use store::{
    AccountId, BodyId, EmailId, EmailRange, Event, Head, Listed, MAX_READ, Seq, Snapshot, StoreError,
    StreamId,
};

type Answered<T> = Result<T, StoreError>;

impl Engine {
    /// Reads again what was not found where the index led, when a segment has been rewritten meanwhile.
    fn read_again<T>(&self, read: impl Fn() -> Answered<T>) -> Answered<T> {
        loop {
            let changes = self.segments.changes();
            match read() {
                Err(StoreError::Damaged { .. }) if self.segments.changes() != changes => {}
                read => return read,
            }
        }
    }

    pub(crate) fn events(&self, stream: StreamId, after: Seq, limit: usize) -> Answered<Vec<Event>> {
        self.read_again(|| self.read_events(stream, after, limit))
    }

    fn read_events(&self, stream: StreamId, after: Seq, limit: usize) -> Answered<Vec<Event>> {
        let last_good = self.entry(key::quarantine(stream), value::seq)?;
        if let Some(last_good) = last_good.filter(|last_good| after >= *last_good) {
            return Err(quarantined(stream, last_good));
        }
        let range = key::events(stream, after.plus(1)..=last_good.unwrap_or(Seq(u64::MAX)));
        let entries = self.scan_one(range, limit)?;
        let place = |(key, value): &(Key, Value)| {
            key::seq_of(key).zip(value::place(key, value)).ok_or_else(|| damaged_entry(key))
        };
        let mut places = entries.iter().map(place).collect::<Answered<Vec<_>>>()?;
        places.truncate(as_many_as_fit(&places));
        self.events_at(stream, &places)
    }

    fn events_at(&self, stream: StreamId, places: &[(Seq, Place)]) -> Answered<Vec<Event>> {
        let what =
            |seq: Seq| format!("event {} of stream {} of account {}", seq.0, stream.number, stream.account.0);
        let events = self.segments.read_all(stream.account, places, &what)?;
        let not_one = |seq| StoreError::Damaged { what: what(seq), detail: "it is not an event".to_owned() };
        let decode = |(seq, payload)| decode_event(seq, &payload).ok_or_else(|| not_one(seq));
        events.into_iter().map(decode).collect()
    }

    /// What can be read of the events behind `after`, beyond a hole too.
    pub(crate) fn remains(
        &self,
        stream: StreamId,
        after: Seq,
        limit: usize,
    ) -> Answered<Vec<(Seq, Option<Event>)>> {
        let range = key::events(stream, after.plus(1)..=Seq(u64::MAX));
        let entries = self.scan_one(range, limit)?;
        // What the index has forgotten is not lost: it is made again.
        let place = |(key, value): &(Key, Value)| {
            key::seq_of(key).zip(value::place(key, value)).ok_or_else(|| damaged_entry(key))
        };
        let mut places = entries.iter().map(place).collect::<Answered<Vec<_>>>()?;
        places.truncate(as_many_as_fit(&places));
        match self.events_at(stream, &places) {
            Ok(events) => Ok(events.into_iter().map(|event| (event.seq, Some(event))).collect()),
            Err(StoreError::Damaged { .. }) => {
                places.iter().map(|place| self.remaining_event(stream, *place)).collect()
            }
            Err(why) => Err(why),
        }
    }

    fn remaining_event(&self, stream: StreamId, place: (Seq, Place)) -> Answered<(Seq, Option<Event>)> {
        match self.events_at(stream, &[place]) {
            Ok(events) => Ok((place.0, events.into_iter().next())),
            Err(StoreError::Damaged { .. }) => Ok((place.0, None)),
            Err(why) => Err(why),
        }
    }

    pub(crate) fn heads(&self, streams: &[StreamId]) -> Answered<Vec<Option<(Seq, Head)>>> {
        let keys: Vec<Key> = streams.iter().map(|&stream| key::head(stream)).collect();
        let values = self.index.get_all(&keys).map_err(|e| self.unreadable(e))?;
        let decode = |(key, value): (&Key, Option<Value>)| {
            value.map(|value| value::head(key, &value).ok_or_else(|| damaged_entry(key))).transpose()
        };
        keys.iter().zip(values).map(decode).collect()
    }

    pub(crate) fn list_streams(&self, account: AccountId) -> Answered<Vec<(StreamId, Seq, Head)>> {
        let entries = self.scan_one(key::heads(account), usize::MAX)?;
        let decode = |(key, value): &(Key, Value)| {
            let number = key::stream_of_head(key)?;
            let (seq, head) = value::head(key, value)?;
            Some((StreamId { account, number }, seq, head))
        };
        entries.iter().map(|entry| decode(entry).ok_or_else(|| damaged_entry(&entry.0))).collect()
    }

    pub(crate) fn snapshot_at(&self, stream: StreamId, at: Seq) -> Answered<Option<Snapshot>> {
        self.read_again(|| self.read_snapshot(stream, at))
    }

    fn read_snapshot(&self, stream: StreamId, at: Seq) -> Answered<Option<Snapshot>> {
        // Seals and pieces at one moment: between two the snapshot might be replaced.
        let ranges = [key::snapshots(stream, Seq::NONE..=at), key::pieces_before(stream, at.plus(1))];
        let found = self.index.scan(&ranges, usize::MAX).map_err(|e| self.unreadable(e))?;
        let [seals, pieces] = found.as_slice() else { return Ok(None) };
        let Some((key, value)) = seals.last() else { return Ok(None) };
        let decoded = key::seq_of(key).zip(value::pieces(key, value));
        let (at, made_of) = decoded.ok_or_else(|| damaged_entry(key))?;
        let (first, behind) = key::pieces(stream, at, made_of.writing);
        let ours = pieces.iter().filter(|(key, _)| (&first..&behind).contains(&key));
        let what =
            || format!("snapshot {} of stream {} of account {}", at.0, stream.number, stream.account.0);
        let read = |(key, value): &(Key, Value)| {
            let place = value::place(key, value).ok_or_else(|| damaged_entry(key))?;
            self.segments.read(stream.account, place, &what)
        };
        let pieces: Vec<Bytes> = ours.map(read).collect::<Answered<_>>()?;
        if pieces.len() < made_of.count as usize {
            return Err(StoreError::Damaged { what: what(), detail: "a piece is missing".to_owned() });
        }
        Ok(Some(Snapshot { at, pieces }))
    }

    pub(crate) fn records(
        &self,
        account: AccountId,
        ranges: &[EmailRange],
    ) -> Answered<Vec<(EmailId, Bytes)>> {
        self.read_again(|| self.read_records(account, ranges))
    }

    fn read_records(&self, account: AccountId, ranges: &[EmailRange]) -> Answered<Vec<(EmailId, Bytes)>> {
        let ranges: Vec<_> = ranges.iter().map(|range| key::records(account, range)).collect();
        let found = self.index.scan(&ranges, usize::MAX).map_err(|e| self.unreadable(e))?;
        let place = |(key, value): &(Key, Value)| {
            key::email_of(key).zip(value::place(key, value)).ok_or_else(|| damaged_entry(key))
        };
        let places = found.iter().flatten().map(place).collect::<Answered<Vec<_>>>()?;
        let what =
            |id: EmailId| format!("record of message {}.{} of account {}", id.mailbox, id.uid, account.0);
        self.segments.read_all(account, &places, &what)
    }

    pub(crate) fn list_records(
        &self,
        account: AccountId,
        range: &EmailRange,
        limit: usize,
    ) -> Answered<Vec<Listed>> {
        let entries = self.scan_one(key::records(account, range), limit)?;
        let listed = |(key, value): &(Key, Value)| key::email_of(key).zip(value::names(key, value));
        entries.iter().map(|entry| listed(entry).ok_or_else(|| damaged_entry(&entry.0))).collect()
    }

    pub(crate) fn body_place(&self, account: AccountId, id: BodyId) -> Answered<Option<BodyPlace>> {
        self.entry(key::body(account, id), value::body)
    }

    pub(crate) fn body(
        &self,
        account: AccountId,
        id: BodyId,
        offset: u64,
        length: usize,
    ) -> Answered<Option<Bytes>> {
        self.read_again(|| self.read_body(account, id, offset, length))
    }

    fn read_body(
        &self,
        account: AccountId,
        id: BodyId,
        offset: u64,
        length: usize,
    ) -> Answered<Option<Bytes>> {
        let Some(place) = self.body_place(account, id)? else { return Ok(None) };
        let read = match place {
            BodyPlace::Log(place, _) => self.inline_body(account, id, place, offset, length),
            BodyPlace::File { file, .. } => self.bodies.read(id, file, offset, length),
        };
        match read {
            Ok(octets) => Ok(Some(octets)),
            // Deleted, or put elsewhere, between the two looks: then that it is not there is no damage.
            Err(e) => match self.body_place(account, id)? {
                None => Ok(None),
                Some(now) if now == place => Err(e),
                Some(_) => self.read_body(account, id, offset, length),
            },
        }
    }

    /// A body in the log is one block: all of it is read and tested.
    fn inline_body(
        &self,
        account: AccountId,
        id: BodyId,
        place: Place,
        offset: u64,
        length: usize,
    ) -> Answered<Bytes> {
        let body = self.segments.read(account, place, &|| format!("body {id:?}"))?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(body.len());
        let to = from.saturating_add(length).min(body.len());
        Ok(body.slice(from..to))
    }

    pub(crate) fn list_bodies(
        &self,
        account: AccountId,
        after: Option<BodyId>,
        limit: usize,
    ) -> Answered<Vec<BodyId>> {
        let entries = self.scan_one(key::bodies(account, after), limit)?;
        entries.iter().map(|(key, _)| key::body_of(key).ok_or_else(|| damaged_entry(key))).collect()
    }

    pub(crate) fn soft(&self, account: AccountId, name: &[u8]) -> Answered<Option<Bytes>> {
        let key = key::soft(account, name);
        let value = self.index.soft(&key).map_err(|e| self.unreadable(e))?;
        value.map(|value| value::blob(&key, &value).ok_or_else(|| damaged_entry(&key))).transpose()
    }

    pub(crate) fn put_soft(&self, account: AccountId, name: &[u8], value: Option<&Bytes>) -> Answered<()> {
        self.trouble.check()?;
        let key = key::soft(account, name);
        let value = value.map(|value| value::of_blob(&key, value));
        self.index.put_soft(key, value);
        self.mover.news(self.index.tail_octets());
        Ok(())
    }

    pub(crate) fn entry<T>(
        &self,
        key: Key,
        decode: impl Fn(&[u8], &[u8]) -> Option<T>,
    ) -> Answered<Option<T>> {
        let value = self.index.get(&key).map_err(|e| self.unreadable(e))?;
        value.map(|value| decode(&key, &value).ok_or_else(|| damaged_entry(&key))).transpose()
    }

    pub(crate) fn scan_one(&self, range: key::KeyRange, limit: usize) -> Answered<Vec<(Key, Value)>> {
        let found = self.index.scan(&[range], limit).map_err(|e| self.unreadable(e))?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// How many of these events one answer may hold.
fn as_many_as_fit(places: &[(Seq, Place)]) -> usize {
    let mut room = MAX_READ;
    let fits = |(_, place): &&(Seq, Place)| {
        let left = room.checked_sub(place.stored_length as usize);
        room = left.unwrap_or(0);
        left.is_some()
    };
    places.iter().take_while(fits).count()
}

/// The payload of an event's record: when, by whom, what.
pub(crate) fn encode_event(time_ms: i64, origin: &[u8], payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(10 + origin.len() + payload.len());
    out.extend_from_slice(&time_ms.to_le_bytes());
    // The store's limit on origins is far below.
    out.extend_from_slice(&u16::try_from(origin.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(origin);
    out.extend_from_slice(payload);
    out.into()
}

fn decode_event(seq: Seq, record: &Bytes) -> Option<Event> {
    let time_ms = array_at(record, 0).map(i64::from_le_bytes)?;
    let end = 10 + usize::from(u16_at(record, 8)?);
    let payload = (end <= record.len()).then(|| record.slice(end..))?;
    Some(Event { seq, time_ms, origin: record.slice(10..end), payload })
}
