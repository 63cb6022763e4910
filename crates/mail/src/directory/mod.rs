//! Who there is: accounts by name, and what they sign in with.

mod barred;
mod elsewhere;
mod keyrings;
mod mending;
mod removed;
mod renewals;

pub use elsewhere::TakenIn;
pub use keyrings::{AppVerdict, JudgedBy, LastUse, NewAppPassword, SignIn, Unusable, UsedAppPassword};
pub use removed::RemovedAccount;

use crate::account::Account;
use crate::error::Part;
use crate::load::At;
use crate::mending::Mender;
use crate::remembered::Remembered;
use crate::repair::look_at_directory;
use crate::roll::{Certainty, Roll};
use crate::room::{Kept, Room};
use crate::signed_out::Credential;
use crate::world::World;
use crate::{Error, Origin};
use barred::Barred;
use bytes::Bytes;
use mailbox::account::Limits;
use mailbox::account::directory::keyring::OwnPassword;
use mailbox::account::directory::{
    BadLogin, DecoySecret, Directory, DirectoryEvent, DirectoryRefusal, Entry, Login, Said, Standing,
};
use renewals::Renewals;
use sasl::{Cost, CredentialRecord, DecoyKey, MarkKey, Nonce};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{AccountId, Append, Commit, Committed, Head, Hint, Hints, Salvage, Seq, Store, StreamId, Watch};

/// What accounts and mailboxes take in memory, in octets, where nobody says otherwise.
const KEPT: usize = 192 << 20;
/// How often a change is decided anew because another process was first.
const MAX_ROUNDS: usize = 32;
/// Events read at a time.
const BATCH: usize = 1_024;
/// The first format in which the directory says something of keyrings, and has records of passwords other than
/// [`PLAIN_RECORD`]s.
pub(crate) const KEYRINGS: u32 = 3;
/// The first octet of a record of a password that every version reads.
const PLAIN_RECORD: u8 = 1;

/// The directory's events.
pub(crate) const STREAM: StreamId = StreamId { account: AccountId::DIRECTORY, number: 0 };
/// Where the decoys' secret was before the directory's stream had it: a soft value, which a crash may lose.
const SOFT_DECOY_KEY: &[u8] = b"decoy-key";

/// All accounts, over a store.
pub struct Accounts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: Arc<dyn World>,
    roll: Mutex<At<Arc<Roll>>>,
    changing: tokio::sync::Mutex<()>,
    /// Held by whoever makes an account again.
    pub(crate) reviving: tokio::sync::Mutex<()>,
    /// What the directory gets for its decoys if it has nothing yet.
    offered: DecoySecret,
    limits: Limits,
    mender: Option<Arc<dyn Mender>>,
    /// Something is wrong with the directory that was not mended yet.
    is_hurt: AtomicBool,
    renewals: Renewals,
    barred: Barred,
    /// Those that are in memory.
    pub(crate) room: Arc<Room>,
    /// Commits of accounts that nobody waits for any more.
    abandoned: Arc<Hints>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

/// What a name signs in with.
#[derive(Debug)]
pub struct Found {
    /// Whose name it is; `None` for a name that nobody has. Look at it after the password, never before.
    pub account: Option<AccountId>,
    /// Whether that account may sign in. Look at it after the password, too.
    pub standing: Standing,
    /// The record to check against; of a name that nobody has, one that costs what one of the others does and fits nothing.
    /// So it is where that is doubtful.
    pub record: CredentialRecord,
    /// Whether all this can be known. Look at it after the password, too.
    pub certainty: Certainty,
    /// Whether mail protocols take that account's own password. Look at it after the password, too.
    pub own_password: OwnPassword,
}

/// Why the directory did not change.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Not a name that an account can have.
    #[error("{0}")]
    BadLogin(#[from] BadLogin),
    /// Taken, missing, full.
    #[error("{0}")]
    Refused(#[from] DirectoryRefusal),
    /// The store, or what it holds.
    #[error("{0}")]
    Mail(#[from] Error),
}

impl Accounts {
    /// Reads the directory.
    ///
    /// # Errors
    /// The store cannot be read, or what it holds is damaged.
    pub async fn open(store: Arc<dyn Store>, world: Arc<dyn World>) -> Result<Self, Error> {
        let at = read(&*store).await?;
        let accounts = Self::over(store, world, at, false).await?;
        accounts.keep_offered_secret().await;
        Ok(accounts)
    }

    /// The same where events of it may be lost. What they had come to is known where they were said twice; else what is
    /// known for certain is: [`Self::is_in_part`].
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open_what_is_left(store: Arc<dyn Salvage>, world: Arc<dyn World>) -> Result<Self, Error> {
        let plain = Arc::<dyn Salvage>::clone(&store) as Arc<dyn Store>;
        let Some(left) = look_at_directory(&*store).await? else { return Self::open(plain, world).await };
        let at = At { seq: left.end, state: Arc::new(Roll::left(&left.salvage)) };
        Self::over(plain, world, at, true).await
    }

    async fn over(
        store: Arc<dyn Store>,
        world: Arc<dyn World>,
        at: At<Arc<Roll>>,
        is_hurt: bool,
    ) -> Result<Self, Error> {
        let offered = offered_secret(&*store, &*world).await?;
        let accounts = Self {
            store,
            world,
            roll: Mutex::new(at),
            changing: tokio::sync::Mutex::default(),
            reviving: tokio::sync::Mutex::default(),
            offered,
            limits: Limits::default(),
            mender: None,
            is_hurt: AtomicBool::new(is_hurt),
            renewals: Renewals::default(),
            barred: Barred::default(),
            room: Arc::new(Room::new(KEPT)),
            abandoned: Arc::default(),
        };
        accounts.recall_barred().await?;
        Ok(accounts)
    }

    /// Whether events of the directory are lost, and what they had come to is not known. Until a repair nobody can sign in
    /// of whom it is not certain that they may, and nothing can be changed.
    #[must_use]
    pub fn is_in_part(&self) -> bool {
        self.roll().is_in_part()
    }

    /// What is certain of an account.
    #[must_use]
    pub fn certainty(&self, id: AccountId) -> Certainty {
        self.roll().certainty(Some(id))
    }

    /// Nothing of the directory is lost.
    pub(crate) fn check_whole(&self) -> Result<(), Error> {
        if self.is_in_part() { Err(Error::InPart(Part::Directory)) } else { Ok(()) }
    }

    /// A disk that is full stops no server that only needs to read. Nobody is told from others meanwhile, for a secret
    /// that was offered is used from the first name on; and no account is added before one is kept.
    async fn keep_offered_secret(&self) {
        let _one_at_a_time = self.changing.lock().await;
        if let Err(why) = self.ensure_decoy_secret().await {
            tracing::warn!(%why, "could not keep what decoys are made of; the next change of an account will");
        }
    }

    /// Makes durable what decoys are made of, where nobody has done so yet. Whoever calls holds `changing`.
    async fn ensure_decoy_secret(&self) -> Result<(), DirectoryError> {
        if self.roll().directory().decoy_secret().is_some() {
            return Ok(());
        }
        self.decide(|directory| Ok(directory.keep_decoy_secret(self.offered).into_iter().collect())).await?;
        // Kept in one place from now on; where that fails, the stream is asked first all the same.
        drop(self.store.put_soft(AccountId::DIRECTORY, SOFT_DECOY_KEY, None).await);
        Ok(())
    }

    /// The same, where each account may hold so much.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same, where accounts and mailboxes stay in memory as long as they take no more than so many octets together.
    /// What is in use stays besides.
    #[must_use]
    pub fn keeping(self, octets: usize) -> Self {
        Self { room: Arc::new(Room::new(octets)), ..self }
    }

    /// What accounts and mailboxes take in memory now.
    #[must_use]
    pub fn kept(&self) -> Kept {
        self.room.kept()
    }

    /// The same, where mailboxes with a hole are mended if nothing is lost by it, and else are shown as far as they can be
    /// read.
    #[must_use]
    pub fn mended_by(self, mender: Arc<dyn Mender>) -> Self {
        Self { mender: Some(mender), ..self }
    }

    /// The time of day, in Unix seconds.
    #[must_use]
    pub fn unix_s(&self) -> i64 {
        self.world.now_s()
    }

    /// How much an account may hold.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The account names, in order.
    #[must_use]
    pub fn list(&self) -> Vec<(Login, AccountId)> {
        self.roll().directory().accounts().map(|(login, id)| (login.clone(), id)).collect()
    }

    /// Whether an account may sign in; `None` where there is none.
    #[must_use]
    pub fn standing(&self, id: AccountId) -> Option<Standing> {
        self.roll().directory().get(id).map(|entry| entry.standing)
    }

    /// The mail of the account of that name, whether it may sign in or not.
    ///
    /// # Errors
    /// There is no such account.
    pub fn named(&self, name: &str) -> Result<Arc<Account>, DirectoryError> {
        let login = Login::new(name)?;
        let id = self.roll().directory().find(&login).map(|(id, _)| id);
        Ok(self.account(id.ok_or(DirectoryRefusal::NonExistent(login))?))
    }

    /// What `name` signs in with, where a new record costs `new`. Takes as long whether somebody has that name or not.
    #[must_use]
    pub fn find(&self, name: &str, new: &Cost) -> Found {
        let login = Login::new(name).ok();
        let roll = self.roll();
        let directory = roll.directory();
        let entry = login.as_ref().and_then(|login| directory.find(login));
        let record = entry.and_then(|(id, entry)| credential(id, &entry.credential));
        // Made in either case, so that a name that somebody has is not the faster one.
        let looked_up = login.as_ref().map_or(name, Login::as_str);
        let key = DecoyKey::new(directory.decoy_secret().unwrap_or(self.offered).0);
        let decoy = roll.costs().decoy(&key, looked_up, new);
        let certainty = roll.certainty(entry.map(|(id, _)| id));
        match (entry, record) {
            (Some((id, entry)), Some(record)) if certainty != Certainty::Doubtful => {
                let own_password = entry.keyring().own_password();
                Found { account: Some(id), standing: entry.standing, record, certainty, own_password }
            }
            _ => Found {
                account: None,
                standing: Standing::Enabled,
                record: decoy,
                certainty,
                own_password: OwnPassword::Allowed,
            },
        }
    }

    /// What one exchange of a mechanism needs of chance.
    #[must_use]
    pub fn nonce(&self) -> Nonce {
        let mut octets = [0; 18];
        self.world.random(&mut octets);
        Nonce(octets)
    }

    /// Remembers passwords that were right, so many of them and for so long: see [`Remembered`].
    #[must_use]
    pub fn remembered(&self, time: Duration, most: usize) -> Remembered {
        let mut key = [0; 32];
        self.world.random(&mut key);
        Remembered::new(MarkKey::new(key), time, most)
    }

    /// An account's mail. All who sign in to it share it. Of an account that has been removed there is none: all that
    /// is asked of it is refused.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Arc<Account> {
        let account = self.room.enter(id, || {
            let (store, world) = (Arc::clone(&self.store), Arc::clone(&self.world));
            let account = Account::new(id, store, world, self.limits, Arc::clone(&self.abandoned));
            account.mended_by(self.mender.clone()).kept_in(&self.room)
        });
        // Asked last, so that a removal which has not come here yet still comes.
        if self.roll().directory().get(id).is_none() {
            account.remove();
        }
        account
    }

    /// Adds an account with INBOX and the mailboxes of the special uses.
    ///
    /// # Errors
    /// The name is taken or cannot be one, or the store cannot write now.
    pub async fn add(&self, name: &str, record: &CredentialRecord) -> Result<AccountId, DirectoryError> {
        let login = Login::new(name)?;
        let credential = record.encode();
        self.change(|directory| directory.add(&login, &credential)).await?;
        let id = self.roll().directory().find(&login).map(|(id, _)| id);
        let id = id.ok_or_else(|| DirectoryRefusal::NonExistent(login.clone()))?;
        // A crash before this leaves an account without mailboxes: its first sign-in makes them.
        self.account(id).ensure_founded(&Origin::desk()).await?;
        Ok(id)
    }

    /// Gives an account another password, and ends the sessions that signed in with the one of before. That its password was sent in clear is cleared with it, where it can only have been
    /// the old one: where the account has no app passwords, and is linked to no directory elsewhere.
    ///
    /// # Errors
    /// There is no such account, or the store cannot write now.
    pub async fn set_credential(&self, name: &str, record: &CredentialRecord) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        let credential = record.encode();
        self.change_all(|directory| {
            let changed = directory.change_credential(&login, &credential)?;
            let is_the_only = |(_, entry): (_, &Entry)| keyrings::has_its_own_password_alone(entry.keyring());
            let cleared = match directory.find(&login).is_some_and(is_the_only) {
                true => directory.clear_exposure(&login)?,
                false => None,
            };
            Ok(std::iter::once(changed).chain(cleared).collect())
        })
        .await?;
        self.clear_soft_exposure_by_password(&login).await;
        Ok(())
    }

    /// Lets an account sign in, or no longer; who is signed in to one that may not is signed out.
    ///
    /// # Errors
    /// There is no such account, or the store cannot write now.
    pub async fn set_standing(&self, name: &str, standing: Standing) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        self.change(|directory| directory.change_standing(&login, standing)).await
    }

    /// Removes an account. Nobody can sign in to it any more, and nothing more is given to those who are signed in; its
    /// name is free.
    ///
    /// # Errors
    /// There is no such account, or the store cannot write now.
    pub async fn remove(&self, name: &str) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        self.change(|directory| directory.remove(&login)).await
    }

    /// Follows the store's hints for ever: what another process does, or somebody who went away before the store had
    /// answered, is seen here although nobody asks. Whoever runs the server keeps this going.
    pub async fn follow(&self) {
        tokio::select! {
            () = self.heed(self.news()) => {}
            () = self.heed(self.abandoned.watch()) => {}
        }
    }

    /// What the store has to tell. Most is what somebody here has done, and is about to show.
    fn news(&self) -> Box<dyn Watch> {
        let mut watch = self.store.watch();
        let room = Arc::clone(&self.room);
        watch.expect_only(Box::new(move |stream, seq| {
            stream == STREAM || room.find(stream.account).is_some_and(|account| account.is_news(stream, seq))
        }));
        watch
    }

    async fn heed(&self, mut hints: Box<dyn Watch>) {
        while let Some(hint) = hints.next().await {
            match hint {
                Hint::Grown(stream, seq) => self.look(stream, seq).await,
                Hint::Missed => self.look_everywhere().await,
            }
        }
    }

    async fn look(&self, stream: StreamId, seq: Seq) {
        if stream == STREAM {
            return self.look_into_directory(seq).await;
        }
        let Some(account) = self.room.find(stream.account) else { return };
        if let Err(why) = account.look(stream, seq).await {
            tracing::warn!(account = stream.account.0, stream = stream.number, %why, "could not follow");
        }
    }

    async fn look_into_directory(&self, seq: Seq) {
        let _one_at_a_time = self.changing.lock().await;
        let known = self.roll.lock().unwrap_or_else(PoisonError::into_inner).seq;
        if known < seq
            && let Err(why) = self.read_on().await
        {
            tracing::warn!(%why, "could not follow the directory");
        }
    }

    /// Shows what the store has of the directory behind what is known. Whoever calls holds `changing`.
    async fn read_on(&self) -> Result<(), Error> {
        let mut at = self.roll.lock().unwrap_or_else(PoisonError::into_inner).clone();
        while at.read_on(&*self.store, STREAM).await?.is_some() {}
        self.show(at);
        Ok(())
    }

    fn show(&self, at: At<Arc<Roll>>) {
        let now = Arc::clone(&at.state);
        let before =
            std::mem::replace(&mut *self.roll.lock().unwrap_or_else(PoisonError::into_inner), at).state;
        self.room.keep_those(|account| {
            self.see_out(account, before.directory(), now.directory());
            // One that has come back is another to those who ask from now on: what was signed in to it stays signed out.
            account.check_there().is_ok() || now.directory().get(account.id()).is_none()
        });
    }

    async fn look_everywhere(&self) {
        self.look_into_directory(Seq(u64::MAX)).await;
        for account in self.room.all() {
            let stream = |number| StreamId { account: account.id(), number };
            for number in std::iter::once(0).chain(account.open_numbers()) {
                self.look(stream(number), Seq(u64::MAX)).await;
            }
        }
    }

    async fn change(
        &self,
        decide: impl Fn(&Directory) -> Result<DirectoryEvent, DirectoryRefusal>,
    ) -> Result<(), DirectoryError> {
        self.change_all(|directory| decide(directory).map(|event| vec![event])).await
    }

    /// The same for events that happen together.
    pub(crate) async fn change_all(
        &self,
        decide: impl Fn(&Directory) -> Result<Vec<DirectoryEvent>, DirectoryRefusal>,
    ) -> Result<(), DirectoryError> {
        let _one_at_a_time = self.changing.lock().await;
        self.check_whole()?;
        if self.is_hurt.load(Ordering::Acquire)
            && let Err(why) = self.mend_without_loss().await
        {
            tracing::warn!(%why, "the directory of accounts could not be mended");
        }
        match self.change_in_turn(&decide).await {
            // Rot was met in it. Here it may be known what it had come to.
            Err(DirectoryError::Mail(Error::Damaged(_))) if self.mend_without_loss().await? => {
                self.change_in_turn(&decide).await
            }
            done => done,
        }
    }

    async fn change_in_turn(
        &self,
        decide: impl Fn(&Directory) -> Result<Vec<DirectoryEvent>, DirectoryRefusal>,
    ) -> Result<(), DirectoryError> {
        self.ensure_decoy_secret().await?;
        self.decide(decide).await
    }

    /// Decides, as often as others are first; no event leaves all as it is. Whoever calls holds `changing`.
    async fn decide(
        &self,
        decide: impl Fn(&Directory) -> Result<Vec<DirectoryEvent>, DirectoryRefusal>,
    ) -> Result<(), DirectoryError> {
        for _ in 0..MAX_ROUNDS {
            let at = self.roll.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let events = decide(at.state.directory())?;
            if events.is_empty() {
                return Ok(());
            }
            let outcome = self.store.commit(self.commit_of(&events, at.seq)).await.map_err(Error::from)?;
            self.read_on().await?;
            if outcome == Committed::Done {
                return Ok(());
            }
        }
        Err(Error::Unavailable("other servers change the directory all the time".into()).into())
    }

    /// Ends what an account may not have any more, now that the directory is another.
    fn see_out(&self, account: &Account, before: &Directory, now: &Directory) {
        let entry = |directory: &Directory| directory.get(account.id()).cloned();
        match (entry(before), entry(now)) {
            (_, None) => account.remove(),
            (Some(before), Some(now))
                if now.standing == Standing::Disabled && before.standing == Standing::Enabled =>
            {
                account.sign_out_all();
            }
            (Some(before), Some(now)) => account.sign_out(self.taken(account.id(), &before, &now)),
            (None, Some(_)) => {}
        }
    }

    /// What lets in no more of what did before. Another password is not the one that somebody signed in with, but for a
    /// better hash of it.
    fn taken(&self, id: AccountId, before: &Entry, now: &Entry) -> Vec<Credential> {
        let mut taken = keyrings::taken(before.keyring(), now.keyring());
        let is_same = self.renewals.is_same_password(id, &before.credential, &now.credential);
        if !is_same && !taken.contains(&Credential::Password) {
            taken.push(Credential::Password);
        }
        taken
    }

    fn commit_of(&self, events: &[DirectoryEvent], expected: Seq) -> Commit {
        Commit {
            account: AccountId::DIRECTORY,
            id: self.world.commit_id(),
            after: None,
            needs_format: events.iter().map(format_of).max().unwrap_or(store::FIRST_FORMAT),
            time_ms: self.world.now_ms(),
            origin: Origin::desk().encode(),
            appends: vec![append_twice(expected, events)],
            records: Vec::new(),
            bodies: Vec::new(),
        }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(crate) fn world(&self) -> &dyn World {
        &*self.world
    }

    pub(crate) fn roll(&self) -> Arc<Roll> {
        Arc::clone(&self.roll.lock().unwrap_or_else(PoisonError::into_inner).state)
    }
}

/// A record that does not read back is logged: to a stranger it is a name that nobody has, to us it is damage.
fn credential(id: AccountId, stored: &[u8]) -> Option<CredentialRecord> {
    // Of whom a directory elsewhere knows, and of whom nobody does yet.
    if stored.is_empty() {
        return None;
    }
    match CredentialRecord::decode(stored) {
        Ok(record) => Some(record),
        Err(why) => {
            tracing::error!(account = id.0, %why, "the password record is damaged: nobody can sign in; set a new password");
            None
        }
    }
}

/// The first format in which there may be such an event.
pub(crate) fn format_of(event: &DirectoryEvent) -> u32 {
    let is_plain = match event {
        DirectoryEvent::AccountAdded { credential, .. }
        | DirectoryEvent::AccountRestored { credential, .. }
        | DirectoryEvent::CredentialChanged { credential, .. } => {
            credential.first().is_none_or(|version| *version == PLAIN_RECORD)
        }
        event => !event.is_of_keyrings(),
    };
    if is_plain { store::FIRST_FORMAT } else { KEYRINGS }
}

/// What appends events to the directory's stream.
pub(crate) fn append_twice(expected: Seq, events: &[DirectoryEvent]) -> Append {
    let events = Said::twice(events).into_iter().map(Bytes::from).collect();
    Append { stream: STREAM, expected, events, head: Head::default() }
}

async fn read(store: &dyn Store) -> Result<At<Arc<Roll>>, Error> {
    let mut at = At { seq: Seq::NONE, state: Arc::<Roll>::default() };
    while at.read_on(store, STREAM).await?.is_some() {}
    Ok(at)
}

/// What the directory is to keep if it has nothing yet: what earlier versions had, so that names that nobody has go on
/// showing what they showed, else something new.
async fn offered_secret(store: &dyn Store, world: &dyn World) -> Result<DecoySecret, Error> {
    let soft = store.soft(AccountId::DIRECTORY, SOFT_DECOY_KEY).await?;
    if let Some(secret) = soft.and_then(|octets| <[u8; 32]>::try_from(&*octets).ok()) {
        return Ok(DecoySecret(secret));
    }
    let mut secret = [0; 32];
    world.random(&mut secret);
    Ok(DecoySecret(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_could_not_read_needs_a_newer_format() {
        let id = AccountId(1);
        let plain = CredentialRecord::decoy(&DecoyKey::new([1; 32]), "x", &Cost::RECOMMENDED).encode();
        let login = Login::new("ann").unwrap();
        let changed =
            |credential: &[u8]| DirectoryEvent::CredentialChanged { id, credential: credential.into() };
        let restored = |credential: &[u8]| {
            let (login, credential) = (login.clone(), credential.into());
            DirectoryEvent::AccountRestored { id, login, credential }
        };
        for (event, format) in [
            (changed(&plain), 1),
            (restored(&[]), 1),
            (restored(&[2, 0]), 3),
            (changed(&[2, 0]), 3),
            (DirectoryEvent::AccountRemoved { id }, 1),
            (DirectoryEvent::AccountRenamed { id, login: login.clone() }, 3),
            (DirectoryEvent::ExposureCleared { id }, 3),
        ] {
            assert_eq!(format_of(&event), format, "{event:?}");
        }
    }
}
