//! The TLS handshake, and why it failed, in words for the admin.
//!
//! The client's offer is kept until the handshake is over, so that the line in the log can say what the client is
//! and what to do about it; after that nothing of it stays but the host name.

use crate::hello::{MAX_HELLO_OCTETS, Said};
use crate::octets::Duplex;
use crate::tls::{PrivateLine, Takes, Tls};
use rustls::server::{Acceptor, ClientHello};
use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::LazyConfigAcceptor;

/// A handshake that failed.
#[derive(Debug)]
pub(crate) struct Failed<IO> {
    pub(crate) problem: Problem,
    pub(crate) offer: Option<Offer>,
    /// To take leave; an alert is on its way. None where the peer took too long.
    pub(crate) io: Option<Overheard<IO>>,
}

/// What a client offered.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) versions: Vec<u16>,
    pub(crate) groups: events::Codes,
    pub(crate) suites: events::Codes,
    pub(crate) protocols: Vec<String>,
}

/// Does the server's part of a handshake.
pub(crate) async fn shake_hands<IO: Duplex>(
    io: IO,
    tls: &Tls,
    deadline: Instant,
) -> Result<PrivateLine<Overheard<IO>>, Failed<IO>> {
    let too_slow = || Failed { problem: Problem::TooSlow, offer: None, io: None };
    let mut hello = LazyConfigAcceptor::new(Acceptor::default(), Overheard::new(io));
    let mut start = match timeout_at(deadline, &mut hello).await {
        Err(_) => return Err(too_slow()),
        Ok(Err(why)) => return Err(Failed::because(&why, None, hello.take_io(), &tls.takes)),
        Ok(Ok(start)) => start,
    };
    let made = tls.answer(start.client_hello());
    let said = Said::read(&start.io.take_heard());
    let offer = Offer::of(&start.client_hello(), &said);
    let config = Arc::clone(&made.config);
    match timeout_at(deadline, start.into_stream(config).into_fallible()).await {
        Err(_) => Err(Failed { offer: Some(offer), ..too_slow() }),
        Ok(Err((why, io))) => Err(Failed::because(&why, Some(offer), Some(io), &tls.takes)),
        Ok(Ok(stream)) => Ok(PrivateLine::new(stream, offer.server_name, &made, said.extended_master_secret)),
    }
}

impl Offer {
    fn of(hello: &ClientHello<'_>, said: &Said) -> Self {
        let protocols = hello.alpn().into_iter().flatten().take(events::MAX_CODES);
        Self {
            server_name: hello.server_name().map(Into::into),
            versions: said.versions.clone(),
            groups: hello.named_groups().unwrap_or_default().iter().map(|&group| group.into()).collect(),
            suites: hello.cipher_suites().iter().map(|&suite| suite.into()).collect(),
            protocols: protocols.map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
        }
    }
}

impl Offer {
    fn best_version(&self) -> &'static str {
        // Values like 0x3a3a are there to see who stumbles over them (RFC 8701).
        match self.versions.iter().filter(|version| **version <= 0x0304).max() {
            Some(0x0304) => "TLS 1.3",
            Some(0x0303) => "TLS 1.2",
            _ => "an older version",
        }
    }
}

/// What to do about a client of such a version.
fn remedy(offers: &str) -> &'static str {
    match offers {
        "TLS 1.2" | "TLS 1.3" => "it needs an update, or a listener whose `tls` profile takes that",
        _ => {
            "it needs an update; PHP's imap_open offers this behind /tls and better behind /ssl on the port where TLS \
             comes first"
        }
    }
}

impl<IO> Failed<IO> {
    fn because(why: &io::Error, offer: Option<Offer>, io: Option<Overheard<IO>>, takes: &Takes) -> Self {
        let opening = io.as_ref().map(|io| io.opening).unwrap_or_default();
        let problem = match why.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(why) => Problem::of(why, offer.as_ref(), opening, takes),
            None if opening.octets == 0 => Problem::NeverBegan,
            None => Problem::HungUp,
        };
        Self { problem, offer, io }
    }
}

/// Why a handshake failed, and what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("it hung up before TLS began")]
    NeverBegan,
    #[error("it hung up in the middle of the handshake: often a client that does not trust our certificate")]
    HungUp,
    #[error("it took too long")]
    TooSlow,
    #[error("what it said is not TLS: its account is set up for the other port, or without encryption")]
    NotTls,
    #[error("it offers {offers} at most, we take {takes}: {}", remedy(offers))]
    OldVersion { offers: &'static str, takes: &'static str },
    #[error("it offers only protocols that we do not speak here ({0}): this port is for mail clients")]
    OtherProtocol(String),
    #[error(
        "it has no cipher suite of ours, we take {0}: it needs an update, or a setting that allows one of them"
    )]
    NoCommonSuite(String),
    #[error(
        "it has no key exchange of ours, we take {0}: it needs an update, or a setting that allows one of them"
    )]
    NoCommonGroup(String),
    #[error("it cannot check the signature of our certificate's kind ({0:?})")]
    NoCommonSignature(PeerIncompatible),
    #[error(
        "it does not trust our certificate ({0:?}): it should come from an authority that the client knows, cover \
         the name that it connects to, and be valid today"
    )]
    Distrusted(AlertDescription),
    #[error(
        "its certificate is not taken: it should be a client's, of an authority in the listener's `client_certificates`, \
         and valid today; without one it could sign in by a password ({0})"
    )]
    NotTaken(CertificateError),
    #[error("it ended the handshake ({0:?})")]
    Refused(AlertDescription),
    #[error("{0}")]
    Other(rustls::Error),
}

impl Problem {
    fn of(why: &rustls::Error, offer: Option<&Offer>, opening: Opening, takes: &Takes) -> Self {
        match why {
            rustls::Error::PeerIncompatible(why) => Self::incompatible(why, offer, opening, takes),
            rustls::Error::NoApplicationProtocol => {
                Self::OtherProtocol(offer.map(|offer| offer.protocols.join(", ")).unwrap_or_default())
            }
            rustls::Error::InvalidCertificate(why) => Self::NotTaken(why.clone()),
            rustls::Error::AlertReceived(alert) => Self::alert(*alert),
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            other => Self::Other(other.clone()),
        }
    }

    fn incompatible(why: &PeerIncompatible, offer: Option<&Offer>, opening: Opening, takes: &Takes) -> Self {
        let too_old = |offers| Self::OldVersion { offers, takes: takes.versions };
        // An old client lacks other things too, and those are found first.
        if let Some(version) = opening.old_version() {
            return too_old(version);
        }
        match why {
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired => {
                too_old(offer.map_or("an older version", Offer::best_version))
            }
            PeerIncompatible::NoCipherSuitesInCommon => Self::NoCommonSuite(takes.suites.clone()),
            PeerIncompatible::NoKxGroupsInCommon | PeerIncompatible::NamedGroupsExtensionRequired => {
                Self::NoCommonGroup(takes.groups.clone())
            }
            PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired => Self::NoCommonSignature(why.clone()),
            other => Self::Other(other.clone().into()),
        }
    }

    fn alert(alert: AlertDescription) -> Self {
        use AlertDescription as Alert;
        match alert {
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown => Self::Distrusted(alert),
            _ => Self::Refused(alert),
        }
    }
}

/// How a peer began, whether it was TLS or not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opening {
    /// A record's header (RFC 8446, 5.1), a message's header (4), and the version that a client of TLS 1.2 or
    /// older offers (4.1.2).
    first: [u8; 11],
    /// How many octets came in all.
    pub(crate) octets: u64,
}

impl Opening {
    fn hear(&mut self, octets: &[u8]) {
        let known = usize::try_from(self.octets).unwrap_or(usize::MAX);
        let unknown = self.first.get_mut(known..).unwrap_or_default();
        unknown.iter_mut().zip(octets).for_each(|(place, octet)| *place = *octet);
        self.octets += octets.len() as u64;
    }

    /// The best version of a client that is older than TLS 1.2.
    fn old_version(&self) -> Option<&'static str> {
        match self.first {
            [.., 3, 0] => Some("SSL 3.0"),
            [.., 3, 1] => Some("TLS 1.0"),
            [.., 3, 2] => Some("TLS 1.1"),
            _ => None,
        }
    }
}

/// A stream that remembers how its peer began.
#[derive(Debug)]
pub(crate) struct Overheard<IO> {
    io: IO,
    pub(crate) opening: Opening,
    /// What came up to the end of the hello, if that is not too long.
    heard: Option<Vec<u8>>,
}

impl<IO> Overheard<IO> {
    fn new(io: IO) -> Self {
        Self { io, opening: Opening::default(), heard: Some(Vec::new()) }
    }

    /// All that was heard so far. From now on nothing is kept.
    fn take_heard(&mut self) -> Vec<u8> {
        self.heard.take().unwrap_or_default()
    }

    fn hear(&mut self, octets: &[u8]) {
        self.opening.hear(octets);
        self.heard = self.heard.take().filter(|heard| heard.len() + octets.len() <= MAX_HELLO_OCTETS);
        self.heard.iter_mut().for_each(|heard| heard.extend_from_slice(octets));
    }
}

impl<IO: Duplex> AsyncRead for Overheard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let known = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        self.hear(buf.filled().get(known..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<IO: Duplex> AsyncWrite for Overheard<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::client::ClientConfig;
    use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
    use rustls::version::{TLS12, TLS13};
    use rustls::{NamedGroup, RootCertStore, ServerConfig, SupportedProtocolVersion, crypto::aws_lc_rs};
    use std::time::Duration;
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
    use tokio_rustls::TlsConnector;

    fn server(versions: &[&'static SupportedProtocolVersion]) -> Tls {
        let made = rcgen::generate_simple_self_signed(vec!["mail.example.org".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|suite| versions.contains(&suite.version()));
        let config = ServerConfig::builder_with_provider(Arc::new(provider));
        let config = config.with_protocol_versions(versions).unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![made.cert.der().clone()], key.into()).unwrap();
        config.alpn_protocols = vec![b"imap".to_vec()];
        Tls::new(Arc::new(config))
    }

    async fn failure(client: impl AsyncFnOnce(DuplexStream)) -> Failed<DuplexStream> {
        failure_at(&server(&[&TLS13, &TLS12]), client).await
    }

    async fn failure_at(server: &Tls, client: impl AsyncFnOnce(DuplexStream)) -> Failed<DuplexStream> {
        let (near, far) = duplex(64 << 10);
        let deadline = Instant::now() + Duration::from_secs(10);
        let (shaken, ()) = tokio::join!(shake_hands(near, server, deadline), client(far));
        shaken.map(drop).unwrap_err()
    }

    async fn check(octets: &[u8], problem: &str) {
        let failed = failure(async |mut stream| stream.write_all(octets).await.unwrap()).await;
        assert!(failed.problem.to_string().starts_with(problem), "{}", failed.problem);
    }

    /// What a client of `version` says that knows no extensions.
    fn old_hello(version: u8) -> Vec<u8> {
        let body = [&[3, version][..], &[7; 32], &[0], &[0, 2, 0xc0, 0x13], &[1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        [&[22, 3, 1, 0, length + 4, 1, 0, 0, length], &*body].concat()
    }

    #[tokio::test]
    async fn an_old_client_is_named_by_its_version() {
        check(&old_hello(0), "it offers SSL 3.0 at most").await;
        check(&old_hello(1), "it offers TLS 1.0 at most, we take TLS 1.2 and 1.3: it needs an update").await;
        check(&old_hello(2), "it offers TLS 1.1 at most").await;
    }

    #[tokio::test]
    async fn what_is_not_tls_is_told_apart_from_what_is_cut_short() {
        check(b"", "it hung up before TLS began").await;
        check(b"a CAPABILITY\r\n", "what it said is not TLS").await;
        check(b"GET / HTTP/1.1\r\n\r\n", "what it said is not TLS").await;
        check(&old_hello(3)[..20], "it hung up in the middle").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_took_too_long() {
        let failed = failure(async |_stream| tokio::time::sleep(Duration::from_secs(11)).await).await;
        assert_eq!(failed.problem, Problem::TooSlow);
    }

    async fn connect(stream: DuplexStream, config: ClientConfig) {
        let name = ServerName::try_from("mail.example.org").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(drop).ok();
    }

    fn distrustful() -> ClientConfig {
        ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    }

    #[tokio::test]
    async fn a_client_that_does_not_trust_us_is_told_apart_with_what_it_offered() {
        let failed = failure(async |stream| connect(stream, distrustful()).await).await;
        assert!(matches!(failed.problem, Problem::Distrusted(_)), "{}", failed.problem);
        let offer = failed.offer.unwrap();
        assert_eq!(offer.server_name.as_deref(), Some("mail.example.org"));
        assert!(offer.groups.to_string().starts_with("11ec,"), "X25519MLKEM768 first: {}", offer.groups);
        assert!(offer.suites.to_string().starts_with("1302,"), "{}", offer.suites);
    }

    #[tokio::test]
    async fn a_web_browser_is_told_by_its_protocols() {
        let mut config = distrustful();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let failed = failure(async |stream| connect(stream, config).await).await;
        assert_eq!(failed.problem, Problem::OtherProtocol("h2, http/1.1".into()));
    }

    #[tokio::test]
    async fn a_client_without_a_group_of_ours_is_told_so() {
        let mut provider = aws_lc_rs::default_provider();
        provider.kx_groups = aws_lc_rs::ALL_KX_GROUPS.to_vec();
        provider.kx_groups.retain(|group| group.name() == NamedGroup::MLKEM768);
        assert_eq!(provider.kx_groups.len(), 1);
        let config = ClientConfig::builder_with_provider(Arc::new(provider));
        let config = config.with_protocol_versions(&[&TLS13]).unwrap();
        let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let failed = failure(async |stream| connect(stream, config).await).await;
        assert_eq!(
            failed.problem.to_string(),
            "it has no key exchange of ours, we take X25519MLKEM768, X25519, secp256r1, secp384r1: it needs an update, or a \
             setting that allows one of them"
        );
    }

    #[tokio::test]
    async fn a_client_of_tls_1_2_is_told_apart_where_only_1_3_is_taken() {
        let client = ClientConfig::builder_with_protocol_versions(&[&TLS12]);
        let client = client.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let failed = failure_at(&server(&[&TLS13]), async |stream| connect(stream, client).await).await;
        assert_eq!(
            failed.problem.to_string(),
            "it offers TLS 1.2 at most, we take TLS 1.3: it needs an update, or a listener whose `tls` profile takes that"
        );
        assert_eq!(failed.offer.unwrap().versions, [0x0303]);
    }
}
