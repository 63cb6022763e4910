//! Why mail could not be had or changed.

use mailbox::LimitReached;
use mailbox::account::Refusal;
use store::StoreError;

/// Sorted by who can act: the caller turns each into one reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The mailbox is gone: another session deleted it.
    #[error("the mailbox has been deleted")]
    NoSuchMailbox,
    /// The account machine says no: names, limits, special uses.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The mailbox machine says no: it is full in some way.
    #[error("{0}")]
    Limit(#[from] LimitReached),
    /// The decision says no for a reason of its own, which its maker has kept.
    #[error("the change was withdrawn")]
    Withdrawn,
    /// The store cannot write or read now. It may be asked again.
    #[error("{0}")]
    Unavailable(String),
    /// What was stored does not read back, or does not fit together. For the admin, not the peer.
    #[error("{0}")]
    Damaged(String),
}

impl From<StoreError> for Error {
    fn from(why: StoreError) -> Self {
        match why {
            StoreError::Unavailable { .. } => Self::Unavailable(why.to_string()),
            StoreError::Damaged { .. } | StoreError::OverLimit(_) | StoreError::Misused(_) => {
                Self::Damaged(why.to_string())
            }
        }
    }
}

impl Error {
    /// A stream that cannot be folded.
    pub(crate) fn damaged(stream: store::StreamId, why: impl std::fmt::Display) -> Self {
        Self::Damaged(format!("stream {} of account {}: {why}", stream.number, stream.account.0))
    }
}
