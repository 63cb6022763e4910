//! Whoever sees to it that there is always a certificate.

use crate::asker::{self, Asker};
use crate::hint::identifier;
use crate::hook::Hook;
use crate::order::{self, Issued, OrderError, Prover};
use crate::plan::{Life, Window, moment_in, pause_after, usual_renewal};
use crate::record::{Hint, Record, seconds, time};
use crate::shelf::{self, Shelf, remove};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use certificates::{Authorities, CertificateFiles, Portrait, Validations};
use fetch::{Client, FetchError, Roots};
use instant_acme::{
    Account, AccountCredentials, CertificateIdentifier, Error, ExternalAccountKey, NewAccount,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ParsedCertificate;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How often an authority is asked what it wishes, at most and at least (RFC 9773, 4.3.2).
const ASK_AT_MOST: Duration = Duration::from_mins(10);
const ASK_AT_LEAST: Duration = Duration::from_hours(24);
/// After it could not be asked, or has no wishes.
const ASK_LATER: Duration = Duration::from_hours(6);
/// Nothing is ever further away than this: clocks are set right, and files are changed by hand.
const LONGEST_REST: Duration = Duration::from_hours(6);
/// After an order, whatever the new certificate says: one that is to be renewed at once would be so for ever.
const AFTER_SUCCESS: Duration = Duration::from_hours(1);
/// Octets of words that are kept of what was wrong.
const MAX_PROBLEM: usize = 500;

/// Whom certificates come from.
#[derive(Clone)]
pub struct Authority {
    /// The URL of its directory.
    pub directory: String,
    /// By whom it is verified that it is the one.
    pub roots: Roots,
    /// Where it may write to, as `mailto:` URLs.
    pub contact: Vec<String>,
    /// Whether its terms of service are agreed to.
    pub agree_to_terms: bool,
    /// An account that we have there already (RFC 8555, 7.3.4).
    pub external_account: Option<ExternalAccount>,
    /// The kind of certificates, where it has several.
    pub profile: Option<String>,
}

/// By what an authority knows a customer.
#[derive(Clone)]
pub struct ExternalAccount {
    /// The key's name.
    pub id: String,
    /// The key itself.
    pub key: Vec<u8>,
}

impl fmt::Debug for ExternalAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalAccount").field("id", &self.id).field("key", &"…").finish()
    }
}

impl ExternalAccount {
    /// From the key's name and its text as authorities give it: base64url, with or without padding. `None` where it is
    /// not.
    #[must_use]
    pub fn new(id: &str, key: &str) -> Option<Self> {
        let key = BASE64_URL_SAFE_NO_PAD.decode(key.trim().trim_end_matches('=')).ok()?;
        (!key.is_empty()).then(|| Self { id: id.to_owned(), key })
    }
}

/// How it is proved that we have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By a file on port 80.
    Http01,
    /// By a certificate on port 443.
    TlsAlpn01,
    /// By a record in DNS.
    Dns01,
}

/// A certificate that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is to be for. Its files are called by the first.
    pub names: Vec<String>,
    /// How that is proved.
    pub proof: Proof,
}

impl Wanted {
    /// Where it lies, in a steward's folder: key and chain in one file.
    #[must_use]
    pub fn file(&self, folder: &Path) -> PathBuf {
        shelf::path(folder, self.stem(), "pem")
    }

    fn stem(&self) -> &str {
        self.names.first().map_or("none", String::as_str)
    }
}

/// Sees to certificates.
pub struct Steward {
    authority: Authority,
    client: Client,
    shelf: Shelf,
    charges: Vec<Charge>,
    validations: Arc<Validations>,
    hook: Option<Hook>,
    random: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Held while something is ordered: never two orders at a time.
    busy: Mutex<()>,
}

/// One certificate, and what is known of it.
struct Charge {
    wanted: Wanted,
    file: PathBuf,
    record_file: PathBuf,
    record: Lock<Record>,
}

/// What is on the disk.
struct Held {
    life: Life,
    identifier: Option<CertificateIdentifier<'static>>,
    has_all_names: bool,
}

/// The time that whoever calls has told, going on. What it is good for is how long something took: no clock of the system is
/// read for it that somebody may set.
struct Watch {
    told: SystemTime,
    since: Instant,
}

impl Watch {
    fn set(now: SystemTime) -> Self {
        Self { told: now, since: Instant::now() }
    }

    fn now(&self) -> SystemTime {
        self.told + self.since.elapsed()
    }
}

/// What came of something, for whoever tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new certificate lies in its file.
    Issued {
        /// For which names.
        names: Vec<String>,
        /// Where it lies.
        file: PathBuf,
        /// Its end.
        until: SystemTime,
    },
    /// There is none.
    Failed {
        /// For which names.
        names: Vec<String>,
        /// Why.
        why: String,
        /// How often in a row.
        failures: u32,
        /// When it is tried again.
        again: SystemTime,
    },
}

/// How a certificate is, for whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// For which names it is to be.
    pub names: Vec<String>,
    /// How that is proved.
    pub proof: Proof,
    /// Where it lies.
    pub file: PathBuf,
    /// Whether there is one.
    pub is_there: bool,
    /// When there will be a new one, if all goes well.
    pub next: SystemTime,
    /// What is known beside.
    pub record: Record,
}

/// Why nobody can see to certificates.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder for the files.
    #[error("{}: {why}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The client that asks.
    #[error(transparent)]
    Client(#[from] FetchError),
}

impl Steward {
    /// One who keeps its files in `folder`, and reads them now. `random` gives numbers that nobody can foresee.
    ///
    /// # Errors
    /// The folder cannot be made, or there is nobody to verify the authority by.
    pub fn open(
        authority: Authority,
        folder: &Path,
        wanted: Vec<Wanted>,
        hook: Option<Hook>,
        validations: Arc<Validations>,
        random: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let failed = |why| OpenError::Folder { path: folder.to_owned(), why };
        let shelf = Shelf::open(folder).map_err(failed)?;
        let client = Client::new(&authority.roots)?.patient(asker::PATIENCE);
        let charges = wanted.into_iter().map(|wanted| Charge::read(wanted, &shelf)).collect();
        Ok(Self {
            authority,
            client,
            shelf,
            charges,
            validations,
            hook,
            random: Box::new(random),
            busy: Mutex::new(()),
        })
    }

    /// Where the certificates will lie: chain and key in one file, so that no moment sees one without the other.
    pub fn files(&self) -> impl Iterator<Item = CertificateFiles> {
        self.charges
            .iter()
            .map(|charge| CertificateFiles { chain: charge.file.clone(), key: charge.file.clone() })
    }

    /// Does what is due at `now`, at most one order of it, and says when to come again: at once, where more is due.
    pub async fn tend(&self, now: SystemTime) -> (Option<Outcome>, SystemTime) {
        let watch = Watch::set(now);
        for charge in self.charges.iter().filter(|charge| charge.may_ask(now)) {
            self.ask_for_hint(charge, now).await;
        }
        let outcome = self.order_what_is_due(now).await;
        let now = watch.now();
        let next = self.charges.iter().map(|charge| charge.next_look(now)).min();
        (outcome, next.unwrap_or(now + LONGEST_REST).min(now + LONGEST_REST))
    }

    async fn order_what_is_due(&self, now: SystemTime) -> Option<Outcome> {
        let watch = Watch::set(now);
        let _alone = self.busy.lock().await;
        let now = watch.now();
        let charge = self.charges.iter().find(|charge| charge.due(now) <= now)?;
        Some(self.renew_one(charge, now).await)
    }

    /// Renews at once what is called so by one of its names, whatever is planned; all without a name. `None` where
    /// something is under way already.
    pub async fn renew(&self, name: Option<&str>, now: SystemTime) -> Option<Vec<Outcome>> {
        let _alone = self.busy.try_lock().ok()?;
        let watch = Watch::set(now);
        let mut outcomes = Vec::new();
        for charge in self.charges.iter().filter(|charge| charge.is_called(name)) {
            outcomes.push(self.renew_one(charge, watch.now()).await);
        }
        Some(outcomes)
    }

    /// How all are.
    #[must_use]
    pub fn status(&self, now: SystemTime) -> Vec<Status> {
        self.charges.iter().map(|charge| charge.status(now)).collect()
    }

    async fn renew_one(&self, charge: &Charge, now: SystemTime) -> Outcome {
        let watch = Watch::set(now);
        let outcome = self.order(charge, now).await;
        // It may have taken hours: a pause begins when it is over.
        let now = watch.now();
        let names = charge.wanted.names.clone();
        match outcome {
            Ok(until) => {
                let rest = Some(seconds(now + AFTER_SUCCESS));
                charge.note(&self.shelf, |record| *record = Record { not_before: rest, ..Record::default() });
                Outcome::Issued { names, file: charge.file.clone(), until }
            }
            Err(why) => {
                let why: String = why.to_string().chars().take(MAX_PROBLEM).collect();
                let (failures, again) = self.note_failure(charge, &why, now);
                Outcome::Failed { names, why, failures, again }
            }
        }
    }

    fn note_failure(&self, charge: &Charge, why: &str, now: SystemTime) -> (u32, SystemTime) {
        let record = charge.note(&self.shelf, |record| {
            record.failures = record.failures.saturating_add(1);
            record.problem = Some(why.to_owned());
            record.not_before = Some(seconds(now + pause_after(record.failures, (self.random)())));
        });
        (record.failures, record.not_before.map_or(now, time))
    }

    async fn order(&self, charge: &Charge, now: SystemTime) -> Result<SystemTime, Failure> {
        let held = charge.held();
        let replaces = held.and_then(|held| held.identifier).filter(|_| charge.has_hint());
        let issued = match self.order_once(charge, replaces.clone()).await {
            // The authority has forgotten us, or was told to: then we introduce ourselves anew, once.
            Err(Failure::Order(OrderError::Acme(Error::Api(problem))))
                if problem.r#type.as_deref().is_some_and(|kind| kind.ends_with(":accountDoesNotExist")) =>
            {
                remove(&self.account_file()).map_err(Failure::Disk)?;
                self.order_once(charge, replaces).await?
            }
            outcome => outcome?,
        };
        self.shelf.write(&charge.file, issued.pem.as_bytes()).map_err(Failure::Disk)?;
        Ok(charge.held().map_or(now, |held| held.life.until))
    }

    async fn order_once(
        &self,
        charge: &Charge,
        replaces: Option<CertificateIdentifier<'static>>,
    ) -> Result<Issued, Failure> {
        let account = self.account().await?;
        let prover = Prover::new(&self.validations, self.hook.as_ref());
        let profile = self.authority.profile.as_deref();
        Ok(order::obtain(&account, &charge.wanted, profile, replaces, &prover).await?)
    }

    /// The account there; made at the first need, and kept before it is used.
    async fn account(&self) -> Result<Account, Failure> {
        let builder = || Account::builder_with_http(Box::new(Asker(self.client.clone())));
        let file = self.account_file();
        if let Some(kept) = Shelf::read(&file).map_err(Failure::Disk)? {
            let credentials: AccountCredentials =
                serde_json::from_slice(&kept).map_err(|why| Failure::Account(file, why.to_string()))?;
            return Ok(builder().from_credentials(credentials).await.map_err(OrderError::Acme)?);
        }
        let contact: Vec<_> = self.authority.contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: self.authority.agree_to_terms,
            only_return_existing: false,
        };
        let external = self.authority.external_account.as_ref();
        let external = external.map(|known| ExternalAccountKey::new(known.id.clone(), &known.key));
        let (account, credentials) = builder()
            .create(&new, self.authority.directory.clone(), external.as_ref())
            .await
            .map_err(OrderError::Acme)?;
        let text = serde_json::to_vec(&credentials)
            .map_err(|why| Failure::Account(file.clone(), why.to_string()))?;
        self.shelf.write(&file, &text).map_err(Failure::Disk)?;
        Ok(account)
    }

    /// One for each directory: a test authority's account is none at the real one.
    fn account_file(&self) -> PathBuf {
        let directory = self.authority.directory.trim_start_matches("https://");
        self.shelf.path(&format!("account-{directory}"), "json")
    }

    /// Asks the authority when it wishes the certificate to be renewed (RFC 9773, 4). What it says counts only for that
    /// certificate; the moment in the window is chosen once, and anew where the window is another.
    async fn ask_for_hint(&self, charge: &Charge, now: SystemTime) {
        let Some(identifier) = charge.held().and_then(|held| held.identifier) else { return };
        let answer = match self.account().await {
            Ok(account) => account.renewal_info(&identifier).await.ok(),
            Err(_) => None,
        };
        let Some((info, again)) = answer else {
            charge.note(&self.shelf, |record| record.ask_again = Some(seconds(now + ASK_LATER)));
            return;
        };
        let unix = |at: i64| u64::try_from(at).unwrap_or(0);
        let (start, end) = (info.suggested_window.start, info.suggested_window.end);
        let (start, end) = (unix(start.unix_timestamp()), unix(end.unix_timestamp()));
        let random = (self.random)();
        charge.note(&self.shelf, |record| {
            record.ask_again = Some(seconds(now + again.clamp(ASK_AT_MOST, ASK_AT_LEAST)));
            let certificate = identifier.to_string();
            let is_known = record.hint.as_ref().is_some_and(|hint| {
                hint.certificate == certificate && (hint.start, hint.end) == (start, end)
            });
            // RFC 9773, 4.2: a window that ends before it begins is to be treated as if there were none.
            if end < start {
                record.hint = None;
            } else if !is_known {
                let window = Window { start: time(start), end: time(end) };
                let moment = seconds(moment_in(window, random));
                let explanation = info.explanation_url.map(|url| url.chars().take(MAX_PROBLEM).collect());
                record.hint = Some(Hint { certificate, start, end, moment, explanation });
            }
        });
    }
}

impl Charge {
    fn read(wanted: Wanted, shelf: &Shelf) -> Self {
        let record_file = shelf.path(wanted.stem(), "json");
        // One that does not read says nothing: the worst is one attempt too early.
        let record = Shelf::read(&record_file).ok().flatten();
        let record = record.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file: shelf.path(wanted.stem(), "pem"), record_file, record: Lock::new(record), wanted }
    }

    fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is known, and writes it down. A disk that is full costs an attempt after the next start, no more.
    fn note(&self, shelf: &Shelf, change: impl FnOnce(&mut Record)) -> Record {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut record);
        if let Ok(text) = serde_json::to_vec_pretty(&*record) {
            shelf.write(&self.record_file, &text).ok();
        }
        record.clone()
    }

    fn is_called(&self, name: Option<&str>) -> bool {
        name.is_none_or(|name| self.wanted.names.iter().any(|own| own.eq_ignore_ascii_case(name)))
    }

    fn held(&self) -> Option<Held> {
        let text = Shelf::read(&self.file).ok()??;
        let leaf = CertificateDer::pem_slice_iter(&text).next()?.ok()?;
        let portrait =
            Portrait::of(std::slice::from_ref(&leaf), &Authorities::these([]), SystemTime::UNIX_EPOCH)?;
        let parsed = ParsedCertificate::try_from(&leaf).ok()?;
        Some(Held {
            life: Life { from: portrait.from, until: portrait.until },
            identifier: identifier(&leaf),
            has_all_names: self.wanted.names.iter().all(|name| order::covers(&parsed, name)),
        })
    }

    /// Whether the wish that is known is about the certificate that we have.
    fn has_hint(&self) -> bool {
        let held = self.held().and_then(|held| held.identifier).map(|identifier| identifier.to_string());
        self.record().hint.is_some_and(|hint| held == Some(hint.certificate))
    }

    fn may_ask(&self, now: SystemTime) -> bool {
        self.record().ask_again.is_none_or(|again| time(again) <= now)
    }

    /// When the next attempt is to be made.
    fn due(&self, now: SystemTime) -> SystemTime {
        let record = self.record();
        let planned = match self.held() {
            Some(held) if held.has_all_names => planned(&held, &record),
            // Whoever has just got one and wants a name more need not wait. One that cannot be read has to: it may have just
            // been got, and the next would come to the same.
            Some(_) if record.failures == 0 => return now,
            _ => now,
        };
        record.not_before.map_or(planned, |pause| planned.max(time(pause)))
    }

    fn next_look(&self, now: SystemTime) -> SystemTime {
        let has_one = self.held().is_some_and(|held| held.identifier.is_some());
        let ask = self.record().ask_again.filter(|_| has_one).map_or(now + LONGEST_REST, time);
        // A certificate that has just come has not been asked about.
        let ask = if has_one && self.record().ask_again.is_none() { now } else { ask };
        self.due(now).min(ask)
    }

    fn status(&self, now: SystemTime) -> Status {
        Status {
            names: self.wanted.names.clone(),
            proof: self.wanted.proof,
            file: self.file.clone(),
            is_there: self.held().is_some(),
            next: self.due(now).max(now),
            record: self.record(),
        }
    }
}

/// As the authority wishes, or at two thirds of the life; but never so late that no second attempt would come in time.
fn planned(held: &Held, record: &Record) -> SystemTime {
    let own = held.identifier.as_ref().map(ToString::to_string);
    let hint = record.hint.as_ref().filter(|hint| Some(&hint.certificate) == own.as_ref());
    let moment = hint.map(|hint| time(hint.moment).clamp(hint.window().start, hint.window().end));
    moment.unwrap_or_else(|| usual_renewal(held.life)).min(held.life.last_chance())
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error("the files of ACME cannot be written or read: {0}")]
    Disk(io::Error),
    #[error("{path} does not read as an account: {why}; remove it to make a new one", path = .0.display(), why = .1)]
    Account(PathBuf, String),
}
