//! A list of accounts, part of which is lost on a disk that rots.

use crate::house::world;
use mail::Accounts;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Salvage, Seq, Store, StreamId};
use store_local::LocalStore;
use terms::AccountId;

const DIRECTORY: StreamId = StreamId { account: AccountId::DIRECTORY, number: 0 };

/// A store in a folder of its own, which goes with it.
pub(crate) struct Disk {
    folder: PathBuf,
    store: Arc<LocalStore>,
}

impl Disk {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("door-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let store = Arc::new(LocalStore::open(&folder).unwrap());
        Self { folder, store }
    }

    pub(crate) async fn accounts(&self) -> Accounts {
        Accounts::open(Arc::<LocalStore>::clone(&self.store), world()).await.unwrap()
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::<LocalStore>::clone(&self.store)
    }

    /// How many events the list of accounts has.
    pub(crate) async fn events(&self) -> u64 {
        let events = self.store.read(DIRECTORY, Seq::NONE, 1_000).await.unwrap();
        events.last().map_or(0, |event| event.seq.0)
    }

    /// Flips a bit in each of these events, and opens what is left. Nobody may have it open any more.
    pub(crate) async fn rots(&mut self, events: RangeInclusive<u64>) -> Accounts {
        self.store.close().unwrap();
        events.for_each(|seq| self.flip(seq));
        self.store = Arc::new(LocalStore::open(&self.folder).unwrap());
        let left: Arc<dyn Salvage> = Arc::<LocalStore>::clone(&self.store);
        let accounts = Accounts::open_what_is_left(left, world()).await.unwrap();
        assert!(accounts.is_in_part());
        accounts
    }

    /// In what an event says, wherever it lies in the log.
    fn flip(&self, seq: u64) {
        let account = AccountId::DIRECTORY.0.to_le_bytes();
        let header = [b"RECO\x01\0\0\0".as_slice(), &account, &[0; 4], &seq.to_le_bytes()].concat();
        let mut flipped = 0;
        for entry in fs::read_dir(self.folder.join("log")).unwrap() {
            let path = entry.unwrap().path();
            let mut octets = fs::read(&path).unwrap();
            let at = octets.windows(header.len()).position(|window| window == header);
            if let Some(octet) = at.and_then(|at| octets.get_mut(at + 80 + 20)) {
                *octet ^= 1;
                fs::write(&path, octets).unwrap();
                flipped += 1;
            }
        }
        assert_eq!(flipped, 1, "event {seq} lies in one place");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What cannot be tidied up is in the target directory.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
