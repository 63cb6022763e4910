//! A store that counts what is asked of it, over the local store on a disk that counts too.

use super::delegate::left_to_inner;
use super::local;
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use store::*;
use store_local::Pump;
use testkit::disk::FaultyDisk;

/// Work: what one step asked of the store, and the store of the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Questions and commits.
    pub calls: u64,
    /// Streams, events, records, bodies and pieces of snapshots, on their way in or out.
    pub things: u64,
    /// Their octets, those of snapshots apart.
    pub octets: u64,
    /// Octets of snapshots.
    pub snapshots: u64,
    /// Octets written to the log.
    pub logged: u64,
    /// Octets read from log and index.
    pub read: u64,
}

impl Work {
    /// What came on top of an earlier count.
    fn since(self, before: Self) -> Self {
        let mut left = before.fields().into_iter();
        self.map(|field| field - left.next().unwrap_or_default())
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        let mut more = other.fields().into_iter();
        self.map(|field| field + more.next().unwrap_or_default())
    }

    /// What each grew to at most, by this rule.
    pub fn map(self, mut by: impl FnMut(u64) -> u64) -> Self {
        let [calls, things, octets, snapshots, logged, read] = self.fields().map(&mut by);
        Self { calls, things, octets, snapshots, logged, read }
    }

    /// Whether no part of it is more than that of `most`.
    pub fn is_within(self, most: Self) -> bool {
        self.fields().iter().zip(most.fields()).all(|(here, most)| *here <= most)
    }

    fn fields(self) -> [u64; 6] {
        [self.calls, self.things, self.octets, self.snapshots, self.logged, self.read]
    }
}

/// The store, which counts.
pub struct Weighed {
    inner: Arc<dyn Store>,
    work: Mutex<Work>,
}

impl Weighed {
    fn count(&self, things: usize, octets: usize) {
        let mut work = self.work.lock().unwrap();
        work.calls += 1;
        work.things += things as u64;
        work.octets += octets as u64;
    }

    fn count_pieces(&self, pieces: &[Bytes]) {
        self.count(pieces.len(), 0);
        self.work.lock().unwrap().snapshots += total(pieces) as u64;
    }

    /// Asks, and counts what comes.
    fn counting<'a, T: 'a>(
        &'a self,
        asked: Answer<'a, T>,
        weigh: impl Fn(&T) -> (usize, usize) + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let answer = asked.await?;
            let (things, octets) = weigh(&answer);
            self.count(things, octets);
            Ok(answer)
        })
    }
}

fn total<'a>(octets: impl IntoIterator<Item = &'a Bytes>) -> usize {
    octets.into_iter().map(Bytes::len).sum()
}

impl Store for Weighed {
    left_to_inner! { drop_stream trim list_records stage_body list_bodies delete_body put_soft watch }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        let events = || commit.appends.iter().flat_map(|append| &append.events);
        let records = total(commit.records.iter().filter_map(|(_, record)| Some(&record.as_ref()?.octets)));
        let bodies = total(commit.bodies.iter().map(Body::octets));
        let things = commit.appends.len() + events().count() + commit.records.len() + commit.bodies.len();
        self.count(things, total(events()) + records + bodies);
        self.inner.commit(commit)
    }

    fn read(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<Event>> {
        let weigh = |events: &Vec<Event>| (events.len(), total(events.iter().map(|event| &event.payload)));
        self.counting(self.inner.read(stream, after, limit), weigh)
    }

    fn heads(&self, streams: &[StreamId]) -> Answer<'_, Vec<Option<(Seq, Head)>>> {
        self.counting(self.inner.heads(streams), |heads| (heads.len(), 0))
    }

    fn list_streams(&self, of: AccountId) -> Answer<'_, Vec<(StreamId, Seq, Head)>> {
        self.counting(self.inner.list_streams(of), |streams| (streams.len(), 0))
    }

    fn snapshot_at(&self, stream: StreamId, at: Seq) -> Answer<'_, Option<Snapshot>> {
        Box::pin(async move {
            let snapshot = self.inner.snapshot_at(stream, at).await?;
            self.count_pieces(snapshot.as_ref().map(|snapshot| &*snapshot.pieces).unwrap_or_default());
            Ok(snapshot)
        })
    }

    fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Answer<'_, ()> {
        self.count_pieces(&snapshot.pieces);
        self.inner.put_snapshot(stream, snapshot)
    }

    fn records(&self, of: AccountId, ranges: &[EmailRange]) -> Answer<'_, Vec<(EmailId, Bytes)>> {
        let weigh =
            |found: &Vec<(EmailId, Bytes)>| (found.len(), total(found.iter().map(|(_, record)| record)));
        self.counting(self.inner.records(of, ranges), weigh)
    }

    fn body(&self, of: AccountId, body: BodyId, offset: u64, length: usize) -> Answer<'_, Option<Bytes>> {
        self.counting(self.inner.body(of, body, offset, length), |octets| (1, total(octets)))
    }

    fn body_len(&self, of: AccountId, body: BodyId) -> Answer<'_, Option<u64>> {
        self.counting(self.inner.body_len(of, body), |_| (1, 0))
    }

    fn soft(&self, of: AccountId, key: &[u8]) -> Answer<'_, Option<Bytes>> {
        self.counting(self.inner.soft(of, key), |value| (1, total(value)))
    }
}

/// The store, what works it, and the disk beneath.
pub struct Scale {
    pub store: Arc<dyn Store>,
    weighed: Arc<Weighed>,
    pump: Pump,
    disk: FaultyDisk,
}

impl Scale {
    pub fn on(disk: FaultyDisk) -> Self {
        let (inner, pump) = local::open(&disk);
        let weighed = Arc::new(Weighed { inner, work: Mutex::default() });
        Self { store: Arc::<Weighed>::clone(&weighed), weighed, pump, disk }
    }

    /// Lets it be done, its entries moved into the index, and says what that took.
    pub async fn weigh<T>(&mut self, asked: impl Future<Output = T>) -> (T, Work) {
        let before = self.so_far();
        let answer = local::pumping(&mut self.pump, asked).await;
        let work = self.so_far().since(before);
        self.pump.move_tail();
        (answer, work)
    }

    /// The power goes, and the store is opened again: what that took.
    pub fn restart(self, seed: u64) -> (Self, Work) {
        let again = Self::on(self.disk.cut(seed));
        let work = again.so_far();
        (again, work)
    }

    fn so_far(&self) -> Work {
        let read = self.disk.octets_read("");
        Work { logged: self.disk.octets_written("log"), read, ..*self.weighed.work.lock().unwrap() }
    }
}
