//! Who was found.

use std::fmt;
use terms::{Login, Subject};

/// Whether somebody may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// They may.
    #[default]
    Enabled,
    /// The directory says that they may not. To be looked at after the password, never before.
    Disabled,
}

/// Where the password is known.
#[derive(Clone, PartialEq, Eq)]
pub enum Stored {
    /// This is its hash, in a form that `foreign-hash` reads: whoever asked checks it, in memory that is bounded.
    Hash(Box<str>),
    /// There: [`Directory::check`](crate::Directory::check) asks.
    Elsewhere,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hash(_) => "Hash(…)",
            Self::Elsewhere => "Elsewhere",
        })
    }
}

/// What becomes another when the password does: a time of change, say. That a password was right is known again only as
/// long as this stays.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Box<[u8]>);

impl Version {
    /// Any octets; of long ones a hash.
    #[must_use]
    pub fn new(octets: &[u8]) -> Self {
        Self(octets.into())
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Version(…)")
    }
}

/// Somebody whom a directory knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who it is.
    pub subject: Subject,
    /// What their account is called here, which may be another name than was asked for: an address for a short name.
    pub login: Login,
    /// What it may be called as well: an account that has one of these names keeps it.
    pub also: Box<[Login]>,
    /// Whether they may sign in.
    pub standing: Standing,
    /// Where their password is known.
    pub stored: Stored,
    /// `None` where the directory has nothing of the kind.
    pub version: Option<Version>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_not_printed() {
        assert_eq!(format!("{:?}", Stored::Hash("$2y$secret".into())), "Hash(…)");
    }
}
