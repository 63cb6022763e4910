//! Certificates: what is shown to whom, and how a fresh one comes in without a connection going out.
//!
//! > **Promise.** One entry a configured pair, and nothing for a name that a client makes up. What cannot be used is
//! > never shown: while files are being replaced, the pair that was read last stays.
//!
//! What clients would not like about one is told by a [`Portrait`] of it.
//!
//! Left to others: how a handshake goes, and the proof that it is over (`net`).

mod clients;
mod examine;
mod validations;

pub use clients::{Fingerprints, MAX_AUTHORITY_NAMES_OCTETS, NoCertificate, client_verifier};
pub use examine::{Authorities, Finding, Portrait, SOON};
pub use validations::{ALPN_ACME, MAX_PROOFS, Validations};

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;
use x509_cert::der::Decode;

/// A certificate chain and its key, each a PEM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The server's own certificate first, then the intermediates.
    pub chain: PathBuf,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// The certificates that we show. The first is for clients that name no server, or one that we do not know.
///
/// Holds one entry a configured pair and nothing per name that a client makes up (threat T-7).
#[derive(Debug)]
pub struct Certificates {
    /// In the order of the pairs; `None` where one is awaited still.
    shown: RwLock<Vec<Option<Arc<CertifiedKey>>>>,
    pairs: Vec<Pair>,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
struct Pair {
    files: CertificateFiles,
    seen: Mutex<Stamps>,
}

/// A pair of files, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which.
    pub files: CertificateFiles,
    /// What it looks like, where it can be read so far.
    pub portrait: Option<Portrait>,
}

/// How the two files looked when we last read them: what changes when somebody replaces one.
type Stamps = [Option<(SystemTime, u64)>; 2];

/// What became of one pair of files at a look.
#[derive(Debug)]
pub enum Reloaded {
    /// New handshakes get the new certificate.
    Replaced(CertificateFiles),
    /// The files changed, but what they hold cannot be used: the old pair stays.
    Kept(CertificateFiles, CertificateError),
}

impl Certificates {
    /// Reads every pair.
    ///
    /// # Errors
    /// No pair at all, or the first that cannot be used, in words for the admin.
    pub fn load(files: Vec<CertificateFiles>) -> Result<Self, CertificateError> {
        Self::load_and_await(files, Vec::new())
    }

    /// Reads every pair of `files`, and what there is of `awaited`: pairs that somebody is getting, and that are shown from
    /// when they come. While nothing is there to show, handshakes are refused.
    ///
    /// # Errors
    /// No pair at all, or the first of `files` that cannot be used, in words for the admin.
    pub fn load_and_await(
        files: Vec<CertificateFiles>,
        awaited: Vec<CertificateFiles>,
    ) -> Result<Self, CertificateError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        if files.is_empty() && awaited.is_empty() {
            return Err(CertificateError::None);
        }
        let needed = files.len();
        let files = files.into_iter().chain(awaited);
        let pairs: Vec<_> = files.map(|files| Pair { seen: Mutex::new(stamps(&files)), files }).collect();
        let read = pairs.iter().enumerate().map(|(place, pair)| match certified(&pair.files, &provider) {
            Err(why) if place < needed => Err(why),
            read => Ok(read.ok()),
        });
        let shown = read.collect::<Result<_, _>>()?;
        Ok(Self { shown: RwLock::new(shown), pairs, provider })
    }

    /// The pairs that are there: all but those that are awaited still.
    #[must_use]
    pub fn loaded(&self) -> Vec<&CertificateFiles> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let pairs = self.pairs.iter().zip(shown.iter());
        pairs.filter(|(_, key)| key.is_some()).map(|(pair, _)| &pair.files).collect()
    }

    /// When the first of those that are shown ends, those of authorities among them. `None` where one cannot be read so far.
    #[must_use]
    pub fn first_end(&self) -> Option<SystemTime> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let ends = shown.iter().flatten().flat_map(|key| &key.cert).map(end);
        ends.collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    /// What each of those that are shown looks like, in the order of the settings; `None` where one cannot be read so far.
    #[must_use]
    pub fn portraits(&self, authorities: &Authorities, now: SystemTime) -> Vec<Shown> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let portrait = |key: Arc<CertifiedKey>| Portrait::of(&key.cert, authorities, now);
        let pairs = self.pairs.iter().zip(shown);
        let shown =
            |(pair, key): (&Pair, _)| Some(Shown { files: pair.files.clone(), portrait: portrait(key?) });
        pairs.filter_map(shown).collect()
    }

    /// Those of the published names that no certificate is for: clients that are told to use them will refuse us.
    #[must_use]
    pub fn unnamed<'n>(&self, published: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let leaves: Vec<_> = shown.iter().flatten().filter_map(|key| key.cert.first().cloned()).collect();
        examine::unnamed(published, &leaves)
    }

    /// Looks whether files have changed and takes in what is sound. Cheap when nothing has: two `stat`s a pair.
    pub fn look_again(&self) -> Vec<Reloaded> {
        self.pairs.iter().enumerate().filter_map(|(i, pair)| self.look_at(i, pair)).collect()
    }

    fn look_at(&self, place: usize, pair: &Pair) -> Option<Reloaded> {
        let now = stamps(&pair.files);
        {
            let mut seen = pair.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return None;
            }
            *seen = now;
        }
        Some(match certified(&pair.files, &self.provider) {
            Err(why) => Reloaded::Kept(pair.files.clone(), why),
            Ok(fresh) => {
                let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
                if let Some(old) = shown.get_mut(place) {
                    *old = Some(fresh);
                }
                Reloaded::Replaced(pair.files.clone())
            }
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let mut there = shown.iter().flatten();
        name.and_then(|name| there.clone().find(|key| covers(key, &name))).or_else(|| there.next()).cloned()
    }
}

/// When a certificate ends (RFC 5280, 4.1.2.5).
fn end(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    Some(SystemTime::UNIX_EPOCH + certificate.tbs_certificate().validity().not_after.to_unix_duration())
}

fn covers(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    key.cert
        .first()
        .and_then(|der| ParsedCertificate::try_from(der).ok())
        .is_some_and(|cert| verify_server_name(&cert, name).is_ok())
}

fn certified(
    files: &CertificateFiles,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |why: rustls::pki_types::pem::Error| CertificateError::Unreadable { path, why: why.to_string() }
    };
    let chain = CertificateDer::pem_file_iter(&files.chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&files.chain))?;
    if chain.is_empty() {
        return Err(CertificateError::Empty(files.chain.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    let unusable =
        |why: rustls::Error| CertificateError::Unusable { files: files.clone(), why: why.to_string() };
    // Checks that the key belongs to the certificate: a half-replaced pair is the commonest mistake.
    CertifiedKey::from_der(chain, key, provider).map(Arc::new).map_err(unusable)
}

fn stamps(files: &CertificateFiles) -> Stamps {
    [&files.chain, &files.key].map(|path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    })
}

/// Why a certificate cannot be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Nothing is configured.
    #[error("no certificate is configured: name a chain and a key file in tls.certificates")]
    None,
    /// A file cannot be read, or is not PEM.
    #[error("cannot read {}: {why}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the reader said.
        why: String,
    },
    /// What was made to be validated by cannot be used.
    #[error("a proof for a validation cannot be used: {0}")]
    Proof(String),
    /// No certificate in the file.
    #[error("{} holds no certificate: it should be PEM, the server's certificate first", .0.display())]
    Empty(PathBuf),
    /// What a file holds cannot vouch for client certificates.
    #[error("{} cannot be taken for authorities of client certificates: {why}", path.display())]
    ClientAuthorities {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Key and certificate do not belong together, or are of a kind that we cannot use.
    #[error("{files} cannot be used: {why}; if the certificate was renewed, both files must be replaced")]
    Unusable {
        /// Which pair.
        files: CertificateFiles,
        /// What rustls said.
        why: String,
    },
}

impl fmt::Display for CertificateFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with key {}", self.chain.display(), self.key.display())
    }
}
