//! A store asked without `async`, by one account, in few words.

use super::block_on;
use crate::{
    AccountId, Answer, Append, Body, BodyId, Commit, CommitId, Committed, EmailId, EmailRange, Event, Head,
    Listed, Record, Seq, Snapshot, Store, StoreError, StreamId,
};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A message as (mailbox, UID).
type Email = (u32, u32);

/// One account before a store.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) store: Arc<dyn Store>,
    pub(super) account: AccountId,
}

impl Caller {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, account: AccountId(7) }
    }

    /// Another account before the same store.
    pub(super) fn other(&self, account: u64) -> Self {
        Self { store: Arc::clone(&self.store), account: AccountId(account) }
    }

    pub(super) const fn stream(&self, number: u32) -> StreamId {
        StreamId { account: self.account, number }
    }

    /// An empty commit with an id of its own.
    pub(super) fn draft(&self) -> Draft<'_> {
        let commit = Commit {
            account: self.account,
            id: fresh_id(),
            after: None,
            needs_format: crate::FIRST_FORMAT,
            time_ms: 1_700_000_000_000,
            origin: Bytes::from_static(b"origin"),
            appends: Vec::new(),
            records: Vec::new(),
            bodies: Vec::new(),
        };
        Draft { caller: self, commit }
    }

    pub(super) fn commit(&self, commit: Commit) -> Committed {
        self.try_commit(commit).unwrap()
    }

    pub(super) fn try_commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        block_on(self.store.commit(commit))
    }

    /// Appends to one stream; its head is the last event.
    pub(super) fn append(&self, number: u32, expected: u64, events: &[&str]) -> Committed {
        self.draft().append(number, expected, events).commit()
    }

    /// Appends to one stream and expects no objection.
    pub(super) fn put(&self, number: u32, expected: u64, events: &[&str]) {
        assert_eq!(self.append(number, expected, events), Committed::Done);
    }

    pub(super) fn read(&self, number: u32, after: u64, limit: usize) -> Vec<Event> {
        self.ask(self.store.read(self.stream(number), Seq(after), limit))
    }

    /// All payloads of a stream, as text.
    pub(super) fn texts(&self, number: u32) -> Vec<String> {
        texts(&self.read(number, 0, usize::MAX))
    }

    /// Where a stream stands, and its head as text.
    pub(super) fn head(&self, number: u32) -> Option<(u64, String)> {
        let heads = self.ask(self.store.heads(&[self.stream(number)]));
        assert_eq!(heads.len(), 1, "one answer for one question");
        heads[0].as_ref().map(|(seq, head)| (seq.0, text(&head.0)))
    }

    /// The numbers of the account's streams, as listed.
    pub(super) fn stream_numbers(&self) -> Vec<u32> {
        self.ask(self.store.list_streams(self.account)).iter().map(|(stream, ..)| stream.number).collect()
    }

    pub(super) fn drop_stream(&self, number: u32) {
        self.ask(self.store.drop_stream(self.stream(number)));
    }

    pub(super) fn trim(&self, number: u32, through: u64) -> Result<(), StoreError> {
        block_on(self.store.trim(self.stream(number), Seq(through)))
    }

    pub(super) fn put_snapshot(&self, number: u32, at: u64, pieces: &[&str]) -> Result<(), StoreError> {
        let pieces = pieces.iter().map(|piece| bytes(piece)).collect();
        block_on(self.store.put_snapshot(self.stream(number), Snapshot { at: Seq(at), pieces }))
    }

    /// The place and the pieces of the newest snapshot at or before `at`.
    pub(super) fn snapshot_at(&self, number: u32, at: u64) -> Option<(u64, Vec<String>)> {
        let found = self.ask(self.store.snapshot_at(self.stream(number), Seq(at)))?;
        Some((found.at.0, found.pieces.iter().map(text).collect()))
    }

    /// Records in ranges of (mailbox, UID) pairs, as (mailbox, UID, text).
    pub(super) fn records(&self, ranges: &[(Email, Email)]) -> Vec<(u32, u32, String)> {
        let ranges: Vec<_> = ranges.iter().map(|&(first, last)| range(first, last)).collect();
        let found = self.ask(self.store.records(self.account, &ranges));
        found.iter().map(|(email, record)| (email.mailbox, email.uid, text(record))).collect()
    }

    pub(super) fn all_records(&self) -> Vec<(u32, u32, String)> {
        self.records(&[((0, 0), (u32::MAX, u32::MAX))])
    }

    /// Up to `limit` records with the bodies that they name.
    pub(super) fn list_records(&self, first: Email, last: Email, limit: usize) -> Vec<Listed> {
        self.ask(self.store.list_records(self.account, range(first, last), limit))
    }

    /// Stages a body piece by piece.
    pub(super) fn stage(&self, pieces: &[Bytes]) -> (BodyId, u64) {
        let mut writer = self.ask(self.store.stage_body(self.account));
        for piece in pieces {
            self.ask(writer.write(piece.clone()));
        }
        self.ask(writer.finish())
    }

    /// Stages a body in one piece.
    pub(super) fn stage_whole(&self, body: &Bytes) -> (BodyId, u64) {
        self.stage(std::slice::from_ref(body))
    }

    pub(super) fn body(&self, body: BodyId, offset: u64, length: usize) -> Option<Bytes> {
        self.ask(self.store.body(self.account, body, offset, length))
    }

    /// A body from its first octet to its last.
    pub(super) fn whole_body(&self, body: BodyId) -> Option<Bytes> {
        self.body(body, 0, usize::MAX)
    }

    pub(super) fn body_len(&self, body: BodyId) -> Option<u64> {
        self.ask(self.store.body_len(self.account, body))
    }

    pub(super) fn bodies(&self, after: Option<BodyId>, limit: usize) -> Vec<BodyId> {
        self.ask(self.store.list_bodies(self.account, after, limit))
    }

    pub(super) fn all_bodies(&self) -> Vec<BodyId> {
        self.bodies(None, usize::MAX)
    }

    pub(super) fn delete_body(&self, body: BodyId) {
        self.ask(self.store.delete_body(self.account, body));
    }

    pub(super) fn soft(&self, key: &[u8]) -> Option<String> {
        self.ask(self.store.soft(self.account, key)).as_ref().map(text)
    }

    pub(super) fn put_soft(&self, key: &[u8], value: Option<&str>) {
        self.ask(self.store.put_soft(self.account, key, value.map(bytes)));
    }

    /// Waits for an answer that must not be an error.
    pub(super) fn ask<T>(&self, answer: Answer<'_, T>) -> T {
        block_on(answer).unwrap()
    }
}

/// A commit in the making.
pub(super) struct Draft<'a> {
    caller: &'a Caller,
    pub(super) commit: Commit,
}

impl Draft<'_> {
    /// Appends events; the head is the last of them, or `"-"` for none.
    pub(super) fn append(self, number: u32, expected: u64, events: &[&str]) -> Self {
        let head = events.last().copied().unwrap_or("-");
        self.append_bytes(number, expected, events.iter().map(|event| bytes(event)).collect(), bytes(head))
    }

    pub(super) fn append_bytes(
        mut self,
        number: u32,
        expected: u64,
        events: Vec<Bytes>,
        head: Bytes,
    ) -> Self {
        let stream = self.caller.stream(number);
        self.commit.appends.push(Append { stream, expected: Seq(expected), events, head: Head(head) });
        self
    }

    pub(super) fn record(mut self, mailbox: u32, uid: u32, record: Option<&str>) -> Self {
        let record = record.map(|text| bytes(text).into());
        self.commit.records.push((EmailId { mailbox, uid }, record));
        self
    }

    /// A record that names a body.
    pub(super) fn record_of(mut self, mailbox: u32, uid: u32, body: BodyId) -> Self {
        let record = Record { octets: bytes("of a body"), body: Some(body) };
        self.commit.records.push((EmailId { mailbox, uid }, Some(record)));
        self
    }

    pub(super) fn body(mut self, body: &Bytes) -> Self {
        self.commit.bodies.push(Body::new(body.clone()));
        self
    }

    pub(super) fn commit(self) -> Committed {
        self.caller.commit(self.commit)
    }

    pub(super) fn try_commit(self) -> Result<Committed, StoreError> {
        self.caller.try_commit(self.commit)
    }
}

fn fresh_id() -> CommitId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut id = [0xC0; 16];
    id[8..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    CommitId(id)
}

fn range(first: Email, last: Email) -> EmailRange {
    let email = |(mailbox, uid)| EmailId { mailbox, uid };
    EmailRange { first: email(first), last: email(last) }
}

pub(super) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(super) fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(super) fn texts(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| text(&event.payload)).collect()
}

/// The places of events.
pub(super) fn places(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq.0).collect()
}
