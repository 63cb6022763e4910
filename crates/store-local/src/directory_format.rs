//! The format of a store's directory: a number in the file `format`, so that a version of Gatepost that could not read
//! what lies there finds that out before it touches anything.
//!
//! ```text
//! Gatepost store, format 3
//! made by Gatepost 0.1.0
//! ```
//!
//! A directory without the file is of format 1. Opening one leaves its number as it is; it is raised, durably, before
//! something is written that a version which knows only the lower one could not read ([`DirectoryFormat::raise`]).
//! What each format has that the one before it has not:
//!
//! | format | |
//! |---|---|
//! | 1 | the first |
//! | 2 | rewritten segments, new beginnings of streams; records in the log of kinds that format 1 does not know; events of the directory of accounts that are said twice |
//! | 3 | events of the directory of accounts of keyrings (app passwords, links, certificates, second factors, exposed passwords, policies) and of new names; password records with more in them |

use crate::OpenError;
use crate::disk::Disk;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The formats that this version reads; the last is the newest that it writes.
pub const READABLE_FORMATS: RangeInclusive<u32> = FIRST..=store::NEWEST_FORMAT;
const FIRST: u32 = store::FIRST_FORMAT;
/// The first in which a stream may begin anew.
pub(crate) const NEW_BEGINNINGS: u32 = 2;
/// The first in which events of the directory of accounts are said twice.
pub(crate) const DIRECTORY_TWICE: u32 = 2;
/// The first that has rewritten segments.
pub(crate) const REWRITTEN_SEGMENTS: u32 = 2;

const FILE: &str = "format";
const UNFINISHED: &str = "format.new";
const TITLE: &str = "Gatepost store, format ";
const MAKER: &str = "made by Gatepost ";
/// Most octets of the file that are read.
const MAX_FILE: usize = 4 << 10;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) number: u32,
    /// The version of Gatepost that wrote it; `None` where there is no file, or nobody has signed it.
    pub(crate) maker: Option<String>,
}

impl Format {
    /// The format of a directory, whether it can be read or not.
    pub(crate) fn look(disk: &dyn Disk) -> Result<Self, OpenError> {
        let file = match disk.open(Path::new(FILE)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self { number: FIRST, maker: None }),
            opened => opened?,
        };
        let length = usize::try_from(file.length()?).unwrap_or(MAX_FILE).min(MAX_FILE);
        let mut octets = vec![0; length];
        file.read_exact_at(&mut octets, 0)?;
        Self::parse(&octets).ok_or_else(|| OpenError::Damaged {
            what: format!("the file {FILE} of {}", disk.place()),
            detail: format!(
                "it does not begin with \"{TITLE}\" and a number. If no newer version than this one (Gatepost {}) has \
                 ever run here, put \"{TITLE}{}\" into it",
                env!("CARGO_PKG_VERSION"),
                READABLE_FORMATS.end()
            ),
        })
    }

    /// The format of a directory, if this version reads it.
    pub(crate) fn check(disk: &dyn Disk) -> Result<Self, OpenError> {
        let format = Self::look(disk)?;
        if READABLE_FORMATS.contains(&format.number) {
            return Ok(format);
        }
        let (first, last) = READABLE_FORMATS.into_inner();
        let maker = format.maker.map_or_else(String::new, |maker| format!(", made by Gatepost {maker}"));
        Err(OpenError::Newer {
            what: disk.place(),
            is: format!("format {}{maker}", format.number),
            reads: format!("formats {first} to {last}"),
        })
    }

    fn parse(octets: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(octets).ok()?.lines();
        let number = lines.next()?.strip_prefix(TITLE)?.parse().ok().filter(|number| *number >= FIRST)?;
        let maker = lines.next().and_then(|line| line.strip_prefix(MAKER)).map(str::to_owned);
        Some(Self { number, maker })
    }
}

/// The format of a directory that is open.
#[derive(Debug)]
pub(crate) struct DirectoryFormat {
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    number: u32,
    /// Up to here it is known to last. Whoever wrote a file that is there may have failed to sync its name: then it
    /// shows, and may be gone after a power cut.
    lasts: u32,
}

impl DirectoryFormat {
    /// The format of a directory that nobody else has open. Takes away what a raise left that did not end.
    pub(crate) fn open(disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let number = Format::check(&*disk)?.number;
        sweep(&*disk)?;
        Ok(Self { disk, state: Mutex::new(State { number, lasts: FIRST }) })
    }

    pub(crate) fn number(&self) -> u32 {
        self.lock().number
    }

    /// Lets what only format `to` and later have be written from now on: once this returns, the number lasts. Where it
    /// is high enough already nothing is done.
    pub(crate) fn raise(&self, to: u32) -> io::Result<()> {
        let mut state = self.lock();
        if state.lasts < to {
            let number = state.number.max(to);
            write(&*self.disk, number)?;
            *state = State { number, lasts: number };
        }
        Ok(())
    }

    /// A panic elsewhere leaves it whole: each change is one assignment.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sweep(disk: &dyn Disk) -> io::Result<()> {
    match disk.unlink(Path::new(UNFINISHED)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn text(number: u32) -> String {
    format!("{TITLE}{number}\n{MAKER}{}\n", env!("CARGO_PKG_VERSION"))
}

fn write(disk: &dyn Disk, number: u32) -> io::Result<()> {
    let unfinished = Path::new(UNFINISHED);
    sweep(disk)?;
    let file = disk.create(unfinished)?;
    file.write_at(text(number).as_bytes(), 0)?;
    file.sync_all()?;
    disk.rename(unfinished, Path::new(FILE))?;
    disk.sync_dir(Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_shows_the_file_as_it_is_written() {
        let written = text(*READABLE_FORMATS.end());
        for shown in [include_str!("directory_format.rs").replace("//! ", ""), manual()] {
            assert!(shown.contains(&written), "{written}");
        }
    }

    fn manual() -> String {
        include_str!("../../../docs/storage.md").to_owned()
    }

    #[test]
    fn what_each_format_brought_is_in_the_manual() {
        let rows: Vec<_> = include_str!("directory_format.rs").lines().collect();
        let rows = rows.iter().filter_map(|line| line.strip_prefix("//! | ")).skip(1);
        let rows: Vec<_> = rows.map(|row| format!("| {row}")).collect();
        assert_eq!(rows.len() as u32, *READABLE_FORMATS.end());
        assert!(rows.iter().all(|row| manual().contains(row)), "{rows:?}");
    }

    #[test]
    fn another_text_is_no_format() {
        for text in
            ["", "Gatepost store, format\n", "Gatepost store, format 0\n", "Gatepost store, format x\n"]
        {
            assert_eq!(Format::parse(text.as_bytes()), None, "{text}");
        }
        let later = Format::parse(b"Gatepost store, format 9\nmade by Gatepost 3.1\nand more\n").unwrap();
        assert_eq!(later, Format { number: 9, maker: Some("3.1".to_owned()) });
        assert_eq!(Format::parse(b"Gatepost store, format 3").unwrap(), Format { number: 3, maker: None });
    }
}
