//! Walks the frames of a segment's octets, and tells a torn end from rot.

use super::format::{FRAME_HEADER, FrameHeader, FrameKind, RecordHeader, SegmentHeader, padded};
use std::ops::Range;

/// A segment, or its beginning, in memory.
pub(crate) struct Octets<'a> {
    /// Its header.
    pub(crate) header: &'a SegmentHeader,
    /// All of it from the first octet on.
    pub(crate) bytes: &'a [u8],
}

/// A frame, or what is left of one.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Its header; `None` where only records are left.
    pub(crate) header: Option<FrameHeader>,
    /// What is in it.
    pub(crate) records: Vec<Found>,
}

/// A record that says whose it is.
#[derive(Debug)]
pub(crate) struct Found {
    /// What it says.
    pub(crate) header: RecordHeader,
    /// Where it starts.
    pub(crate) offset: usize,
    /// Where its payload lies.
    pub(crate) payload: Range<usize>,
    /// Whether that is what was written.
    pub(crate) state: State,
}

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is what was written.
    Sound,
    /// It is not.
    Rotten,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Step {
    /// A frame as it was written.
    Whole(Frame),
    /// Octets that are not what was written, and the records among them that still speak.
    Rotten(Frame, Range<usize>),
    /// The log ends here; what may lie behind was never acknowledged.
    End,
}

impl Octets<'_> {
    /// What lies at `offset` and where to go on. Up to `sound` (where the log is known to have gone on, or to
    /// have been synced) a bad frame is rot; behind it, rot or the end.
    pub(crate) fn step(&self, offset: usize, sound: usize) -> (Step, usize) {
        if let Some((frame, next)) = self.frame_at(offset) {
            return (Step::Whole(frame), next);
        }
        if offset >= sound && !self.later_group_behind(offset) {
            return (Step::End, offset);
        }
        let next = self.next_frame(offset + 8).unwrap_or(self.bytes.len());
        let left = Frame { header: None, records: self.speaking_records(offset..next) };
        (Step::Rotten(left, offset..next), next)
    }

    /// The frame at `offset` if it is whole: header, every record's header, every payload.
    fn frame_at(&self, offset: usize) -> Option<(Frame, usize)> {
        let header = FrameHeader::decode(self.bytes.get(offset..)?, self.header.salt)?;
        let start = offset + FRAME_HEADER;
        let end = start + header.length as usize;
        let mut records = Vec::new();
        let mut at = start;
        while at < end {
            let record = self.record_at(at)?;
            if record.state == State::Rotten {
                return None;
            }
            at += record.header.whole_length();
            records.push(record);
        }
        let whole = at == end && end <= self.bytes.len() && records.len() == header.count as usize;
        whole.then_some((Frame { header: Some(header), records }, end))
    }

    fn record_at(&self, offset: usize) -> Option<Found> {
        let header = RecordHeader::decode(self.bytes.get(offset..)?, self.header.salt)?;
        let end = offset + header.whole_length();
        let start = end - padded(header.stored_length as usize);
        let payload = start..start + header.stored_length as usize;
        let sound = header.fits(self.bytes.get(payload.clone())?);
        Some(Found { header, offset, payload, state: if sound { State::Sound } else { State::Rotten } })
    }

    /// Whether a good frame behind `offset` belongs to a group that starts behind it too. Then the group that
    /// the bad frame is of was synced before.
    fn later_group_behind(&self, offset: usize) -> bool {
        let mut from = offset + 8;
        while let Some(at) = self.next_frame(from) {
            let starts = self.frame_at(at).and_then(|(frame, _)| Some(frame.header?.group_offset));
            if starts.is_some_and(|starts| starts > offset as u64) {
                return true;
            }
            from = at + 8;
        }
        false
    }

    /// Where the next whole frame starts. Frames start at multiples of 8.
    fn next_frame(&self, from: usize) -> Option<usize> {
        let mut candidates = (from.next_multiple_of(8)..self.bytes.len()).step_by(8);
        candidates.find(|&at| self.frame_at(at).is_some())
    }

    fn speaking_records(&self, range: Range<usize>) -> Vec<Found> {
        let mut records = Vec::new();
        let mut at = range.start;
        while at < range.end {
            match self.record_at(at) {
                Some(record) => {
                    at += record.header.whole_length();
                    records.push(record);
                }
                None => at += 8,
            }
        }
        records
    }
}

impl Frame {
    /// Whether it is a sealed segment's table of contents.
    pub(crate) fn is_footer(&self) -> bool {
        self.header.as_ref().is_some_and(|header| header.kind == FrameKind::Footer)
    }
}
