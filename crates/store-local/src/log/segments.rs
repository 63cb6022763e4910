//! The files of the log: their names, and reading a record out of one.

use super::format::{Codec, LogPosition, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentHeader};
use crate::disk::{Disk, File};
use crate::index::value::Place;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
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
    open: Mutex<BTreeMap<u64, Segment>>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, open: Mutex::default() }
    }

    /// A segment, opened if need be.
    pub(crate) fn get(&self, number: u64) -> io::Result<Segment> {
        if let Some(segment) = self.lock().get(&number) {
            return Ok(segment.clone());
        }
        let segment = open_segment(&*self.disk, number)?;
        self.keep(segment.clone());
        Ok(segment)
    }

    /// Keeps a segment at hand; the oldest makes room.
    pub(crate) fn keep(&self, segment: Segment) {
        let mut open = self.lock();
        if open.len() >= MAX_OPEN {
            open.pop_first();
        }
        open.insert(segment.header.number, segment);
    }

    /// The record at a place: its payload decoded, or why not.
    pub(crate) fn read(
        &self,
        account: AccountId,
        place: Place,
        what: &dyn Fn() -> String,
    ) -> Result<Bytes, StoreError> {
        let damaged = |detail: &str| StoreError::Damaged {
            what: what(),
            detail: format!("{} at {}: {detail}", segment_name(place.segment), place.offset),
        };
        let segment = self.get(place.segment).map_err(|e| damaged(&e.to_string()))?;
        let mut stored = vec![0; RECORD_HEADER + place.stored_length as usize];
        segment.file.read_exact_at(&mut stored, place.offset).map_err(|e| damaged(&e.to_string()))?;
        let header = RecordHeader::decode(&stored, segment.header.salt);
        let header = header.ok_or_else(|| damaged("the header's checksum does not fit"))?;
        if header.account != account || header.log_number != place.log_number {
            return Err(damaged("another record is there"));
        }
        let payload = Bytes::from(stored).slice(RECORD_HEADER..);
        if !header.fits(&payload) {
            return Err(damaged("the payload's checksum does not fit"));
        }
        decode(&header, payload).map_err(|e| damaged(&e.to_string()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Segment>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decode(header: &RecordHeader, payload: Bytes) -> io::Result<Bytes> {
    match header.codec {
        Codec::Plain => Ok(payload),
        Codec::Zstd => Ok(zstd::bulk::decompress(&payload, header.raw_length as usize)?.into()),
    }
}

fn open_segment(disk: &dyn Disk, number: u64) -> io::Result<Segment> {
    let file = disk.open(&segment_path(number))?;
    let mut start = [0; SEGMENT_HEADER];
    file.read_exact_at(&mut start, 0)?;
    let header = SegmentHeader::decode(&start).filter(|header| header.number == number);
    let header = header.ok_or_else(|| io::Error::other("the segment's header is damaged"))?;
    Ok(Segment { header, file })
}

/// The first octets behind a segment's header.
pub(crate) const fn start_of(number: u64) -> LogPosition {
    LogPosition { segment: number, offset: SEGMENT_HEADER as u64 }
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
