//! The TLS handshake, and why it failed, in words for the admin.
//!
//! The client's offer is kept until the handshake is over, so that the line in the log can say what the client is
//! and what to do about it; after that nothing of it stays but the host name.

use crate::octets::Duplex;
use crate::tls::PrivateLine;
use rustls::server::{Acceptor, ClientHello};
use rustls::{AlertDescription, InvalidMessage, PeerIncompatible, ServerConfig};
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
    pub(crate) groups: events::Codes,
    pub(crate) suites: events::Codes,
    protocols: Vec<String>,
}

/// Does the server's part of a handshake.
pub(crate) async fn shake_hands<IO: Duplex>(
    io: IO,
    config: Arc<ServerConfig>,
    deadline: Instant,
) -> Result<PrivateLine<Overheard<IO>>, Failed<IO>> {
    let too_slow = || Failed { problem: Problem::TooSlow, offer: None, io: None };
    let mut hello = LazyConfigAcceptor::new(Acceptor::default(), Overheard::new(io));
    let start = match timeout_at(deadline, &mut hello).await {
        Err(_) => return Err(too_slow()),
        Ok(Err(why)) => return Err(Failed::because(&why, None, hello.take_io())),
        Ok(Ok(start)) => start,
    };
    let offer = Offer::of(&start.client_hello());
    match timeout_at(deadline, start.into_stream(config).into_fallible()).await {
        Err(_) => Err(Failed { offer: Some(offer), ..too_slow() }),
        Ok(Err((why, io))) => Err(Failed::because(&why, Some(offer), Some(io))),
        Ok(Ok(stream)) => Ok(PrivateLine { stream, server_name: offer.server_name }),
    }
}

impl Offer {
    fn of(hello: &ClientHello<'_>) -> Self {
        let protocols = hello.alpn().into_iter().flatten().take(events::MAX_CODES);
        Self {
            server_name: hello.server_name().map(Into::into),
            groups: hello.named_groups().unwrap_or_default().iter().map(|&group| group.into()).collect(),
            suites: hello.cipher_suites().iter().map(|&suite| suite.into()).collect(),
            protocols: protocols.map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
        }
    }
}

impl<IO> Failed<IO> {
    fn because(why: &io::Error, offer: Option<Offer>, io: Option<Overheard<IO>>) -> Self {
        let opening = io.as_ref().map(|io| io.opening).unwrap_or_default();
        let problem = match why.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(why) => Problem::of(why, offer.as_ref(), opening),
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
    #[error(
        "it offers {0} at most, we take TLS 1.2 and 1.3: it needs an update; PHP's imap_open offers this behind \
         /tls and better behind /ssl on the port where TLS comes first"
    )]
    OldVersion(&'static str),
    #[error("it offers only protocols that we do not speak here ({0}): this port is for mail clients")]
    OtherProtocol(String),
    #[error("it has no cipher suite of ours: we take ECDHE with AES-GCM or ChaCha20-Poly1305")]
    NoCommonSuite,
    #[error("it has no key exchange of ours: we take X25519MLKEM768, X25519, P-256 and P-384")]
    NoCommonGroup,
    #[error("it cannot check the signature of our certificate's kind ({0:?})")]
    NoCommonSignature(PeerIncompatible),
    #[error(
        "it does not trust our certificate ({0:?}): it should come from an authority that the client knows, cover \
         the name that it connects to, and be valid today"
    )]
    Distrusted(AlertDescription),
    #[error("it ended the handshake ({0:?})")]
    Refused(AlertDescription),
    #[error("{0}")]
    Other(rustls::Error),
}

impl Problem {
    fn of(why: &rustls::Error, offer: Option<&Offer>, opening: Opening) -> Self {
        match why {
            rustls::Error::PeerIncompatible(why) => Self::incompatible(why, opening),
            rustls::Error::NoApplicationProtocol => {
                Self::OtherProtocol(offer.map(|offer| offer.protocols.join(", ")).unwrap_or_default())
            }
            rustls::Error::AlertReceived(alert) => Self::alert(*alert),
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            other => Self::Other(other.clone()),
        }
    }

    fn incompatible(why: &PeerIncompatible, opening: Opening) -> Self {
        match why {
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired => Self::OldVersion(opening.version()),
            PeerIncompatible::NoCipherSuitesInCommon => Self::NoCommonSuite,
            PeerIncompatible::NoKxGroupsInCommon | PeerIncompatible::NamedGroupsExtensionRequired => {
                Self::NoCommonGroup
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

    fn version(&self) -> &'static str {
        match self.first {
            [.., 3, 0] => "SSL 3.0",
            [.., 3, 1] => "TLS 1.0",
            [.., 3, 2] => "TLS 1.1",
            _ => "an old TLS",
        }
    }
}

/// A stream that remembers how its peer began.
#[derive(Debug)]
pub(crate) struct Overheard<IO> {
    io: IO,
    pub(crate) opening: Opening,
}

impl<IO> Overheard<IO> {
    fn new(io: IO) -> Self {
        Self { io, opening: Opening::default() }
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
        self.opening.hear(buf.filled().get(known..).unwrap_or_default());
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
