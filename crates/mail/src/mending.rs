//! What a server does by itself where rot has made a hole in a mailbox: mends it if nobody can notice, else shows what is
//! before the hole.
//!
//! Whoever mends has the account's turn. Those who come in the midst of a change may have it already, or keep others from
//! going on who do: they only look whether it is free.

use crate::account::{Account, Known, lock};
use crate::load::{self, At, Summary, Tail};
use crate::mailbox::Mailbox;
use crate::repair::{Extent, LeftOfNames, Outcome, Repair, stands, until_the_gap};
use crate::{Error, Mending, Unreadable};
use mailbox::account::{self as names, MailboxId};
use mailbox::{Head, MailboxState};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use store::{AccountId, Salvage, Seq, StoreError, StreamId};

/// How often it is tried to mend a mailbox that somebody changes meanwhile.
const MAX_TRIES: usize = 3;

/// Whoever runs a server over a store that can rot.
pub trait Mender: Send + Sync {
    /// The accounts' store.
    fn store(&self) -> &dyn Salvage;

    /// Something was mended, and no client can notice it.
    fn mended(&self, account: AccountId, mending: &Mending);

    /// This mailbox cannot be mended so. It is told once, until it is mended or the account has left the memory.
    fn is_in_part(&self, account: AccountId, mailbox: MailboxId);

    /// The same of the names of an account's mailboxes.
    fn has_names_in_part(&self, account: AccountId);
}

/// What an account knows of mending.
#[derive(Default)]
pub(crate) struct Care {
    mender: Option<Arc<dyn Mender>>,
    /// Mailboxes that cannot be mended without loss, by the numbers of their streams.
    in_vain: Mutex<BTreeSet<u32>>,
}

/// How one comes to the account's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// By waiting for it.
    Awaited,
    /// Only if nobody has it.
    IfFree,
}

impl Care {
    pub(crate) fn by(mender: Option<Arc<dyn Mender>>) -> Self {
        Self { mender, in_vain: Mutex::default() }
    }

    /// A mailbox is another now.
    pub(crate) fn forget(&self, number: u32) {
        lock(&self.in_vain).remove(&number);
    }

    fn is_in_vain(&self, number: u32) -> bool {
        lock(&self.in_vain).contains(&number)
    }

    fn note_in_vain(&self, number: u32) -> bool {
        lock(&self.in_vain).insert(number)
    }
}

impl Account {
    /// Mends a mailbox of which a scrub has found something damaged, if it cannot be opened for that or written and
    /// nobody notices. To be asked by nobody who has the account's turn.
    ///
    /// # Errors
    /// The store cannot read or write now.
    pub async fn mend_if_hurt(&self, mailbox: MailboxId) -> Result<(), Error> {
        match self.names().await?.name(mailbox) {
            Some(_) => self.mend(self.stream_of(mailbox), Turn::Awaited).await.map(drop),
            // One that was deleted is shown to nobody; its past is what it is kept for.
            None => Ok(()),
        }
    }

    /// The same for the names of its mailboxes.
    ///
    /// # Errors
    /// The store cannot read or write now.
    pub async fn mend_names_if_hurt(&self) -> Result<(), Error> {
        // So that it is known what they come to.
        self.newest().await?;
        let _turn = self.turn.lock().await;
        self.mend_names().await.map(drop)
    }

    /// Whether the names were mended. Whoever calls has the account's turn.
    async fn mend_names(&self) -> Result<bool, Error> {
        let Some(mender) = &self.care.mender else { return Ok(false) };
        let mended = self.mend_names_in_turn(mender.store(), Extent::WithoutLoss).await?;
        mended.iter().for_each(|mending| mender.mended(self.id, mending));
        Ok(!mended.is_empty())
    }

    /// The names as the store has them, mended where that costs nothing and nobody else has the account's turn; of which
    /// something is lost, as they were last known.
    pub(crate) async fn read_or_mend_names(&self) -> Result<(At<Arc<names::Account>>, Known), Error> {
        let stream = StreamId { account: self.id, number: 0 };
        let loaded = load::account(&*self.store, stream).await;
        let Some(mender) = &self.care.mender else { return Ok((loaded?.0, Known::Whole)) };
        let is_hurt = match &loaded {
            // Or it is a new one.
            Ok((at, summary)) => *summary == Summary::Lost || at.seq == Seq::NONE,
            Err(Error::Damaged(_)) => true,
            Err(_) => false,
        };
        if !is_hurt {
            return Ok((loaded?.0, Known::Whole));
        }
        if let Ok(_turn) = self.turn.try_lock()
            && self.mend_names().await?
        {
            return Ok((load::account(&*self.store, stream).await?.0, Known::Whole));
        }
        let Some(left) = LeftOfNames::look(mender.store(), self.id).await? else {
            return Ok((loaded?.0, Known::Whole));
        };
        let known = if left.is_in_part() { Known::InPart } else { Known::Whole };
        if known == Known::InPart && self.care.note_in_vain(stream.number) {
            mender.has_names_in_part(self.id);
        }
        Ok((left.shown(mender.store(), self.unix_s()).await?, known))
    }

    async fn mend_names_if_free(&self) -> Result<Option<Outcome>, Error> {
        let Ok(_turn) = self.turn.try_lock() else { return Ok(None) };
        Ok(self.mend_names().await?.then_some(Outcome::Mended))
    }

    /// Whether one of these streams was mended.
    pub(crate) async fn mend_any(&self, streams: &[StreamId]) -> bool {
        for stream in streams {
            let mended = match stream.number {
                0 => self.mend_names_if_free().await,
                _ => self.mend(*stream, Turn::IfFree).await,
            };
            match mended {
                Ok(Some(Outcome::Mended)) => return true,
                Ok(_) => {}
                // What it is asked for fails as it would have.
                Err(why) => self.tell_unmended(*stream, &why),
            }
        }
        false
    }

    fn tell_unmended(&self, stream: StreamId, why: &Error) {
        let (account, stream) = (self.id.0, stream.number);
        match why {
            // That has been told of the store.
            Error::Unavailable(_) => {
                tracing::debug!(account, stream, %why, "a mailbox could not be mended now")
            }
            why => tracing::warn!(account, stream, %why, "a mailbox could not be mended"),
        }
    }

    /// Mends a stream that is hurt, if that costs nothing; `None` where that was not tried.
    async fn mend(&self, stream: StreamId, turn: Turn) -> Result<Option<Outcome>, Error> {
        let Some(mender) = &self.care.mender else { return Ok(None) };
        if self.care.is_in_vain(stream.number) && self.known(stream.number).is_none_or(|it| it.is_in_part()) {
            return Ok(None);
        }
        let _turn = match turn {
            Turn::Awaited => self.turn.lock().await,
            Turn::IfFree => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(None),
            },
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let unreadable = Unreadable::default();
            let mut repair = Repair::begin_of(self, mender.store(), &unreadable);
            let outcome = repair.by_itself(stream).await;
            repair.into_done().mended.iter().for_each(|mending| mender.mended(self.id, mending));
            match outcome {
                Err(Error::Unavailable(_)) if tries < MAX_TRIES => continue,
                Ok(Outcome::Lost) | Err(Error::Damaged(_)) if self.care.note_in_vain(stream.number) => {
                    MailboxId::new(stream.number).into_iter().for_each(|id| mender.is_in_part(self.id, id));
                }
                Ok(_) | Err(_) => {}
            }
            return outcome.map(Some);
        }
    }

    /// The mailbox as the store has it, mended where that costs nothing.
    pub(crate) async fn read_whole(
        &self,
        stream: StreamId,
        turn: Turn,
    ) -> Result<(At<MailboxState>, Tail), Error> {
        let loaded = load::mailbox(&*self.store, stream).await;
        let is_hurt = match &loaded {
            Ok(loaded) => loaded.as_ref().is_some_and(|(_, tail)| tail.summary == Summary::Lost),
            Err(Error::Damaged(_)) => true,
            Err(_) => false,
        };
        let is_sound = is_hurt
            && match self.mend(stream, turn).await {
                // Somebody else may have mended it while this one waited for its turn.
                Ok(outcome) => matches!(outcome, Some(Outcome::Mended | Outcome::Sound)),
                Err(why) => {
                    self.tell_unmended(stream, &why);
                    false
                }
            };
        let loaded = if is_sound { load::mailbox(&*self.store, stream).await } else { loaded };
        loaded?.ok_or(Error::NoSuchMailbox)
    }

    /// As much of a mailbox as can be read, which for `why` is not all of it.
    pub(crate) async fn read_part(
        &self,
        stream: StreamId,
        turn: Turn,
        why: String,
    ) -> Result<At<MailboxState>, Error> {
        let Some(mender) = &self.care.mender else { return Err(Error::Damaged(why)) };
        if turn == Turn::IfFree && !self.care.is_in_vain(stream.number) {
            return Err(Error::Unavailable(format!("{why}; whether that can be mended is not known yet")));
        }
        let head = stands(mender.store(), stream).await?.and_then(|(_, head)| Head::decode(&head?.0).ok());
        match until_the_gap(mender.store(), stream).await? {
            Some(At { seq, state }) => Ok(At { seq, state: state.in_part(head.as_ref()) }),
            None => Err(Error::Damaged(format!("{why}; nothing before that can be read"))),
        }
    }

    /// Whether there is still nothing to be read behind a part, and nothing to be tried.
    pub(crate) async fn is_hurt_still(&self, part: &Mailbox) -> Result<bool, Error> {
        let (stream, at) = (self.stream_of(part.id()), part.newest_at());
        if !self.care.is_in_vain(stream.number) {
            return Ok(false);
        }
        match self.store.read(stream, at.seq, 1).await {
            Err(StoreError::Damaged { .. }) => Ok(true),
            Ok(events) if events.is_empty() => {
                let head = self.store.heads(&[stream]).await?.into_iter().flatten().next();
                Ok(head.map_or(Seq::NONE, |(last, _)| last) > at.seq)
            }
            Ok(events) => Ok(!at.joins(&events)),
            Err(why) => Err(why.into()),
        }
    }
}
