//! What failed logins are held against, over a restart: a file of its own in the data directory.
//!
//! It is written without a sync, and is no part of the store and of its format: what it loses costs nobody anything but a
//! few guesses more, or a wait. A damaged one is an empty one.

use crate::office::Office;
use anyhow::{Context, Result};
use door::Limits;
use policy::{Keys, MAX_STATE_OCTETS, Network};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use terms::Moment;

/// Below the data directory.
const NAME: &str = "failed-logins";
const NEW: &str = "failed-logins.new";

/// How often a running server writes it, where something has changed.
const EVERY: Duration = Duration::from_mins(1);

/// What failed logins are held against, as it was when that was last written.
pub(crate) fn open(data: &Path, trusted: Vec<Network>) -> Result<Arc<Limits>> {
    let begun = Instant::now();
    let clock = move || Moment::default().plus(begun.elapsed());
    let limits = Limits::new(Keys { names: key()?, passwords: key()? }, trusted.clone(), clock);
    match read(&data.join(NAME)) {
        Ok(state) => {
            if let Err(why) = limits.take_up(&state, key()?, trusted, second()) {
                tracing::warn!(%why, "what failed logins are held against is damaged, and begins anew");
            }
        }
        Err(why) if why.kind() == ErrorKind::NotFound => {}
        Err(why) => {
            tracing::warn!(%why, "what failed logins are held against cannot be read, and begins anew")
        }
    }
    Ok(Arc::new(limits))
}

/// Writes it down.
pub(crate) fn write(office: &Office) -> Result<()> {
    let (new, file) = (office.data.join(NEW), office.data.join(NAME));
    let written = create(&new).and_then(|out| fill(out, office)).and_then(|()| fs::rename(&new, &file));
    written.with_context(|| format!("cannot write {}", file.display()))
}

fn fill(file: File, office: &Office) -> io::Result<()> {
    // Most pieces are small.
    let mut out = BufWriter::new(file);
    office.failed.write_state(second(), |piece| out.write_all(piece))?;
    out.flush()
}

/// Writes it down now and then, for ever.
pub(crate) async fn keep(office: Arc<Office>) {
    let mut written = office.failed.changes();
    loop {
        tokio::time::sleep(EVERY).await;
        let changes = office.failed.changes();
        if changes != written {
            let office = Arc::clone(&office);
            let outcome = tokio::task::spawn_blocking(move || write(&office)).await;
            match outcome {
                Ok(Ok(())) => written = changes,
                Ok(Err(why)) => tracing::warn!(%why, "failed logins are not remembered over a restart"),
                Err(why) => tracing::warn!(%why, "failed logins could not be written down"),
            }
        }
    }
}

/// No more is read than could have been written.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut state = Vec::new();
    File::open(path)?.take(MAX_STATE_OCTETS as u64 + 1).read_to_end(&mut state)?;
    Ok(state)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn key() -> Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    Ok(key)
}

/// Of the calendar. One that is set back costs nobody more than they had.
fn second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
