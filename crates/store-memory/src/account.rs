//! What is kept for one account.

use crate::stream::Stream;
use bytes::Bytes;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Bound;
use store::{
    AccountId, BodyId, Commit, CommitId, Committed, EmailId, EmailRange, Head, Listed, REMEMBERED_COMMITS,
    Record, Seq, StoreError, StreamId,
};

/// Streams, records, bodies and soft values of one account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    streams: BTreeMap<u32, Stream>,
    records: BTreeMap<EmailId, Record>,
    bodies: BTreeMap<BodyId, Bytes>,
    soft: BTreeMap<Vec<u8>, Bytes>,
    done: DoneCommits,
}

impl Account {
    /// Compares, and only if every stream stands as expected, writes. `grown` takes what became longer.
    pub(crate) fn commit(
        &mut self,
        commit: Commit,
        grown: &mut Vec<(StreamId, Seq)>,
    ) -> Result<Committed, StoreError> {
        if self.done.contains(commit.id) {
            return Ok(Committed::Done);
        }
        let objection = self.unfounded(&commit).or_else(|| self.objection(&commit));
        if let Some(objection) = objection.or_else(|| self.bodiless(&commit)) {
            return Ok(objection);
        }
        grown.extend(self.write(commit));
        Ok(Committed::Done)
    }

    /// The answer to a commit that builds on one that was never written.
    fn unfounded(&self, commit: &Commit) -> Option<Committed> {
        commit.after.filter(|after| !self.done.contains(*after))?;
        let own = StreamId { account: commit.account, number: 0 };
        let stream = commit.appends.first().map_or(own, |append| append.stream);
        Some(Committed::Diverged { stream, at: self.stream(stream).map(Stream::at).unwrap_or_default() })
    }

    /// The answer of the first stream that does not stand where the writer believes.
    fn objection(&self, commit: &Commit) -> Option<Committed> {
        let absent = Stream::default();
        commit.appends.iter().find_map(|append| {
            let stream = self.stream(append.stream).unwrap_or(&absent);
            stream.objection(append.stream, append.expected)
        })
    }

    /// The answer to a commit with a record whose body is gone.
    fn bodiless(&self, commit: &Commit) -> Option<Committed> {
        commit.needs().find(|body| !self.bodies.contains_key(body)).map(Committed::BodyGone)
    }

    fn write(&mut self, commit: Commit) -> Vec<(StreamId, Seq)> {
        self.done.remember(commit.id);
        for (email, record) in commit.records {
            put_or_remove(&mut self.records, email, record);
        }
        for body in commit.bodies {
            self.put_body(body.id(), body.octets().clone());
        }
        let longer = commit.appends.into_iter().filter(|append| !append.events.is_empty());
        longer
            .map(|append| {
                let stream = self.streams.entry(append.stream.number).or_default();
                (append.stream, stream.append(commit.time_ms, &commit.origin, append.events, append.head))
            })
            .collect()
    }

    pub(crate) fn stream(&self, stream: StreamId) -> Option<&Stream> {
        self.streams.get(&stream.number)
    }

    pub(crate) fn stream_mut(&mut self, stream: StreamId) -> Option<&mut Stream> {
        self.streams.get_mut(&stream.number)
    }

    pub(crate) fn drop_stream(&mut self, stream: StreamId) {
        self.streams.remove(&stream.number);
    }

    pub(crate) fn list_streams(&self, account: AccountId) -> Vec<(StreamId, Seq, Head)> {
        let standing = |(&number, stream): (&u32, &Stream)| {
            let (at, head) = stream.standing();
            (StreamId { account, number }, at, head)
        };
        self.streams.iter().map(standing).collect()
    }

    pub(crate) fn records(&self, ranges: &[EmailRange]) -> Vec<(EmailId, Bytes)> {
        // A map refuses a range that ends before it starts; here it is merely empty.
        let sound = ranges.iter().filter(|range| range.first <= range.last);
        sound
            .flat_map(|range| self.records.range(range.first..=range.last))
            .map(|(&email, record)| (email, record.octets.clone()))
            .collect()
    }

    pub(crate) fn list_records(&self, range: EmailRange, limit: usize) -> Vec<Listed> {
        if range.first > range.last {
            return Vec::new();
        }
        let listed = |(&email, record): (&EmailId, &Record)| (email, record.body.map(|body| body.prefix()));
        self.records.range(range.first..=range.last).map(listed).take(limit).collect()
    }

    pub(crate) fn body(&self, body: BodyId) -> Option<&Bytes> {
        self.bodies.get(&body)
    }

    pub(crate) fn put_body(&mut self, id: BodyId, body: Bytes) {
        self.bodies.entry(id).or_insert(body);
    }

    pub(crate) fn delete_body(&mut self, body: BodyId) {
        self.bodies.remove(&body);
    }

    pub(crate) fn list_bodies(&self, after: Option<BodyId>, limit: usize) -> Vec<BodyId> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.bodies.range((start, Bound::Unbounded)).map(|(&id, _)| id).take(limit).collect()
    }

    pub(crate) fn soft(&self, key: &[u8]) -> Option<Bytes> {
        self.soft.get(key).cloned()
    }

    pub(crate) fn put_soft(&mut self, key: Vec<u8>, value: Option<Bytes>) {
        put_or_remove(&mut self.soft, key, value);
    }
}

fn put_or_remove<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

/// The ids of the last [`REMEMBERED_COMMITS`] commits.
#[derive(Debug, Default)]
struct DoneCommits {
    order: VecDeque<CommitId>,
    ids: HashSet<CommitId>,
}

impl DoneCommits {
    fn contains(&self, id: CommitId) -> bool {
        self.ids.contains(&id)
    }

    fn remember(&mut self, id: CommitId) {
        if self.order.len() >= REMEMBERED_COMMITS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.order.push_back(id);
        self.ids.insert(id);
    }
}
