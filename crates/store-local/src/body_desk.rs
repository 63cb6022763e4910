//! The thread that writes large bodies, so that no caller's thread waits for their disk.
//!
//! Pieces of bodies come through one bounded queue; of each body at most one piece is in it, so that those who send at
//! once take turns. What is synced is synced in steps of a size and at a rate: between two steps the disk is free for
//! the log, for whose syncs everybody waits.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use store::StoreError;
use tokio::sync::{mpsc, oneshot};

/// Most pieces that wait. Whoever comes then waits for room.
const MAX_PIECES: usize = 64;
/// Octets of large bodies that are synced in a second, all of them together: a disk of today does several times that,
/// and a message of 50 MB takes less than a second.
const OCTETS_PER_SECOND: u64 = 64 << 20;

/// What is done at the desk; says how many octets it has synced.
type Work = Box<dyn FnOnce() -> u64 + Send>;

/// Where work is handed in.
#[derive(Debug)]
pub(crate) struct BodyDesk {
    /// `None` once closed.
    queue: Mutex<Option<mpsc::Sender<Work>>>,
}

/// Who does it.
#[derive(Debug)]
pub(crate) struct BodyClerk {
    work: mpsc::Receiver<Work>,
}

impl BodyDesk {
    /// A desk and its clerk.
    pub(crate) fn new() -> (Self, BodyClerk) {
        let (queue, work) = mpsc::channel(MAX_PIECES);
        (Self { queue: Mutex::new(Some(queue)) }, BodyClerk { work })
    }

    /// Has `work` done, and gives what it made. It also says how many octets it has synced.
    /// Work that is handed in is done though nobody waits for it any more.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> (T, u64) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move || {
            let (made, synced) = work();
            // Whoever asked may have gone: what was made goes too.
            let _ = answer.send(made);
            synced
        });
        let queue = self.queue().ok_or_else(closed)?;
        queue.send(work).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())
    }

    /// Takes in nothing more. What waits is still done.
    pub(crate) fn close(&self) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn queue(&self) -> Option<mpsc::Sender<Work>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl BodyClerk {
    /// Works, and rests as the rate asks for it, until the desk is closed.
    pub(crate) fn run(mut self) {
        while let Some(work) = self.work.blocking_recv() {
            std::thread::sleep(rest_after(work()));
        }
    }

    /// Does all that waits now, and says how long it would have rested.
    pub(crate) fn work_off(&mut self) -> Duration {
        std::iter::from_fn(|| self.work.try_recv().ok()).map(|work| rest_after(work())).sum()
    }
}

fn rest_after(synced: u64) -> Duration {
    Duration::from_micros(synced.saturating_mul(1_000_000) / OCTETS_PER_SECOND)
}

fn closed() -> StoreError {
    StoreError::Unavailable { reason: "it is shutting down".to_owned(), uncertain: false }
}
