//! The Unix socket between the command line and a running server.

use super::{Reply, Request, perform};
use crate::office::Office;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Longest request or reply, in octets: a list of all accounts that a directory can hold fits.
const MAX_LINE: u64 = 512 << 20;
/// Longest request, in octets.
const MAX_REQUEST: u64 = 64 << 10;

fn path_in(data: &Path) -> PathBuf {
    data.join("desk.sock")
}

/// Performs what comes through the socket in `data`, for ever. The file system says who may: the owner of the data
/// directory.
pub(crate) async fn listen(office: Arc<Office>, data: &Path) -> Result<()> {
    let path = path_in(data);
    // A server that was killed leaves its socket behind; the store's lock says that no other server runs.
    match fs::remove_file(&path) {
        Err(why) if why.kind() != ErrorKind::NotFound => {
            return Err(why).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    loop {
        let (stream, _) = listener.accept().await?;
        let office = Arc::clone(&office);
        tokio::spawn(async move {
            if let Err(why) = serve_one(&office, stream).await {
                tracing::warn!(%why, "a request at the desk could not be answered");
            }
        });
    }
}

async fn serve_one(office: &Office, stream: UnixStream) -> Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(MAX_REQUEST)).read_line(&mut line).await?;
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => perform(office, request).await,
        Err(why) => Reply::Refused(format!("the running server is of another version: {why}; restart it")),
    };
    writer.write_all(format!("{}\n", serde_json::to_string(&reply)?).as_bytes()).await?;
    Ok(())
}

/// Asks the server that runs on `data`; `None` where none does.
pub(crate) async fn ask(data: &Path, request: &Request) -> Result<Option<Reply>> {
    let path = path_in(data);
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(why) => {
            return Err(why).with_context(|| format!("cannot reach the server at {}", path.display()));
        }
    };
    let (reader, mut writer) = stream.into_split();
    writer.write_all(format!("{}\n", serde_json::to_string(request)?).as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(reader.take(MAX_LINE)).read_line(&mut line).await?;
    if line.is_empty() {
        bail!("the server stopped before it answered; ask again");
    }
    Ok(Some(serde_json::from_str(&line).context("the server answers in words of another version")?))
}
