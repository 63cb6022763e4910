//! Opening: from what lies on the disk to an engine that may serve. And mending: the same for an engine that serves
//! already, after a write or a sync has failed.
//!
//! What the index does not have yet, the log's tail, is copied into a fresh segment and synced before anything of
//! it is served: a sync may have failed before, and then the old tail reads back from memory but is not on the
//! disk. An old tail is never appended to. The fresh segment names the place where the copied part begins, so that
//! the old one is void from the moment the fresh one gets its name.
//!
//! Mending differs in two things. It is known how much was acknowledged: what lies behind that is not copied, so that
//! what was refused does not come back. And somebody is reading: the index comes first, so that reading goes on where
//! writing cannot (on a full disk, say), and old segments stay until the next opening.

use crate::body_desk::{BodyClerk, BodyDesk};
use crate::body_file::BodyFiles;
use crate::committer::Committer;
use crate::compaction::relocation;
use crate::directory_format::{DirectoryFormat, Format};
use crate::disk::filesystem::{Finding, Remote, Unfit, is_unknown, judge, judge_name, try_out};
use crate::disk::{Disk, Lock, LockError, make_dir};
use crate::engine::Engine;
use crate::holes::{Holes, Search};
use crate::index::change::{Change, changes};
use crate::index::kv::{Condition, Kv, KvError};
use crate::index::redb::RedbKv;
use crate::index::tail::Generation;
use crate::index::{Index, key, note_catching_up, note_rewritings, value};
use crate::log::chain::{Chain, Link};
use crate::log::format::{Draft, LogEnd, LogPosition, Subject};
use crate::log::replay::{Replayed, Rot, replay};
use crate::log::segments::{LOG_DIRECTORY, Segments};
use crate::log::writer::{Beginning, Group, LogWriter};
use crate::recent::RecentCommits;
use crate::{MAX_SEGMENT, OpenError, Options};
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;
use store::{Seq, StreamId};

/// The index's file.
pub(crate) const INDEX_FILE: &str = "index.redb";
const LOCK_FILE: &str = "lock";

/// An engine, and those who work it.
pub(crate) struct Opened {
    pub(crate) engine: Arc<Engine>,
    pub(crate) committer: Committer,
    pub(crate) clerk: BodyClerk,
    pub(crate) rot: Vec<Rot>,
}

/// Opens what is there, or begins something new. An index may turn out to be damaged only when it is asked or written;
/// whoever finds that takes it away, and then it is made again, once.
pub(crate) fn open(disk: Arc<dyn Disk>, options: &Options) -> Result<Opened, OpenError> {
    match open_once(Arc::clone(&disk), options) {
        Err(OpenError::DamagedIndex(_)) => open_once(disk, options),
        opened => opened,
    }
}

/// Takes the index away while nobody has the directory open.
pub(crate) fn forget_index(disk: &dyn Disk) -> Result<(), OpenError> {
    Format::check(disk)?;
    let lock = disk.lock(Path::new(LOCK_FILE));
    let _lock = lock.map_err(|cause| OpenError::Locked { place: disk.place(), cause })?;
    match disk.unlink(Path::new(INDEX_FILE)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(disk.sync_dir(Path::new(""))?),
    }
}

fn open_once(disk: Arc<dyn Disk>, options: &Options) -> Result<Opened, OpenError> {
    // Before the lock, which leaves a trace.
    Format::check(&*disk)?;
    let lock = claim(&*disk, options.remote)?;
    let format = DirectoryFormat::open(Arc::clone(&disk))?;
    make_dir(&*disk, Path::new(LOG_DIRECTORY))?;
    let chain = Chain::find(&*disk)?;
    chain.unborn.iter().try_for_each(|path| disk.unlink(path))?;
    let segments = Arc::new(Segments::new(Arc::clone(&disk)));
    let mut rot = chain.rot.clone();
    let (index, search) = open_index(&segments, &chain, options, &mut rot)?;
    let tail = Tail::read(&segments, &chain, &index, search, &mut rot)?;
    let mut recent = RecentCommits::default();
    index.kept_ids().into_iter().for_each(|id| recent.remember(id));
    tail.frames.iter().filter_map(|frame| frame.commit).for_each(|id| recent.remember(id));
    let bodies = BodyFiles::open(Arc::clone(&disk), chain.next_number())?;
    let log = tail.copy(Arc::clone(&segments), &chain, &index, options)?;
    // The checkpoint leaves the old tail before its files do.
    index.move_tail().map_err(index_error)?;
    remove_leftovers(&*disk, &index)?;
    let (desk, clerk) = BodyDesk::new();
    let engine = Engine::new(index, segments, (bodies, desk), (lock, format), Arc::clone(&options.witness));
    let engine = Arc::new(engine);
    let committer = Committer::new(Arc::clone(&engine), log, recent, options.clone());
    Ok(Opened { engine, committer, clerk, rot })
}

/// The lock on a directory, if that lies where locks and syncs are what they should be.
fn claim(disk: &dyn Disk, remote: Remote) -> Result<Box<dyn Lock>, OpenError> {
    let unfit = |why| OpenError::Unfit { place: disk.place(), why };
    let filesystem = disk.filesystem()?;
    // Before anything is written there.
    judge_name(filesystem, remote).map_err(unfit)?;
    let lock = disk.lock(Path::new(LOCK_FILE)).map_err(|why| match why {
        LockError::Io(e) if is_unknown(&e) => unfit(Unfit::Lock(Finding::Unknown)),
        LockError::Io(e) => OpenError::Io(e),
        cause @ LockError::Held { .. } => OpenError::Locked { place: disk.place(), cause },
    })?;
    let found = try_out(disk, Path::new(LOCK_FILE))?;
    judge(filesystem, remote, found).map_err(unfit)?;
    Ok(lock)
}

/// What goes on behind a fresh segment that holds, synced, what was `acknowledged` and the index does not have. If that
/// cannot be done now the log stays as it was, and it may be tried again.
pub(crate) fn mend(
    engine: &Engine,
    acknowledged: LogPosition,
    options: &Options,
) -> Result<LogWriter, OpenError> {
    // Before anything that may fail: should we not live to make it again, the next opening must not trust it.
    if engine.index.map().condition() == Condition::Untrusted {
        engine.index.map().discard().map_err(index_error)?;
    }
    let segments = &engine.segments;
    let mut chain = Chain::find(&*segments.disk)?;
    chain.sweep_behind(acknowledged.segment, &*segments.disk)?;
    chain.end_at(acknowledged);
    let search = mend_index(engine, &chain, options)?;
    let mut rot = chain.rot.clone();
    let log = engine.index.become_what(|| {
        let index = Index::over(engine.index.map()).map_err(index_error)?;
        relocation::catch_up(&index, segments, &chain)?;
        let tail = Tail::read(segments, &chain, &index, search, &mut rot)?;
        let log = tail.copy(Arc::clone(segments), &chain, &index, options)?;
        index.move_tail().map_err(index_error)?;
        Ok::<_, OpenError>((index, log))
    });
    if log.is_err() && engine.index.map().condition() == Condition::Spent {
        // That the index cannot be written either was found out only now. Reading does not wait for the next try.
        let _ = mend_index(engine, &chain, options);
    }
    engine.trouble.tell_rot(&rot);
    log
}

/// Has the index read again, and written if that can be.
fn mend_index(engine: &Engine, chain: &Chain, options: &Options) -> Result<Search, OpenError> {
    let condition = engine.index.map().condition();
    let reopened = match condition {
        Condition::Sound => Ok(()),
        Condition::ReadOnly | Condition::Spent => reopen_map(engine, condition, options),
        Condition::Untrusted => return remake_index(engine, chain, options),
    };
    match reopened {
        Ok(()) => Search::begin(&engine.index).map_err(index_error),
        Err(KvError::Damaged(_)) => {
            engine.index.map().discard().map_err(index_error)?;
            remake_index(engine, chain, options)
        }
        Err(e) => Err(index_error(e)),
    }
}

/// A write was refused, and the file is good. Where it can still not be written it is at least read.
fn reopen_map(engine: &Engine, condition: Condition, options: &Options) -> Result<(), KvError> {
    let (disk, path) = (&engine.segments.disk, Path::new(INDEX_FILE));
    let cache = options.index_cache_octets;
    let opened = |kv| -> Arc<dyn Kv> { Arc::new(kv) };
    let refused = match engine.index.replace_map(|| RedbKv::reopen(disk, path, cache).map(opened)) {
        Err(e @ KvError::Unavailable(_)) => e,
        done => return done,
    };
    if condition == Condition::Spent {
        engine.index.replace_map(|| RedbKv::open_to_read(disk, path, cache).map(opened))?;
    }
    Err(refused)
}

/// Of a map whose sync failed nobody knows what the disk has, whatever it shows. What was acknowledged is in the log.
fn remake_index(engine: &Engine, chain: &Chain, options: &Options) -> Result<Search, OpenError> {
    let segments = &engine.segments;
    let mut rot = Vec::new();
    let search = engine.index.become_what(|| {
        let (index, search) = open_index(segments, chain, options, &mut rot)?;
        // What is rotten of the tail is told when the tail is copied.
        Tail::read(segments, chain, &index, search.clone(), &mut Vec::new())?.show_in(&index);
        Ok::<_, OpenError>((index, search))
    })?;
    engine.trouble.tell_rot(&rot);
    Ok(search)
}

/// The index as far as it goes; made again from the log when it is damaged or missing.
fn open_index(
    segments: &Segments,
    chain: &Chain,
    options: &Options,
    rot: &mut Vec<Rot>,
) -> Result<(Index, Search), OpenError> {
    let led_astray = |index: Index| match relocation::is_ahead(&index, chain)? {
        true => Err(KvError::Damaged("it leads into segments as they no longer are".to_owned())),
        false => Ok(index),
    };
    let index = match open_map(&segments.disk, options).and_then(led_astray) {
        Err(KvError::Damaged(_)) => {
            match segments.disk.unlink(Path::new(INDEX_FILE)) {
                // Who found it damaged may have taken it away.
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
                _ => open_map(&segments.disk, options),
            }
        }
        opened => opened,
    };
    let index = index.map_err(index_error)?;
    relocation::catch_up(&index, segments, chain)?;
    let search = catch_up(&index, segments, chain, rot)?;
    Ok((index, search))
}

fn open_map(disk: &Arc<dyn Disk>, options: &Options) -> Result<Index, KvError> {
    let kv = Arc::new(RedbKv::open(disk, Path::new(INDEX_FILE), options.index_cache_octets)?);
    Index::over(Arc::clone(&kv) as Arc<dyn Kv>).map_err(|e| match kv.condition() {
        Condition::Untrusted => KvError::Damaged(e.to_string()),
        _ => e,
    })
}

/// Making the index again would be to forget, without a word, mail that somebody was told is safe.
fn log_is_behind() -> OpenError {
    OpenError::Damaged {
        what: "the log".to_owned(),
        detail: format!(
            "the index knows of segments that are not there. If they are lost for good, remove {INDEX_FILE} and start \
             again: what the rest of the log holds will be served"
        ),
    }
}

/// Takes in all of the log that the map does not have, but for the last segment, which is read as the tail. Everything
/// before was synced, and may be as much as there is mail: so it is neither held in memory nor copied, and where the
/// making of an index ended too early the next opening goes on. The last segment may be one that a recovery began and
/// another one takes away: the checkpoint stays before it.
fn catch_up(
    index: &Index,
    segments: &Segments,
    chain: &Chain,
    rot: &mut Vec<Rot>,
) -> Result<Search, OpenError> {
    let mut end = index.checkpoint().unwrap_or(FIRST);
    let links = chain.from(chain.canonical(end.position)).ok_or_else(log_is_behind)?;
    // One that was rewritten is no tail, though nothing follows it.
    let is_tail = |(link, _): &(Link, u64)| link.header.rewriting.is_none();
    let sealed = links.len() - usize::from(links.last().is_some_and(is_tail));
    let sealed = links.get(..sealed).unwrap_or_default();
    let mut search = Search::begin(index).map_err(index_error)?;
    let mut rewritings = index.rewritings().map_err(index_error)?;
    for link in sealed {
        let mut part = Generation::default();
        let mut noted = Ok(());
        end = replay(segments, std::slice::from_ref(link), end, rot, &mut |frame| {
            if noted.is_ok() {
                noted = search.take_note(&frame, index);
            }
            take_in(&frame, &mut part);
        })?;
        noted.map_err(index_error)?;
        if link.0.header.rewriting.is_some() {
            relocation::taken_in(segments, chain, &link.0.header, &mut rewritings)?;
            note_rewritings(&rewritings, &mut part);
        }
        // Until holes have been looked for: whoever is cut off before that looks for them everywhere.
        note_catching_up(true, &mut part);
        part.through = end;
        index.publish(part);
        index.move_tail().map_err(index_error)?;
    }
    Ok(search)
}

/// What a frame that was read again means for the index.
pub(crate) fn take_in(frame: &Replayed, into: &mut Generation) {
    into.commits.extend(frame.commit);
    for record in &frame.records {
        changes(&record.header, record.place, record.sound(), &mut |change| into.apply(change));
    }
}

/// The numbers that a log begins with.
const FIRST: LogEnd =
    LogEnd { position: LogPosition { segment: 0, offset: 0 }, next_group: 1, next_number: 1 };

/// What lies behind the checkpoint.
struct Tail {
    frames: Vec<Replayed>,
    holes: Holes,
    /// Where it begins: there the fresh segment goes on. `None` in a log that begins with it.
    begins: Option<LogPosition>,
    /// The numbers to go on with.
    end: LogEnd,
}

impl Tail {
    fn read(
        segments: &Segments,
        chain: &Chain,
        index: &Index,
        mut search: Search,
        rot: &mut Vec<Rot>,
    ) -> Result<Self, OpenError> {
        let from = index.checkpoint().unwrap_or(FIRST);
        let begins = chain.canonical(from.position);
        let links: Vec<(Link, u64)> = chain.from(begins).ok_or_else(log_is_behind)?;
        let mut frames = Vec::new();
        let end = replay(segments, &links, from, rot, &mut |frame| frames.push(frame))?;
        frames.iter().try_for_each(|frame| search.take_note(frame, index)).map_err(index_error)?;
        let mut tail = Self { frames, holes: Holes::new(), begins, end };
        // In one that has everything, as nobody sees it yet.
        let whole = Index::over(index.map()).map_err(index_error)?;
        tail.show_in(&whole);
        tail.holes = search.holes(&whole).map_err(index_error)?;
        Ok(tail)
    }

    /// Puts it into the index as it lies in the log.
    fn show_in(&self, index: &Index) {
        let mut shown = Generation::default();
        self.frames.iter().for_each(|frame| take_in(frame, &mut shown));
        self.holes.iter().for_each(|(stream, last_good)| show_hole(*stream, *last_good, &mut shown));
        shown.through = self.end;
        index.publish(shown);
    }

    /// Begins a fresh segment with it, synced, and puts it into the index.
    fn copy(
        &self,
        segments: Arc<Segments>,
        chain: &Chain,
        index: &Index,
        options: &Options,
    ) -> Result<LogWriter, OpenError> {
        let store = chain.links.first().map_or_else(random_id, |link| Ok(link.header.store))?;
        let beginning =
            Beginning { store, number: chain.next_number(), follows: self.begins, first: self.end };
        let mut published = Generation::default();
        let log =
            LogWriter::begin(segments, beginning, options.segment_octets.min(MAX_SEGMENT), |log, group| {
                self.frames.iter().for_each(|frame| copy_frame(frame, log, group, &mut published));
                for (stream, last_good) in &self.holes {
                    quarantine(*stream, *last_good, log, group, &mut published);
                }
            })?;
        published.through = log.end();
        if index.is_catching_up().map_err(index_error)? {
            note_catching_up(false, &mut published);
        }
        index.publish(published);
        Ok(log)
    }
}

fn copy_frame(frame: &Replayed, log: &LogWriter, group: &mut Group, published: &mut Generation) {
    let Some(first) = frame.records.first() else { return };
    let (account, commit) = (first.header.account, frame.commit.map(|(_, id)| id));
    let records = frame.records.iter().map(|record| (record.header.clone(), &record.stored));
    let placed = log.add_numbered(group, account, commit, records);
    published.commits.extend(frame.commit);
    for ((header, place), record) in placed.iter().zip(&frame.records) {
        changes(header, *place, record.sound(), &mut |change| published.apply(change));
    }
}

fn quarantine(
    stream: StreamId,
    last_good: Seq,
    log: &LogWriter,
    group: &mut Group,
    published: &mut Generation,
) {
    let why = Bytes::from_static(b"an event behind this one did not read back as it was written");
    let draft = Draft::plain(Subject::Quarantined { stream: stream.number, last_good }, why);
    for (header, place) in log.add(group, stream.account, None, std::slice::from_ref(&draft)) {
        changes(&header, place, &draft.payload, &mut |change| published.apply(change));
    }
}

/// What a hole means for the index, before a record in the log says so.
fn show_hole(stream: StreamId, last_good: Seq, into: &mut Generation) {
    let key = key::quarantine(stream);
    let value = value::of_seq(&key, last_good);
    into.apply(Change::Set(key, Some(value)));
}

/// Takes away what no chain leads to. Found anew: the fresh segment may have made more of them.
fn remove_leftovers(disk: &dyn Disk, index: &Index) -> Result<(), OpenError> {
    let chain = Chain::find(disk)?;
    let stay = relocation::must_stay(index, &chain).map_err(index_error)?;
    for path in chain.leftovers.iter().filter(|path| !stay.contains(path)) {
        disk.unlink(path)?;
    }
    Ok(())
}

fn random_id() -> io::Result<[u8; 16]> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(id)
}

pub(crate) fn index_error(e: KvError) -> OpenError {
    match e {
        KvError::Damaged(_) => OpenError::DamagedIndex(e.to_string()),
        KvError::Unavailable(_) => OpenError::Index(e.to_string()),
    }
}
