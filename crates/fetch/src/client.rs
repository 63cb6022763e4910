//! One request, over a connection of its own.

use crate::FetchError;
use crate::answer::{self, Answer, MAX_HEAD, MAX_HEADERS, Untaken};
use crate::url::{Line, Url};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long an answer may take, from the look-up of the name to its last octet, unless a client is more patient.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Who we say we are.
const AGENT: &str = concat!("gatepost/", env!("CARGO_PKG_VERSION"));

/// Whom we believe that a server is who it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// The system's authorities.
    #[default]
    System,
    /// The authorities in a PEM file, and no others.
    File(PathBuf),
    /// The authorities in a PEM text, and no others.
    Pem(Vec<u8>),
}

/// Asks servers over HTTPS. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    tls: TlsConfig,
    patience: Duration,
}

#[derive(Clone)]
struct TlsConfig(Arc<ClientConfig>);

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsConfig")
    }
}

impl Client {
    /// A client that verifies servers by these authorities, which it reads now. It goes to the disk, so not for a thread
    /// that others wait for.
    ///
    /// # Errors
    /// [`FetchError::Roots`] where there are none that can be used.
    pub fn new(roots: &Roots) -> Result<Self, FetchError> {
        let unfit = |why: rustls::Error| FetchError::Roots(why.to_string());
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_root_certificates(authorities(roots)?)
            .with_no_client_auth();
        Ok(Self { tls: TlsConfig(Arc::new(config)), patience: PATIENCE })
    }

    /// The same client, which waits for answers so long instead of [`PATIENCE`].
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Fetches what is there.
    ///
    /// # Errors
    /// Why there is no whole answer. One that says "not found" is an answer.
    pub async fn get(&self, url: &Url) -> Result<Answer, FetchError> {
        self.get_with(url, &[]).await
    }

    /// Fetches what is there, with headers more.
    ///
    /// # Errors
    /// Those of [`Client::get`], and a header that cannot be sent.
    pub async fn get_with(&self, url: &Url, headers: &[(&str, &str)]) -> Result<Answer, FetchError> {
        self.ask(Method::GET, url, String::new(), headers).await
    }

    /// Fetches the headers of what is there.
    ///
    /// # Errors
    /// Those of [`Client::get_with`].
    pub async fn head(&self, url: &Url, headers: &[(&str, &str)]) -> Result<Answer, FetchError> {
        self.ask(Method::HEAD, url, String::new(), headers).await
    }

    /// Sends a body and fetches the answer to it.
    ///
    /// # Errors
    /// Those of [`Client::get_with`].
    pub async fn post(
        &self,
        url: &Url,
        content_type: &str,
        body: impl Into<String>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, FetchError> {
        let headers = [&[(CONTENT_TYPE.as_str(), content_type)], headers].concat();
        self.ask(Method::POST, url, body.into(), &headers).await
    }

    async fn ask(
        &self,
        method: Method,
        url: &Url,
        body: String,
        headers: &[(&str, &str)],
    ) -> Result<Answer, FetchError> {
        let request = request(method, url, body, headers)?;
        match timeout(self.patience, self.exchange(url, request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::TooSlow { host: place(url), patience: self.patience }),
        }
    }

    async fn exchange(&self, url: &Url, request: Request<String>) -> Result<Answer, FetchError> {
        let stream = connect(url).await?;
        if url.line() == Line::Clear {
            return converse(url, stream, request).await;
        }
        let name = ServerName::try_from(url.host().to_owned())
            .map_err(|why| FetchError::Url { url: url.to_string(), why: why.to_string() })?;
        let connector = TlsConnector::from(Arc::clone(&self.tls.0));
        let stream =
            connector.connect(name, stream).await.map_err(|why| FetchError::Tls { host: place(url), why })?;
        converse(url, stream, request).await
    }
}

fn request(
    method: Method,
    url: &Url,
    body: String,
    headers: &[(&str, &str)],
) -> Result<Request<String>, FetchError> {
    let unfit = |name: &str| FetchError::Header(name.into());
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = url
        .path_and_query()
        .parse()
        .map_err(|why| FetchError::Url { url: url.to_string(), why: format!("{why}") })?;
    let fields = request.headers_mut();
    fields.insert(HOST, HeaderValue::from_str(url.authority()).map_err(|_| unfit("Host"))?);
    fields.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    fields.insert(CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in headers {
        let field = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit(name))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| unfit(name))?;
        // Most of what callers add are secrets: they are not to be printed by whoever prints a request.
        value.set_sensitive(true);
        fields.insert(field, value);
    }
    Ok(request)
}

async fn connect(url: &Url) -> Result<TcpStream, FetchError> {
    let unreachable = |why| FetchError::Unreachable { host: place(url), why };
    dial::connect(url.host(), url.port()).await.map_err(unreachable)
}

/// Sends the request and reads the answer. The connection is driven by the same future, so that nothing of it stays when
/// nobody waits any more.
async fn converse<IO>(url: &Url, stream: IO, request: Request<String>) -> Result<Answer, FetchError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |why| FetchError::Broken { host: place(url), why };
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD).max_headers(MAX_HEADERS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(Untaken::Broken)?;
        answer::whole(response).await
    };
    tokio::pin!(connection, exchange);
    let taken = tokio::select! {
        biased;
        taken = &mut exchange => taken,
        // What was read before it ended is still to be taken; why it ended is told there, too.
        _ = &mut connection => exchange.await,
    };
    taken.map_err(|why| match why {
        Untaken::Broken(why) => broken(why),
        Untaken::TooLarge => FetchError::TooLarge { host: place(url) },
    })
}

fn place(url: &Url) -> String {
    format!("{}:{}", url.host(), url.port())
}

fn authorities(roots: &Roots) -> Result<RootCertStore, FetchError> {
    let mut store = RootCertStore::empty();
    match roots {
        // Systems carry one or the other that no longer reads: the rest is what counts.
        Roots::System => {
            let _ = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Roots::File(path) => {
            let named = |why: String| FetchError::Roots(format!("{}: {why}", path.display()));
            let text = std::fs::read(path).map_err(|why| named(why.to_string()))?;
            add(&mut store, &text).map_err(named)?;
        }
        Roots::Pem(text) => add(&mut store, text).map_err(FetchError::Roots)?,
    }
    match store.is_empty() {
        true => Err(FetchError::Roots("there is none".into())),
        false => Ok(store),
    }
}

fn add(store: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store.add(certificate.map_err(|why| why.to_string())?).map_err(|why| why.to_string())?;
    }
    Ok(())
}
