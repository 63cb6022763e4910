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

use crate::account::Account;
use crate::load;
use crate::mailbox::Mailbox;
use crate::proposal::{Base, Consequences, Halt, Proposal};
use crate::{Error, Origin};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use store::{Answer, Committed, Seq, StoreError, StreamId};
use tokio::sync::Mutex;

/// How often a change is decided anew because somebody else was first.
const MAX_ROUNDS: usize = 64;

/// Where changes are decided, one after another.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// The states behind the last change that was handed to the store; `None`: what is published.
    front: Mutex<Option<Proposal>>,
    /// Commits that the store has not answered for.
    in_flight: AtomicUsize,
    /// One of them has failed: the front is not what will be.
    spoiled: AtomicBool,
}

/// A commit that the store has been asked for, in its turn.
struct Submitted<'a> {
    answer: Answer<'a, Committed>,
    /// If it came at once.
    early: Option<Result<Committed, StoreError>>,
    /// What is to be shown when it is done.
    consequences: Consequences,
    in_flight: InFlight<'a>,
}

/// Counts a commit as long as somebody waits for it.
struct InFlight<'a>(&'a Writer);

impl Writer {
    /// Whether what was decided upon last is still what will be. Asked once a change.
    fn front_stands(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) > 0 && !self.spoiled.swap(false, Ordering::AcqRel)
    }
}

impl<'a> InFlight<'a> {
    fn begin(writer: &'a Writer) -> Self {
        writer.in_flight.fetch_add(1, Ordering::AcqRel);
        Self(writer)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == 1
            && let Ok(mut front) = self.0.front.try_lock()
        {
            // Nothing is ahead of what is published: no need to keep old states alive.
            *front = None;
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
        for _ in 0..MAX_ROUNDS {
            let (decided, submitted) = self.submit(origin, &mut decide).await?;
            let Some(submitted) = submitted else { return Ok(decided) };
            if self.follow_up(submitted).await? == Settled::Done {
                self.take_snapshots().await;
                return Ok(decided);
            }
        }
        Err(Error::Unavailable("others change this account all the time; try again".into()))
    }

    /// Decides, and hands the commit to the store before anybody else decides. `None`: there is nothing to commit
    /// and nothing to wait for.
    async fn submit<T: Send>(
        &self,
        origin: &Origin,
        decide: &mut (impl FnMut(&mut Proposal) -> Result<T, Halt> + Send),
    ) -> Result<(T, Option<Submitted<'_>>), Error> {
        let mut front = self.writer.front.lock().await;
        let (base, mut proposal) = match front.take().filter(|_| self.writer.front_stands()) {
            Some(front) => (Base::Ahead, front),
            None => (Base::Published, Proposal::new(self.id, self.newest().await?)),
        };
        proposal.begin_change(self.world.now_s());
        let decided = self.decide(&mut proposal, decide).await;
        let proposed = match decided {
            Ok(_) => proposal.take(base, self.world.commit_id(), self.world.now_ms(), origin.encode()),
            Err(_) => None,
        };
        *front = Some(proposal);
        let decided = decided?;
        let Some((commit, consequences)) = proposed else { return Ok((decided, None)) };
        let in_flight = InFlight::begin(&self.writer);
        let mut answer = self.store.commit(commit);
        let early = poll_once(&mut answer).await;
        Ok((decided, Some(Submitted { answer, early, consequences, in_flight })))
    }

    /// Asks a decision, loading what it wants to see. A refusal leaves the proposal as it was.
    async fn decide<T>(
        &self,
        proposal: &mut Proposal,
        decide: &mut (impl FnMut(&mut Proposal) -> Result<T, Halt> + Send),
    ) -> Result<T, Error> {
        loop {
            let before = proposal.clone();
            let halted = match decide(proposal) {
                Ok(decided) => return Ok(decided),
                Err(halted) => halted,
            };
            *proposal = before;
            match halted {
                Halt::Refused(why) => return Err(why),
                Halt::Needs(id) => proposal.know(id, self.open(id).await?.newest_at()),
            }
        }
    }

    /// Waits for the store, and shows what came of it.
    async fn follow_up(&self, submitted: Submitted<'_>) -> Result<Settled, Error> {
        let Submitted { answer, early, consequences, in_flight: _until_settled } = submitted;
        let outcome = match early {
            Some(outcome) => outcome,
            None => answer.await,
        };
        if outcome != Ok(Committed::Done) {
            self.writer.spoiled.store(true, Ordering::Release);
        }
        match outcome {
            Ok(Committed::Done) => {
                self.publish(consequences);
                return Ok(Settled::Done);
            }
            Ok(Committed::Conflict { stream, newer }) => self.catch_up(stream, &newer).await?,
            Ok(Committed::Diverged { stream, at }) => self.step_back(stream, at).await?,
            Err(why) => {
                // What may or may not have happened is found out by reading, before anything else is decided.
                if matches!(why, StoreError::Unavailable { uncertain: true, .. }) {
                    self.forget();
                }
                return Err(why.into());
            }
        }
        Ok(Settled::Again)
    }

    /// Looks whether a stream has grown, after a hint that it may have.
    pub(crate) async fn look(&self, stream: StreamId, seq: Seq) -> Result<(), Error> {
        let known = match self.known(stream.number) {
            Some(mailbox) => mailbox.newest_at().seq,
            None if stream.number == 0 => self.newest().await?.seq,
            None => return Ok(()),
        };
        if known >= seq {
            return Ok(());
        }
        let newer = self.store.read(stream, known, store::MAX_NEWER).await?;
        self.catch_up(stream, &newer).await
    }

    /// Folds in what somebody else did.
    async fn catch_up(&self, stream: StreamId, newer: &[store::Event]) -> Result<(), Error> {
        if stream.number == 0 {
            let mut at = self.newest().await?;
            load::follow_account(stream, &mut at, newer)?;
            self.replace(at);
            return Ok(());
        }
        let Some(mailbox) = self.known(stream.number) else { return Ok(()) };
        let mut at = mailbox.newest_at();
        for event in newer {
            if event.seq > at.seq {
                at = load::next(stream, Some(&at), event)?;
            }
        }
        mailbox.advance(at);
        Ok(())
    }

    /// The store is not as far as we were. Mostly that is a commit before this one that failed, and what is published
    /// stands; a store that is behind even that has lost what it had acknowledged, and is read again.
    async fn step_back(&self, stream: StreamId, stands: Seq) -> Result<(), Error> {
        if stream.number == 0 {
            if self.newest().await?.seq > stands {
                self.replace(load::account(&*self.store, stream).await?);
            }
            return Ok(());
        }
        let ahead = |mailbox: &Arc<Mailbox>| mailbox.newest_at().seq > stands;
        let Some(mailbox) = self.known(stream.number).filter(ahead) else { return Ok(()) };
        if let Some((at, tail)) = load::mailbox(&*self.store, stream).await? {
            mailbox.replace(at, tail);
        }
        Ok(())
    }
}

/// How a commit ended when nothing failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Done,
    /// Decide anew.
    Again,
}

/// The first poll puts a commit into the store's queue.
async fn poll_once<T>(answer: &mut Answer<'_, T>) -> Option<Result<T, StoreError>> {
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(ready) => Poll::Ready(Some(ready)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
