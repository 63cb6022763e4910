//! The few things that the engine asks of a disk, so that a test can be the disk.
//!
//! Everything that the store writes (log segments, large bodies, and the index through redb's storage backend)
//! goes through [`Disk`] and [`File`]. [`RealDisk`] is the operating system; the testkit has one that loses,
//! reorders and tears what was not synced.
//!
//! > **What a disk promises.** What was written before a [`File::sync_data`] or [`File::sync_all`] that
//! > succeeded survives a power cut; a directory entry made, renamed or removed before a successful
//! > [`Disk::sync_dir`] of its directory does too. Nothing else does, in any order, whole or in part. After a
//! > sync that *failed* what it should have kept may be gone for good, although it still reads back.
//!
//! Paths are relative to the data directory. Files and directories are for the server's own eyes: modes 0600
//! and 0700, whatever the umask says.

pub mod filesystem;

use filesystem::Filesystem;
use rustix::fs::{FlockOperation, flock};
use std::fmt::Debug;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory tree in which one store lives.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Makes a new, empty file; an error when there is one of that name.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens a file that exists, to read and to write.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Makes a directory; content when it is there already.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes an empty directory away.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Gives a file another name, atomically, in place of whatever had that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file's name away.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Makes what was done to the entries of a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Claims the whole tree for one process, as long as the result lives.
    fn lock(&self, path: &Path) -> Result<Box<dyn Lock>, LockError>;
    /// The filesystem that it lies on.
    fn filesystem(&self) -> io::Result<Filesystem>;
    /// Where this is, for a person to read.
    fn place(&self) -> String;
}

/// Makes a directory, durably. An empty one is made anew: whoever made it may have failed to sync that, and then it shows,
/// and no later sync makes it last. One that has something in it has lasted before.
pub(crate) fn make_dir(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotFound};
    match disk.remove_dir(path) {
        Err(e) if ![AlreadyExists, DirectoryNotEmpty, NotFound].contains(&e.kind()) => return Err(e),
        _ => disk.create_dir(path)?,
    }
    disk.sync_dir(path.parent().unwrap_or(Path::new("")))
}

/// Whether an error says that the system could not do what it was asked to, and nothing of what lies on the disk.
pub(crate) fn is_for_now(e: &io::Error) -> bool {
    use rustix::io::Errno;
    let known = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR, Errno::AGAIN];
    e.raw_os_error().is_some_and(|errno| known.iter().any(|known| known.raw_os_error() == errno))
}

/// An open file. All methods may be called from several threads at once.
pub trait File: Debug + Send + Sync + 'static {
    /// Reads what there is at `offset`; 0 at the end of the file.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`, growing the file with zeros where needed.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the content and the length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes the content and everything else known about the file durable.
    fn sync_all(&self) -> io::Result<()>;
    /// Sets the length, cutting or adding zeros.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// Makes the file longer, up to `end`, by zeros that have their place on the disk already: what is written there
    /// later changes nothing but octets, and its sync is cheaper. Where that cannot be, nothing is lost by it.
    fn reserve(&self, end: u64) -> io::Result<()>;
    /// The length in octets.
    fn length(&self) -> io::Result<u64>;

    /// Fills `into` from `offset`; an error when the file is shorter.
    fn read_exact_at(&self, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !into.is_empty() {
            match self.read_at(into, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    into = into.get_mut(n..).unwrap_or_default();
                    offset += n as u64;
                }
            }
        }
        Ok(())
    }
}

/// Holds a claim on a data directory.
pub trait Lock: Debug + Send + Sync + 'static {}

/// Why a data directory could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another process{} has it open", holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Held {
        /// Its number, when it left one.
        holder: Option<u32>,
    },
    /// The lock file could not be made.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The operating system's files beneath one directory.
#[derive(Clone, Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The tree at `root`, which is made if it is missing (its parent must exist).
    pub fn at(root: impl Into<PathBuf>) -> io::Result<Self> {
        let disk = Self { root: root.into() };
        if !disk.root.exists() {
            disk.create_dir(Path::new(""))?;
            // A path of one part lies in the working directory.
            let parent = disk.root.parent().filter(|parent| !parent.as_os_str().is_empty());
            fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(disk)
    }

    fn full(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = private().create_new(true).open(self.full(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(RealFile(private().open(self.full(path))?)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(self.full(path)) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(self.full(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.full(from), self.full(to))
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.full(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(self.full(path))?.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names =
            fs::read_dir(self.full(path))?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Lock>, LockError> {
        let mut file = private().create(true).open(self.full(path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LockError::Held { holder: read_pid(&mut file) });
            }
            Err(e) => return Err(io::Error::from(e).into()),
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn filesystem(&self) -> io::Result<Filesystem> {
        filesystem_of(&self.root)
    }

    fn place(&self) -> String {
        self.root.display().to_string()
    }
}

/// The filesystem that a file or directory lies on; 0 where the system does not say.
pub fn filesystem_of(path: &Path) -> io::Result<Filesystem> {
    #[cfg(target_os = "linux")]
    // It is a number of 32 bits, whose sign depends on the machine.
    let magic = rustix::fs::statfs(path)?.f_type as u64 & 0xffff_ffff;
    #[cfg(not(target_os = "linux"))]
    let magic = path.metadata().map(|_| 0)?;
    Ok(Filesystem(magic))
}

fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn read_pid(file: &mut fs::File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[derive(Debug)]
struct RealFile(fs::File);

impl File for RealFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.0, into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn reserve(&self, end: u64) -> io::Result<()> {
        let length = self.length()?;
        #[cfg(target_os = "linux")]
        if end > length {
            rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), length, end - length)?;
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (end, length); // what would only be longer is no cheaper
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

/// The kernel lets the lock go when the file is closed, however the process ends.
#[derive(Debug)]
struct RealLock {
    _file: fs::File,
}

impl Lock for RealLock {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_of_the_real_disk_reaches_the_kernel() {
        // Which has nothing to sync there, and says so: a sync that is not asked for could not fail.
        const EINVAL: i32 = 22;
        let disk = RealDisk::at("/dev").unwrap();
        let null = disk.open(Path::new("null")).unwrap();
        for synced in [null.sync_data(), null.sync_all(), disk.sync_dir(Path::new("null"))] {
            assert_eq!(synced.unwrap_err().raw_os_error(), Some(EINVAL));
        }
    }
}
