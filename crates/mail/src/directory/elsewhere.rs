//! Accounts of people whom a directory elsewhere knows.

use super::{Accounts, DirectoryError};
use crate::Origin;
use crate::account::lock;
use mailbox::account::directory::keyring::Link;
use mailbox::account::directory::{Called, Directory, DirectoryEvent, DirectoryRefusal, Login, Newcomers};
use sasl::{CredentialRecord, Salts};
use std::sync::{Mutex, PoisonError};
use terms::{AccountId, DirectoryName};

/// What has become of an account when its owner was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenIn {
    /// Nothing: it was theirs.
    AsBefore,
    /// It was made.
    Made,
    /// It was there, and is now theirs by this directory's word too.
    Linked,
    /// It is called what they are called now.
    Renamed {
        /// What it was called.
        before: Login,
    },
}

impl TakenIn {
    fn by(events: &[DirectoryEvent], directory: &Directory) -> Self {
        match events {
            [DirectoryEvent::AccountAdded { .. }, ..] => Self::Made,
            [DirectoryEvent::AccountLinked { .. }, ..] => Self::Linked,
            [DirectoryEvent::AccountRenamed { id, .. }, ..] => {
                let before = directory.get(*id).map(|entry| entry.login.clone());
                before.map_or(Self::AsBefore, |before| Self::Renamed { before })
            }
            _ => Self::AsBefore,
        }
    }
}

impl Accounts {
    /// Who `name` is elsewhere; nobody for a name that nobody has, and for accounts of our own.
    #[must_use]
    pub fn links(&self, name: &str) -> Vec<Link> {
        let roll = self.roll();
        let login = Login::new(name).ok();
        let entry = login.and_then(|login| Some(roll.directory().find(&login)?.1.keyring().links().to_vec()));
        entry.unwrap_or_default()
    }

    /// Whether somebody who is `link` elsewhere is the owner of the account of that name.
    #[must_use]
    pub fn is_linked(&self, login: &Login, link: &Link) -> bool {
        let roll = self.roll();
        let linked = roll.directory().find_linked(link).map(|(_, entry)| entry.login == *login);
        linked.unwrap_or_default()
    }

    /// The account whose owner is `link` elsewhere, and what it is called now; `None` where nobody's is.
    #[must_use]
    pub fn linked(&self, link: &Link) -> Option<(AccountId, Login)> {
        let roll = self.roll();
        let (id, entry) = roll.directory().find_linked(link)?;
        Some((id, entry.login.clone()))
    }

    /// What an account is called now; `None` where there is none.
    #[must_use]
    pub fn login(&self, id: AccountId) -> Option<Login> {
        Some(self.roll().directory().get(id)?.login.clone())
    }

    /// The account of somebody who is `link` elsewhere and called so there: made, renamed or linked where it has to be
    /// (`Directory::take_in`), durably before this answers; and which of these it was. Mostly nothing is to be done, and nothing
    /// is written.
    ///
    /// # Errors
    /// The name is somebody else's, or no account is made; or the store cannot write now.
    pub async fn take_in(
        &self,
        link: &Link,
        called: Called<'_>,
        newcomers: Newcomers<'_>,
    ) -> Result<(AccountId, TakenIn), DirectoryError> {
        let done = Mutex::new(TakenIn::AsBefore);
        if !self.roll().directory().take_in(link, called, newcomers)?.is_empty() {
            self.change_all(|directory| {
                let events = directory.take_in(link, called, newcomers)?;
                *lock(&done) = TakenIn::by(&events, directory);
                Ok(events)
            })
            .await?;
        }
        let linked = self.roll().directory().find_linked(link).map(|(id, _)| id);
        let id = linked.ok_or_else(|| DirectoryRefusal::NonExistent(called.login.clone()))?;
        Ok((id, done.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Adds an account of somebody who is `link` elsewhere, as an admin says: it has no password of its own.
    ///
    /// # Errors
    /// The name is taken or cannot be one, the link is another account's, or the store cannot write now.
    pub async fn add_linked(&self, name: &str, link: &Link) -> Result<AccountId, DirectoryError> {
        let login = Login::new(name)?;
        self.change_all(|directory| directory.add_linked(&login, link)).await?;
        let id = self.roll().directory().find(&login).map(|(id, _)| id);
        let id = id.ok_or(DirectoryRefusal::NonExistent(login))?;
        self.account(id).ensure_founded(&Origin::desk()).await?;
        Ok(id)
    }

    /// Lets a directory elsewhere vouch for an account, in the place of whoever it was there before: who signed in as that is
    /// signed out.
    ///
    /// # Errors
    /// There is no such account, it has too many links, the link is another's, or the store cannot write now.
    pub async fn link(&self, name: &str, link: &Link) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        self.change_perhaps(|directory| directory.link(&login, link)).await
    }

    /// Lets a directory elsewhere vouch for an account no more, and ends the sessions that signed in by its word. Who it was
    /// there, if anybody.
    ///
    /// # Errors
    /// There is no such account, or the store cannot write now.
    pub async fn unlink(
        &self,
        name: &str,
        directory: &DirectoryName,
    ) -> Result<Option<Link>, DirectoryError> {
        let login = Login::new(name)?;
        let before = self.keyring(name)?.1.link_to(directory).cloned();
        self.change_perhaps(|roll| roll.unlink(&login, directory)).await?;
        Ok(before)
    }

    /// Whether somebody's password is still known by a hash that was made elsewhere, which takes a time of its own.
    #[must_use]
    pub fn have_foreign_hashes(&self) -> bool {
        self.roll().has_foreign_hashes()
    }

    /// Whether there is something to sign in with, a password of its own or an app password, that SCRAM-SHA-1 cannot prove.
    #[must_use]
    pub fn lack_sha1(&self) -> bool {
        self.roll().lacks_sha1()
    }

    /// Whether there is an app password that SCRAM cannot prove, by whichever hash: it was made for an account that had no
    /// password of its own, or shows another salt than its account does.
    #[must_use]
    pub fn have_unprovable(&self) -> bool {
        self.roll().has_unprovable()
    }

    /// Fresh salts for a record.
    #[must_use]
    pub fn salts(&self) -> Salts {
        let mut octets = [0; 32];
        self.world.random(&mut octets);
        Salts(octets)
    }

    /// Gives an account `fresh` for its record where that is still `old`: the same password in a better hash, so that no
    /// session ends. Where it cannot be kept now, all stays as it is.
    pub async fn renew_credential(&self, id: AccountId, old: &CredentialRecord, fresh: &CredentialRecord) {
        let (old, fresh) = (old.encode(), fresh.encode());
        self.renewals.remember(id, &old, &fresh);
        let renewed = self.change_all(|directory| match directory.get(id) {
            Some(entry) if *entry.credential == *old => {
                Ok(vec![directory.change_credential(&entry.login, &fresh)?])
            }
            _ => Ok(Vec::new()),
        });
        if let Err(why) = renewed.await {
            tracing::warn!(account = id.0, %why, "a password could not be hashed anew; the next sign-in tries again");
        }
    }
}
