//! Which segment a file is: what its header says, or what is left of that.
//!
//! Without the salt in the header nothing in a segment can be tested, so one that has rotted must not cost the segment. One
//! that was sealed has a second header before its trailer. One that is still written has none; but where a single bit
//! has flipped, the checksum tells which.

use super::format::{self, SEAL, SEGMENT_HEADER, SegmentHeader};
use crate::disk::File;
use std::io;

/// A segment's header, and where it was had from.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) header: SegmentHeader,
    pub(crate) from: ReadFrom,
}

/// Where a header was had from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadFrom {
    /// The first octets of the file, as they were written.
    Start,
    /// The file's end, or its first octets but for one bit: they have rotted.
    Remains,
}

/// What a segment's file says that it is.
#[derive(Clone, Debug)]
pub(crate) enum Heading {
    /// This.
    Known(Identity),
    /// A segment of a version that we do not know.
    OfVersion(u16),
    /// Nothing of it tells that any more.
    Silent,
}

impl Heading {
    /// Its identity, where that is known.
    pub(crate) fn known(self) -> Option<Identity> {
        match self {
            Self::Known(identity) => Some(identity),
            Self::OfVersion(_) | Self::Silent => None,
        }
    }
}

/// Reads what a segment's file says that it is.
pub(crate) fn read(file: &dyn File, number: u64) -> io::Result<Heading> {
    let start = octets_at(file, Some(0))?;
    if let Some(format::Heading::OfVersion(version)) =
        start.as_ref().and_then(|octets| SegmentHeader::read(octets))
    {
        return Ok(Heading::OfVersion(version));
    }
    let is_ours = |header: &SegmentHeader| header.number == number;
    let decode = |octets: &[u8; SEGMENT_HEADER]| SegmentHeader::decode(octets).filter(is_ours);
    if let Some(header) = start.as_ref().and_then(decode) {
        return Ok(Heading::Known(Identity { header, from: ReadFrom::Start }));
    }
    let second = octets_at(file, file.length()?.checked_sub(SEAL as u64))?;
    let header = second.as_ref().and_then(decode).or_else(|| unflipped(start?).filter(is_ours));
    let known = |header| Heading::Known(Identity { header, from: ReadFrom::Remains });
    Ok(header.map_or(Heading::Silent, known))
}

fn octets_at(file: &dyn File, offset: Option<u64>) -> io::Result<Option<[u8; SEGMENT_HEADER]>> {
    let Some(offset) = offset else { return Ok(None) };
    let mut octets = [0; SEGMENT_HEADER];
    match file.read_exact_at(&mut octets, offset) {
        Ok(()) => Ok(Some(octets)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        // That it cannot be read says nothing of what is in it.
        Err(e) => Err(e),
    }
}

/// The header that these octets are but for one bit. By chance a checksum of 64 bits does not fit.
fn unflipped(mut octets: [u8; SEGMENT_HEADER]) -> Option<SegmentHeader> {
    for at in 0..SEGMENT_HEADER {
        for bit in 0..8 {
            let before = *octets.get(at)?;
            *octets.get_mut(at)? = before ^ (1 << bit);
            if let Some(header) = SegmentHeader::decode(&octets) {
                return Some(header);
            }
            *octets.get_mut(at)? = before;
        }
    }
    None
}
