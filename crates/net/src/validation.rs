//! Where authorities come to see whether a name is ours (RFC 8555, 8.3; RFC 8737).
//!
//! Two doors that lead nowhere: over one a file can be read whose name nobody can guess, over the other nothing but a
//! handshake is done. Both take little, and whoever stays too long goes first: an authority needs a moment.

use crate::endpoint::{Condition, Page, Pages, receive};
use certificates::{ALPN_ACME, Validations};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use settings::ListenerKind;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Where a file has to lie (RFC 8555, 8.3).
const PATH: &str = "/.well-known/acme-challenge/";
/// Connections at the same time; one more, and the oldest goes.
const MAX_CONNECTIONS: usize = 128;
/// Time for a handshake, and to take leave.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Answers authorities.
pub(crate) struct Validator {
    files: Arc<Files>,
    tls: TlsAcceptor,
    visits: Mutex<VecDeque<AbortHandle>>,
}

struct Files(Arc<Validations>);

impl Validator {
    pub(crate) fn new(validations: Arc<Validations>) -> Result<Self, rustls::Error> {
        let tls = TlsAcceptor::from(Arc::new(config(Arc::clone(&validations))?));
        Ok(Self { files: Arc::new(Files(validations)), tls, visits: Mutex::default() })
    }

    /// Answers whoever came in at a door of that kind.
    pub(crate) fn receive(&self, kind: ListenerKind, stream: TcpStream) {
        let visit = match kind {
            ListenerKind::AcmeTls => tokio::spawn(shake_hands(self.tls.clone(), stream)),
            _ => tokio::spawn(receive(stream, Arc::clone(&self.files))),
        };
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        visits.retain(|visit| !visit.is_finished());
        if visits.len() >= MAX_CONNECTIONS
            && let Some(oldest) = visits.pop_front()
        {
            oldest.abort();
        }
        visits.push_back(visit.abort_handle());
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        self.visits.get_mut().unwrap_or_else(PoisonError::into_inner).iter().for_each(AbortHandle::abort);
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
