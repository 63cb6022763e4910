//! Which bodies a sweep must leave: those of messages on their way in, and those that a commit names while the sweep
//! looks for bodies that nothing names.
//!
//! The store refuses a commit whose body went before it. Here is the other half: no body goes behind a commit that names
//! it. Both are handed to the store under one lock, and the store takes what one account hands it in that order.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use store::{AccountId, Answer, BodyId, BodyPrefix, Commit, Committed, Store, StoreError};

/// What an account keeps from its sweep.
#[derive(Debug, Default)]
pub(crate) struct Keeping(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    held: HashMap<BodyId, Held>,
    /// Bodies that a sweep has found to be named by nothing so far. A commit that names one takes it out.
    unnamed: HashMap<BodyPrefix, BodyId>,
}

#[derive(Debug, Default)]
struct Held {
    holders: usize,
    /// Since it is held a commit has named it.
    named: bool,
}

/// As long as this is there, the body is not swept away: a message is on its way in.
#[derive(Debug)]
pub(crate) struct Hold {
    keeping: Arc<Keeping>,
    body: BodyId,
}

/// A commit that was handed to the store.
pub(crate) struct HandedIn<'a> {
    pub(crate) answer: Answer<'a, Committed>,
    /// If it came at once.
    pub(crate) early: Option<Result<Committed, StoreError>>,
}

impl HandedIn<'_> {
    pub(crate) async fn outcome(self) -> Result<Committed, StoreError> {
        match self.early {
            Some(outcome) => outcome,
            None => self.answer.await,
        }
    }
}

impl Keeping {
    pub(crate) fn hold(self: &Arc<Self>, body: BodyId) -> Hold {
        self.lock().held.entry(body).or_default().holders += 1;
        Hold { keeping: Arc::clone(self), body }
    }

    /// Hands a commit to the store, in its turn: every commit of the account that may put records goes this way.
    pub(crate) async fn hand_in<'a>(&self, store: &'a dyn Store, commit: Commit) -> HandedIn<'a> {
        let named: Vec<BodyId> =
            commit.records.iter().filter_map(|(_, record)| record.as_ref()?.body).collect();
        let mut answer = store.commit(commit);
        let early = poll_fn(|context| {
            let mut kept = self.lock();
            kept.note(&named);
            // The first poll puts it into the store's queue.
            match answer.as_mut().poll(context) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending => Poll::Ready(None),
            }
        });
        let early = early.await;
        HandedIn { answer, early }
    }

    /// From now on, until it is dropped, whatever names one of these bodies takes it out.
    pub(crate) fn watch(&self, bodies: Vec<BodyId>) -> Watching<'_> {
        self.lock().unnamed = bodies.into_iter().map(|body| (body.prefix(), body)).collect();
        Watching(self)
    }

    /// Lets a body go that was staged for a message which nobody got, unless somebody else has or wants it.
    pub(crate) async fn clear_away(
        &self,
        store: &dyn Store,
        account: AccountId,
        body: BodyId,
    ) -> Result<(), StoreError> {
        let mut answer = store.delete_body(account, body);
        let early = poll_fn(|context| {
            let kept = self.lock();
            let wanted = kept.held.get(&body).is_some_and(|held| held.holders > 1 || held.named);
            if wanted {
                return Poll::Ready(Some(Ok(())));
            }
            match answer.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending => Poll::Ready(None),
            }
        });
        match early.await {
            Some(done) => done,
            None => answer.await,
        }
    }

    /// A panic elsewhere leaves this whole: each change is one step.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn note(&mut self, named: &[BodyId]) {
        for body in named {
            if let Some(held) = self.held.get_mut(body) {
                held.named = true;
            }
            self.unnamed.remove(&body.prefix());
        }
    }
}

/// Bodies that are looked for among those that are named.
pub(crate) struct Watching<'a>(&'a Keeping);

impl Watching<'_> {
    /// These are named.
    pub(crate) fn are_named(&self, bodies: &[BodyPrefix]) {
        let mut kept = self.0.lock();
        for body in bodies {
            kept.unnamed.remove(body);
        }
    }

    /// The bodies that nothing names so far.
    pub(crate) fn unnamed(&self) -> Vec<BodyId> {
        let mut bodies: Vec<_> = self.0.lock().unnamed.values().copied().collect();
        bodies.sort_unstable();
        bodies
    }

    /// Lets those of these go that nothing names and nobody holds; says which.
    pub(crate) async fn let_go(
        &self,
        store: &dyn Store,
        account: AccountId,
        bodies: &[BodyId],
    ) -> Result<Vec<BodyId>, StoreError> {
        let mut going = Vec::with_capacity(bodies.len());
        for &body in bodies {
            let mut answer = store.delete_body(account, body);
            let begun = poll_fn(|context| {
                let mut kept = self.0.lock();
                if kept.held.contains_key(&body) || kept.unnamed.remove(&body.prefix()).is_none() {
                    return Poll::Ready(None);
                }
                match answer.as_mut().poll(context) {
                    Poll::Ready(done) => Poll::Ready(Some(Some(done))),
                    Poll::Pending => Poll::Ready(Some(None)),
                }
            });
            if let Some(early) = begun.await {
                going.push((body, early, answer));
            }
        }
        // All of them are under way by now, and share the store's syncs.
        let mut gone = Vec::with_capacity(going.len());
        for (body, early, answer) in going {
            match early {
                Some(done) => done?,
                None => answer.await?,
            }
            gone.push(body);
        }
        Ok(gone)
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.lock().unnamed = HashMap::new();
    }
}

impl Hold {
    /// Whether somebody else holds it too.
    pub(crate) fn is_shared(&self) -> bool {
        self.keeping.lock().held.get(&self.body).is_some_and(|held| held.holders > 1)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut kept = self.keeping.lock();
        let Some(held) = kept.held.get_mut(&self.body) else { return };
        held.holders = held.holders.saturating_sub(1);
        if held.holders == 0 {
            kept.held.remove(&self.body);
        }
    }
}
