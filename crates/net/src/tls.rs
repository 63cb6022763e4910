//! How a TLS handshake goes, and the proof that it is over. What is shown in it is the affair of `certificates`.
//!
//! TLS 1.2 and 1.3 by rustls over aws-lc-rs; the hybrid X25519MLKEM768 is the first group we offer. A profile may take
//! less. There is no switch for anything older, and no early data: a replayed command would be a command.

use crate::bindings;
use crate::server::StartError;
use certificates::{Certificates, Fingerprints, client_verifier};
use door::ShownCertificate;
use events::{TlsGroup, TlsVersion};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, HandshakeKind, NamedGroup, ProtocolVersion, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use sasl::{Channel, ClientCertificate};
use session::encrypted::{Encrypted, Handshake};
use settings::{Listener, Settings, TlsProfile};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::server::TlsStream;

/// The ALPN id of IMAP (RFC 9051, 11.1; IANA "imap"). A client that offers other protocols only is refused, so that no
/// web page can be made to talk to us (the ALPACA attack).
const ALPN_IMAP: &[u8] = b"imap";

/// How a TLS handshake goes on an IMAP listener of a profile that shows these certificates.
///
/// # Errors
/// None that an admin can cause, for the settings are checked before; rustls' own word if its provider could not do what
/// they ask for.
pub fn imap_config(
    certificates: &Arc<Certificates>,
    profile: TlsProfile,
    settings: &settings::Tls,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    config(certificates, profile, settings, None)
}

/// The same, where clients are asked for a certificate if there is somebody to verify it.
fn config(
    certificates: &Arc<Certificates>,
    profile: TlsProfile,
    settings: &settings::Tls,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let versions = versions(profile, settings);
    let config = ServerConfig::builder_with_provider(Arc::new(provider(profile, settings, &versions)))
        .with_protocol_versions(&versions)?;
    let asks = clients.is_some();
    let config = match clients {
        Some(verifier) => config.with_client_cert_verifier(verifier),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(Arc::<Certificates>::clone(certificates));
    config.alpn_protocols = vec![ALPN_IMAP.to_vec()];
    if asks {
        never_resume(&mut config);
    } else {
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        // One ticket, not two: a mail client holds one connection for hours and resumes seldom.
        config.send_tls13_tickets = 1;
    }
    Ok(Arc::new(config))
}

/// A session that is resumed brings the client's certificate of the day when it began: nobody verifies that again, and it
/// may have ended since. So each connection begins anew. Tickets of TLS 1.2 are not given by themselves.
fn never_resume(config: &mut ServerConfig) {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
}

/// The versions that a profile takes.
fn versions(profile: TlsProfile, settings: &settings::Tls) -> Vec<&'static SupportedProtocolVersion> {
    match profile {
        TlsProfile::Compatible => vec![&TLS13, &TLS12],
        TlsProfile::Modern => vec![&TLS13],
        TlsProfile::Custom => settings
            .versions
            .iter()
            .map(|version| match version {
                settings::TlsVersion::V12 => &TLS12,
                settings::TlsVersion::V13 => &TLS13,
            })
            .collect(),
    }
}

/// The suites of these versions, and the groups.
fn provider(
    profile: TlsProfile,
    settings: &settings::Tls,
    versions: &[&'static SupportedProtocolVersion],
) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if profile == TlsProfile::Custom {
        provider
            .cipher_suites
            .retain(|known| settings.suites.iter().any(|asked| suite(*asked) == known.suite()));
        provider.kx_groups.retain(|known| settings.groups.iter().any(|asked| group(*asked) == known.name()));
    }
    provider.cipher_suites.retain(|suite| versions.contains(&suite.version()));
    provider
}

const fn suite(suite: settings::TlsSuite) -> CipherSuite {
    use settings::TlsSuite as Asked;
    match suite {
        Asked::Aes256 => CipherSuite::TLS13_AES_256_GCM_SHA384,
        Asked::Aes128 => CipherSuite::TLS13_AES_128_GCM_SHA256,
        Asked::ChaCha20 => CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        Asked::EcdsaAes256 => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Asked::EcdsaAes128 => CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Asked::EcdsaChaCha20 => CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        Asked::RsaAes256 => CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Asked::RsaAes128 => CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Asked::RsaChaCha20 => CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

const fn group(group: settings::TlsGroup) -> NamedGroup {
    match group {
        settings::TlsGroup::X25519MlKem768 => NamedGroup::X25519MLKEM768,
        settings::TlsGroup::X25519 => NamedGroup::X25519,
        settings::TlsGroup::Secp256r1 => NamedGroup::secp256r1,
        settings::TlsGroup::Secp384r1 => NamedGroup::secp384r1,
    }
}

/// How handshakes go on each kind of listener.
#[derive(Debug)]
pub(crate) struct Profiles {
    usual: TlsProfile,
    compatible: Tls,
    modern: Tls,
    custom: Tls,
    /// Those that ask for client certificates, by their places among the listeners.
    asking: BTreeMap<usize, Tls>,
}

/// What a listener has of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListenerTls {
    profile: Option<TlsProfile>,
    /// Its place among the listeners, where it asks for client certificates.
    asks_at: Option<usize>,
}

impl ListenerTls {
    /// That of the listener at a place.
    pub(crate) fn of(place: usize, listener: &Listener) -> Self {
        let asks_at = listener.client_certificates.as_ref().map(|_| place);
        Self { profile: listener.tls, asks_at }
    }
}

impl Profiles {
    /// Those of the settings.
    ///
    /// # Errors
    /// A file of authorities for client certificates that cannot be used, or rustls' own word.
    pub(crate) fn new(certificates: &Arc<Certificates>, settings: &Settings) -> Result<Self, StartError> {
        let asking = asking(certificates, settings)?;
        let settings = &settings.tls;
        let tls = |profile| imap_config(certificates, profile, settings).map(Tls::new);
        Ok(Self {
            asking,
            usual: settings.profile,
            compatible: tls(TlsProfile::Compatible)?,
            modern: tls(TlsProfile::Modern)?,
            custom: tls(TlsProfile::Custom)?,
        })
    }

    /// That of a listener, which may have one of its own.
    pub(crate) fn of(&self, own: ListenerTls) -> &Tls {
        if let Some(asking) = own.asks_at.and_then(|place| self.asking.get(&place)) {
            return asking;
        }
        match own.profile.unwrap_or(self.usual) {
            TlsProfile::Compatible => &self.compatible,
            TlsProfile::Modern => &self.modern,
            TlsProfile::Custom => &self.custom,
        }
    }
}

/// Whoever shows a certificate to one listener has shown none to another, so each has a configuration of its own.
fn asking(certificates: &Arc<Certificates>, settings: &Settings) -> Result<BTreeMap<usize, Tls>, StartError> {
    let listeners = settings.network.listeners.iter().enumerate();
    let files = listeners.filter_map(|(place, listener)| {
        Some((place, listener.tls.unwrap_or(settings.tls.profile), listener.client_certificates.as_ref()?))
    });
    files
        .map(|(place, profile, file)| {
            let config = config(certificates, profile, &settings.tls, Some(client_verifier(file)?))?;
            Ok((place, Tls::new(config)))
        })
        .collect()
}

/// What a listener takes, in words for the admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Takes {
    pub(crate) versions: &'static str,
    pub(crate) suites: String,
    pub(crate) groups: String,
}

impl Takes {
    fn of(config: &ServerConfig) -> Self {
        let provider = config.crypto_provider();
        let has = |version| provider.cipher_suites.iter().any(|suite| suite.version() == version);
        let versions = match (has(&TLS12), has(&TLS13)) {
            (true, true) => "TLS 1.2 and 1.3",
            (true, false) => "TLS 1.2",
            _ => "TLS 1.3",
        };
        let suites = provider.cipher_suites.iter().filter_map(|suite| suite.suite().as_str());
        let groups = provider.kx_groups.iter().filter_map(|group| group.name().as_str());
        Self { versions, suites: listed(suites), groups: listed(groups) }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// How handshakes go on a listener. The certificate is chosen as soon as the client has said hello, and the rest goes by a
/// configuration that has no other, so that it is known which one was shown.
#[derive(Debug)]
pub(crate) struct Tls {
    base: Arc<ServerConfig>,
    pub(crate) takes: Takes,
    made: Mutex<Vec<Made>>,
}

/// The configuration of one certificate.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    shown: Option<Arc<CertifiedKey>>,
    pub(crate) config: Arc<ServerConfig>,
}

/// How many configurations are kept; the oldest goes where there are more certificates, and is made again.
const MAX_MADE: usize = 64;

impl Tls {
    pub(crate) fn new(base: Arc<ServerConfig>) -> Self {
        Self { takes: Takes::of(&base), base, made: Mutex::default() }
    }

    /// The one for a client that says this.
    pub(crate) fn answer(&self, hello: ClientHello<'_>) -> Made {
        let Some(shown) = self.base.cert_resolver.resolve(hello) else {
            // The handshake will say so.
            return Made { shown: None, config: Arc::clone(&self.base) };
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |made: &&Made| made.shown.as_ref().is_some_and(|other| Arc::ptr_eq(other, &shown));
        if let Some(found) = made.iter().find(is_it) {
            return found.clone();
        }
        if made.len() >= MAX_MADE {
            made.remove(0);
        }
        made.push(self.made_for(shown));
        made.last().cloned().expect("it has just been put there")
    }

    fn made_for(&self, shown: Arc<CertifiedKey>) -> Made {
        let mut config = ServerConfig::clone(&self.base);
        config.cert_resolver = Arc::new(Always(Arc::clone(&shown)));
        Made { shown: Some(shown), config: Arc::new(config) }
    }
}

impl Made {
    /// The certificate, without those that vouch for it.
    fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.shown.as_ref()?.cert.first()
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A line that nobody else reads: what a finished handshake leaves.
#[derive(Debug)]
pub(crate) struct PrivateLine<IO> {
    pub(crate) stream: TlsStream<IO>,
    /// The host name that the client asked for.
    pub(crate) server_name: Option<Box<str>>,
    /// What the line can be bound to, and whether its other end has shown who it is.
    pub(crate) channel: Channel,
    /// The certificate by which it has.
    pub(crate) certificate: Option<Arc<ShownCertificate>>,
}

impl<IO> Handshake for PrivateLine<IO> {
    fn is_complete(&self) -> bool {
        !self.stream.get_ref().1.is_handshaking()
    }
}

impl<IO> PrivateLine<IO> {
    /// Of a handshake that is over.
    pub(crate) fn new(
        stream: TlsStream<IO>,
        server_name: Option<Box<str>>,
        made: &Made,
        extended_master_secret: bool,
    ) -> Self {
        let connection = stream.get_ref().1;
        let bindings = bindings::of(connection, made.leaf(), extended_master_secret);
        let shown = shown(connection);
        let certificate = match shown {
            Some(_) => ClientCertificate::Verified,
            None => ClientCertificate::None,
        };
        let channel = Channel { bindings, certificate };
        Self { stream, server_name, channel, certificate: shown.map(Arc::new) }
    }

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

/// The certificate that a client has shown in this handshake, which rustls has verified: it keeps no other.
fn shown(connection: &ServerConnection) -> Option<ShownCertificate> {
    if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
        return None;
    }
    let Fingerprints { certificate, public_key } =
        Fingerprints::of(connection.peer_certificates()?.first()?)?;
    Some(ShownCertificate { certificate, public_key })
}
