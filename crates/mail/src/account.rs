//! One account: its names, its open mailboxes, and the way to change them.

use crate::Error;
use crate::load::{self, At};
use crate::mailbox::Mailbox;
use crate::proposal::Consequences;
use crate::world::World;
use crate::writer::Writer;
use bytes::Bytes;
use mailbox::account::{self as names, MailboxId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{AccountId, EmailId, EmailRange, Head, Seq, Snapshot, Store, StreamId};
use terms::Uid;

/// Mailboxes that an account keeps open although no session watches them.
const KEPT_OPEN: usize = 16;

/// An account that somebody is signed in to.
pub struct Account {
    pub(crate) id: AccountId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: Arc<dyn World>,
    pub(crate) writer: Writer,
    names: Mutex<Option<At<Arc<names::Account>>>>,
    open: Mutex<HashMap<MailboxId, Arc<Mailbox>>>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.id.0)
    }
}

impl Account {
    pub(crate) fn new(id: AccountId, store: Arc<dyn Store>, world: Arc<dyn World>) -> Self {
        let (names, open) = (Mutex::new(None), Mutex::default());
        Self { id, store, world, writer: Writer::default(), names, open }
    }

    /// Its number in the directory.
    #[must_use]
    pub const fn id(&self) -> AccountId {
        self.id
    }

    /// Its mailboxes by name, its subscriptions and special uses.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn names(&self) -> Result<Arc<names::Account>, Error> {
        Ok(self.newest().await?.state)
    }

    /// Opens a mailbox, or joins those who have it open.
    ///
    /// # Errors
    /// It has been deleted, or cannot be read.
    pub async fn open(&self, id: MailboxId) -> Result<Arc<Mailbox>, Error> {
        if let Some(open) = self.known(id.get()) {
            return Ok(open);
        }
        if self.newest().await?.state.name(id).is_none() {
            return Err(Error::NoSuchMailbox);
        }
        let stream = self.stream(id.get());
        let (at, tail) = load::mailbox(&*self.store, stream).await?.ok_or(Error::NoSuchMailbox)?;
        let recent = self.recent_of(id).await?;
        let shared = self.share(Arc::new(Mailbox::new(id, at, tail, recent)));
        // What was committed between the read above and here was published to nobody.
        let mut at = shared.newest_at();
        for event in self.store.read(stream, at.seq, usize::MAX).await? {
            at = load::next(stream, Some(&at), &event)?;
        }
        shared.advance(at);
        Ok(shared)
    }

    /// Two may have read a mailbox at once: all share what came here first.
    fn share(&self, fresh: Arc<Mailbox>) -> Arc<Mailbox> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        close_unwatched(&mut open);
        Arc::clone(open.entry(fresh.id()).or_insert(fresh))
    }

    /// Where each of these mailboxes stands, without opening them.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn heads(&self, ids: &[MailboxId]) -> Result<Vec<Option<mailbox::Head>>, Error> {
        let streams: Vec<_> = ids.iter().map(|id| self.stream(id.get())).collect();
        let heads = self.store.heads(&streams).await?;
        let decoded =
            |head: Option<(Seq, Head)>| head.and_then(|(_, head)| mailbox::Head::decode(&head.0).ok());
        Ok(heads.into_iter().map(decoded).collect())
    }

    /// The records of these messages, ascending by [`EmailId`]; what there is none of is left out.
    ///
    /// # Errors
    /// The store cannot read now, or what it reads is damaged.
    pub async fn records(&self, ranges: &[EmailRange]) -> Result<Vec<(EmailId, Bytes)>, Error> {
        Ok(self.store.records(self.id, ranges).await?)
    }

    /// Up to `length` octets of a message from `offset`; `None` where there is no such message.
    ///
    /// # Errors
    /// The store cannot read now, or what it reads is damaged.
    pub async fn body(&self, body: [u8; 32], offset: u64, length: usize) -> Result<Option<Bytes>, Error> {
        Ok(self.store.body(self.id, store::BodyId(body), offset, length).await?)
    }

    /// Remembers up to where `\Recent` has been claimed; a crash may forget it.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn remember_recent(&self, mailbox: &Mailbox) -> Result<(), Error> {
        let value = Bytes::copy_from_slice(&mailbox.first_recent().get().to_le_bytes());
        Ok(self.store.put_soft(self.id, &recent_key(mailbox.id()), Some(value)).await?)
    }

    async fn recent_of(&self, id: MailboxId) -> Result<Uid, Error> {
        let value = self.store.soft(self.id, &recent_key(id)).await?;
        let number = value.and_then(|v| Some(u32::from_le_bytes(*v.first_chunk()?)));
        Ok(number.and_then(Uid::new).unwrap_or(Uid::MIN))
    }

    pub(crate) async fn newest(&self) -> Result<At<Arc<names::Account>>, Error> {
        if let Some(at) = &*self.names.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(at.clone());
        }
        let read = load::account(&*self.store, self.stream(0)).await?;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.get_or_insert(read).clone())
    }

    /// What a commit made true, shown to everybody.
    pub(crate) fn publish(&self, done: Consequences) {
        let Consequences { account, mailboxes, ended } = done;
        if let Some(at) = account {
            let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            if names.as_ref().is_none_or(|known| known.seq < at.seq) {
                *names = Some(at);
            }
        }
        for (id, at, octets) in mailboxes {
            if let Some(mailbox) = self.known(id.get()) {
                mailbox.advance(at);
                mailbox.wrote(octets);
            }
        }
        for id in ended {
            let gone = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            gone.iter().for_each(|mailbox| mailbox.end());
        }
    }

    /// Shows a state that may be older than what was known: the store is right.
    pub(crate) fn replace(&self, at: At<Arc<names::Account>>) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Forgets what is known, to read it again: after a commit of which nobody knows whether it happened.
    pub(crate) fn forget(&self) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn known(&self, number: u32) -> Option<Arc<Mailbox>> {
        let id = MailboxId::new(number)?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// The streams of its open mailboxes.
    pub(crate) fn open_numbers(&self) -> Vec<u32> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).keys().map(|id| id.get()).collect()
    }

    pub(crate) async fn take_snapshots(&self) {
        let open: Vec<_> =
            self.open.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for mailbox in open {
            let Some(at) = mailbox.snapshot_due() else { continue };
            let pieces = at.state.snapshot();
            let octets = pieces.iter().map(Bytes::len).sum();
            let stream = self.stream(mailbox.id().get());
            match self.store.put_snapshot(stream, Snapshot { at: at.seq, pieces }).await {
                Ok(()) => mailbox.snapshot_taken(octets),
                // The log is the truth: without the snapshot opening takes longer, nothing else.
                Err(why) => tracing::warn!(account = self.id.0, %why, "no snapshot could be taken"),
            }
        }
    }

    const fn stream(&self, number: u32) -> StreamId {
        StreamId { account: self.id, number }
    }
}

/// Lets go of mailboxes that nobody watches, when there are many.
fn close_unwatched(open: &mut HashMap<MailboxId, Arc<Mailbox>>) {
    if open.len() >= KEPT_OPEN {
        open.retain(|_, mailbox| mailbox.is_watched() || Arc::strong_count(mailbox) > 1);
    }
}

fn recent_key(id: MailboxId) -> [u8; 10] {
    let mut key = *b"recent\0\0\0\0";
    if let Some(number) = key.last_chunk_mut::<4>() {
        *number = id.get().to_be_bytes();
    }
    key
}
