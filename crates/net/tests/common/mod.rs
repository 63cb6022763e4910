//! What the tests of this crate share: certificates, a server with a toy behind its gate, and clients.
#![allow(dead_code, reason = "each test file takes what it needs")]

pub(crate) mod house;
pub(crate) mod prover;
pub(crate) mod rotten;
pub(crate) mod stalling;

use certificates::CertificateFiles;
use events::{Account, EndReason, Mechanism};
use net::{Farewell, Remote, Server, Service, Stopped, Visit};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use session::imap::gate::Greeted;
use session::outbox::Outbox;
use session::port::{Gone, Peer, Received};
use settings::{Certificate, HostName, Listener, ListenerKind, Settings};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use terms::Moment;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The name that the certificates are for.
pub(crate) const HOST: &str = "mail.example.org";

/// A folder for one test.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("net-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Writes a fresh certificate for `name`, over one that is there.
pub(crate) fn issue(dir: &Path, name: &str) -> (CertificateFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let files =
        CertificateFiles { chain: dir.join(format!("{name}.crt")), key: dir.join(format!("{name}.key")) };
    std::fs::write(&files.chain, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

/// A client that trusts these certificates and no other.
pub(crate) fn trusting(certificates: &[CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).unwrap();
    }
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}

/// Settings for a server on ports that the system chooses.
pub(crate) fn settings(certificate: &CertificateFiles) -> Settings {
    let mut settings = Settings::default();
    let listener = |kind| Listener::new("127.0.0.1:0".parse().unwrap(), kind);
    settings.network.listeners = vec![listener(ListenerKind::ImapStartTls), listener(ListenerKind::ImapTls)];
    settings.server.hostname = HostName::new(HOST).unwrap();
    settings.public.imaps_port = Some(993);
    settings.tls.certificates =
        vec![Certificate { chain: certificate.chain.clone(), key: certificate.key.clone() }];
    settings
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) folder: PathBuf,
    pub(crate) starttls: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) lmtp: Option<SocketAddr>,
    pub(crate) remote: Remote,
    pub(crate) trusted: CertificateDer<'static>,
    running: JoinHandle<Stopped>,
}

impl Running {
    /// Starts one with `service` behind its gate.
    pub(crate) fn start(name: &str, service: impl Service, change: impl FnOnce(&mut Settings)) -> Self {
        hear_on_all_threads();
        let folder = scratch(name);
        let (files, trusted) = issue(&folder, HOST);
        let mut settings = settings(&files);
        change(&mut settings);
        let server = Server::open(&settings, service).unwrap();
        let address = |wanted| server.addresses().find(|(kind, _)| *kind == wanted).map(|found| found.1);
        let starttls = address(ListenerKind::ImapStartTls).unwrap();
        let (tls, lmtp) = (address(ListenerKind::ImapTls).unwrap(), address(ListenerKind::Lmtp));
        let remote = server.remote();
        Self { folder, starttls, tls, lmtp, remote, trusted, running: tokio::spawn(server.run()) }
    }

    /// A connection to the port where STARTTLS comes first, its greeting read.
    pub(crate) async fn in_clear(&self) -> Client<TcpStream> {
        let mut client = Client::new(TcpStream::connect(self.starttls).await.unwrap());
        let greeting = client.line().await;
        assert!(greeting.starts_with("* OK [CAPABILITY IMAP4rev1 "), "{greeting}");
        client
    }

    /// A connection to the port where TLS comes first.
    pub(crate) async fn in_private(&self) -> Client<TlsStream<TcpStream>> {
        self.encrypt(TcpStream::connect(self.tls).await.unwrap()).await.unwrap()
    }

    /// Does the client's part of a handshake.
    pub(crate) async fn encrypt(&self, stream: TcpStream) -> io::Result<Client<TlsStream<TcpStream>>> {
        let connector = TlsConnector::from(Arc::new(trusting(std::slice::from_ref(&self.trusted))));
        connector.connect(ServerName::try_from(HOST).unwrap(), stream).await.map(Client::new)
    }

    /// Stops it and waits until it has.
    pub(crate) async fn stop(self) -> Stopped {
        self.remote.stop();
        self.running.await.unwrap()
    }
}

/// A client that talks in lines.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    unread: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Says it, CRLF and all, in one write.
    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next line; `(closed)` behind the last, `(cut)` where the end is no clean one.
    pub(crate) async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).unwrap();
            }
            match self.stream.read_buf(&mut self.unread).await {
                Ok(0) => return "(closed)".into(),
                Ok(_) => {}
                Err(_) => return "(cut)".into(),
            }
        }
    }

    /// Says a line; what comes back.
    pub(crate) async fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\r\n")).await;
        self.line().await
    }
}

/// Stands behind the gate where no mail is needed: repeats what it hears, but for a few words.
pub(crate) struct Toy;

/// How much the toy says when it is asked to flood, in octets.
pub(crate) const FLOOD: usize = 64 << 20;

impl Service for Toy {
    async fn converse<P: Peer>(&self, _: Greeted, mut peer: P, visit: Arc<Visit>) -> Farewell {
        let mut commands = 0;
        let reason = match chat(&mut peer, &visit, &mut commands).await {
            Ok(()) => EndReason::Stopping,
            Err(Gone) => EndReason::Closed,
        };
        Farewell { reason, commands }
    }

    fn exposed(&self, _: &str, _: &Visit) {}
}

async fn chat(peer: &mut impl Peer, visit: &Visit, commands: &mut u64) -> Result<(), Gone> {
    let mut unread = Vec::new();
    say(peer, "* OK toy").await?;
    while peer.receive(&mut unread, Moment::NEVER).await? == Received::Octets {
        while let Some(end) = unread.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = unread.drain(..end + 2).take(end).collect();
            *commands += 1;
            obey(peer, visit, std::str::from_utf8(&line).unwrap()).await?;
        }
    }
    say(peer, "* BYE stopping").await
}

async fn obey(peer: &mut impl Peer, visit: &Visit, line: &str) -> Result<(), Gone> {
    match line {
        "panic" => panic!("the toy was asked to"),
        "sign in" => visit.signed_in(Account::new("toy"), Mechanism::Plain),
        "sulk" => {
            say(peer, "sulking").await?;
            std::future::pending().await
        }
        "search" => search(peer).await?,
        "enough" => {
            say(peer, "* BYE enough").await?;
            return Err(Gone);
        }
        "flood" => {
            let mut outbox = Outbox::default();
            outbox.push(vec![b'x'; FLOOD].into());
            peer.send(&mut outbox).await?;
        }
        _ => {}
    }
    say(peer, line).await
}

/// Long work that has nothing to say, until somebody has gone.
async fn search(peer: &mut impl Peer) -> Result<(), Gone> {
    say(peer, "searching").await?;
    loop {
        peer.look()?;
        tokio::task::yield_now().await;
    }
}

async fn say(peer: &mut impl Peer, text: &str) -> Result<(), Gone> {
    let mut outbox = Outbox::default();
    outbox.text().extend_from_slice(format!("{text}\r\n").as_bytes());
    peer.send(&mut outbox).await
}

/// What is logged on this thread, as JSON.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// Somebody listens to every thread, and forgets: an event that is told for the first time where nobody listens may be
/// taken for one that nobody wants, for good, while another test's log is just being opened.
fn hear_on_all_threads() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(io::sink);
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    });
}

impl Log {
    /// Hears until the guard is dropped.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG);
        tracing::subscriber::set_default(subscriber.with_writer(move || log.clone()).finish())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(Into::into).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
