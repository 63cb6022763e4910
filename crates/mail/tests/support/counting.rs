//! A store that counts how many large bodies are on their way into it at once.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::{
    AccountId, Answer, BodyId, BodyWriter, Commit, Committed, EmailId, EmailRange, Event, Head, Seq,
    Snapshot, Store, StreamId, Watch,
};

/// How many there are now, and how many there were at most.
#[derive(Debug, Default)]
pub struct Count {
    now: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
    octets: AtomicUsize,
}

impl Count {
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// How many were begun.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many octets were written of all of them.
    pub fn octets(&self) -> usize {
        self.octets.load(Ordering::Relaxed)
    }
}

pub struct Counting {
    inner: Arc<dyn Store>,
    pub bodies: Arc<Count>,
}

impl Counting {
    pub fn over(inner: Arc<dyn Store>) -> Self {
        Self { inner, bodies: Arc::default() }
    }
}

struct Counted {
    inner: Option<Box<dyn BodyWriter>>,
    count: Arc<Count>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl BodyWriter for Counted {
    fn write(&mut self, bytes: Bytes) -> Answer<'_, ()> {
        self.count.octets.fetch_add(bytes.len(), Ordering::Relaxed);
        Box::pin(async move {
            // Whoever else is on the way goes on meanwhile.
            tokio::task::yield_now().await;
            self.inner.as_mut().unwrap().write(bytes).await
        })
    }

    fn finish(mut self: Box<Self>) -> Answer<'static, (BodyId, u64)> {
        self.inner.take().unwrap().finish()
    }
}

impl Store for Counting {
    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        self.inner.commit(commit)
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

    fn stage_body(&self, account: AccountId) -> Answer<'_, Box<dyn BodyWriter>> {
        Box::pin(async move {
            let inner = Some(self.inner.stage_body(account).await?);
            let now = self.bodies.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.bodies.most.fetch_max(now, Ordering::Relaxed);
            self.bodies.begun.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Counted { inner, count: Arc::clone(&self.bodies) }) as Box<dyn BodyWriter>)
        })
    }

    fn body(
        &self,
        account: AccountId,
        body: BodyId,
        offset: u64,
        length: usize,
    ) -> Answer<'_, Option<Bytes>> {
        assert!(length <= 1 << 20, "a body is read in pieces");
        self.inner.body(account, body, offset, length)
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
