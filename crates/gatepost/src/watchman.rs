//! What the store has to say to the admin, as events.

use events::{Event, File, Problem};
use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use store_local::{Rot, Witness};

/// Writes down when mail could not be stored, and for how long.
#[derive(Debug, Default)]
pub(crate) struct Watchman {
    failed_at: Mutex<Option<Instant>>,
}

impl Watchman {
    /// Begins to count, or with `None` ends; what was counted from before.
    fn count_from(&self, now: Option<Instant>) -> Option<Instant> {
        let mut failed_at = self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *failed_at, now)
    }
}

impl Witness for Watchman {
    fn failed(&self, why: &store::StoreError) {
        self.count_from(Some(Instant::now()));
        Event::StoreFailed { problem: Problem::from(why as &(dyn Error + 'static)) }.log();
    }

    fn recovered(&self) {
        let lasted = self.count_from(None).map(|from| from.elapsed()).unwrap_or_default();
        let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        Event::StoreRecovered { duration_ms }.log();
    }

    fn rot(&self, rot: &Rot) {
        Event::StoreRotten { file: File::from(Path::new(&rot.segment)), from: rot.from, to: rot.to }.log();
    }
}
