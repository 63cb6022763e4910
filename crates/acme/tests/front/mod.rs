//! A front before an authority that has no wishes (RFC 9773): it hands everything on, and has some.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// One that runs as long as the test.
pub(crate) struct Front {
    pub(crate) directory: String,
    pub(crate) ca: PathBuf,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    behind: SocketAddr,
    roots: PathBuf,
    window: Option<(String, String)>,
    asked: Vec<String>,
    replaced: Vec<String>,
}

impl Front {
    /// Before the authority at `behind`, whose certificate is in `roots`.
    pub(crate) async fn before(behind: SocketAddr, roots: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let ca = roots.with_file_name(format!("front-{}.pem", address.port()));
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let roots = roots.to_owned();
        let inner = Inner { behind, roots, window: None, asked: Vec::new(), replaced: Vec::new() };
        let inner = Arc::new(Mutex::new(inner));
        let own = Arc::clone(&inner);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = acceptor.accept(stream).await.unwrap();
                let request = read_message(&mut stream).await;
                let answer = answer(&own, address, &request).await;
                stream.write_all(&answer).await.unwrap();
                stream.shutdown().await.ok();
            }
        });
        Self { directory: format!("https://{address}/dir"), ca, inner }
    }

    /// From now on everything goes to another authority.
    pub(crate) fn turn_to(&self, behind: SocketAddr, roots: &Path) {
        let mut inner = self.inner.lock().unwrap();
        (inner.behind, inner.roots) = (behind, roots.to_owned());
    }

    /// When certificates are to be renewed.
    pub(crate) fn wish(&self, start: &str, end: &str) {
        self.inner.lock().unwrap().window = Some((start.to_owned(), end.to_owned()));
    }

    /// For which certificates somebody asked, and was told.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.inner.lock().unwrap().asked.clone()
    }

    /// Which certificates orders said that they replace.
    pub(crate) fn replaced(&self) -> Vec<String> {
        self.inner.lock().unwrap().replaced.clone()
    }
}

async fn answer(inner: &Mutex<Inner>, own: SocketAddr, request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request).into_owned();
    let path = text.split(' ').nth(1).unwrap().to_owned();
    if let Some(certificate) = path.strip_prefix("/renewal-info/") {
        let mut inner = inner.lock().unwrap();
        let Some((start, end)) = inner.window.clone() else {
            return response("404 Not Found", "", &json!({"type": "about:blank"}));
        };
        inner.asked.push(certificate.to_owned());
        let wish = json!({"suggestedWindow": {"start": start, "end": end}, "explanationURL": "https://example.org/why"});
        return response("200 OK", "Retry-After: 86400\r\n", &wish);
    }
    let replaces = replaces(&text);
    let given = hand_on(inner, request).await;
    let (head, body) = cut(&given);
    let mut body: Value = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(_) => return given,
    };
    if path == "/dir" {
        body["renewalInfo"] = json!(format!("https://{own}/renewal-info"));
    }
    if let Some(replaces) = replaces.filter(|_| body["authorizations"].is_array()) {
        inner.lock().unwrap().replaced.push(replaces.clone());
        body["replaces"] = json!(replaces);
    }
    let lines = head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let mut lines = lines.map(str::to_owned);
    let status = lines.next().unwrap().split_once(' ').unwrap().1.to_owned();
    let fields: String = lines.map(|line| line + "\r\n").collect();
    response(&status, &fields, &body)
}

/// What an order says that it replaces (RFC 9773, 5).
fn replaces(request: &str) -> Option<String> {
    let (_, body) = request.split_once("\r\n\r\n")?;
    let signed: Value = serde_json::from_str(body).ok()?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(signed["payload"].as_str()?).ok()?;
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    payload["replaces"].as_str().map(str::to_owned)
}

fn response(status: &str, fields: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn hand_on(inner: &Mutex<Inner>, request: &[u8]) -> Vec<u8> {
    let (behind, roots) = {
        let inner = inner.lock().unwrap();
        (inner.behind, inner.roots.clone())
    };
    let mut store = RootCertStore::empty();
    store.add(CertificateDer::from_pem_file(roots).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    let stream = TcpStream::connect(behind).await.unwrap();
    let name = ServerName::from(behind.ip());
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.write_all(request).await.unwrap();
    read_message(&mut stream).await
}

fn cut(message: &[u8]) -> (&str, &[u8]) {
    let at = message.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap();
    (std::str::from_utf8(&message[..at]).unwrap(), &message[at + 4..])
}

/// A head, and as much behind it as it says; what answers HEAD has nothing there, and closes.
async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut message = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap_or(0);
        message.extend_from_slice(&piece[..count]);
        if count == 0 {
            return message;
        }
        if !message.windows(4).any(|octets| octets == b"\r\n\r\n") {
            continue;
        }
        let (head, body) = cut(&message);
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) && !head.contains("transfer-encoding: chunked") {
            return message;
        }
    }
}
