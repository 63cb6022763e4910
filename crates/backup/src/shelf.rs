//! The directory that holds backups.
//!
//! ```text
//! manifests/<when>-<hash>.json   a store at one moment: its files, each with its length and BLAKE3
//! log/<number>-<BLAKE3>          segments of the log
//! bodies/<number>-<BLAKE3>       large bodies
//! partial/                       what is being written
//! lock                           who writes
//! ```
//!
//! What has a name in the first three never changes. It is written in `partial`, synced, and gets its name when it is
//! whole; a manifest gets its own when the names of all that it lists are synced. So whoever copies the directory by
//! other means needs no more than to take `manifests` first and the others behind it.

use crate::manifest::{Entry, FOLDERS, Manifest, ManifestId};
use crate::trouble::Trouble;
use rustix::fs::{FlockOperation, flock};
use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const MANIFESTS: &str = "manifests";
const PARTIAL: &str = "partial";
const LOCK: &str = "lock";
/// Octets that are read at once.
const PIECE: usize = 256 << 10;
/// Octets after which a file in the making is synced: where backups lie on the disk of the mail, the log's syncs wait for
/// no more than this.
const SYNC_EVERY: u64 = 1 << 20;

/// A directory with backups of one store.
#[derive(Debug)]
pub struct Shelf {
    root: PathBuf,
}

/// Which of the backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The newest.
    Newest,
    /// The one of this name.
    Named(&'a str),
    /// The newest that was made at this time or before it.
    UpTo(jiff::Timestamp),
    /// The oldest that was made at this time or behind it: of all that hold what was then, it remembers most.
    From(jiff::Timestamp),
}

/// The right to write to it.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    shelf: &'a Shelf,
    /// The kernel lets the lock go when the file is closed, however the process ends.
    _lock: File,
}

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Partial {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    octets: u64,
    synced: u64,
}

impl Shelf {
    /// One that is there.
    ///
    /// # Errors
    /// It is not.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        if root.join(MANIFESTS).is_dir() {
            return Ok(Self { root: root.to_owned() });
        }
        Err(Trouble::Refused(format!(
            "{} holds no backup: there is no folder {MANIFESTS} in it",
            root.display()
        )))
    }

    /// One that is there, or that is made.
    ///
    /// # Errors
    /// The directory holds something else, or cannot be written.
    pub fn make(root: &Path) -> Result<Self, Trouble> {
        private_folder(root)?;
        let shelf = Self { root: root.to_owned() };
        // A run that ended before it made the last of its folders has left the first. A store has others of these names:
        // it must not be taken for a shelf, whose files go when no manifest lists them.
        if !root.join(MANIFESTS).is_dir()
            && !root.join(PARTIAL).is_dir()
            && let Some(other) = names(root)?.first()
        {
            return Err(Trouble::Refused(format!(
                "{} holds something else ({other}); a backup needs a directory of its own",
                root.display()
            )));
        }
        for folder in [PARTIAL].into_iter().chain(FOLDERS).chain([MANIFESTS]) {
            private_folder(&root.join(folder))?;
        }
        sync_folder(root)?;
        Ok(shelf)
    }

    /// The backups that it holds, oldest first.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn ids(&self) -> Result<Vec<ManifestId>, Trouble> {
        let mut ids: Vec<_> =
            names(&self.root.join(MANIFESTS))?.iter().filter_map(|name| ManifestId::new(name)).collect();
        ids.sort();
        Ok(ids)
    }

    /// A backup's manifest.
    ///
    /// # Errors
    /// There is no such backup, or its manifest is damaged.
    pub fn manifest(&self, id: &ManifestId) -> Result<Manifest, Trouble> {
        let path = self.root.join(MANIFESTS).join(id.file());
        match fs::read_to_string(&path) {
            Err(why) if why.kind() == ErrorKind::NotFound => {
                Err(Trouble::Refused(format!("{} holds no backup {id}", self.root.display())))
            }
            Err(why) if why.kind() == ErrorKind::InvalidData => {
                Err(Trouble::Damaged(format!("the manifest {id} is damaged: it is no text")))
            }
            text => Manifest::decode(id, &text.map_err(Trouble::at(&path))?),
        }
    }

    /// The backup that is chosen.
    ///
    /// # Errors
    /// There is none, or its manifest is damaged.
    pub fn choose(&self, choice: Choice<'_>) -> Result<(ManifestId, Manifest), Trouble> {
        let no_such =
            |name: &str| Trouble::Refused(format!("{} holds no backup {name}", self.root.display()));
        let mut ids = self.ids()?;
        let id = match choice {
            Choice::Named(name) => ManifestId::new(name).ok_or_else(|| no_such(name))?,
            Choice::Newest => ids.pop().ok_or_else(|| no_such("yet"))?,
            Choice::UpTo(then) => {
                ids.retain(|id| !id.is_behind(then));
                ids.pop().ok_or_else(|| no_such("from that time or before it"))?
            }
            Choice::From(then) => {
                ids.retain(|id| !id.is_before(then));
                let first = ids.into_iter().next();
                first.ok_or_else(|| {
                    no_such(
                        "from that time or behind it, and what was then is not in those before; leave --at away, and \
                         the newest is taken",
                    )
                })?
            }
        };
        let manifest = self.manifest(&id)?;
        Ok((id, manifest))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file of a backup is.
    pub(crate) fn path_of(&self, entry: &Entry) -> PathBuf {
        self.root.join(&entry.file)
    }

    /// Copies a file of a backup to `to`, which is synced, and says when it is not what the manifest says.
    pub(crate) fn copy(&self, entry: &Entry, to: &Path) -> Result<(), Trouble> {
        let path = self.root.join(&entry.file);
        let damaged = |why: String| {
            Trouble::Damaged(format!(
                "{} is damaged: {why}. Take it away: if the server still has what was in it, the next backup brings it \
                 again; what an older backup holds may be restored with --manifest",
                path.display()
            ))
        };
        let mut from = match File::open(&path) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Err(damaged("it is missing".to_owned())),
            opened => opened.map_err(Trouble::at(&path))?,
        };
        let mut copy = new_file(to)?;
        let (mut hasher, mut octets) = (blake3::Hasher::new(), 0);
        let mut piece = vec![0; PIECE];
        loop {
            let read = from.read(&mut piece).map_err(|why| damaged(why.to_string()))?;
            let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            octets += read.len() as u64;
            copy.write_all(read).map_err(Trouble::at(to))?;
        }
        if octets != entry.octets {
            return Err(damaged(format!("it has {octets} octets, and had {}", entry.octets)));
        }
        if hasher.finalize().to_hex().as_str() != entry.blake3 {
            return Err(damaged("its octets are not those that were written".to_owned()));
        }
        copy.sync_all().map_err(Trouble::at(to))
    }

    /// Lets one process write, and clears away what another one left that did not end.
    pub(crate) fn write(&self) -> Result<Writing<'_>, Trouble> {
        let path = self.root.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(Trouble::at(&path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Trouble::Refused(format!(
                    "another backup into {} is under way; wait until it has ended",
                    self.root.display()
                )));
            }
            Err(why) => return Err(Trouble::at(&path)(why.into())),
        }
        let partial = self.root.join(PARTIAL);
        for name in names(&partial)? {
            let path = partial.join(name);
            fs::remove_file(&path).map_err(Trouble::at(&path))?;
        }
        Ok(Writing { shelf: self, _lock: lock })
    }
}

impl Writing<'_> {
    /// What the manifests list and is there: by path, length and mark in the store. Refuses to mix stores.
    pub(crate) fn known(&self, store: &str) -> Result<HashMap<(String, u64, String), Entry>, Trouble> {
        let mut known = HashMap::new();
        for id in self.shelf.ids()? {
            // What a damaged one lists is taken again.
            let Ok(manifest) = self.shelf.manifest(&id) else { continue };
            if manifest.store != store {
                return Err(Trouble::Refused(format!(
                    "{} holds backups of another server; a backup needs a directory of its own",
                    self.shelf.root.display()
                )));
            }
            for entry in manifest.files {
                let path = self.shelf.root.join(&entry.file);
                if fs::metadata(path).is_ok_and(|about| about.len() == entry.octets) {
                    known.insert((entry.path.clone(), entry.octets, entry.mark.clone()), entry);
                }
            }
        }
        Ok(known)
    }

    pub(crate) fn begin(&self) -> Result<Partial, Trouble> {
        let path = self.shelf.root.join(PARTIAL).join("file");
        let file = new_file(&path)?;
        Ok(Partial { path, file, hasher: blake3::Hasher::new(), octets: 0, synced: 0 })
    }

    /// Gives a whole file its name, which says what is in it. The name is durable with the manifest.
    pub(crate) fn keep(&self, partial: Partial, path: &str, mark: &str) -> Result<Entry, Trouble> {
        partial.file.sync_all().map_err(Trouble::at(&partial.path))?;
        forget(&partial.file);
        let blake3 = partial.hasher.finalize().to_hex().to_string();
        let (folder, name) = path.split_once('/').unwrap_or((path, path));
        // Of a segment its number, of a body the number of its file, which stands behind its name.
        let number = name.split_once('.').map_or(name, |(number, _)| number);
        let number = number.rsplit_once('-').map_or(number, |(_, number)| number);
        let file = format!("{folder}/{number}-{blake3}");
        let to = self.shelf.root.join(&file);
        fs::rename(&partial.path, &to).map_err(Trouble::at(&to))?;
        let (path, mark) = (path.to_owned(), mark.to_owned());
        Ok(Entry { path, file, octets: partial.octets, blake3, mark })
    }

    /// From now on it is a backup.
    pub(crate) fn finish(&self, manifest: &Manifest) -> Result<ManifestId, Trouble> {
        for folder in FOLDERS {
            sync_folder(&self.shelf.root.join(folder))?;
        }
        let text = manifest.encode()?;
        let id = ManifestId::of(manifest.made, &text);
        let mut partial = self.begin()?;
        partial.write(text.as_bytes())?;
        partial.file.sync_all().map_err(Trouble::at(&partial.path))?;
        let folder = self.shelf.root.join(MANIFESTS);
        let to = folder.join(id.file());
        fs::rename(&partial.path, &to).map_err(Trouble::at(&to))?;
        sync_folder(&folder)?;
        Ok(id)
    }

    /// Takes away all but the newest `keep` backups, and what none of those that stay lists. Says how many files that
    /// were. Where a manifest cannot be read nobody knows what it lists, and everything stays.
    pub(crate) fn prune(&self, keep: Option<usize>) -> Result<u64, Trouble> {
        let mut ids = self.shelf.ids()?;
        let old = keep.map_or(0, |keep| ids.len().saturating_sub(keep.max(1)));
        let folder = self.shelf.root.join(MANIFESTS);
        for id in ids.drain(..old) {
            let path = folder.join(id.file());
            fs::remove_file(&path).map_err(Trouble::at(&path))?;
        }
        sync_folder(&folder)?;
        let mut listed = HashSet::new();
        for id in ids {
            let Ok(manifest) = self.shelf.manifest(&id) else { return Ok(0) };
            listed.extend(manifest.files.into_iter().map(|entry| entry.file));
        }
        let mut gone = 0;
        for folder in FOLDERS {
            for name in names(&self.shelf.root.join(folder))? {
                let file = format!("{folder}/{name}");
                if !listed.contains(&file) {
                    let path = self.shelf.root.join(file);
                    fs::remove_file(&path).map_err(Trouble::at(&path))?;
                    gone += 1;
                }
            }
        }
        Ok(gone)
    }
}

impl Partial {
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        self.hasher.update(octets);
        self.octets += octets.len() as u64;
        self.file.write_all(octets).map_err(Trouble::at(&self.path))?;
        if self.octets - self.synced < SYNC_EVERY {
            return Ok(());
        }
        self.synced = self.octets;
        self.file.sync_data().map_err(Trouble::at(&self.path))?;
        forget(&self.file);
        Ok(())
    }

    pub(crate) const fn octets(&self) -> u64 {
        self.octets
    }
}

/// A backup is written to be read another day: memory is better kept for mail.
fn forget(file: &File) {
    #[cfg(target_os = "linux")]
    // A file system that does not know how costs memory, and nothing else.
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// A file that only its owner can read; one that is there is written anew.
fn new_file(path: &Path) -> Result<File, Trouble> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.map_err(Trouble::at(path))
}

/// Makes a folder that only its owner can look into; content when it is there.
pub(crate) fn private_folder(path: &Path) -> Result<(), Trouble> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(why) if why.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.map_err(Trouble::at(path)),
    }
}

pub(crate) fn sync_folder(path: &Path) -> Result<(), Trouble> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Trouble::at(path))
}

fn names(folder: &Path) -> Result<Vec<String>, Trouble> {
    let entries = fs::read_dir(folder).map_err(Trouble::at(folder))?;
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    entries.map(name).collect::<io::Result<_>>().map_err(Trouble::at(folder))
}
