//! A purge: what was deleted goes at once, whatever the retention says. For privacy.

use super::{Cut, Reach, Swept, Thoroughness};
use crate::Error;
use crate::account::Account;
use crate::directory::{Accounts, DirectoryError};
use mailbox::account::directory::{DirectoryRefusal, Login};
use std::collections::BTreeSet;
use terms::MailboxName;

/// What is purged of an account.
#[derive(Clone, Debug, Default)]
pub struct Purge {
    /// Only what was expunged from this mailbox, and what was deleted under its name.
    pub mailbox: Option<MailboxName>,
    /// Only what was expunged or deleted at this time or before: Unix time in milliseconds.
    pub before_ms: Option<i64>,
}

impl Accounts {
    /// Lets go of everything that was expunged from an account, or deleted in it, with its records, bodies, events and
    /// snapshots. What the account holds stays. Of an account that was removed everything goes; of several that had the
    /// name, all.
    ///
    /// # Errors
    /// There is no such account or mailbox, something of it cannot be read, or the store cannot write now.
    pub async fn purge(&self, name: &str, purge: &Purge) -> Result<Swept, DirectoryError> {
        match self.named(name) {
            Ok(account) => Ok(account.purge(purge).await?),
            Err(DirectoryError::Refused(DirectoryRefusal::NonExistent(login))) if purge.mailbox.is_none() => {
                self.purge_removed(login, purge.before_ms).await
            }
            Err(why) => Err(why),
        }
    }

    /// The same for the accounts of this name that were removed, though there may be another by now.
    ///
    /// # Errors
    /// None was, or the store cannot write now.
    pub async fn purge_removed(&self, login: Login, before_ms: Option<i64>) -> Result<Swept, DirectoryError> {
        let mut removed = self.ever_removed().await?;
        removed.retain(|removed| removed.login == login);
        if removed.is_empty() {
            return Err(DirectoryRefusal::NonExistent(login).into());
        }
        let mut swept = Swept::default();
        for removed in removed.iter().filter(|one| before_ms.is_none_or(|before| one.time_ms <= before)) {
            swept += self.sweep_removed(removed).await?;
        }
        Ok(swept)
    }
}

impl Account {
    async fn purge(&self, purge: &Purge) -> Result<Swept, Error> {
        let _turn = self.turn.lock().await;
        let reach = match &purge.mailbox {
            None => Reach::Everywhere,
            Some(name) => Reach::Mailboxes(self.streams_named(name).await?),
        };
        // Whoever purges means what happened so far, whatever clocks said.
        let before_ms = purge.before_ms.unwrap_or(i64::MAX);
        let plausible_ms = i64::MAX;
        let cut = Cut { before_ms, plausible_ms, reach, thoroughness: Thoroughness::Complete };
        self.sweep_in_turn(&cut).await
    }

    /// The mailbox of that name, and those that were deleted under it.
    async fn streams_named(&self, name: &MailboxName) -> Result<BTreeSet<u32>, Error> {
        let there = self.names().await?.mailbox(name).map(|mailbox| mailbox.id.get());
        let deleted = self.find_deleted_mailboxes().await?.into_iter();
        let deleted = deleted.filter(|deleted| deleted.name == *name).map(|one| one.mailbox.id.get());
        let streams: BTreeSet<u32> = there.into_iter().chain(deleted).collect();
        if streams.is_empty() { Err(Error::NoSuchMailbox) } else { Ok(streams) }
    }
}
