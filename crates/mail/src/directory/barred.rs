//! Accounts whose owners a directory elsewhere lets in no more.
//!
//! Nothing of such an account changes: its mail, its app passwords and its certificates are there again once the directory
//! says otherwise. Meanwhile nothing signs in to it, and whatever is signed in ends.
//!
//! All of it is kept as soft values: it was asked, and can be asked again.

use super::Accounts;
use crate::Error;
use bytes::Bytes;
use mailbox::account::directory::Directory;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::AccountId;

/// That an account is barred: a soft value, without anything in it.
const BARRED: &[u8] = b"barred-elsewhere";

/// Which accounts they are.
#[derive(Debug, Default)]
pub(super) struct Barred(Mutex<BTreeSet<AccountId>>);

impl Barred {
    pub(super) fn has(&self, id: AccountId) -> bool {
        self.these().contains(&id)
    }

    fn these(&self) -> MutexGuard<'_, BTreeSet<AccountId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// Knows again who was barred when the server stopped.
    pub(super) async fn recall_barred(&self) -> Result<(), Error> {
        let roll = self.roll();
        for (_, id) in roll.directory().accounts() {
            if is_linked(roll.directory(), id) && self.store.soft(id, BARRED).await?.is_some() {
                self.barred.these().insert(id);
            }
        }
        Ok(())
    }

    /// Those that are barred, in order. One that was removed since may be among them.
    #[must_use]
    pub fn barred(&self) -> Vec<AccountId> {
        self.barred.these().iter().copied().collect()
    }

    /// Whether a directory elsewhere keeps the owner of an account out. Of one that hangs on no directory any more, what
    /// one has said is void.
    #[must_use]
    pub fn is_barred(&self, id: AccountId) -> bool {
        self.barred.has(id) && self.is_linked_elsewhere(id)
    }

    /// Whether directories elsewhere may have a say in who signs in to an account.
    #[must_use]
    pub fn is_linked_elsewhere(&self, id: AccountId) -> bool {
        is_linked(self.roll().directory(), id)
    }

    /// A directory elsewhere has said for certain that the owner of an account may sign in no more: whoever is signed in to
    /// it is signed out. Whether that is new.
    pub async fn bar(&self, id: AccountId) -> bool {
        let is_new = self.barred.these().insert(id);
        if is_new {
            self.account(id).sign_out_all();
            self.keep_barred(id, Some(Bytes::new())).await;
        }
        is_new
    }

    /// The owner of an account may sign in, or nobody elsewhere has a say in that any more. Whether that is new.
    pub async fn unbar(&self, id: AccountId) -> bool {
        let was_barred = self.barred.these().remove(&id);
        if was_barred {
            self.keep_barred(id, None).await;
        }
        was_barred
    }

    async fn keep_barred(&self, id: AccountId, value: Option<Bytes>) {
        if let Err(why) = self.store.put_soft(id, BARRED, value).await {
            tracing::warn!(account = id.0, %why, "whether its directory keeps somebody out has to be asked anew after a restart");
        }
    }
}

fn is_linked(directory: &Directory, id: AccountId) -> bool {
    directory.get(id).is_some_and(|entry| !entry.keyring().links().is_empty())
}
