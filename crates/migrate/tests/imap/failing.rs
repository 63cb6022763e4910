//! A store that takes no messages for a while, or gives others back.

use bytes::Bytes;
use std::sync::atomic::{AtomicU8, Ordering};
use store::{
    AccountId, Answer, BodyId, BodyWriter, Commit, Committed, EmailId, EmailRange, Event, Head, Listed, Seq,
    Snapshot, Store, StoreError, StreamId, Watch,
};
use store_memory::Memory;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Health {
    Well,
    /// It stores no message, and says so.
    Unavailable,
    /// It stores a message, and does not know that it did.
    Uncertain,
    /// It stores a message, and gives back other octets.
    Forgetful,
}

pub(crate) struct Failing {
    inner: Memory,
    health: AtomicU8,
}

impl Failing {
    pub(crate) fn new() -> Self {
        Self { inner: Memory::new(), health: AtomicU8::new(Health::Well as u8) }
    }

    pub(crate) fn be(&self, health: Health) {
        self.health.store(health as u8, Ordering::Release);
    }

    fn is(&self, health: Health) -> bool {
        self.health.load(Ordering::Acquire) == health as u8
    }

    fn full<T>(uncertain: bool) -> Result<T, StoreError> {
        Err(StoreError::Unavailable { reason: "the disk is full".into(), uncertain })
    }
}

impl Store for Failing {
    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        Box::pin(async move {
            let brings = !commit.bodies.is_empty();
            if brings && self.is(Health::Unavailable) {
                return Self::full(false);
            }
            let done = self.inner.commit(commit).await;
            if brings && self.is(Health::Uncertain) { Self::full(true) } else { done }
        })
    }

    fn stage_body(&self, account: AccountId) -> Answer<'_, Box<dyn BodyWriter>> {
        if self.is(Health::Well) || self.is(Health::Forgetful) {
            self.inner.stage_body(account)
        } else {
            Box::pin(async { Self::full(false) })
        }
    }

    fn read(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<Event>> {
        self.inner.read(stream, after, limit)
    }

    fn heads(&self, streams: &[StreamId]) -> Answer<'_, Vec<Option<(Seq, Head)>>> {
        self.inner.heads(streams)
    }

    fn list_streams(&self, account: AccountId) -> Answer<'_, Vec<(StreamId, Seq, Head)>> {
        self.inner.list_streams(account)
    }

    fn drop_stream(&self, stream: StreamId) -> Answer<'_, ()> {
        self.inner.drop_stream(stream)
    }

    fn trim(&self, stream: StreamId, through: Seq) -> Answer<'_, ()> {
        self.inner.trim(stream, through)
    }

    fn snapshot_at(&self, stream: StreamId, at: Seq) -> Answer<'_, Option<Snapshot>> {
        self.inner.snapshot_at(stream, at)
    }

    fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Answer<'_, ()> {
        self.inner.put_snapshot(stream, snapshot)
    }

    fn records(&self, account: AccountId, ranges: &[EmailRange]) -> Answer<'_, Vec<(EmailId, Bytes)>> {
        self.inner.records(account, ranges)
    }

    fn list_records(&self, account: AccountId, range: EmailRange, limit: usize) -> Answer<'_, Vec<Listed>> {
        self.inner.list_records(account, range, limit)
    }

    fn body(
        &self,
        account: AccountId,
        body: BodyId,
        offset: u64,
        length: usize,
    ) -> Answer<'_, Option<Bytes>> {
        let read = self.inner.body(account, body, offset, length);
        if !self.is(Health::Forgetful) {
            return read;
        }
        Box::pin(async move { Ok(read.await?.map(|octets| octets.to_ascii_uppercase().into())) })
    }

    fn body_len(&self, account: AccountId, body: BodyId) -> Answer<'_, Option<u64>> {
        self.inner.body_len(account, body)
    }

    fn list_bodies(
        &self,
        account: AccountId,
        after: Option<BodyId>,
        limit: usize,
    ) -> Answer<'_, Vec<BodyId>> {
        self.inner.list_bodies(account, after, limit)
    }

    fn delete_body(&self, account: AccountId, body: BodyId) -> Answer<'_, ()> {
        self.inner.delete_body(account, body)
    }

    fn soft(&self, account: AccountId, key: &[u8]) -> Answer<'_, Option<Bytes>> {
        self.inner.soft(account, key)
    }

    fn put_soft(&self, account: AccountId, key: &[u8], value: Option<Bytes>) -> Answer<'_, ()> {
        self.inner.put_soft(account, key, value)
    }

    fn watch(&self) -> Box<dyn Watch> {
        self.inner.watch()
    }
}
