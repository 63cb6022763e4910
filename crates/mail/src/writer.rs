//! Commit and retry: the one way in which an account changes.
//!
//! Changes wait in a queue. Whoever comes first leads: it decides all that wait, one upon the other, hands the
//! commits to the store at once, in order, and tells each how it ended; what has come meanwhile is the next
//! batch. So a hundred sessions that append to one mailbox share the store's sync and never conflict with each
//! other. A conflict with another *process* is folded in and what is left of the batch is decided anew.
//!
//! > **Order.** Nobody, the author included, sees a state before the store has answered for it.

use crate::account::Account;
use crate::load::{self, At};
use crate::proposal::{Halt, Proposal, Proposed};
use crate::{Error, Origin};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use store::{Answer, Committed, StoreError, StreamId};
use tokio::sync::oneshot;

/// Most changes decided upon each other before the store is asked.
const MAX_BATCH: usize = 64;
/// How often a batch is decided anew because somebody else was first.
const MAX_ROUNDS: usize = 32;

/// The changes that wait, and the right to lead.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Box<dyn Change>>>,
    leading: tokio::sync::Mutex<()>,
}

/// Something that somebody wants to happen and waits for.
trait Change: Send {
    fn origin(&self) -> Bytes;
    fn decide(&mut self, proposal: &mut Proposal) -> Result<(), Halt>;
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

struct Waiting<T, D> {
    origin: Bytes,
    decide: D,
    decided: Option<T>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, D> Change for Waiting<T, D>
where
    T: Send,
    D: FnMut(&mut Proposal) -> Result<T, Halt> + Send,
{
    fn origin(&self) -> Bytes {
        self.origin.clone()
    }

    fn decide(&mut self, proposal: &mut Proposal) -> Result<(), Halt> {
        self.decided = Some((self.decide)(proposal)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        let Self { decided, answer, .. } = *self;
        let missing = || Error::Unavailable("the change was never decided".into());
        // Whoever asked may have gone; what was done stays done.
        let _gone = answer.send(outcome.and_then(|()| decided.ok_or_else(missing)));
    }
}

impl Queue {
    /// Lets `decide` decide upon the newest states, commits what it proposes, and gives what it returned. It may be
    /// asked several times: it computes and does nothing else.
    pub(crate) async fn change<T, D>(&self, account: &Account, origin: &Origin, decide: D) -> Result<T, Error>
    where
        T: Send + 'static,
        D: FnMut(&mut Proposal) -> Result<T, Halt> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let change = Waiting { origin: origin.encode(), decide, decided: None, answer };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(Box::new(change));
        let lost = || Error::Unavailable("the server is stopping".into());
        loop {
            let _lead = self.leading.lock().await;
            match answered.try_recv() {
                Ok(outcome) => return outcome,
                Err(oneshot::error::TryRecvError::Closed) => return Err(lost()),
                Err(oneshot::error::TryRecvError::Empty) => account.settle(self.next_batch()).await,
            }
        }
    }

    fn next_batch(&self) -> VecDeque<Box<dyn Change>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(MAX_BATCH);
        waiting.drain(..count).collect()
    }
}

impl Account {
    /// Decides, commits and answers every change of a batch.
    async fn settle(&self, mut batch: VecDeque<Box<dyn Change>>) {
        for _ in 0..MAX_ROUNDS {
            if batch.is_empty() {
                return;
            }
            match self.round(batch).await {
                Ok(again) => batch = again,
                Err((left, why)) => return refuse_all(left, &why),
            }
        }
        refuse_all(batch, &Error::Unavailable("other servers change this account all the time".into()));
    }

    /// Takes a batch as far as it goes in one go; what has to be decided again is left.
    async fn round(
        &self,
        batch: VecDeque<Box<dyn Change>>,
    ) -> Result<VecDeque<Box<dyn Change>>, (VecDeque<Box<dyn Change>>, Error)> {
        let (proposed, mut left) = self.decide_all(batch).await;
        let (changes, commits): (Vec<_>, Vec<_>) = proposed.into_iter().unzip();
        let mut consequences = Vec::with_capacity(commits.len());
        let mut answers = Vec::with_capacity(commits.len());
        for Proposed { commit, account, mailboxes, ended } in commits {
            answers.push(self.store.commit(commit));
            consequences.push((account, mailboxes, ended));
        }
        let outcomes = all_in_order(answers).await;
        let mut again = VecDeque::new();
        for ((change, (account, mailboxes, ended)), outcome) in
            changes.into_iter().zip(consequences).zip(outcomes)
        {
            match outcome {
                Ok(Committed::Done) => {
                    self.publish(account, mailboxes, ended);
                    change.answer(Ok(()));
                }
                Ok(Committed::Conflict { stream, newer }) => {
                    again.push_back(change);
                    if let Err(why) = self.catch_up(stream, &newer).await {
                        again.append(&mut left);
                        return Err((again, why));
                    }
                }
                // Behind a conflict of the same batch, or a store that lost what it had acknowledged.
                Ok(Committed::Diverged { stream, .. }) => {
                    again.push_back(change);
                    if let Err(why) = self.read_anew(stream).await {
                        again.append(&mut left);
                        return Err((again, why));
                    }
                }
                Err(why) => self.failed(change, why),
            }
        }
        again.append(&mut left);
        Ok(again)
    }

    fn failed(&self, change: Box<dyn Change>, why: StoreError) {
        // What may or may not have happened is found out by reading, before anything else is decided.
        if matches!(why, StoreError::Unavailable { uncertain: true, .. }) {
            self.forget();
        }
        change.answer(Err(why.into()));
    }

    /// Decides as many changes as can be, each upon the ones before it. Second: what is left for another round.
    async fn decide_all(
        &self,
        mut batch: VecDeque<Box<dyn Change>>,
    ) -> (Vec<(Box<dyn Change>, Proposed)>, VecDeque<Box<dyn Change>>) {
        let mut proposal = match self.newest().await {
            Ok(account) => Proposal::new(self.id, self.world.now_s(), account),
            Err(why) => {
                refuse_all(batch, &why);
                return (Vec::new(), VecDeque::new());
            }
        };
        let mut proposed = Vec::with_capacity(batch.len());
        while let Some(mut change) = batch.pop_front() {
            match self.decide_one(&mut *change, &mut proposal).await {
                Err(why) => change.answer(Err(why)),
                Ok(()) => {
                    let id = self.world.commit_id();
                    match proposal.take(id, self.world.now_ms(), change.origin()) {
                        None => change.answer(Ok(())),
                        Some(commit) => proposed.push((change, commit)),
                    }
                }
            }
        }
        (proposed, batch)
    }

    async fn decide_one(&self, change: &mut dyn Change, proposal: &mut Proposal) -> Result<(), Error> {
        loop {
            let before = proposal.clone();
            match change.decide(proposal) {
                Ok(()) => return Ok(()),
                Err(Halt::Refused(why)) => {
                    *proposal = before;
                    return Err(why);
                }
                Err(Halt::Needs(id)) => {
                    *proposal = before;
                    let mailbox = self.open(id).await?;
                    proposal.know(id, mailbox.newest_at());
                }
            }
        }
    }

    /// Folds in what another process did.
    async fn catch_up(&self, stream: StreamId, newer: &[store::Event]) -> Result<(), Error> {
        if stream.number == 0 {
            let mut at = self.newest().await?;
            load::follow_account(stream, &mut at, newer)?;
            self.publish(Some(at), Vec::new(), Vec::new());
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

    /// Drops what is known of a stream and reads it again.
    async fn read_anew(&self, stream: StreamId) -> Result<(), Error> {
        if stream.number == 0 {
            let at = load::account(&*self.store, stream).await?;
            self.replace(at);
            return Ok(());
        }
        let Some(mailbox) = self.known(stream.number) else { return Ok(()) };
        if let Some((at, tail)) = load::mailbox(&*self.store, stream).await? {
            mailbox.replace(at, tail);
        }
        Ok(())
    }
}

fn refuse_all(batch: VecDeque<Box<dyn Change>>, why: &Error) {
    for change in batch {
        change.answer(Err(why.clone()));
    }
}

/// Asks all at once, in order: each is polled for the first time in its turn, so that the store queues them as they
/// were decided.
async fn all_in_order(mut answers: Vec<Answer<'_, Committed>>) -> Vec<Result<Committed, StoreError>> {
    let mut outcomes: Vec<Option<Result<Committed, StoreError>>> = answers.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (answer, outcome) in answers.iter_mut().zip(&mut outcomes).filter(|(_, o)| o.is_none()) {
            if let Poll::Ready(ready) = answer.as_mut().poll(context) {
                *outcome = Some(ready);
            }
        }
        if outcomes.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}

/// The mailbox states that a commit made true, for publishing.
pub(crate) type Grown = Vec<(mailbox::account::MailboxId, At<mailbox::MailboxState>, usize)>;
