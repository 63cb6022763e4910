//! What the commit thread, the index thread and the readers share.

use crate::body_file::BodyFiles;
use crate::disk::Lock;
use crate::index::Index;
use crate::log::segments::Segments;
use crate::queue::Queue;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Hints, Seq, StoreError, StreamId, Watch};

/// How long what is published may wait before it is moved into the index's map: one sync a second when busy.
const MOVE_AFTER: Duration = Duration::from_secs(1);
/// A tail of more octets, in memory and in the log, is moved without waiting for that.
const LARGE_TAIL: usize = 32 << 20;

/// Everything that is shared.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) queue: Queue,
    pub(crate) index: Index,
    pub(crate) segments: Arc<Segments>,
    pub(crate) bodies: BodyFiles,
    pub(crate) trouble: Trouble,
    pub(crate) mover: Mover,
    /// `None` once closed, which is how watchers learn of it.
    hints: Mutex<Option<Hints>>,
    /// Held for as long as anything may be written.
    lock: Mutex<Option<Box<dyn Lock>>>,
}

impl Engine {
    pub(crate) fn new(index: Index, segments: Arc<Segments>, bodies: BodyFiles, lock: Box<dyn Lock>) -> Self {
        Self {
            queue: Queue::new(),
            index,
            segments,
            bodies,
            trouble: Trouble::default(),
            mover: Mover::default(),
            hints: Mutex::new(Some(Hints::default())),
            lock: Mutex::new(Some(lock)),
        }
    }

    /// Tells the watchers what has grown.
    pub(crate) fn tell(&self, grown: &[(StreamId, Seq)]) {
        if let Some(hints) = locked(&self.hints).as_ref() {
            hints.tell(grown);
        }
    }

    pub(crate) fn watch(&self) -> Box<dyn Watch> {
        // Of a closed store: a watcher whose hints are gone hears that at once.
        locked(&self.hints).as_ref().map_or_else(|| Hints::default().watch(), Hints::watch)
    }

    /// Moves the tail into the index's map. When that fails nothing more may be written: the tail would grow
    /// without bound.
    pub(crate) fn move_tail(&self) {
        if let Err(e) = self.index.move_tail() {
            self.trouble.begin(&e.to_string());
        }
    }

    /// Moves the tail from time to time, until told to end.
    pub(crate) fn run_mover(&self) {
        while self.mover.wait() {
            self.move_tail();
        }
    }

    /// The last steps of a stop: the tail is moved, the map closed, the directory given back.
    pub(crate) fn finish(&self) -> Result<(), StoreError> {
        let moved = self.trouble.check().and_then(|()| {
            self.move_tail();
            self.trouble.check()
        });
        let closed = self.index.close().map_err(crate::request::unavailable);
        *locked(&self.hints) = None;
        *locked(&self.lock) = None;
        moved.and(closed)
    }
}

/// What keeps the store from writing, once something does. There is no way back but to open it anew.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// Nothing may be written from now on. The first reason is kept.
    pub(crate) fn begin(&self, reason: &str) {
        locked(&self.0).get_or_insert_with(|| reason.to_owned());
    }

    /// An error if nothing may be written.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match &*locked(&self.0) {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable { reason: reason.clone(), uncertain: false }),
        }
    }
}

/// Wakes the index thread. An idle store wakes nobody.
#[derive(Debug, Default)]
pub(crate) struct Mover {
    urgency: Mutex<Urgency>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    #[default]
    Nothing,
    Soon,
    Now,
    End,
}

impl Mover {
    /// There is something to be moved: a tail of this many octets.
    pub(crate) fn news(&self, octets: usize) {
        self.raise(if octets > LARGE_TAIL { Urgency::Now } else { Urgency::Soon });
    }

    /// There will be nothing more.
    pub(crate) fn end(&self) {
        self.raise(Urgency::End);
    }

    /// Waits until it is time to move; `false` when it is time to end.
    fn wait(&self) -> bool {
        let waiting = locked(&self.urgency);
        let waiting = self.changed.wait_while(waiting, |urgency| *urgency == Urgency::Nothing);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(waiting, MOVE_AFTER, |urgency| *urgency < Urgency::Now);
        let (mut urgency, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match *urgency {
            Urgency::End => false,
            _ => {
                *urgency = Urgency::Nothing;
                true
            }
        }
    }

    fn raise(&self, to: Urgency) {
        let mut urgency = locked(&self.urgency);
        if to > *urgency {
            *urgency = to;
            self.changed.notify_all();
        }
    }
}

/// A panic elsewhere leaves these values whole: each change is one assignment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
