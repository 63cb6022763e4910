//! Which segments are to be read, and how far.

use super::damage::Damage;
use crate::engine::Engine;
use crate::index::kv::KvError;
use crate::log::footer;
use crate::log::format::{SEGMENT_HEADER, SegmentHeader, TRAILER, is_sealed_behind};
use crate::log::heading::{self, Heading, ReadFrom};
use crate::log::segments::{LOG_DIRECTORY, number_of, segment_name, segment_path};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;

/// A segment and how much of it counts.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) number: u64,
    /// `None` where it does not say any more what it is: then nothing in it can be tested, or read.
    pub(crate) header: Option<SegmentHeader>,
    /// Up to here it was acknowledged.
    pub(crate) end: u64,
    /// Up to here it is read: a sealed segment has a trailer.
    pub(crate) read_to: u64,
}

/// The segments of the log, oldest first, up to where it is published; and what is wrong with their headers.
pub(crate) fn plan(engine: &Engine) -> Result<(VecDeque<Planned>, Vec<Damage>), KvError> {
    let published = engine.index.through().position;
    let mut damages = Vec::new();
    let mut headers = BTreeMap::new();
    for name in engine.segments.disk.list(Path::new(LOG_DIRECTORY))? {
        let Some(number) = number_of(&name).filter(|number| *number <= published.segment) else { continue };
        let (header, sound) = header_of(engine, number)?;
        if header.is_some() && !sound {
            let why = "the segment's header does not read back as it was written";
            damages.push(Damage::of(format!("log/{}", segment_name(number)), 0..SEGMENT_HEADER as u64, why));
        }
        headers.insert(number, header);
    }
    let (mut planned, mut end) = (VecDeque::new(), Some(published.offset));
    while let Some((number, header)) = headers.pop_last() {
        let length = engine.segments.disk.open(&segment_path(number))?.length()?;
        // What comes after a segment that is silent does not tell how far this one counts: then it was sealed.
        let left = |offset| header.as_ref().and_then(|header| header.left_at(offset)).unwrap_or(offset);
        let end_here = match end {
            Some(end) => left(end),
            None => sealed_at(engine, number, length)?,
        };
        let read_to = if is_sealed_behind(end_here, length) { length } else { end_here };
        let follows = header.as_ref().map(|header| header.follows);
        planned.push_front(Planned { number, header, end: end_here, read_to });
        end = follows.flatten().map(|before| before.offset);
        match follows {
            Some(None) => break,
            Some(Some(before)) => headers.retain(|number, _| *number <= before.segment),
            None => {}
        }
    }
    Ok((planned, damages))
}

/// Whether another file lies by now where a segment lay when the plan was made, or none.
pub(super) fn was_rewritten(engine: &Engine, number: u64, planned: &SegmentHeader) -> bool {
    let mut start = [0; SEGMENT_HEADER];
    match engine.segments.disk.open(&segment_path(number)) {
        Err(e) => e.kind() == io::ErrorKind::NotFound,
        Ok(file) => {
            let read = file.read_exact_at(&mut start, 0).ok().and_then(|()| SegmentHeader::decode(&start));
            read.is_some_and(|now| now.number == number && now.salt != planned.salt)
        }
    }
}

fn sealed_at(engine: &Engine, number: u64, length: u64) -> io::Result<u64> {
    let end = match engine.segments.get(number) {
        Ok(segment) => footer::end_of(&segment, length)?,
        Err(_) => None,
    };
    Ok(end.unwrap_or_else(|| length.saturating_sub(TRAILER as u64)))
}

/// A segment's header, if need be as it was when the segment was opened, and whether it still reads so.
fn header_of(engine: &Engine, number: u64) -> io::Result<(Option<SegmentHeader>, bool)> {
    let file = engine.segments.disk.open(&segment_path(number))?;
    Ok(match heading::read(&*file, number).ok().and_then(Heading::known) {
        Some(heading) => (Some(heading.header), heading.from == ReadFrom::Start),
        None => (engine.segments.get(number).ok().map(|segment| segment.header), false),
    })
}
