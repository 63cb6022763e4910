//! Waiting for what is done from time to time, or when somebody asks for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Wakes a thread that has something to do from time to time, and ends it.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    wish: Mutex<Wish>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    #[default]
    None,
    Begin,
    End,
}

impl Alarm {
    /// Lets it begin now, unless it is at it.
    pub(crate) fn begin(&self) {
        self.raise(Wish::Begin);
    }

    /// There will be nothing to do any more.
    pub(crate) fn end(&self) {
        self.raise(Wish::End);
    }

    fn raise(&self, wish: Wish) {
        let mut now = self.lock();
        *now = wish.max(*now);
        drop(now);
        self.changed.notify_all();
    }

    /// Returns when it is to begin; `false` when there will be nothing to do any more.
    pub(crate) fn wait(&self, most: Option<Duration>) -> bool {
        let nothing = |wish: &mut Wish| *wish == Wish::None;
        let mut wish = match most {
            None => self.changed.wait_while(self.lock(), nothing).unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let waited = self.changed.wait_timeout_while(self.lock(), most, nothing);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        if *wish == Wish::End {
            return false;
        }
        *wish = Wish::None;
        true
    }

    /// Rests so long; `false` when that is for ever.
    pub(crate) fn rest(&self, rest: Duration) -> bool {
        let goes_on = |wish: &mut Wish| *wish != Wish::End;
        let rested = self.changed.wait_timeout_while(self.lock(), rest, goes_on);
        *rested.unwrap_or_else(PoisonError::into_inner).0 != Wish::End
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
