//! A segment of the log, read as a whole: which of its octets are not what was written.

use crate::log::footer;
use crate::log::format::{
    FRAME_HEADER, FrameHeader, SEGMENT_HEADER, SegmentHeader, TRAILER, has_second_header, is_sealed_behind,
};
use crate::log::frames::{Frame, Octets, State, Step};
use std::ops::Range;

/// What a segment's octets say.
pub(super) struct Examined {
    /// Ranges that are not what was written, and in which way.
    pub(super) damaged: Vec<(Range<usize>, &'static str)>,
    /// Frames with records that are.
    pub(super) frames: Vec<Frame>,
}

/// Examines a segment. `bytes` are all that the file holds, as far as anything of it may count; up to `end` it was
/// acknowledged.
pub(super) fn examine(header: &SegmentHeader, bytes: &[u8], end: usize) -> Examined {
    let mut found = Examined { damaged: Vec::new(), frames: Vec::new() };
    let counted = bytes.get(..end).unwrap_or(bytes);
    let octets = Octets { header, bytes: counted };
    let mut offset = SEGMENT_HEADER;
    while offset < counted.len() {
        let (step, next) = octets.step(offset, end);
        match step {
            Step::Whole(frame) => found.frames.push(frame),
            Step::Rotten(frame, range) => {
                let damaged = silent(counted, header.salt, &frame, range);
                found.damaged.extend(damaged.into_iter().map(|range| (range, "a checksum does not fit")));
                found.frames.push(frame);
            }
            Step::End => break,
        }
        offset = next;
    }
    if counted.len() < end {
        found.damaged.push((counted.len()..end, "it cannot be read to its end"));
    } else if found.damaged.is_empty() && is_sealed_behind(end as u64, bytes.len() as u64) {
        if !footer_fits(header, bytes, end) {
            let trailer = bytes.len() - TRAILER;
            found
                .damaged
                .push((trailer..bytes.len(), "its table of contents cannot be found, or is not right"));
        }
        if has_second_header(end as u64, bytes.len() as u64)
            && bytes.get(end..end + SEGMENT_HEADER) != Some(header.encode().as_slice())
        {
            let second = end..end + SEGMENT_HEADER;
            found.damaged.push((second, "the segment's second header does not read back as it was written"));
        }
    }
    found
}

/// What of a damaged frame does not speak any more: all but the records, and the frame's header, whose checksums fit.
fn silent(bytes: &[u8], salt: u64, frame: &Frame, range: Range<usize>) -> Vec<Range<usize>> {
    let mut silent = Vec::new();
    let header = bytes.get(range.clone()).and_then(|octets| FrameHeader::decode(octets, salt));
    let mut from = range.start + header.map_or(0, |_| FRAME_HEADER);
    for record in frame.records.iter().filter(|record| record.state == State::Sound) {
        if record.offset > from {
            silent.push(from..record.offset);
        }
        from = record.offset + record.header.whole_length();
    }
    if from < range.end {
        silent.push(from..range.end);
    }
    // Nothing, where the file was cut within the padding of the last record: everything can be read.
    silent
}

fn footer_fits(header: &SegmentHeader, bytes: &[u8], end: usize) -> bool {
    let footer = footer::read(header, bytes, Some(end as u64));
    footer.is_some_and(|footer| footer.contents == footer::walk(header, bytes, footer.end))
}
