//! A folder in the data directory for what is taken out of a backup: the server can read it wherever it is confined to.

use crate::office::{check_owner, make_private};
use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const NAME: &str = "bringing-back";
const LOCK: &str = "bringing-back.lock";

/// The folder, for one process; gone with what is in it when dropped.
pub(crate) struct Scratch {
    folder: PathBuf,
    /// The kernel lets the lock go when the file is closed, however the process ends.
    _lock: File,
}

impl Scratch {
    /// Makes it, empty.
    pub(crate) fn make(data: &Path) -> Result<Self> {
        check_owner(data)?;
        let Some(lock) = lock(data)? else {
            bail!("another restore into {} is under way; wait until it has ended", data.display())
        };
        let scratch = Self { folder: folder(data), _lock: lock };
        clear(&scratch.folder)?;
        make_private(&scratch.folder)?;
        Ok(scratch)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be taken away goes with the next restore, or the next start of the server.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where it is.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join(NAME)
}

/// Takes away what a restore left that was cut off, unless one is under way.
pub(crate) fn tidy(data: &Path) -> Result<()> {
    let folder = folder(data);
    if !folder.exists() {
        return Ok(());
    }
    match lock(data)? {
        Some(_lock) => clear(&folder),
        None => Ok(()),
    }
}

fn lock(data: &Path) -> Result<Option<File>> {
    let path = data.join(LOCK);
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(why) => Err(why).with_context(|| format!("cannot lock {}", path.display())),
    }
}

fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot take {} away", folder.display()))?;
    }
    Ok(())
}
