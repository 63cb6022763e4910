//! Which formats the files of a store have, found out without changing one, or the lock.

use crate::body_file::{self, BodyFiles, StoredBody};
use crate::directory_format::{Format, READABLE_FORMATS};
use crate::disk::Disk;
use crate::index::kv::{Kv, KvError};
use crate::index::redb::RedbKv;
use crate::index::{self, read_version};
use crate::log::format::{self, Heading, SEGMENT_HEADER, SegmentHeader};
use crate::log::segments::{LOG_DIRECTORY, number_of, segment_path};
use crate::recovery::INDEX_FILE;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The formats of what is in a directory that nobody has open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The format of the directory.
    pub format: u32,
    /// The version of Gatepost that has raised it to that; `None` where none has.
    pub maker: Option<String>,
    /// How many segments of the log are of which version; of `None` is what cannot be told.
    pub segments: BTreeMap<Option<u32>, u64>,
    /// How many files of bodies are of which version, likewise.
    pub bodies: BTreeMap<Option<u32>, u64>,
    /// The index.
    pub index: IndexFile,
}

/// What the file of the index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexFile {
    /// There is none: it is made at the next start.
    Missing,
    /// Its keys and values are of this version.
    OfVersion(u32),
    /// It is damaged, or so old that it cannot be told from that, and why.
    Damaged(String),
    /// It cannot be looked into just now, or not without changing it, and why.
    Unknown(String),
}

impl Survey {
    /// Looks at what there is.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn of(disk: &Arc<dyn Disk>) -> Result<Self, crate::OpenError> {
        let Format { number, maker } = Format::look(&**disk)?;
        Ok(Self {
            format: number,
            maker,
            segments: segments(&**disk)?,
            bodies: bodies(&**disk)?,
            index: index_file(disk),
        })
    }

    /// Whether this version reads the directory, but for what is damaged.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        let newer = |version: &Option<u32>| version.is_some_and(|version| version > format::VERSION.into());
        READABLE_FORMATS.contains(&self.format) && !self.segments.keys().any(newer)
    }

    /// The format that an upgrade raises the directory to.
    #[must_use]
    pub fn upgrade(&self) -> Option<u32> {
        let newest = *READABLE_FORMATS.end();
        (self.format < newest).then_some(newest)
    }

    /// Whether the index is made again by whoever opens the directory.
    #[must_use]
    pub fn makes_index(&self) -> bool {
        match self.index {
            IndexFile::Missing | IndexFile::Damaged(_) => true,
            IndexFile::OfVersion(version) => version != index::VERSION,
            IndexFile::Unknown(_) => false,
        }
    }

    /// The versions that this version of Gatepost writes: of segments that were not rewritten, of bodies' files, of the
    /// index.
    #[must_use]
    pub fn written() -> (u32, u32, u32) {
        (format::AS_WRITTEN.into(), body_file::VERSION, index::VERSION)
    }
}

fn segments(disk: &dyn Disk) -> io::Result<BTreeMap<Option<u32>, u64>> {
    let mut versions = BTreeMap::new();
    let names = match disk.list(Path::new(LOG_DIRECTORY)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed?,
    };
    for number in names.iter().filter_map(|name| number_of(name)) {
        let mut start = [0; SEGMENT_HEADER];
        let version = match disk.open(&segment_path(number))?.read_exact_at(&mut start, 0) {
            Ok(()) => SegmentHeader::read(&start).map(|heading| match heading {
                Heading::Known(header) => header.version(),
                Heading::OfVersion(version) => version,
            }),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(e) => return Err(e),
        };
        *versions.entry(version.map(u32::from)).or_default() += 1;
    }
    Ok(versions)
}

fn bodies(disk: &dyn Disk) -> io::Result<BTreeMap<Option<u32>, u64>> {
    let mut versions = BTreeMap::new();
    let paths = match BodyFiles::named_on(disk) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        named => named?,
    };
    for path in paths {
        let version = StoredBody::version_of(&*disk.open(&path)?)?;
        *versions.entry(version).or_default() += 1;
    }
    Ok(versions)
}

fn index_file(disk: &Arc<dyn Disk>) -> IndexFile {
    let path = Path::new(INDEX_FILE);
    if matches!(disk.open(path), Err(e) if e.kind() == io::ErrorKind::NotFound) {
        return IndexFile::Missing;
    }
    let version = RedbKv::look_into(disk, path).and_then(|kv| read_version(&*kv.view()?));
    match version {
        Ok(version) => IndexFile::OfVersion(version),
        Err(KvError::Damaged(why)) => IndexFile::Damaged(why),
        Err(KvError::Unavailable(why)) => IndexFile::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_the_versions_that_are_written() {
        let manual = include_str!("../../../docs/storage.md");
        let (segments, bodies, index) = Survey::written();
        for row in [
            format!("| `log/*.seg` | {segments}; {} of a rewritten one |", format::VERSION),
            format!("| `bodies/*` | {bodies}, written as {} |", bodies - 1),
            format!("| `index.redb` | {index} |"),
            format!("This version reads formats {} to {}.", READABLE_FORMATS.start(), READABLE_FORMATS.end()),
        ] {
            assert!(manual.contains(&row), "{row}");
        }
    }
}
