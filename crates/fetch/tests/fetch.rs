//! What is fetched from a server, and what no server can do to us.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use fetch::{Answer, Client, FetchError, MAX_BODY, Roots, Url};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A server that hears one request and says what it was told to say.
struct Server {
    url: String,
    roots: Roots,
    heard: JoinHandle<String>,
}

/// What the server does once it has said it.
#[derive(Clone, Copy)]
enum Then {
    Close,
    /// Without TLS's own goodbye, as whoever cuts a connection would.
    Cut,
    Stay,
}

impl Server {
    async fn start(name: &str, says: impl Into<Vec<u8>>, then: Then) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/there?a=b", listener.local_addr().unwrap().port());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let says = says.into();
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            match acceptor.accept(stream).await {
                Ok(stream) => speak(stream, &says, then).await,
                Err(_) => String::new(),
            }
        });
        Self { url, roots: Roots::Pem(made.cert.pem().into_bytes()), heard }
    }

    async fn get(&self) -> Result<Answer, FetchError> {
        Client::new(&self.roots).unwrap().get(&Url::parse(&self.url).unwrap()).await
    }
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, says: &[u8], then: Then) -> String {
    let heard = read_request(&mut stream).await;
    // A client that has had enough is gone: then this fails.
    stream.write_all(says).await.ok();
    stream.flush().await.ok();
    match then {
        Then::Close => stream.shutdown().await.unwrap_or_default(),
        Then::Cut => drop(stream),
        Then::Stay => drop(stream.read(&mut [0]).await),
    }
    heard
}

/// A request's head, and as much behind it as the head says.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut heard = String::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap_or(0);
        heard.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        let Some((head, body)) = heard.split_once("\r\n\r\n") else {
            assert!(count > 0, "the client left: {heard}");
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return heard;
        }
    }
}

const SMALL: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn an_answer_comes_with_status_headers_and_body() {
    let server = Server::start("localhost", SMALL, Then::Close).await;
    let answer = server.get().await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (200, b"hello".as_slice()));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    let heard = server.heard.await.unwrap();
    assert!(heard.starts_with("GET /there?a=b HTTP/1.1\r\nhost: localhost:"), "{heard}");
    assert!(heard.contains("\r\nconnection: close\r\n"), "{heard}");
}

#[tokio::test]
async fn a_body_is_posted_with_its_type_and_headers() {
    let says =
        "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno,\r\n4\r\n sir\r\n0\r\n\r\n";
    let server = Server::start("localhost", says, Then::Stay).await;
    let client = Client::new(&server.roots).unwrap();
    let url = Url::parse(&server.url).unwrap();
    let sent = client.post(&url, "application/jose+json", "{}", &[("Authorization", "Bearer x")]);
    let answer = sent.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (400, b"no, sir".as_slice()));
    let heard = server.heard.await.unwrap();
    assert!(heard.starts_with("POST /there?a=b HTTP/1.1\r\n"), "{heard}");
    for part in ["content-type: application/jose+json\r\n", "authorization: Bearer x\r\n", "\r\n\r\n{}"] {
        assert!(heard.contains(part), "{part} in {heard}");
    }
}

#[tokio::test]
async fn a_head_has_no_body_whatever_its_length_says() {
    let says = "HTTP/1.1 200 OK\r\nReplay-Nonce: abc\r\nContent-Length: 500\r\n\r\n";
    let server = Server::start("localhost", says, Then::Close).await;
    let client = Client::new(&server.roots).unwrap();
    let answer = client.head(&Url::parse(&server.url).unwrap(), &[]).await.unwrap();
    assert_eq!((answer.header("replay-nonce"), answer.body.len()), (Some("abc"), 0));
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_to_be_trusted_hears_nothing() {
    let other = Server::start("localhost", SMALL, Then::Close).await;
    let mut stranger = Server::start("localhost", SMALL, Then::Close).await;
    stranger.roots = other.roots.clone();
    assert!(matches!(stranger.get().await, Err(FetchError::Tls { .. })));
    assert_eq!(stranger.heard.await.unwrap(), "");
    let misnamed = Server::start("elsewhere.example.org", SMALL, Then::Close).await;
    assert!(matches!(misnamed.get().await, Err(FetchError::Tls { .. })));
    assert_eq!(misnamed.heard.await.unwrap(), "");
}

#[tokio::test]
async fn http_is_spoken_in_the_clear_to_this_host_alone_and_only_where_it_is_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        speak(stream, SMALL.as_bytes(), Then::Close).await
    });
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let client = Client::new(&Roots::Pem(made.cert.pem().into_bytes())).unwrap();
    assert!(Url::parse(&url).is_err());
    let answer = client.get(&Url::parse_with_loopback(&url).unwrap()).await.unwrap();
    assert_eq!(answer.body.as_ref(), b"hello");
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_taken_and_one_octet_more_is_not() {
    let says = |length: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), &vec![b'x'; length]].concat()
    };
    let server = Server::start("localhost", says(MAX_BODY), Then::Close).await;
    assert_eq!(server.get().await.unwrap().body.len(), MAX_BODY);
    let server = Server::start("localhost", says(MAX_BODY + 1), Then::Close).await;
    assert!(matches!(server.get().await, Err(FetchError::TooLarge { .. })));
}

#[tokio::test]
async fn a_body_whose_length_nobody_told_is_cut_off_where_it_gets_too_large() {
    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    let says = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", piece.repeat(17));
    let server = Server::start("localhost", says, Then::Stay).await;
    assert!(matches!(server.get().await, Err(FetchError::TooLarge { .. })));
}

#[tokio::test]
async fn a_length_that_a_server_only_announces_reserves_nothing() {
    let says = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", u64::MAX - 1);
    let server = Server::start("localhost", says, Then::Stay).await;
    assert!(matches!(server.get().await, Err(FetchError::TooLarge { .. } | FetchError::Broken { .. })));
}

#[tokio::test]
async fn headers_without_end_are_cut_off() {
    let says = format!("HTTP/1.1 200 OK\r\n{}", "X-Filler: 0123456789\r\n".repeat(100_000));
    let server = Server::start("localhost", says, Then::Stay).await;
    assert!(matches!(server.get().await, Err(FetchError::Broken { .. })));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let says = "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example.org/\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start("localhost", says, Then::Close).await;
    let answer = server.get().await.unwrap();
    assert_eq!(answer.status.as_u16(), 302);
    assert_eq!(answer.header("location"), Some("https://elsewhere.example.org/"));
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_none() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    for then in [Then::Close, Then::Cut] {
        let server = Server::start("localhost", announced, then).await;
        assert!(matches!(server.get().await, Err(FetchError::Broken { .. })));
    }
    // Where only the end of the connection ends the body, TLS's goodbye tells the end from a cut.
    let unannounced = "HTTP/1.1 200 OK\r\n\r\nhello";
    let server = Server::start("localhost", unannounced, Then::Close).await;
    assert_eq!(server.get().await.unwrap().body.as_ref(), b"hello");
    let server = Server::start("localhost", unannounced, Then::Cut).await;
    assert!(matches!(server.get().await, Err(FetchError::Broken { .. })));
}

#[tokio::test]
async fn what_a_server_says_behind_its_answer_is_never_heard() {
    let says = format!("{SMALL}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    let server = Server::start("localhost", says, Then::Close).await;
    assert_eq!(server.get().await.unwrap().body.as_ref(), b"hello");
}

/// Time stands still until nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let client = Client::new(&Roots::Pem(made.cert.pem().into_bytes())).unwrap();
    let why = client.get(&Url::parse_with_loopback(&url).unwrap()).await.unwrap_err();
    assert!(matches!(why, FetchError::TooSlow { .. }), "{why}");
    drop(listener);
}

#[tokio::test]
async fn who_is_not_there_is_said_to_be_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    drop(listener);
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let client = Client::new(&Roots::Pem(made.cert.pem().into_bytes())).unwrap();
    let why = client.get(&Url::parse(&url).unwrap()).await.unwrap_err();
    assert!(matches!(why, FetchError::Unreachable { .. }), "{why}");
}

#[test]
fn authorities_that_are_none_are_refused() {
    assert!(matches!(Client::new(&Roots::Pem(Vec::new())), Err(FetchError::Roots(_))));
    let absent = Roots::File("/nowhere/at/all.pem".into());
    let why = Client::new(&absent).unwrap_err().to_string();
    assert!(why.contains("/nowhere/at/all.pem"), "{why}");
}

#[tokio::test]
async fn a_header_with_a_line_break_is_not_sent() {
    let server = Server::start("localhost", SMALL, Then::Close).await;
    let client = Client::new(&server.roots).unwrap();
    let url = Url::parse(&server.url).unwrap();
    let why = client.get_with(&url, &[("X-A", "b\r\nX-C: d")]).await.unwrap_err();
    assert!(matches!(&why, FetchError::Header(name) if name == "X-A"), "{why}");
    server.heard.abort();
}
