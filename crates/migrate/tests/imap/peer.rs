//! A server that says what it is told to say.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// An answer that is none, the first time: the connection is closed.
pub(crate) const HANG_UP_ONCE: &str = "hang up";

/// What a server answers to a command that begins so: `$` is the command's tag.
pub(crate) type Answers = Vec<(&'static str, String)>;

/// A server, for as many connections as come.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) authority: PathBuf,
    heard: Arc<Mutex<Vec<String>>>,
    meeting: Arc<Meeting>,
}

/// Counts connections that have a mailbox open.
struct Meeting {
    /// So many open their first mailbox together: each waits for the others.
    together: usize,
    barrier: Barrier,
    came: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Meeting {
    fn of(together: usize) -> Self {
        let (came, now, most) = Default::default();
        Self { together, barrier: Barrier::new(together.max(1)), came, now, most }
    }

    async fn join(self: Arc<Self>) -> Joined {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        if self.came.fetch_add(1, Ordering::SeqCst) < self.together {
            self.barrier.wait().await;
        }
        Joined(self)
    }
}

/// A connection that has a mailbox open, until it goes.
struct Joined(Arc<Meeting>);

impl Drop for Joined {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Tls,
    /// In the clear, and TLS behind an OK to STARTTLS.
    Clear,
}

#[derive(Clone)]
struct Script {
    greeting: String,
    answers: Arc<Answers>,
    heard: Arc<Mutex<Vec<String>>>,
    meeting: Arc<Meeting>,
}

impl Peer {
    pub(crate) async fn start(port: Port, greeting: &str, answers: Answers) -> Self {
        Self::named("localhost", port, greeting, answers).await
    }

    /// One whose certificate is for `name`.
    pub(crate) async fn named(name: &str, port: Port, greeting: &str, answers: Answers) -> Self {
        Self::with(name, port, greeting, answers, Meeting::of(0)).await
    }

    /// One that answers the first EXAMINE only when so many connections have asked for one.
    pub(crate) async fn meeting(together: usize, answers: Answers) -> Self {
        Self::with("localhost", Port::Tls, "* OK\r\n", answers, Meeting::of(together)).await
    }

    /// How many connections had a mailbox open at once, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.meeting.most.load(Ordering::SeqCst)
    }

    async fn with(name: &str, port: Port, greeting: &str, answers: Answers, meeting: Meeting) -> Self {
        let meeting = Arc::new(meeting);
        let (acceptor, authority) = certificate(name);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let script = Script {
            greeting: greeting.into(),
            answers: Arc::new(answers),
            heard: Arc::clone(&heard),
            meeting: Arc::clone(&meeting),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, port, acceptor.clone(), script.clone()));
            }
        });
        Self { address, authority, heard, meeting }
    }

    /// The lines that came.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.authority);
    }
}

fn certificate(name: &str) -> (TlsAcceptor, PathBuf) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = format!("peer-{}-{number}.pem", std::process::id());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&file, cert.pem()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

// A client that goes away in the middle is what most of these tests are about.
async fn serve(stream: TcpStream, port: Port, acceptor: TlsAcceptor, script: Script) -> std::io::Result<()> {
    match port {
        Port::Tls => script.talk(acceptor.accept(stream).await?, true).await.map(drop),
        Port::Clear => match script.talk(stream, true).await? {
            Some(stream) => script.talk(acceptor.accept(stream).await?, false).await.map(drop),
            None => Ok(()),
        },
    }
}

impl Script {
    /// Talks until the client goes, or STARTTLS was granted: then the stream is handed back.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        greets: bool,
    ) -> std::io::Result<Option<S>> {
        let mut stream = BufReader::new(stream);
        if greets {
            stream.write_all(self.greeting.as_bytes()).await?;
            stream.flush().await?;
        }
        let (mut line, mut joined) = (String::new(), None);
        while stream.read_line(&mut line).await? > 0 {
            let command = line.trim_end().to_owned();
            if joined.is_none() && command.contains(" EXAMINE ") {
                joined = Some(Arc::clone(&self.meeting).join().await);
            }
            let first = !self.heard.lock().unwrap().contains(&command);
            self.heard.lock().unwrap().push(command.clone());
            let answer = match self.answer(&command) {
                answer if answer != HANG_UP_ONCE => answer,
                _ if first => return Ok(None),
                _ => usual_answer(&command),
            };
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
            if line.contains("STARTTLS") && answer.contains(" OK") {
                return Ok(Some(stream.into_inner()));
            }
            line.clear();
        }
        Ok(None)
    }

    fn answer(&self, line: &str) -> String {
        let (tag, command) = line.split_once(' ').unwrap_or(("", line));
        let own = self.answers.iter().find(|(begin, _)| command.starts_with(begin));
        own.map_or_else(|| usual_answer(line), |(_, answer)| tagged(answer, tag))
    }
}

fn usual_answer(line: &str) -> String {
    let (tag, command) = line.split_once(' ').unwrap_or(("", line));
    tagged(usual(command), tag)
}

/// What follows `+` bears no tag, and answers the command before.
fn tagged(answer: &str, tag: &str) -> String {
    answer.replace('$', if tag.is_empty() { "g2" } else { tag })
}

/// One mailbox, one message.
fn usual(command: &str) -> &'static str {
    match command {
        command if command.starts_with("STARTTLS") => "$ OK go\r\n",
        "CAPABILITY" => "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n$ OK\r\n",
        "AUTHENTICATE PLAIN" => "+ \r\n",
        command if command.starts_with("LIST") => "* LIST () \"/\" INBOX\r\n$ OK\r\n",
        command if command.starts_with("LSUB") => "* LSUB () \"/\" INBOX\r\n$ OK\r\n",
        command if command.starts_with("EXAMINE") => "* 1 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n$ OK\r\n",
        command if command.starts_with("UID FETCH 1:*") => {
            "* 1 FETCH (UID 5 FLAGS (\\Seen \\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 14)\r\n$ OK\r\n"
        }
        command if command.starts_with("UID FETCH") => {
            "* 1 FETCH (UID 5 BODY[] {14}\r\nSubject: a\r\n\r\n)\r\n$ OK\r\n"
        }
        _ => "$ OK\r\n",
    }
}
