//! Commit and retry: the one way in which an account changes.
//!
//! A change is decided upon the states that the changes before it will have made true, handed to the store, and
//! only then does the next one decide: they go to the store in the order in which they were decided, and wait for
//! its sync together. So a hundred sessions that append to one mailbox share a sync and do not conflict with each
//! other. What was decided upon is a guess, the *front*; the store's compare-and-set is what makes it right. When
//! somebody else was first (another process, or a commit before this one that failed), the front is dropped and the
//! change decided anew.
//!
//! > **Order.** Nobody, the author included, sees a state before the store has answered for it.
//!
//! A change may be dropped while it waits: a client hangs up. Its commit may be in the store or not; those after it
//! find out, and whoever follows the account is told to look. As long as somebody waits, nobody has to: the store's hint
//! tells what is about to be shown anyway.

use crate::account::{Account, lock};
use crate::keeping::HandedIn;
use crate::mending::Turn;
use crate::proposal::{Base, Consequences, Halt, Proposal};
use crate::{Error, Origin};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use store::{Commit, CommitId, Committed, Hints, Seq, StoreError, StreamId};
use tokio::sync::Mutex;

/// How often a change is decided anew because somebody else was first.
const MAX_ROUNDS: usize = 64;
/// States of mailboxes that a front carries along from change to change before it looks which of them are published by
/// now. Where commits overlap all the time it would else come to hold every mailbox of the account.
const MAX_STATES_AHEAD: usize = 64;
/// How often the store is asked again what became of a commit.
const MAX_ASKED_AGAIN: usize = 3;

/// A stream, and the event up to which it grows.
type Grown = (StreamId, Seq);

/// Where changes are decided, one after another.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    front: Mutex<Front>,
    /// Commits that somebody waits for.
    in_flight: AtomicUsize,
    /// How far these commits bring which streams.
    awaited: StdMutex<Vec<Grown>>,
    /// Where it is told what nobody waits for any more.
    abandoned: Arc<Hints>,
    /// Of this front and those before it a commit has failed: what came after it will too.
    failed: AtomicU64,
}

/// The states behind the last change that was handed to the store. A new number each time it begins with what is
/// published, so that what fails of an old front says nothing about this one.
#[derive(Debug, Default)]
struct Front {
    number: u64,
    /// `None`: what is published.
    ahead: Option<Ahead>,
}

/// What will be when a commit is done.
#[derive(Debug)]
struct Ahead {
    states: Proposal,
    commit: CommitId,
}

/// A commit that the store has been asked for, in its turn.
struct Submitted<'a> {
    handed_in: HandedIn<'a>,
    /// To ask again.
    commit: Commit,
    /// What is to be shown when it is done.
    consequences: Consequences,
    in_flight: InFlight<'a>,
}

/// Counts a commit as long as somebody waits for it.
struct InFlight<'a> {
    writer: &'a Writer,
    front: u64,
    grown: Vec<Grown>,
    shown: bool,
}

impl Writer {
    /// One that tells `abandoned` of commits that nobody waits for any more.
    pub(crate) fn new(abandoned: Arc<Hints>) -> Self {
        Self { abandoned, ..Self::default() }
    }

    /// Whether somebody waits for a commit that brings `stream` as far, and will show it or have it looked for.
    pub(crate) fn awaits(&self, stream: StreamId, seq: Seq) -> bool {
        self.awaited().iter().any(|(grows, to)| *grows == stream && *to >= seq)
    }

    fn awaited(&self) -> std::sync::MutexGuard<'_, Vec<Grown>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The states to decide upon, unless what is published is all there is.
    fn standing<'f>(&self, front: &'f Front) -> Option<&'f Ahead> {
        let stands = front.number > self.failed.load(Ordering::Acquire);
        let awaited = self.in_flight.load(Ordering::Acquire) > 0;
        front.ahead.as_ref().filter(|_| stands && awaited)
    }
}

impl<'a> InFlight<'a> {
    fn begin(writer: &'a Writer, front: u64, commit: &Commit) -> Self {
        writer.in_flight.fetch_add(1, Ordering::AcqRel);
        let grows = commit.appends.iter().filter(|append| !append.events.is_empty());
        let grown: Vec<_> = grows.map(|a| (a.stream, a.expected.plus(a.events.len() as u64))).collect();
        writer.awaited().extend(&grown);
        Self { writer, front, grown, shown: false }
    }

    fn failed(&self) {
        self.writer.failed.fetch_max(self.front, Ordering::AcqRel);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        {
            let mut awaited = self.writer.awaited();
            for grown in &self.grown {
                if let Some(place) = awaited.iter().position(|other| other == grown) {
                    awaited.swap_remove(place);
                }
            }
        }
        if !self.shown {
            self.writer.abandoned.tell(&self.grown);
        }
        if self.writer.in_flight.fetch_sub(1, Ordering::AcqRel) == 1
            && let Ok(mut front) = self.writer.front.try_lock()
            && self.writer.in_flight.load(Ordering::Acquire) == 0
        {
            // Nothing is ahead of what is published: no need to keep old states alive.
            front.ahead = None;
        }
    }
}

impl Account {
    /// Lets `decide` decide upon the newest states, commits what it proposes, and gives what it returned once that is
    /// durable. When another commit came first it is asked again, so it computes and does nothing else.
    ///
    /// # Errors
    /// The decision's own, or the store's.
    pub async fn change<T: Send>(
        &self,
        origin: &Origin,
        mut decide: impl FnMut(&mut Proposal) -> Result<T, Halt> + Send,
    ) -> Result<T, Error> {
        let mut may_mend = true;
        for _ in 0..MAX_ROUNDS {
            let (decided, submitted) = self.submit(origin, &mut decide).await?;
            let Some(submitted) = submitted else { return decided };
            let streams: Vec<_> = submitted.commit.appends.iter().map(|append| append.stream).collect();
            match self.follow_up(submitted).await {
                Ok(Settled::Done) => {
                    self.take_snapshots().await;
                    return decided;
                }
                Ok(Settled::Again) => {}
                // One of the streams is kept read-only, as rot was met in it. Here it may be known what it had come to.
                Err(Error::Damaged(_)) if std::mem::take(&mut may_mend) && self.mend_any(&streams).await => {}
                Err(why) => return Err(why),
            }
        }
        Err(Error::Unavailable("others change this account all the time; try again".into()))
    }

    /// Decides, and hands the commit to the store before anybody else decides. `None`: there is nothing to commit
    /// and nothing to wait for. A refusal waits like a change does: it may be for what is not true yet.
    async fn submit<T: Send>(
        &self,
        origin: &Origin,
        decide: &mut (impl FnMut(&mut Proposal) -> Result<T, Halt> + Send),
    ) -> Result<(Result<T, Error>, Option<Submitted<'_>>), Error> {
        let mut front = self.writer.front.lock().await;
        self.check_there()?;
        let (base, mut proposal) = match self.writer.standing(&front) {
            Some(ahead) => (Base::Ahead(ahead.commit), ahead.states.clone()),
            None => {
                (Base::Published, Proposal::new(self.id, self.newest_known().await?, self.usage().await?))
            }
        };
        proposal.begin_change(self.world.now_s());
        let decided = self.decide(&mut proposal, decide).await?;
        let (id, time_ms) = (self.world.commit_id(), self.world.now_ms());
        let Some((commit, consequences)) = proposal.take(base, id, time_ms, origin.encode()) else {
            return Ok((decided, None));
        };
        commit.check().map_err(Error::of_own_commit)?;
        if proposal.states() > MAX_STATES_AHEAD {
            let ledger = lock(&self.ledger);
            proposal.let_go(|id| ledger.seq(id));
        }
        front.ahead = Some(Ahead { states: proposal, commit: id });
        front.number += u64::from(base == Base::Published);
        let in_flight = InFlight::begin(&self.writer, front.number, &commit);
        let handed_in = self.keeping.hand_in(&*self.store, commit.clone()).await;
        Ok((decided, Some(Submitted { handed_in, commit, consequences, in_flight })))
    }

    /// Asks a decision, loading what it wants to see. A refusal leaves the proposal as it was. Whatever it decides, the
    /// account does not grow beyond its quota: this is the one place where that is seen to.
    async fn decide<T>(
        &self,
        proposal: &mut Proposal,
        decide: &mut (impl FnMut(&mut Proposal) -> Result<T, Halt> + Send),
    ) -> Result<Result<T, Error>, Error> {
        loop {
            let before = proposal.clone();
            let room = |proposal: &Proposal| proposal.check_growth(before.held(), &self.limits);
            let decided = decide(proposal).and_then(|decided| room(proposal).map(|()| decided));
            let halted = match decided {
                Ok(decided) => return Ok(Ok(decided)),
                Err(halted) => halted,
            };
            *proposal = before;
            match halted {
                Halt::Refused(why) => return Ok(Err(why)),
                Halt::Needs(id) => proposal.know(id, self.enter(id, Turn::IfFree).await?.newest_at()),
            }
        }
    }

    /// Waits for the store, and shows what came of it.
    async fn follow_up(&self, submitted: Submitted<'_>) -> Result<Settled, Error> {
        let Submitted { handed_in, commit, consequences, mut in_flight } = submitted;
        let outcome = self.settle(handed_in.outcome().await, &commit).await;
        if !matches!(outcome, Ok(Committed::Done)) {
            in_flight.failed();
        }
        match outcome? {
            Committed::Done => {
                self.publish(consequences);
                in_flight.shown = true;
                return Ok(Settled::Done);
            }
            Committed::Conflict { stream, newer } => self.catch_up(stream, &newer).await?,
            Committed::Diverged { stream, .. } => self.step_back(stream).await?,
            Committed::BodyGone(_) => return Err(Error::swept_away()),
        }
        Ok(Settled::Again)
    }

    /// What became of a commit. When the store does not know it is asked again, under the same id, which is harmless.
    async fn settle(
        &self,
        first: Result<Committed, StoreError>,
        commit: &Commit,
    ) -> Result<Committed, Error> {
        let Err(StoreError::Unavailable { uncertain: true, mut reason }) = first else { return Ok(first?) };
        for _ in 0..MAX_ASKED_AGAIN {
            match self.keeping.hand_in(&*self.store, commit.clone()).await.outcome().await {
                Ok(known) => return Ok(known),
                // "It cannot write now" says nothing about what it did before.
                Err(still) => reason = still.to_string(),
            }
        }
        for append in &commit.appends {
            if let Err(why) = self.read_on(append.stream).await {
                tracing::warn!(account = self.id.0, %why, "could not see what became of a commit");
            }
        }
        Err(Error::Uncertain(reason))
    }

    /// Folds in what somebody else did.
    async fn catch_up(&self, stream: StreamId, newer: &[store::Event]) -> Result<(), Error> {
        // What is published may be further than what was decided upon, or not as far: a change between the two was
        // dropped by whoever waited for it.
        if stream.number == 0 {
            let mut at = self.newest().await?;
            if at.joins(newer) {
                at.follow(stream, newer)?;
                self.show_names(at);
                return Ok(());
            }
        } else if let Some(mailbox) = self.known(stream.number) {
            let mut at = mailbox.newest_at();
            if at.joins(newer) {
                at.follow(stream, newer)?;
                self.weigh(mailbox.id(), &at);
                mailbox.advance(at);
                return Ok(());
            }
        }
        self.read_on(stream).await
    }

    /// The store is not as far as we were. Mostly that is a commit before this one that failed, and what is published
    /// stands; a store that is behind even that has lost what it had acknowledged, and is read again.
    async fn step_back(&self, stream: StreamId) -> Result<(), Error> {
        let Some(known) = self.published_seq(stream) else { return Ok(()) };
        let heads = self.store.heads(&[stream]).await?;
        let stands = heads.into_iter().flatten().next().map(|(seq, _)| seq).unwrap_or_default();
        if known <= stands {
            // Or what lies between was trimmed.
            return self.read_on(stream).await;
        }
        if self.mend_any(&[stream]).await {
            return Ok(());
        }
        tracing::error!(
            account = self.id.0,
            stream = stream.number,
            known = known.0,
            stands = stands.0,
            "the store has lost events that it had acknowledged"
        );
        self.read_again(stream).await
    }
}

/// How a commit ended when nothing failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Done,
    /// Decide anew.
    Again,
}
