//! Certificates: which one a client sees, and what happens when the files change.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use certificates::{CertificateFiles, Certificates, Reloaded};
use common::{HOST, Running, Toy, issue, scratch, trusting};
use rustls::client::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{NamedGroup, RootCertStore, SupportedProtocolVersion};
use settings::{Tls, TlsGroup, TlsProfile, TlsSuite, TlsVersion};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

struct Shown {
    leaf: Option<CertificateDer<'static>>,
    group: Option<NamedGroup>,
}

/// One handshake over a real socket; what the client saw, or why it failed.
async fn handshake(
    certificates: &Arc<Certificates>,
    trusted: &[CertificateDer<'static>],
    name: &str,
    alpn: &[&[u8]],
) -> std::io::Result<Shown> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(
        net::tls::imap_config(certificates, TlsProfile::Compatible, &Tls::default()).unwrap(),
    );
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.map(drop)
    });
    let mut config = trusting(trusted);
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (_, connection) = tls.get_ref();
    let shown = Shown {
        leaf: connection.peer_certificates().and_then(|c| c.first()).map(|c| c.clone().into_owned()),
        group: connection.negotiated_key_exchange_group().map(|g| g.name()),
    };
    server.await.unwrap().ok();
    Ok(shown)
}

#[test]
fn when_each_certificate_ends_that_is_shown_is_known_by_its_first_name() {
    let dir = scratch("ends");
    let issue = |name: &str, not_after: (i32, u8, u8)| {
        let names =
            if name.contains('.') { vec![name.to_owned(), "other.example.org".into()] } else { vec![] };
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.not_after = rcgen::date_time_ymd(not_after.0, not_after.1, not_after.2);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let files = CertificateFiles { chain: dir.join(name), key: dir.join(format!("{name}.key")) };
        std::fs::write(&files.chain, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    };
    // RFC 5280, 4.1.2.5: from 2050 on a time is written otherwise.
    let (late, soon) = (issue("late.example.org", (2061, 1, 2)), issue("soon.example.org", (2031, 2, 3)));
    let nameless = issue("nameless", (2031, 2, 3));
    let ends = |files: Vec<CertificateFiles>| {
        let ends = Certificates::load(files).unwrap().ends();
        let second = |end: SystemTime| end.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        ends.into_iter().map(|(name, end)| (name, second(end))).collect::<Vec<_>>()
    };
    let expected = [("late.example.org", 2_871_849_600), ("soon.example.org", 1_927_843_200)];
    let expected = expected.map(|(name, end)| (name.to_owned(), end));
    assert_eq!(ends(vec![soon.clone(), late.clone()]), expected);
    assert_eq!(ends(vec![nameless]), [("nameless".to_owned(), 1_927_843_200)]);
    // Of two that go by one name, and of a chain, it is the first end.
    let other = CertificateFiles { chain: dir.join("again"), key: late.key.clone() };
    let [own, authority] = [&late, &soon].map(|files| std::fs::read_to_string(&files.chain).unwrap());
    std::fs::write(&other.chain, own + &authority).unwrap();
    let first = [("late.example.org".to_owned(), 1_927_843_200)];
    assert_eq!(ends(vec![other.clone()]), first);
    assert_eq!(ends(vec![late.clone(), other.clone()]), first);
    assert_eq!(ends(vec![other, late]), first);
}

#[tokio::test]
async fn t_7_each_name_gets_its_own_certificate_and_the_first_serves_the_rest() {
    let dir = scratch("sni");
    let (a, a_cert) = issue(&dir, "a.example.org");
    let (b, b_cert) = issue(&dir, "b.example.org");
    let certificates = Arc::new(Certificates::load(vec![a, b]).unwrap());
    let trusted = [a_cert.clone(), b_cert.clone()];
    let shown = handshake(&certificates, &trusted, "b.example.org", &[b"imap"]).await.unwrap();
    assert_eq!(shown.leaf, Some(b_cert));
    assert_eq!(shown.group, Some(NamedGroup::X25519MLKEM768), "the hybrid group comes first");
    let shown = handshake(&certificates, &trusted, "a.example.org", &[]).await.unwrap();
    assert_eq!(shown.leaf, Some(a_cert));
    let stranger = handshake(&certificates, &trusted, "c.example.org", &[]).await;
    assert!(stranger.is_err(), "the first certificate is shown, and the client refuses it for that name");
}

#[tokio::test]
async fn a_client_that_speaks_another_protocol_is_refused() {
    let dir = scratch("alpn");
    let (a, cert) = issue(&dir, "a.example.org");
    let certificates = Arc::new(Certificates::load(vec![a]).unwrap());
    assert!(handshake(&certificates, &[cert], "a.example.org", &[b"http/1.1"]).await.is_err());
}

#[tokio::test]
async fn new_files_are_shown_at_once_and_broken_ones_never() {
    let dir = scratch("reload");
    let (files, old) = issue(&dir, "a.example.org");
    let certificates = Arc::new(Certificates::load(vec![files.clone()]).unwrap());
    assert!(certificates.look_again().is_empty(), "nothing changed");

    // Half-replaced: the certificate is new and the key is not.
    let key = std::fs::read(&files.key).unwrap();
    let (_, new) = issue(&dir, "a.example.org");
    let new_key = std::fs::read(&files.key).unwrap();
    std::fs::write(&files.key, [key.as_slice(), b"\n"].concat()).unwrap();
    assert!(matches!(certificates.look_again().as_slice(), [Reloaded::Kept(..)]));
    let shown = handshake(&certificates, std::slice::from_ref(&old), "a.example.org", &[]).await.unwrap();
    assert_eq!(shown.leaf, Some(old));

    std::fs::write(&files.key, new_key).unwrap();
    assert!(matches!(certificates.look_again().as_slice(), [Reloaded::Replaced(_)]));
    let shown = handshake(&certificates, std::slice::from_ref(&new), "a.example.org", &[]).await.unwrap();
    assert_eq!(shown.leaf, Some(new));
}

/// What comes of a handshake of this version on the port where TLS comes first, and on the other.
async fn versions(
    server: &Running,
    version: &'static SupportedProtocolVersion,
) -> [Option<(rustls::CipherSuite, Option<NamedGroup>)>; 2] {
    let mut roots = RootCertStore::empty();
    roots.add(server.trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_protocol_versions(&[version]);
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let name = || ServerName::try_from(HOST).unwrap();
    let first = connector.connect(name(), TcpStream::connect(server.tls).await.unwrap()).await;
    let mut clear = server.in_clear().await;
    assert!(clear.ask("a STARTTLS").await.starts_with("a OK "));
    let second = connector.connect(name(), clear.stream).await;
    [first, second].map(|shaken| {
        let shaken = shaken.ok()?;
        let (_, connection) = shaken.get_ref();
        let group = connection.negotiated_key_exchange_group().map(|group| group.name());
        Some((connection.negotiated_cipher_suite()?.suite(), group))
    })
}

#[tokio::test]
async fn each_listener_takes_the_tls_of_its_profile() {
    let server = Running::start("profiles", Toy, |settings| {
        settings.network.listeners[1].tls = Some(TlsProfile::Modern);
    });
    let [tls, starttls] = versions(&server, &TLS12).await;
    assert!(tls.is_none() && starttls.is_some(), "TLS 1.2: {tls:?}, {starttls:?}");
    let [tls, starttls] = versions(&server, &TLS13).await;
    assert!(tls.is_some() && starttls.is_some(), "TLS 1.3: {tls:?}, {starttls:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_custom_profile_takes_what_it_lists_and_nothing_else() {
    let server = Running::start("custom-profile", Toy, |settings| {
        settings.tls.profile = TlsProfile::Custom;
        settings.tls.versions = vec![TlsVersion::V12];
        settings.tls.suites = vec![TlsSuite::Aes256, TlsSuite::EcdsaAes128];
        settings.tls.groups = vec![TlsGroup::Secp256r1];
    });
    let [tls, _] = versions(&server, &TLS12).await;
    let suite = rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    assert_eq!(tls, Some((suite, Some(NamedGroup::secp256r1))));
    let [tls, starttls] = versions(&server, &TLS13).await;
    assert!(tls.is_none() && starttls.is_none(), "TLS 1.3: {tls:?}, {starttls:?}");
    server.stop().await;
}
