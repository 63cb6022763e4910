//! A store that counts how many large bodies are on their way into it at once.

use super::delegate::left_to_inner;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use store::*;

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
    left_to_inner! {
        commit read heads list_streams drop_stream trim snapshot_at put_snapshot records list_records body_len list_bodies delete_body soft put_soft watch
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
}
