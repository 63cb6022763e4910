//! An account whose mail lies on a disk that has rotted.

use crate::common::scratch;
use bytes::Bytes;
use mail::{Accounts, Mender, Mending, Origin, Received, World};
use mailbox::account::MailboxId;
use mailbox::{Flags, SystemFlags};
use sasl::CredentialRecord;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{AccountId, Salvage};
use store_local::LocalStore;
use terms::{InternalDate, MailboxName};
use transcript::NAME;

/// What cannot be read any more.
#[derive(Clone, Copy)]
pub(crate) enum Rotten {
    /// `INBOX` has a hole: five messages came, each by an event of its own, and that of the third is lost.
    Mailbox,
    /// What one of the mailboxes is called.
    Names,
    /// The event by which somebody was added behind the account and before [`LATER`], both times that it was said.
    Directory,
}

/// Somebody who was added behind all others.
pub(crate) const LATER: &str = "bob";

pub(crate) async fn accounts<W: World + 'static>(
    rotten: Rotten,
    world: fn() -> W,
    record: &CredentialRecord,
) -> Accounts {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = scratch(&format!("rotten-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    let store = Arc::new(LocalStore::open(&folder).unwrap());
    let accounts = Accounts::open(Arc::<LocalStore>::clone(&store), Arc::new(world())).await.unwrap();
    let id = accounts.add(NAME, record).await.unwrap();
    accounts.add("carol", record).await.unwrap();
    accounts.add(LATER, record).await.unwrap();
    fill(&accounts, id).await;
    drop(accounts);
    store.close().unwrap();
    drop(store);
    match rotten {
        // The first event says that the mailbox was made.
        Rotten::Mailbox => rot_event(&folder, id, MailboxId::FIRST.get(), 4),
        Rotten::Names => rot_event(&folder, id, 0, 3),
        // Behind what decoys are made of, and the account.
        Rotten::Directory => [5, 6].into_iter().for_each(|n| rot_event(&folder, AccountId::DIRECTORY, 0, n)),
    }
    let store = Arc::new(LocalStore::open(&folder).unwrap());
    let minder = Arc::new(Minder(Arc::clone(&store)));
    let salvage: Arc<dyn Salvage> = store;
    let accounts = Accounts::open_what_is_left(salvage, Arc::new(world())).await.unwrap();
    accounts.mended_by(minder)
}

async fn fill(accounts: &Accounts, id: AccountId) {
    let account = accounts.account(id);
    let drafts = MailboxName::new("Drafts").unwrap();
    let drafts = account.names().await.unwrap().mailbox(&drafts).unwrap().id;
    let date = InternalDate::new(1_790_000_000, 0).unwrap();
    for n in 1..=5 {
        let flags = if n == 2 { Flags::system(SystemFlags::DELETED) } else { Flags::NONE };
        let received = received(&account, &format!("Subject: message {n}\r\n\r\nHello\r\n")).await;
        account.append(&Origin::desk(), MailboxId::FIRST, received, id, flags, Some(date)).await.unwrap();
    }
    let received = received(&account, "Subject: a draft\r\n\r\nHello\r\n").await;
    account.append(&Origin::desk(), drafts, received, id, Flags::NONE, Some(date)).await.unwrap();
}

async fn received(account: &mail::Account, text: &str) -> Received {
    let mut incoming = account.incoming(text.len() as u64).await.unwrap();
    incoming.write(Bytes::copy_from_slice(text.as_bytes())).await.unwrap();
    incoming.finish().await.unwrap()
}

/// Flips a bit in what an event says, wherever it lies in the log.
fn rot_event(folder: &Path, account: AccountId, stream: u32, seq: u64) {
    let key = [&account.0.to_le_bytes()[..], &stream.to_le_bytes(), &seq.to_le_bytes()].concat();
    let header = [b"RECO\x01\0\0\0".as_slice(), &key].concat();
    let mut flipped = 0;
    for entry in fs::read_dir(folder.join("log")).unwrap() {
        let path = entry.unwrap().path();
        let mut octets = fs::read(&path).unwrap();
        let at = octets.windows(header.len()).position(|window| window == header);
        if let Some(octet) = at.and_then(|at| octets.get_mut(at + 80 + 20)) {
            *octet ^= 1;
            fs::write(&path, octets).unwrap();
            flipped += 1;
        }
    }
    assert!(flipped > 0, "there is no such event");
}

struct Minder(Arc<LocalStore>);

impl Mender for Minder {
    fn store(&self) -> &dyn Salvage {
        &*self.0
    }

    fn mended(&self, _: AccountId, mending: &Mending) {
        panic!("nothing can be mended here without loss: {mending:?}");
    }

    fn is_in_part(&self, _: AccountId, mailbox: MailboxId) {
        assert_eq!(mailbox, MailboxId::FIRST);
    }

    fn has_names_in_part(&self, _: AccountId) {}
}
