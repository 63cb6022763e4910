//! One mailbox, open: its newest state, shared by all sessions that look at it.

use crate::load::{At, Tail};
use crate::scales::Share;
use mailbox::MailboxState;
use mailbox::account::MailboxId;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::Seq;
use terms::Uid;
use tokio::sync::watch;

/// Events that weigh less are worth no snapshot while a server runs.
pub(crate) const MIN_TAIL: usize = 64 << 10;
/// By how much less the events may weigh behind which one is taken before a stop.
const BEFORE_A_STOP: usize = 8;

/// An open mailbox.
#[derive(Debug)]
pub struct Mailbox {
    id: MailboxId,
    newest: watch::Sender<Newest>,
    tail: Mutex<Tail>,
    /// Whether everything that is published since it was read comes here.
    followed: AtomicBool,
    /// Messages below this UID are no longer `\Recent` to anybody.
    recent: Mutex<Uid>,
    share: Share,
    /// When it was entered last, in the account's own count.
    entered: AtomicU64,
}

/// What an open mailbox takes beside its state, in octets: itself, and what its changes go through.
const BESIDES: usize = 512;

/// The newest of a mailbox.
#[derive(Clone, Debug)]
pub struct Newest {
    state: Arc<MailboxState>,
    seq: Seq,
    closed: Option<Closed>,
}

/// Why a mailbox that was open is not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It has been deleted.
    Deleted,
    /// It has been mended, and is another now.
    Mended,
}

impl Newest {
    /// What is true of it; of one that is closed, what was true at the end.
    #[must_use]
    pub const fn state(&self) -> &Arc<MailboxState> {
        &self.state
    }

    fn show(&mut self, at: At<MailboxState>) {
        self.seq = at.seq;
        self.state = Arc::new(at.state);
    }

    /// Whether nothing more is to be heard of it, for it has been deleted, or is another now.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Why.
    #[must_use]
    pub const fn closed(&self) -> Option<Closed> {
        self.closed
    }
}

/// Tells of changes to a mailbox: each receiver sees the newest state, never a queue of old ones.
pub type Changes = watch::Receiver<Newest>;

impl Mailbox {
    pub(crate) fn new(id: MailboxId, at: At<MailboxState>, tail: Tail, recent: Uid, share: Share) -> Self {
        share.set(octets_of(&at.state));
        let (newest, _) = watch::channel(Newest { state: Arc::new(at.state), seq: at.seq, closed: None });
        let (tail, recent, entered) = (Mutex::new(tail), Mutex::new(recent), AtomicU64::new(0));
        Self { id, newest, tail, followed: AtomicBool::new(false), recent, share, entered }
    }

    /// Its stream.
    #[must_use]
    pub const fn id(&self) -> MailboxId {
        self.id
    }

    /// Its newest state.
    #[must_use]
    pub fn newest(&self) -> Newest {
        self.newest.borrow().clone()
    }

    /// Whether its newest state is the newest of all. It is not while whoever opened it still looks what happened since
    /// it was read; who joins meanwhile has to look too.
    pub(crate) fn is_followed(&self) -> bool {
        self.followed.load(Ordering::Acquire)
    }

    pub(crate) fn is_followed_from_now_on(&self) {
        self.followed.store(true, Ordering::Release);
    }

    /// Whether it is a part of a mailbox of which the rest cannot be read.
    pub(crate) fn is_in_part(&self) -> bool {
        self.newest.borrow().state.part().is_some()
    }

    /// Waits for changes from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        self.newest.subscribe()
    }

    /// Claims what is `\Recent` below `until`: messages from the UID that is returned on are so to the caller and to
    /// nobody after it. Soft: a crash may forget a claim (RFC 9051 has given `\Recent` up).
    pub fn claim_recent(&self, until: Uid) -> Uid {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let claimed = (*recent).min(until);
        *recent = (*recent).max(until);
        claimed
    }

    /// The first UID that is `\Recent`, without claiming it.
    #[must_use]
    pub fn first_recent(&self) -> Uid {
        *self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn newest_at(&self) -> At<MailboxState> {
        let newest = self.newest.borrow();
        At { seq: newest.seq, state: MailboxState::clone(&newest.state) }
    }

    /// Up to where that is.
    pub(crate) fn newest_seq(&self) -> Seq {
        self.newest.borrow().seq
    }

    /// Shows a newer state; an older one is not shown.
    pub(crate) fn advance(&self, at: At<MailboxState>) {
        self.newest.send_if_modified(|newest| {
            // Of a part nobody knows what it would be behind the hole.
            let newer = at.seq > newest.seq && newest.state.part().is_none();
            if newer {
                self.share.set(octets_of(&at.state));
                newest.show(at);
            }
            newer
        });
    }

    pub(crate) fn replace(&self, at: At<MailboxState>, tail: Tail) {
        *self.tail.lock().unwrap_or_else(PoisonError::into_inner) = tail;
        self.share.set(octets_of(&at.state));
        self.newest.send_modify(|newest| newest.show(at));
    }

    pub(crate) fn close(&self, why: Closed) {
        self.newest.send_modify(|newest| newest.closed = Some(why));
    }

    /// Counts what was written since the last snapshot.
    pub(crate) fn wrote(&self, weight: usize) {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).events += weight;
    }

    /// What the events weigh behind the last snapshot, if they are worth one before a stop.
    pub(crate) fn worth_a_last_snapshot(&self) -> Option<usize> {
        let tail = *self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let is_worth = tail.events > MIN_TAIL.max(tail.snapshot / 2) / BEFORE_A_STOP && !self.is_in_part();
        is_worth.then_some(tail.events)
    }

    /// The state to take a snapshot of, when the tail outweighs half of the last one.
    pub(crate) fn snapshot_due(&self) -> Option<At<MailboxState>> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let due = tail.events > MIN_TAIL.max(tail.snapshot / 2) && !self.is_in_part();
        due.then(|| {
            tail.events = 0;
            self.newest_at()
        })
    }

    pub(crate) fn snapshot_taken(&self, octets: usize) {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).snapshot = octets;
    }

    /// Whether nobody has it but the account that has it open, and no session watches it.
    pub(crate) fn is_idle(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1 && self.newest.receiver_count() == 0
    }

    /// What it takes in memory, in octets.
    pub(crate) fn octets(&self) -> usize {
        self.share.octets()
    }

    /// It is about to go.
    pub(crate) fn give_back(&self) {
        self.share.give_back();
    }

    /// Somebody enters it.
    pub(crate) fn enter(&self, now: u64) {
        self.entered.store(now, Ordering::Relaxed);
    }

    /// When that was last.
    pub(crate) fn entered(&self) -> u64 {
        self.entered.load(Ordering::Relaxed)
    }
}

fn octets_of(state: &MailboxState) -> usize {
    BESIDES + state.resident_octets()
}
