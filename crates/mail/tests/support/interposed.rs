//! A store in which something happens just before one of its calls, or that stops at one.

use bytes::Bytes;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use store::*;

type Happening = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is to happen at a call.
enum Then {
    /// This, before it.
    Happens(Happening),
    /// It and all behind it fail.
    Stops,
}

pub struct Interposed {
    inner: Arc<dyn Store>,
    calls: AtomicUsize,
    then: Mutex<Option<(usize, Then)>>,
    stopped: AtomicUsize,
    refuses_snapshots: AtomicBool,
}

impl Interposed {
    pub fn over(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            calls: AtomicUsize::new(0),
            then: Mutex::default(),
            stopped: AtomicUsize::new(usize::MAX),
            refuses_snapshots: AtomicBool::new(false),
        }
    }

    /// Calls from here on.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub fn count_anew(&self) {
        self.calls.store(0, Ordering::SeqCst);
    }

    /// Lets something happen just before the call of this number, counted from now.
    pub fn before(&self, call: usize, happening: impl Future<Output = ()> + Send + 'static) {
        self.count_anew();
        *self.then.lock().unwrap() = Some((call, Then::Happens(Box::pin(happening))));
    }

    /// Whether that has happened.
    pub fn has_happened(&self) -> bool {
        self.then.lock().unwrap().is_none()
    }

    /// Fails from the call of this number on, counted from now.
    pub fn stop_at(&self, call: usize) {
        self.count_anew();
        *self.then.lock().unwrap() = Some((call, Then::Stops));
    }

    /// From now on no snapshot can be kept.
    pub fn refuse_snapshots(&self) {
        self.refuses_snapshots.store(true, Ordering::SeqCst);
    }

    /// Works again.
    pub fn go_on(&self) {
        self.refuses_snapshots.store(false, Ordering::SeqCst);
        *self.then.lock().unwrap() = None;
        self.stopped.store(usize::MAX, Ordering::SeqCst);
    }

    async fn call<T>(&self, inner: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        if let Some(happening) = self.due()? {
            happening.await;
        }
        inner.await
    }

    /// The same for what is handed in with the first poll: it has its place, and then something happens.
    async fn hand_in<T>(&self, mut inner: Answer<'_, T>) -> Result<T, StoreError> {
        let happening = self.due()?;
        let early = poll_fn(|context| Poll::Ready(inner.as_mut().poll(context))).await;
        if let Some(happening) = happening {
            // Whoever handed it in holds a lock as long as that takes.
            tokio::task::yield_now().await;
            happening.await;
        }
        match early {
            Poll::Ready(done) => done,
            Poll::Pending => inner.await,
        }
    }

    /// Counts a call, and says what is due before it.
    fn due(&self) -> Result<Option<Happening>, StoreError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let due = self.then.lock().unwrap().take_if(|(at, _)| *at <= call);
        let happening = match due {
            Some((_, Then::Happens(happening))) => Some(happening),
            Some((_, Then::Stops)) => {
                self.stopped.store(call, Ordering::SeqCst);
                None
            }
            None => None,
        };
        if call >= self.stopped.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable { reason: "it has stopped".to_owned(), uncertain: false });
        }
        Ok(happening)
    }
}

macro_rules! interposed {
    ($($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)+) => { $(
        fn $method(&self, $($name: $type),*) -> Answer<'_, $answer> {
            // Asked for only when its turn comes: nothing is begun before.
            Box::pin(self.call(async move { self.inner.$method($($name),*).await }))
        }
    )+ };
}

impl Store for Interposed {
    interposed! {
        read(stream: StreamId, after: Seq, limit: usize) -> Vec<Event>;
        list_streams(of: AccountId) -> Vec<(StreamId, Seq, Head)>;
        drop_stream(stream: StreamId) -> ();
        trim(stream: StreamId, through: Seq) -> ();
        snapshot_at(stream: StreamId, at: Seq) -> Option<Snapshot>;
        list_records(of: AccountId, range: EmailRange, limit: usize) -> Vec<Listed>;
        stage_body(of: AccountId) -> Box<dyn BodyWriter>;
        body(of: AccountId, body: BodyId, offset: u64, length: usize) -> Option<Bytes>;
        body_len(of: AccountId, body: BodyId) -> Option<u64>;
        list_bodies(of: AccountId, after: Option<BodyId>, limit: usize) -> Vec<BodyId>;
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        Box::pin(async move { self.hand_in(self.inner.commit(commit)).await })
    }

    fn delete_body(&self, of: AccountId, body: BodyId) -> Answer<'_, ()> {
        Box::pin(async move { self.hand_in(self.inner.delete_body(of, body)).await })
    }

    fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Answer<'_, ()> {
        if self.refuses_snapshots.load(Ordering::SeqCst) {
            let reason = "no snapshot is kept".to_owned();
            return Box::pin(async { Err(StoreError::Unavailable { reason, uncertain: false }) });
        }
        Box::pin(self.call(async move { self.inner.put_snapshot(stream, snapshot).await }))
    }

    fn heads(&self, streams: &[StreamId]) -> Answer<'_, Vec<Option<(Seq, Head)>>> {
        let streams = streams.to_vec();
        Box::pin(self.call(async move { self.inner.heads(&streams).await }))
    }

    fn records(&self, of: AccountId, ranges: &[EmailRange]) -> Answer<'_, Vec<(EmailId, Bytes)>> {
        let ranges = ranges.to_vec();
        Box::pin(self.call(async move { self.inner.records(of, &ranges).await }))
    }

    fn soft(&self, of: AccountId, key: &[u8]) -> Answer<'_, Option<Bytes>> {
        let key = key.to_vec();
        Box::pin(self.call(async move { self.inner.soft(of, &key).await }))
    }

    fn put_soft(&self, of: AccountId, key: &[u8], value: Option<Bytes>) -> Answer<'_, ()> {
        let key = key.to_vec();
        Box::pin(self.call(async move { self.inner.put_soft(of, &key, value).await }))
    }

    fn watch(&self) -> Box<dyn Watch> {
        self.inner.watch()
    }
}
