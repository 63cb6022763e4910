//! Undo: what was deleted, expunged or changed is made as it was.
//!
//! Nothing of the past is altered for it. What comes back into a mailbox that is there comes as new messages at its end,
//! with UIDs that nobody has seen, and with the identity (EMAILID), dates and flags that they had; a mailbox that was
//! deleted comes back as the one that it was.

use crate::account::Account;
use crate::load;
use crate::mailbox::Newest;
use crate::past::{DeletedMailbox, Replay};
use crate::{Error, Origin};
use mailbox::account::MailboxId;
use mailbox::{Birth, Change, Event, Flags, MailboxState, NewMessage, SystemFlags};
use std::collections::{BTreeMap, HashSet};
use store::{EmailId, EmailRange, Seq};
use terms::{MailboxName, Uid, UidSet};

/// Messages that come back in one commit.
const AT_ONCE: usize = 4_096;

/// What an undo came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Messages that were brought back.
    pub messages: u64,
    /// Messages that were there and have their old flags again.
    pub flags: u64,
    /// Messages that were asked for and are not kept any more.
    pub gone: u64,
}

impl Account {
    /// Brings back a deleted mailbox under this name, with its messages, UIDs and UIDVALIDITY as they were.
    ///
    /// # Errors
    /// The name is taken or cannot be made, the account is full, or the store cannot write now.
    pub async fn undelete_mailbox(
        &self,
        origin: &Origin,
        deleted: &DeletedMailbox,
        name: &MailboxName,
    ) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        self.undelete_in_turn(origin, deleted, name).await
    }

    /// For whoever has the turn.
    pub(crate) async fn undelete_in_turn(
        &self,
        origin: &Origin,
        deleted: &DeletedMailbox,
        name: &MailboxName,
    ) -> Result<(), Error> {
        let stream = self.stream_of(deleted.mailbox.id);
        let (at, _) = load::mailbox(&*self.store, stream).await?.ok_or(Error::NotKept(0))?;
        let messages = mailbox::copies(&at.state, self.id(), &at.state.uids(Uid::MIN), 0).1;
        self.check_kept(&messages).await?;
        self.change(origin, |proposal| {
            let plan = proposal.account().undelete(&deleted.mailbox, name, &self.limits);
            proposal.follow(&plan.map_err(Error::from)?)?;
            proposal.hold(deleted.head.map(Into::into).unwrap_or_default());
            Ok(())
        })
        .await
    }

    /// Brings back the messages that were expunged from a mailbox at `since` (Unix time in milliseconds) or later and
    /// that are nowhere in the account now: those that were moved are not lost. They are not `\Deleted` any more.
    ///
    /// # Errors
    /// The mailbox is gone or full, or the store cannot read or write now.
    pub async fn undelete_messages(
        &self,
        origin: &Origin,
        id: MailboxId,
        since: i64,
    ) -> Result<Undone, Error> {
        let _turn = self.turn.lock().await;
        let mut lost = self.expunged_since(id, since).await?;
        let names = self.names().await?;
        for (_, mailbox) in names.mailboxes() {
            if lost.is_empty() {
                break;
            }
            let state = self.newest_of(mailbox.id).await?;
            self.emails(&state).for_each(|email| drop(lost.remove(&email)));
        }
        let gone = self.take_out_gone(&mut lost).await?;
        if lost.is_empty() && gone > 0 {
            return Err(Error::NotKept(gone));
        }
        let messages = lost.into_values().map(|message| NewMessage {
            flags: message.flags.without(SystemFlags::DELETED),
            save_date: self.unix_s(),
            ..message
        });
        let messages = self.put_back(origin, id, messages.collect()).await?;
        Ok(Undone { messages, flags: 0, gone })
    }

    async fn expunged_since(
        &self,
        id: MailboxId,
        since: i64,
    ) -> Result<BTreeMap<EmailId, NewMessage>, Error> {
        let stream = self.stream_of(id);
        let mut replay = Replay::begin(&*self.store, stream, Seq::NONE).await?;
        let mut lost = BTreeMap::new();
        while let Some(event) = replay.next(Seq(u64::MAX)).await? {
            if event.time_ms >= since
                && let Some(before) = &replay.at.state
                && let Ok(Event::Expunged { uids }) = Event::decode(&event.payload)
            {
                let (_, messages) = mailbox::copies(before, self.id(), &uids, 0);
                lost.extend(messages.into_iter().filter_map(|message| Some((email_of(&message)?, message))));
            }
            replay.take(event)?;
        }
        Ok(lost)
    }

    /// Makes a mailbox of this name that holds what another one held.
    ///
    /// # Errors
    /// The name is taken or cannot be made, the account is full, or the store cannot write now.
    pub async fn restore_as(
        &self,
        origin: &Origin,
        past: &MailboxState,
        name: &MailboxName,
    ) -> Result<Undone, Error> {
        let _turn = self.turn.lock().await;
        let (_, messages) = mailbox::copies(past, self.id(), &past.uids(Uid::MIN), self.unix_s());
        self.check_kept(&messages).await?;
        self.create_mailbox(origin, name, [].into_iter().collect()).await?;
        let id = self.names().await?.mailbox(name).map(|mailbox| mailbox.id).ok_or(Error::NoSuchMailbox)?;
        Ok(Undone { messages: self.put_back(origin, id, messages).await?, ..Undone::default() })
    }

    /// Makes a mailbox hold what it held: messages that are gone come back, and those that were there then and are
    /// there now have their flags of then. What has come in since stays.
    ///
    /// # Errors
    /// The mailbox is gone or full, or the store cannot write now.
    pub async fn restore_in_place(
        &self,
        origin: &Origin,
        id: MailboxId,
        past: &MailboxState,
    ) -> Result<Undone, Error> {
        let _turn = self.turn.lock().await;
        let now = self.newest_of(id).await?;
        let there: HashSet<EmailId> = self.emails(&now).collect();
        let (uids, messages) = mailbox::copies(past, self.id(), &past.uids(Uid::MIN), self.unix_s());
        let mut flags: Vec<(Flags, UidSet)> = Vec::new();
        let mut missing = Vec::new();
        for (uid, message) in uids.iter().zip(messages) {
            match email_of(&message) {
                Some(email) if there.contains(&email) => note(&mut flags, message.flags, uid),
                _ => missing.push(message),
            }
        }
        self.check_kept(&missing).await?;
        let mut undone = Undone::default();
        for (flags, uids) in &flags {
            undone.flags += self.set_flags(origin, id, flags, uids).await?;
        }
        undone.messages = self.put_back(origin, id, missing).await?;
        Ok(undone)
    }

    pub(crate) async fn set_flags(
        &self,
        origin: &Origin,
        id: MailboxId,
        flags: &Flags,
        uids: &UidSet,
    ) -> Result<u64, Error> {
        self.change(origin, |proposal| {
            let account = self.id();
            let request =
                mailbox::Store { account, uids, change: Change::Replace, flags, unchanged_since: None };
            let stored = mailbox::store(proposal.mailbox(id)?, &request)?;
            stored.events.iter().try_for_each(|event| proposal.push(id, event))?;
            Ok(stored.changed.len())
        })
        .await
    }

    /// In commits of a size that nobody waits for. Where it stops, what has come back stays.
    async fn put_back(
        &self,
        origin: &Origin,
        id: MailboxId,
        messages: Vec<NewMessage>,
    ) -> Result<u64, Error> {
        for some in messages.chunks(AT_ONCE) {
            self.change(origin, |proposal| {
                let appending = mailbox::append(proposal.mailbox(id)?, self.id(), some.to_vec())?;
                appending.events.iter().try_for_each(|event| proposal.push(id, event))
            })
            .await?;
        }
        Ok(messages.len() as u64)
    }

    /// Whether everything of these messages is kept still: nothing comes back in part.
    async fn check_kept(&self, messages: &[NewMessage]) -> Result<(), Error> {
        let emails: Vec<_> = messages.iter().filter_map(email_of).collect();
        let gone = self.gone_among(emails).await?.len() as u64;
        if gone == 0 { Ok(()) } else { Err(Error::NotKept(gone)) }
    }

    async fn take_out_gone(&self, lost: &mut BTreeMap<EmailId, NewMessage>) -> Result<u64, Error> {
        let gone = self.gone_among(lost.keys().copied().collect()).await?;
        gone.iter().for_each(|email| drop(lost.remove(email)));
        Ok(gone.len() as u64)
    }

    /// Those that have no record any more: a sweep takes that first.
    async fn gone_among(&self, mut emails: Vec<EmailId>) -> Result<Vec<EmailId>, Error> {
        emails.sort_unstable();
        emails.dedup();
        let mut gone = Vec::new();
        for run in emails.chunk_by(|one, next| one.mailbox == next.mailbox && next.uid - one.uid == 1) {
            for some in run.chunks(AT_ONCE) {
                let (Some(&first), Some(&last)) = (some.first(), some.last()) else { continue };
                let range = EmailRange { first, last };
                let there = self.store.list_records(self.id(), range, some.len()).await?;
                let there: HashSet<EmailId> = there.into_iter().map(|(email, _)| email).collect();
                gone.extend(some.iter().filter(|email| !there.contains(email)));
            }
        }
        Ok(gone)
    }

    async fn newest_of(&self, id: MailboxId) -> Result<Newest, Error> {
        Ok(self.open(id).await?.newest())
    }

    fn emails(&self, newest: &Newest) -> impl Iterator<Item = EmailId> {
        let state = newest.state();
        let uids = state.uids(Uid::MIN);
        state.reader(self.id()).rows(&uids).map(|row| row.email).collect::<Vec<_>>().into_iter()
    }
}

/// Neighbours mostly have the same flags.
pub(crate) fn note(noted: &mut Vec<(Flags, UidSet)>, flags: Flags, uid: Uid) {
    match noted.iter_mut().find(|(known, _)| *known == flags) {
        Some((_, uids)) => uids.push(uid),
        None => noted.push((flags, [uid].into_iter().collect())),
    }
}

const fn email_of(message: &NewMessage) -> Option<EmailId> {
    match message.birth {
        Birth::Here => None,
        Birth::Elsewhere(email) => Some(email),
    }
}
