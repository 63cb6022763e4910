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
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use terms::Moment;

/// Below the data directory.
const NAME: &str = "failed-logins";
const NEW: &str = "failed-logins.new";

/// How often a running server writes it, where something has changed.
const EVERY: Duration = Duration::from_mins(1);

/// Where it lies. Whoever writes waits for whoever does already: now and then, at a stop, and at the desk.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// The data directory.
    folder: PathBuf,
    turn: Mutex<()>,
}

impl Shelf {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), turn: Mutex::new(()) }
    }

    /// Puts there what `write` writes in its turn, so that who comes last writes what is newest.
    fn replace(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.path(NEW);
        // Most pieces are small.
        let mut out = BufWriter::new(create(&new)?);
        write(&mut out)?;
        out.flush()?;
        fs::rename(&new, self.path(NAME))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

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
    let state = |out: &mut dyn Write| office.failed.write_state(second(), |piece| out.write_all(piece));
    let written = office.shelf.replace(state);
    written.with_context(|| format!("cannot write {}", office.shelf.path(NAME).display()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn who_writes_at_the_same_time_as_others_writes_all_of_it_and_nothing_of_theirs() {
        let folder = std::env::temp_dir().join(format!("gatepost-guesses-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let shelf = Shelf::new(&folder);
        let write = |who: u8| {
            for _ in 0..100 {
                let pieces = |out: &mut dyn Write| (0..who).try_for_each(|_| out.write_all(&[who; 1 << 10]));
                shelf.replace(pieces).unwrap();
                let written = read(&shelf.path(NAME)).unwrap();
                let first = *written.first().unwrap();
                assert!(written == vec![first; usize::from(first) << 10], "{} octets", written.len());
            }
        };
        thread::scope(|scope| {
            for who in 1..=4 {
                scope.spawn(move || write(who));
            }
        });
        fs::remove_dir_all(&folder).unwrap();
    }
}
