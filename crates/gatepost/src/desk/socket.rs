//! The Unix socket between the command line and a running server.

use super::{Job, Reply, Request, bring_back, perform};
use crate::office::Office;
use anyhow::{Context, Result, bail};
use net::{SocketFile, SocketName};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Longest request or reply, in octets: a list of all accounts that a directory can hold fits.
const MAX_LINE: u64 = 512 << 20;
/// Longest request, in octets.
const MAX_REQUEST: u64 = 64 << 10;
/// How long accepting rests when the system has nothing left to accept with.
const REST: Duration = Duration::from_millis(250);

const NAME: &str = "desk.sock";

fn path_in(data: &Path) -> PathBuf {
    data.join(NAME)
}

/// The desk of a running server. The file system says who may come: the owner of the data directory.
pub(crate) struct Desk {
    socket: SocketFile,
}

impl Desk {
    /// Opens the desk in `data`. Whoever asks from now on is answered once [`Self::serve`] runs.
    pub(crate) fn open(data: &Path) -> Result<Self> {
        let path = path_in(data);
        // A server that was killed leaves its socket behind; the store's lock says that no other server runs.
        let socket = SocketFile::bind(&path, 0o600, None);
        Ok(Self { socket: socket.with_context(|| format!("cannot listen on {}", path.display()))? })
    }

    /// Performs what is asked for, until dropped.
    pub(crate) async fn serve(self, office: Arc<Office>) {
        loop {
            match self.socket.accept().await {
                Ok(stream) => {
                    tokio::spawn(serve_one(Arc::clone(&office), stream));
                }
                Err(why) => {
                    tracing::warn!(%why, "the desk cannot take requests just now");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

async fn serve_one(office: Arc<Office>, stream: UnixStream) {
    if let Err(why) = answer(&office, stream).await {
        tracing::warn!(%why, "a request at the desk could not be answered");
    }
}

async fn answer(office: &Office, mut stream: UnixStream) -> Result<()> {
    let mut line = String::new();
    // Nothing of what comes behind the line is taken from the stream: who asks waits for the answer.
    BufReader::new((&mut stream).take(MAX_REQUEST)).read_line(&mut line).await?;
    let (reply, then) = match serde_json::from_str::<Request>(&line) {
        Ok(request) => {
            let then = Transport::granted_by(&request);
            (perform(office, request).await, then)
        }
        Err(why) => {
            (Reply::Refused(format!("the running server is of another version: {why}; restart it")), None)
        }
    };
    stream.write_all(format!("{}\n", serde_json::to_string(&reply)?).as_bytes()).await?;
    match (reply, then) {
        (Reply::Done(_), Some(transport)) => {
            let user = stream.peer_cred()?.uid();
            transport.serve(office, user, stream).await
        }
        _ => Ok(()),
    }
}

/// What goes through a connection at the desk, once that was granted.
#[derive(Clone, Debug)]
pub(crate) enum Transport {
    /// Into this account.
    Import(String),
    /// Out of this account.
    Export(String),
    /// The whole store.
    Backup,
    /// How far it is with what comes out of a backup.
    BringBack(Box<Job>),
}

impl Transport {
    /// Asks for it.
    fn request(&self) -> Request {
        match self.clone() {
            Self::Import(account) => Request::Import { account },
            Self::Export(account) => Request::Export { account },
            Self::Backup => Request::Backup,
            Self::BringBack(job) => Request::BringBack(job),
        }
    }

    /// What the connection is for once this request is granted.
    fn granted_by(request: &Request) -> Option<Self> {
        match request {
            Request::Import { account } => Some(Self::Import(account.clone())),
            Request::Export { account } => Some(Self::Export(account.clone())),
            Request::Backup => Some(Self::Backup),
            Request::BringBack(job) => Some(Self::BringBack(job.clone())),
            _ => None,
        }
    }

    /// Whether it could be served: whose mail it is about is there.
    pub(crate) fn check(&self, office: &Office) -> Result<()> {
        match self {
            Self::Import(account) | Self::Export(account) => drop(office.accounts.named(account)?),
            Self::BringBack(job) => bring_back::check(office, job)?,
            Self::Backup => {}
        }
        Ok(())
    }

    /// Does our half of it, for a user of the system.
    pub(crate) async fn serve(&self, office: &Office, user: u32, stream: impl migrate::Stream) -> Result<()> {
        match self {
            Self::Import(login) => {
                let account = office.accounts.named(login)?;
                migrate::serve(account, migrate::Who { login, user }, &office.imports, stream).await?;
            }
            Self::Export(login) => {
                let account = office.accounts.named(login)?;
                migrate::export::give(account, migrate::Who { login, user }, stream).await?;
            }
            Self::Backup => backup::give(&office.store, &office.accounts, user, stream).await?,
            Self::BringBack(job) => bring_back::serve(office, job, stream).await?,
        }
        Ok(())
    }
}

/// Whether a server runs on `data`.
pub(crate) fn is_open(data: &Path) -> bool {
    SocketName::of(&path_in(data))
        .and_then(|name| std::os::unix::net::UnixStream::connect(name.path()))
        .is_ok()
}

async fn connect(data: &Path) -> io::Result<UnixStream> {
    let name = SocketName::of(&path_in(data))?;
    UnixStream::connect(name.path()).await
}

/// Asks the server that runs on `data`; `None` where none does.
pub(crate) async fn ask(data: &Path, request: &Request) -> Result<Option<Reply>> {
    Ok(ask_and_stay(data, request).await?.map(|(reply, _)| reply))
}

/// Asks the server that runs on `data` for its half of such a thing; `None` where none does.
pub(crate) async fn ask_for_stream(data: &Path, transport: &Transport) -> Result<Option<UnixStream>> {
    match ask_and_stay(data, &transport.request()).await? {
        None => Ok(None),
        Some((Reply::Done(_), stream)) => Ok(Some(stream)),
        Some((Reply::Refused(why), _)) => bail!(why),
        Some((reply, _)) => bail!("the server answers something else: {reply:?}"),
    }
}

async fn ask_and_stay(data: &Path, request: &Request) -> Result<Option<(Reply, UnixStream)>> {
    let path = path_in(data);
    let mut stream = match connect(data).await {
        Ok(stream) => stream,
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(why) => {
            return Err(why).with_context(|| format!("cannot reach the server at {}", path.display()));
        }
    };
    stream.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes()).await?;
    let mut line = String::new();
    // The server says no more than this line before it is asked something else.
    BufReader::new((&mut stream).take(MAX_LINE)).read_line(&mut line).await?;
    if line.is_empty() {
        bail!("the server stopped before it answered; ask again");
    }
    let reply = serde_json::from_str(&line).context("the server answers in words of another version")?;
    Ok(Some((reply, stream)))
}
