//! A moment of the store, held still so that it can be copied while the store goes on.
//!
//! > **Promise.** What was acknowledged before [`LocalStore::moment`] was called is in the moment's files, and nothing is
//! > there by half: they end with a group. They do not change, and none goes, as long as the moment lives.
//!
//! The commit thread ends its segment for it, as it does when one is full. Segments that have ended are only read, and
//! the files of bodies that are deleted meanwhile stay until the last moment has gone.

use crate::body_file::Hold;
use crate::disk::File;
use crate::engine::Engine;
use crate::log::chain::{Chain, Link};
use crate::log::format::{LogPosition, TRAILER, footer_of, is_sealed_behind};
use crate::log::segments::segment_path;
use crate::{LocalStore, OpenError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use store::StoreError;
use xxhash_rust::xxh3::xxh3_64;

/// The files that make up the store at one moment.
#[derive(Debug)]
pub struct Moment {
    engine: Arc<Engine>,
    store: [u8; 16],
    end: LogPosition,
    files: Vec<MomentFile>,
    _hold: Hold,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MomentFile {
    /// Where it lies, below the store's directory.
    pub path: PathBuf,
    /// So many of its octets count.
    pub length: u64,
    /// Another file of this path and length has another mark: a segment that a later recovery, or a store that was
    /// restored, wrote under the same number.
    pub mark: u64,
}

impl LocalStore {
    /// Holds the store still as it is now. Writing waits for no more than the end of a segment.
    ///
    /// # Errors
    /// The store cannot write now, or its directory cannot be read.
    pub async fn moment(&self) -> Result<Moment, StoreError> {
        let engine = &self.engine;
        // First: what is named by the log up to its end must not be gone when the names are read.
        let hold = engine.bodies.hold();
        let end = engine.seal().await?;
        let links = Chain::leading_to(&*engine.segments.disk, end).map_err(unreadable)?;
        let store = links.first().map(|link| link.header.store).unwrap_or_default();
        let segments = links.iter().map(|link| segment(engine, link)).collect::<io::Result<Vec<_>>>();
        let mut files = segments.map_err(unreadable)?;
        files.extend(bodies(engine).map_err(unreadable)?);
        Ok(Moment { engine: Arc::clone(engine), store, end, files, _hold: hold })
    }
}

impl Moment {
    /// Which store it is.
    #[must_use]
    pub const fn store(&self) -> [u8; 16] {
        self.store
    }

    /// The format of what the files hold: whoever makes a directory of them says so there.
    #[must_use]
    pub fn format(&self) -> u32 {
        self.engine.format.number()
    }

    /// Where the log ends: a segment's number, and octets from its start.
    #[must_use]
    pub const fn end(&self) -> (u64, u64) {
        (self.end.segment, self.end.offset)
    }

    /// The files, the log first.
    #[must_use]
    pub fn files(&self) -> &[MomentFile] {
        &self.files
    }

    /// Opens one of them to be read.
    ///
    /// # Errors
    /// It cannot be.
    pub fn open(&self, file: &MomentFile) -> io::Result<Arc<dyn File>> {
        self.engine.segments.disk.open(&file.path)
    }
}

/// A segment with its table of contents, where the log leaves it right behind that; else as far as the log goes.
fn segment(engine: &Engine, link: &Link) -> io::Result<MomentFile> {
    let path = segment_path(link.header.number);
    let file = engine.segments.disk.open(&path)?;
    let (end, length) = (link.end.unwrap_or_default(), file.length()?);
    let mut trailer = [0; TRAILER];
    let sealed = is_sealed_behind(end, length)
        && file.read_exact_at(&mut trailer, length - TRAILER as u64).is_ok()
        && footer_of(&trailer, link.header.salt).is_some();
    let length = if sealed { length } else { end };
    Ok(MomentFile { path, length, mark: xxh3_64(&link.header.encode()) })
}

/// All that have their name. What was staged since the end is not named by the log, and does no harm.
fn bodies(engine: &Engine) -> io::Result<Vec<MomentFile>> {
    let disk = &engine.segments.disk;
    let mut paths = engine.bodies.named()?;
    paths.sort();
    let file = |path: PathBuf| Ok(MomentFile { length: disk.open(&path)?.length()?, path, mark: 0 });
    paths.into_iter().map(file).collect()
}

fn unreadable(why: impl Into<OpenError>) -> StoreError {
    StoreError::Unavailable { reason: why.into().to_string(), uncertain: false }
}
