//! Numbers that identify: UIDs, sequence numbers, UIDVALIDITY, MODSEQ.

use std::fmt;
use std::num::NonZeroU32;

macro_rules! nonzero {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The lowest value.
            pub const MIN: Self = Self(NonZeroU32::MIN);
            /// The highest value.
            pub const MAX: Self = Self(NonZeroU32::MAX);

            /// `None` for zero, which the standard gives no meaning.
            #[must_use]
            pub const fn new(value: u32) -> Option<Self> {
                match NonZeroU32::new(value) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }

            /// The number itself.
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0.get()
            }

            /// The next value, or `None` behind the last.
            #[must_use]
            pub const fn next(self) -> Option<Self> {
                match self.0.checked_add(1) {
                    Some(next) => Some(Self(next)),
                    None => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

nonzero! {
    /// The unique identifier of a message in its mailbox (RFC 9051, 2.3.1.1): ascending, never reused.
    Uid
}
nonzero! {
    /// The position of a message in a session's view, counted from 1 (RFC 9051, 2.3.1.2).
    SeqNum
}
nonzero! {
    /// Distinguishes one life of a mailbox name from the next (RFC 9051, 2.3.1.1). Never zero.
    UidValidity
}

/// A modification sequence (RFC 7162): raised by every change to a message, 63 bits, 0 means "none yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModSeq(u64);

impl ModSeq {
    /// Below every change.
    pub const ZERO: Self = Self(0);
    /// The highest value that the standard allows (RFC 7162, 7: mod-sequence-value is 63 bits).
    pub const MAX: Self = Self(i64::MAX as u64);

    /// `None` above 63 bits.
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MAX.0 { Some(Self(value)) } else { None }
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The value `n` higher, or `None` above 63 bits.
    #[must_use]
    pub const fn plus(self, n: u64) -> Option<Self> {
        match self.0.checked_add(n) {
            Some(value) => Self::new(value),
            None => None,
        }
    }

    /// The value one lower; zero stays zero.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An account, numbered by the directory from 1. Account 0 holds the directory itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u64);

impl AccountId {
    /// Where the directory of accounts keeps its streams.
    pub const DIRECTORY: Self = Self(0);
}

/// A message at its birth: the number of the mailbox's stream and the UID that it got there first. COPY and MOVE
/// keep it, so that it is the EMAILID too (RFC 8474, 5.1). No two messages of an account share one, ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailId {
    /// The stream number of the mailbox of birth.
    pub mailbox: u32,
    /// The UID of birth.
    pub uid: u32,
}

/// A thread: a hash of the Message-ID that its messages descend from (RFC 8474, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub [u8; 16]);
