//! A store whose disk stands still when it is told to.

use bytes::Bytes;
use std::sync::Arc;
use store::{
    AccountId, Answer, BodyId, BodyWriter, Commit, Committed, EmailId, EmailRange, Event, Head, Listed, Seq,
    Snapshot, Store, StreamId, Watch,
};
use tokio::sync::watch;
use transcript::Disk;

/// Turns the disk off and on.
#[derive(Clone)]
pub(crate) struct Switch {
    disk: Arc<watch::Sender<Disk>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Switch {
    pub(crate) fn new() -> Self {
        Self { disk: Arc::new(watch::Sender::new(Disk::Works)), waiting: Arc::default() }
    }

    pub(crate) fn turn(&self, disk: Disk) {
        self.disk.send_replace(disk);
    }

    /// Where the disk stands still: until somebody waits for it.
    pub(crate) async fn somebody_waits(&self) {
        if *self.disk.borrow() == Disk::Stalls {
            self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
        }
    }

    async fn disk_works(&self) {
        if *self.disk.borrow() == Disk::Works {
            return;
        }
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.disk.subscribe().wait_for(|disk| *disk == Disk::Works).await.unwrap();
        self.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

/// Nothing is committed while the disk stands still; what is there can be read.
pub(crate) struct Stalling<S> {
    inner: S,
    switch: Switch,
}

impl<S: Store> Stalling<S> {
    pub(crate) fn over(inner: S, switch: Switch) -> Self {
        Self { inner, switch }
    }
}

impl<S: Store> Store for Stalling<S> {
    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        Box::pin(async move {
            self.switch.disk_works().await;
            self.inner.commit(commit).await
        })
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

    fn stage_body(&self, account: AccountId) -> Answer<'_, Box<dyn BodyWriter>> {
        self.inner.stage_body(account)
    }

    fn body(
        &self,
        account: AccountId,
        body: BodyId,
        offset: u64,
        length: usize,
    ) -> Answer<'_, Option<Bytes>> {
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
