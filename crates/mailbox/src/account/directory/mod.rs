//! The directory: which accounts there are, by login name, and what they sign in with.
//!
//! It is a machine like the account's, and its stream is stream 0 of [`AccountId::DIRECTORY`]: the state is the
//! fold of [`DirectoryEvent`]s, a decision answers with the event to append. Credential records are opaque here;
//! `sasl` makes and checks them. The state holds every account, so looking one up costs no read.

mod codec;
mod decide;
pub mod keyring;
mod salvage;
mod take_in;
mod twice;

pub use keyring::Keyring;
pub use salvage::Salvage;
pub use take_in::{Called, Newcomers};
pub use terms::{BadLogin, Login, MAX_LOGIN_OCTETS};
pub use twice::{Remains, Said};

use super::shared_map::SharedMap;
use keyring::{
    AppPassword, AppPasswordId, Certificate, Exposure, Fingerprint, Label, Link, MAX_APP_PASSWORDS,
    MAX_CERTIFICATES, MAX_NETWORKS, OwnPassword,
};
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
    /// A directory elsewhere vouches for an account from now on, instead of one that did before.
    AccountLinked {
        /// Which.
        id: AccountId,
        /// Of no other account.
        link: Link,
    },
    /// A directory elsewhere vouches for an account no more.
    AccountUnlinked {
        /// Which.
        id: AccountId,
        /// One that it has.
        link: Link,
    },
    /// An account is called something else; its mail stays its own.
    AccountRenamed {
        /// Which.
        id: AccountId,
        /// Free until now.
        login: Login,
    },
    /// A device has a password of its own.
    AppPasswordAdded {
        /// Whose.
        id: AccountId,
        /// Its id was never given before.
        app_password: AppPassword,
    },
    /// An app password is taken no more.
    AppPasswordRevoked {
        /// Whose.
        id: AccountId,
        /// Which of them.
        app_password: AppPasswordId,
    },
    /// An account has this second factor, instead of one that it had before.
    SecondFactorSet {
        /// Which.
        id: AccountId,
        /// Opaque here, at most [`keyring::MAX_SECOND_FACTOR_OCTETS`].
        factor: Box<[u8]>,
    },
    /// An account has no second factor any more.
    SecondFactorRemoved {
        /// Which.
        id: AccountId,
    },
    /// A password of an account was sent in clear. It is said once until it is cleared: strangers can cause it.
    CredentialExposed {
        /// Which.
        id: AccountId,
        /// When, and from where.
        exposure: Exposure,
    },
    /// Somebody has looked after the exposed password.
    ExposureCleared {
        /// Whose.
        id: AccountId,
    },
    /// A client certificate stands for an account.
    CertificateBound {
        /// Which.
        id: AccountId,
        /// Of no other account.
        certificate: Certificate,
    },
    /// A client certificate stands for an account no more.
    CertificateUnbound {
        /// Which.
        id: AccountId,
        /// Of one that was bound to it.
        fingerprint: Fingerprint,
    },
    /// Mail protocols take an account's own password from now on, or refuse it.
    PasswordPolicySet {
        /// Which.
        id: AccountId,
        /// Which of both.
        own_password: OwnPassword,
    },
}

impl DirectoryEvent {
    /// Whether only a version that knows keyrings can read it.
    #[must_use]
    pub const fn is_of_keyrings(&self) -> bool {
        match self {
            Self::AccountAdded { .. }
            | Self::AccountRemoved { .. }
            | Self::AccountRestored { .. }
            | Self::StandingChanged { .. }
            | Self::CredentialChanged { .. }
            | Self::DecoySecretMade(_)
            | Self::IdsSkipped { .. } => false,
            Self::AccountLinked { .. }
            | Self::AccountUnlinked { .. }
            | Self::AccountRenamed { .. }
            | Self::AppPasswordAdded { .. }
            | Self::AppPasswordRevoked { .. }
            | Self::SecondFactorSet { .. }
            | Self::SecondFactorRemoved { .. }
            | Self::CredentialExposed { .. }
            | Self::ExposureCleared { .. }
            | Self::CertificateBound { .. }
            | Self::CertificateUnbound { .. }
            | Self::PasswordPolicySet { .. } => true,
        }
    }
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
            Self::AccountLinked { id, link } => {
                write!(f, "AccountLinked({}, {}, {:?})", id.0, link.directory, link.subject)
            }
            Self::AccountUnlinked { id, link } => write!(f, "AccountUnlinked({}, {link:?})", id.0),
            Self::AccountRenamed { id, login } => write!(f, "AccountRenamed({}, {login})", id.0),
            Self::AppPasswordAdded { id, app_password } => {
                write!(f, "AppPasswordAdded({}, {app_password:?})", id.0)
            }
            Self::AppPasswordRevoked { id, app_password } => {
                write!(f, "AppPasswordRevoked({}, {app_password})", id.0)
            }
            Self::SecondFactorSet { id, .. } => write!(f, "SecondFactorSet({}, …)", id.0),
            Self::SecondFactorRemoved { id } => write!(f, "SecondFactorRemoved({})", id.0),
            Self::CredentialExposed { id, exposure } => {
                write!(f, "CredentialExposed({}, {exposure:?})", id.0)
            }
            Self::ExposureCleared { id } => write!(f, "ExposureCleared({})", id.0),
            Self::CertificateBound { id, certificate } => {
                write!(f, "CertificateBound({}, {certificate:?})", id.0)
            }
            Self::CertificateUnbound { id, fingerprint } => {
                write!(f, "CertificateUnbound({}, {fingerprint:?})", id.0)
            }
            Self::PasswordPolicySet { id, own_password } => {
                write!(f, "PasswordPolicySet({}, {own_password:?})", id.0)
            }
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
    /// `None` for one with nothing in it, as most are.
    keyring: Option<Arc<Keyring>>,
}

impl Entry {
    /// What it has beside its password.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        self.keyring.as_deref().unwrap_or(&keyring::NOTHING)
    }
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
    /// Whom other directories vouch for.
    linked: SharedMap<Link, AccountId>,
    /// For whom certificates stand.
    bound: SharedMap<Fingerprint, AccountId>,
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

    /// The account that a directory elsewhere vouches for.
    #[must_use]
    pub fn find_linked(&self, link: &Link) -> Option<(AccountId, &Entry)> {
        let id = *self.linked.get(link)?;
        Some((id, self.get(id)?))
    }

    /// The account that a client certificate stands for.
    #[must_use]
    pub fn find_bound(&self, fingerprint: &Fingerprint) -> Option<(AccountId, &Entry)> {
        let id = *self.bound.get(fingerprint)?;
        Some((id, self.get(id)?))
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
                self.forget(entry.keyring());
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
            DirectoryEvent::AccountRenamed { id, login } => self.renamed(*id, login),
            DirectoryEvent::AccountLinked { id, .. }
            | DirectoryEvent::AccountUnlinked { id, .. }
            | DirectoryEvent::AppPasswordAdded { id, .. }
            | DirectoryEvent::AppPasswordRevoked { id, .. }
            | DirectoryEvent::SecondFactorSet { id, .. }
            | DirectoryEvent::SecondFactorRemoved { id }
            | DirectoryEvent::CredentialExposed { id, .. }
            | DirectoryEvent::ExposureCleared { id }
            | DirectoryEvent::CertificateBound { id, .. }
            | DirectoryEvent::CertificateUnbound { id, .. }
            | DirectoryEvent::PasswordPolicySet { id, .. } => self.change_keyring(*id, event),
        }
    }

    /// To the name that it has already is no change, and no mistake.
    fn renamed(&mut self, id: AccountId, login: &Login) -> Result<(), super::Inconsistent> {
        let entry = self.get(id).cloned().ok_or(NO_SUCH_ACCOUNT)?;
        if self.ids.get(login).is_some_and(|holder| *holder != id) {
            return Err(NAME_TAKEN);
        }
        self.ids.remove(&entry.login);
        self.ids.insert(login.clone(), id);
        self.entries.insert(id, Arc::new(Entry { login: login.clone(), ..entry }));
        Ok(())
    }

    fn change_keyring(&mut self, id: AccountId, event: &DirectoryEvent) -> Result<(), super::Inconsistent> {
        let entry = self.get(id).cloned().ok_or(NO_SUCH_ACCOUNT)?;
        self.check_is_free(id, event)?;
        let mut keyring = entry.keyring().clone();
        keyring.apply(event)?;
        self.forget(entry.keyring());
        for link in keyring.links() {
            self.linked.insert(link.clone(), id);
        }
        for certificate in keyring.certificates() {
            self.bound.insert(certificate.fingerprint, id);
        }
        let keyring = (keyring != keyring::NOTHING).then(|| Arc::new(keyring));
        self.entries.insert(id, Arc::new(Entry { keyring, ..entry }));
        Ok(())
    }

    /// What stands for one account stands for no other.
    fn check_is_free(&self, id: AccountId, event: &DirectoryEvent) -> Result<(), super::Inconsistent> {
        let holder = match event {
            DirectoryEvent::AccountLinked { link, .. } => self.linked.get(link),
            DirectoryEvent::CertificateBound { certificate, .. } => self.bound.get(&certificate.fingerprint),
            _ => None,
        };
        match holder {
            Some(holder) if *holder != id => {
                Err(super::Inconsistent("an account got a link or a certificate that is another's"))
            }
            _ => Ok(()),
        }
    }

    fn forget(&mut self, keyring: &Keyring) {
        for link in keyring.links() {
            self.linked.remove(link);
        }
        for certificate in keyring.certificates() {
            self.bound.remove(&certificate.fingerprint);
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
            return Err(NAME_TAKEN);
        }
        self.ids.insert(login.clone(), id);
        let (login, credential) = (login.clone(), credential.into());
        let entry = Entry { login, credential, standing: Standing::Enabled, keyring: None };
        self.entries.insert(id, Arc::new(entry));
        Ok(())
    }
}

fn check_credential(credential: &[u8]) -> Result<(), DirectoryRefusal> {
    if credential.len() > MAX_CREDENTIAL_OCTETS { Err(DirectoryRefusal::CredentialTooLong) } else { Ok(()) }
}

const NAME_TAKEN: super::Inconsistent = super::Inconsistent("an account got a name that is taken");
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
    /// Over [`keyring::MAX_SECOND_FACTOR_OCTETS`] or [`keyring::MAX_APP_SECRET_OCTETS`].
    SecretTooLong,
    /// The account has an app password of this name, or of this id.
    LabelTaken(Label),
    /// The account has no app password that is called so.
    NoAppPassword(String),
    /// [`MAX_APP_PASSWORDS`].
    TooManyAppPasswords,
    /// The account has [`keyring::MAX_LINKS`] already.
    TooManyLinks,
    /// [`MAX_NETWORKS`].
    TooManyNetworks,
    /// [`MAX_CERTIFICATES`].
    TooManyCertificates,
    /// The account has no such certificate.
    NoCertificate,
    /// Somebody else is linked so, or has this certificate.
    OfAnother(Login),
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
            Self::SecretTooLong => f.write_str("A secret is longer than it may be"),
            Self::LabelTaken(label) => write!(f, "There is an app password {label} already"),
            Self::NoAppPassword(called) => write!(f, "There is no app password {called}"),
            Self::TooManyLinks => {
                write!(f, "An account is known to at most {} directories", keyring::MAX_LINKS)
            }
            Self::TooManyAppPasswords => {
                write!(f, "An account has at most {MAX_APP_PASSWORDS} app passwords")
            }
            Self::TooManyNetworks => write!(f, "An app password has at most {MAX_NETWORKS} networks"),
            Self::TooManyCertificates => write!(f, "An account has at most {MAX_CERTIFICATES} certificates"),
            Self::NoCertificate => f.write_str("The account has no such certificate"),
            Self::OfAnother(login) => write!(f, "That stands for {login} already"),
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
