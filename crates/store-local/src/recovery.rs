//! Opening: from what lies on the disk to an engine that may serve. And mending: the same for an engine that serves
//! already, after a write or a sync has failed.
//!
//! What the index does not have yet, the log's tail, is copied into a fresh segment and synced before anything of
//! it is served: a sync may have failed before, and then the old tail reads back from memory but is not on the
//! disk. An old tail is never appended to. The fresh segment names the place where the copied part begins, so that
//! the old one is void from the moment the fresh one gets its name.
//!
//! Mending differs in one thing: it is known how much was acknowledged. What lies behind that is not copied, so that
//! what was refused does not come back. Old segments stay until the next opening, for somebody may be reading them.

use crate::body_desk::{BodyClerk, BodyDesk};
use crate::body_file::BodyFiles;
use crate::committer::Committer;
use crate::disk::Disk;
use crate::engine::Engine;
use crate::index::change::changes;
use crate::index::kv::{Condition, KvError};
use crate::index::redb::RedbKv;
use crate::index::tail::Generation;
use crate::index::{Index, key, value};
use crate::log::chain::{Chain, Link};
use crate::log::format::{Draft, LogEnd, LogPosition, Subject};
use crate::log::replay::{Replayed, ReplayedRecord, Rot, replay};
use crate::log::segments::{LOG_DIRECTORY, Segments, start_of};
use crate::log::writer::{Beginning, Group, LogWriter};
use crate::recent::RecentCommits;
use crate::{MAX_SEGMENT, OpenError, Options};
use bytes::Bytes;
use std::collections::BTreeMap;
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

/// Opens what is there, or begins something new.
pub(crate) fn open(disk: Arc<dyn Disk>, options: &Options) -> Result<Opened, OpenError> {
    let lock = disk.lock(Path::new(LOCK_FILE));
    let lock = lock.map_err(|cause| OpenError::Locked { place: disk.place(), cause })?;
    disk.create_dir(Path::new(LOG_DIRECTORY))?;
    disk.sync_dir(Path::new(""))?;
    let chain = Chain::find(&*disk)?;
    chain.unborn.iter().try_for_each(|path| disk.unlink(path))?;
    let segments = Arc::new(Segments::new(Arc::clone(&disk)));
    let mut rot = Vec::new();
    let index = open_index(&disk, &segments, &chain, &mut rot)?;
    let tail = Tail::read(&segments, &chain, &index, &mut rot)?;
    let mut recent = RecentCommits::default();
    index.kept_ids().into_iter().for_each(|id| recent.remember(id));
    tail.frames.iter().filter_map(|frame| frame.commit).for_each(|id| recent.remember(id));
    let bodies = BodyFiles::open(Arc::clone(&disk), chain.next_number())?;
    let log = tail.copy(Arc::clone(&segments), &chain, &index, options)?;
    // The checkpoint leaves the old tail before its files do.
    index.move_tail().map_err(index_error)?;
    remove_leftovers(&*disk)?;
    let (desk, clerk) = BodyDesk::new();
    let engine = Engine::new(index, segments, (bodies, desk), lock, Arc::clone(&options.witness));
    let engine = Arc::new(engine);
    let committer = Committer::new(Arc::clone(&engine), log, recent, options.clone());
    Ok(Opened { engine, committer, clerk, rot })
}

/// What goes on behind a fresh segment that holds, synced, what was `acknowledged` and the index does not have. If that
/// cannot be done now everything stays as it was, and may be tried again.
pub(crate) fn mend(
    engine: &Engine,
    acknowledged: LogPosition,
    options: &Options,
) -> Result<LogWriter, OpenError> {
    let mut rot = Vec::new();
    let log = engine.index.become_what(|| {
        let segments = &engine.segments;
        let mut chain = Chain::find(&*segments.disk)?;
        chain.sweep_behind(acknowledged.segment, &*segments.disk)?;
        chain.end_at(acknowledged);
        let index = mended_index(engine, &chain, &mut rot)?;
        let tail = Tail::read(segments, &chain, &index, &mut rot)?;
        let log = tail.copy(Arc::clone(segments), &chain, &index, options)?;
        index.move_tail().map_err(index_error)?;
        Ok::<_, OpenError>((index, log))
    })?;
    engine.trouble.tell_rot(&rot);
    Ok(log)
}

/// The index as far as it goes, over a map that may be written. Of a map whose sync failed nobody knows what the disk
/// has, whatever it shows: it is made again from the log, here or, should we not live to do it, at the next opening.
fn mended_index(engine: &Engine, chain: &Chain, rot: &mut Vec<Rot>) -> Result<Index, OpenError> {
    let (map, disk) = (engine.index.map(), &engine.segments.disk);
    match map.condition() {
        Condition::Sound => return Index::over(map).map_err(index_error),
        Condition::Spent => map.abandon(),
        Condition::Untrusted => {
            map.abandon();
            remove_index(&**disk)?;
        }
    }
    open_index(disk, &engine.segments, chain, rot)
}

fn remove_index(disk: &dyn Disk) -> io::Result<()> {
    match disk.unlink(Path::new(INDEX_FILE)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    disk.sync_dir(Path::new(""))
}

/// The index as far as it goes; made again from the log when it is damaged or missing.
fn open_index(
    disk: &Arc<dyn Disk>,
    segments: &Segments,
    chain: &Chain,
    rot: &mut Vec<Rot>,
) -> Result<Index, OpenError> {
    let index = match open_map(&**disk) {
        Err(KvError::Damaged(_)) => {
            disk.unlink(Path::new(INDEX_FILE))?;
            open_map(&**disk)
        }
        opened => opened,
    };
    let index = index.map_err(index_error)?;
    match index.checkpoint() {
        None => rebuild(&index, segments, chain, rot)?,
        Some(checkpoint) if chain.from(chain.canonical(checkpoint.position)).is_none() => {
            return Err(log_is_behind());
        }
        Some(_) => {}
    }
    Ok(index)
}

fn open_map(disk: &dyn Disk) -> Result<Index, KvError> {
    Index::over(Arc::new(RedbKv::open(disk, Path::new(INDEX_FILE))?))
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

/// Takes in all of the log but its last segment, which is read as the tail. Everything before was synced.
fn rebuild(index: &Index, segments: &Segments, chain: &Chain, rot: &mut Vec<Rot>) -> Result<(), OpenError> {
    let Some((last, sealed)) = chain.links.split_last() else { return Ok(()) };
    let mut end = LogEnd { next_number: 1, next_group: 1, ..LogEnd::default() };
    for link in sealed {
        let start = start_of(link.header.number).offset;
        let mut part = Generation::default();
        end = replay(segments, &[(link.clone(), start)], end, rot, &mut |frame| take_in(&frame, &mut part))?;
        part.through = end;
        index.publish(part);
        index.move_tail().map_err(index_error)?;
    }
    end.position = start_of(last.header.number);
    index.publish(Generation::starting_at(end));
    index.move_tail().map_err(index_error)?;
    Ok(())
}

/// What a frame that was read again means for the index.
pub(crate) fn take_in(frame: &Replayed, into: &mut Generation) {
    into.commits.extend(frame.commit);
    for record in &frame.records {
        changes(&record.header, record.place, record.sound(), &mut |change| into.apply(change));
    }
}

/// What lies behind the checkpoint.
struct Tail {
    frames: Vec<Replayed>,
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
        rot: &mut Vec<Rot>,
    ) -> Result<Self, OpenError> {
        let fresh = LogEnd { next_number: 1, next_group: 1, ..LogEnd::default() };
        let from = index.checkpoint().unwrap_or(fresh);
        let begins = chain.canonical(from.position);
        let links: Vec<(Link, u64)> = chain.from(begins).ok_or_else(log_is_behind)?;
        let mut frames = Vec::new();
        let end = replay(segments, &links, from, rot, &mut |frame| frames.push(frame))?;
        Ok(Self { frames, begins, end })
    }

    /// Begins a fresh segment with it, synced, and puts it into the index.
    fn copy(
        &self,
        segments: Arc<Segments>,
        chain: &Chain,
        index: &Index,
        options: &Options,
    ) -> Result<LogWriter, OpenError> {
        let holes = self.holes(index)?;
        let store = chain.links.first().map_or_else(random_id, |link| Ok(link.header.store))?;
        let beginning =
            Beginning { store, number: chain.next_number(), follows: self.begins, first: self.end };
        let mut published = Generation::default();
        let log =
            LogWriter::begin(segments, beginning, options.segment_octets.min(MAX_SEGMENT), |log, group| {
                self.frames.iter().for_each(|frame| copy_frame(frame, log, group, &mut published));
                for (stream, last_good) in holes {
                    quarantine(stream, last_good, log, group, &mut published);
                }
            })?;
        published.through = log.end();
        index.publish(published);
        Ok(log)
    }

    /// Streams in which an event is missing: whose end the log cannot tell any more.
    fn holes(&self, index: &Index) -> Result<BTreeMap<StreamId, Seq>, OpenError> {
        let mut continuity = Continuity { index, last: BTreeMap::new(), holes: BTreeMap::new() };
        let records = self.frames.iter().flat_map(|frame| &frame.records);
        records.into_iter().try_for_each(|record| continuity.follow(record))?;
        Ok(continuity.holes)
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

/// Follows the events of each stream and finds those that do not connect.
struct Continuity<'a> {
    index: &'a Index,
    last: BTreeMap<StreamId, Seq>,
    holes: BTreeMap<StreamId, Seq>,
}

impl Continuity<'_> {
    fn follow(&mut self, record: &ReplayedRecord) -> Result<(), OpenError> {
        let of = |number| StreamId { account: record.header.account, number };
        match record.header.subject {
            Subject::Event { stream, seq } => self.event(of(stream), seq, 1),
            // An event that is lost at the very end is missed by its head.
            Subject::Head { stream, seq } => self.event(of(stream), seq, 0),
            Subject::Dropped { stream } => {
                self.last.insert(of(stream), Seq::NONE);
                self.holes.remove(&of(stream));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn event(&mut self, stream: StreamId, seq: Seq, step: u64) -> Result<(), OpenError> {
        let last = match self.last.get(&stream) {
            Some(last) => *last,
            None => self.published(stream)?,
        };
        if seq > last.plus(step) {
            self.holes.entry(stream).or_insert(last);
        }
        self.last.insert(stream, seq.max(last));
        Ok(())
    }

    fn published(&self, stream: StreamId) -> Result<Seq, OpenError> {
        let key = key::head(stream);
        let head = self.index.get(&key).map_err(index_error)?;
        Ok(head.and_then(|head| value::head(&key, &head)).map_or(Seq::NONE, |(seq, _)| seq))
    }
}

/// Takes away what no chain leads to. Found anew: the fresh segment may have made more of them.
fn remove_leftovers(disk: &dyn Disk) -> Result<(), OpenError> {
    for path in Chain::find(disk)?.leftovers {
        disk.unlink(&path)?;
    }
    Ok(())
}

fn random_id() -> io::Result<[u8; 16]> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(id)
}

pub(crate) fn index_error(e: KvError) -> OpenError {
    OpenError::Index(e.to_string())
}
