//! A fault at one operation, by its number: so that a test can let every operation of a scenario fail, one after the
//! other.

use std::io;
use std::path::{Path, PathBuf};

/// What can be asked of a disk and of its files, and may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new file.
    Create,
    /// A file that is there.
    Open,
    /// A new directory.
    CreateDir,
    /// A new name for a file.
    Rename,
    /// A name is taken away.
    Unlink,
    /// The entries of a directory are synced, for which it is opened.
    SyncDir,
    /// The entries of a directory are read.
    List,
    /// The claim on the whole tree, for which a file is opened.
    Lock,
    /// Octets of a file are read.
    Read,
    /// Octets of a file are written.
    Write,
    /// A file is synced.
    Sync,
    /// A file gets another length.
    Truncate,
    /// A file gets room for what is to be written.
    Reserve,
}

impl Operation {
    /// Whether it changes nothing.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Open | Self::List | Self::Read)
    }
}

/// What an operation fails with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// ENOSPC: the disk is full.
    NoSpace,
    /// The same, in the middle of a write: half of it is done.
    NoSpaceHalfway,
    /// EIO: the disk is broken.
    Io,
    /// EMFILE: the process has too many files open.
    TooManyOpen,
    /// EINVAL: the filesystem does no such thing.
    Invalid,
}

impl Errno {
    /// Those that any filesystem may have.
    pub const ALL: [Self; 4] = [Self::NoSpace, Self::NoSpaceHalfway, Self::Io, Self::TooManyOpen];

    /// Whether a system would say so of such an operation. Where files are never overwritten in place, taking a name
    /// away needs room too.
    #[must_use]
    pub const fn fits(self, operation: Operation) -> bool {
        use Operation::{Create, List, Lock, Open, SyncDir, Write};
        match self {
            Self::NoSpace => !operation.reads(),
            Self::NoSpaceHalfway => matches!(operation, Write),
            Self::Io | Self::Invalid => true,
            Self::TooManyOpen => matches!(operation, Create | Open | List | Lock | SyncDir),
        }
    }

    /// Whether what fails one operation fails another one too: a disk that is full still reads, and a process that has
    /// too many files open can open none, to read nor to write.
    const fn spreads(self, from: Operation, to: Operation) -> bool {
        match self {
            Self::NoSpaceHalfway => Self::NoSpace.fits(to),
            Self::TooManyOpen => self.fits(to),
            Self::NoSpace | Self::Io | Self::Invalid => self.fits(to) && from.reads() == to.reads(),
        }
    }

    fn error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Self::Io => 5,
            Self::Invalid => 22,
            Self::TooManyOpen => 24,
            Self::NoSpace | Self::NoSpaceHalfway => 28,
        })
    }
}

/// How long it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// One operation fails.
    Once,
    /// From then on all fail that the same cause would fail, until the disk is mended.
    UntilMended,
}

/// Which operation fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The number of the operation, from 0; if the error does not fit that one, the next that it fits.
    pub at: u64,
    /// What it fails with.
    pub errno: Errno,
    /// How long that goes on.
    pub lasts: Lasts,
}

/// The operations of a disk, counted.
#[derive(Debug, Default)]
pub(super) struct Operations {
    count: u64,
    strike: Option<Strike>,
    /// Those that failed by it.
    struck: Vec<(Operation, PathBuf)>,
    recorded: Option<Vec<Operation>>,
}

/// An operation fails.
pub(super) struct Struck {
    pub(super) error: io::Error,
    pub(super) errno: Errno,
    /// Half of what was to be written is.
    pub(super) halfway: bool,
}

impl Operations {
    pub(super) fn record(&mut self) {
        self.recorded = Some(Vec::new());
    }

    pub(super) fn recorded(&self) -> Vec<Operation> {
        self.recorded.clone().unwrap_or_default()
    }

    pub(super) fn arrange(&mut self, strike: Strike) {
        self.strike = Some(strike);
    }

    pub(super) fn mend(&mut self) {
        self.strike = None;
    }

    pub(super) fn struck(&self) -> Vec<(Operation, PathBuf)> {
        self.struck.clone()
    }

    /// Counts one, and lets it fail if it is to.
    pub(super) fn count(&mut self, operation: Operation, path: &Path) -> Result<(), Struck> {
        let number = self.count;
        self.count += 1;
        if let Some(recorded) = &mut self.recorded {
            recorded.push(operation);
        }
        let Some(strike) = self.strike.filter(|strike| strike.at <= number) else { return Ok(()) };
        let hit = match self.struck.first() {
            None => strike.errno.fits(operation),
            Some((first, _)) => strike.errno.spreads(*first, operation),
        };
        if !hit {
            return Ok(());
        }
        self.struck.push((operation, path.to_owned()));
        if strike.lasts == Lasts::Once {
            self.strike = None;
        }
        let halfway = strike.errno == Errno::NoSpaceHalfway && operation == Operation::Write;
        Err(Struck { error: strike.errno.error(), errno: strike.errno, halfway })
    }
}
