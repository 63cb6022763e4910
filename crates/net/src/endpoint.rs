//! Pages over HTTP, for programs that watch the server from inside.
//!
//! HTTP itself is hyper's. Nobody signs in, nothing is private, and nothing but GET and HEAD is answered; each connection
//! has one request, little time and little room for it.

use crate::listen::{Afterwards, ListenError, REST, bind};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at the same time; the others wait to be accepted.
const MAX_CONNECTIONS: usize = 8;
/// Time to ask.
const ASK_WITHIN: Duration = Duration::from_secs(5);
/// Time for all of it: asking, and reading the answer.
const GONE_WITHIN: Duration = Duration::from_secs(15);
/// Octets of the request that are kept: the fewest that hyper allows.
const MAX_REQUEST: usize = 8 << 10;
/// Header fields of a request.
const MAX_HEADERS: usize = 64;
const PLAIN: &str = "text/plain; charset=utf-8";

/// What is shown, by the path that is asked for.
pub trait Pages: Send + Sync + 'static {
    /// The page, made now; `None` where there is none.
    fn page(&self, path: &str) -> impl Future<Output = Option<Page>> + Send;
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it says in one word, for programs that read no more than that.
    pub condition: Condition,
    /// What it is written in.
    pub mime_type: &'static str,
    /// What it says.
    pub text: String,
}

/// Whether all is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is: 200.
    Fine,
    /// It is not, for now: 503.
    Unavailable,
}

/// An address where pages are shown.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

impl Endpoint {
    /// Listens. Wants a tokio runtime around it.
    ///
    /// # Errors
    /// The address cannot be listened on, in words for the admin.
    pub fn open(address: SocketAddr) -> Result<Self, ListenError> {
        let listener = bind(address)?;
        let address = listener.local_addr().unwrap_or(address);
        Ok(Self { listener, address })
    }

    /// Where it listens: the port that the system chose, where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows pages until dropped.
    pub async fn serve(self, pages: Arc<impl Pages>) {
        let mut visits = JoinSet::new();
        loop {
            if visits.len() >= MAX_CONNECTIONS {
                visits.join_next().await;
            }
            tokio::select! {
                Some(_ended) = visits.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(visits.spawn(receive(stream, Arc::clone(&pages)))),
                    Err(why) => rest(&why).await,
                },
            }
        }
    }
}

async fn rest(why: &io::Error) {
    if Afterwards::of(why) == Afterwards::Rest {
        sleep(REST).await;
    }
}

pub(crate) async fn receive(stream: TcpStream, pages: Arc<impl Pages>) {
    let service = service_fn(|request| {
        let pages = Arc::clone(&pages);
        async move { Ok::<_, Infallible>(answer(&request, &*pages).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(ASK_WITHIN).max_buf_size(MAX_REQUEST);
    http.max_headers(MAX_HEADERS).keep_alive(false);
    let conversation = http.serve_connection(TokioIo::new(stream), service);
    // Who does not know how to ask has been told by hyper; who is gone needs no answer.
    drop(timeout(GONE_WITHIN, conversation).await);
}

async fn answer(request: &Request<Incoming>, pages: &impl Pages) -> Response<String> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let refused =
            told(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD are answered here\n".into());
        return with(refused, ALLOW, "GET, HEAD");
    }
    match pages.page(request.uri().path()).await {
        Some(Page { condition: Condition::Fine, mime_type, text }) => told(StatusCode::OK, mime_type, text),
        Some(Page { condition: Condition::Unavailable, mime_type, text }) => {
            told(StatusCode::SERVICE_UNAVAILABLE, mime_type, text)
        }
        None => told(StatusCode::NOT_FOUND, PLAIN, "there is no such page\n".into()),
    }
}

fn told(status: StatusCode, mime_type: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    with(response, CONTENT_TYPE, mime_type)
}

fn with(mut response: Response<String>, name: HeaderName, value: &'static str) -> Response<String> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
