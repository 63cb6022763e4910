//! What an account has beside its password: app passwords, certificates, a second factor, who elsewhere vouches for it,
//! and what is to be known of its password.
//!
//! Some of it lets somebody in (app passwords, certificates), the rest narrows that. What lets in goes with its account
//! and does not come back with it: it may have been revoked in a future that whoever brings the account back does not
//! know. What narrows comes back (`Keyring::narrowing`).

mod app_password;
mod cidr;
mod codec;
mod service;
mod text;

pub use app_password::{AppPassword, AppPasswordId, MAX_APP_SECRET_OCTETS, MAX_NETWORKS};
pub use cidr::{BadCidr, Cidr};
pub use service::{Scopes, Service};
pub use terms::{DirectoryName, MAX_DIRECTORY_NAME_OCTETS, MAX_SUBJECT_OCTETS, Subject};
pub use text::{BadText, Label, MAX_LABEL_OCTETS};

pub(super) use codec::FIRST_TAG;

use super::DirectoryEvent;
use crate::account::Inconsistent;
use std::fmt;
use std::net::IpAddr;
use terms::AccountId;

/// Most app passwords that an account has at a time.
pub const MAX_APP_PASSWORDS: usize = 64;
/// Most directories elsewhere that vouch for an account: an LDAP server and an OpenID provider may know the same people.
pub const MAX_LINKS: usize = 8;
/// Most certificates that are bound to an account at a time.
pub const MAX_CERTIFICATES: usize = 16;
/// Longest second factor, in octets.
pub const MAX_SECOND_FACTOR_OCTETS: usize = 4 << 10;

/// What an account has beside its password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keyring {
    links: Vec<Link>,
    app_passwords: Vec<AppPassword>,
    second_factor: Option<Box<[u8]>>,
    exposure: Option<Exposure>,
    certificates: Vec<Certificate>,
    own_password: OwnPassword,
}

/// Of most accounts.
pub(super) static NOTHING: Keyring = Keyring {
    links: Vec::new(),
    app_passwords: Vec::new(),
    second_factor: None,
    exposure: None,
    certificates: Vec::new(),
    own_password: OwnPassword::Allowed,
};

/// Who an account is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The directory that vouches for it, as the settings call it.
    pub directory: DirectoryName,
    /// What stays the same there whatever it is called: LDAP's entryUUID, a number in a table, an issuer's `sub`.
    pub subject: Subject,
}

/// A password that was sent in clear.
///
/// Unverified: a stranger who knows the name can cause it, with any password. So it informs, and revokes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Unix time in seconds.
    pub when_s: i64,
    /// From where; `None` for what did not come over the network.
    pub address: Option<IpAddr>,
    /// By which protocol.
    pub service: Service,
}

/// What a client certificate is known by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    /// What was hashed.
    pub of: Fingerprinted,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:", self.of)?;
        self.sha256.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// What a fingerprint is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fingerprinted {
    /// The whole certificate, in DER: another one of the same key is another.
    Certificate,
    /// Its public key (SubjectPublicKeyInfo, in DER): a certificate that is renewed stays what it was.
    PublicKey,
}

/// A client certificate that stands for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Of no two accounts.
    pub fingerprint: Fingerprint,
    /// For people.
    pub label: Label,
}

/// Whether an account's own password is taken by mail protocols, or app passwords alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnPassword {
    /// It is.
    #[default]
    Allowed,
    /// It is refused, right or wrong.
    Refused,
}

impl Keyring {
    /// Who it is elsewhere, in the order in which that was found out; no two in one directory.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Who it is in that directory.
    #[must_use]
    pub fn link_to(&self, directory: &DirectoryName) -> Option<&Link> {
        self.links.iter().find(|link| link.directory == *directory)
    }

    /// Its app passwords, in the order in which they were made.
    #[must_use]
    pub fn app_passwords(&self) -> &[AppPassword] {
        &self.app_passwords
    }

    /// Opaque here.
    #[must_use]
    pub fn second_factor(&self) -> Option<&[u8]> {
        self.second_factor.as_deref()
    }

    /// When a password of it was sent in clear, if that has not been cleared since.
    #[must_use]
    pub const fn exposure(&self) -> Option<&Exposure> {
        self.exposure.as_ref()
    }

    /// The certificates that stand for it, in the order in which they were bound.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether its own password is taken by mail protocols.
    #[must_use]
    pub const fn own_password(&self) -> OwnPassword {
        self.own_password
    }

    pub(super) fn app_password(&self, id: AppPasswordId) -> Option<&AppPassword> {
        self.app_passwords.iter().find(|app| app.id == id)
    }

    /// By its name, else by its id as it is shown.
    #[must_use]
    pub fn app_password_called(&self, called: &str) -> Option<&AppPassword> {
        let by_label = Label::new(called).ok();
        let by_label = self.app_passwords.iter().find(|app| Some(&app.label) == by_label.as_ref());
        by_label.or_else(|| self.app_password(called.parse().ok()?))
    }

    pub(super) fn certificate(&self, fingerprint: &Fingerprint) -> Option<&Certificate> {
        self.certificates.iter().find(|bound| bound.fingerprint == *fingerprint)
    }

    /// The events that come to this keyring from none.
    pub(super) fn events(&self, id: AccountId) -> impl Iterator<Item = DirectoryEvent> {
        let added =
            move |app: &AppPassword| DirectoryEvent::AppPasswordAdded { id, app_password: app.clone() };
        let bound = move |certificate: &Certificate| DirectoryEvent::CertificateBound {
            id,
            certificate: certificate.clone(),
        };
        let letting_in = self.app_passwords.iter().map(added).chain(self.certificates.iter().map(bound));
        self.narrowing(id).into_iter().chain(letting_in)
    }

    /// The events that come to what of it lets nobody in.
    pub(super) fn narrowing(&self, id: AccountId) -> Vec<DirectoryEvent> {
        let links = self.links.iter().cloned().map(|link| DirectoryEvent::AccountLinked { id, link });
        let factor = self.second_factor.clone().map(|factor| DirectoryEvent::SecondFactorSet { id, factor });
        let exposure = self.exposure.map(|exposure| DirectoryEvent::CredentialExposed { id, exposure });
        let own_password = self.own_password;
        let policy = (own_password == OwnPassword::Refused)
            .then_some(DirectoryEvent::PasswordPolicySet { id, own_password });
        links.chain([factor, exposure, policy].into_iter().flatten()).collect()
    }

    /// Folds in what an event says of one account alone.
    pub(super) fn apply(&mut self, event: &DirectoryEvent) -> Result<(), Inconsistent> {
        match event {
            DirectoryEvent::AccountLinked { link, .. } => self.link(link)?,
            DirectoryEvent::AccountUnlinked { link, .. } => {
                let before = self.links.len();
                self.links.retain(|known| known != link);
                gone(before, self.links.len())?;
            }
            DirectoryEvent::AppPasswordAdded { app_password, .. } => self.add(app_password)?,
            DirectoryEvent::AppPasswordRevoked { app_password, .. } => {
                let before = self.app_passwords.len();
                self.app_passwords.retain(|app| app.id != *app_password);
                gone(before, self.app_passwords.len())?;
            }
            DirectoryEvent::SecondFactorSet { factor, .. } => self.second_factor = Some(factor.clone()),
            DirectoryEvent::SecondFactorRemoved { .. } => {
                self.second_factor.take().ok_or(NOT_THERE)?;
            }
            DirectoryEvent::CredentialExposed { exposure, .. } => match self.exposure {
                Some(_) => return Err(Inconsistent("an exposure is told twice")),
                None => self.exposure = Some(*exposure),
            },
            DirectoryEvent::ExposureCleared { .. } => {
                self.exposure.take().ok_or(NOT_THERE)?;
            }
            DirectoryEvent::CertificateBound { certificate, .. } => self.bind(certificate)?,
            DirectoryEvent::CertificateUnbound { fingerprint, .. } => {
                let before = self.certificates.len();
                self.certificates.retain(|bound| bound.fingerprint != *fingerprint);
                gone(before, self.certificates.len())?;
            }
            DirectoryEvent::PasswordPolicySet { own_password, .. } => self.own_password = *own_password,
            _ => return Err(Inconsistent("an event that is of no keyring")),
        }
        Ok(())
    }

    /// Another subject in a directory takes the place of the one before.
    fn link(&mut self, link: &Link) -> Result<(), Inconsistent> {
        if let Some(known) = self.links.iter_mut().find(|known| known.directory == link.directory) {
            *known = link.clone();
        } else if self.links.len() < MAX_LINKS {
            self.links.push(link.clone());
        } else {
            return Err(Inconsistent("an account is linked to more directories than it may"));
        }
        Ok(())
    }

    fn add(&mut self, app_password: &AppPassword) -> Result<(), Inconsistent> {
        if self.app_password(app_password.id).is_some() {
            return Err(Inconsistent("the id of an app password was given twice"));
        }
        if self.app_passwords.len() >= MAX_APP_PASSWORDS {
            return Err(Inconsistent("an account has more app passwords than it may"));
        }
        self.app_passwords.push(app_password.clone());
        Ok(())
    }

    fn bind(&mut self, certificate: &Certificate) -> Result<(), Inconsistent> {
        if self.certificate(&certificate.fingerprint).is_some() {
            return Err(Inconsistent("a certificate was bound twice"));
        }
        if self.certificates.len() >= MAX_CERTIFICATES {
            return Err(Inconsistent("an account has more certificates than it may"));
        }
        self.certificates.push(certificate.clone());
        Ok(())
    }
}

const NOT_THERE: Inconsistent = Inconsistent("an event takes from a keyring what is not there");

const fn gone(before: usize, after: usize) -> Result<(), Inconsistent> {
    if before == after { Err(NOT_THERE) } else { Ok(()) }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}
