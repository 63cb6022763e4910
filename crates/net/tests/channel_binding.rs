//! SCRAM-SHA-256-PLUS over real TLS, of both versions and by both types: the client is one of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::house::{PASSWORD, accounts, cheap};
use common::prover::Prover;
use common::{Client, HOST, Running};
use mail::HashPool;
use net::Imap;
use rustls::client::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion, version};
use settings::Settings;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn server(name: &str) -> Running {
    let accounts = Arc::new(accounts(&[("ann", cheap())]).await);
    let pool = Arc::new(HashPool::start(1, cheap()).unwrap());
    let imap = Imap::new(&Settings::default(), accounts, pool);
    Running::start(name, imap, |settings| settings.passwords.login_delay_max_ms = 0)
}

fn client(server: &Running, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(server.trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_protocol_versions(&[version]);
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// A connection, its greeting read; it says what a greeting says.
async fn connect(server: &Running, config: &Arc<ClientConfig>) -> (Client<TlsStream<TcpStream>>, String) {
    let stream = TcpStream::connect(server.tls).await.unwrap();
    let name = ServerName::try_from(HOST).unwrap();
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.unwrap();
    let mut client = Client::new(stream);
    let greeting = client.line().await;
    (client, greeting)
}

fn exporter(connection: &ClientConnection) -> Vec<u8> {
    connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).unwrap().to_vec()
}

/// Signs in bound to `channel`; the tagged line.
async fn sign_in(client: &mut Client<TlsStream<TcpStream>>, kind: &str, channel: &[u8]) -> String {
    let header = format!("p={kind},,");
    let first = STANDARD.encode(format!("{header}n=ann,r=abc"));
    let told = client.ask(&format!("a AUTHENTICATE SCRAM-SHA-256-PLUS {first}")).await;
    let Some(told) = told.strip_prefix("+ ") else { return told };
    let server_first = String::from_utf8(STANDARD.decode(told).unwrap()).unwrap();
    if server_first.starts_with("e=") {
        return format!("{server_first}; {}", client.ask("").await);
    }
    let prover = Prover { header: &header, bare: "n=ann,r=abc", channel, password: PASSWORD };
    let (last, expected) = prover.last(&server_first);
    let told = client.ask(&STANDARD.encode(last)).await;
    let Some(told) = told.strip_prefix("+ ") else { return told };
    assert_eq!(STANDARD.decode(told).unwrap(), expected.into_bytes(), "the server knows the password too");
    client.ask("").await
}

fn is_in(told: &str) -> bool {
    told.starts_with("a OK ")
}

#[tokio::test]
async fn with_tls_1_3_the_exporter_binds_and_the_certificate_is_not_offered() {
    let server = server("binding-13").await;
    let config = client(&server, &version::TLS13);
    let (mut client, greeting) = connect(&server, &config).await;
    assert!(greeting.contains(" AUTH=SCRAM-SHA-256-PLUS "), "{greeting}");
    let shown = Sha256::digest(&server.trusted);
    let told = sign_in(&mut client, "tls-server-end-point", &shown).await;
    assert!(told.starts_with("e=unsupported-channel-binding-type; a NO [CANNOT] "), "{told}");
    let channel = exporter(client.stream.get_ref().1);
    let told = sign_in(&mut client, "tls-exporter", &channel).await;
    assert!(is_in(&told), "{told}");
    server.stop().await;
}

#[tokio::test]
async fn with_tls_1_2_either_type_binds() {
    let server = server("binding-12").await;
    let config = client(&server, &version::TLS12);
    let (mut client, greeting) = connect(&server, &config).await;
    assert!(greeting.contains(" AUTH=SCRAM-SHA-256-PLUS "), "{greeting}");
    let shown = Sha256::digest(&server.trusted); // signed with SHA-256
    assert!(is_in(&sign_in(&mut client, "tls-server-end-point", &shown).await));
    // A fresh session: the library's client may resume, and then no certificate is shown.
    let (mut client, _) = connect(&server, &config).await;
    assert_eq!(client.stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    let told = sign_in(&mut client, "tls-server-end-point", &shown).await;
    assert!(told.starts_with("e=unsupported-channel-binding-type; "), "{told}");
    let channel = exporter(client.stream.get_ref().1);
    assert!(is_in(&sign_in(&mut client, "tls-exporter", &channel).await));
    server.stop().await;
}

#[tokio::test]
async fn t_34_a_proof_that_was_made_on_another_connection_lets_nobody_in_on_this_one() {
    let server = server("binding-between").await;
    for version in [&version::TLS13, &version::TLS12] {
        let config = client(&server, version);
        let (elsewhere, _) = connect(&server, &config).await;
        let (mut client, _) = connect(&server, &config).await;
        let channel = exporter(elsewhere.stream.get_ref().1);
        assert_ne!(channel, exporter(client.stream.get_ref().1));
        let told = sign_in(&mut client, "tls-exporter", &channel).await;
        assert_eq!(told, "a NO [AUTHENTICATIONFAILED] The name or the password is wrong");
        let told = sign_in(&mut client, "tls-server-end-point", &[0; 32]).await;
        assert!(!is_in(&told), "{told}");
    }
    server.stop().await;
}
