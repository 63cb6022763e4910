//! Whether a filesystem keeps what a store relies on: locks that exclude, syncs, a rename that takes another file's place.
//!
//! It is tried at every start, in the data directory itself. What cannot be tried is known by name: a filesystem over a
//! network may do all of this today, and lose a lock, or what it has synced, when its server is gone for a while.

use super::{Disk, LockError};
use rustix::io::Errno;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::Path;

/// Where it is tried. What a crash has left of it is taken away by the next try.
const TRIED: &str = "filesystem-check";
const RENAMED: &str = "filesystem-check.old";

/// What `statfs(2)` calls the filesystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filesystem(pub u64);

/// Filesystems whose locks or syncs are another machine's, or another program's.
const REMOTE: [(u64, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "SMB (CIFS)"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x786f_4256, "a folder that VirtualBox shares"),
];

impl Filesystem {
    /// Its name, if it is one on which a store is not to lie unless somebody knows better.
    #[must_use]
    pub fn remote(self) -> Option<&'static str> {
        REMOTE.iter().find(|(magic, _)| *magic == self.0).map(|(_, name)| *name)
    }
}

/// Whether filesystems over a network, or of another program, will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remote {
    /// They are refused, whatever they do.
    #[default]
    Refused,
    /// They will do if they do what is tried.
    Allowed,
}

/// What came of trying something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is done.
    Works,
    /// It is said to be done, and is not.
    Pretends,
    /// The filesystem says that it does not do such a thing.
    Unknown,
}

/// What a filesystem was seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Findings {
    /// A lock keeps a second one out.
    pub lock: Finding,
    /// A file can be synced.
    pub sync: Finding,
    /// A directory can be synced.
    pub sync_dir: Finding,
    /// A file takes another one's place.
    pub rename: Finding,
}

/// Why a store is not to lie on a filesystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is one of these, and nobody has said that it will do.
    Remote(&'static str),
    /// Locks do not lock.
    Lock(Finding),
    /// What is written cannot be made durable.
    Sync,
    /// Nor can names.
    SyncDir,
    /// A rename does not do what it should.
    Rename,
}

impl Display for Unfit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(name) => write!(
                f,
                "its filesystem is {name}, whose locks and syncs are not this machine's: a server that is cut off \
                 from them for a moment can lose mail that it has acknowledged. Put the data directory \
                 (`server.data`) on a disk of this machine; or, if you know that yours keeps locks and syncs, set \
                 `server.network_filesystem = \"allow\"`"
            ),
            Self::Lock(Finding::Unknown) => f.write_str(
                "its filesystem has no locks (flock), so nothing would keep a second server out. Put the data \
                 directory (`server.data`) on one that has, such as ext4 or XFS on a disk of this machine",
            ),
            Self::Lock(_) => f.write_str(
                "its filesystem gives the same lock (flock) twice, so nothing would keep a second server out. Put the \
                 data directory (`server.data`) on another one, such as ext4 or XFS on a disk of this machine",
            ),
            Self::Sync | Self::SyncDir => {
                let what = if *self == Self::Sync { "files" } else { "directories" };
                write!(
                    f,
                    "its filesystem cannot sync {what} (fsync), so a power cut would lose mail that was acknowledged. \
                     Put the data directory (`server.data`) on one that can, such as ext4 or XFS on a disk of this \
                     machine"
                )
            }
            Self::Rename => f.write_str(
                "its filesystem does not put a renamed file in another one's place. Put the data directory \
                 (`server.data`) on one that does, such as ext4 or XFS on a disk of this machine",
            ),
        }
    }
}

/// Whether a store may lie there, going by the filesystem's name alone.
pub fn judge_name(filesystem: Filesystem, remote: Remote) -> Result<(), Unfit> {
    match (filesystem.remote(), remote) {
        (Some(name), Remote::Refused) => Err(Unfit::Remote(name)),
        _ => Ok(()),
    }
}

/// Whether a store may lie there.
pub fn judge(filesystem: Filesystem, remote: Remote, found: Findings) -> Result<(), Unfit> {
    judge_name(filesystem, remote)?;
    match found {
        Findings { lock, .. } if lock != Finding::Works => Err(Unfit::Lock(lock)),
        Findings { sync, .. } if sync != Finding::Works => Err(Unfit::Sync),
        Findings { sync_dir, .. } if sync_dir != Finding::Works => Err(Unfit::SyncDir),
        Findings { rename, .. } if rename != Finding::Works => Err(Unfit::Rename),
        _ => Ok(()),
    }
}

/// Tries what a store relies on, while the lock at `lock` is held. An error is one that any filesystem may have for a
/// while.
pub(crate) fn try_out(disk: &dyn Disk, lock: &Path) -> io::Result<Findings> {
    let [tried, renamed] = [TRIED, RENAMED].map(Path::new);
    sweep(disk)?;
    let lock = match disk.lock(lock) {
        Err(LockError::Held { .. }) => Finding::Works,
        Err(LockError::Io(e)) => finding(Err(e))?,
        Ok(_) => Finding::Pretends,
    };
    disk.create(renamed)?;
    let file = disk.create(tried)?;
    file.write_at(TRIED.as_bytes(), 0)?;
    let sync = finding(file.sync_data().and_then(|()| file.sync_all()))?;
    let rename = match finding(disk.rename(tried, renamed))? {
        Finding::Works => found_in_place(disk)?,
        other => other,
    };
    let sync_dir = finding(disk.sync_dir(Path::new("")))?;
    sweep(disk)?;
    Ok(Findings { lock, sync, sync_dir, rename })
}

fn sweep(disk: &dyn Disk) -> io::Result<()> {
    [TRIED, RENAMED].into_iter().try_for_each(|left| match disk.unlink(Path::new(left)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    })
}

/// Whether the file that was renamed is where it should be, and only there.
fn found_in_place(disk: &dyn Disk) -> io::Result<Finding> {
    let mut octets = [0; TRIED.len()];
    let there = disk.open(Path::new(RENAMED))?.read_at(&mut octets, 0)? == TRIED.len();
    let whole = there && octets == TRIED.as_bytes();
    let gone = !disk.list(Path::new(""))?.iter().any(|name| name == TRIED);
    Ok(if whole && gone { Finding::Works } else { Finding::Pretends })
}

/// What an answer means. That the disk is full or broken just now says nothing about the filesystem.
fn finding(answer: io::Result<()>) -> io::Result<Finding> {
    match answer {
        Ok(()) => Ok(Finding::Works),
        Err(e) if is_unknown(&e) => Ok(Finding::Unknown),
        Err(e) => Err(e),
    }
}

/// Whether a filesystem says so of what it does not do at all.
pub(crate) fn is_unknown(e: &io::Error) -> bool {
    let known = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTTY, Errno::NOLCK];
    e.raw_os_error().is_some_and(|errno| known.iter().any(|known| known.raw_os_error() == errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXT4: Filesystem = Filesystem(0xef53);
    const NFS: Filesystem = Filesystem(0x6969);
    const ALL_WORKS: Findings = Findings {
        lock: Finding::Works,
        sync: Finding::Works,
        sync_dir: Finding::Works,
        rename: Finding::Works,
    };

    #[test]
    fn a_filesystem_that_does_all_that_is_needed_will_do_unless_it_is_remote() {
        assert_eq!(judge(EXT4, Remote::Refused, ALL_WORKS), Ok(()));
        assert_eq!(
            judge(Filesystem(0x0102_1994), Remote::Refused, ALL_WORKS),
            Ok(()),
            "tmpfs: a demo may lie there"
        );
        for (magic, name) in REMOTE {
            assert_eq!(judge(Filesystem(magic), Remote::Refused, ALL_WORKS), Err(Unfit::Remote(name)));
            assert_eq!(judge(Filesystem(magic), Remote::Allowed, ALL_WORKS), Ok(()));
        }
    }

    #[test]
    fn what_is_missing_is_refused_though_the_filesystem_is_allowed() {
        for finding in [Finding::Pretends, Finding::Unknown] {
            for (found, unfit) in [
                (Findings { lock: finding, ..ALL_WORKS }, Unfit::Lock(finding)),
                (Findings { sync: finding, ..ALL_WORKS }, Unfit::Sync),
                (Findings { sync_dir: finding, ..ALL_WORKS }, Unfit::SyncDir),
                (Findings { rename: finding, ..ALL_WORKS }, Unfit::Rename),
            ] {
                assert_eq!(judge(EXT4, Remote::Refused, found), Err(unfit));
                assert_eq!(judge(NFS, Remote::Allowed, found), Err(unfit));
            }
        }
    }

    #[test]
    fn a_disk_that_is_full_or_broken_just_now_is_no_unfit_filesystem() {
        let of = |errno: Errno| finding(Err(io::Error::from(errno))).ok();
        for errno in [Errno::NOSPC, Errno::IO, Errno::MFILE, Errno::DQUOT, Errno::ACCESS] {
            assert_eq!(of(errno), None, "{errno}");
        }
        for errno in [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK] {
            assert_eq!(of(errno), Some(Finding::Unknown), "{errno}");
        }
    }
}
