//! Mends what has rotted of an account, as far as it can be known what it was.
//!
//! > **Promise.** No message that can be read goes, none gets another UID, and no number is given twice. What follows from
//! > what is left is made again; what can only be guessed is told to clients as something new; what is lost is left as
//! > damaged as it is.
//!
//! A mailbox goes on from a snapshot behind what is lost, where there is one: then only its past is shorter. Else it is
//! put together from what is left ([`mailbox::Salvage`](::mailbox::Salvage)). Names and the directory of accounts, which have no snapshot, are said
//! anew.

mod directory;
mod left;
mod lossless;
mod mailbox;
mod names;
mod record;
mod summary;

pub use directory::repair_directory;

use crate::account::Account;
use crate::check::Unreadable;
use crate::{Error, load};
use std::collections::BTreeSet;
use store::{Beginning, Committed, Salvage, Seq, StoreError, StreamId};
use terms::{MailboxName, Uid};

/// UIDs that a mailbox passes over when events of it are lost for good.
const SKIPPED_UIDS: u32 = crate::SKIPPED_UIDS;
/// MODSEQs that it passes over then.
const SKIPPED_MODSEQS: u64 = crate::SKIPPED_MODSEQS;
/// Events, or messages, that are looked at together.
const BATCH: usize = 1_024;

pub(crate) use directory::{look as look_at_directory, repair as repair_known_directory};
pub(crate) use left::until_the_gap;
pub(crate) use lossless::Outcome;
pub(crate) use names::LeftOfNames;

/// How far a repair goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Only where nobody can notice it.
    WithoutLoss,
    /// Where something is lost it is put together from what is left.
    All,
}

/// Something that was mended, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mending {
    /// In which mailbox; `None` for the account itself, and for a mailbox that has no name any more.
    pub mailbox: Option<MailboxName>,
    /// Of which message, where it is one's.
    pub uid: Option<Uid>,
    /// What was done, or why it could not be, in words.
    pub what: String,
}

/// What a repair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What is right again.
    pub mended: Vec<Mending>,
    /// What could not be mended, and why. What is lost and was not tried is not among it: a check tells that.
    pub left: Vec<Mending>,
}

impl Account {
    /// Mends what a check has found `unreadable`, and whatever does not fit together. The account's own store is `store`.
    ///
    /// # Errors
    /// The store cannot read or write now. What is mended by then is mended.
    pub async fn repair(&self, store: &dyn Salvage, unreadable: &Unreadable) -> Result<Repaired, Error> {
        let _turn = self.turn.lock().await;
        let mut repair = Repair::begin_of(self, store, unreadable);
        repair.try_names().await?;
        for email in &unreadable.records {
            repair.record(*email).await?;
        }
        for stream in repair.streams().await? {
            match stands(store, stream).await? {
                Some((last, _)) if repair.is_hurt(stream, last).await? => repair.try_mailbox(stream).await?,
                Some(_) => {}
                None => repair.make_again(stream).await?,
            }
        }
        repair.summaries().await?;
        Ok(repair.done)
    }
}

/// Where a stream stands, and its summary; `None` where nothing is left of it. Where its only summary is lost it stands
/// before its events.
pub(crate) async fn stands(
    store: &dyn Salvage,
    stream: StreamId,
) -> Result<Option<(Seq, Option<store::Head>)>, Error> {
    match store.heads(&[stream]).await?.into_iter().flatten().next() {
        Some((last, head)) => Ok(Some((last, Some(head)))),
        None => Ok(goes_on(store, stream, Seq::NONE).await?.then_some((Seq::NONE, None))),
    }
}

/// Whether there are events behind the place where a stream stands: then its last summary is lost, and nothing can be
/// written.
async fn goes_on(store: &dyn Salvage, stream: StreamId, last: Seq) -> Result<bool, Error> {
    Ok(!store.remains(stream, last, 1).await?.is_empty())
}

/// Whether a stream is written no more, as rot was met in it.
async fn is_kept_read_only(store: &dyn Salvage, stream: StreamId, last: Seq) -> Result<bool, Error> {
    match store.read(stream, last, 1).await {
        Ok(_) => Ok(false),
        Err(StoreError::Damaged { .. }) => Ok(true),
        Err(why) => Err(why.into()),
    }
}

/// A repair that is under way.
pub(crate) struct Repair<'a> {
    account: &'a Account,
    store: &'a dyn Salvage,
    unreadable: &'a Unreadable,
    done: Repaired,
}

impl<'a> Repair<'a> {
    pub(crate) fn begin_of(account: &'a Account, store: &'a dyn Salvage, unreadable: &'a Unreadable) -> Self {
        Self { account, store, unreadable, done: Repaired::default() }
    }

    /// What it has done.
    pub(crate) fn into_done(self) -> Repaired {
        self.done
    }

    async fn is_hurt(&self, stream: StreamId, last: Seq) -> Result<bool, Error> {
        if self.unreadable.streams.contains(&stream.number) || goes_on(self.store, stream, last).await? {
            return Ok(true);
        }
        match load::mailbox(self.store, stream).await {
            Ok(_) => Ok(false),
            Err(Error::Damaged(_)) => Ok(true),
            Err(why) => Err(why),
        }
    }

    /// The mailboxes that there are, and those that are named.
    async fn streams(&self) -> Result<BTreeSet<StreamId>, Error> {
        let there = self.store.list_streams(self.account.id()).await?;
        let mut streams: BTreeSet<_> = there.into_iter().map(|(stream, ..)| stream).collect();
        match self.account.names().await {
            Err(Error::Damaged(_)) => {}
            names => {
                streams.extend(names?.mailboxes().map(|(_, mailbox)| self.account.stream_of(mailbox.id)));
            }
        }
        streams.retain(|stream| stream.number > 0);
        Ok(streams)
    }

    async fn try_mailbox(&mut self, stream: StreamId) -> Result<(), Error> {
        match self.mailbox(stream).await {
            Err(why @ (Error::Damaged(_) | Error::Limit(_) | Error::Refused(_))) => {
                self.leave(stream, None, why.to_string()).await
            }
            done => done,
        }
    }

    async fn begin(&self, stream: StreamId, last: Seq, beginning: Beginning) -> Result<(), Error> {
        match self.store.begin_anew(stream, last, beginning).await? {
            Committed::Done => Ok(()),
            _ => Err(Error::Unavailable("a mailbox was changed while it was mended; try again".to_owned())),
        }
    }

    async fn mended(
        &mut self,
        stream: StreamId,
        uid: Option<Uid>,
        what: impl Into<String>,
    ) -> Result<(), Error> {
        let mending = self.mending(stream, uid, what.into()).await?;
        self.done.mended.push(mending);
        Ok(())
    }

    async fn leave(
        &mut self,
        stream: StreamId,
        uid: Option<Uid>,
        what: impl Into<String>,
    ) -> Result<(), Error> {
        let mending = self.mending(stream, uid, what.into()).await?;
        self.done.left.push(mending);
        Ok(())
    }

    async fn mending(&self, stream: StreamId, uid: Option<Uid>, what: String) -> Result<Mending, Error> {
        Ok(Mending { mailbox: self.name(stream).await?, uid, what })
    }

    /// What a stream is called; `None` also where the names themselves are damaged.
    async fn name(&self, stream: StreamId) -> Result<Option<MailboxName>, Error> {
        match self.account.name_of(stream.number).await {
            Err(Error::Damaged(_)) => Ok(None),
            named => named,
        }
    }
}
