//! What we show at a TLS handshake, and how a fresh certificate comes in without a connection going out.
//!
//! TLS 1.2 and 1.3 by rustls over aws-lc-rs; the hybrid X25519MLKEM768 is the first group we offer. There is no
//! switch for anything older, and no early data: a replayed command would be a command.

use events::{TlsGroup, TlsVersion};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, ProtocolVersion};
use rustls::{ServerConfig, client::verify_server_name};
use session::encrypted::{Encrypted, Handshake};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;
use tokio_rustls::server::TlsStream;
use x509_cert::der::Decode;

/// The ALPN id of IMAP (RFC 9051, 11.1; IANA "imap"). A client that offers other protocols only is refused, so that no
/// web page can be made to talk to us (the ALPACA attack).
const ALPN_IMAP: &[u8] = b"imap";

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
    shown: RwLock<Vec<Arc<CertifiedKey>>>,
    pairs: Vec<Pair>,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
struct Pair {
    files: CertificateFiles,
    seen: Mutex<Stamps>,
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
        let provider = Arc::new(aws_lc_rs::default_provider());
        if files.is_empty() {
            return Err(CertificateError::None);
        }
        let pairs: Vec<_> =
            files.into_iter().map(|files| Pair { seen: Mutex::new(stamps(&files)), files }).collect();
        let shown = pairs.iter().map(|pair| certified(&pair.files, &provider)).collect::<Result<_, _>>()?;
        Ok(Self { shown: RwLock::new(shown), pairs, provider })
    }

    /// The configured pairs.
    pub fn files(&self) -> impl Iterator<Item = &CertificateFiles> {
        self.pairs.iter().map(|pair| &pair.files)
    }

    /// When the first of those that are shown ends, those of authorities among them. `None` where one cannot be read so far.
    #[must_use]
    pub fn first_end(&self) -> Option<SystemTime> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        let ends = shown.iter().flat_map(|key| &key.cert).map(end);
        ends.collect::<Option<Vec<_>>>()?.into_iter().min()
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
                    *old = fresh;
                }
                Reloaded::Replaced(pair.files.clone())
            }
        })
    }

    /// How a TLS handshake goes on an IMAP listener that shows these certificates.
    ///
    /// # Errors
    /// None that an admin can cause; rustls' own word if its provider could not do TLS 1.2 and 1.3.
    pub fn imap_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = vec![ALPN_IMAP.to_vec()];
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        // One ticket, not two: a mail client holds one connection for hours and resumes seldom.
        config.send_tls13_tickets = 1;
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        name.and_then(|name| shown.iter().find(|key| covers(key, &name))).or_else(|| shown.first()).cloned()
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

/// A line that nobody else reads: what a finished handshake leaves.
#[derive(Debug)]
pub(crate) struct PrivateLine<IO> {
    pub(crate) stream: TlsStream<IO>,
    /// The host name that the client asked for.
    pub(crate) server_name: Option<Box<str>>,
}

impl<IO> Handshake for PrivateLine<IO> {
    fn is_complete(&self) -> bool {
        !self.stream.get_ref().1.is_handshaking()
    }
}

impl<IO> PrivateLine<IO> {
    /// The proof that a session asks for; none while the handshake goes on.
    pub(crate) fn proof(&self) -> Option<Encrypted> {
        Encrypted::after(self)
    }

    pub(crate) fn version(&self) -> TlsVersion {
        match self.stream.get_ref().1.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            // There are two, and the handshake is over.
            _ => TlsVersion::Tls13,
        }
    }

    /// None where TLS 1.2 resumed a session: nothing was exchanged.
    pub(crate) fn group(&self) -> Option<TlsGroup> {
        let group = self.stream.get_ref().1.negotiated_key_exchange_group()?;
        Some(match group.name() {
            NamedGroup::X25519MLKEM768 => TlsGroup::X25519MlKem768,
            NamedGroup::X25519 => TlsGroup::X25519,
            NamedGroup::secp256r1 => TlsGroup::Secp256r1,
            NamedGroup::secp384r1 => TlsGroup::Secp384r1,
            _ => TlsGroup::Other,
        })
    }
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
    /// No certificate in the file.
    #[error("{} holds no certificate: it should be PEM, the server's certificate first", .0.display())]
    Empty(PathBuf),
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
