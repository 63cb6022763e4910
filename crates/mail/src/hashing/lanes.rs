//! Who waits for a thread, and whose turn it is.

use super::Busy;
use sasl::Workspace;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a thread does with the memory that it has for it.
pub(super) type Work = Box<dyn FnOnce(&mut Workspace) + Send>;

/// Of so many turns, one is a stranger's where both lanes have somebody waiting.
const TURNS: u8 = 4;

/// Where somebody waits.
///
/// There are two lanes, so that a flood of guesses keeps no one waiting who has signed in from there before: of four turns
/// three go to the known, where both wait; who is alone has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Who has signed in to the account from there before.
    Known,
    /// Everybody else.
    Strangers,
}

/// The two lanes. Each has room for so many.
pub(super) struct Lanes {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    room: usize,
}

#[derive(Default)]
struct Waiting {
    known: VecDeque<Work>,
    strangers: VecDeque<Work>,
    turn: u8,
    is_closed: bool,
}

impl Lanes {
    pub(super) fn new(room: usize) -> Self {
        Self { waiting: Mutex::default(), arrived: Condvar::new(), room }
    }

    pub(super) fn put(&self, lane: Lane, work: Work) -> Result<(), Busy> {
        let mut waiting = self.waiting();
        let lane = waiting.lane(lane);
        if lane.len() >= self.room {
            return Err(Busy);
        }
        lane.push_back(work);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for the next in turn; `None` once the lanes are closed and empty.
    pub(super) fn next(&self) -> Option<Work> {
        let mut waiting = self.waiting();
        loop {
            if let Some(work) = waiting.next() {
                return Some(work);
            }
            if waiting.is_closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody comes any more.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.arrived.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    const fn lane(&mut self, lane: Lane) -> &mut VecDeque<Work> {
        match lane {
            Lane::Known => &mut self.known,
            Lane::Strangers => &mut self.strangers,
        }
    }

    fn next(&mut self) -> Option<Work> {
        let lane = match (self.known.is_empty(), self.strangers.is_empty()) {
            (false, false) => {
                self.turn = (self.turn + 1) % TURNS;
                if self.turn == 0 { Lane::Strangers } else { Lane::Known }
            }
            (false, true) => Lane::Known,
            (true, _) => Lane::Strangers,
        };
        self.lane(lane).pop_front()
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiting();
        write!(f, "Lanes({} known, {} strangers)", waiting.known.len(), waiting.strangers.len())
    }
}
