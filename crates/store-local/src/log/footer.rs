//! The table of contents of a sealed segment: which frames in it are whose, so that one account's backup, restore or
//! deletion is no scan.

use super::format::{
    FRAME_HEADER, FrameHeader, FrameKind, SegmentHeader, TRAILER, footer_of, is_sealed_behind,
};
use super::frames::{Octets, Step};
use super::octets::{u32_at, u64_at};
use super::segments::Segment;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use store::AccountId;

/// Offsets of frames, by account.
pub(crate) type Contents = BTreeMap<AccountId, Vec<u32>>;

pub(crate) fn encode(contents: &Contents) -> Vec<u8> {
    let mut out = Vec::new();
    for (account, offsets) in contents {
        out.extend_from_slice(&account.0.to_le_bytes());
        out.extend_from_slice(&u32::try_from(offsets.len()).unwrap_or(u32::MAX).to_le_bytes());
        offsets.iter().for_each(|offset| out.extend_from_slice(&offset.to_le_bytes()));
    }
    out
}

fn decode(mut payload: &[u8]) -> Option<Contents> {
    let mut contents = Contents::new();
    while !payload.is_empty() {
        let (account, count) = (u64_at(payload, 0)?, u32_at(payload, 8)? as usize);
        let end = 12 + count.checked_mul(4)?;
        let offsets = payload.get(12..end)?.chunks_exact(4).filter_map(|octets| u32_at(octets, 0));
        contents.insert(AccountId(account), offsets.collect());
        payload = payload.get(end..)?;
    }
    Some(contents)
}

/// The footer of a segment.
pub(crate) struct Footer {
    pub(crate) contents: Contents,
    /// One behind its last octet.
    pub(crate) end: usize,
}

/// The footer of a segment all octets of which are `bytes`; `None` when it was never sealed, or when the log leaves it
/// earlier: then a recovery has voided frames that the footer still names.
pub(crate) fn read(header: &SegmentHeader, bytes: &[u8], end: Option<u64>) -> Option<Footer> {
    let trailer = bytes.get(bytes.len().checked_sub(TRAILER)?..)?;
    let offset = usize::try_from(footer_of(trailer, header.salt)?).ok()?;
    let (Step::Whole(frame), behind) = (Octets { header, bytes }).step(offset, offset) else { return None };
    let sealed = is_sealed_behind(behind as u64, bytes.len() as u64);
    if !sealed || end.is_some_and(|end| end != behind as u64) {
        return None;
    }
    let footer = frame.records.first().filter(|_| frame.is_footer())?;
    Some(Footer { contents: decode(bytes.get(footer.payload.clone())?)?, end: behind })
}

/// The same, of a segment of which nothing else is read.
pub(crate) fn read_from(segment: &Segment, end: Option<u64>) -> io::Result<Option<Contents>> {
    let length = segment.file.length()?;
    let place = place_of(segment, length)?.filter(|place| is_sealed_behind(place.end, length));
    let Some(place) = place.filter(|place| end.is_none_or(|end| end == place.end)) else { return Ok(None) };
    let mut bytes = vec![0; usize::try_from(place.end - place.start).map_err(io::Error::other)?];
    segment.file.read_exact_at(&mut bytes, place.start)?;
    let octets = Octets { header: &segment.header, bytes: &bytes };
    let Step::Whole(frame) = octets.step(0, bytes.len()).0 else { return Ok(None) };
    let footer = frame.records.first().filter(|_| frame.is_footer());
    Ok(footer.and_then(|footer| decode(bytes.get(footer.payload.clone())?)))
}

/// Where the footer of a segment ends that lies in a file of this length, by what its trailer says.
pub(crate) fn end_of(segment: &Segment, length: u64) -> io::Result<Option<u64>> {
    Ok(place_of(segment, length)?.map(|place| place.end))
}

fn place_of(segment: &Segment, length: u64) -> io::Result<Option<Range<u64>>> {
    let (mut trailer, mut frame) = ([0; TRAILER], [0; FRAME_HEADER]);
    let Some(at) = length.checked_sub(TRAILER as u64) else { return Ok(None) };
    segment.file.read_exact_at(&mut trailer, at)?;
    let footer = footer_of(&trailer, segment.header.salt)
        .filter(|footer| footer.checked_add(FRAME_HEADER as u64).is_some_and(|end| end <= at));
    let Some(footer) = footer else { return Ok(None) };
    segment.file.read_exact_at(&mut frame, footer)?;
    let header = FrameHeader::decode(&frame, segment.header.salt);
    Ok(header.map(|header| footer..footer + FRAME_HEADER as u64 + u64::from(header.length)))
}

/// What it should say, by walking the frames up to `end`.
pub(crate) fn walk(header: &SegmentHeader, bytes: &[u8], end: usize) -> Contents {
    let octets = Octets { header, bytes };
    let (mut contents, mut offset) = (Contents::new(), super::format::SEGMENT_HEADER);
    while offset < end {
        let (step, next) = octets.step(offset, end);
        if let Step::Whole(frame) = &step
            && let Some(frame) = frame.header.as_ref().filter(|frame| frame.kind == FrameKind::Commit)
        {
            // Segments are smaller than 4 GiB.
            contents.entry(frame.account).or_default().push(u32::try_from(offset).unwrap_or(u32::MAX));
        }
        offset = next;
    }
    contents
}
