//! One account: its names, its open mailboxes, and the way to change them.

use crate::Error;
use crate::error::Part;
use crate::keeping::Keeping;
use crate::ledger::Ledger;
use crate::load::{self, At, Reached};
use crate::mailbox::{Closed, Mailbox};
use crate::mending::{Care, Mender, Turn};
use crate::open::Open;
use crate::proposal::{Consequences, Renaming};
use crate::room::{Room, Spared};
use crate::scales::{Scales, Share};
use crate::signed_out::{Credential, SignOuts, SignedOut};
use crate::world::World;
use crate::writer::Writer;
use bytes::Bytes;
use mailbox::MailboxState;
use mailbox::account::{self as names, Limits, MailboxId, QuotaReport, Usage};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use store::{AccountId, EmailId, EmailRange, Head, Hints, Seq, Snapshot, Store, StoreError, StreamId};
use terms::Uid;
use tokio::sync::watch;

/// What an account takes in memory, in octets, beside its names and its open mailboxes: itself, and what others note of it.
const BESIDES: usize = 2_048;
/// What is noted of each mailbox, open or not.
const NOTED: usize = 64;

/// Whether something is known to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Whole,
    /// Events are lost.
    InPart,
}

/// An account that somebody is signed in to.
pub struct Account {
    pub(crate) id: AccountId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: Arc<dyn World>,
    pub(crate) writer: Writer,
    pub(crate) limits: Limits,
    /// What a sweep must leave.
    pub(crate) keeping: Arc<Keeping>,
    /// Whoever brings back what was and whoever takes it away for good take turns.
    pub(crate) turn: tokio::sync::Mutex<()>,
    names: Mutex<Option<At<Arc<names::Account>>>>,
    /// What is in memory of them is not all that there was.
    names_in_part: AtomicBool,
    open: Mutex<Open>,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) care: Care,
    /// It is in the directory no more.
    removed: AtomicBool,
    /// Tells all who are signed in that they are no longer.
    signed_out: watch::Sender<SignOuts>,
    room: Weak<Room>,
    /// What it takes in memory, its open mailboxes not counted.
    share: Share,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.id.0)
    }
}

impl Account {
    /// Commits that nobody waits for any more are told to `abandoned`.
    pub(crate) fn new(
        id: AccountId,
        store: Arc<dyn Store>,
        world: Arc<dyn World>,
        limits: Limits,
        abandoned: Arc<Hints>,
    ) -> Self {
        let care = Care::default();
        let (names, names_in_part) = (Mutex::new(None), AtomicBool::new(false));
        let (open, removed) = (Mutex::default(), AtomicBool::new(false));
        let (writer, ledger) = (Writer::new(abandoned), Mutex::default());
        let signed_out = watch::Sender::default();
        // In no room, and nobody weighs it.
        let (room, share) = (Weak::new(), Share::of(Arc::new(Scales::new(usize::MAX))));
        let (keeping, turn) = (Arc::default(), tokio::sync::Mutex::default());
        Self {
            id,
            store,
            world,
            writer,
            limits,
            keeping,
            turn,
            names,
            names_in_part,
            open,
            ledger,
            care,
            removed,
            signed_out,
            room,
            share,
        }
    }

    pub(crate) fn mended_by(self, mender: Option<Arc<dyn Mender>>) -> Self {
        Self { care: Care::by(mender), ..self }
    }

    /// The same, in memory as long as there is room for it.
    pub(crate) fn kept_in(self, room: &Arc<Room>) -> Self {
        let account =
            Self { room: Arc::downgrade(room), share: Share::of(Arc::clone(room.scales())), ..self };
        account.share.set(BESIDES);
        account
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
    /// It has been deleted, or not all of it can be read.
    pub async fn open(&self, id: MailboxId) -> Result<Arc<Mailbox>, Error> {
        let mailbox = self.enter(id, Turn::IfFree).await?;
        if mailbox.is_in_part() { Err(Error::InPart(Part::Mailbox)) } else { Ok(mailbox) }
    }

    /// The same for whoever shows it to people: of one with a hole as much as can be read, in which nothing can be
    /// changed ([`MailboxState::part`]). To be asked by nobody who has the account's turn.
    ///
    /// # Errors
    /// It has been deleted, or nothing of it can be read.
    pub async fn open_to_read(&self, id: MailboxId) -> Result<Arc<Mailbox>, Error> {
        self.enter(id, Turn::Awaited).await
    }

    pub(crate) async fn enter(&self, id: MailboxId, turn: Turn) -> Result<Arc<Mailbox>, Error> {
        self.check_named(id).await?;
        let entered = lock(&self.open).enter(id);
        let mailbox = match entered {
            Some(open) if !open.is_in_part() => open,
            part => self.load(id, part, turn).await?,
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

    /// Reads a mailbox; of one with a hole, of which `part` may be open, as much as can be read.
    async fn load(
        &self,
        id: MailboxId,
        part: Option<Arc<Mailbox>>,
        turn: Turn,
    ) -> Result<Arc<Mailbox>, Error> {
        let stream = self.stream(id.get());
        if let Some(part) = &part
            && self.is_hurt_still(part).await?
        {
            return Ok(Arc::clone(part));
        }
        let (at, tail) = match (self.read_whole(stream, turn).await, part) {
            (Err(Error::Damaged(_)), Some(part)) => return Ok(part),
            (Err(Error::Damaged(why)), None) => {
                (self.read_part(stream, turn, why).await?, load::Tail::default())
            }
            (whole, _) => {
                let whole = whole?;
                self.care.forget(id.get());
                whole
            }
        };
        let recent = self.recent_of(id).await?;
        let share = Share::of(Arc::clone(self.share.scales()));
        Ok(self.share(Arc::new(Mailbox::new(id, at, tail, recent, share))))
    }

    /// Two may have read a mailbox at once: all share what came here first. Who looks at a part of one that is whole again
    /// is told so, and finds the whole one.
    fn share(&self, fresh: Arc<Mailbox>) -> Arc<Mailbox> {
        let (shared, many) = {
            let mut open = lock(&self.open);
            (open.share(fresh), open.let_go_of_many())
        };
        drop(many);
        self.make_room();
        shared
    }

    /// Where each of these mailboxes stands, without opening them.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn heads(&self, ids: &[MailboxId]) -> Result<Vec<Option<mailbox::Head>>, Error> {
        self.check_there()?;
        let streams: Vec<_> = ids.iter().map(|id| self.stream(id.get())).collect();
        let heads = self.store.heads(&streams).await?;
        let mut told = Vec::with_capacity(ids.len());
        for (id, head) in ids.iter().zip(heads) {
            told.push(match head.and_then(|(_, head)| mailbox::Head::decode(&head.0).ok()) {
                Some(head) => Some(head),
                None => self.count_anew(*id).await?,
            });
        }
        Ok(told)
    }

    /// The summary of a mailbox that has lost it; `None` where there is no such mailbox.
    async fn count_anew(&self, id: MailboxId) -> Result<Option<mailbox::Head>, Error> {
        match self.enter(id, Turn::IfFree).await {
            Ok(mailbox) => Ok(Some(mailbox.newest().state().head())),
            // What is told of the others is not held up by it.
            Err(Error::NoSuchMailbox | Error::Damaged(_) | Error::Unavailable(_)) => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// What its messages take. Asks the store for what nobody has heard of yet, which is all of it once and nothing
    /// from then on.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn usage(&self) -> Result<Usage, Error> {
        loop {
            let At { seq, state } = self.newest().await?;
            let unknown = match lock(&self.ledger).total(&state, seq) {
                Ok(total) => return Ok(total),
                Err(unknown) => unknown,
            };
            let streams: Vec<_> = unknown.iter().map(|id| self.stream(id.get())).collect();
            let heads = self.store.heads(&streams).await?;
            for (id, head) in unknown.into_iter().zip(heads) {
                let (seq, usage) = head.map(weighed).unwrap_or_default();
                lock(&self.ledger).note(id, seq, usage);
            }
        }
    }

    /// Its limits, and what is used of them.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn quota(&self) -> Result<QuotaReport, Error> {
        let usage = self.usage().await?;
        Ok(self.names().await?.quota_report(usage, &self.limits))
    }

    /// Whether there is room for so much more when so much goes, before anybody sends it. What is committed in the end
    /// is looked at once more, then: others may have come first.
    ///
    /// # Errors
    /// There is none, or the store cannot read now.
    pub async fn check_room(&self, more: Usage, gone: Usage) -> Result<(), Error> {
        let quota = self.names().await?.quota(&self.limits);
        if quota == names::Quota::NONE {
            return Ok(());
        }
        let held = self.usage().await?;
        Ok(quota.check(held, held.plus(more).minus(gone))?)
    }

    /// How many octets one message more may have; [`u64::MAX`] where nothing limits them.
    ///
    /// # Errors
    /// There is none, or the store cannot read now.
    pub(crate) async fn room(&self) -> Result<u64, Error> {
        let quota = self.names().await?.quota(&self.limits);
        if quota == names::Quota::NONE {
            return Ok(u64::MAX);
        }
        let held = self.usage().await?;
        match quota.messages {
            Some(most) if held.messages >= most => Ok(0),
            _ => Ok(quota.octets.map_or(u64::MAX, |most| most.saturating_sub(held.octets))),
        }
    }

    /// The records of these messages, ascending by [`EmailId`]; what there is none of is left out. Those of another
    /// version are made anew from their messages.
    ///
    /// # Errors
    /// The store cannot read now, or what it reads is damaged.
    pub async fn records(&self, ranges: &[EmailRange]) -> Result<Vec<(EmailId, Bytes)>, Error> {
        self.check_there()?;
        let mut records = self.store.records(self.id, ranges).await?;
        self.renew(&mut records).await?;
        Ok(records)
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

    /// Forgets what was `\Recent` in a mailbox that is no more.
    pub(crate) async fn forget_recent(&self, number: u32) -> Result<(), Error> {
        let Some(id) = MailboxId::new(number) else { return Ok(()) };
        Ok(self.store.put_soft(self.id, &recent_key(id), None).await?)
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
        let (read, known) = self.read_or_mend_names().await?;
        let newest = {
            let mut names = lock(&self.names);
            if names.is_none() {
                self.names_in_part.store(known == Known::InPart, Ordering::Release);
            }
            let newest = names.get_or_insert(read).clone();
            self.weigh_names(&newest.state);
            newest
        };
        self.make_room();
        Ok(newest)
    }

    /// The same, and whether they are all that there were.
    pub(crate) async fn newest_known(&self) -> Result<(At<Arc<names::Account>>, Known), Error> {
        let at = self.newest().await?;
        let in_part = self.names_in_part.load(Ordering::Acquire);
        Ok((at, if in_part { Known::InPart } else { Known::Whole }))
    }

    /// Whether what is in memory of its names is not all that there was.
    pub(crate) fn names_are_in_part(&self) -> bool {
        self.names_in_part.load(Ordering::Acquire)
    }

    /// Its names, if they are in memory.
    pub(crate) fn known_names(&self) -> Option<At<Arc<names::Account>>> {
        lock(&self.names).clone().filter(|_| !self.names_in_part.load(Ordering::Acquire))
    }

    /// Ends it for those who are signed in: nothing more is read or changed, and who watches a mailbox is told that
    /// it is gone.
    pub(crate) fn remove(&self) {
        self.removed.store(true, Ordering::Release);
        self.sign_out_all();
        lock(&self.open).close_those(|_| true, Closed::Deleted);
    }

    /// Ends every session of it that there is now.
    pub(crate) fn sign_out_all(&self) {
        self.signed_out.send_modify(SignOuts::all);
    }

    /// Ends every session that signed in with one of these.
    pub(crate) fn sign_out(&self, credentials: Vec<Credential>) {
        if !credentials.is_empty() {
            self.signed_out.send_modify(|ended| credentials.into_iter().for_each(|with| ended.one(with)));
        }
    }

    /// Changes when whoever is signed in now is signed in no longer.
    #[must_use]
    pub fn signed_out(&self) -> SignedOut {
        SignedOut::new(self.signed_out.subscribe(), None)
    }

    /// The same for whoever signed in `with` this, and so is signed in no longer once it is taken no more. Look afterwards
    /// whether it still is: [`Accounts::takes`](crate::Accounts::takes).
    #[must_use]
    pub fn signed_out_with(&self, with: Credential) -> SignedOut {
        SignedOut::new(self.signed_out.subscribe(), Some(with))
    }

    pub(crate) fn check_there(&self) -> Result<(), Error> {
        if self.removed.load(Ordering::Acquire) { Err(Error::AccountRemoved) } else { Ok(()) }
    }

    /// What a commit made true, shown to everybody.
    pub(crate) fn publish(&self, done: Consequences) {
        let renaming = done.account.map(|Renaming { before, after, moves }| {
            let places = (before, after.seq);
            self.show_names(after);
            (places, moves)
        });
        for (id, at, weight) in done.mailboxes {
            self.weigh(id, &at);
            if let Some(mailbox) = self.known(id.get()) {
                mailbox.advance(at);
                mailbox.wrote(weight);
            }
        }
        if let Some((places, moves)) = renaming {
            lock(&self.ledger).follow(places, &moves);
        }
        self.make_room();
    }

    /// Notes what a mailbox takes, unless it has been deleted: commits may be shown in another order than they are in.
    pub(crate) fn weigh(&self, id: MailboxId, at: &At<MailboxState>) {
        let names = lock(&self.names);
        if names.as_ref().is_none_or(|names| names.state.name(id).is_some()) {
            lock(&self.ledger).note(id, at.seq, usage_of(&at.state));
        }
    }

    /// Shows newer names; older ones are not shown.
    pub(crate) fn show_names(&self, at: At<Arc<names::Account>>) {
        let mut names = lock(&self.names);
        if names.as_ref().is_none_or(|known| known.seq < at.seq) {
            self.weigh_names(&at.state);
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
        lock(&self.open).close_those(|id| state.name(id).is_none(), Closed::Deleted);
    }

    /// Up to where a stream is published here; `None` where nobody here has looked at it.
    pub(crate) fn published_seq(&self, stream: StreamId) -> Option<Seq> {
        match stream.number {
            0 => lock(&self.names).as_ref().map(|at| at.seq),
            number => self.known(number).map(|mailbox| mailbox.newest_seq()),
        }
    }

    /// Whether there is something to do where a stream has grown so far: it is not shown, and nobody is about to show it.
    pub(crate) fn is_news(&self, stream: StreamId, seq: Seq) -> bool {
        let is_shown = self.published_seq(stream).map(|known| known >= seq);
        is_shown.is_none_or(|is_shown| !is_shown && !self.writer.awaits(stream, seq))
    }

    /// Looks whether a stream has grown, after a hint that it may have.
    pub(crate) async fn look(&self, stream: StreamId, seq: Seq) -> Result<(), Error> {
        match self.published_seq(stream) {
            _ if !self.is_news(stream, seq) => Ok(()),
            Some(_) => self.read_on(stream).await,
            None => {
                MailboxId::new(stream.number).into_iter().for_each(|id| lock(&self.ledger).doubt(id, seq));
                Ok(())
            }
        }
    }

    /// Shows what the store has of a stream behind what is published.
    pub(crate) async fn read_on(&self, stream: StreamId) -> Result<(), Error> {
        if stream.number == 0 {
            let (mut at, known) = self.newest_known().await?;
            if known == Known::InPart {
                // Until it is mended nothing comes behind it.
                let head = self.store.heads(&[stream]).await?.into_iter().flatten().next();
                let is_mended = head.is_some_and(|(last, _)| last != at.seq);
                return if is_mended { self.read_names_again(stream).await } else { Ok(()) };
            }
            if at.catch_up(&*self.store, stream, &mut 0).await? == Reached::AGap {
                at = load::account(&*self.store, stream).await?.0;
            }
            self.show_names(at);
        } else if let Some(mailbox) = self.known(stream.number).filter(|mailbox| !mailbox.is_in_part()) {
            let mut at = mailbox.newest_at();
            if at.catch_up(&*self.store, stream, &mut 0).await? == Reached::AGap {
                // A purge has trimmed it: there is a snapshot behind that.
                at = load::mailbox(&*self.store, stream).await?.ok_or(Error::NoSuchMailbox)?.0;
            }
            self.weigh(mailbox.id(), &at);
            mailbox.advance(at);
        }
        Ok(())
    }

    /// Shows a stream as the store has it, although that is older than what was known: the store is right.
    pub(crate) async fn read_again(&self, stream: StreamId) -> Result<(), Error> {
        if stream.number == 0 {
            self.read_names_again(stream).await?;
        } else if let Some(mailbox) = self.known(stream.number)
            && let Some((at, tail)) = load::mailbox(&*self.store, stream).await?
        {
            *lock(&self.ledger) = Ledger::default();
            mailbox.replace(at, tail);
        }
        Ok(())
    }

    async fn read_names_again(&self, stream: StreamId) -> Result<(), Error> {
        let (at, _) = load::account(&*self.store, stream).await?;
        let mut names = lock(&self.names);
        self.weigh_names(&at.state);
        *names = Some(at);
        self.names_in_part.store(false, Ordering::Release);
        self.care.forget(stream.number);
        drop(names);
        self.end_unnamed();
        Ok(())
    }

    /// Takes note that a stream goes on which was hurt. Whoever knows what it had come to at its `end` knows it all.
    pub(crate) async fn see_again(&self, stream: StreamId, end: Seq) -> Result<(), Error> {
        self.care.forget(stream.number);
        match self.known(stream.number) {
            Some(mailbox) if mailbox.is_in_part() => self.let_go(stream.number),
            Some(mailbox) if mailbox.newest_at().seq != end => self.read_again(stream).await?,
            Some(_) | None => {}
        }
        Ok(())
    }

    /// A mailbox is another now: who looks at the one that was is told so, and finds the new one.
    pub(crate) fn let_go(&self, number: u32) {
        self.care.forget(number);
        MailboxId::new(number).into_iter().for_each(|id| lock(&self.open).close(id, Closed::Mended));
        *lock(&self.ledger) = Ledger::default();
    }

    pub(crate) fn known(&self, number: u32) -> Option<Arc<Mailbox>> {
        lock(&self.open).get(MailboxId::new(number)?)
    }

    /// The streams of its open mailboxes.
    pub(crate) fn open_numbers(&self) -> Vec<u32> {
        lock(&self.open).all().map(|mailbox| mailbox.id().get()).collect()
    }

    pub(crate) async fn take_snapshots(&self) {
        for mailbox in self.open_mailboxes() {
            if let Some(at) = mailbox.snapshot_due() {
                // Without it opening takes longer, nothing else: the log has said why.
                let _ = self.take_snapshot(&mailbox, at).await;
            }
        }
    }

    /// Takes a snapshot of what the mailbox is, or was; the log tells of a failure.
    ///
    /// # Errors
    /// The store takes none.
    pub(crate) async fn take_snapshot(
        &self,
        mailbox: &Mailbox,
        at: At<MailboxState>,
    ) -> Result<(), StoreError> {
        if at.state.part().is_some() {
            return Ok(()); // whoever opened it later would take it for the whole
        }
        let pieces = at.state.snapshot();
        let octets = pieces.iter().map(Bytes::len).sum();
        let stream = self.stream(mailbox.id().get());
        let taken = self.store.put_snapshot(stream, Snapshot { at: at.seq, pieces }).await;
        match &taken {
            Ok(()) => mailbox.snapshot_taken(octets),
            Err(why) => tracing::warn!(account = self.id.0, %why, "no snapshot could be taken"),
        }
        taken
    }

    /// The mailboxes that it has open.
    pub(crate) fn open_mailboxes(&self) -> Vec<Arc<Mailbox>> {
        lock(&self.open).all().cloned().collect()
    }

    fn weigh_names(&self, names: &names::Account) {
        self.share.set(BESIDES + names.resident_octets() + names.mailboxes().len() * NOTED);
    }

    fn make_room(&self) {
        if self.share.scales().excess() > 0
            && let Some(room) = self.room.upgrade()
        {
            room.make_room(self.id);
        }
    }

    /// Whether nothing of it is held by anybody, the account itself aside.
    pub(crate) fn is_idle(&self) -> bool {
        // A message on its way in, and a session that waits to hear that it has ended.
        Arc::strong_count(&self.keeping) == 1 && self.signed_out.receiver_count() == 0
    }

    /// Lets go of open mailboxes that nobody uses, until so many octets are free.
    pub(crate) fn let_go_of_idle(&self, octets: usize, spared: Spared) -> Vec<Arc<Mailbox>> {
        lock(&self.open).let_go_of_idle(octets, spared)
    }

    /// It is about to go, with all that it has open.
    pub(crate) fn give_back(&self) {
        self.share.give_back();
        lock(&self.open).all().for_each(|mailbox| mailbox.give_back());
    }

    const fn stream(&self, number: u32) -> StreamId {
        StreamId { account: self.id, number }
    }
}

/// What a mailbox takes, by its state.
pub(crate) fn usage_of(state: &MailboxState) -> Usage {
    Usage { octets: state.octets(), messages: state.messages().into() }
}

/// What a mailbox takes, by its head. One that does not read back is counted as nothing: opening it says what is wrong.
fn weighed((seq, head): (Seq, Head)) -> (Seq, Usage) {
    (seq, mailbox::Head::decode(&head.0).map(Usage::from).unwrap_or_default())
}

/// A panic elsewhere leaves these values whole: each change is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn recent_key(id: MailboxId) -> [u8; 10] {
    let mut key = *b"recent\0\0\0\0";
    if let Some(number) = key.last_chunk_mut::<4>() {
        *number = id.get().to_be_bytes();
    }
    key
}
