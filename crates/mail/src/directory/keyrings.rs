//! What accounts have beside their passwords: how it is changed, and what it lets in.

use super::{Accounts, DirectoryError};
use crate::signed_out::Credential;
use crate::{Certainty, Error};
use bytes::Bytes;
use mailbox::account::directory::keyring::{
    AppPassword, AppPasswordId, Certificate, Cidr, Exposure, Fingerprint, Keyring, Label, Link,
    MAX_APP_PASSWORDS, OwnPassword, Scopes, Service,
};
use mailbox::account::directory::{DirectoryEvent, DirectoryRefusal, Login, Standing};
use sasl::{AppRecord, Cost, CredentialRecord, ScramVerifier, Secret, Verifiers};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use store::AccountId;

/// How often it is written down, at most, that an app password was used, in seconds.
const USE_NOTED_EVERY_S: i64 = 60;
/// Of when the exposure is that the owner of an account has been told of: a soft value.
const EXPOSURE_TOLD: &[u8] = b"exposure-told";
/// When a password of an account was sent in clear, as long as the directory has said nothing that older versions cannot
/// read: a soft value, for strangers can cause it.
const EXPOSED: &[u8] = b"exposed";
/// Most of a client's name that is kept, in octets.
const MAX_CLIENT_OCTETS: usize = 120;

/// What an app password is to be.
#[derive(Clone, Debug)]
pub struct NewAppPassword {
    /// What its owner calls it.
    pub label: Label,
    /// What it signs in to.
    pub scopes: Scopes,
    /// From when on it is not taken any more: Unix time in seconds.
    pub expires_s: Option<i64>,
    /// From where it is taken; from everywhere, where there are none.
    pub networks: Box<[Cidr]>,
}

/// An app password, and when it was used last.
#[derive(Clone, Debug)]
pub struct UsedAppPassword {
    /// The app password.
    pub app_password: AppPassword,
    /// To the minute; `None` where it never was, or where a crash has lost that.
    pub last_use: Option<LastUse>,
}

/// When something was used to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// Unix time in seconds.
    pub when_s: i64,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which client, as it says (RFC 2971); empty where it did not.
    pub client: Box<str>,
}

/// Somebody who wants to sign in.
#[derive(Clone, Copy, Debug)]
pub struct SignIn {
    /// Unix time in seconds.
    pub now_s: i64,
    /// By which protocol.
    pub service: Service,
    /// From where; `None` for what did not come over the network.
    pub address: Option<IpAddr>,
}

/// What a password is among the app passwords of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum AppVerdict {
    /// None of them.
    NotOne,
    /// This one, and it lets in.
    Right(AppPasswordId),
    /// This one, and it does not let in. To the peer it is a wrong password, and takes as long.
    Unusable(AppPasswordId, Unusable),
}

/// Why an app password does not let in. For the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Its time is over.
    Expired,
    /// It is not for this protocol.
    Service,
    /// It is not taken from there.
    Network,
}

/// What somebody was let in by, as far as it can be changed by the time that they are in.
#[derive(Clone, Debug)]
pub enum JudgedBy {
    /// What they signed in with: [`Credential`] says all.
    Itself,
    /// A password, by the record that it was held against.
    Record(Box<CredentialRecord>),
    /// The word of a directory elsewhere, of somebody who is this there.
    Link(Link),
}

impl Unusable {
    fn of(app_password: &AppPassword, sign_in: &SignIn) -> Option<Self> {
        let networks = &app_password.networks;
        let is_near = |address: IpAddr| networks.iter().any(|network| network.holds(address));
        match app_password {
            app if app.expires_s.is_some_and(|expires_s| expires_s <= sign_in.now_s) => Some(Self::Expired),
            app if !app.scopes.has(sign_in.service) => Some(Self::Service),
            _ if !networks.is_empty() && !sign_in.address.is_some_and(is_near) => Some(Self::Network),
            _ => None,
        }
    }
}

impl Accounts {
    /// Calls an account something else. Its number, its mail and whoever is signed in stay.
    ///
    /// # Errors
    /// There is none of that name, the new one is taken or cannot be one, or the store cannot write now.
    pub async fn rename(&self, name: &str, new: &str) -> Result<(), DirectoryError> {
        let (login, new) = (Login::new(name)?, Login::new(new)?);
        self.change_perhaps(|directory| directory.rename(&login, &new)).await
    }

    /// A password for a device. Nothing is kept of it yet.
    #[must_use]
    pub fn draw_app_password(&self) -> sasl::AppPassword {
        sasl::AppPassword::draw(|into| self.world.random(into))
    }

    /// What an account's own password has for SCRAM, to make those of its app passwords alike
    /// ([`HashPool::app_record`](crate::HashPool::app_record)); `None` for one that signs in by a directory elsewhere alone.
    ///
    /// # Errors
    /// There is no such account.
    pub fn own_record(&self, name: &str) -> Result<Option<CredentialRecord>, DirectoryError> {
        let login = Login::new(name)?;
        let roll = self.roll();
        let (id, entry) = roll.directory().find(&login).ok_or(DirectoryRefusal::NonExistent(login))?;
        Ok(match &*entry.credential {
            [] => None,
            stored => super::credential(id, stored),
        })
    }

    /// Adds an app password, of which this is kept.
    ///
    /// # Errors
    /// There is no such account, it has one that is called so or too many, or the store cannot write now.
    pub async fn add_app_password(
        &self,
        name: &str,
        new: &NewAppPassword,
        record: &AppRecord,
    ) -> Result<AppPasswordId, DirectoryError> {
        let login = Login::new(name)?;
        let mut random = [0; 8];
        self.world.random(&mut random);
        let NewAppPassword { label, scopes, expires_s, networks } = new.clone();
        let app_password = AppPassword {
            id: AppPasswordId::new(random),
            label,
            secret: record.encode().into(),
            scopes,
            created_s: self.world.now_s(),
            expires_s,
            networks,
        };
        self.change(|directory| directory.add_app_password(&login, &app_password)).await?;
        Ok(app_password.id)
    }

    /// The app passwords of an account, in the order in which they were made.
    ///
    /// # Errors
    /// There is no such account, or the store cannot read now.
    pub async fn app_passwords(&self, name: &str) -> Result<Vec<UsedAppPassword>, DirectoryError> {
        let (id, keyring) = self.keyring(name)?;
        let mut used = Vec::with_capacity(keyring.app_passwords().len());
        for app_password in keyring.app_passwords() {
            let last_use = self.last_use(id, app_password.id).await?;
            used.push(UsedAppPassword { app_password: app_password.clone(), last_use });
        }
        Ok(used)
    }

    /// Takes an app password back, by its name or its id, and ends the sessions that signed in with it.
    ///
    /// # Errors
    /// There is no such account, or it has none that is called so; or the store cannot write now.
    pub async fn revoke_app_password(&self, name: &str, called: &str) -> Result<AppPassword, DirectoryError> {
        let login = Login::new(name)?;
        let revoked = Mutex::new(None);
        self.change(|directory| {
            let event = directory.revoke_app_password(&login, called)?;
            let entry = directory.find(&login).map(|(id, entry)| (id, entry.keyring()));
            let app =
                entry.and_then(|(id, keyring)| Some((id, keyring.app_password_called(called)?.clone())));
            *crate::account::lock(&revoked) = app;
            Ok(event)
        })
        .await?;
        let revoked = revoked.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (id, app) = revoked.ok_or_else(|| DirectoryRefusal::NoAppPassword(called.to_owned()))?;
        // What is left of it is a few octets that nobody asks for.
        drop(self.store.put_soft(id, &use_key(app.id), None).await);
        Ok(app)
    }

    /// Whose app passwords `name` signs in with: the account of that name, whether its own password is kept here or elsewhere;
    /// nobody's where that is doubtful.
    #[must_use]
    pub fn holder(&self, name: &str) -> Option<AccountId> {
        let login = Login::new(name).ok()?;
        let roll = self.roll();
        let (id, _) = roll.directory().find(&login)?;
        (roll.certainty(Some(id)) != Certainty::Doubtful).then_some(id)
    }

    /// Which of the account's app passwords a password is, and whether it lets in. All are compared, so that the time does
    /// not tell which, and where there is no account none.
    pub fn check_app_password(
        &self,
        account: Option<AccountId>,
        password: &Secret,
        sign_in: &SignIn,
    ) -> AppVerdict {
        let Some(typed) = sasl::AppPassword::typed(password) else { return AppVerdict::NotOne };
        self.check_app(account, sign_in, |records| AppRecord::which(&typed, records.iter().copied()))
    }

    /// The same for a proof of SCRAM, which fits this verifier.
    pub fn check_app_proof(
        &self,
        account: Option<AccountId>,
        verifier: &ScramVerifier,
        sign_in: &SignIn,
    ) -> AppVerdict {
        self.check_app(account, sign_in, |records| {
            let fits = |record: &&AppRecord| record.scram() == Some(verifier);
            records.iter().rposition(fits)
        })
    }

    fn check_app(
        &self,
        account: Option<AccountId>,
        sign_in: &SignIn,
        which: impl FnOnce(&[&AppRecord]) -> Option<usize>,
    ) -> AppVerdict {
        let roll = self.roll();
        let entry = account.and_then(|id| Some((id, roll.directory().get(id)?.keyring())));
        let known = held(entry);
        let records: Vec<_> = known.iter().map(|(_, record)| record).collect();
        match which(&records).and_then(|at| known.get(at)) {
            None | Some((None, _)) => AppVerdict::NotOne,
            Some((Some(app), _)) => match Unusable::of(app, sign_in) {
                None => AppVerdict::Right(app.id),
                Some(why) => AppVerdict::Unusable(app.id, why),
            },
        }
    }

    /// What a SCRAM proof of this name is checked with: its own password's verifier, or a decoy, and those of its app
    /// passwords that show the same salt and count.
    #[must_use]
    pub fn verifiers(&self, name: &str, new: &Cost) -> Verifiers {
        let found = self.find(name, new);
        let mut verifiers = Verifiers::from(found.record.scram().clone());
        let mut nobodys = verifiers.clone();
        let roll = self.roll();
        let entry = found.account.and_then(|id| Some((id, roll.directory().get(id)?.keyring())));
        for (app, record) in held(entry) {
            let verifiers = if app.is_some() { &mut verifiers } else { &mut nobodys };
            // One of before the account's password was changed has another salt: it signs in by PLAIN.
            record.scram().cloned().and_then(|scram| verifiers.add(scram));
        }
        verifiers
    }

    /// What its owner calls an app password.
    #[must_use]
    pub fn app_password_label(&self, account: AccountId, id: AppPasswordId) -> Option<Label> {
        let roll = self.roll();
        let keyring = roll.directory().get(account)?.keyring();
        Some(keyring.app_passwords().iter().find(|app| app.id == id)?.label.clone())
    }

    /// What a client certificate of an account is called.
    #[must_use]
    pub fn certificate_label(&self, account: AccountId, fingerprint: &Fingerprint) -> Option<Label> {
        let roll = self.roll();
        let keyring = roll.directory().get(account)?.keyring();
        Some(keyring.certificates().iter().find(|bound| bound.fingerprint == *fingerprint)?.label.clone())
    }

    /// Whether an account may be signed in to with this: to be asked once more by whoever can hear that it may not any
    /// longer ([`Account::signed_out_with`](crate::Account::signed_out_with)).
    #[must_use]
    pub fn takes(&self, account: AccountId, with: Credential) -> bool {
        !self.is_barred(account) && self.would_take(account, with)
    }

    /// The same, if no directory elsewhere kept its owner out.
    #[must_use]
    pub fn would_take(&self, account: AccountId, with: Credential) -> bool {
        let roll = self.roll();
        let Some(entry) = roll.directory().get(account) else { return false };
        let keyring = entry.keyring();
        entry.standing == Standing::Enabled
            && roll.certainty(Some(account)) != Certainty::Doubtful
            && match with {
                Credential::Password => keyring.own_password() == OwnPassword::Allowed,
                Credential::Token => true,
                Credential::App(id) => keyring.app_passwords().iter().any(|app| app.id == id),
                Credential::Certificate(fingerprint) => {
                    keyring.certificates().iter().any(|bound| bound.fingerprint == fingerprint)
                }
            }
    }

    /// The same for somebody who was let in by that, a moment ago: whoever began to sign in by what has been changed since
    /// comes too late.
    #[must_use]
    pub fn still_takes(&self, account: AccountId, with: Credential, by: &JudgedBy) -> bool {
        self.takes(account, with)
            && match by {
                JudgedBy::Itself => true,
                JudgedBy::Record(record) => self.is_password(account, record),
                JudgedBy::Link(link) => self.is_whose(account, link),
            }
    }

    fn is_whose(&self, account: AccountId, link: &Link) -> bool {
        self.roll().directory().find_linked(link).is_some_and(|(id, _)| id == account)
    }

    /// Whether an account's password is the one that a record is of.
    fn is_password(&self, account: AccountId, record: &CredentialRecord) -> bool {
        let roll = self.roll();
        let stored = roll.directory().get(account).map(|entry| &entry.credential);
        stored.is_some_and(|stored| self.renewals.is_same_password(account, &record.encode(), stored))
    }

    /// Writes down that an app password was used, unless that was done a short while ago. A crash may lose it.
    ///
    /// # Errors
    /// The store cannot read or write now.
    pub async fn note_use(
        &self,
        account: AccountId,
        id: AppPasswordId,
        last_use: &LastUse,
    ) -> Result<(), Error> {
        let before = self.last_use(account, id).await?;
        let is_old = |before: LastUse| {
            // A clock that was set back is no reason to be silent.
            !(0..USE_NOTED_EVERY_S).contains(&last_use.when_s.saturating_sub(before.when_s))
        };
        if before.is_none_or(is_old) {
            self.store.put_soft(account, &use_key(id), Some(last_use.encode())).await?;
        }
        Ok(())
    }

    async fn last_use(&self, account: AccountId, id: AppPasswordId) -> Result<Option<LastUse>, Error> {
        let value = self.store.soft(account, &use_key(id)).await?;
        Ok(value.and_then(|value| LastUse::decode(&value)))
    }

    /// Gives an account a second factor, or none: opaque octets.
    ///
    /// # Errors
    /// There is no such account, they are too many, or the store cannot write now.
    pub async fn set_second_factor(&self, name: &str, factor: Option<&[u8]>) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        self.change_perhaps(|directory| directory.set_second_factor(&login, factor)).await
    }

    /// Keeps that a password of `name` was sent in clear, where somebody has that name and it is not known yet. So it costs
    /// one commit an account until somebody clears it, however often strangers cause it; nothing tells them which it was.
    /// Nor does it make older versions refuse the store: where they would not do so anyway, a crash may lose it.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn expose(&self, name: &str, exposure: Exposure) -> Result<(), DirectoryError> {
        let Ok(login) = Login::new(name) else { return Ok(()) };
        let exposure =
            Exposure { address: exposure.address.map(|address| address.to_canonical()), ..exposure };
        let roll = self.roll();
        let Some((id, _)) = roll.directory().find(&login) else { return Ok(()) };
        if roll.is_in_part() || self.exposure(id).await?.is_some() {
            return Ok(());
        }
        if roll.has_keyrings() {
            return self.change_perhaps(|directory| Ok(directory.expose(&login, exposure))).await;
        }
        let _one_at_a_time = self.changing.lock().await;
        if self.exposure(id).await?.is_none() {
            self.store.put_soft(id, EXPOSED, Some(encode_exposure(&exposure))).await.map_err(Error::from)?;
        }
        Ok(())
    }

    /// Somebody has looked after the exposed password of an account. Whether there was one.
    ///
    /// # Errors
    /// There is no such account, or the store cannot write now.
    pub async fn clear_exposure(&self, name: &str) -> Result<Option<Exposure>, DirectoryError> {
        let login = Login::new(name)?;
        let (id, _) = self.keyring(name)?;
        let exposure = self.exposure(id).await?;
        self.change_perhaps(|directory| directory.clear_exposure(&login)).await?;
        self.clear_soft_exposure(id).await?;
        Ok(exposure)
    }

    async fn clear_soft_exposure(&self, id: AccountId) -> Result<(), Error> {
        if self.store.soft(id, EXPOSED).await?.is_some() {
            self.store.put_soft(id, EXPOSED, None).await?;
        }
        Ok(())
    }

    /// The same once an account has another password, where it can only have been the old one.
    pub(super) async fn clear_soft_exposure_by_password(&self, login: &Login) {
        let roll = self.roll();
        let Some((id, entry)) = roll.directory().find(login) else { return };
        if has_its_own_password_alone(entry.keyring())
            && let Err(why) = self.clear_soft_exposure(id).await
        {
            tracing::warn!(account = id.0, %why, "it is still listed as exposed");
        }
    }

    /// When a password of an account was sent in clear, if nobody has looked after that since.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn exposure(&self, account: AccountId) -> Result<Option<Exposure>, Error> {
        let roll = self.roll();
        let Some(entry) = roll.directory().get(account) else { return Ok(None) };
        if let Some(exposure) = entry.keyring().exposure() {
            return Ok(Some(*exposure));
        }
        let soft = self.store.soft(account, EXPOSED).await?;
        Ok(soft.and_then(|value| decode_exposure(&value)))
    }

    /// The same, where the owner of the account [has not been told](Self::exposure_told) of it.
    pub async fn exposure_to_tell(&self, account: AccountId) -> Option<Exposure> {
        let known = self.exposure(account).await.inspect_err(|why| {
            tracing::warn!(account = account.0, %why, "its owner is not told whether a password was exposed");
        });
        let exposure = known.ok().flatten()?;
        match self.store.soft(account, EXPOSURE_TOLD).await {
            Ok(before) if before == Some(told_of(&exposure)) => return None,
            Ok(_) => {}
            Err(why) => tracing::warn!(account = account.0, %why, "an exposed password may be told twice"),
        }
        Some(exposure)
    }

    /// The owner of the account is told of it now: not again, unless a crash forgets that, or the store cannot keep it.
    pub async fn exposure_told(&self, account: AccountId, exposure: &Exposure) {
        if let Err(why) = self.store.put_soft(account, EXPOSURE_TOLD, Some(told_of(exposure))).await {
            tracing::warn!(account = account.0, %why, "an exposed password may be told twice");
        }
    }

    /// Lets a client certificate stand for an account.
    ///
    /// # Errors
    /// There is no such account, the certificate stands for another, it has too many, or the store cannot write now.
    pub async fn bind(&self, name: &str, certificate: &Certificate) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        self.change_perhaps(|directory| directory.bind(&login, certificate)).await
    }

    /// Lets a client certificate stand for an account no more, and ends the sessions that signed in with it.
    ///
    /// # Errors
    /// There is no such account, the certificate does not stand for it, or the store cannot write now.
    pub async fn unbind(&self, name: &str, fingerprint: &Fingerprint) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        self.change(|directory| directory.unbind(&login, fingerprint)).await
    }

    /// The account that a client certificate stands for, if that is certain.
    #[must_use]
    pub fn bound(&self, fingerprint: &Fingerprint) -> Option<(AccountId, Login)> {
        let roll = self.roll();
        let (id, entry) = roll.directory().find_bound(fingerprint)?;
        let is_certain = roll.certainty(Some(id)) != Certainty::Doubtful;
        is_certain.then(|| (id, entry.login.clone()))
    }

    /// Lets mail protocols take an account's own password, or refuse it; then the sessions that signed in with it end.
    ///
    /// # Errors
    /// There is no such account, or the store cannot write now.
    pub async fn set_own_password(
        &self,
        name: &str,
        own_password: OwnPassword,
    ) -> Result<(), DirectoryError> {
        let login = Login::new(name)?;
        self.change_perhaps(|directory| directory.set_own_password(&login, own_password)).await
    }

    /// What an account has beside its password.
    ///
    /// # Errors
    /// There is no such account.
    pub fn keyring(&self, name: &str) -> Result<(AccountId, Arc<Keyring>), DirectoryError> {
        let login = Login::new(name)?;
        let roll = self.roll();
        let (id, entry) = roll.directory().find(&login).ok_or(DirectoryRefusal::NonExistent(login))?;
        Ok((id, Arc::new(entry.keyring().clone())))
    }

    /// Changes the directory, if there is anything to change.
    pub(super) async fn change_perhaps(
        &self,
        decide: impl Fn(
            &mailbox::account::directory::Directory,
        ) -> Result<Option<DirectoryEvent>, DirectoryRefusal>,
    ) -> Result<(), DirectoryError> {
        self.change_all(|directory| Ok(decide(directory)?.into_iter().collect())).await
    }
}

/// Whether a password that is typed for an account can only be its own: it has no app passwords, and is linked to no
/// directory elsewhere.
pub(super) fn has_its_own_password_alone(keyring: &Keyring) -> bool {
    keyring.app_passwords().is_empty() && keyring.links().is_empty()
}

/// Which exposure it was: the first is kept, until it is cleared.
fn told_of(exposure: &Exposure) -> Bytes {
    Bytes::copy_from_slice(&exposure.when_s.to_le_bytes())
}

/// What lets in no more of what did before.
pub(super) fn taken(before: &Keyring, now: &Keyring) -> Vec<Credential> {
    let of = |keyring: &Keyring| {
        let apps = keyring.app_passwords().iter().map(|app| Credential::App(app.id)).collect::<Vec<_>>();
        let bound = keyring.certificates().iter().map(|bound| Credential::Certificate(bound.fingerprint));
        let own = (keyring.own_password() == OwnPassword::Allowed).then_some(Credential::Password);
        apps.into_iter().chain(bound).chain(own).collect::<Vec<_>>()
    };
    let (of_now, links) = (of(now), now.links());
    let mut taken: Vec<_> = of(before).into_iter().filter(|with| !of_now.contains(with)).collect();
    // Who came in by the word of a directory is not told apart by which: all of them ask again.
    if before.links().iter().any(|link| !links.contains(link)) {
        taken.extend([Credential::Password, Credential::Token]);
    }
    // From now on its directory is asked for the password, if that knows any.
    if before.links().is_empty() && !links.is_empty() {
        taken.push(Credential::Password);
    }
    taken
}

/// What is held against the app passwords of an account: as many records as it may have, the missing ones read from what is
/// nobody's, so that neither the time of an answer nor that of a challenge tells strangers how many it has. Of one that does not
/// read back it is logged, for to its owner it is a wrong password.
fn held(entry: Option<(AccountId, &Keyring)>) -> Vec<(Option<&AppPassword>, AppRecord)> {
    let nobodys = AppRecord::nobodys();
    let read = |place: usize| {
        let (id, app) =
            entry.and_then(|(id, keyring)| Some((id, keyring.app_passwords().get(place)?))).unzip();
        match AppRecord::decode(app.map_or(&nobodys, |app| &app.secret)) {
            Ok(record) => Some((app, record)),
            Err(why) => {
                let (account, app) = (id.map(|id| id.0), app.map(|app| app.id.to_string()));
                tracing::error!(account, app_password = app, %why, "nobody can sign in with it; make a new one");
                AppRecord::decode(&nobodys).ok().map(|record| (None, record))
            }
        }
    };
    (0..MAX_APP_PASSWORDS).filter_map(read).collect()
}

/// `app-used` and the id.
fn use_key(id: AppPasswordId) -> [u8; 16] {
    let mut key = *b"app-used\0\0\0\0\0\0\0\0";
    if let Some(number) = key.last_chunk_mut::<8>() {
        *number = id.get().to_be_bytes();
    }
    key
}

/// As a last use is written, with the protocol in the place of the client.
fn encode_exposure(exposure: &Exposure) -> Bytes {
    let Exposure { when_s, address, service } = *exposure;
    LastUse { when_s, address, client: service.to_string().into() }.encode()
}

fn decode_exposure(octets: &[u8]) -> Option<Exposure> {
    let LastUse { when_s, address, client } = LastUse::decode(octets)?;
    Some(Exposure { when_s, address, service: Service::named(&client)? })
}

impl LastUse {
    /// Version, time (8, little-endian), address (octet count first), client.
    fn encode(&self) -> Bytes {
        let mut out = vec![1];
        out.extend(self.when_s.to_le_bytes());
        match self.address {
            None => out.push(0),
            Some(IpAddr::V4(v4)) => {
                out.push(4);
                out.extend(v4.octets());
            }
            Some(IpAddr::V6(v6)) => {
                out.push(16);
                out.extend(v6.octets());
            }
        }
        let end = self.client.floor_char_boundary(MAX_CLIENT_OCTETS);
        out.extend(self.client.as_bytes().get(..end).unwrap_or_default());
        out.into()
    }

    /// `None` for anything else: then it is not known.
    fn decode(octets: &[u8]) -> Option<Self> {
        let rest = octets.strip_prefix(&[1])?;
        let (when_s, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first()?;
        let (address, client) = rest.split_at_checked(usize::from(*count))?;
        let address = match count {
            0 => None,
            4 => Some(<[u8; 4]>::try_from(address).ok()?.into()),
            16 => Some(<[u8; 16]>::try_from(address).ok()?.into()),
            _ => return None,
        };
        let client = std::str::from_utf8(client).ok()?.into();
        Some(Self { when_s: i64::from_le_bytes(*when_s), address, client })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailbox::account::directory::Directory;

    /// What an account has that was given app passwords of which this is kept.
    fn keyring(secrets: &[Vec<u8>]) -> Keyring {
        let (mut directory, ann) = (Directory::new(), Login::new("ann").unwrap());
        let added = directory.add(&ann, b"record").unwrap();
        directory.apply(&added).unwrap();
        for (number, secret) in (0..).zip(secrets) {
            let app_password = AppPassword {
                id: AppPasswordId::new([number + 1; 8]),
                label: Label::new(&format!("device {number}")).unwrap(),
                secret: secret.clone().into(),
                scopes: Scopes::MAIL,
                created_s: 1_800_000_000,
                expires_s: None,
                networks: [].into(),
            };
            let added = directory.add_app_password(&ann, &app_password).unwrap();
            directory.apply(&added).unwrap();
        }
        directory.find(&ann).unwrap().1.keyring().clone()
    }

    #[test]
    fn a_password_is_held_against_as_many_records_however_many_an_account_has() {
        let check = |secrets: &[Vec<u8>], readable: usize| {
            let keyring = keyring(secrets);
            let held = held(Some((AccountId(1), &keyring)));
            assert_eq!(held.len(), MAX_APP_PASSWORDS);
            assert_eq!(held.iter().filter(|(app, _)| app.is_some()).count(), readable);
        };
        let app = AppRecord::nobodys();
        check(&[], 0);
        check(&[app.clone(), app.clone()], 2);
        check(&vec![app.clone(); MAX_APP_PASSWORDS], MAX_APP_PASSWORDS);
        check(&[app.clone(), b"damaged".to_vec(), app], 2);
        assert_eq!(held(None).len(), MAX_APP_PASSWORDS);
    }

    #[test]
    fn a_last_use_reads_back_and_anything_else_is_not_known() {
        for address in [None, Some("192.0.2.1".parse().unwrap()), Some("2001:db8::1".parse().unwrap())] {
            let last_use = LastUse { when_s: 1_800_000_000, address, client: "K-9 Mail 6.8".into() };
            let octets = last_use.encode();
            assert_eq!(LastUse::decode(&octets), Some(last_use));
            assert_eq!(LastUse::decode(&[&[2], &octets[1..]].concat()), None);
            assert_eq!(LastUse::decode(&octets[..9]), None);
        }
        let long = LastUse { when_s: 0, address: None, client: "\u{fc}".repeat(100).into() };
        assert_eq!(LastUse::decode(&long.encode()).unwrap().client.len(), MAX_CLIENT_OCTETS);
    }
}
