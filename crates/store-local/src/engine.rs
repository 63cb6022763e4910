//! What the commit thread, the index thread and the readers share.

use crate::alarm::Alarm;
use crate::body_desk::BodyDesk;
use crate::body_file::BodyFiles;
use crate::directory_format::{DirectoryFormat, READABLE_FORMATS};
use crate::disk::Lock;
use crate::index::Index;
use crate::index::kv::{Condition, KvError};
use crate::log::Rot;
use crate::log::segments::Segments;
use crate::queue::Queue;
use crate::request::unavailable;
use crate::scrubbed::Ledger;
use crate::stopwatch::Stopwatch;
use crate::witness::Witness;
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
    pub(crate) desk: BodyDesk,
    pub(crate) trouble: Trouble,
    pub(crate) mover: Mover,
    pub(crate) scrubber: Alarm,
    pub(crate) scrubs: Ledger,
    /// How long groups took to be written and synced.
    pub(crate) syncs: Stopwatch,
    pub(crate) compactor: Alarm,
    pub(crate) format: DirectoryFormat,
    /// `None` once closed, which is how watchers learn of it.
    hints: Mutex<Option<Hints>>,
    /// Held for as long as anything may be written.
    lock: Mutex<Option<Box<dyn Lock>>>,
}

impl Engine {
    pub(crate) fn new(
        index: Index,
        segments: Arc<Segments>,
        (bodies, desk): (BodyFiles, BodyDesk),
        (lock, format): (Box<dyn Lock>, DirectoryFormat),
        witness: Arc<dyn Witness>,
    ) -> Self {
        Self {
            queue: Queue::new(),
            index,
            segments,
            bodies,
            desk,
            trouble: Trouble::told_to(witness),
            mover: Mover::default(),
            scrubber: Alarm::default(),
            scrubs: Ledger::default(),
            syncs: Stopwatch::default(),
            compactor: Alarm::default(),
            format,
            hints: Mutex::new(Some(Hints::default())),
            lock: Mutex::new(Some(lock)),
        }
    }

    /// Lets what only format `to` and later have be written from now on.
    pub(crate) fn raise_format(&self, to: u32) -> Result<(), StoreError> {
        if !READABLE_FORMATS.contains(&to) {
            return Err(StoreError::Misused("a format that this version does not write"));
        }
        self.format.raise(to).map_err(|e| StoreError::Unavailable {
            reason: format!("the directory's format could not be raised to {to}: {e}"),
            uncertain: false,
        })
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

    /// Nothing may be written from now on, until the commit thread has recovered.
    pub(crate) fn fail(&self, reason: &str) {
        self.trouble.begin(reason);
        self.queue.call();
    }

    /// Why the index could not answer.
    pub(crate) fn unreadable(&self, e: KvError) -> StoreError {
        if self.index.map().condition() != Condition::Sound {
            self.fail(&match &e {
                KvError::Damaged(_) => format!("{e}; it is made again from the log"),
                KvError::Unavailable(_) => e.to_string(),
            });
        }
        unavailable(e)
    }

    /// Has recovery begin when the map beneath the index has failed. It does nothing more then, and whoever reads must
    /// not wait for somebody who writes to find that out.
    pub(crate) fn check_map(&self) {
        if self.index.map().condition() != Condition::Sound {
            self.fail("the index could not be read");
        }
    }

    /// Moves the tail into the index's map. When that fails nothing more may be written: the tail would grow
    /// without bound. While nothing may be written the map rests too: a recovery that is under way goes by it, and
    /// one that has failed has left a segment that continues the log from where the map stands.
    pub(crate) fn move_tail(&self) {
        if let Err(e) = self.index.move_tail_if(|| self.trouble.check().is_ok()) {
            self.fail(&e.to_string());
        }
    }

    /// Moves the tail from time to time, until told to end.
    pub(crate) fn run_mover(&self) {
        while self.mover.wait() {
            self.move_tail();
        }
    }

    /// The last steps of a stop: the tail is moved, the map closed (or taken away when it is not to be trusted), the
    /// directory given back.
    pub(crate) fn finish(&self) -> Result<(), StoreError> {
        let moved = self.trouble.check().and_then(|()| {
            self.move_tail();
            self.trouble.check()
        });
        let closed = self.index.close().map_err(unavailable);
        *locked(&self.hints) = None;
        *locked(&self.lock) = None;
        moved.and(closed)
    }
}

/// What keeps the store from writing, once something does.
#[derive(Debug)]
pub(crate) struct Trouble {
    reason: Mutex<Option<String>>,
    witness: Arc<dyn Witness>,
}

impl Trouble {
    fn told_to(witness: Arc<dyn Witness>) -> Self {
        Self { reason: Mutex::default(), witness }
    }

    /// Nothing may be written from now on. The first reason is kept, and told.
    fn begin(&self, reason: &str) {
        let mut kept = locked(&self.reason);
        if kept.is_none() {
            *kept = Some(reason.to_owned());
            self.witness.failed(&cannot_write(reason));
        }
    }

    /// The store writes again.
    pub(crate) fn end(&self) {
        if locked(&self.reason).take().is_some() {
            self.witness.recovered();
        }
    }

    /// What recovery found not to be what was written.
    pub(crate) fn tell_rot(&self, rot: &[Rot]) {
        rot.iter().for_each(|rot| self.witness.rot(rot));
    }

    /// An error if nothing may be written.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match &*locked(&self.reason) {
            None => Ok(()),
            Some(reason) => Err(cannot_write(reason)),
        }
    }
}

fn cannot_write(reason: &str) -> StoreError {
    StoreError::Unavailable { reason: reason.to_owned(), uncertain: false }
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
