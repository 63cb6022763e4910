//! What a store holds, as the test sees it: from outside by reading, and from what was answered.

use super::plan::{On, Op, Plan, Renewal, snapshot_of, tagged};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use store::conformance::block_on;
use store::{AccountId, BodyId, EmailId, EmailRange, Seq, Snapshot, Store, StoreError, StreamId};

/// The accounts of the test.
pub(crate) const ACCOUNTS: [AccountId; 2] = [AccountId(1), AccountId(2)];

/// All that can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) streams: BTreeMap<StreamId, StreamState>,
    pub(crate) records: BTreeMap<(AccountId, EmailId), u64>,
    pub(crate) bodies: BTreeSet<(AccountId, BodyId)>,
}

/// A stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamState {
    /// The last event that was trimmed.
    pub(crate) trimmed: u64,
    /// Which commit made each event behind that.
    pub(crate) events: Vec<u64>,
    /// Which commit made the head.
    pub(crate) head: u64,
    /// The newest snapshot, and which attempt wrote it.
    pub(crate) snapshot: Option<(Seq, u64)>,
}

impl StreamState {
    pub(crate) fn seq(&self) -> Seq {
        Seq(self.trimmed + self.events.len() as u64)
    }

    fn trim(&mut self, through: Seq) {
        self.events.drain(..(through.0 - self.trimmed) as usize);
        self.trimmed = through.0;
    }

    fn renew(&mut self, renewal: &Renewal) {
        let tag = renewal.tag;
        *self = match renewal.on {
            On::There(at) => return self.trim(at),
            On::State(at) => Self { trimmed: at.0, events: Vec::new(), head: tag, snapshot: Some((at, tag)) },
            On::Events(behind, count) => Self {
                trimmed: behind.0,
                events: vec![tag; count],
                head: tag,
                snapshot: self.snapshot.filter(|(at, _)| *at == behind),
            },
        };
    }
}

impl State {
    /// Where a stream stands.
    pub(crate) fn seq(&self, stream: StreamId) -> Seq {
        self.streams.get(&stream).map_or(Seq::NONE, StreamState::seq)
    }

    /// Every event: its stream, its number, and which commit made it.
    pub(crate) fn places(&self) -> impl Iterator<Item = (StreamId, u64, u64)> {
        self.streams.iter().flat_map(|(stream, state)| {
            let numbered = (state.trimmed + 1..).zip(&state.events);
            numbered.map(|(seq, tag)| (*stream, seq, *tag))
        })
    }

    /// What an operation that was done leaves.
    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Commit(plan) => self.apply_commit(plan),
            Op::Drop(stream) => drop(self.streams.remove(stream)),
            Op::Trim(stream, through) => self.streams.get_mut(stream).unwrap().trim(*through),
            Op::Snapshot(stream, at, tag) => {
                self.streams.get_mut(stream).unwrap().snapshot = Some((*at, *tag));
            }
            Op::LargeBody(account, body) => drop(self.bodies.insert((*account, BodyId::of(body)))),
            Op::DeleteBody(account, id) => drop(self.bodies.remove(&(*account, *id))),
            Op::Anew(renewal) => self.streams.get_mut(&renewal.stream).unwrap().renew(renewal),
        }
    }

    fn apply_commit(&mut self, plan: &Plan) {
        let account = plan.account;
        for append in &plan.appends {
            let stream = self.streams.entry(append.stream).or_default();
            stream.events.extend(std::iter::repeat_n(plan.tag, append.count));
            stream.head = plan.tag;
        }
        self.records.insert((account, plan.record()), plan.tag);
        if let Some(id) = plan.forgets {
            self.records.remove(&(account, id));
        }
        if let Some(body) = &plan.body {
            self.bodies.insert((account, BodyId::of(body)));
        }
    }

    /// Whether any trace of an operation is there.
    pub(crate) fn shows(&self, op: &Op) -> bool {
        match op {
            Op::Commit(plan) => {
                let in_stream =
                    |stream: &StreamState| stream.events.contains(&plan.tag) || stream.head == plan.tag;
                self.streams.values().any(in_stream)
                    || self.records.values().any(|tag| *tag == plan.tag)
                    || plan
                        .body
                        .as_ref()
                        .is_some_and(|b| self.bodies.contains(&(plan.account, BodyId::of(b))))
            }
            Op::Drop(stream) => !self.streams.contains_key(stream),
            Op::Trim(stream, through) => self.streams.get(stream).is_some_and(|s| s.trimmed == through.0),
            Op::Snapshot(stream, at, tag) => {
                self.streams.get(stream).is_some_and(|s| s.snapshot == Some((*at, *tag)))
            }
            Op::LargeBody(account, body) => self.bodies.contains(&(*account, BodyId::of(body))),
            Op::DeleteBody(account, id) => !self.bodies.contains(&(*account, *id)),
            Op::Anew(Renewal { stream, on: On::There(at), .. }) => {
                self.streams.get(stream).is_some_and(|s| s.trimmed == at.0)
            }
            Op::Anew(Renewal { stream, tag, .. }) => self.streams.get(stream).is_some_and(|s| s.head == *tag),
        }
    }

    /// What is not alike, in words.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let lines = |state: &Self| -> BTreeSet<String> {
            let streams = state.streams.iter().map(|entry| format!("{entry:?}"));
            let records = state.records.iter().map(|entry| format!("{entry:?}"));
            streams.chain(records).chain(state.bodies.iter().map(|entry| format!("{entry:?}"))).collect()
        };
        let (ours, theirs) = (lines(self), lines(other));
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            a.difference(b).cloned().collect::<Vec<_>>().join("\n")
        };
        format!("only here:\n{}\nonly there:\n{}", only(&ours, &theirs), only(&theirs, &ours))
    }

    /// Reads everything. What reads back wrongly, or not at all, is an error in words.
    pub(crate) fn observe(store: &dyn Store) -> Result<Self, String> {
        Self::look(store).map_err(|e| e.to_string())?
    }

    /// Reads everything. The outer error: it cannot be read. The inner one: it reads back wrongly.
    pub(crate) fn look(store: &dyn Store) -> Result<Result<Self, String>, StoreError> {
        let mut state = Self::default();
        for account in ACCOUNTS {
            if let Err(wrong) = state.observe_account(store, account)? {
                return Ok(Err(wrong));
            }
        }
        Ok(Ok(state))
    }

    fn observe_account(
        &mut self,
        store: &dyn Store,
        account: AccountId,
    ) -> Result<Result<(), String>, StoreError> {
        for (stream, seq, head) in block_on(store.list_streams(account))? {
            match observe_stream(store, stream, seq, &head.0)? {
                Ok(seen) => drop(self.streams.insert(stream, seen)),
                Err(wrong) => return Ok(Err(wrong)),
            }
        }
        let all = EmailRange {
            first: EmailId { mailbox: 0, uid: 0 },
            last: EmailId { mailbox: u32::MAX, uid: u32::MAX },
        };
        for (id, record) in block_on(store.records(account, &[all]))? {
            self.records.insert((account, id), tag_of(&record));
        }
        for id in block_on(store.list_bodies(account, None, usize::MAX))? {
            let body = block_on(store.body(account, id, 0, usize::MAX))?;
            if body.is_none_or(|body| BodyId::of(&body) != id) {
                return Ok(Err(format!("body {id:?} is listed but is not there, or is another")));
            }
            self.bodies.insert((account, id));
        }
        Ok(Ok(()))
    }
}

fn observe_stream(
    store: &dyn Store,
    stream: StreamId,
    seq: Seq,
    head: &Bytes,
) -> Result<Result<StreamState, String>, StoreError> {
    let events = block_on(store.read(stream, Seq::NONE, usize::MAX))?;
    let first = events.first().map_or(seq.plus(1), |event| event.seq);
    let expected = (first.0..).map(Seq);
    let contiguous = events.iter().map(|event| event.seq).zip(expected).all(|(is, should)| is == should);
    if !contiguous || events.last().is_some_and(|last| last.seq != seq) {
        return Ok(Err(format!("{stream:?} stands at {seq:?} and has events {events:?}")));
    }
    let snapshot = block_on(store.snapshot_at(stream, Seq(u64::MAX)))?;
    let attempt = |snapshot: &Snapshot| snapshot.pieces.first().map_or(0, tag_of);
    if let Some(snapshot) = &snapshot
        && *snapshot != snapshot_of(stream, snapshot.at, attempt(snapshot))
    {
        return Ok(Err(format!("the snapshot of {stream:?} at {:?} is not what was put", snapshot.at)));
    }
    Ok(Ok(StreamState {
        trimmed: first.0 - 1,
        events: events.iter().map(|event| tag_of(&event.payload)).collect(),
        head: tag_of(head),
        snapshot: snapshot.map(|snapshot| (snapshot.at, attempt(&snapshot))),
    }))
}

/// Everything that is written starts with its tag; no tag when the rest does not follow from it.
fn tag_of(bytes: &Bytes) -> u64 {
    let tag = bytes.first_chunk().map_or(0, |tag| u64::from_le_bytes(*tag));
    if *bytes == tagged(tag, bytes.len().saturating_sub(8)) { tag } else { 0 }
}
