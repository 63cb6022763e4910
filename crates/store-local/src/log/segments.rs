//! The files of the log: their names, and reading a record out of one.

use super::format::{Codec, RECORD_HEADER, RecordHeader, SegmentHeader};
use super::heading::{self, Heading};
use crate::disk::{Disk, File, is_for_now};
use crate::index::value::Place;
use crate::packing;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::{AccountId, StoreError};

/// Where segments are, below the data directory.
pub(crate) const LOG_DIRECTORY: &str = "log";
/// How the file of a segment without a name ends.
pub(crate) const UNBORN: &str = ".new";
/// Most segments held open for reading.
const MAX_OPEN: usize = 256;

/// A segment's file with what is needed to read it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) file: Arc<dyn File>,
}

/// All segments; some are open.
#[derive(Debug)]
pub(crate) struct Segments {
    pub(crate) disk: Arc<dyn Disk>,
    open: Mutex<Open>,
    /// How often a file has taken another one's place, or the one that went was let go.
    changes: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    now: BTreeMap<u64, Segment>,
    /// Those in whose place a rewritten one lies, as long as the index may lead into them.
    former: BTreeMap<u64, Segment>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, open: Mutex::default(), changes: AtomicU64::new(0) }
    }

    /// A segment, opened if need be.
    pub(crate) fn get(&self, number: u64) -> io::Result<Segment> {
        loop {
            if let Some(segment) = self.lock().now.get(&number) {
                return Ok(segment.clone());
            }
            let changes = self.changes();
            let segment = open_segment(&*self.disk, number)?;
            let mut open = self.lock();
            // Else it may have been opened before another file took its place.
            if self.changes() == changes {
                open.keep(segment.clone());
                return Ok(segment);
            }
        }
    }

    /// Keeps a segment at hand; the oldest makes room.
    pub(crate) fn keep(&self, segment: Segment) {
        self.lock().keep(segment);
    }

    /// How often what lies under a number has changed. Whoever was led to a place before a change, and does not find what
    /// should be there, looks for it anew.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Another file is about to take the places of these segments: what is looked for in it and not found is looked for in
    /// them.
    pub(crate) fn keep_former(&self, segments: Vec<Segment>) {
        let mut open = self.lock();
        for segment in segments {
            open.now.remove(&segment.header.number);
            open.former.insert(segment.header.number, segment);
        }
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// This is the other file, now under its number.
    pub(crate) fn is_in_place(&self, segment: Segment) {
        let mut open = self.lock();
        open.keep(segment);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Nobody knows which file lies under which number.
    pub(crate) fn is_in_doubt(&self) {
        let mut open = self.lock();
        open.now.clear();
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// No entry of the index leads any more to anything but what lies under the numbers now.
    pub(crate) fn let_go_of_all(&self) {
        let numbers: Vec<u64> = self.lock().former.keys().copied().collect();
        self.let_go(&numbers);
    }

    /// No entry of the index leads any more to what lay under these numbers.
    pub(crate) fn let_go(&self, numbers: &[u64]) {
        let mut open = self.lock();
        // Somebody may have opened one at the last moment, too. They are closed once nobody has to wait for that.
        let gone: Vec<_> =
            numbers.iter().map(|number| (open.former.remove(number), open.now.remove(number))).collect();
        self.changes.fetch_add(1, Ordering::Release);
        drop(open);
        drop(gone);
    }

    /// The record at a place: its payload decoded, or why not.
    pub(crate) fn read(
        &self,
        account: AccountId,
        place: Place,
        what: &dyn Fn() -> String,
    ) -> Result<Bytes, StoreError> {
        self.read_record(account, place).map_err(|why| unread(place, what(), &why))
    }

    fn read_record(&self, account: AccountId, place: Place) -> io::Result<Bytes> {
        self.in_either(place.segment, |segment| {
            let octets = read_octets(segment, place.offset, place.end())?;
            open_record(account, place, segment, octets)
        })
    }

    /// What is read of a segment, or else of the one in whose place it lies. The salt, the account and the log number tell
    /// whether something is what was looked for.
    fn in_either<T>(&self, number: u64, read: impl Fn(&Segment) -> io::Result<T>) -> io::Result<T> {
        let now = self.get(number).and_then(|segment| read(&segment));
        if now.is_ok() {
            return now;
        }
        let former = self.lock().former.get(&number).cloned();
        former.and_then(|former| read(&former).ok()).map_or(now, Ok)
    }

    /// The records at many places. What lies together is read together.
    pub(crate) fn read_all<T: Copy>(
        &self,
        account: AccountId,
        wanted: &[(T, Place)],
        what: &dyn Fn(T) -> String,
    ) -> Result<Vec<(T, Bytes)>, StoreError> {
        let mut found = Vec::with_capacity(wanted.len());
        for run in wanted.chunk_by(|(_, a), (_, b)| a.is_just_before(b)) {
            let (Some((_, from)), Some((_, last))) = (run.first(), run.last()) else { continue };
            let together = self.get(from.segment).and_then(|segment| {
                let octets = read_octets(&segment, from.offset, last.end())?;
                Ok((segment, octets))
            });
            for &(id, place) in run {
                let at_hand = together.as_ref().ok().and_then(|(segment, octets)| {
                    let start = within(place.offset - from.offset);
                    let octets = octets.slice(start..start + within(place.end() - place.offset));
                    open_record(account, place, segment, octets).ok()
                });
                // Where it is not, it may be in the file that lay there before.
                let record = at_hand.map_or_else(|| self.read_record(account, place), Ok);
                found.push((id, record.map_err(|why| unread(place, what(id), &why))?));
            }
        }
        Ok(found)
    }

    /// What lies where the payload of the record at a place should, whatever has become of it.
    pub(crate) fn untested(&self, place: Place) -> io::Result<Bytes> {
        let payload = place.offset + RECORD_HEADER as u64;
        self.get(place.segment).and_then(|segment| read_octets(&segment, payload, place.end()))
    }

    /// The header of the record at a place, if it is the one that was written there.
    pub(crate) fn header_at(&self, place: Place) -> io::Result<RecordHeader> {
        self.in_either(place.segment, |segment| {
            let octets = read_octets(segment, place.offset, place.offset + RECORD_HEADER as u64)?;
            RecordHeader::decode(&octets, segment.header.salt)
                .ok_or_else(|| io::Error::other("the header's checksum does not fit"))
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn keep(&mut self, segment: Segment) {
        if self.now.len() >= MAX_OPEN {
            self.now.pop_first();
        }
        self.now.insert(segment.header.number, segment);
    }
}

fn read_octets(segment: &Segment, from: u64, to: u64) -> io::Result<Bytes> {
    let mut octets = vec![0; within(to - from)];
    segment.file.read_exact_at(&mut octets, from)?;
    Ok(octets.into())
}

/// Checks that `octets` are the record that should lie at `place`, and takes its payload out.
fn open_record(account: AccountId, place: Place, segment: &Segment, octets: Bytes) -> io::Result<Bytes> {
    let header = RecordHeader::decode(&octets, segment.header.salt);
    let header = header.ok_or_else(|| io::Error::other("the header's checksum does not fit"))?;
    if header.account != account || header.log_number != place.log_number {
        return Err(io::Error::other("another record is there"));
    }
    let payload = octets.slice(RECORD_HEADER..);
    if !header.fits(&payload) {
        return Err(io::Error::other("the payload's checksum does not fit"));
    }
    decode(&header, payload)
}

/// What a record that could not be read is: damaged, unless the system had only no means to look.
fn unread(place: Place, what: String, why: &io::Error) -> StoreError {
    if is_for_now(why) {
        let reason = format!("{what} could not be read ({why})");
        return StoreError::Unavailable { reason, uncertain: false };
    }
    StoreError::Damaged {
        what,
        detail: format!("{} at {}: {why}", segment_name(place.segment), place.offset),
    }
}

/// Offsets in a segment fit a `u32`, all the more a `usize`.
fn within(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn decode(header: &RecordHeader, payload: Bytes) -> io::Result<Bytes> {
    match header.codec {
        Codec::Plain => Ok(payload),
        Codec::Zstd => Ok(packing::unpack(&payload, header.raw_length as usize)?.into()),
    }
}

fn open_segment(disk: &dyn Disk, number: u64) -> io::Result<Segment> {
    let file = disk.open(&segment_path(number))?;
    match heading::read(&*file, number)? {
        Heading::Known(identity) => Ok(Segment { header: identity.header, file }),
        Heading::OfVersion(_) => Err(io::Error::other("the segment was made by a newer Gatepost")),
        Heading::Silent => Err(io::Error::other("the segment's header is damaged")),
    }
}

/// The name of a segment's file.
pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:016x}.seg")
}

/// The path of a segment's file.
pub(crate) fn segment_path(number: u64) -> PathBuf {
    Path::new(LOG_DIRECTORY).join(segment_name(number))
}

/// Where a segment is written before it gets its name.
pub(crate) fn unborn_path(number: u64) -> PathBuf {
    Path::new(LOG_DIRECTORY).join(format!("{number:016x}{UNBORN}"))
}

/// Which segment a file's name stands for.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(".seg")?, 16).ok()
}
