//! A store that does what a store may do, at the worst of times: it fails, knows nothing of what became of a commit,
//! takes its time, answers out of order, and lets another process be first. All of it follows from a seed.

use super::delegate::left_to_inner;
use bytes::Bytes;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use store::*;

/// Dice that many throw.
#[derive(Debug)]
pub struct Dice(Mutex<testkit::dice::Dice>);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(testkit::dice::Dice::new(seed)))
    }

    /// A number below `sides`.
    pub fn below(&self, sides: u64) -> u64 {
        self.0.lock().unwrap().below(sides)
    }

    pub fn one_in(&self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

/// Lets others go first, up to `most` times.
pub async fn dawdle(dice: &Dice, most: u64) {
    for _ in 0..dice.below(most + 1) {
        tokio::task::yield_now().await;
    }
}

/// The store, over one that behaves. Good behaviour can be had back.
pub struct Mischief {
    inner: Arc<dyn Store>,
    dice: Arc<Dice>,
    calm: std::sync::atomic::AtomicBool,
}

impl Mischief {
    pub fn over(inner: Arc<dyn Store>, dice: Arc<Dice>) -> Self {
        Self { inner, dice, calm: Default::default() }
    }

    /// From now on nothing fails.
    pub fn calm_down(&self) {
        self.calm.store(true, std::sync::atomic::Ordering::Release);
    }

    fn strikes(&self, one_in: u64) -> bool {
        !self.calm.load(std::sync::atomic::Ordering::Acquire) && self.dice.one_in(one_in)
    }

    /// Asks only after a while.
    fn slowly<'a, T: 'a>(
        &'a self,
        ask: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            dawdle(&self.dice, 2).await;
            ask.await
        })
    }
}

fn unavailable(uncertain: bool) -> StoreError {
    StoreError::Unavailable { reason: "mischief".to_owned(), uncertain }
}

impl Store for Mischief {
    left_to_inner! {
        list_streams drop_stream trim records list_records stage_body body body_len list_bodies delete_body put_soft watch
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        Box::pin(async move {
            if self.strikes(8) {
                // It waits for room, and so loses its place in the order.
                dawdle(&self.dice, 3).await;
            }
            if self.strikes(24) {
                return Err(unavailable(false));
            }
            if self.strikes(24) {
                if self.dice.one_in(2) {
                    let _ = self.inner.commit(commit).await;
                }
                return Err(unavailable(true));
            }
            let answer = self.inner.commit(commit).await;
            dawdle(&self.dice, 6).await;
            answer
        })
    }

    fn read(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<Event>> {
        // A page may always be shorter than was asked for: its octets are bounded too.
        let limit = limit.min(1 + usize::try_from(self.dice.below(3)).unwrap());
        self.slowly(self.inner.read(stream, after, limit))
    }

    fn heads(&self, streams: &[StreamId]) -> Answer<'_, Vec<Option<(Seq, Head)>>> {
        let streams = streams.to_vec();
        self.slowly(async move { self.inner.heads(&streams).await })
    }

    fn snapshot_at(&self, stream: StreamId, at: Seq) -> Answer<'_, Option<Snapshot>> {
        self.slowly(self.inner.snapshot_at(stream, at))
    }

    fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Answer<'_, ()> {
        if self.strikes(2) {
            return Box::pin(async { Err(unavailable(false)) });
        }
        self.slowly(self.inner.put_snapshot(stream, snapshot))
    }

    fn soft(&self, account: AccountId, key: &[u8]) -> Answer<'_, Option<Bytes>> {
        let key = key.to_vec();
        self.slowly(async move { self.inner.soft(account, &key).await })
    }
}

/// Polls a future at most `times`, then lets it go: a client that hangs up at any moment.
pub async fn hang_up_after<T>(times: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = times;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
