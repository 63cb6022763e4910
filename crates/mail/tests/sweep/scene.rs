//! Ann, her mailboxes, and a clock.

use crate::support::{self, append, delete, id, record};
use bytes::Bytes;
use mail::{Account, Accounts, Error, Origin, Pace, SweepReport, Transfer, World};
use mailbox::account::MailboxId;
use mailbox::{Change, Doomed, Flags, SystemFlags};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use store::{AccountId, BodyId, EmailId, EmailRange, Store};
use store_local::{LocalStore, Options};
use store_memory::Memory;
use terms::{MailboxName, Uid, UidSet};
use testkit::disk::FaultyDisk;

/// Unix time in milliseconds: 2026-06-01.
pub const BEGIN_MS: i64 = 1_780_272_000_000;
pub const DAY_MS: i64 = 86_400_000;
pub const RETENTION: Duration = Duration::from_hours(14 * 24);

/// A clock that a test moves.
#[derive(Clone)]
pub struct Clock {
    now_ms: Arc<AtomicI64>,
    chance: Arc<AtomicU64>,
}

impl Clock {
    pub fn new() -> Self {
        Self { now_ms: Arc::new(AtomicI64::new(BEGIN_MS)), chance: Arc::default() }
    }

    pub fn set(&self, ms: i64) {
        self.now_ms.store(ms, Ordering::Relaxed);
    }
}

impl World for Clock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn random(&self, into: &mut [u8]) {
        let next = self.chance.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
    }
}

/// One store of each kind.
pub fn stores() -> [Arc<dyn Store>; 2] {
    let disk = Arc::new(FaultyDisk::new(1));
    [Arc::new(Memory::new()), Arc::new(LocalStore::open_on(disk, &Options::default()).unwrap())]
}

pub struct Scene {
    pub clock: Clock,
    pub store: Arc<dyn Store>,
    pub accounts: Accounts,
    pub ann: Arc<Account>,
    pub inbox: MailboxId,
}

impl Scene {
    pub async fn new() -> Self {
        Self::over(support::store()).await
    }

    pub async fn over(store: Arc<dyn Store>) -> Self {
        let clock = Clock::new();
        let accounts = Accounts::open(Arc::clone(&store), Arc::new(clock.clone())).await.unwrap();
        let ann = accounts.account(accounts.add("ann@example.org", &record("secret")).await.unwrap());
        let inbox = id(&ann, "INBOX").await;
        Self { clock, store, accounts, ann, inbox }
    }

    /// What was lived before, at this time.
    pub async fn again(store: Arc<dyn Store>, now_ms: i64) -> Self {
        let clock = Clock::new();
        clock.set(now_ms);
        clock.chance.store(1 << 32, Ordering::Relaxed);
        let accounts = Accounts::open(Arc::clone(&store), Arc::new(clock.clone())).await.unwrap();
        let ann = accounts.named("ann@example.org").unwrap();
        let inbox = id(&ann, "INBOX").await;
        Self { clock, store, accounts, ann, inbox }
    }

    /// The same store, seen by a process that begins now.
    pub async fn begun_anew(&self) -> Self {
        let (clock, store) = (self.clock.clone(), Arc::clone(&self.store));
        let accounts = Accounts::open(Arc::clone(&store), Arc::new(clock.clone())).await.unwrap();
        let ann = accounts.account(self.ann.id());
        Self { clock, store, accounts, ann, inbox: self.inbox }
    }

    /// It is so many days after the beginning.
    pub fn day(&self, day: i64) {
        self.clock.set(BEGIN_MS + day * DAY_MS);
    }

    pub async fn append(&self, text: &str) -> Uid {
        self.append_to(self.inbox, text).await
    }

    pub async fn append_to(&self, mailbox: MailboxId, text: &str) -> Uid {
        append(&self.ann, mailbox, &message(text)).await.unwrap().uid
    }

    pub async fn expunge(&self, uid: Uid) {
        self.expunge_from(self.inbox, uid).await;
    }

    pub async fn expunge_from(&self, mailbox: MailboxId, uid: Uid) {
        expunge(&self.ann, mailbox, uid).await;
    }

    pub async fn flag(&self, uid: Uid, change: Change) {
        let (account, uids) = (self.ann.id(), UidSet::one(uid));
        let flags = Flags::system(SystemFlags::FLAGGED);
        let request = mailbox::Store { account, uids: &uids, change, flags: &flags, unchanged_since: None };
        let store = |proposal: &mut mail::Proposal| {
            let stored = mailbox::store(proposal.mailbox(self.inbox)?, &request).map_err(Error::from)?;
            stored.events.iter().try_for_each(|event| proposal.push(self.inbox, event))
        };
        self.ann.change(&Origin::desk(), store).await.unwrap();
    }

    pub async fn transfer(&self, how: Transfer, uid: Uid, to: MailboxId) {
        transfer(&self.ann, how, (self.inbox, uid), to).await;
    }

    pub async fn delete(&self, name: &str) {
        delete(&self.ann, &named(name)).await.unwrap();
    }

    pub async fn make(&self, name: &str) -> MailboxId {
        self.ann.ensure_mailbox(&Origin::desk(), &named(name)).await.unwrap()
    }

    /// Sweeps by the clock as it is.
    pub async fn sweep(&self) -> SweepReport {
        self.accounts.sweep(RETENTION, Pace::Trusting).await.unwrap()
    }

    /// The messages that have a record.
    pub async fn records(&self) -> Vec<EmailId> {
        records(&self.store, self.ann.id()).await
    }

    pub async fn has_body(&self, text: &str) -> bool {
        let body = BodyId::of(message(text).as_bytes());
        self.store.body_len(self.ann.id(), body).await.unwrap().is_some()
    }

    /// UIDs and first lines of what a mailbox holds, each read whole.
    pub async fn content(&self, mailbox: MailboxId) -> Vec<(u32, String)> {
        content(&self.ann, mailbox).await
    }
}

pub async fn content(account: &Account, mailbox: MailboxId) -> Vec<(u32, String)> {
    let newest = account.open(mailbox).await.unwrap().newest();
    let state = newest.state();
    let uids = state.uids(Uid::MIN);
    let names = account.body_names(state, &uids).await.unwrap();
    assert_eq!(names.len() as u64, uids.len(), "each message has its record");
    let mut content = Vec::new();
    for (uid, body) in names {
        let octets = account.body(body, 0, 1 << 20).await.unwrap().expect("each message has its octets");
        let text = String::from_utf8(octets.to_vec()).unwrap();
        content.push((uid.get(), text.lines().next().unwrap().trim_start_matches("Subject: ").to_owned()));
    }
    content
}

pub async fn records(store: &Arc<dyn Store>, account: AccountId) -> Vec<EmailId> {
    let all = EmailRange {
        first: EmailId { mailbox: 0, uid: 0 },
        last: EmailId { mailbox: u32::MAX, uid: u32::MAX },
    };
    let listed = store.list_records(account, all, usize::MAX).await.unwrap();
    listed.into_iter().map(|(email, _)| email).collect()
}

pub async fn expunge(account: &Account, mailbox: MailboxId, uid: Uid) {
    let expunge = |proposal: &mut mail::Proposal| {
        let doomed = UidSet::one(uid);
        let expunging = mailbox::expunge(proposal.mailbox(mailbox)?, Doomed::These(&doomed))?;
        expunging.events.iter().try_for_each(|event| proposal.push(mailbox, event))
    };
    account.change(&Origin::desk(), expunge).await.unwrap();
}

pub async fn transfer(account: &Account, how: Transfer, (from, uid): (MailboxId, Uid), to: MailboxId) {
    let uids = UidSet::one(uid);
    account.transfer(&Origin::desk(), how, account.id(), (from, &uids), to).await.unwrap();
}

pub fn message(text: &str) -> String {
    format!("Subject: {text}\r\n\r\n{text}\r\n")
}

/// A message that is too large for a commit.
pub fn large(subject: &str) -> Bytes {
    format!("Subject: {subject}\r\n\r\n{}", "x".repeat(store::MAX_INLINE_BODY)).into()
}

pub fn named(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}
