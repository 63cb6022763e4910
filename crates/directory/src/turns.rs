//! Whose turn it is to ask a directory.

use crate::Trouble;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// How long somebody waits for their turn: mail programs wait about as long to sign in. After a restart a thousand of them come
/// back at once; thirty-two at a time, with 100 ms each, are through in a third of it.
pub const TURN_PATIENCE: Duration = Duration::from_secs(10);

/// Most who wait for a turn, for each kind of question. Whoever comes then is told at once that the directory is busy.
pub const MAX_WAITING_FOR_A_TURN: usize = 4096;

/// How many may ask at a time, and how many may wait for that. Who has waited longest is next.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Semaphore,
    /// One for each who asks or waits.
    places: Semaphore,
}

/// Leave to ask, until it is dropped.
pub(crate) struct Turn<'a> {
    _turn: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

impl Turns {
    /// One at least.
    pub(crate) fn new(at_once: usize) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        let places = at_once.saturating_add(MAX_WAITING_FOR_A_TURN).min(Semaphore::MAX_PERMITS);
        Self { free: Semaphore::new(at_once), places: Semaphore::new(places) }
    }

    /// # Errors
    /// Why there is none, which is [passing](Trouble::is_passing).
    pub(crate) async fn take(&self) -> Result<Turn<'_>, Trouble> {
        let place = self.places.try_acquire();
        let place =
            place.map_err(|_| Trouble::passing("it is busy: too many wait for their turn to ask it"))?;
        let turn = timeout(TURN_PATIENCE, self.free.acquire()).await.ok().and_then(Result::ok);
        let turn = turn.ok_or_else(|| {
            let seconds = TURN_PATIENCE.as_secs();
            Trouble::passing(format_args!("it is busy: no turn to ask it came within {seconds} s"))
        })?;
        Ok(Turn { _turn: turn, _place: place })
    }
}
