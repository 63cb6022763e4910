//! What the tests of this crate share: a world that stands still, an account, a message.
#![allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]

pub mod counting;
mod delegate;
pub mod hesitant;
pub mod interposed;
pub mod local;
pub mod mischief;
pub mod rotten;
pub mod work;

use bytes::Bytes;
use mail::{Account, Accounts, Error, Origin, Placed, World};
use mailbox::Flags;
use mailbox::account::{Limits, MailboxId};
use sasl::{Cost, CredentialRecord, Salts, Secret, Workspace};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Store;
use store_memory::Memory;
use terms::{InternalDate, MailboxName};

/// A clock that stands still and chance that is none.
#[derive(Default)]
pub struct Still(AtomicU64);

impl World for Still {
    fn now_ms(&self) -> i64 {
        1_790_000_000_000
    }

    fn random(&self, into: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
    }
}

pub const CHEAP: (u32, u32, u32) = (8, 1, 4_096);

pub fn record(password: &str) -> CredentialRecord {
    let cost = Cost::new(CHEAP.0, CHEAP.1, CHEAP.2).unwrap();
    CredentialRecord::new(&Secret::password(password).unwrap(), Salts([7; 32]), &cost, &mut Workspace::new())
}

/// The accounts as one more process sees them: each has its own chance.
pub async fn accounts(store: &Arc<dyn Store>) -> Accounts {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let world = Still(AtomicU64::new(NEXT.fetch_add(1 << 32, Ordering::Relaxed)));
    Accounts::open(Arc::clone(store), Arc::new(world)).await.unwrap()
}

pub async fn ann(store: &Arc<dyn Store>) -> (Accounts, Arc<Account>) {
    let accounts = accounts(store).await;
    let id = accounts.add("ann@example.org", &record("secret")).await.unwrap();
    let account = accounts.account(id);
    (accounts, account)
}

pub async fn id(account: &Account, name: &str) -> MailboxId {
    account.names().await.unwrap().mailbox(&MailboxName::new(name).unwrap()).unwrap().id
}

pub async fn append(account: &Account, mailbox: MailboxId, text: &str) -> Result<Placed, Error> {
    let mut incoming = account.incoming(text.len() as u64).await?;
    incoming.write(Bytes::copy_from_slice(text.as_bytes())).await?;
    let date = InternalDate::new(1_790_000_000, 0).unwrap();
    let received = incoming.finish().await?;
    account.append(&Origin::desk(), mailbox, received, account.id(), Flags::NONE, Some(date)).await
}

pub fn store() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

/// Lets a mailbox go.
pub async fn delete(account: &Account, name: &MailboxName) -> Result<(), Error> {
    let delete = |proposal: &mut mail::Proposal| {
        let plan = proposal.account().delete(name).map_err(Error::from)?;
        proposal.follow(&plan)
    };
    account.change(&Origin::desk(), delete).await
}

/// Gives a mailbox and those below it other names.
pub async fn rename(account: &Account, from: &MailboxName, to: &MailboxName) {
    let rename = |proposal: &mut mail::Proposal| {
        let plan = proposal.account().rename(from, to, proposal.now_s(), &Limits::default());
        proposal.follow(&plan.map_err(Error::from)?)
    };
    account.change(&Origin::desk(), rename).await.unwrap();
}
