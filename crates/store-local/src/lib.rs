//! The embedded store: an append-only log with a rebuildable index.
//!
//! The log (drawn octet by octet in `log/format.rs`) is the database. A commit is one frame in it; commits that wait together become one group, written
//! once and synced once. The index says where in the log things are: a tail in memory that is moved, about once a
//! second, into an ordered map on disk (redb), and that can be made again from the log at any time.
//!
//! ```text
//! callers ──► queue ──► commit thread ──► log ──► tail ──► index thread ──► map
//!                       judges, writes,           ▲  readers look here first, then there
//!                       syncs, publishes, answers ┘
//! large bodies ──► desk ──► body thread ──► files of their own, before the log names them
//! segments that are less than half needed ──► compaction thread ──► one in their place (`compaction/mod.rs`)
//! ```
//!
//! > **Promise.** What was answered survives a power cut, whole. What was not answered is there whole, or not at
//! > all. A write or sync that failed is never tried again: commits are refused, and reads go on, until what was
//! > answered lies, synced, in a fresh segment of the log. What was refused does not come back.
//!
//! Reads are done on the thread that polls them: they cost what the page cache costs. Writing never is. No runtime is
//! needed.

mod alarm;
mod archive;
mod body_desk;
mod body_file;
mod check;
mod committer;
mod compaction;
mod directory_format;
pub mod disk;
mod engine;
mod headers;
mod holes;
mod index;
mod inspect;
mod log;
mod moment;
mod packing;
mod queue;
mod read;
mod recent;
mod recovery;
mod request;
mod salvage;
mod scrub;
mod scrubbed;
mod staging;
mod stats;
mod stopwatch;
mod survey;
mod witness;
mod write;

use body_desk::BodyClerk;
use bytes::Bytes;
use committer::Committer;
use compaction::{Compaction, by_the_commit_thread};
use disk::filesystem::{Remote, Unfit};
use disk::{Disk, RealDisk};
use engine::Engine;
use index::value::BodyPlace;
use recovery::Opened;
use scrub::Scrub;
use staging::Staging;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use store::{
    AccountId, Answer, BodyId, BodyWriter, Commit, Committed, EmailId, EmailRange, Event, Head, Listed, Seq,
    Snapshot, Store, StoreError, StreamId, Watch,
};
use witness::Nobody;

pub use archive::{Archive, Extracted};
pub use check::{Check, Damage, Lost, MAX_DAMAGES, MAX_LOST, Progress, Tally};
pub use committer::Recovered;
pub use compaction::{Compacted, Compacting, Extent};
pub use directory_format::READABLE_FORMATS;
pub use inspect::IndexReport;
pub use log::Rot;
pub use moment::{Moment, MomentFile};
pub use scrub::Scrubbing;
pub use scrubbed::{Found, Scrubs};
pub use stats::Stats;
pub use stopwatch::{BOUNDS, Times};
pub use survey::{IndexFile, Survey};
pub use witness::Witness;

/// How the store keeps its files.
#[derive(Clone, Debug)]
pub struct Options {
    /// Octets after which a segment of the log is sealed; what is above [`MAX_SEGMENT`] counts as that.
    pub segment_octets: u64,
    /// Octets of the index's file that are kept in memory.
    pub index_cache_octets: usize,
    /// How long the store waits after a failure before it tries to recover; twice as long after each try that fails.
    pub first_pause: Duration,
    /// The longest that it waits.
    pub longest_pause: Duration,
    /// Whether the store may lie on a filesystem over a network.
    pub remote: Remote,
    /// When everything is read and tested.
    pub scrubbing: Scrubbing,
    /// When the log is compacted.
    pub compacting: Compacting,
    /// Who is told when writing fails and when it goes on.
    pub witness: Arc<dyn Witness>,
}

/// Most octets after which a segment is sealed: recovery holds one in memory, and its table of contents has to fit into a
/// frame.
pub const MAX_SEGMENT: u64 = 1 << 29;

/// A disk that hiccups is in order again by then.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// So soon at the latest is it noticed that a disk is in order again; each try may copy what lies behind the index's
/// checkpoint.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_octets: 64 << 20,
            index_cache_octets: 64 << 20,
            first_pause: FIRST_PAUSE,
            longest_pause: LONGEST_PAUSE,
            remote: Remote::Refused,
            scrubbing: Scrubbing::default(),
            compacting: Compacting::default(),
            witness: Arc::new(Nobody),
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{place} is in use: {cause}. Only one server may have a data directory open: stop the other one, or give \
         this one a directory of its own"
    )]
    Locked {
        /// The data directory.
        place: String,
        /// Who has it.
        cause: disk::LockError,
    },
    /// The filesystem does not keep what a store relies on.
    #[error("{place} is no place for mail: {why}")]
    Unfit {
        /// The data directory.
        place: String,
        /// What is wrong with it.
        why: Unfit,
    },
    /// A newer version than this one has written what this one cannot read.
    #[error(
        "{what} was made by a newer Gatepost ({is}). This is Gatepost {}, which reads {reads}: run that version or a \
         later one. Nothing was changed",
        env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The directory, or which file.
        what: String,
        /// Which format or version it has, and which Gatepost made it, where that is known.
        is: String,
        /// Which formats or versions this one reads.
        reads: String,
    },
    /// What was stored does not read back as it was written, in a way that leaves no safe way on.
    #[error("{what} is damaged: {detail}")]
    Damaged {
        /// Which file.
        what: String,
        /// In which way.
        detail: String,
    },
    /// A file could not be read or written.
    #[error("the data directory could not be read or written: {0}")]
    Io(#[from] io::Error),
    /// The index could not be read or written.
    #[error("{0}")]
    Index(String),
    /// The index is not what was written, and neither is the one that was made again from the log.
    #[error("{0}")]
    DamagedIndex(String),
}

/// The store in a data directory.
#[derive(Debug)]
pub struct LocalStore {
    engine: Arc<Engine>,
    compaction: Arc<Mutex<Compaction>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    rot: Vec<Rot>,
}

impl LocalStore {
    /// Opens the store in a directory, or makes one there.
    ///
    /// # Errors
    /// [`OpenError`], in words for the admin.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::at(directory)?), &Options::default())
    }

    /// Opens the store on a disk, with threads of its own.
    ///
    /// # Errors
    /// [`OpenError`], in words for the admin.
    pub fn open_on(disk: Arc<dyn Disk>, options: &Options) -> Result<Self, OpenError> {
        let Opened { engine, committer, clerk, rot } = recovery::open(disk, options)?;
        let mover = Arc::clone(&engine);
        let scrub = Scrub::new(Arc::clone(&engine), Arc::clone(&options.witness), options.scrubbing);
        let compaction = Arc::new(Mutex::new(Compaction::new(Arc::clone(&engine), options)));
        let (compactor, compactions) = (Arc::clone(&engine), Arc::clone(&compaction));
        let threads = vec![
            spawn("store-commit", move || committer.run())?,
            spawn("store-index", move || mover.run_mover())?,
            spawn("store-bodies", move || clerk.run())?,
            spawn("store-scrub", move || scrub.run())?,
            spawn("store-compact", move || run_compactions(&compactor, &compactions))?,
        ];
        Ok(Self { engine, compaction, threads: Mutex::new(threads), rot })
    }

    /// Opens the store on a disk without any threads: nothing happens but when the [`Pump`] is worked. So a
    /// test decides what comes together into a group, and when the tail is moved.
    ///
    /// # Errors
    /// [`OpenError`], in words for the admin.
    pub fn open_with_pump(disk: Arc<dyn Disk>, options: &Options) -> Result<(Self, Pump), OpenError> {
        let Opened { engine, committer, clerk, rot } = recovery::open(disk, options)?;
        let scrub = Scrub::new(Arc::clone(&engine), Arc::clone(&options.witness), options.scrubbing);
        let compaction = Arc::new(Mutex::new(Compaction::new(Arc::clone(&engine), options)));
        let pump = Pump {
            engine: Arc::clone(&engine),
            committer,
            clerk,
            scrub,
            compaction: Arc::clone(&compaction),
        };
        Ok((Self { engine, compaction, threads: Mutex::default(), rot }, pump))
    }

    /// What did not read back as it was written when the log's tail was read on opening.
    #[must_use]
    pub fn rot(&self) -> &[Rot] {
        &self.rot
    }

    /// How many commits and other jobs wait for their group: a gauge for metrics.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.engine.queue.waiting()
    }

    /// Whether commits can be written now. Asks nobody: what a full disk will refuse is not known before it has.
    ///
    /// # Errors
    /// What keeps the store from writing, as whoever commits is told it.
    pub fn can_write(&self) -> Result<(), StoreError> {
        self.engine.trouble.check()
    }

    /// How it is with scrubs.
    #[must_use]
    pub fn scrubs(&self) -> Scrubs {
        self.engine.scrubs.read()
    }

    /// How long it took to write groups of commits and sync them.
    #[must_use]
    pub fn syncs(&self) -> Times {
        self.engine.syncs.read()
    }

    /// Writes what is queued, moves the tail and gives the directory back. Dropping the store does the same but
    /// keeps errors to itself.
    ///
    /// # Errors
    /// When the index could not be closed in good order; the log is safe all the same.
    pub fn close(&self) -> Result<(), StoreError> {
        self.engine.desk.close();
        self.engine.queue.close();
        self.engine.mover.end();
        self.engine.scrubber.end();
        self.engine.compactor.end();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread that panicked has answered nobody; there is nothing more to learn from it.
        threads.drain(..).for_each(|thread| drop(thread.join()));
        // Somebody else's thread may be at it, and must have let go of the directory before another process has it.
        drop(self.compaction.lock());
        self.engine.finish()
    }

    /// The format of its directory.
    #[must_use]
    pub fn format(&self) -> u32 {
        self.engine.format.number()
    }

    /// Lets what only format `to` and later have be written from now on: once this returns, the directory's number says
    /// so for good, and versions that do not know the format refuse it. Where it is that high already nothing is done.
    ///
    /// # Errors
    /// This version does not write that format, or the number could not be written: then it may be asked again.
    pub fn raise_format(&self, to: u32) -> Result<(), StoreError> {
        self.engine.raise_format(to)
    }

    /// Begins to read and test everything, or what belongs to one account. Nothing is held up by it.
    #[must_use]
    pub fn check(&self, only: Option<AccountId>) -> Check {
        Check::new(Arc::clone(&self.engine), only)
    }

    /// Files of bodies that nothing names: left over, or on their way in. They do no harm.
    ///
    /// # Errors
    /// The index or the directory cannot be read now.
    pub fn unnamed_files(&self) -> Result<Vec<PathBuf>, StoreError> {
        check::unnamed_files(&self.engine).map_err(|e| self.engine.unreadable(e))
    }

    /// What of the log does not read back as it was written. Reads all of it at once.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn damaged_log(&self) -> Result<Vec<Damage>, StoreError> {
        let mut check = self.check(None);
        while !check.is_through_the_log() {
            check.step()?;
        }
        Ok(check.damages().iter().filter(|damage| damage.file.starts_with("log")).cloned().collect())
    }

    /// Takes the index away, so that the next opening makes it again from the log. Soft values, which are nowhere else,
    /// go with it.
    ///
    /// # Errors
    /// Somebody has the directory open, or the file cannot be taken away.
    pub fn forget_index(disk: &dyn Disk) -> Result<(), OpenError> {
        recovery::forget_index(disk)
    }

    /// Counts what is there, or what is one account's.
    ///
    /// # Errors
    /// The index cannot be read now.
    pub fn stats(&self, only: Option<AccountId>) -> Result<Stats, StoreError> {
        stats::count(&self.engine, only).map_err(|e| self.engine.unreadable(e))
    }

    /// Lets a scrub begin now, unless one is under way. The witness hears what it finds, and of its end.
    pub fn scrub(&self) {
        self.engine.scrubber.begin();
    }

    /// Compacts the log on the caller's thread, while the store serves. Returns when it is through with that, or says why it
    /// was put off.
    ///
    /// # Errors
    /// What there is cannot be found out.
    pub fn compact(&self, extent: Extent) -> Result<Compacted, StoreError> {
        compact_by_the_commit_thread(&self.engine, &self.compaction, extent)
    }

    /// Makes the index again from the log, in memory, and compares it with the one that is there. Nothing may be
    /// written meanwhile.
    ///
    /// # Errors
    /// When the log or the index cannot be read.
    pub fn compare_index(&self) -> Result<IndexReport, OpenError> {
        inspect::compare(&self.engine)
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        let _ = self.close();
    }
}

/// Compacts when it is time to, until told to end.
fn run_compactions(engine: &Arc<Engine>, compaction: &Mutex<Compaction>) {
    let locked = || compaction.lock().unwrap_or_else(PoisonError::into_inner);
    // A store that is new has nothing that could leave.
    if locked().through_ms() == 0 {
        locked().note_through();
    }
    let until_due = || locked().until_due();
    let mut wait = until_due();
    while engine.compactor.wait(wait) {
        let done = compact_by_the_commit_thread(engine, compaction, Extent::Worthwhile);
        let through = done.is_ok_and(|done| done.put_off.is_none());
        if through {
            locked().note_through();
        }
        wait = until_due().map(|due| if through { due } else { compaction::LATER });
    }
}

fn compact_by_the_commit_thread(
    engine: &Arc<Engine>,
    compaction: &Mutex<Compaction>,
    extent: Extent,
) -> Result<Compacted, StoreError> {
    let mut compaction = compaction.lock().unwrap_or_else(PoisonError::into_inner);
    let rate = compaction.rate();
    let mut pace = |octets| Compaction::rest(engine, rate, octets);
    compaction.compact(extent, &mut by_the_commit_thread(engine), &mut pace)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// Works a store that has no threads, step by step.
#[derive(Debug)]
pub struct Pump {
    engine: Arc<Engine>,
    committer: Committer,
    clerk: BodyClerk,
    scrub: Scrub,
    compaction: Arc<Mutex<Compaction>>,
}

impl Pump {
    /// Commits what is queued now, up to a group. `false` when nothing was.
    pub fn commit_group(&mut self) -> bool {
        self.committer.commit_group()
    }

    /// Writes what waits of large bodies. Says how long the thread that does this otherwise would have left the disk to
    /// others.
    pub fn write_bodies(&mut self) -> Duration {
        self.clerk.work_off()
    }

    /// Tries once to recover from what has failed.
    pub fn try_to_recover(&mut self) -> Recovered {
        self.committer.try_to_recover()
    }

    /// Scrubs about so many octets, from where it stopped; `true` when it is through with everything.
    pub fn scrub(&self, octets: u64) -> bool {
        self.scrub.some(octets)
    }

    /// Compacts the log. It is broken off after about so many octets were read and written, wherever that is.
    ///
    /// # Errors
    /// As [`LocalStore::compact`].
    pub fn compact(&mut self, extent: Extent, octets: u64) -> Result<Compacted, StoreError> {
        let mut left = octets;
        let mut pace = |octets| {
            left = left.saturating_sub(octets);
            left > 0
        };
        let mut compaction = self.compaction.lock().unwrap_or_else(PoisonError::into_inner);
        compaction.compact(extent, &mut |errand| errand.run(&mut self.committer), &mut pace)
    }

    /// Moves the index's tail into its map.
    pub fn move_tail(&self) {
        self.engine.move_tail();
    }
}

/// An answer that is known at once.
fn at_once<'a, T: Send + 'a>(answer: Result<T, StoreError>) -> Answer<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Store for LocalStore {
    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        Box::pin(self.engine.commit(commit))
    }

    fn read(&self, stream: StreamId, after: Seq, limit: usize) -> Answer<'_, Vec<Event>> {
        at_once(self.engine.events(stream, after, limit))
    }

    fn heads(&self, streams: &[StreamId]) -> Answer<'_, Vec<Option<(Seq, Head)>>> {
        at_once(self.engine.heads(streams))
    }

    fn list_streams(&self, account: AccountId) -> Answer<'_, Vec<(StreamId, Seq, Head)>> {
        at_once(self.engine.list_streams(account))
    }

    fn drop_stream(&self, stream: StreamId) -> Answer<'_, ()> {
        Box::pin(self.engine.drop_stream(stream))
    }

    fn trim(&self, stream: StreamId, through: Seq) -> Answer<'_, ()> {
        Box::pin(self.engine.trim(stream, through))
    }

    fn snapshot_at(&self, stream: StreamId, at: Seq) -> Answer<'_, Option<Snapshot>> {
        at_once(self.engine.snapshot_at(stream, at))
    }

    fn put_snapshot(&self, stream: StreamId, snapshot: Snapshot) -> Answer<'_, ()> {
        Box::pin(self.engine.put_snapshot(stream, snapshot))
    }

    fn records(&self, account: AccountId, ranges: &[EmailRange]) -> Answer<'_, Vec<(EmailId, Bytes)>> {
        at_once(self.engine.records(account, ranges))
    }

    fn list_records(&self, account: AccountId, range: EmailRange, limit: usize) -> Answer<'_, Vec<Listed>> {
        at_once(self.engine.list_records(account, &range, limit))
    }

    fn stage_body(&self, account: AccountId) -> Answer<'_, Box<dyn BodyWriter>> {
        let staging: Box<dyn BodyWriter> = Box::new(Staging::new(Arc::clone(&self.engine), account));
        at_once(self.engine.trouble.check().map(|()| staging))
    }

    fn body(&self, account: AccountId, id: BodyId, offset: u64, length: usize) -> Answer<'_, Option<Bytes>> {
        at_once(self.engine.body(account, id, offset, length))
    }

    fn body_len(&self, account: AccountId, id: BodyId) -> Answer<'_, Option<u64>> {
        let place = self.engine.body_place(account, id);
        at_once(place.map(|place| {
            place.map(|place| match place {
                BodyPlace::Log(_, length) | BodyPlace::File { length, .. } => length,
            })
        }))
    }

    fn list_bodies(
        &self,
        account: AccountId,
        after: Option<BodyId>,
        limit: usize,
    ) -> Answer<'_, Vec<BodyId>> {
        at_once(self.engine.list_bodies(account, after, limit))
    }

    fn delete_body(&self, account: AccountId, body: BodyId) -> Answer<'_, ()> {
        Box::pin(self.engine.delete_body(account, body))
    }

    fn soft(&self, account: AccountId, key: &[u8]) -> Answer<'_, Option<Bytes>> {
        at_once(self.engine.soft(account, key))
    }

    fn put_soft(&self, account: AccountId, key: &[u8], value: Option<Bytes>) -> Answer<'_, ()> {
        let checked = store::check_soft(key, value.as_ref());
        at_once(checked.and_then(|()| self.engine.put_soft(account, key, value.as_ref())))
    }

    fn watch(&self) -> Box<dyn Watch> {
        self.engine.watch()
    }
}
