//! The directory: which accounts there are, by login name, and what they sign in with.
//!
//! It is a machine like the account's, and its stream is stream 0 of [`AccountId::DIRECTORY`]: the state is the
//! fold of [`DirectoryEvent`]s, a decision answers with the event to append. Credential records are opaque here;
//! `sasl` makes and checks them. The state holds every account, so looking one up costs no read.

mod codec;
mod salvage;
mod twice;

pub use salvage::Salvage;
pub use terms::{BadLogin, Login, MAX_LOGIN_OCTETS};
pub use twice::{Remains, Said};

use super::shared_map::SharedMap;
use std::fmt;
use std::sync::Arc;
use terms::AccountId;

/// Longest credential record, in octets.
pub const MAX_CREDENTIAL_OCTETS: usize = 4 << 10;

/// What an account has that nobody can sign in to before it gets a password.
pub(crate) const NO_CREDENTIAL: [u8; 0] = [];

/// Most accounts that a directory holds: all of it is in memory.
pub const MAX_ACCOUNTS: usize = 1_000_000;

/// One event of the directory's stream.
#[derive(Clone, PartialEq, Eq)]
pub enum DirectoryEvent {
    /// There is an account more.
    AccountAdded {
        /// Above every id that was given before.
        id: AccountId,
        /// Free until now.
        login: Login,
        /// What it signs in with.
        credential: Box<[u8]>,
    },
    /// An account is gone; its id is not given again, its name may be.
    AccountRemoved {
        /// Which.
        id: AccountId,
    },
    /// An account that was removed is there again, and so is its mail.
    AccountRestored {
        /// One that was given, and that no account has now.
        id: AccountId,
        /// Free until now.
        login: Login,
        /// What it signs in with.
        credential: Box<[u8]>,
    },
    /// An account may sign in from now on, or may not.
    StandingChanged {
        /// Which.
        id: AccountId,
        /// Whether it may.
        standing: Standing,
    },
    /// An account signs in with something else from now on.
    CredentialChanged {
        /// Which.
        id: AccountId,
        /// With what.
        credential: Box<[u8]>,
    },
    /// From this the records of names that nobody has are made up. There is one, once and for all: with another those
    /// names would be told from the rest by what they show having changed.
    DecoySecretMade(DecoySecret),
    /// Ids were passed over: they may have been given, and forgotten with what a restore did not bring back.
    IdsSkipped {
        /// As if this one had been given.
        last: AccountId,
    },
}

/// Without the credential: a record is no password, but nothing to print either.
impl fmt::Debug for DirectoryEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccountAdded { id, login, .. } => write!(f, "AccountAdded({}, {login}, …)", id.0),
            Self::AccountRestored { id, login, .. } => write!(f, "AccountRestored({}, {login}, …)", id.0),
            Self::AccountRemoved { id } => write!(f, "AccountRemoved({})", id.0),
            Self::StandingChanged { id, standing } => write!(f, "StandingChanged({}, {standing:?})", id.0),
            Self::CredentialChanged { id, .. } => write!(f, "CredentialChanged({}, …)", id.0),
            Self::DecoySecretMade(_) => f.write_str("DecoySecretMade(…)"),
            Self::IdsSkipped { last } => write!(f, "IdsSkipped({})", last.0),
        }
    }
}

/// Random octets that are known to nobody. What is made of them is `sasl`'s business.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DecoySecret(pub [u8; 32]);

impl fmt::Debug for DecoySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecoySecret(…)")
    }
}

/// Whether an account may be signed in to. Its mail is kept either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    #[default]
    Enabled,
    /// An admin has put it to rest.
    Disabled,
}

/// An account as the directory knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub login: Login,
    /// What it signs in with: a record of `sasl`'s.
    pub credential: Box<[u8]>,
    /// Whether it may.
    pub standing: Standing,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}, …)", self.login)
    }
}

/// All accounts: the fold of the directory's events. Cheap to clone, however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    entries: SharedMap<AccountId, Arc<Entry>>,
    ids: SharedMap<Login, AccountId>,
    last_id: u64,
    decoy_secret: Option<DecoySecret>,
}

impl Directory {
    /// Without accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The account of that name.
    #[must_use]
    pub fn find(&self, login: &Login) -> Option<(AccountId, &Entry)> {
        let id = *self.ids.get(login)?;
        Some((id, self.get(id)?))
    }

    /// An account by its id.
    #[must_use]
    pub fn get(&self, id: AccountId) -> Option<&Entry> {
        self.entries.get(&id).map(|entry| &**entry)
    }

    /// All accounts in the order of their names.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = (&Login, AccountId)> {
        self.ids.iter().map(|(login, id)| (login, *id))
    }

    /// What decoys are made of, once there is such a thing.
    #[must_use]
    pub const fn decoy_secret(&self) -> Option<DecoySecret> {
        self.decoy_secret
    }

    /// Keeps what decoys are made of from now on; nothing is to be done where that is known already.
    #[must_use]
    pub fn keep_decoy_secret(&self, secret: DecoySecret) -> Option<DirectoryEvent> {
        self.decoy_secret.is_none().then_some(DirectoryEvent::DecoySecretMade(secret))
    }

    /// The id that was given last, whatever became of the account; the directory's own where none was given.
    #[must_use]
    pub const fn last_id(&self) -> AccountId {
        AccountId(self.last_id)
    }

    /// Passes over so many ids: what was given and forgotten is not given again.
    ///
    /// # Errors
    /// There are not so many left.
    pub fn skip(&self, ids: u64) -> Result<DirectoryEvent, DirectoryRefusal> {
        let last = self.last_id.checked_add(ids).ok_or(DirectoryRefusal::Full)?;
        Ok(DirectoryEvent::IdsSkipped { last: AccountId(last) })
    }

    /// Adds an account.
    ///
    /// # Errors
    /// The name is taken, the record too long, or the directory full.
    pub fn add(&self, login: &Login, credential: &[u8]) -> Result<DirectoryEvent, DirectoryRefusal> {
        if self.ids.contains_key(login) {
            return Err(DirectoryRefusal::AlreadyExists(login.clone()));
        }
        check_credential(credential)?;
        if self.entries.len() >= MAX_ACCOUNTS {
            return Err(DirectoryRefusal::Full);
        }
        let id = AccountId(self.last_id.checked_add(1).ok_or(DirectoryRefusal::Full)?);
        Ok(DirectoryEvent::AccountAdded { id, login: login.clone(), credential: credential.into() })
    }

    /// Removes an account. What it held is for others to sweep.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove(&self, login: &Login) -> Result<DirectoryEvent, DirectoryRefusal> {
        self.known(login).map(|id| DirectoryEvent::AccountRemoved { id })
    }

    /// Brings back an account that was removed: what it held is still there. It signs in with what it signed in with
    /// at the end.
    ///
    /// # Errors
    /// The name is taken, or the directory full.
    pub fn restore(
        &self,
        id: AccountId,
        login: &Login,
        credential: &[u8],
    ) -> Result<DirectoryEvent, DirectoryRefusal> {
        if let Some(entry) = self.entries.get(&id) {
            return Err(DirectoryRefusal::AlreadyExists(entry.login.clone()));
        }
        if self.ids.contains_key(login) {
            return Err(DirectoryRefusal::AlreadyExists(login.clone()));
        }
        if self.entries.len() >= MAX_ACCOUNTS {
            return Err(DirectoryRefusal::Full);
        }
        Ok(DirectoryEvent::AccountRestored { id, login: login.clone(), credential: credential.into() })
    }

    /// Gives an account another credential.
    ///
    /// # Errors
    /// There is none of that name, or the record is too long.
    pub fn change_credential(
        &self,
        login: &Login,
        credential: &[u8],
    ) -> Result<DirectoryEvent, DirectoryRefusal> {
        let id = self.known(login)?;
        check_credential(credential)?;
        Ok(DirectoryEvent::CredentialChanged { id, credential: credential.into() })
    }

    /// Lets an account sign in, or no longer.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn change_standing(
        &self,
        login: &Login,
        standing: Standing,
    ) -> Result<DirectoryEvent, DirectoryRefusal> {
        self.known(login).map(|id| DirectoryEvent::StandingChanged { id, standing })
    }

    fn known(&self, login: &Login) -> Result<AccountId, DirectoryRefusal> {
        self.ids.get(login).copied().ok_or_else(|| DirectoryRefusal::NonExistent(login.clone()))
    }

    /// Folds one event in.
    ///
    /// # Errors
    /// The event does not fit what came before it. The state is as it was.
    pub fn apply(&mut self, event: &DirectoryEvent) -> Result<(), super::Inconsistent> {
        match event {
            DirectoryEvent::AccountAdded { id, login, credential } => self.added(*id, login, credential),
            DirectoryEvent::AccountRestored { id, login, credential } => {
                self.restored(*id, login, credential)
            }
            DirectoryEvent::AccountRemoved { id } => {
                let entry = self.entries.remove(id).ok_or(NO_SUCH_ACCOUNT)?;
                self.ids.remove(&entry.login);
                Ok(())
            }
            DirectoryEvent::StandingChanged { id, standing } => {
                let entry = self.get(*id).cloned().ok_or(NO_SUCH_ACCOUNT)?;
                self.entries.insert(*id, Arc::new(Entry { standing: *standing, ..entry }));
                Ok(())
            }
            DirectoryEvent::CredentialChanged { id, credential } => {
                let entry = self.get(*id).cloned().ok_or(NO_SUCH_ACCOUNT)?;
                self.entries.insert(*id, Arc::new(Entry { credential: credential.clone(), ..entry }));
                Ok(())
            }
            DirectoryEvent::DecoySecretMade(_) if self.decoy_secret.is_some() => {
                Err(super::Inconsistent("a second secret of the decoys"))
            }
            DirectoryEvent::DecoySecretMade(secret) => {
                self.decoy_secret = Some(*secret);
                Ok(())
            }
            DirectoryEvent::IdsSkipped { last } if last.0 < self.last_id => {
                Err(super::Inconsistent("account ids were skipped backwards"))
            }
            DirectoryEvent::IdsSkipped { last } => {
                self.last_id = last.0;
                Ok(())
            }
        }
    }

    fn added(&mut self, id: AccountId, login: &Login, credential: &[u8]) -> Result<(), super::Inconsistent> {
        if id.0 <= self.last_id {
            return Err(super::Inconsistent("an account id was given twice"));
        }
        self.named(id, login, credential)?;
        self.last_id = id.0;
        Ok(())
    }

    fn restored(
        &mut self,
        id: AccountId,
        login: &Login,
        credential: &[u8],
    ) -> Result<(), super::Inconsistent> {
        if id.0 > self.last_id || self.entries.contains_key(&id) {
            return Err(super::Inconsistent("an account was restored that was not removed"));
        }
        self.named(id, login, credential)
    }

    fn named(&mut self, id: AccountId, login: &Login, credential: &[u8]) -> Result<(), super::Inconsistent> {
        if self.ids.contains_key(login) {
            return Err(super::Inconsistent("an account got a name that is taken"));
        }
        self.ids.insert(login.clone(), id);
        let (login, credential) = (login.clone(), credential.into());
        self.entries.insert(id, Arc::new(Entry { login, credential, standing: Standing::Enabled }));
        Ok(())
    }
}

fn check_credential(credential: &[u8]) -> Result<(), DirectoryRefusal> {
    if credential.len() > MAX_CREDENTIAL_OCTETS { Err(DirectoryRefusal::CredentialTooLong) } else { Ok(()) }
}

const NO_SUCH_ACCOUNT: super::Inconsistent =
    super::Inconsistent("an event names an account that does not exist");

/// Why the directory stays as it is, for the admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryRefusal {
    /// The name is taken.
    AlreadyExists(Login),
    /// No account has this name.
    NonExistent(Login),
    /// Over [`MAX_CREDENTIAL_OCTETS`].
    CredentialTooLong,
    /// [`MAX_ACCOUNTS`], or no id is left.
    Full,
}

impl fmt::Display for DirectoryRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyExists(login) => write!(f, "There is an account {login} already"),
            Self::NonExistent(login) => write!(f, "There is no account {login}"),
            Self::CredentialTooLong => {
                write!(f, "A credential record has at most {MAX_CREDENTIAL_OCTETS} octets")
            }
            Self::Full => write!(f, "A directory holds at most {MAX_ACCOUNTS} accounts"),
        }
    }
}

impl std::error::Error for DirectoryRefusal {}

#[cfg(test)]
mod tests {
    use super::*;

    type Decision = fn(&Directory, Login) -> Result<DirectoryEvent, DirectoryRefusal>;

    fn take(directory: &mut Directory, event: Result<DirectoryEvent, DirectoryRefusal>) {
        directory.apply(&event.unwrap()).unwrap();
    }

    #[test]
    fn a_change_copies_what_leads_to_one_account_and_shares_the_others() {
        for accounts in [1_000, 16_000] {
            let mut directory = Directory::new();
            let login = |n: u32| Login::new(&format!("person{n}@example.org")).unwrap();
            for n in 0..accounts {
                let added = directory.add(&login(n), b"record");
                take(&mut directory, added);
            }
            let changes: [Decision; 4] = [
                |directory, _| directory.add(&Login::new("new").unwrap(), b"record"),
                |directory, login| directory.change_credential(&login, b"another"),
                |directory, login| directory.change_standing(&login, Standing::Disabled),
                |directory, login| directory.remove(&login),
            ];
            // As for the map itself.
            let most = 2 * f64::from(accounts).log(4.0 / 3.0) as usize;
            for change in changes {
                let before = directory.clone();
                let event = change(&directory, login(accounts / 3));
                take(&mut directory, event);
                let ids = directory.ids.apart_from(&before.ids);
                let entries = directory.entries.apart_from(&before.entries);
                assert!((1..=most).contains(&entries) && ids <= most, "{ids} and {entries} of {accounts}");
            }
        }
    }
}
