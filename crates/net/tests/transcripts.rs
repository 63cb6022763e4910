//! Every conversation in `transcripts/`, through sockets, TLS and a store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use certificates::CertificateFiles;
use common::house::{Still, cheap};
use common::rotten::{self, Rotten};
use common::stalling::{Stalling, Switch};
use common::{HOST, issue, scratch, settings, trusting};
use mail::{Accounts, HashPool, ScramSha1};
use mailbox::account::{Limits, Quota};
use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use net::{Imap, Lmtp, Protocols, Server};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConnection, StreamOwned};
use sasl::{CredentialRecord, Salts, Secret, Workspace};
use session::imap::capability::{Capability, TABLE};
use settings::{Listener, ListenerKind, LiteralPlus};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, mpsc as std_mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use store_memory::Memory;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use transcript::{Disk, NAME, NONCE, PASSWORD, Pipe, Port, SALTS, Step, Transcript, World};

/// How long a server may think before it is taken to be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// A world that stands still, and throws the nonce that the transcripts have.
#[derive(Default)]
struct Rehearsed(Still);

impl mail::World for Rehearsed {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn random(&self, into: &mut [u8]) {
        if into.len() == NONCE.len() {
            return into.copy_from_slice(&NONCE); // nothing else asks for so many
        }
        self.0.random(into);
    }
}

/// A server of one account, on a thread and a clock of its own. That clock stands still: time goes by where a conversation
/// says so and nowhere else, so whatever is told without that has waited for no timer and was not polled for.
struct Hosted {
    open: Open,
    asked: mpsc::UnboundedSender<Asked>,
    thread: JoinHandle<()>,
}

/// What the server opened.
struct Open {
    starttls: SocketAddr,
    tls: SocketAddr,
    lmtp: SocketAddr,
    trusted: CertificateDer<'static>,
}

/// What a conversation asks of the world, to be done before it goes on.
struct Asked {
    what: Happening,
    done: std_mpsc::Sender<()>,
}

enum Happening {
    Pass(Duration),
    Disk(Disk),
}

/// What is served, and how.
#[derive(Clone, Copy)]
enum Served {
    /// In memory, with the usual settings.
    AsUsual,
    /// On a disk on which this has rotted.
    OnARottenDisk(Rotten),
    /// In memory, and the settings are not the usual ones.
    UnderOtherSettings,
}

impl Hosted {
    fn start(served: Served) -> Self {
        let (tell, told) = std_mpsc::channel();
        let (asked, asks) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let thread = thread::spawn(move || {
            runtime.block_on(host(served, &tell, asks));
            runtime.shutdown_background();
        });
        Self { open: told.recv().unwrap(), asked, thread }
    }

    fn ask(&self, what: Happening) -> io::Result<()> {
        let (done, is_done) = std_mpsc::channel();
        self.asked.send(Asked { what, done }).map_err(io::Error::other)?;
        is_done.recv_timeout(SILENCE).map_err(io::Error::other)
    }

    fn stop(self) {
        drop(self.asked);
        self.thread.join().unwrap();
    }
}

/// Lets the server run, and everything happen that is asked for, until nobody can ask any more.
async fn host(served: Served, tell: &std_mpsc::Sender<Open>, mut asks: mpsc::UnboundedReceiver<Asked>) {
    // A stopped clock leaps to the next timer where nothing else is to be done, but not while a thread is at work.
    let (working, until_dropped) = std_mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || until_dropped.recv());
    let switch = Switch::new();
    let (server, trusted) = server(served, switch.clone()).await;
    let address = |wanted| server.addresses().find(|(kind, _)| *kind == wanted).unwrap().1;
    let (starttls, tls) = (address(ListenerKind::ImapStartTls), address(ListenerKind::ImapTls));
    tell.send(Open { starttls, tls, lmtp: address(ListenerKind::Lmtp), trusted }).unwrap();
    tokio::spawn(server.run());
    while let Some(Asked { what, done }) = asks.recv().await {
        match what {
            Happening::Pass(time) => {
                // What the client has heard was said in the same turn in which the server set its next alarm. A command
                // that nothing is heard of yet has set its own once it waits for the disk.
                switch.somebody_waits().await;
                tokio::time::advance(time).await;
            }
            Happening::Disk(disk) => switch.turn(disk),
        }
        done.send(()).unwrap();
    }
    drop(working);
}

async fn server(served: Served, switch: Switch) -> (Server<Protocols>, CertificateDer<'static>) {
    static ISSUED: LazyLock<(CertificateFiles, CertificateDer<'static>)> =
        LazyLock::new(|| issue(&scratch("transcripts"), HOST));
    let (files, trusted) = &*ISSUED;
    let mut settings = settings(files);
    let lmtp = Listener::new("127.0.0.1:0".parse().unwrap(), ListenerKind::Lmtp);
    settings.network.listeners.push(lmtp);
    // A wrong password waits for its answer, and nothing passes that it could wait for.
    settings.passwords.login_delay_max_ms = 0;
    if matches!(served, Served::UnderOtherSettings) {
        settings.limits.literal_plus = LiteralPlus::Authenticated;
    }
    let scram_sha_1 = match served {
        Served::UnderOtherSettings => ScramSha1::OldClients,
        Served::AsUsual | Served::OnARottenDisk(_) => ScramSha1::Never,
    };
    let accounts = match served {
        Served::AsUsual => accounts(switch, record()).await,
        Served::UnderOtherSettings => {
            accounts(switch, record().with_sha1(&Secret::password(PASSWORD).unwrap())).await
        }
        Served::OnARottenDisk(what) => {
            rotten::accounts(what, Rehearsed::default, &record()).await.within(limits())
        }
    };
    let accounts = Arc::new(accounts);
    let pool = HashPool::start(1, cheap()).unwrap().with_scram_sha_1(scram_sha_1);
    let lmtp = Lmtp::new(&settings, Arc::clone(&accounts));
    let imap = Imap::new(&settings, accounts, Arc::new(pool));
    (Server::open(&settings, Protocols { imap, lmtp }).unwrap(), trusted.clone())
}

async fn accounts(switch: Switch, record: CredentialRecord) -> Accounts {
    let (store, world) = (Stalling::over(Memory::new(), switch), Rehearsed::default());
    let accounts = Accounts::open(Arc::new(store), Arc::new(world)).await.unwrap().within(limits());
    accounts.add(NAME, &record).await.unwrap();
    accounts
}

fn record() -> CredentialRecord {
    let password = Secret::password(PASSWORD).unwrap();
    CredentialRecord::new(&password, Salts(SALTS), &cheap(), &mut Workspace::new())
}

fn limits() -> Limits {
    let octets = Some(transcript::MOST_OCTETS);
    let (messages, mailboxes) = (Some(transcript::MOST_MESSAGES), Some(transcript::MOST_MAILBOXES));
    Limits { quota: Quota { octets, messages, mailboxes }, ..Limits::default() }
}

impl World for Hosted {
    type Pipe = Wire;

    fn connect(&mut self, port: Port) -> io::Result<Wire> {
        let address = match port {
            Port::Imap => self.open.starttls,
            Port::Imaps => self.open.tls,
            Port::Lmtp => self.open.lmtp,
        };
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(SILENCE))?;
        let mut wire = Wire { trusted: self.open.trusted.clone(), line: Line::Clear(stream), deflated: None };
        match port {
            Port::Imap | Port::Lmtp => {}
            Port::Imaps => wire.start_tls()?,
        }
        Ok(wire)
    }

    fn pass(&mut self, time: Duration) -> io::Result<()> {
        self.ask(Happening::Pass(time))
    }

    fn disk(&mut self, disk: Disk) -> io::Result<()> {
        self.ask(Happening::Disk(disk))
    }
}

/// A connection, from the client's side.
struct Wire {
    trusted: CertificateDer<'static>,
    line: Line,
    deflated: Option<Deflated>,
}

/// Both directions of a compressed line, as another implementation has them.
struct Deflated {
    out: CompressorOxide,
    back: Box<InflateState>,
}

impl Deflated {
    fn new() -> Self {
        let out = CompressorOxide::with_params(DataFormat::Raw, 6, CompressionStrategy::Default, 15);
        Self { out, back: InflateState::new_boxed(DataFormat::Raw) }
    }

    fn deflate(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut deflated = Vec::new();
        compress_to_output(&mut self.out, octets, TDEFLFlush::Sync, |some| {
            deflated.extend_from_slice(some);
            true
        });
        deflated
    }

    fn inflate(&mut self, mut deflated: &[u8]) -> Vec<u8> {
        let (mut octets, mut some) = (Vec::new(), [0; 4_096]);
        loop {
            let done = inflate(&mut self.back, deflated, &mut some, MZFlush::None);
            deflated = &deflated[done.bytes_consumed..];
            octets.extend_from_slice(&some[..done.bytes_written]);
            if done.bytes_written == 0 && deflated.is_empty() {
                return octets;
            }
        }
    }
}

enum Line {
    Clear(TcpStream),
    Private(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Pipe for Wire {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let deflated = self.deflated.as_mut().map(|line| line.deflate(bytes));
        let bytes = deflated.as_deref().unwrap_or(bytes);
        match &mut self.line {
            Line::Clear(stream) => stream.write_all(bytes),
            Line::Private(stream) => stream.write_all(bytes),
        }
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut octets = vec![0; 64 << 10];
        let read = match &mut self.line {
            Line::Clear(stream) => stream.read(&mut octets)?,
            // Fails where the end is not a clean one: close_notify has to come before the FIN.
            Line::Private(stream) => stream.read(&mut octets)?,
        };
        octets.truncate(read);
        let said = match &mut self.deflated {
            Some(line) => line.inflate(&octets),
            None => octets,
        };
        nothing_beyond_the_table(&said);
        Ok(said)
    }

    fn start_tls(&mut self) -> io::Result<()> {
        let Line::Clear(stream) = &self.line else { return Ok(()) };
        let mut stream = stream.try_clone()?;
        let config = trusting(std::slice::from_ref(&self.trusted));
        let name = ServerName::try_from(HOST).map_err(io::Error::other)?;
        let mut client = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        client.complete_io(&mut stream)?;
        self.line = Line::Private(Box::new(StreamOwned::new(client, stream)));
        Ok(())
    }

    fn deflate(&mut self) -> io::Result<()> {
        self.deflated = Some(Deflated::new());
        Ok(())
    }
}

/// Of the real server too: what it says to be possible stands in the table, so it has a file and transcripts.
fn nothing_beyond_the_table(said: &[u8]) {
    let text = String::from_utf8_lossy(said);
    let Some((_, list)) = text.split_once("CAPABILITY IMAP4rev1") else { return };
    let list = list.split([']', '\r']).next().unwrap_or_default();
    for told in list.split_whitespace() {
        let of = |row: &&Capability| {
            row.value.map_or(told, |_| told.split('=').next().unwrap_or(told)) == row.name
        };
        assert!(TABLE.iter().any(|row| of(&row)), "{told}");
    }
}

/// A complaint that an editor can jump to, if there is one.
fn complaint(served: Served, path: &Path) -> Option<String> {
    let complaint = |why: &dyn std::fmt::Display| Some(format!("{}: {why}", path.display()));
    let transcript = match Transcript::parse(&fs::read_to_string(path).unwrap()) {
        Ok(transcript) => transcript,
        Err(why) => return complaint(&why),
    };
    let mut hosted = Hosted::start(served);
    let played = transcript::run(&transcript, &mut hosted);
    hosted.stop();
    played.err().and_then(|failure| complaint(&failure))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../transcripts")
}

#[test]
fn every_conversation_comes_out_word_for_word_through_tls() {
    hold(Served::AsUsual, &[folder().join("lmtp"), folder()]);
}

#[test]
fn every_conversation_that_a_setting_makes_possible_comes_out_word_for_word_through_tls() {
    hold(Served::UnderOtherSettings, &[folder().join("settings")]);
}

#[test]
fn every_conversation_about_what_has_rotted_comes_out_word_for_word_through_tls() {
    let rotten = folder().join("rotten");
    hold(Served::OnARottenDisk(Rotten::Mailbox), &[rotten.join("hole")]);
    hold(Served::OnARottenDisk(Rotten::Names), &[rotten.join("names")]);
    hold(Served::OnARottenDisk(Rotten::Directory), &[rotten.join("directory")]);
}

fn hold(served: Served, folders: &[PathBuf]) {
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "imap" || e == "lmtp"));
    paths.sort();
    assert!(!paths.is_empty());
    let complaints: Vec<_> = paths.iter().filter_map(|path| complaint(served, path)).collect();
    assert!(complaints.is_empty(), "{} of {}\n{}", complaints.len(), paths.len(), complaints.join("\n"));
}

/// What happens is pushed: with the clock standing still from the first word to the last, a session in IDLE hears of a
/// delivery, of flags and of expunges. A timer anywhere in between, or a poll, would leave it waiting.
#[test]
fn what_changes_reaches_an_idle_client_while_time_stands_still() {
    for conversation in ["idle.imap", "new-keywords.imap", "lmtp/lmtp-idle.lmtp"] {
        let path = folder().join(conversation);
        let transcript = Transcript::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        let has_idle = transcript.turns.iter().any(|turn| turn.step == Step::Server("+ idling".into()));
        let passes = transcript.turns.iter().any(|turn| matches!(turn.step, Step::Pass(_)));
        assert!(has_idle && !passes, "{conversation}");
        assert_eq!(complaint(Served::AsUsual, &path), None);
    }
}
