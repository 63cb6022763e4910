//! Writing what is needed of a run of segments into one file, and putting that in the place of the last of them.

use super::judge::{self, Older, Verdict};
use super::relocation::{self, Moved};
use super::removals::Removals;
use crate::check::entries;
use crate::directory_format::REWRITTEN_SEGMENTS;
use crate::disk::File;
use crate::engine::Engine;
use crate::index::kv::{Condition, Kv, KvError, is_same};
use crate::log::chain::Link;
use crate::log::footer::{self, Contents};
use crate::log::format::{
    Draft, FRAME_HEADER, FrameHeader, FrameKind, MAX_FRAME, RECORD_HEADER, RecordHeader, Rewriting,
    SEGMENT_HEADER, SegmentHeader, Subject, padded, trailer,
};
use crate::log::frames::{Frame, Octets, Step};
use crate::log::heading;
use crate::log::replay::read_file;
use crate::log::segments::{LOG_DIRECTORY, Segment, Segments, segment_path, unborn_path};
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;
use store::AccountId;

/// Octets that are written at once.
const WRITE: usize = 1 << 20;
/// Octets after which the file is synced: the log's own syncs are not to wait behind a large one.
const SYNC_AFTER: u64 = 8 << 20;

/// Why a run was not rewritten. Nothing has changed then.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// A segment of it is not what was written. Nothing of it is thrown away.
    Rotten,
    /// The index does not know what the log says.
    IndexBehind,
    /// The index cannot be read.
    Index(KvError),
    /// The disk did not take it.
    Disk,
    /// A segment cannot be read just now.
    Unread,
    /// Somebody copies the files.
    InUse,
    /// The store is being closed.
    Told,
}

impl From<io::Error> for Unwritten {
    fn from(_: io::Error) -> Self {
        Self::Disk
    }
}

impl From<KvError> for Unwritten {
    fn from(e: KvError) -> Self {
        Self::Index(e)
    }
}

/// Goes on after so many octets were read or written, or is told not to.
pub(super) type Pace<'a> = &'a mut dyn FnMut(u64) -> bool;

/// What all segments of a run are judged by.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Which of the store's rewritings it will be.
    pub(super) number: u32,
    /// Everything up to the end of this segment is in the index.
    pub(super) judged_through: u64,
    pub(super) older: Older,
    /// The map that judges.
    pub(super) map: Arc<dyn Kv>,
}

/// A segment in memory, judged.
pub(super) struct Judged {
    bytes: Bytes,
    frames: Vec<Frame>,
    needed: Vec<Vec<bool>>,
    /// Whether something is kept only because nothing is known that removed it.
    unexplained: bool,
}

impl Judged {
    /// Reads a sealed segment and judges its records.
    pub(super) fn read(
        engine: &Engine,
        link: &Link,
        older: Older,
        removals: &mut Removals,
        pace: Pace<'_>,
    ) -> Result<Self, Unwritten> {
        let number = link.header.number;
        let bytes = read_file(&engine.segments, number, 0).map_err(|_| Unwritten::Unread)?;
        if !pace(bytes.len() as u64) {
            return Err(Unwritten::Told);
        }
        let end = to_usize(link.end.unwrap_or_default());
        let bytes = bytes.get(..end).map(|counted| bytes.slice_ref(counted)).ok_or(Unwritten::Rotten)?;
        let frames = whole_frames(&link.header, &bytes).ok_or(Unwritten::Rotten)?;
        let index = &engine.index;
        if !entries::compare(index, &frames, number)?.is_empty() {
            return Err(Unwritten::IndexBehind);
        }
        frames.iter().flat_map(|frame| &frame.records).for_each(|found| removals.note(&found.header));
        let mut judged = Self { frames, bytes, needed: Vec::new(), unexplained: false };
        let verdicts = judge::judge(index, &judged.frames, &judged.bytes, older)?;
        for (frame, verdicts) in judged.frames.iter().zip(verdicts) {
            let mut needed = Vec::with_capacity(verdicts.len());
            for (found, verdict) in frame.records.iter().zip(verdicts) {
                needed.push(match verdict {
                    _ if frame.is_footer() => false,
                    Verdict::Needed => true,
                    Verdict::Needless => false,
                    Verdict::Missing(removed, or) => {
                        let at = found.header.log_number;
                        let mut was = removals.has(engine, removed, at, number, pace)?;
                        if let Some(or) = or.filter(|_| !was) {
                            was = removals.has(engine, or, at, number, pace)?;
                        }
                        judged.unexplained |= !was;
                        !was
                    }
                });
            }
            judged.needed.push(needed);
        }
        Ok(judged)
    }

    /// Octets of what is needed.
    pub(super) fn needed_octets(&self) -> u64 {
        let frames = self.frames.iter().zip(&self.needed);
        frames.map(|(frame, needed)| octets_of(frame, needed)).sum()
    }

    /// Whether everything is, but for tables of contents, and is known to be.
    pub(super) fn is_all_needed(&self) -> bool {
        !self.unexplained && self.needless().next().is_none()
    }

    /// Whether something is not.
    pub(super) fn has_needless(&self) -> bool {
        self.needless().next().is_some()
    }

    /// Whether something of an account is not.
    pub(super) fn has_needless_of(&self, account: AccountId) -> bool {
        self.needless().any(|header| header.account == account)
    }

    fn needless(&self) -> impl Iterator<Item = &RecordHeader> {
        let frames = self.frames.iter().zip(&self.needed).filter(|(frame, _)| !frame.is_footer());
        let records = frames.flat_map(|(frame, needed)| frame.records.iter().zip(needed));
        records.filter(|(_, needed)| !**needed).map(|(found, _)| &found.header)
    }
}

/// The frames of a segment, if all of it is what was written.
fn whole_frames(header: &SegmentHeader, bytes: &[u8]) -> Option<Vec<Frame>> {
    let octets = Octets { header, bytes };
    let (mut frames, mut offset) = (Vec::new(), SEGMENT_HEADER);
    while offset < bytes.len() {
        let (step, next) = octets.step(offset, bytes.len());
        let Step::Whole(frame) = step else { return None };
        frames.push(frame);
        offset = next;
    }
    Some(frames)
}

fn octets_of(frame: &Frame, needed: &[bool]) -> u64 {
    let records = frame.records.iter().zip(needed).filter(|(_, needed)| **needed);
    let octets: usize = records.map(|(found, _)| found.header.whole_length()).sum();
    if octets == 0 { 0 } else { (octets + FRAME_HEADER) as u64 }
}

/// A new segment that has no name yet.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub(super) segment: Segment,
    /// Its octets.
    pub(super) length: u64,
    /// The map that judged what is in it.
    map: Arc<dyn Kv>,
    /// The entries that lead to its records, and what they are to say.
    pub(super) moved: Vec<Moved>,
}

/// Writes what is needed of a run, synced, and reads it back. It has no name yet.
pub(super) fn write(
    engine: &Engine,
    run: &[Link],
    terms: &Terms,
    removals: &mut Removals,
    pace: Pace<'_>,
) -> Result<Rewritten, Unwritten> {
    if engine.bodies.are_held() {
        return Err(Unwritten::InUse);
    }
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Err(Unwritten::Rotten) };
    engine.raise_format(REWRITTEN_SEGMENTS).map_err(|_| Unwritten::Disk)?;
    let path = unborn_path(last.header.number);
    let written = Writer::begin(&engine.segments, first, last, terms)
        .map_err(Unwritten::from)
        .and_then(|writer| writer.write_all(engine, run, terms, removals, pace));
    if written.is_err() {
        // What is left of it goes with the next opening.
        let _ = engine.segments.disk.unlink(&path);
    }
    written
}

struct Writer {
    header: SegmentHeader,
    file: Arc<dyn File>,
    /// What has not been written yet, and where it belongs.
    buffer: Vec<u8>,
    offset: u64,
    synced: u64,
    contents: Contents,
    highest_number: u64,
    highest_group: u64,
    records: usize,
}

impl Writer {
    fn begin(segments: &Segments, first: &Link, last: &Link, terms: &Terms) -> io::Result<Self> {
        let number = last.header.number;
        let stands_for = last.header.position(last.end.unwrap_or_default()).offset;
        let too_large = |_| io::Error::other("the segment is too large to be rewritten");
        let rewriting = Rewriting {
            number: terms.number,
            stands_for: u32::try_from(stands_for).map_err(too_large)?,
            // 0: nothing was taken into account, and everything is kept.
            judged_through: u32::try_from(terms.judged_through).unwrap_or(0),
        };
        let header = SegmentHeader {
            store: last.header.store,
            number,
            follows: first.header.follows,
            first_group: first.header.first_group,
            salt: getrandom::u64().map_err(io::Error::other)?,
            whole_through: SEGMENT_HEADER as u64,
            rewriting: Some(rewriting),
        };
        Ok(Self {
            header,
            file: segments.disk.create(&unborn_path(number))?,
            buffer: Vec::with_capacity(2 * WRITE),
            offset: SEGMENT_HEADER as u64,
            synced: 0,
            contents: Contents::new(),
            highest_number: 0,
            highest_group: 0,
            records: 0,
        })
    }

    fn write_all(
        mut self,
        engine: &Engine,
        run: &[Link],
        terms: &Terms,
        removals: &mut Removals,
        pace: Pace<'_>,
    ) -> Result<Rewritten, Unwritten> {
        for link in run {
            let judged = Judged::read(engine, link, terms.older, removals, pace)?;
            if let Some(rewriting) = self.header.rewriting.as_mut().filter(|_| judged.unexplained) {
                rewriting.judged_through = 0;
            }
            for (frame, needed) in judged.frames.iter().zip(&judged.needed) {
                self.push_frame(frame, needed, &judged.bytes);
                if self.buffer.len() >= WRITE && !pace(self.flush()?) {
                    return Err(Unwritten::Told);
                }
            }
        }
        self.seal(&terms.map)
    }

    /// Takes over what is needed of a frame.
    fn push_frame(&mut self, frame: &Frame, needed: &[bool], bytes: &[u8]) {
        let numbers = frame.records.iter().map(|found| found.header.log_number);
        self.highest_number = numbers.fold(self.highest_number, u64::max);
        let Some(header) = &frame.header else { return };
        self.highest_group = self.highest_group.max(header.group);
        let records = frame.records.iter().zip(needed).filter(|(_, needed)| **needed);
        let records: Vec<(&RecordHeader, &[u8])> = records
            .map(|(found, _)| (&found.header, bytes.get(found.payload.clone()).unwrap_or_default()))
            .collect();
        if !records.is_empty() {
            self.records += records.len();
            self.push(header.clone(), &records);
        }
    }

    fn push(&mut self, like: FrameHeader, records: &[(&RecordHeader, &[u8])]) {
        let at = self.offset + self.buffer.len() as u64;
        let length: usize = records.iter().map(|(header, _)| header.whole_length()).sum();
        let header = FrameHeader {
            first_number: records.first().map_or(like.first_number, |(header, _)| header.log_number),
            count: u32::try_from(records.len()).unwrap_or(u32::MAX),
            length: u32::try_from(length).unwrap_or(u32::MAX),
            group_offset: at,
            ..like
        };
        if header.kind == FrameKind::Commit {
            let offset = u32::try_from(at).unwrap_or(u32::MAX);
            self.contents.entry(header.account).or_default().push(offset);
        }
        header.encode(self.header.salt, &mut self.buffer);
        for (record, payload) in records {
            record.encode(self.header.salt, &mut self.buffer);
            self.buffer.extend_from_slice(payload);
            self.buffer.resize(padded(self.buffer.len()), 0);
        }
    }

    /// Writes what waits, and says how much that was.
    fn flush(&mut self) -> io::Result<u64> {
        self.file.write_at(&self.buffer, self.offset)?;
        let written = self.buffer.len() as u64;
        self.offset += written;
        self.buffer.clear();
        if self.offset - self.synced >= SYNC_AFTER {
            self.file.sync_data()?;
            self.synced = self.offset;
        }
        Ok(written)
    }

    /// Table of contents, the header once more, trailer; and the header in its place last. What the disk has then is read
    /// back: it is about to be all that there is.
    fn seal(mut self, map: &Arc<dyn Kv>) -> Result<Rewritten, Unwritten> {
        let footer_at = self.offset + self.buffer.len() as u64;
        let contents = Bytes::from(footer::encode(&std::mem::take(&mut self.contents)));
        if RECORD_HEADER + padded(contents.len()) > MAX_FRAME {
            return Err(Unwritten::Disk);
        }
        let draft = Draft::plain(Subject::Footer, contents);
        let record = draft.header(AccountId::DIRECTORY, self.highest_number);
        let frame = FrameHeader {
            kind: FrameKind::Footer,
            group: self.highest_group,
            account: AccountId::DIRECTORY,
            commit: None,
            first_number: self.highest_number,
            count: 1,
            length: 0,
            group_offset: footer_at,
        };
        self.push(frame, &[(&record, &draft.payload)]);
        self.header.whole_through = self.offset + self.buffer.len() as u64;
        let header = self.header.encode();
        self.buffer.extend_from_slice(&header);
        self.buffer.extend(trailer(footer_at, self.header.salt));
        self.flush()?;
        self.file.write_at(&header, 0)?;
        self.file.sync_all()?;
        let mut bytes = vec![0; to_usize(self.offset)];
        self.file.read_exact_at(&mut bytes, 0)?;
        let counted = bytes.get(..to_usize(self.header.whole_through)).unwrap_or_default();
        let frames = whole_frames(&self.header, counted).ok_or(Unwritten::Disk)?;
        let records = frames.iter().filter(|frame| !frame.is_footer()).map(|frame| frame.records.len());
        if SegmentHeader::decode(&bytes).as_ref() != Some(&self.header)
            || records.sum::<usize>() != self.records
        {
            return Err(Unwritten::Disk);
        }
        let moved = relocation::moved(self.header.number, &frames);
        let segment = Segment { header: self.header, file: self.file };
        Ok(Rewritten { segment, length: self.offset, map: Arc::clone(map), moved })
    }
}

/// Gives a rewritten segment its name, while nobody else writes; the others of its run go. Where the index or somebody who
/// copies the files needs these as they are, or writing has failed, it is put off: `false`.
pub(super) fn put_in_place(engine: &Engine, run: &[Link], rewritten: &Rewritten) -> bool {
    let number = rewritten.segment.header.number;
    let taken_in = engine.index.checkpoint().is_some_and(|end| end.position.segment > number);
    let now = engine.index.map();
    let by_this_index = is_same(&now, &rewritten.map) && now.condition() == Condition::Sound;
    let may = engine.trouble.check().is_ok() && taken_in && by_this_index && !engine.bodies.are_held();
    let segments = &engine.segments;
    let former: io::Result<Vec<Segment>> = run.iter().map(|link| segments.get(link.header.number)).collect();
    let Some(former) = former.ok().filter(|_| may) else {
        let _ = segments.disk.unlink(&unborn_path(number));
        return false;
    };
    let before = former.last().map(|segment| segment.header.salt);
    segments.keep_former(former);
    let named = segments.disk.rename(&unborn_path(number), &segment_path(number));
    if named.is_err() && salt_of(segments, number) == before {
        // It did not happen: the disk has no room for a name, say, or a recovery took the file for one that was left over.
        let _ = segments.disk.unlink(&unborn_path(number));
        release(segments, run);
        return false;
    }
    match named.and_then(|()| segments.disk.sync_dir(Path::new(LOG_DIRECTORY))) {
        Ok(()) => {
            segments.is_in_place(rewritten.segment.clone());
            for link in run.iter().filter(|link| link.header.number != number) {
                // What cannot be taken away goes with the next opening.
                let _ = segments.disk.unlink(&segment_path(link.header.number));
            }
            true
        }
        Err(e) => {
            // Which of the two has the name nobody knows: recovery finds out.
            segments.is_in_doubt();
            engine.fail(&format!("a segment of the log could not be replaced ({e})"));
            false
        }
    }
}

fn salt_of(segments: &Segments, number: u64) -> Option<u64> {
    let file = segments.disk.open(&segment_path(number)).ok()?;
    heading::read(&*file, number).ok()?.known().map(|identity| identity.header.salt)
}

/// Nothing leads into the files of before any more.
pub(super) fn release(segments: &Segments, run: &[Link]) {
    let numbers: Vec<u64> = run.iter().map(|link| link.header.number).collect();
    segments.let_go(&numbers);
}

/// Offsets in a segment fit a `u32`, all the more a `usize`.
fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
