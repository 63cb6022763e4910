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
mod stamp;
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
use stamp::Stamp;
use std::collections::BTreeMap;
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
    /// Held while the files are looked at.
    seen: Mutex<Seen>,
}

/// What is known of a pair of files.
#[derive(Debug)]
struct Seen {
    /// How those looked that are in use. `None` as long as none were of use: then they are read at each look, for a file that
    /// could not be read may be by the next one without looking otherwise (a limit of ours, a disk).
    read: Option<Stamps>,
    /// What was wrong at the last look, and has been told.
    trouble: Option<CertificateError>,
}

/// A pair of files, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which.
    pub files: CertificateFiles,
    /// What it looks like, where it can be read so far.
    pub portrait: Option<Portrait>,
}

/// How the two files look; `None` for one that is not there.
type Stamps = [Option<Stamp>; 2];

/// What comes of reading a pair of files.
type Read = Result<Arc<CertifiedKey>, CertificateError>;

/// What became of one pair of files at a look.
#[derive(Debug)]
pub enum Reloaded {
    /// New handshakes get the new certificate.
    Replaced(CertificateFiles),
    /// The files changed, but cannot be read, or what they hold cannot be used: the old pair stays. Told once, and again when
    /// it is for another reason.
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
        let read = files.enumerate().map(|(place, files)| {
            let (pair, read) = Pair::read_first(files, &provider);
            match read {
                Err(why) if place < needed => Err(why),
                read => Ok((pair, read.ok())),
            }
        });
        let (pairs, shown) = read.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok(Self { shown: RwLock::new(shown), pairs, provider })
    }

    /// The pairs that are there: all but those that are awaited still.
    #[must_use]
    pub fn loaded(&self) -> Vec<&CertificateFiles> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let pairs = self.pairs.iter().zip(shown.iter());
        pairs.filter(|(_, key)| key.is_some()).map(|(pair, _)| &pair.files).collect()
    }

    /// When each of those that are shown ends, by its first name; of a chain that of the first that ends, and of several of the
    /// same name likewise. One without a name goes by that of its file. One that cannot be read so far is not there.
    #[must_use]
    pub fn ends(&self) -> BTreeMap<String, SystemTime> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut ends = BTreeMap::new();
        for (pair, key) in self.pairs.iter().zip(&shown) {
            let Some((name, end)) = key.as_ref().and_then(|key| named_end(&pair.files, key)) else {
                continue;
            };
            let first = ends.entry(name).or_insert(end);
            *first = end.min(*first);
        }
        ends
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

    /// Looks whether files have changed and takes in what is sound. Cheap when nothing has: two `stat`s a pair. Files that are
    /// not, or cannot be read, are read at each look until they are.
    pub fn look_again(&self) -> Vec<Reloaded> {
        self.look_again_by(|files| certified(files, &self.provider))
    }

    fn look_again_by(&self, read: impl Fn(&CertificateFiles) -> Read) -> Vec<Reloaded> {
        self.pairs.iter().enumerate().filter_map(|(place, pair)| self.look_at(place, pair, &read)).collect()
    }

    fn look_at(
        &self,
        place: usize,
        pair: &Pair,
        read: impl Fn(&CertificateFiles) -> Read,
    ) -> Option<Reloaded> {
        match pair.fresh(read)? {
            Err(why) => Some(Reloaded::Kept(pair.files.clone(), why)),
            Ok(fresh) => {
                let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
                if let Some(old) = shown.get_mut(place) {
                    *old = Some(fresh);
                }
                Some(Reloaded::Replaced(pair.files.clone()))
            }
        }
    }
}

impl Pair {
    fn read_first(files: CertificateFiles, provider: &CryptoProvider) -> (Self, Read) {
        let now = stamps(&files);
        let read = certified(&files, provider);
        let seen = Seen { read: read.is_ok().then_some(now), trouble: read.as_ref().err().cloned() };
        (Self { files, seen: Mutex::new(seen) }, read)
    }

    /// What is in the files, where they are not those that are in use; `None` where they are, and where the same is wrong with
    /// them as at the last look.
    fn fresh(&self, read: impl Fn(&CertificateFiles) -> Read) -> Option<Read> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before a file is opened: whatever is written meanwhile makes it look otherwise at the next look.
        let now = stamps(&self.files);
        if seen.read == Some(now) {
            seen.trouble = None;
            return None;
        }
        let read = read(&self.files);
        let trouble = read.as_ref().err().cloned();
        if read.is_ok() {
            seen.read = Some(now);
        }
        let is_known = trouble.is_some() && trouble == seen.trouble;
        seen.trouble = trouble;
        (!is_known).then_some(read)
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

fn named_end(files: &CertificateFiles, key: &CertifiedKey) -> Option<(String, SystemTime)> {
    let leaf = x509_cert::Certificate::from_der(key.cert.first()?).ok()?;
    let file = || files.chain.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = examine::names(&leaf).into_iter().next().or_else(file)?;
    let ends = key.cert.iter().map(end).collect::<Option<Vec<_>>>()?;
    Some((name, ends.into_iter().min()?))
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

fn certified(files: &CertificateFiles, provider: &CryptoProvider) -> Read {
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
    [&files.chain, &files.key].map(|path| Stamp::of(path))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::time::Duration;

    /// A pair of files in a folder that goes with it. All such pairs have the same length and the same time.
    struct OnDisk(PathBuf);

    impl OnDisk {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("gatepost-pair-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            let pair = Self(folder);
            pair.replace();
            pair
        }

        fn files(&self) -> CertificateFiles {
            CertificateFiles { chain: self.0.join("chain.pem"), key: self.0.join("key.pem") }
        }

        /// As who renews does: new files, in the places of the old ones.
        fn replace(&self) {
            let made = rcgen::generate_simple_self_signed(["mail.example.org".to_owned()]).unwrap();
            let CertificateFiles { chain, key } = self.files();
            for (path, mut text) in [(chain, made.cert.pem()), (key, made.signing_key.serialize_pem())] {
                text.push_str(&"\n".repeat(4096 - text.len()));
                let new = path.with_extension("new");
                fs::write(&new, text).unwrap();
                let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
                File::options().write(true).open(&new).unwrap().set_modified(long_ago).unwrap();
                fs::rename(&new, path).unwrap();
            }
        }
    }

    impl Drop for OnDisk {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// What a look comes to, in a word each.
    fn words(looked: &[Reloaded]) -> Vec<&'static str> {
        let word = |one: &Reloaded| match one {
            Reloaded::Replaced(_) => "replaced",
            Reloaded::Kept(..) => "kept",
        };
        looked.iter().map(word).collect()
    }

    fn not_now(files: &CertificateFiles) -> Read {
        Err(CertificateError::Unreadable { path: files.key.clone(), why: "Permission denied".into() })
    }

    #[test]
    fn a_pair_with_the_length_and_the_time_of_the_one_before_is_another() {
        let disk = OnDisk::new("alike");
        let certificates = Certificates::load(vec![disk.files()]).unwrap();
        assert_eq!(words(&certificates.look_again()), [""; 0]);
        disk.replace();
        assert_eq!(words(&certificates.look_again()), ["replaced"]);
        assert_eq!(words(&certificates.look_again()), [""; 0]);
    }

    #[test]
    fn what_cannot_be_read_is_told_once_and_read_at_each_look_until_it_can() {
        let disk = OnDisk::new("unreadable");
        let certificates = Certificates::load(vec![disk.files()]).unwrap();
        disk.replace();
        assert_eq!(words(&certificates.look_again_by(not_now)), ["kept"]);
        assert_eq!(words(&certificates.look_again_by(not_now)), [""; 0], "for the same reason");
        // Nothing has been done to the files.
        assert_eq!(words(&certificates.look_again()), ["replaced"]);
        assert_eq!(words(&certificates.look_again()), [""; 0]);
    }

    #[test]
    fn a_reason_that_came_back_is_told_again() {
        let disk = OnDisk::new("again");
        let certificates = Certificates::load(vec![disk.files()]).unwrap();
        for _ in 0..2 {
            disk.replace();
            assert_eq!(words(&certificates.look_again_by(not_now)), ["kept"]);
            assert_eq!(words(&certificates.look_again()), ["replaced"]);
        }
        fs::remove_file(disk.files().key).unwrap();
        assert_eq!(words(&certificates.look_again_by(not_now)), ["kept"]);
        assert_eq!(words(&certificates.look_again()), ["kept"], "for another reason");
    }

    #[test]
    fn a_pair_that_is_awaited_is_told_of_when_it_comes_and_not_before() {
        let disk = OnDisk::new("awaited");
        let gone = disk.0.join("gone");
        fs::rename(disk.files().key, &gone).unwrap();
        let certificates = Certificates::load_and_await(Vec::new(), vec![disk.files()]).unwrap();
        assert_eq!(words(&certificates.look_again()), [""; 0]);
        fs::rename(&gone, disk.files().key).unwrap();
        assert_eq!(words(&certificates.look_again()), ["replaced"]);
        assert_eq!(certificates.loaded(), [&disk.files()]);
    }
}
