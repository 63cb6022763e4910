//! What a check finds: where the damage is, and what it costs.

use crate::index::key::{self, Owner};
use std::fmt;
use std::ops::Range;
use store::{AccountId, BodyId, EmailId, Seq, StreamId};

/// Part of a file that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, below the store's directory.
    pub file: String,
    /// The first octet.
    pub from: u64,
    /// One behind the last.
    pub to: u64,
    /// In which way, in words for the admin.
    pub detail: String,
    /// What cannot be read for it. Nothing: what lay there was not needed any more, or can be made again.
    /// At most [`MAX_LOST`].
    pub lost: Vec<Lost>,
}

impl Damage {
    pub(super) fn of(file: String, range: Range<u64>, detail: impl Into<String>) -> Self {
        Self { file, from: range.start, to: range.end, detail: detail.into(), lost: Vec::new() }
    }

    pub(super) fn covers(&self, file: &str, range: &Range<u64>) -> bool {
        self.file == file && self.from <= range.start && range.end <= self.to
    }
}

/// Something that was stored and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lost {
    /// An event, and with it all that a stream says from there on, but for what a later snapshot holds.
    Event {
        /// Whose.
        stream: StreamId,
        /// Which.
        seq: Seq,
    },
    /// A message's record.
    Record {
        /// Whose.
        account: AccountId,
        /// Which message's.
        email: EmailId,
    },
    /// The octets of messages, or of anything else that is kept as a body.
    Body {
        /// Whose.
        account: AccountId,
        /// Its name.
        body: BodyId,
    },
    /// A snapshot; opening the stream costs more time without it.
    Snapshot {
        /// Whose.
        stream: StreamId,
        /// The last event that is in it.
        at: Seq,
    },
}

impl Lost {
    /// Whose it was.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        match self {
            Self::Event { stream, .. } | Self::Snapshot { stream, .. } => stream.account,
            Self::Record { account, .. } | Self::Body { account, .. } => *account,
        }
    }

    /// What goes when that goes to which a key of the index leads.
    pub(super) fn under(index_key: &[u8]) -> Option<Self> {
        Some(match key::owner(index_key)? {
            Owner::Event(stream, seq) => Self::Event { stream, seq },
            Owner::Record(account, email) => Self::Record { account, email },
            Owner::Body(account, body) => Self::Body { account, body },
            Owner::Piece(stream, at, ..) | Owner::Snapshot(stream, at) => Self::Snapshot { stream, at },
            Owner::Head(_) | Owner::Other => return None,
        })
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.account().0;
        match self {
            Self::Event { stream, seq } => {
                write!(f, "event {} of stream {} of account {account}", seq.0, stream.number)
            }
            Self::Record { email, .. } => {
                write!(f, "record of message {}.{} of account {account}", email.mailbox, email.uid)
            }
            Self::Body { body, .. } => write!(f, "body {body:?} of account {account}"),
            Self::Snapshot { stream, at } => {
                write!(f, "snapshot {} of stream {} of account {account}", at.0, stream.number)
            }
        }
    }
}

/// What a check has looked at so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Segments of the log.
    pub segments: u64,
    /// Records in them.
    pub records: u64,
    /// Entries of the index.
    pub entries: u64,
    /// Bodies in files of their own.
    pub body_files: u64,
    /// Octets read.
    pub octets: u64,
    /// Damages found; more than [`MAX_DAMAGES`] are counted only.
    pub damages: u64,
}

impl Tally {
    pub(super) const ZERO: Self =
        Self { segments: 0, records: 0, entries: 0, body_files: 0, octets: 0, damages: 0 };
}

/// Most damages that one check tells of.
pub const MAX_DAMAGES: usize = 1_000;
/// Most losses that are told of one damage.
pub const MAX_LOST: usize = 1_000;
