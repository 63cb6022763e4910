//! A message that is all here, and how each account gets it.

use super::{Errand, Outcomes};
use crate::Error;
use crate::account::Account;
use crate::incoming::{Incoming, Received};
use bytes::Bytes;
use mailbox::account::Usage;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{BodyId, StreamId};

/// Octets that are copied at once from one account to another.
const PIECE: usize = 256 << 10;

/// A message that is all here.
pub(super) enum Whole {
    /// In memory.
    Few(Bytes),
    /// In the store of one of the accounts; not in any mailbox.
    Staged(Staged),
    /// It could not be kept; how long it was.
    Lost { why: Error, octets: u64 },
}

/// A body that was staged: the lines in front for its account, and the message.
pub(super) struct Staged {
    account: Arc<Account>,
    received: Received,
    heading: u64,
    /// Whether it is to go when all have their copies: it was not there before, and its account refused it.
    litter: AtomicBool,
    fresh: bool,
}

impl Whole {
    /// Takes out of the store what no mailbox got.
    pub(super) async fn clear_away(&self) {
        if let Self::Staged(staged) = self
            && staged.litter.swap(false, Ordering::AcqRel)
        {
            clear_away(&staged.account, staged.received.id).await;
        }
    }
}

async fn clear_away(account: &Account, body: BodyId) {
    if let Err(why) = account.keeping.clear_away(&*account.store, account.id, body).await {
        tracing::warn!(account = account.id.0, %why, "a body that nothing refers to stays");
    }
}

impl Staged {
    /// `fresh` where the account had no such body before.
    pub(super) const fn new(account: Arc<Account>, received: Received, heading: u64, fresh: bool) -> Self {
        Self { account, received, heading, litter: AtomicBool::new(false), fresh }
    }

    fn is_for(&self, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.account, account)
    }

    const fn octets(&self) -> u64 {
        self.received.size.saturating_sub(self.heading)
    }

    /// Copies the message.
    async fn copy(&self, into: &mut Incoming, name: &mut blake3::Hasher) -> Result<(), Error> {
        let Account { store, id, .. } = &*self.account;
        let mut at = self.heading;
        while at < self.received.size {
            let piece = store.body(*id, self.received.id, at, PIECE).await?.filter(|piece| !piece.is_empty());
            let stream = StreamId { account: *id, number: 0 };
            let piece =
                piece.ok_or_else(|| Error::damaged(stream, "a body that was just stored is not there"))?;
            at += piece.len() as u64;
            name.update(&piece);
            into.write(piece).await?;
        }
        Ok(())
    }
}

impl Errand {
    /// Delivers it: durable where it says so.
    pub(super) async fn deliver(&self, whole: &Whole) -> Outcomes {
        let outcomes = match self.try_to_deliver(whole).await {
            Ok(outcomes) => outcomes,
            Err(why) => self.parcel.wanted.iter().map(|_| Err(why.clone())).collect(),
        };
        if let Whole::Staged(staged) = whole
            && staged.is_for(&self.account)
        {
            staged.litter.store(staged.fresh && is_nowhere(&outcomes), Ordering::Release);
        }
        outcomes
    }

    async fn try_to_deliver(&self, whole: &Whole) -> Result<Outcomes, Error> {
        self.account.ensure_founded(&self.origin).await?;
        match whole {
            Whole::Few(few) => {
                let mut incoming = self.begin(few.len() as u64).await?;
                incoming.write(few.clone()).await?;
                Ok(self.place(&incoming.finish().await?).await)
            }
            Whole::Staged(staged) if staged.is_for(&self.account) => Ok(self.place(&staged.received).await),
            Whole::Staged(staged) => self.place_copy(staged).await,
            Whole::Lost { why, octets } => {
                self.check_room(*octets).await?;
                Err(why.clone())
            }
        }
    }

    async fn place_copy(&self, staged: &Staged) -> Result<Outcomes, Error> {
        self.check_room(staged.octets()).await?;
        let mut name = blake3::Hasher::new();
        name.update(&self.parcel.heading);
        let mut incoming = self.begin(staged.octets()).await?;
        staged.copy(&mut incoming, &mut name).await?;
        let body = BodyId(*name.finalize().as_bytes());
        let hold = self.account.keeping.hold(body);
        let fresh = self.account.store.body_len(self.account.id, body).await?.is_none();
        let received = incoming.finish().await?;
        drop(hold);
        let outcomes = self.place(&received).await;
        if fresh && is_nowhere(&outcomes) {
            clear_away(&self.account, received.id).await;
        }
        Ok(outcomes)
    }

    async fn begin(&self, octets: u64) -> Result<Incoming, Error> {
        let mut incoming = self.account.incoming(octets.saturating_add(self.heading())).await?;
        incoming.write(self.parcel.heading.clone()).await?;
        Ok(incoming)
    }

    async fn check_room(&self, octets: u64) -> Result<(), Error> {
        let octets = octets.saturating_add(self.heading());
        self.account.check_room(Usage { octets, messages: 1 }, Usage::default()).await
    }

    fn heading(&self) -> u64 {
        self.parcel.heading.len() as u64
    }
}

/// Whether it is certain that no mailbox has the message.
fn is_nowhere(outcomes: &Outcomes) -> bool {
    let refused = |why: &Error| {
        matches!(why, Error::OverQuota(_) | Error::Limit(_) | Error::NoSuchMailbox | Error::AccountRemoved)
    };
    outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(refused))
}
