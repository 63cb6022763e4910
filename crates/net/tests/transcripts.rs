//! Every conversation in `transcripts/`, through sockets, TLS and a store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use common::house::{Still, cheap};
use common::{HOST, issue, scratch, settings, trusting};
use mail::{Accounts, HashPool};
use mailbox::account::{Limits, Quota};
use miniz_oxide::deflate::core::{CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush};
use net::{Imap, Lmtp, Protocols, Remote, Server};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConnection, StreamOwned};
use sasl::{CredentialRecord, Salts, Secret, Workspace};
use session::imap::capability::{Capability, TABLE};
use settings::{Listener, ListenerKind};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store_memory::Memory;
use tokio::runtime::Runtime;
use transcript::{NAME, NONCE, PASSWORD, Pipe, Played, Port, SALTS, Transcript, World};

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

/// A server of one account.
struct Hosted {
    starttls: SocketAddr,
    tls: SocketAddr,
    lmtp: SocketAddr,
    trusted: CertificateDer<'static>,
    remote: Remote,
    runtime: Runtime,
}

impl Hosted {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let (files, trusted) = issue(&scratch("transcripts"), HOST);
        let mut settings = settings(&files);
        let lmtp = Listener { address: "127.0.0.1:0".parse().unwrap(), kind: ListenerKind::Lmtp };
        settings.network.listeners.push(lmtp);
        let _inside = runtime.enter();
        let accounts = Arc::new(runtime.block_on(accounts()));
        let pool = HashPool::start(1, cheap()).unwrap();
        let lmtp = Lmtp::new(&settings, Arc::clone(&accounts));
        let imap = Imap::new(&settings, accounts, Arc::new(pool));
        let server = Server::open(&settings, Protocols { imap, lmtp }).unwrap();
        let address = |wanted| server.addresses().find(|(kind, _)| *kind == wanted).unwrap().1;
        let (starttls, tls) = (address(ListenerKind::ImapStartTls), address(ListenerKind::ImapTls));
        let lmtp = address(ListenerKind::Lmtp);
        let remote = server.remote();
        runtime.spawn(server.run());
        Self { starttls, tls, lmtp, trusted, remote, runtime }
    }

    fn stop(self) {
        self.remote.stop();
        self.runtime.shutdown_background();
    }
}

async fn accounts() -> Accounts {
    let world = Rehearsed::default();
    let password = Secret::password(PASSWORD).unwrap();
    let record = CredentialRecord::new(&password, Salts(SALTS), &cheap(), &mut Workspace::new());
    let accounts = Accounts::open(Arc::new(Memory::new()), Arc::new(world)).await.unwrap().within(limits());
    accounts.add(NAME, &record).await.unwrap();
    accounts
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
            Port::Imap => self.starttls,
            Port::Imaps => self.tls,
            Port::Lmtp => self.lmtp,
        };
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(SILENCE))?;
        let mut wire = Wire { trusted: self.trusted.clone(), line: Line::Clear(stream), deflated: None };
        match port {
            Port::Imap | Port::Lmtp => {}
            Port::Imaps => wire.start_tls()?,
        }
        Ok(wire)
    }

    fn pass(&mut self, _: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
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

/// Conversations about time, and the line up to which each is played here: the clock behind sockets is a real one.
/// Their rest is played with the machine alone. Whatever needs no clock belongs in front of that line.
const END_EARLY: [(&str, usize); 6] = [
    ("client-outlook", 79),
    ("idle-phone", 12),
    ("idle-silence", 6),
    ("lmtp-limits", 49),
    ("time-before-tls", 6),
    ("time-to-sign-in", 9),
];

/// How far a file was played, or a complaint that an editor can jump to.
fn play(path: &Path) -> Result<Played, String> {
    let complaint = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let transcript = Transcript::parse(&fs::read_to_string(path).unwrap()).map_err(|why| complaint(&why))?;
    let mut hosted = Hosted::start();
    let played = transcript::run(&transcript, &mut hosted);
    hosted.stop();
    played.map_err(|failure| complaint(&failure))
}

/// Complains also of what was cut short, or was not, without being listed so.
fn complaint(path: &Path) -> Option<String> {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let listed = END_EARLY.iter().find(|(early, _)| *early == name);
    let expected = listed.map_or(Played::Whole, |(_, line)| Played::Until(*line));
    match play(path) {
        Ok(played) if played == expected => None,
        Ok(played) => Some(format!("{}: played {played:?}, expected {expected:?}", path.display())),
        Err(complaint) => Some(complaint),
    }
}

#[test]
fn every_conversation_comes_out_word_for_word_through_tls() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../transcripts");
    let folders = [folder.join("lmtp"), folder];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "imap" || e == "lmtp"));
    paths.sort();
    assert!(!paths.is_empty());
    let is_there = |name: &str| paths.iter().any(|path| path.file_stem().is_some_and(|stem| stem == name));
    assert!(END_EARLY.iter().all(|(name, _)| is_there(name)), "END_EARLY names what is not there");
    let complaints: Vec<_> = paths.iter().filter_map(|path| complaint(path)).collect();
    assert!(complaints.is_empty(), "{} of {}\n{}", complaints.len(), paths.len(), complaints.join("\n"));
}
