//! A disk in memory that keeps only what it promised to keep.
//!
//! It shows a store the files that the store has written, as the page cache does, and keeps apart what was synced.
//! [`FaultyDisk::cut`] is the power cut: a new disk on which each write, length and directory entry that was not
//! synced is there, is not there, or is there in part, sector by sector, as a seed decides, whatever the order in
//! which they were made. Syncs and writes can be told to fail, or to wait.
//!
//! > **What a failed sync does.** Whatever it should have made durable is durable, torn or lost for ever, while it
//! > still reads back: the kernel marks pages clean whose writing failed. A later sync brings none of it back.

mod file;
mod names;
mod strike;

pub use strike::{Errno, Lasts, Operation, Strike};

use crate::dice::Dice;
use file::Inode;
use names::{Names, Node};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use store_local::disk::filesystem::Filesystem;
use store_local::disk::{Disk, File, Lock, LockError};
use strike::{Operations, Struck};

/// The disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct FaultyDisk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Rung when syncs are let go, and when one begins to wait.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    names: Names,
    inodes: Vec<Inode>,
    dice: Dice,
    power: Power,
    syncs: Syncs,
    faults: Vec<Fault>,
    operations: Operations,
    sync_counts: BTreeMap<PathBuf, u64>,
    octets_read: BTreeMap<PathBuf, u64>,
    octets_written: BTreeMap<PathBuf, u64>,
    /// How many syncs wait, while they are held.
    waiting: usize,
    locked: bool,
    locks: Locks,
    /// As `statfs(2)` numbers it.
    filesystem: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Power {
    On,
    /// This many more changes below a path are made before it fails.
    OnFor {
        changes: u64,
        under: PathBuf,
    },
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syncs {
    Honest,
    /// They report success and do nothing.
    Ignored,
    /// They wait.
    Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Locks {
    Exclude,
    /// Everybody gets one.
    Pretend,
}

/// What is told to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// A sync of a file, with EIO.
    Sync,
    /// A write to a file, with EIO; it may have been done in part.
    Write,
    /// A write to a file, with ENOSPC; it may have been done in part.
    Space,
    /// A read of a file, with EIO.
    Read,
    /// A new, renamed or removed directory entry, or the sync of a directory, with EIO.
    Entry,
}

impl Failing {
    fn error(self) -> io::Error {
        const EIO: i32 = 5;
        const ENOSPC: i32 = 28;
        io::Error::from_raw_os_error(if self == Self::Space { ENOSPC } else { EIO })
    }
}

#[derive(Debug)]
struct Fault {
    failing: Failing,
    under: PathBuf,
    /// How many of them succeed before.
    after: u64,
    lasts: Lasts,
}

impl FaultyDisk {
    /// An empty disk. `seed` decides what faults leave behind.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(Names::default(), Vec::new(), Dice::new(seed))
    }

    fn with(names: Names, inodes: Vec<Inode>, dice: Dice) -> Self {
        let state = State {
            names,
            inodes,
            dice,
            power: Power::On,
            syncs: Syncs::Honest,
            faults: Vec::new(),
            operations: Operations::default(),
            sync_counts: BTreeMap::new(),
            octets_read: BTreeMap::new(),
            octets_written: BTreeMap::new(),
            waiting: 0,
            locked: false,
            locks: Locks::Exclude,
            filesystem: 0,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// The disk as it is found when the power comes back. The old one stays off.
    #[must_use]
    pub fn cut(&self, seed: u64) -> Self {
        let mut state = self.lock();
        state.power = Power::Off;
        let mut dice = Dice::new(seed);
        let names = state.names.after_cut(&mut dice);
        let inodes = state.inodes.iter().map(|inode| inode.after_cut(&mut dice)).collect();
        let next = Self::with(names, inodes, dice);
        // A disk that is full or broken is so too when the power comes back.
        next.lock().operations = std::mem::take(&mut state.operations);
        next
    }

    /// Cuts the power in the middle of the change that follows `changes` more: writes, lengths, syncs, directory
    /// entries. From then on everything fails.
    pub fn cut_power_after(&self, changes: u64) {
        self.cut_power_in("", changes);
    }

    /// The same, where only changes below `under` count.
    pub fn cut_power_in(&self, under: &str, changes: u64) {
        self.lock().power = Power::OnFor { changes, under: under.into() };
    }

    /// Calls off a cut that has not happened yet.
    pub fn stay_on(&self) {
        let mut state = self.lock();
        if state.power != Power::Off {
            state.power = Power::On;
        }
    }

    /// Goes on after a cut that was none: the process was killed, but the machine, and with it what the page cache
    /// shows, is still there.
    pub fn revive(&self) {
        self.lock().power = Power::On;
    }

    /// Whether the power is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.lock().power == Power::Off
    }

    /// Lets one operation on a file below `under` fail after `after` of its kind have succeeded.
    pub fn fail(&self, failing: Failing, under: &str, after: u64) {
        self.lock().faults.push(Fault { failing, under: under.into(), after, lasts: Lasts::Once });
    }

    /// The same, but from then on every one fails, until [`FaultyDisk::mend`].
    pub fn break_down(&self, failing: Failing, under: &str, after: u64) {
        self.lock().faults.push(Fault { failing, under: under.into(), after, lasts: Lasts::UntilMended });
    }

    /// From now on nothing fails, unless it is told to again. What was lost stays lost.
    pub fn mend(&self) {
        let mut state = self.lock();
        state.faults.clear();
        state.operations.mend();
    }

    /// Lets one operation fail, by its number.
    pub fn strike(&self, strike: Strike) {
        self.lock().operations.arrange(strike);
    }

    /// The operations that have failed by [`FaultyDisk::strike`], and of which file or directory.
    #[must_use]
    pub fn struck(&self) -> Vec<(Operation, PathBuf)> {
        self.lock().operations.struck()
    }

    /// From now on operations are written down.
    pub fn record(&self) {
        self.lock().operations.record();
    }

    /// Those that were written down, in order.
    #[must_use]
    pub fn recorded(&self) -> Vec<Operation> {
        self.lock().operations.recorded()
    }

    /// Whether the failures that were asked for have happened.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.lock().faults.is_empty()
    }

    /// From now on syncs report success and do nothing: what a test must notice, if it is one.
    pub fn ignore_syncs(&self) {
        self.lock().syncs = Syncs::Ignored;
    }

    /// From now on everybody who asks gets the lock.
    pub fn pretend_to_lock(&self) {
        self.lock().locks = Locks::Pretend;
    }

    /// What `statfs(2)` says of it.
    pub fn call_it(&self, filesystem: u64) {
        self.lock().filesystem = filesystem;
    }

    /// From now on syncs of files wait until [`FaultyDisk::release_syncs`].
    pub fn hold_syncs(&self) {
        self.lock().syncs = Syncs::Held;
    }

    /// Lets waiting syncs go on.
    pub fn release_syncs(&self) {
        self.lock().syncs = Syncs::Honest;
        self.0.changed.notify_all();
    }

    /// Returns once a sync waits.
    pub fn wait_for_held_sync(&self) {
        let state = self.0.changed.wait_while(self.lock(), |state| state.waiting == 0);
        drop(state.unwrap_or_else(PoisonError::into_inner));
    }

    /// How many syncs of files below `under` succeeded.
    #[must_use]
    pub fn syncs(&self, under: &str) -> u64 {
        let state = self.lock();
        state.sync_counts.iter().filter(|(path, _)| path.starts_with(under)).map(|(_, count)| count).sum()
    }

    /// How many octets of files below `under` were read.
    #[must_use]
    pub fn octets_read(&self, under: &str) -> u64 {
        let state = self.lock();
        state.octets_read.iter().filter(|(path, _)| path.starts_with(under)).map(|(_, count)| count).sum()
    }

    /// How many octets were written to files below `under`.
    #[must_use]
    pub fn octets_written(&self, under: &str) -> u64 {
        let state = self.lock();
        state.octets_written.iter().filter(|(path, _)| path.starts_with(under)).map(|(_, count)| count).sum()
    }

    /// Flips a bit of a file, on the disk and in the cache: rot.
    ///
    /// # Panics
    /// When there is no such file or no such octet.
    pub fn flip_bit(&self, path: &str, offset: usize, bit: u8) {
        let mut state = self.lock();
        let inode = state.file(Path::new(path)).expect("a test flips bits of a file that is there");
        state.inodes[inode].flip_bit(offset, bit);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change to directory entries, or leaves it half made when the power fails with it.
    fn change_names(
        &self,
        operation: Operation,
        path: &Path,
        change: impl FnOnce(&mut Names) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.lock();
        let alive = state.spend_power(path)?;
        state.count(operation, path)?;
        state.strikes(Failing::Entry, path)?;
        change(&mut state.names)?;
        alive.check()
    }

    fn open_file(&self, path: &Path, inode: usize) -> Arc<dyn File> {
        Arc::new(OpenFile { disk: self.clone(), path: path.to_owned(), inode })
    }
}

/// Whether the power lasts to the end of a change.
enum Alive {
    Yes,
    No,
}

impl Alive {
    fn check(&self) -> io::Result<()> {
        match self {
            Self::Yes => Ok(()),
            Self::No => Err(io::Error::other("the power is off")),
        }
    }
}

impl State {
    /// One change more: an error when the power is off, [`Alive::No`] when it fails right now.
    fn spend_power(&mut self, path: &Path) -> io::Result<Alive> {
        self.check_power()?;
        match &mut self.power {
            Power::OnFor { changes, under } if path.starts_with(&*under) => match changes.checked_sub(1) {
                Some(fewer) => *changes = fewer,
                None => {
                    self.power = Power::Off;
                    return Ok(Alive::No);
                }
            },
            _ => {}
        }
        Ok(Alive::Yes)
    }

    fn check_power(&self) -> io::Result<()> {
        if self.power == Power::Off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Counts an operation: an error when it is the one that fails.
    fn count(&mut self, operation: Operation, path: &Path) -> io::Result<()> {
        self.operations.count(operation, path).map_err(|struck| struck.error)
    }

    /// The error of an operation that was told to fail.
    fn strikes(&mut self, failing: Failing, path: &Path) -> io::Result<()> {
        let concerns = |fault: &Fault| fault.failing == failing && path.starts_with(&fault.under);
        let Some(at) = self.faults.iter().position(concerns) else { return Ok(()) };
        let fault = &mut self.faults[at];
        if fault.after > 0 {
            fault.after -= 1;
            return Ok(());
        }
        if fault.lasts == Lasts::Once {
            self.faults.remove(at);
        }
        Err(failing.error())
    }

    /// Whether the next operation of this kind will be told to fail.
    fn has_no(&self, failing: Failing, path: &Path) -> bool {
        let concerns = |fault: &&Fault| fault.failing == failing && path.starts_with(&fault.under);
        self.faults.iter().find(concerns).is_some_and(|fault| fault.after == 0)
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(inode)) => Ok(inode),
            Some(Node::Directory) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = {
            let mut state = Self::lock(self);
            state.check_power()?;
            state.inodes.push(Inode::default());
            state.inodes.len() - 1
        };
        self.change_names(Operation::Create, path, |names| names.link(path, Node::File(inode)))?;
        Ok(self.open_file(path, inode))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut state = Self::lock(self);
        state.check_power()?;
        let inode = state.file(path)?;
        state.count(Operation::Open, path)?;
        drop(state);
        Ok(self.open_file(path, inode))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        if self.lock().names.get(path) == Some(Node::Directory) {
            return Ok(());
        }
        self.change_names(Operation::CreateDir, path, |names| names.link(path, Node::Directory))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        if !self.lock().names.list(path).is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.change_names(Operation::Unlink, path, |names| names.unlink(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change_names(Operation::Rename, to, |names| names.rename(from, to))
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.change_names(Operation::Unlink, path, |names| names.unlink(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.spend_power(path)?.check()?;
        let counted = match state.operations.count(Operation::SyncDir, path) {
            // It was not even opened: nothing has happened to it.
            Err(Struck { errno: Errno::TooManyOpen, error, .. }) => return Err(error),
            counted => counted.map_err(|struck| struck.error),
        };
        if let Err(e) = counted.and_then(|()| state.strikes(Failing::Entry, path)) {
            let State { names, dice, .. } = &mut *state;
            names.fail_sync(path, dice);
            return Err(e);
        }
        if state.syncs != Syncs::Ignored {
            state.names.sync(path);
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut state = Self::lock(self);
        state.check_power()?;
        state.count(Operation::List, path)?;
        Ok(state.names.list(path))
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Lock>, LockError> {
        let mut state = Self::lock(self);
        state.check_power()?;
        state.count(Operation::Lock, path)?;
        if std::mem::replace(&mut state.locked, true) && state.locks == Locks::Exclude {
            return Err(LockError::Held { holder: None });
        }
        Ok(Box::new(Claim(self.clone())))
    }

    fn filesystem(&self) -> io::Result<Filesystem> {
        Ok(Filesystem(self.lock().filesystem))
    }

    fn place(&self) -> String {
        "a disk in memory".to_owned()
    }
}

#[derive(Debug)]
struct Claim(FaultyDisk);

impl Lock for Claim {}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.lock().locked = false;
    }
}

#[derive(Debug)]
struct OpenFile {
    disk: FaultyDisk,
    path: PathBuf,
    inode: usize,
}

impl OpenFile {
    fn sync(&self) -> io::Result<()> {
        let mut state = self.wait_while_held();
        state.spend_power(&self.path)?.check()?;
        let counted = state.count(Operation::Sync, &self.path);
        let struck = counted.and_then(|()| state.strikes(Failing::Sync, &self.path));
        let State { inodes, dice, syncs, sync_counts, .. } = &mut *state;
        let inode = &mut inodes[self.inode];
        if let Err(e) = struck {
            inode.fail_sync(dice);
            return Err(e);
        }
        if *syncs != Syncs::Ignored {
            inode.sync();
        }
        *sync_counts.entry(self.path.clone()).or_default() += 1;
        Ok(())
    }

    fn wait_while_held(&self) -> MutexGuard<'_, State> {
        let mut state = self.disk.lock();
        if state.syncs == Syncs::Held {
            state.waiting += 1;
            self.disk.0.changed.notify_all();
            let held = |state: &mut State| state.syncs == Syncs::Held;
            state = self.disk.0.changed.wait_while(state, held).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state
    }
}

impl File for OpenFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.lock();
        state.check_power()?;
        state.count(Operation::Read, &self.path)?;
        state.strikes(Failing::Read, &self.path)?;
        let read = state.inodes[self.inode].read(into, offset);
        *state.octets_read.entry(self.path.clone()).or_default() += read as u64;
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        let alive = state.spend_power(&self.path)?;
        if let Err(Struck { error, halfway, .. }) = state.operations.count(Operation::Write, &self.path) {
            let part = if halfway { bytes.len() / 2 } else { 0 };
            state.inodes[self.inode].write(&bytes[..part], offset);
            return Err(error);
        }
        let write = state.strikes(Failing::Write, &self.path);
        if let Err(e) = write.and_then(|()| state.strikes(Failing::Space, &self.path)) {
            let part = state.dice.below(bytes.len() as u64 + 1) as usize;
            state.inodes[self.inode].write(&bytes[..part], offset);
            return Err(e);
        }
        state.inodes[self.inode].write(bytes, offset);
        *state.octets_written.entry(self.path.clone()).or_default() += bytes.len() as u64;
        alive.check()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        let alive = state.spend_power(&self.path)?;
        state.count(Operation::Truncate, &self.path)?;
        if length > state.inodes[self.inode].length() {
            state.strikes(Failing::Space, &self.path)?;
        }
        state.inodes[self.inode].set_length(length);
        alive.check()
    }

    fn reserve(&self, end: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        let alive = state.spend_power(&self.path)?;
        state.count(Operation::Reserve, &self.path)?;
        let length = state.inodes[self.inode].length();
        if end > length && state.has_no(Failing::Space, &self.path) {
            // As filesystems do: they give what there is, and say that it was not enough.
            let part = state.dice.below(end - length);
            state.inodes[self.inode].set_length(length + part);
            return Err(Failing::Space.error());
        }
        if end > state.inodes[self.inode].length() {
            state.inodes[self.inode].set_length(end);
        }
        alive.check()
    }

    fn length(&self) -> io::Result<u64> {
        let state = self.disk.lock();
        state.check_power()?;
        Ok(state.inodes[self.inode].length())
    }
}
