//! Pages over HTTP, and what becomes of those who do not know how to ask.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use net::{Condition, Endpoint, Page, Pages};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// A page that counts how often it is made, and one of bad news.
#[derive(Default)]
struct Two {
    made: AtomicU64,
}

impl Pages for Two {
    async fn page(&self, path: &str) -> Option<Page> {
        let (condition, text) = match path {
            "/metrics" => {
                (Condition::Fine, format!("made {}\n", self.made.fetch_add(1, Ordering::Relaxed) + 1))
            }
            "/health" => (Condition::Unavailable, "the disk is full\n".to_owned()),
            _ => return None,
        };
        Some(Page { condition, mime_type: "text/plain", text })
    }
}

fn open() -> (SocketAddr, Arc<Two>, JoinHandle<()>) {
    let endpoint = Endpoint::open("127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, pages) = (endpoint.address(), Arc::new(Two::default()));
    let serving = tokio::spawn(endpoint.serve(Arc::clone(&pages)));
    (address, pages, serving)
}

/// Everything that comes back until the end; an end by a reset is one too.
async fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // Who is refused early may not take all of it.
    let _ = stream.write_all(request).await;
    until_closed(&mut stream).await
}

async fn until_closed(stream: &mut TcpStream) -> String {
    let (mut said, mut some) = (Vec::new(), [0; 4_096]);
    while let Ok(count @ 1..) = stream.read(&mut some).await {
        said.extend_from_slice(some.get(..count).unwrap());
    }
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_page_is_made_for_each_who_asks_and_the_connection_ends_with_it() {
    let (address, _, _serving) = open();
    for (version, made) in [("1.1", "made 1\n"), ("1.1", "made 2\n"), ("1.0", "made 3\n")] {
        let said =
            ask(address, format!("GET /metrics HTTP/{version}\r\nHost: here\r\n\r\n").as_bytes()).await;
        assert!(said.starts_with(&format!("HTTP/{version} 200 OK\r\n")), "{said}");
        assert!(
            said.contains("content-type: text/plain\r\n") && said.contains("content-length: 7\r\n"),
            "{said}"
        );
        assert!(said.ends_with(&format!("\r\n\r\n{made}")), "{said}");
    }
    let said =
        ask(address, b"GET /metrics?name=x HTTP/1.1\r\nHost: here\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n")
            .await;
    assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "one request a connection: {said}");
    let said = ask(address, b"HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n").await;
    assert!(said.contains("content-length: 7\r\n") && said.ends_with("\r\n\r\n"), "{said}");
}

#[tokio::test]
async fn bad_news_no_page_and_no_reading_have_numbers_of_their_own() {
    let (address, pages, _serving) = open();
    for (request, status, text) in [
        ("GET /health", "503 Service Unavailable", "the disk is full\n"),
        ("GET /", "404 Not Found", "there is no such page\n"),
        ("GET /metrics/", "404 Not Found", "there is no such page\n"),
        ("POST /metrics", "405 Method Not Allowed", "only GET and HEAD are answered here\n"),
        ("DELETE /health", "405 Method Not Allowed", "only GET and HEAD are answered here\n"),
    ] {
        let said = ask(address, format!("{request} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes()).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{said}");
        assert!(said.ends_with(&format!("\r\n\r\n{text}")), "{said}");
        assert_eq!(said.contains("allow: GET, HEAD\r\n"), status.starts_with("405"), "{said}");
    }
    assert_eq!(pages.made.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_no_page_is_made_for_it() {
    let (address, pages, _serving) = open();
    let long_line = [b"GET /".as_slice(), &[b'a'; 1 << 20]].concat();
    let long_header = [b"GET /metrics HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 1 << 20]].concat();
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100));
    for request in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"a LOGIN ann secret\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &long_line,
        &long_header,
        many.as_bytes(),
    ] {
        let said = ask(address, request).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    }
    assert_eq!(pages.made.load(Ordering::Relaxed), 0);
    assert!(ask(address, b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").await.ends_with("made 1\n"));
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_goes_and_meanwhile_no_more_than_a_handful_are_let_in() {
    let (address, _, _serving) = open();
    let begun = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    // The ninth waits until one of them has gone, and is served then.
    let said = ask(address, b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n").await;
    assert!(said.ends_with("made 1\n"), "{said}");
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(begun.elapsed() <= Duration::from_secs(15), "{:?}", begun.elapsed());
    for mut stream in silent {
        timeout(Duration::from_secs(15), until_closed(&mut stream)).await.unwrap();
    }
}

#[tokio::test]
async fn a_taken_address_is_told_with_what_to_do() {
    let (address, _, _serving) = open();
    let why = Endpoint::open(address).unwrap_err().to_string();
    assert!(why.contains("another program listens there"), "{why}");
}
