//! What may happen to the name and the keyring of an account.

use super::keyring::{
    AppPassword, Certificate, DirectoryName, Exposure, Fingerprint, Link, MAX_APP_PASSWORDS,
    MAX_APP_SECRET_OCTETS, MAX_CERTIFICATES, MAX_LINKS, MAX_NETWORKS, MAX_SECOND_FACTOR_OCTETS, OwnPassword,
};
use super::{Directory, DirectoryEvent, DirectoryRefusal, Entry, Login, Standing};
use terms::AccountId;

impl Directory {
    /// Brings back an account as it `was`: under a name that is free, with its password, and with all that narrows who gets
    /// in by it. What else let in does not come back: since then it may have been revoked. A link comes back where it is
    /// nobody else's by now.
    ///
    /// # Errors
    /// The name is taken, the account is there, or the directory full.
    pub fn bring_back(
        &self,
        id: AccountId,
        login: &Login,
        was: &Entry,
    ) -> Result<Vec<DirectoryEvent>, DirectoryRefusal> {
        let mut events = vec![self.restore(id, login, &was.credential)?];
        events.extend(was.keyring().narrowing(id).into_iter().filter(|event| match event {
            DirectoryEvent::AccountLinked { link, .. } => self.find_linked(link).is_none(),
            _ => true,
        }));
        let standing = was.standing;
        events.extend(
            (standing == Standing::Disabled).then_some(DirectoryEvent::StandingChanged { id, standing }),
        );
        Ok(events)
    }

    /// Calls an account something else.
    ///
    /// # Errors
    /// There is none of that name, or the new name is taken.
    pub fn rename(&self, login: &Login, new: &Login) -> Result<Option<DirectoryEvent>, DirectoryRefusal> {
        let id = self.known(login)?;
        if login == new {
            return Ok(None);
        }
        match self.find(new) {
            Some(_) => Err(DirectoryRefusal::AlreadyExists(new.clone())),
            None => Ok(Some(DirectoryEvent::AccountRenamed { id, login: new.clone() })),
        }
    }

    /// Lets a directory elsewhere vouch for an account.
    ///
    /// # Errors
    /// There is none of that name, or it vouches for another one by that.
    pub fn link(&self, login: &Login, link: &Link) -> Result<Option<DirectoryEvent>, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        let keyring = entry.keyring();
        if keyring.links().contains(link) {
            return Ok(None);
        }
        if keyring.link_to(&link.directory).is_none() && keyring.links().len() >= MAX_LINKS {
            return Err(DirectoryRefusal::TooManyLinks);
        }
        of_no_other(self.find_linked(link), id)?;
        Ok(Some(DirectoryEvent::AccountLinked { id, link: link.clone() }))
    }

    /// Lets a directory elsewhere vouch for an account no more.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn unlink(
        &self,
        login: &Login,
        directory: &DirectoryName,
    ) -> Result<Option<DirectoryEvent>, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        let link = entry.keyring().link_to(directory);
        Ok(link.map(|link| DirectoryEvent::AccountUnlinked { id, link: link.clone() }))
    }

    /// Gives a device a password of its own.
    ///
    /// # Errors
    /// There is no such account, it has one of this name or too many, or the app password is more than one may be.
    pub fn add_app_password(
        &self,
        login: &Login,
        app_password: &AppPassword,
    ) -> Result<DirectoryEvent, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        let theirs = entry.keyring().app_passwords();
        if theirs.iter().any(|app| app.label == app_password.label || app.id == app_password.id) {
            return Err(DirectoryRefusal::LabelTaken(app_password.label.clone()));
        }
        match app_password {
            _ if theirs.len() >= MAX_APP_PASSWORDS => Err(DirectoryRefusal::TooManyAppPasswords),
            app if app.networks.len() > MAX_NETWORKS => Err(DirectoryRefusal::TooManyNetworks),
            app if app.secret.len() > MAX_APP_SECRET_OCTETS => Err(DirectoryRefusal::SecretTooLong),
            app => Ok(DirectoryEvent::AppPasswordAdded { id, app_password: app.clone() }),
        }
    }

    /// Takes an app password back, by its name or its id as it is shown. The name comes first: it may look like an id.
    ///
    /// # Errors
    /// There is no such account, or it has none that is called so.
    pub fn revoke_app_password(
        &self,
        login: &Login,
        called: &str,
    ) -> Result<DirectoryEvent, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        let app = entry.keyring().app_password_called(called);
        let app = app.ok_or_else(|| DirectoryRefusal::NoAppPassword(called.to_owned()))?;
        Ok(DirectoryEvent::AppPasswordRevoked { id, app_password: app.id })
    }

    /// Gives an account a second factor, or none.
    ///
    /// # Errors
    /// There is no such account, or it is over [`MAX_SECOND_FACTOR_OCTETS`].
    pub fn set_second_factor(
        &self,
        login: &Login,
        factor: Option<&[u8]>,
    ) -> Result<Option<DirectoryEvent>, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        let had = entry.keyring().second_factor();
        match factor {
            Some(factor) if factor.len() > MAX_SECOND_FACTOR_OCTETS => Err(DirectoryRefusal::SecretTooLong),
            factor if factor == had => Ok(None),
            Some(factor) => Ok(Some(DirectoryEvent::SecondFactorSet { id, factor: factor.into() })),
            None => Ok(Some(DirectoryEvent::SecondFactorRemoved { id })),
        }
    }

    /// Keeps that a password was sent in clear. Nothing is to be done where that is known already, or where nobody has the
    /// name: strangers cause this.
    #[must_use]
    pub fn expose(&self, login: &Login, exposure: Exposure) -> Option<DirectoryEvent> {
        let (id, entry) = self.find(login)?;
        let is_new = entry.keyring().exposure().is_none();
        is_new.then_some(DirectoryEvent::CredentialExposed { id, exposure })
    }

    /// Somebody has looked after an exposed password.
    ///
    /// # Errors
    /// There is no such account.
    pub fn clear_exposure(&self, login: &Login) -> Result<Option<DirectoryEvent>, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        Ok(entry.keyring().exposure().map(|_| DirectoryEvent::ExposureCleared { id }))
    }

    /// Lets a client certificate stand for an account.
    ///
    /// # Errors
    /// There is no such account, it has too many, or the certificate stands for another one.
    pub fn bind(
        &self,
        login: &Login,
        certificate: &Certificate,
    ) -> Result<Option<DirectoryEvent>, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        of_no_other(self.find_bound(&certificate.fingerprint), id)?;
        let bound = entry.keyring().certificates();
        match bound.iter().any(|bound| bound.fingerprint == certificate.fingerprint) {
            true => Ok(None),
            false if bound.len() >= MAX_CERTIFICATES => Err(DirectoryRefusal::TooManyCertificates),
            false => Ok(Some(DirectoryEvent::CertificateBound { id, certificate: certificate.clone() })),
        }
    }

    /// Lets a client certificate stand for an account no more.
    ///
    /// # Errors
    /// There is no such account, or the certificate does not stand for it.
    pub fn unbind(
        &self,
        login: &Login,
        fingerprint: &Fingerprint,
    ) -> Result<DirectoryEvent, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        entry.keyring().certificate(fingerprint).ok_or(DirectoryRefusal::NoCertificate)?;
        Ok(DirectoryEvent::CertificateUnbound { id, fingerprint: *fingerprint })
    }

    /// Lets mail protocols take an account's own password, or refuse it.
    ///
    /// # Errors
    /// There is no such account.
    pub fn set_own_password(
        &self,
        login: &Login,
        own_password: OwnPassword,
    ) -> Result<Option<DirectoryEvent>, DirectoryRefusal> {
        let (id, entry) = self.entry(login)?;
        let is_new = entry.keyring().own_password() != own_password;
        Ok(is_new.then_some(DirectoryEvent::PasswordPolicySet { id, own_password }))
    }

    fn entry(&self, login: &Login) -> Result<(AccountId, &Entry), DirectoryRefusal> {
        self.find(login).ok_or_else(|| DirectoryRefusal::NonExistent(login.clone()))
    }
}

fn of_no_other(holder: Option<(AccountId, &Entry)>, id: AccountId) -> Result<(), DirectoryRefusal> {
    match holder {
        Some((holder, entry)) if holder != id => Err(DirectoryRefusal::OfAnother(entry.login.clone())),
        _ => Ok(()),
    }
}
