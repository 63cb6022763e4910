//! Where authorities come to see whether a name is ours (RFC 8555, 8.3; RFC 8737).
//!
//! Two doors that lead nowhere: over one a file can be read whose name nobody can guess, over the other nothing but a
//! handshake is done. Both take little, and where too many come whoever stays longest goes: of the network that has too many, or
//! the most. An authority needs a moment, and comes from a network of its own.

use crate::endpoint::{Condition, Page, Pages, receive};
use crate::reception::{Admission, Presence, Reception};
use certificates::{ALPN_ACME, Validations};
use policy::ConnectionLimits;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use settings::ListenerKind;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Where a file has to lie (RFC 8555, 8.3).
const PATH: &str = "/.well-known/acme-challenge/";
/// Connections at the same time. An authority validates many names at once, and comes from several networks.
const MAX_CONNECTIONS: ConnectionLimits = ConnectionLimits { per_narrow: 32, per_wide: 64, total: 128 };
/// Time for a handshake, and to take leave.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Answers authorities.
pub(crate) struct Validator {
    files: Arc<Files>,
    tls: TlsAcceptor,
    reception: Arc<Reception>,
    /// They end with this.
    visits: Mutex<JoinSet<()>>,
}

struct Files(Arc<Validations>);

impl Validator {
    pub(crate) fn new(validations: Arc<Validations>) -> Result<Self, rustls::Error> {
        let tls = TlsAcceptor::from(Arc::new(config(Arc::clone(&validations))?));
        let (files, reception) = (Arc::new(Files(validations)), Reception::new(MAX_CONNECTIONS));
        Ok(Self { files, tls, reception, visits: Mutex::default() })
    }

    /// Answers whoever came in at a door of that kind. A network of which as many are on their way out as may be in hears
    /// nothing.
    pub(crate) fn receive(&self, kind: ListenerKind, stream: TcpStream, from: IpAddr) {
        let Ok(admission) = self.reception.admit(from) else { return };
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        while visits.try_join_next().is_some() {}
        match kind {
            ListenerKind::AcmeTls => {
                visits.spawn(visit(admission, shake_hands(self.tls.clone(), stream)));
            }
            _ => {
                visits.spawn(visit(admission, receive(stream, Arc::clone(&self.files))));
            }
        }
    }
}

/// Until it has been answered, or is shown out for another.
async fn visit(mut admission: Admission, conversation: impl Future<Output = ()>) {
    tokio::select! {
        () = conversation => {}
        _ = admission.presence.wait_for(|presence| *presence != Presence::Welcome) => {}
    }
}

impl Pages for Files {
    async fn page(&self, path: &str) -> Option<Page> {
        let text = self.0.file(path.strip_prefix(PATH)?)?.into();
        Some(Page { condition: Condition::Fine, mime_type: "application/octet-stream", text })
    }
}

/// RFC 8737, 3 and 4: the one protocol, TLS 1.2 at least, and nothing behind the handshake. Nothing is kept for whoever comes
/// again.
fn config(validations: Arc<Validations>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(validations);
    config.alpn_protocols = vec![ALPN_ACME.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

async fn shake_hands(tls: TlsAcceptor, stream: TcpStream) {
    let conversation = async {
        if let Ok(mut stream) = tls.accept(stream).await {
            stream.shutdown().await.ok();
        }
    };
    drop(timeout(HANDSHAKE_WITHIN, conversation).await);
}
