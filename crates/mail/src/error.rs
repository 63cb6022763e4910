//! Why mail could not be had or changed.

use mailbox::LimitReached;
use mailbox::account::{OverQuota, Refusal};
use std::fmt;
use store::StoreError;

/// Of what a part cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A mailbox.
    Mailbox,
    /// The names of an account's mailboxes, its subscriptions and limits.
    Names,
    /// The directory of accounts.
    Directory,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mailbox => "the mailbox",
            Self::Names => "what the account's mailboxes are called",
            Self::Directory => "the directory of accounts",
        })
    }
}

/// Sorted by who can act: the caller turns each into one reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The mailbox is gone: another session deleted it.
    #[error("the mailbox has been deleted")]
    NoSuchMailbox,
    /// The message is gone: another session expunged it.
    #[error("the message has been expunged")]
    NoSuchMessage,
    /// The account is gone: an admin removed it.
    #[error("the account has been removed")]
    AccountRemoved,
    /// The account machine says no: names, limits, special uses.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The account would hold more than it may.
    #[error("{0}")]
    OverQuota(#[from] OverQuota),
    /// The mailbox machine says no: it is full in some way.
    #[error("{0}")]
    Limit(#[from] LimitReached),
    /// The decision says no for a reason of its own, which its maker has kept.
    #[error("the change was withdrawn")]
    Withdrawn,
    /// The store cannot write or read now. It may be asked again.
    #[error("{0}")]
    Unavailable(String),
    /// The store has lost sight of the change: it may be there, or not. Look before it is made again.
    #[error("it is not known whether the change was stored: {0}")]
    Uncertain(String),
    /// The change is more than one commit can carry.
    #[error("these are too many messages to be changed at once")]
    TooMuch,
    /// What is to be brought back is older than what is kept.
    #[error("{} gone for good: {}", Self::so_many(*.0), Self::WHY_GONE)]
    NotKept(u64),
    /// Part of something cannot be read, and what can be is read-only until a repair.
    #[error(
        "part of {0} cannot be read, and nothing is changed in it before gatepost store check --repair has mended it"
    )]
    InPart(Part),
    /// What was stored does not read back, or does not fit together. For the admin, not the peer.
    #[error("{0}")]
    Damaged(String),
}

impl From<StoreError> for Error {
    fn from(why: StoreError) -> Self {
        match why {
            StoreError::Unavailable { uncertain: true, .. } => Self::Uncertain(why.to_string()),
            StoreError::Unavailable { .. } => Self::Unavailable(why.to_string()),
            StoreError::Damaged { .. } | StoreError::OverLimit(_) | StoreError::Misused(_) => {
                Self::Damaged(why.to_string())
            }
        }
    }
}

impl Error {
    const WHY_GONE: &str = "the server keeps what was deleted for as many days as store.retention_days says, and this is older or was purged";

    fn so_many(messages: u64) -> String {
        match messages {
            0 => "it is".to_owned(),
            1 => "1 message of it is".to_owned(),
            more => format!("{more} messages of it are"),
        }
    }

    /// What a commit's own check says: who asked for so much can ask for less.
    pub(crate) fn of_own_commit(why: StoreError) -> Self {
        match why {
            StoreError::OverLimit(_) => Self::TooMuch,
            other => other.into(),
        }
    }

    /// Octets that were put away for a message, which no message had for too long.
    pub(crate) fn swept_away() -> Self {
        Self::Unavailable(
            "the message's octets were swept away before it was filed; bring it again".to_owned(),
        )
    }

    /// A stream that cannot be folded.
    pub(crate) fn damaged(stream: store::StreamId, why: impl fmt::Display) -> Self {
        Self::Damaged(format!("stream {} of account {}: {why}", stream.number, stream.account.0))
    }
}
