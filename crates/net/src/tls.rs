//! How a TLS handshake goes, and the proof that it is over. What is shown in it is the affair of `certificates`.
//!
//! TLS 1.2 and 1.3 by rustls over aws-lc-rs; the hybrid X25519MLKEM768 is the first group we offer. There is no
//! switch for anything older, and no early data: a replayed command would be a command.

use crate::bindings;
use certificates::Certificates;
use events::{TlsGroup, TlsVersion};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, ProtocolVersion, ServerConfig};
use sasl::{Channel, ClientCertificate};
use session::encrypted::{Encrypted, Handshake};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::server::TlsStream;

/// The ALPN id of IMAP (RFC 9051, 11.1; IANA "imap"). A client that offers other protocols only is refused, so that no
/// web page can be made to talk to us (the ALPACA attack).
const ALPN_IMAP: &[u8] = b"imap";

/// How a TLS handshake goes on an IMAP listener that shows these certificates.
///
/// # Errors
/// None that an admin can cause; rustls' own word if its provider could not do TLS 1.2 and 1.3.
pub fn imap_config(certificates: &Arc<Certificates>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::<Certificates>::clone(certificates));
    config.alpn_protocols = vec![ALPN_IMAP.to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    // One ticket, not two: a mail client holds one connection for hours and resumes seldom.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// How handshakes go on a listener. The certificate is chosen as soon as the client has said hello, and the rest goes by a
/// configuration that has no other, so that it is known which one was shown.
#[derive(Debug)]
pub(crate) struct Tls {
    base: Arc<ServerConfig>,
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
        Self { base, made: Mutex::default() }
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
    /// What the line can be bound to, and who is at its other end.
    pub(crate) channel: Channel,
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
        let bindings = bindings::of(stream.get_ref().1, made.leaf(), extended_master_secret);
        Self { stream, server_name, channel: Channel { bindings, certificate: ClientCertificate::None } }
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
