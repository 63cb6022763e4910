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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// It is in the directory no more.
    removed: AtomicBool,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.id.0)
    }
}

impl Account {
    pub(crate) fn new(id: AccountId, store: Arc<dyn Store>, world: Arc<dyn World>) -> Self {
        let (names, open, removed) = (Mutex::new(None), Mutex::default(), AtomicBool::new(false));
        Self { id, store, world, writer: Writer::default(), names, open, removed }
    }

    /// Its number in the directory.
    #[must_use]
    pub const fn id(&self) -> AccountId {
        self.id
    }

    /// The time of day, in Unix seconds.
    #[must_use]
    pub fn unix_s(&self) -> i64 {
        self.world.now_s()
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
        self.check_named(id).await?;
        let mailbox = match self.known(id.get()) {
            Some(open) => open,
            None => self.load(id).await?,
        };
        if !mailbox.is_followed() {
            // What was committed between the reading and the sharing was published to nobody. From here on it is.
            self.read_on(self.stream(id.get())).await?;
            mailbox.is_followed_from_now_on();
        }
        self.check_named(id).await?;
        Ok(mailbox)
    }

    async fn check_named(&self, id: MailboxId) -> Result<(), Error> {
        if self.newest().await?.state.name(id).is_some() {
            return Ok(());
        }
        self.end_unnamed();
        Err(Error::NoSuchMailbox)
    }

    async fn load(&self, id: MailboxId) -> Result<Arc<Mailbox>, Error> {
        let loaded = load::mailbox(&*self.store, self.stream(id.get())).await?;
        let (at, tail) = loaded.ok_or(Error::NoSuchMailbox)?;
        let recent = self.recent_of(id).await?;
        Ok(self.share(Arc::new(Mailbox::new(id, at, tail, recent))))
    }

    /// Two may have read a mailbox at once: all share what came here first.
    fn share(&self, fresh: Arc<Mailbox>) -> Arc<Mailbox> {
        let mut open = lock(&self.open);
        close_unwatched(&mut open);
        Arc::clone(open.entry(fresh.id()).or_insert(fresh))
    }

    /// Where each of these mailboxes stands, without opening them.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn heads(&self, ids: &[MailboxId]) -> Result<Vec<Option<mailbox::Head>>, Error> {
        self.check_there()?;
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
        self.check_there()?;
        Ok(self.store.records(self.id, ranges).await?)
    }

    /// Up to `length` octets of a message from `offset`; `None` where there is no such message.
    ///
    /// # Errors
    /// The store cannot read now, or what it reads is damaged.
    pub async fn body(&self, body: [u8; 32], offset: u64, length: usize) -> Result<Option<Bytes>, Error> {
        self.check_there()?;
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
        self.check_there()?;
        if let Some(at) = &*lock(&self.names) {
            return Ok(at.clone());
        }
        let read = load::account(&*self.store, self.stream(0)).await?;
        Ok(lock(&self.names).get_or_insert(read).clone())
    }

    /// Ends it for those who are signed in: nothing more is read or changed, and who watches a mailbox is told that
    /// it is gone.
    pub(crate) fn remove(&self) {
        self.removed.store(true, Ordering::Release);
        lock(&self.open).drain().for_each(|(_, mailbox)| mailbox.end());
    }

    pub(crate) fn check_there(&self) -> Result<(), Error> {
        if self.removed.load(Ordering::Acquire) { Err(Error::AccountRemoved) } else { Ok(()) }
    }

    /// What a commit made true, shown to everybody.
    pub(crate) fn publish(&self, done: Consequences) {
        if let Some(at) = done.account {
            self.show_names(at);
        }
        for (id, at, octets) in done.mailboxes {
            if let Some(mailbox) = self.known(id.get()) {
                mailbox.advance(at);
                mailbox.wrote(octets);
            }
        }
    }

    /// Shows newer names; older ones are not shown.
    pub(crate) fn show_names(&self, at: At<Arc<names::Account>>) {
        let mut names = lock(&self.names);
        if names.as_ref().is_none_or(|known| known.seq < at.seq) {
            *names = Some(at);
        }
        drop(names);
        self.end_unnamed();
    }

    /// Tells those who look at a mailbox that has no name any more, whoever deleted it, that it is gone.
    fn end_unnamed(&self) {
        // Both locks, in this order, so that names that are old already end nothing.
        let names = lock(&self.names);
        let Some(At { state, .. }) = &*names else { return };
        let deleted = |id: &MailboxId, _: &mut Arc<Mailbox>| state.name(*id).is_none();
        lock(&self.open).extract_if(deleted).for_each(|(_, mailbox)| mailbox.end());
    }

    /// Up to where a stream is published here; `None` where nobody here has looked at it.
    pub(crate) fn published_seq(&self, stream: StreamId) -> Option<Seq> {
        match stream.number {
            0 => lock(&self.names).as_ref().map(|at| at.seq),
            number => self.known(number).map(|mailbox| mailbox.newest_at().seq),
        }
    }

    /// Looks whether a stream has grown, after a hint that it may have.
    pub(crate) async fn look(&self, stream: StreamId, seq: Seq) -> Result<(), Error> {
        match self.published_seq(stream) {
            Some(known) if known < seq => self.read_on(stream).await,
            _ => Ok(()),
        }
    }

    /// Shows what the store has of a stream behind what is published.
    pub(crate) async fn read_on(&self, stream: StreamId) -> Result<(), Error> {
        if stream.number == 0 {
            let mut at = self.newest().await?;
            while at.read_on(&*self.store, stream).await?.is_some() {}
            self.show_names(at);
        } else if let Some(mailbox) = self.known(stream.number) {
            let mut at = mailbox.newest_at();
            while at.read_on(&*self.store, stream).await?.is_some() {}
            mailbox.advance(at);
        }
        Ok(())
    }

    /// Shows a stream as the store has it, although that is older than what was known: the store is right.
    pub(crate) async fn read_again(&self, stream: StreamId) -> Result<(), Error> {
        if stream.number == 0 {
            let at = load::account(&*self.store, stream).await?;
            *lock(&self.names) = Some(at);
            self.end_unnamed();
        } else if let Some(mailbox) = self.known(stream.number)
            && let Some((at, tail)) = load::mailbox(&*self.store, stream).await?
        {
            mailbox.replace(at, tail);
        }
        Ok(())
    }

    pub(crate) fn known(&self, number: u32) -> Option<Arc<Mailbox>> {
        let id = MailboxId::new(number)?;
        lock(&self.open).get(&id).cloned()
    }

    /// The streams of its open mailboxes.
    pub(crate) fn open_numbers(&self) -> Vec<u32> {
        lock(&self.open).keys().map(|id| id.get()).collect()
    }

    pub(crate) async fn take_snapshots(&self) {
        let open: Vec<_> = lock(&self.open).values().cloned().collect();
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

/// A panic elsewhere leaves these values whole: each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
