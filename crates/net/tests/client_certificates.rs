//! Client certificates over real TLS, of both versions: who is asked for one, whose is taken, and whom EXTERNAL lets in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certificates::Fingerprints;
use common::house::{PASSWORD, accounts, cheap};
use common::{Client, HOST, Log, Running, Toy, scratch, settings};
use mail::{Accounts, HashPool};
use mailbox::account::directory::keyring::{Certificate, Fingerprint, Fingerprinted, Label};
use net::{Imap, Server};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion, version};
use settings::Settings;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
const WRONG: &str = "a NO [AUTHENTICATIONFAILED] The name or the password is wrong";

/// Somebody who signs client certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What a client has of its own.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate in which stands a name, as admins write them: nobody here may go by it.
    fn signs(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec!["bob@example.org".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "bob@example.org");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.der().clone()], key }
    }

    fn file(&self, folder: &str) -> PathBuf {
        let file = scratch(folder).join("client-ca.pem");
        std::fs::write(&file, &self.pem).unwrap();
        file
    }
}

impl Identity {
    fn bound_to(&self) -> Certificate {
        let sha256 = Fingerprints::of(&self.chain[0]).unwrap().certificate;
        let fingerprint = Fingerprint { of: Fingerprinted::Certificate, sha256 };
        Certificate { fingerprint, label: Label::new("laptop").unwrap() }
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

struct House {
    server: Running,
    accounts: Arc<Accounts>,
}

/// A server with Ann and Bob that asks for certificates of this authority, on both ports.
async fn house(name: &str, authority: &Authority) -> House {
    let accounts = Arc::new(accounts(&[("ann@example.org", cheap()), ("bob@example.org", cheap())]).await);
    let pool = Arc::new(HashPool::start(1, cheap()).unwrap());
    let imap = Imap::new(&Settings::default(), Arc::clone(&accounts), pool);
    let file = authority.file(name);
    let server = Running::start(name, imap, |settings| {
        settings.passwords.login_delay_max_ms = 0;
        for listener in &mut settings.network.listeners {
            listener.client_certificates = Some(file.clone());
        }
    });
    House { server, accounts }
}

type Secure = Client<TlsStream<TcpStream>>;

impl House {
    fn config(
        &self,
        version: &'static SupportedProtocolVersion,
        identity: Option<&Identity>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.server.trusted.clone()).unwrap();
        let config = ClientConfig::builder_with_protocol_versions(&[version]).with_root_certificates(roots);
        Arc::new(match identity {
            None => config.with_no_client_auth(),
            Some(own) => config.with_client_auth_cert(own.chain.clone(), own.key()).unwrap(),
        })
    }

    /// A connection and its greeting; or none, where the server has refused the handshake.
    async fn connect(&self, config: &Arc<ClientConfig>) -> Option<(Secure, String)> {
        let stream = TcpStream::connect(self.server.tls).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.ok()?;
        let mut client = Client::new(stream);
        // With TLS 1.3 a client is through before the server has looked at its certificate (RFC 8446, 2).
        let greeting = client.line().await;
        greeting.starts_with("* OK ").then_some((client, greeting))
    }

    /// What comes of EXTERNAL with this authorization identity.
    async fn external(&self, identity: &Identity, authzid: &str) -> [String; 2] {
        let mut told = [String::new(), String::new()];
        for (version, told) in VERSIONS.into_iter().zip(&mut told) {
            let (mut client, greeting) = self.connect(&self.config(version, Some(identity))).await.unwrap();
            assert!(greeting.contains(" AUTH=EXTERNAL "), "{greeting}");
            *told = client.ask(&external(authzid)).await;
        }
        told
    }
}

/// RFC 4959: no octets at all are written as an equals sign.
fn external(authzid: &str) -> String {
    let sent = if authzid.is_empty() { "=".into() } else { STANDARD.encode(authzid) };
    format!("a AUTHENTICATE EXTERNAL {sent}")
}

#[tokio::test]
async fn t_35_a_certificate_lets_in_by_what_it_is_bound_to_and_never_by_the_names_in_it() {
    let authority = Authority::new("Example");
    let house = house("client-bound", &authority).await;
    let laptop = authority.signs(|_| {});
    assert_eq!(house.external(&laptop, "").await, [WRONG, WRONG], "it says bob, and is nobody's");
    assert_eq!(house.external(&laptop, "bob@example.org").await, [WRONG, WRONG]);
    house.accounts.bind("ann@example.org", &laptop.bound_to()).await.unwrap();
    for own in ["", "ann@example.org"] {
        for told in house.external(&laptop, own).await {
            assert!(told.starts_with("a OK "), "{told}");
        }
    }
    house.server.stop().await;
}

#[tokio::test]
async fn t_30_whoever_has_a_certificate_of_their_own_acts_for_nobody_else() {
    let authority = Authority::new("Example");
    let house = house("client-authzid", &authority).await;
    let laptop = authority.signs(|_| {});
    house.accounts.bind("ann@example.org", &laptop.bound_to()).await.unwrap();
    for other in ["bob@example.org", "nobody@example.org", "ann\0@example.org"] {
        for told in house.external(&laptop, other).await {
            assert!(told.starts_with("a NO [AUTHORIZATIONFAILED] "), "{told}");
        }
    }
    house.server.stop().await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_another_time_ends_the_handshake_and_the_log_says_why() {
    let log = Log::default();
    let _listening = log.listen();
    let authority = Authority::new("Example");
    let house = house("client-refused", &authority).await;
    let year = |year| rcgen::date_time_ymd(year, 1, 1);
    let server = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let strangers = [
        Authority::new("Another").signs(|_| {}),
        // The same name, and another key.
        Authority::new("Example").signs(|_| {}),
        authority.signs(|params| params.not_after = year(2020)),
        authority.signs(|params| params.not_before = year(4000)),
        authority.signs(|params| params.extended_key_usages = server),
    ];
    for stranger in &strangers {
        // Whatever it is bound to.
        house.accounts.bind("ann@example.org", &stranger.bound_to()).await.unwrap();
        for version in VERSIONS {
            let config = house.config(version, Some(stranger));
            // Its own choice may be to show none where the names of authorities do not fit; this library shows it.
            assert!(house.connect(&config).await.is_none());
        }
    }
    house.server.stop().await;
    let failed: Vec<_> = log.lines().into_iter().filter(|line| line.contains("\"tls.failed\"")).collect();
    let of_authorities = "of an authority in the listener's `client_certificates`, and valid today";
    assert_eq!(failed.len(), strangers.len() * VERSIONS.len(), "{failed:#?}");
    assert!(failed.iter().all(|line| line.contains("its certificate is not taken: ")), "{failed:#?}");
    assert!(failed.iter().all(|line| line.contains(of_authorities)), "{failed:#?}");
}

#[tokio::test]
async fn who_has_no_certificate_is_not_offered_external_and_signs_in_by_a_password() {
    let authority = Authority::new("Example");
    let house = house("client-none", &authority).await;
    for version in VERSIONS {
        let (mut client, greeting) = house.connect(&house.config(version, None)).await.unwrap();
        assert!(!greeting.contains("EXTERNAL") && greeting.contains(" AUTH=PLAIN "), "{greeting}");
        let told = client.ask(&external("ann@example.org")).await;
        assert!(told.starts_with("a NO [CANNOT] "), "{told}");
        let told = client.ask(&format!("b LOGIN ann@example.org {PASSWORD}")).await;
        assert!(told.starts_with("b OK "), "{told}");
    }
    house.server.stop().await;
}

#[tokio::test]
async fn behind_starttls_a_certificate_counts_too() {
    let authority = Authority::new("Example");
    let house = house("client-starttls", &authority).await;
    let laptop = authority.signs(|_| {});
    house.accounts.bind("ann@example.org", &laptop.bound_to()).await.unwrap();
    let mut clear = house.server.in_clear().await;
    assert!(clear.ask("a STARTTLS").await.starts_with("a OK "));
    let connector = TlsConnector::from(house.config(&version::TLS13, Some(&laptop)));
    let stream = connector.connect(ServerName::try_from(HOST).unwrap(), clear.stream).await.unwrap();
    let told = Client::new(stream).ask(&external("")).await;
    assert!(told.starts_with("a OK "), "{told}");
    house.server.stop().await;
}

#[tokio::test]
async fn no_session_is_resumed_where_certificates_are_asked_for_so_that_each_is_verified_today() {
    let authority = Authority::new("Example");
    let house = house("client-anew", &authority).await;
    let laptop = authority.signs(|_| {});
    for version in VERSIONS {
        for identity in [None, Some(&laptop)] {
            let config = house.config(version, identity);
            for _ in 0..3 {
                let (client, _) = house.connect(&config).await.unwrap();
                assert_eq!(client.stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
            }
        }
    }
    house.server.stop().await;
}

#[tokio::test]
async fn whoever_is_signed_in_by_a_certificate_is_sent_away_when_it_is_unbound() {
    let authority = Authority::new("Example");
    let house = house("client-unbound", &authority).await;
    let laptop = authority.signs(|_| {});
    house.accounts.bind("ann@example.org", &laptop.bound_to()).await.unwrap();
    let config = house.config(&version::TLS13, Some(&laptop));
    let (mut client, _) = house.connect(&config).await.unwrap();
    assert!(client.ask(&external("")).await.starts_with("a OK "));
    assert!(client.ask("b IDLE").await.starts_with("+ "));
    house.accounts.unbind("ann@example.org", &laptop.bound_to().fingerprint).await.unwrap();
    assert_eq!(client.line().await, "* BYE You were signed out by whoever runs this server");
    house.server.stop().await;
}

#[tokio::test]
async fn a_listener_that_asks_for_none_takes_none_beside_one_that_does() {
    let authority = Authority::new("Example");
    let file = authority.file("client-beside");
    let server = Running::start("client-beside", Toy, |settings| {
        settings.network.listeners[0].client_certificates = Some(file);
    });
    let accounts = Arc::new(accounts(&[]).await);
    let house = House { server, accounts };
    let stranger = Authority::new("Another").signs(|_| {});
    let config = house.config(&version::TLS13, Some(&stranger));
    assert!(house.connect(&config).await.is_some(), "nobody looks at what was not asked for");
    house.server.stop().await;
}

#[tokio::test]
async fn a_file_that_holds_no_authorities_is_a_reason_not_to_start_and_is_named() {
    let folder = scratch("client-no-authorities");
    let (files, _) = common::issue(&folder, HOST);
    let check = |file: PathBuf, why: &str| {
        let mut settings = settings(&files);
        settings.network.listeners[1].client_certificates = Some(file.clone());
        let told = Server::open(&settings, Toy).map(drop).unwrap_err().to_string();
        assert!(told.contains(&file.display().to_string()) && told.contains(why), "{told}");
    };
    check(folder.join("gone.pem"), "cannot read ");
    std::fs::write(folder.join("empty.pem"), "").unwrap();
    check(folder.join("empty.pem"), "there is no certificate in it; it should be PEM");
    check(files.key.clone(), "there is no certificate in it");
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(folder.join("damaged.pem"), damaged).unwrap();
    check(folder.join("damaged.pem"), "cannot be taken for authorities of client certificates: ");
    let many: String = (0..200).map(|n| Authority::new(&format!("{n:0100}")).pem).collect();
    std::fs::write(folder.join("many.pem"), many).unwrap();
    check(folder.join("many.pem"), "there are too many: name your own authorities");
}
