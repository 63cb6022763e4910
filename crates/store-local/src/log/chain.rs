//! Which segments make up the log, and where each of them ends.
//!
//! The newest segment ends the chain; each names the one before it and where the log left that one. Segments that
//! no chain leads to are what a recovery or a rewriting left behind.

use super::format::{LogPosition, SEGMENT_HEADER, SegmentHeader, VERSION};
use super::heading::{self, Heading, Identity, ReadFrom};
use super::replay::Rot;
use super::segments::{LOG_DIRECTORY, UNBORN, number_of, segment_name, segment_path};
use crate::OpenError;
use crate::disk::Disk;
use crate::recovery::INDEX_FILE;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The log's segments.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// Those in the log, oldest first.
    pub(crate) links: Vec<Link>,
    /// Segments that are not in it.
    pub(crate) leftovers: Vec<PathBuf>,
    /// Segments that never got their name.
    pub(crate) unborn: Vec<PathBuf>,
    /// Headers that have rotted, and that are known all the same.
    pub(crate) rot: Vec<Rot>,
    /// All segments that there are.
    headers: BTreeMap<u64, SegmentHeader>,
}

/// A segment and what of it counts.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    /// The segment.
    pub(crate) header: SegmentHeader,
    /// Where in the file the log leaves it; `None` in the last one.
    pub(crate) end: Option<u64>,
}

impl Chain {
    /// Finds the chain on a disk.
    pub(crate) fn find(disk: &dyn Disk) -> Result<Self, OpenError> {
        let names = disk.list(Path::new(LOG_DIRECTORY))?;
        let (mut headers, mut rot) = (BTreeMap::new(), Vec::new());
        for number in names.iter().filter_map(|name| number_of(name)) {
            let Identity { header, from } = read_heading(disk, number)?;
            if from == ReadFrom::Remains {
                let segment = segment_name(number);
                rot.push(Rot { segment, from: 0, to: SEGMENT_HEADER as u64 });
            }
            headers.insert(number, header);
        }
        let newest = headers.last_key_value().map(|(number, _)| LogPosition { segment: *number, offset: 0 });
        let links = links(&headers, newest, None)?;
        let in_log = |number: &&u64| links.iter().any(|link| link.header.number == **number);
        let leftovers =
            headers.keys().filter(|number| !in_log(number)).map(|number| segment_path(*number)).collect();
        let unborn = names.iter().filter(|name| name.ends_with(UNBORN));
        let unborn = unborn.map(|name| Path::new(LOG_DIRECTORY).join(name)).collect();
        Ok(Self { links, leftovers, unborn, rot, headers })
    }

    /// The segments that led to `end` when the log was there, whatever has become of it since.
    pub(crate) fn leading_to(disk: &dyn Disk, end: LogPosition) -> Result<Vec<Link>, OpenError> {
        links(&Self::find(disk)?.headers, Some(end), Some(end.offset))
    }

    /// The segments that are not in the log and lie between one and the one before it.
    pub(crate) fn leftovers_before(&self, header: &SegmentHeader) -> Vec<PathBuf> {
        let before = header.follows.map_or(0, |before| before.segment);
        let between = self.headers.keys().filter(|there| (before + 1..header.number).contains(there));
        between.map(|there| segment_path(*there)).filter(|path| self.leftovers.contains(path)).collect()
    }

    /// The number for the next segment.
    pub(crate) fn next_number(&self) -> u64 {
        self.headers.last_key_value().map_or(1, |(number, _)| number + 1)
    }

    /// Where the log leaves a segment that nothing of is needed any more: the same place, named by the segment
    /// before, if need be several times. So a start that wrote nothing leaves no link.
    pub(crate) fn canonical(&self, mut position: LogPosition) -> Option<LogPosition> {
        while position.offset <= SEGMENT_HEADER as u64 {
            position = self.headers.get(&position.segment)?.follows?;
        }
        Some(position)
    }

    /// Lets a segment count up to `end` only: what lies behind it there was never acknowledged.
    pub(crate) fn end_at(&mut self, end: LogPosition) {
        for link in self.links.iter_mut().filter(|link| link.header.number == end.segment) {
            link.end = Some(link.end.map_or(end.offset, |earlier| earlier.min(end.offset)));
        }
    }

    /// Takes files away that are not the log's: segments that never got their name, and those behind segment `number`
    /// that no chain leads to.
    pub(crate) fn sweep_behind(&self, number: u64, disk: &dyn Disk) -> io::Result<()> {
        let behind = self.leftovers.iter().filter(|path| **path > segment_path(number));
        self.unborn.iter().chain(behind).try_for_each(|path| disk.unlink(path))
    }

    /// The links from `position` on, with the offset to begin at in the first. `None` when the log does not lead
    /// there.
    pub(crate) fn from(&self, position: Option<LogPosition>) -> Option<Vec<(Link, u64)>> {
        let start = |link: &Link| (link.clone(), SEGMENT_HEADER as u64);
        let Some(position) = position else { return Some(self.links.iter().map(start).collect()) };
        let at = self.links.iter().position(|link| link.header.number == position.segment)?;
        let mut links: Vec<_> = self.links.iter().skip(at).map(start).collect();
        let first = links.first_mut()?;
        first.1 = first.0.header.left_at(position.offset)?;
        first.0.end.is_none_or(|end| first.1 <= end).then_some(links)
    }
}

fn read_heading(disk: &dyn Disk, number: u64) -> Result<Identity, OpenError> {
    let file = disk.open(&segment_path(number))?;
    let what = format!("log segment {}", segment_name(number));
    match heading::read(&*file, number)? {
        Heading::Known(identity) => Ok(identity),
        Heading::OfVersion(version) => Err(OpenError::Newer {
            what,
            is: format!("version {version}"),
            reads: format!("version {VERSION}"),
        }),
        Heading::Silent => Err(OpenError::Damaged {
            what,
            detail: format!(
                "its header does not read back as it was written, and without it nothing in it does. Restore a backup. Or \
                 move this file and {INDEX_FILE} away and start again: what the rest of the log holds will be served"
            ),
        }),
    }
}

/// The segments that lead to that of `last`, which the log leaves at `end`.
fn links(
    headers: &BTreeMap<u64, SegmentHeader>,
    last: Option<LogPosition>,
    mut end: Option<u64>,
) -> Result<Vec<Link>, OpenError> {
    let mut links = Vec::new();
    let mut next = last;
    while let Some(at) = next {
        let header = headers.get(&at.segment).ok_or_else(|| missing(at.segment))?;
        let left = |offset| header.left_at(offset).ok_or_else(|| misnamed(at.segment));
        links.push(Link { header: header.clone(), end: end.map(left).transpose()? });
        // Backwards only: a header that names itself or a later one would go round in circles.
        next = header.follows.filter(|before| before.segment < at.segment);
        end = next.map(|before| before.offset);
    }
    links.reverse();
    Ok(links)
}

fn misnamed(number: u64) -> OpenError {
    OpenError::Damaged {
        what: format!("log segment {}", segment_name(number)),
        detail: "it was rewritten, and the one that continues it does not belong to it".to_owned(),
    }
}

fn missing(number: u64) -> OpenError {
    OpenError::Damaged {
        what: format!("log segment {}", segment_name(number)),
        detail: "it is missing, and a later segment continues it".to_owned(),
    }
}
