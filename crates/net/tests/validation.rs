//! The doors for authorities: what is found there, and what nobody gets there.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use certificates::Validations;
use common::{HOST, Toy, issue, scratch, settings, trusting};
use net::{Awaited, Remote, Server};
use rustls::pki_types::{CertificateDer, ServerName};
use settings::{Listener, ListenerKind};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

/// As many as may be at a door at the same time, from everywhere and from one address.
const PLACES: usize = 128;
const PLACES_OF_AN_ADDRESS: usize = 32;

struct Doors {
    http: SocketAddr,
    tls: SocketAddr,
    validations: Arc<Validations>,
    trusted: CertificateDer<'static>,
    remote: Remote,
}

fn open(name: &str) -> Doors {
    let (files, trusted) = issue(&scratch(name), HOST);
    let mut settings = settings(&files);
    for kind in [ListenerKind::AcmeHttp, ListenerKind::AcmeTls] {
        settings.network.listeners.push(Listener::new("127.0.0.1:0".parse().unwrap(), kind));
    }
    let awaited = Awaited::default();
    let validations = Arc::clone(&awaited.validations);
    let server = Server::open_and_await(&settings, awaited, Toy).unwrap();
    let address = |wanted| server.addresses().find(|(kind, _)| *kind == wanted).unwrap().1;
    let (http, tls) = (address(ListenerKind::AcmeHttp), address(ListenerKind::AcmeTls));
    let remote = server.remote();
    tokio::spawn(server.run());
    Doors { http, tls, validations, trusted, remote }
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_proof_is_found_while_it_is_shown_and_nothing_else_is_there() {
    let doors = open("proof");
    doors.validations.show_file("token", "token.thumbprint");
    let answer = get(doors.http, "/.well-known/acme-challenge/token").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/octet-stream\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ntoken.thumbprint"), "{answer}");
    for path in ["/token", "/.well-known/acme-challenge/tok", "/.well-known/acme-challenge/token/", "/"] {
        assert!(get(doors.http, path).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    doors.validations.hide_file("token");
    assert!(get(doors.http, "/.well-known/acme-challenge/token").await.starts_with("HTTP/1.1 404 "));
    doors.remote.stop();
}

#[tokio::test]
async fn whoever_stays_longest_goes_when_too_many_come() {
    let doors = open("crowded");
    doors.validations.show_file("token", "token.thumbprint");
    let mut silent = Vec::new();
    for _ in 0..PLACES_OF_AN_ADDRESS {
        silent.push(TcpStream::connect(doors.http).await.unwrap());
    }
    let answer = get(doors.http, "/.well-known/acme-challenge/token").await;
    assert!(answer.ends_with("token.thumbprint"), "an authority is heard all the same: {answer}");
    let mut oldest = silent.swap_remove(0);
    assert_eq!(oldest.read(&mut [0]).await.unwrap_or(0), 0, "and the oldest is gone");
    doors.remote.stop();
}

/// A connection from an address of this host that is not the usual one.
async fn connect_from(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn t_8_however_many_come_from_one_network_an_authority_from_another_is_not_shown_out() {
    let doors = open("shares");
    doors.validations.show_file("token", "token.thumbprint");
    let mut authority = connect_from([127, 9, 0, 1], doors.http).await;
    authority.write_all(b"GET /.well-known/acme-challenge/token HTTP/1.1\r\n").await.unwrap();
    let mut silent = Vec::new();
    for n in 0..2 * PLACES {
        let last = u8::try_from(n % 200 + 1).unwrap();
        silent.push(connect_from([127, 8, 0, last], doors.http).await);
    }
    // Who is answered has come in behind all of those.
    let answer = get(doors.http, "/").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    authority.write_all(format!("Host: {HOST}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    authority.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("token.thumbprint"), "{answer}");
    doors.remote.stop();
}

#[tokio::test]
async fn behind_the_door_for_handshakes_no_mail_is_spoken() {
    let doors = open("handshakes");
    for protocols in [&[b"imap".as_slice()][..], &[], &[b"acme-tls/1", b"imap"], &[b"acme-tls/1"]] {
        let mut config = trusting(std::slice::from_ref(&doors.trusted));
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(doors.tls).await.unwrap();
        let shaken =
            TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(HOST).unwrap(), stream);
        assert!(shaken.await.is_err(), "{protocols:?}: nothing is shown that is no proof");
    }
    doors.remote.stop();
}
