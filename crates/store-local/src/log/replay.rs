//! Reads the log again, from some place to its end.

use super::chain::Link;
use super::format::{LogEnd, RecordHeader};
use super::frames::{Frame, Octets, State, Step};
use super::segments::{Segments, segment_name};
use crate::index::value::Place;
use bytes::Bytes;
use std::fmt;
use std::io;
use std::ops::Range;
use store::{AccountId, CommitId};

/// A frame that was read again.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// Its commit, when it is one that a client named.
    pub(crate) commit: Option<(AccountId, CommitId)>,
    /// What is in it.
    pub(crate) records: Vec<ReplayedRecord>,
}

/// A record that was read again.
#[derive(Debug)]
pub(crate) struct ReplayedRecord {
    pub(crate) header: RecordHeader,
    pub(crate) place: Place,
    /// As it lies there.
    pub(crate) stored: Bytes,
    pub(crate) state: State,
}

impl ReplayedRecord {
    /// The payload, when it is what was written.
    pub(crate) fn sound(&self) -> &[u8] {
        match self.state {
            State::Sound => &self.stored,
            State::Rotten => &[],
        }
    }
}

/// Part of a segment that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rot {
    /// The segment's file.
    pub segment: String,
    /// The first octet.
    pub from: u64,
    /// One behind the last.
    pub to: u64,
}

impl fmt::Display for Rot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} to {}", self.segment, self.from, self.to)
    }
}

/// Reads `links` (each from the offset beside it) to the end of the log and shows each frame to `visit`.
/// `end` says which numbers come next where the reading begins; returned is which come next where the log ends.
pub(crate) fn replay(
    segments: &Segments,
    links: &[(Link, u64)],
    mut end: LogEnd,
    rot: &mut Vec<Rot>,
    visit: &mut dyn FnMut(Replayed),
) -> io::Result<LogEnd> {
    for (link, from) in links {
        let bytes = read_segment(segments, link, *from)?;
        let mut reader = Reader { link, bytes: &bytes, end, rot, visit };
        end = reader.read_from(*from);
    }
    Ok(end)
}

struct Reader<'a> {
    link: &'a Link,
    bytes: &'a Bytes,
    end: LogEnd,
    rot: &'a mut Vec<Rot>,
    visit: &'a mut dyn FnMut(Replayed),
}

impl Reader<'_> {
    fn read_from(&mut self, from: u64) -> LogEnd {
        let octets = Octets { header: &self.link.header, bytes: self.bytes };
        // In all but the last segment everything was synced; there a bad frame is never the end.
        let sound = to_usize(self.link.end.unwrap_or(self.link.header.whole_through));
        let mut offset = to_usize(from);
        if self.bytes.len() < offset {
            self.note_rot(self.bytes.len()..offset);
        }
        while offset < self.bytes.len() {
            let (step, next) = octets.step(offset, sound);
            match step {
                Step::Whole(frame) => self.show(frame),
                Step::Rotten(frame, range) => {
                    self.note_rot(range);
                    self.show(frame);
                }
                Step::End => break,
            }
            offset = next;
        }
        if offset < sound {
            self.note_rot(offset..sound);
            offset = sound;
        }
        self.end.position = self.link.header.position(offset as u64);
        self.end
    }

    fn show(&mut self, frame: Frame) {
        let footer = frame.is_footer();
        if let Some(header) = &frame.header {
            self.end.next_group = self.end.next_group.max(header.group + 1);
        }
        let records: Vec<_> = frame.records.into_iter().map(|found| self.take(found)).collect();
        let last = records.iter().map(|record| record.header.log_number + 1).max();
        self.end.next_number = self.end.next_number.max(last.unwrap_or(0));
        let commit = frame.header.and_then(|header| Some((header.account, header.commit?)));
        if !footer {
            (self.visit)(Replayed { commit, records });
        }
    }

    fn take(&self, found: super::frames::Found) -> ReplayedRecord {
        let place = Place {
            segment: self.link.header.number,
            offset: found.offset as u64,
            stored_length: found.header.stored_length,
            log_number: found.header.log_number,
        };
        // The range was checked against these very octets when the record was found.
        let stored = self.bytes.slice(found.payload);
        ReplayedRecord { header: found.header, place, stored, state: found.state }
    }

    fn note_rot(&mut self, range: Range<usize>) {
        let segment = segment_name(self.link.header.number);
        self.rot.push(Rot { segment, from: range.start as u64, to: range.end as u64 });
    }
}

/// A segment up to where the log leaves it; what lies before `from` is not read.
fn read_segment(segments: &Segments, link: &Link, from: u64) -> io::Result<Bytes> {
    let bytes = read_file(segments, link.header.number, from)?;
    let end = link.end.map_or(bytes.len(), to_usize);
    Ok(bytes.slice(..end.min(bytes.len())))
}

/// The octets of a segment from `from` on, with zeros before them. Segments are small enough to be held in memory one at
/// a time.
pub(crate) fn read_file(segments: &Segments, number: u64, from: u64) -> io::Result<Bytes> {
    let segment = segments.get(number)?;
    let mut bytes = vec![0; to_usize(segment.file.length()?)];
    if let Some(wanted) = bytes.get_mut(to_usize(from)..) {
        segment.file.read_exact_at(wanted, from)?;
    }
    Ok(bytes.into())
}

/// Offsets in a segment fit a `u32`, all the more a `usize`.
fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
