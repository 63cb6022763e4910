//! Certificates: which one a client sees, and what happens when the files change.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use certificates::{CertificateFiles, Certificates, Reloaded};
use common::{issue, scratch, trusting};
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

struct Shown {
    leaf: Option<CertificateDer<'static>>,
    group: Option<rustls::NamedGroup>,
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
    let acceptor = TlsAcceptor::from(net::tls::imap_config(certificates).unwrap());
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
fn the_first_end_of_all_that_is_shown_is_known() {
    let dir = scratch("ends");
    let issue = |name: &str, not_after: (i32, u8, u8)| {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
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
    let first_end = |files: Vec<CertificateFiles>| {
        let end = Certificates::load(files).unwrap().first_end().unwrap();
        end.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs()
    };
    assert_eq!(first_end(vec![late.clone()]), 2_871_849_600);
    assert_eq!(first_end(vec![late, soon]), 1_927_843_200);
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
    assert_eq!(shown.group, Some(rustls::NamedGroup::X25519MLKEM768), "the hybrid group comes first");
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
