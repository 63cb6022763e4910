//! The table of contents of a sealed segment: which frames in it are whose, so that one account's backup, restore or
//! deletion is no scan.

use super::format::{FrameKind, SegmentHeader, TRAILER, footer_of};
use super::frames::{Octets, Step};
use super::octets::{u32_at, u64_at};
use std::collections::BTreeMap;
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

/// What the footer of a segment says, all octets of which are `bytes`; `None` when it was never sealed, or when the log
/// leaves it earlier: then a recovery has voided frames that the footer still names.
pub(crate) fn read(header: &SegmentHeader, bytes: &[u8], end: Option<u64>) -> Option<Contents> {
    let sealed_at = bytes.len().checked_sub(TRAILER)?;
    if end.is_some_and(|end| end != sealed_at as u64) {
        return None;
    }
    let trailer = bytes.get(sealed_at..)?;
    let offset = usize::try_from(footer_of(trailer, header.salt)?).ok()?;
    let Step::Whole(frame) = (Octets { header, bytes }).step(offset, offset).0 else { return None };
    let footer = frame.records.first().filter(|_| frame.is_footer())?;
    decode(bytes.get(footer.payload.clone())?)
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
