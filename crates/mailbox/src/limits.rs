//! The bounds of a mailbox, and the refusal that names one.

use crate::MAX_KEYWORDS;
use std::fmt;

/// Longest event, in octets: as `store` has it. Decisions split what is larger.
pub const MAX_EVENT_OCTETS: usize = 1 << 20;
/// Most messages expunged and not yet told to one session; beyond it the session gets a BYE.
pub const MAX_GHOSTS: usize = 100_000;
/// Highest UID that a message can bring along from another server: half of all are left for those that come later.
pub const MAX_BROUGHT_UID: u32 = u32::MAX / 2;
/// Most accounts with private flags of their own in one mailbox.
pub const MAX_READERS: usize = 10_000;

/// A mailbox cannot take what was asked: `NO [LIMIT]`, in words for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// More than [`MAX_KEYWORDS`] different keywords.
    Keywords,
    /// All UIDs are used up.
    Uids,
    /// All mod-sequences are used up.
    ModSeqs,
    /// More than [`MAX_READERS`] accounts with private flags.
    Readers,
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keywords => write!(f, "This mailbox can have at most {MAX_KEYWORDS} different keywords"),
            Self::Uids => f.write_str("This mailbox has used up its message numbers; copy it to a new one"),
            Self::ModSeqs => f.write_str("This mailbox has used up its change numbers; copy it to a new one"),
            Self::Readers => {
                write!(f, "This mailbox can keep private flags for at most {MAX_READERS} accounts")
            }
        }
    }
}

impl std::error::Error for LimitReached {}
