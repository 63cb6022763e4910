//! Bodies too large for the log: a file each, `bodies/<BLAKE3 in hex>-<file number in hex>`.
//!
//! ```text
//! the body, as it is, in blocks of 64 KiB
//! one xxh3 (u64) for each block
//! footer, 64 octets
//!   0   8  "GPSTBODY"
//!   8   8  length of the body
//!  16   4  length of a block
//!  20   1  codec: 0, as it is
//!  21   1  format version, counted from 0
//!  22   2  zero
//!  24  32  BLAKE3 of the body
//!  56   8  xxh3 of the checksums of the blocks and octets 0 to 55
//! ```
//!
//! A file is written in `bodies/staging` by the body desk's thread, synced in small steps, and gets its name when it
//! is whole and durable. Only then does the log name it. File numbers are never used twice: a body that is
//! deleted and stored again is another file, so that the late end of the old one cannot take the new one away.
//!
//! Of every version the last 64 octets are a footer with its name, the length, the version and, of all that lies behind
//! the body, the checksum: so a file of a newer one is told from a damaged one.

use crate::disk::{Disk, File, is_for_now, make_dir};
use crate::log::octets::{array_at, checked, push_checksum, u32_at, u64_at};
use bytes::Bytes;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{BodyId, StoreError};
use xxhash_rust::xxh3::xxh3_64;

/// Where large bodies are.
const DIRECTORY: &str = "bodies";
const STAGING: &str = "bodies/staging";
/// Octets that have one checksum, and are read together.
pub(crate) const BLOCK: usize = 64 << 10;
const FOOTER: usize = 64;
const MAGIC: &[u8; 8] = b"GPSTBODY";
const PLAIN: u8 = 0;
/// The version of the files that this code writes, and the only one that it reads.
pub(crate) const VERSION: u32 = 1;
/// As the footer has it.
const VERSION_OCTET: u8 = (VERSION - 1) as u8;
/// Most octets that are read to tell a newer version from damage.
const MAX_FOREIGN_TABLE: u64 = 1 << 20;
/// Octets after which a file in the making is synced: the log's syncs wait for no more than this.
const SYNC_EVERY: u64 = 1 << 20;

/// All of them.
#[derive(Clone, Debug)]
pub(crate) struct BodyFiles {
    disk: Arc<dyn Disk>,
    next_file: Arc<AtomicU64>,
    held: Arc<Mutex<Held>>,
}

/// What stays although nothing names it any more.
#[derive(Debug, Default)]
struct Held {
    /// How many ask for that.
    holds: usize,
    /// What goes with the last of them. If we do not live to see that, the files are left over.
    freed: Vec<PathBuf>,
}

/// As long as it lives no body's file goes.
#[derive(Debug)]
pub(crate) struct Hold(BodyFiles);

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.0.held();
        held.holds -= 1;
        if held.holds == 0 {
            // Nobody is there to be told; what cannot be taken away is left over.
            held.freed.drain(..).for_each(|path| drop(self.0.disk.unlink(&path)));
        }
    }
}

impl BodyFiles {
    /// Makes the directories and throws away what was never finished. File numbers begin behind those of every
    /// earlier start, which had a lower `segment`.
    pub(crate) fn open(disk: Arc<dyn Disk>, segment: u64) -> io::Result<Self> {
        make_dir(&*disk, Path::new(DIRECTORY))?;
        make_dir(&*disk, Path::new(STAGING))?;
        for name in disk.list(Path::new(STAGING))? {
            disk.unlink(&Path::new(STAGING).join(name))?;
        }
        Ok(Self { disk, next_file: Arc::new(AtomicU64::new(segment << 24)), held: Arc::default() })
    }

    /// A number that no file has and no other attempt gets.
    pub(crate) fn fresh_number(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    /// Begins a file.
    pub(crate) fn stage(&self) -> io::Result<StagedBody> {
        let number = self.fresh_number();
        let path = Path::new(STAGING).join(format!("{number:016x}"));
        Ok(StagedBody {
            file: self.disk.create(&path)?,
            staged: Staged { disk: Arc::clone(&self.disk), path: Some(path) },
            number,
            hasher: blake3::Hasher::new(),
            checksums: Vec::new(),
            length: 0,
            synced: 0,
        })
    }

    /// Up to `length` octets from `offset`, each block checked.
    pub(crate) fn read(
        &self,
        id: BodyId,
        file: u64,
        offset: u64,
        length: usize,
    ) -> Result<Bytes, StoreError> {
        let path = path_of(id, file);
        let file = self.disk.open(&path);
        let read = file.and_then(StoredBody::open).and_then(|body| body.read(offset, length));
        let unavailable = |reason| StoreError::Unavailable { reason, uncertain: false };
        read.map_err(|e| match e.kind() {
            _ if is_for_now(&e) => unavailable(format!("a body's file could not be read ({e})")),
            io::ErrorKind::Unsupported => unavailable(format!("{}: {e}", path.display())),
            _ => StoreError::Damaged {
                what: format!("body {id:?}"),
                detail: format!("{}: {e}", path.display()),
            },
        })
    }

    /// A file, to be read as a whole.
    pub(crate) fn stored(&self, id: BodyId, file: u64) -> io::Result<StoredBody> {
        StoredBody::open(self.disk.open(&path_of(id, file))?)
    }

    /// Takes a file away that nothing names any more, at once or when nobody holds the files any longer. One that is
    /// missing is away.
    pub(crate) fn remove(&self, id: BodyId, file: u64) -> io::Result<()> {
        let mut held = self.held();
        if held.holds > 0 {
            held.freed.push(path_of(id, file));
            return Ok(());
        }
        drop(held);
        match self.disk.unlink(&path_of(id, file)) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            unlinked => unlinked,
        }
    }

    /// Lets no file go from now on.
    pub(crate) fn hold(&self) -> Hold {
        self.held().holds += 1;
        Hold(self.clone())
    }

    /// Whether somebody does not let them go.
    pub(crate) fn are_held(&self) -> bool {
        self.held().holds > 0
    }

    /// The files that are whole, in no order.
    pub(crate) fn named(&self) -> io::Result<Vec<PathBuf>> {
        Self::named_on(&*self.disk)
    }

    /// The same, where nobody has them open.
    pub(crate) fn named_on(disk: &dyn Disk) -> io::Result<Vec<PathBuf>> {
        let staging = Path::new(STAGING).file_name();
        let names = disk.list(Path::new(DIRECTORY))?.into_iter();
        let names = names.filter(|name| Some(name.as_ref()) != staging);
        Ok(names.map(|name| Path::new(DIRECTORY).join(name)).collect())
    }

    /// A panic elsewhere leaves it whole.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn path_of(id: BodyId, file: u64) -> PathBuf {
    let name = blake3::Hash::from_bytes(id.0).to_hex();
    Path::new(DIRECTORY).join(format!("{name}-{file:016x}"))
}

/// A file in the making. Dropped unfinished, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct StagedBody {
    file: Arc<dyn File>,
    staged: Staged,
    number: u64,
    hasher: blake3::Hasher,
    /// The table: one for each block so far.
    checksums: Vec<u8>,
    /// Octets in the file.
    length: u64,
    synced: u64,
}

/// The name of a file that is not finished.
#[derive(Debug)]
struct Staged {
    disk: Arc<dyn Disk>,
    path: Option<PathBuf>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // What cannot be taken away now is at the next start.
            let _ = self.disk.unlink(&path);
        }
    }
}

/// A file that is whole, durable and named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FinishedBody {
    pub(crate) id: BodyId,
    pub(crate) file: u64,
    pub(crate) length: u64,
}

impl StagedBody {
    /// Writes the next blocks; only the last of a body may be short. Says how many octets were synced.
    pub(crate) fn write(&mut self, blocks: &[u8]) -> io::Result<u64> {
        self.hasher.update(blocks);
        self.file.write_at(blocks, self.length)?;
        for block in blocks.chunks(BLOCK) {
            self.checksums.extend_from_slice(&xxh3_64(block).to_le_bytes());
        }
        self.length += blocks.len() as u64;
        if self.unsynced() < SYNC_EVERY {
            return Ok(0);
        }
        self.file.sync_data()?;
        Ok(self.length - std::mem::replace(&mut self.synced, self.length))
    }

    /// Octets that were written and are not synced yet.
    pub(crate) const fn unsynced(&self) -> u64 {
        self.length - self.synced
    }

    pub(crate) fn finish(mut self) -> io::Result<FinishedBody> {
        let id = BodyId(*self.hasher.finalize().as_bytes());
        self.file.write_at(&end_of_file(self.checksums, self.length, id), self.length)?;
        self.file.sync_all()?;
        if let Some(path) = self.staged.path.take() {
            self.staged.disk.rename(&path, &path_of(id, self.number))?;
        }
        self.staged.disk.sync_dir(Path::new(DIRECTORY))?;
        Ok(FinishedBody { id, file: self.number, length: self.length })
    }
}

/// The table of checksums and the footer.
fn end_of_file(mut table: Vec<u8>, length: u64, id: BodyId) -> Vec<u8> {
    table.extend_from_slice(MAGIC);
    table.extend_from_slice(&length.to_le_bytes());
    table.extend_from_slice(&(BLOCK as u32).to_le_bytes());
    table.extend_from_slice(&[PLAIN, VERSION_OCTET, 0, 0]);
    table.extend_from_slice(&id.0);
    push_checksum(&mut table, 0, 0);
    table
}

/// A finished file, to be read.
#[derive(Debug)]
pub(crate) struct StoredBody {
    file: Arc<dyn File>,
    length: u64,
    checksums: Vec<u8>,
}

impl StoredBody {
    fn open(file: Arc<dyn File>) -> io::Result<Self> {
        let all = file.length()?;
        let end = all.checked_sub(FOOTER as u64).ok_or_else(|| rotten("it is too short"))?;
        let mut footer = [0; FOOTER];
        file.read_exact_at(&mut footer, end)?;
        let length = u64_at(&footer, 8).filter(|_| footer.starts_with(MAGIC)).unwrap_or(u64::MAX);
        let is_ours = is_known(&footer);
        let table = end.checked_sub(length).ok_or_else(|| rotten("its footer is not one"))?;
        // A body that passes has a table of 1/8192 of its length.
        let fits =
            if is_ours { table == length.div_ceil(BLOCK as u64) * 8 } else { table <= MAX_FOREIGN_TABLE };
        if !fits {
            return Err(rotten("its footer is not one"));
        }
        let mut table = vec![0; usize::try_from(all - length).map_err(io::Error::other)?];
        file.read_exact_at(&mut table, length)?;
        checked(&table, 0).ok_or_else(|| rotten("its footer does not fit its checksum"))?;
        if is_ours { Ok(Self { file, length, checksums: table }) } else { Err(newer(&footer)) }
    }

    /// The version of a file, whatever it is, if it is whole in what tells that.
    pub(crate) fn version_of(file: &dyn File) -> io::Result<Option<u32>> {
        let Some(end) = file.length()?.checked_sub(FOOTER as u64) else { return Ok(None) };
        let mut footer = [0; FOOTER];
        file.read_exact_at(&mut footer, end)?;
        Ok(footer.starts_with(MAGIC).then(|| version_in(&footer)))
    }

    /// Octets of the body.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Up to `length` octets from `offset`, each block checked.
    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let end = offset.saturating_add(length as u64).min(self.length);
        if offset >= end {
            return Ok(Bytes::new());
        }
        let first = offset / BLOCK as u64;
        let from = first * BLOCK as u64;
        let to = (end.div_ceil(BLOCK as u64) * BLOCK as u64).min(self.length);
        let mut blocks = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut blocks, from)?;
        blocks.chunks(BLOCK).zip(first..).try_for_each(|(block, n)| self.check(block, n))?;
        let start = usize::try_from(offset - from).map_err(io::Error::other)?;
        let asked = usize::try_from(end - offset).map_err(io::Error::other)?;
        Ok(Bytes::from(blocks).slice(start..start + asked))
    }

    fn check(&self, block: &[u8], n: u64) -> io::Result<()> {
        let at = usize::try_from(n * 8).map_err(io::Error::other)?;
        let fits = array_at(&self.checksums, at) == Some(xxh3_64(block).to_le_bytes());
        if fits { Ok(()) } else { Err(rotten("a block does not fit its checksum")) }
    }
}

fn is_known(footer: &[u8]) -> bool {
    u32_at(footer, 16) == Some(BLOCK as u32) && footer.get(20..22) == Some(&[PLAIN, VERSION_OCTET])
}

fn version_in(footer: &[u8]) -> u32 {
    u32::from(footer.get(21).copied().unwrap_or_default()) + 1
}

fn newer(footer: &[u8]) -> io::Error {
    let version = version_in(footer);
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!(
            "it was made by a newer Gatepost (version {version}). This is Gatepost {}, which reads version {VERSION}: \
             run that version or a later one",
            env!("CARGO_PKG_VERSION")
        ),
    )
}

fn rotten(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
