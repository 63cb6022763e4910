//! A store that answers a commit long after all others have heard of it, or never; it counts who reads events.

use super::delegate::left_to_inner;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use store::*;

/// So many turns the others have before a commit is answered.
const TURNS: usize = 32;

pub struct Hesitant {
    inner: Arc<dyn Store>,
    reads: AtomicUsize,
    for_ever: AtomicBool,
}

impl Hesitant {
    pub fn over(inner: Arc<dyn Store>) -> Self {
        Self { inner, reads: AtomicUsize::new(0), for_ever: AtomicBool::new(false) }
    }

    /// How often somebody has read events.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    /// From now on a commit happens, and is not answered.
    pub fn hesitate_for_ever(&self) {
        self.for_ever.store(true, Ordering::Relaxed);
    }
}

impl Store for Hesitant {
    left_to_inner! {
        heads list_streams drop_stream trim snapshot_at put_snapshot records list_records stage_body body body_len list_bodies delete_body soft put_soft watch
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        Box::pin(async move {
            let answer = self.inner.commit(commit).await;
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            if self.for_ever.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            answer
        })
    }

    fn read(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<Event>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read(stream, after, limit)
    }
}
