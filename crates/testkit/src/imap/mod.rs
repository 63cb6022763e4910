//! A small IMAP client for tests: says what it is told, over verified TLS, and hands back what comes.
//!
//! It blocks, knows nothing of mail, and reads what it is sent with a parser of its own: a server that is tested
//! with its own parser agrees with itself.

mod response;

pub use response::{Fetched, Response, Span, Status, Value, spans};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// After so long a silence a test has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Octets read at a time.
const READ: usize = 64 << 10;
/// Largest message that goes without asking first (RFC 7888, 5, LITERAL-), in octets.
pub const UNASKED: usize = 4_096;

/// Whom a client trusts: one authority, and no other. And what it shows of itself, if anything.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
}

impl Trust {
    /// Trusts the authority in a PEM file to name `host`.
    ///
    /// # Panics
    /// When there is no certificate in the file.
    #[must_use]
    pub fn authority(file: &Path, host: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file).expect("a certificate")).expect("an authority");
        let roots = Arc::new(roots);
        let config = ClientConfig::builder().with_root_certificates(Arc::clone(&roots)).with_no_client_auth();
        let host = ServerName::try_from(host.to_owned()).expect("a host name");
        Self { roots, config: Arc::new(config), host }
    }

    /// The same for a client with a certificate of its own: that, and its key, in PEM files.
    ///
    /// # Panics
    /// When there is no certificate or key in the files, or they do not belong together.
    #[must_use]
    pub fn showing(self, certificate: &Path, key: &Path) -> Self {
        let chain = vec![CertificateDer::from_pem_file(certificate).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        let config = ClientConfig::builder().with_root_certificates(Arc::clone(&self.roots));
        let config = config.with_client_auth_cert(chain, key).expect("a certificate of this key");
        Self { config: Arc::new(config), ..self }
    }
}

/// A command that was sent: its answer bears the same number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(u64);

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    unread: Vec<u8>,
    /// How much of `unread` has been given out.
    given: usize,
    sent: u64,
}

impl Client {
    /// Connects to the port where TLS comes first, and reads the greeting.
    ///
    /// # Errors
    /// What the network or TLS says.
    pub fn connect(address: SocketAddr, trust: &Trust) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let connection = ClientConnection::new(Arc::clone(&trust.config), trust.host.clone());
        let stream = StreamOwned::new(connection.map_err(io::Error::other)?, socket);
        let mut client = Self { stream, unread: Vec::new(), given: 0, sent: 0 };
        client.response().map(|_greeting| client)
    }

    /// Signs in.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn login(&mut self, account: &str, password: &str) -> io::Result<()> {
        self.ask(&format!("LOGIN {account} {password}")).map(drop)
    }

    /// Sends a command and does not wait for the answer.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send(&mut self, command: &str) -> io::Result<Tag> {
        let tag = self.next_tag();
        self.say(format!("t{} {command}\r\n", tag.0).as_bytes())?;
        Ok(tag)
    }

    /// Sends an APPEND whose message goes with it unasked: `arguments` are mailbox and flags.
    ///
    /// # Errors
    /// The connection is gone.
    ///
    /// # Panics
    /// The message has more than [`UNASKED`] octets.
    pub fn send_append(&mut self, arguments: &str, message: &[u8]) -> io::Result<Tag> {
        self.send_with_messages(&[(format!("APPEND {arguments}"), message.to_vec())])
    }

    /// Sends a command with messages that go with it unasked: what stands in front of each, and the message.
    ///
    /// # Errors
    /// The connection is gone.
    ///
    /// # Panics
    /// A message has more than [`UNASKED`] octets.
    pub fn send_with_messages(&mut self, parts: &[(String, Vec<u8>)]) -> io::Result<Tag> {
        let tag = self.next_tag();
        let mut command = format!("t{}", tag.0).into_bytes();
        for (before, message) in parts {
            assert!(message.len() <= UNASKED, "{} octets may not go unasked", message.len());
            command.extend_from_slice(format!(" {before} {{{}+}}\r\n", message.len()).as_bytes());
            command.extend_from_slice(message);
        }
        command.extend_from_slice(b"\r\n");
        self.say(&command)?;
        Ok(tag)
    }

    /// Sends a command with a message of any size: waits until that is asked for. Nothing may be unanswered before.
    ///
    /// # Errors
    /// The connection is gone, or the server does not ask.
    pub fn send_large(&mut self, command: &str, message: &[u8]) -> io::Result<Tag> {
        let tag = self.send(&format!("{command} {{{}}}", message.len()))?;
        loop {
            let response = self.response()?;
            if response.is_continuation() {
                break;
            }
            if response.status().is_some() {
                return Err(io::Error::other(response.to_string()));
            }
        }
        self.say(message)?;
        self.say(b"\r\n")?;
        Ok(tag)
    }

    /// Sends a command and hands back what comes before its OK, and that.
    ///
    /// # Errors
    /// The connection is gone, or the answer is not OK.
    pub fn ask(&mut self, command: &str) -> io::Result<Vec<Response>> {
        let tag = self.send(command)?;
        self.answer(tag)
    }

    /// What comes up to the OK of a command that was sent, and that.
    ///
    /// # Errors
    /// The connection is gone, or the answer is not OK.
    pub fn answer(&mut self, tag: Tag) -> io::Result<Vec<Response>> {
        let mut came = Vec::new();
        loop {
            let response = self.response()?;
            let answer = response.status();
            came.push(response);
            match answer {
                Some((answered, Status::Ok)) if answered == tag => return Ok(came),
                Some(_) => {
                    return Err(io::Error::other(came.pop().map_or_else(String::new, |r| r.to_string())));
                }
                None => {}
            }
        }
    }

    /// The next response, its literals in it, without its line end.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn response(&mut self) -> io::Result<Response> {
        let mut end = 0;
        loop {
            end = self.line_end(end)?;
            match literal(&self.waiting()[..end]) {
                None => break,
                Some(octets) => {
                    end += 2 + octets;
                    self.fill(end)?;
                }
            }
        }
        let octets = self.waiting()[..end].to_vec();
        self.given += end + 2;
        if self.given == self.unread.len() {
            self.unread.clear();
            self.given = 0;
        }
        Ok(Response::new(octets))
    }

    /// What a proof can be bound to on this connection and on no other (RFC 9266, `tls-exporter`).
    ///
    /// # Panics
    /// The handshake is not done.
    #[must_use]
    pub fn exporter(&self) -> [u8; 32] {
        let exported = self.stream.conn.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
        exported.expect("the greeting came through it")
    }

    fn next_tag(&mut self) -> Tag {
        self.sent += 1;
        Tag(self.sent)
    }

    /// Sends octets as they are.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn say(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)?;
        self.stream.flush()
    }

    fn waiting(&self) -> &[u8] {
        &self.unread[self.given..]
    }

    /// Where the line behind `from` ends.
    fn line_end(&mut self, from: usize) -> io::Result<usize> {
        let mut seen = from;
        loop {
            if let Some(at) = self.waiting()[seen..].windows(2).position(|pair| pair == b"\r\n") {
                return Ok(seen + at);
            }
            // The CR may have come without its LF.
            seen = self.waiting().len().saturating_sub(1).max(from);
            self.read()?;
        }
    }

    /// Waits until so many octets are there.
    fn fill(&mut self, octets: usize) -> io::Result<()> {
        while self.waiting().len() < octets {
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        if self.given >= READ {
            self.unread.drain(..self.given);
            self.given = 0;
        }
        let mut room = [0; READ];
        match self.stream.read(&mut room)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            octets => {
                self.unread.extend_from_slice(&room[..octets]);
                Ok(())
            }
        }
    }
}

/// How many octets follow a line that announces them (RFC 3501, 4.3).
fn literal(line: &[u8]) -> Option<usize> {
    let digits = line.strip_suffix(b"}")?;
    let open = digits.iter().rposition(|octet| *octet == b'{')?;
    std::str::from_utf8(&digits[open + 1..]).ok()?.parse().ok()
}
