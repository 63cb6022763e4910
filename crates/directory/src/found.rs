//! Who was found.

use std::fmt;
use terms::Login;

/// Longest subject, in octets: an LDAP entryUUID has 36, OpenID Connect allows 255 (Core 1.0, 2).
pub const MAX_SUBJECT_OCTETS: usize = 255;

/// Whom a directory means, whatever they are called: an entryUUID, the number of a row, OpenID's `sub`. It is never given to
/// somebody else, which a name may be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Box<str>);

impl Subject {
    /// As the directory writes it, octet by octet: `a` and `A` are two.
    ///
    /// # Errors
    /// Empty, longer than [`MAX_SUBJECT_OCTETS`], or with a control character.
    pub fn new(text: &str) -> Result<Self, BadSubject> {
        let is_fine = (1..=MAX_SUBJECT_OCTETS).contains(&text.len()) && !text.chars().any(char::is_control);
        if is_fine { Ok(Self(text.into())) } else { Err(BadSubject) }
    }

    /// The subject.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Not a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject has 1 to {MAX_SUBJECT_OCTETS} octets and no control characters")]
pub struct BadSubject;

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
    fn a_subject_is_kept_octet_by_octet_and_bounded() {
        assert_ne!(Subject::new("a"), Subject::new("A"));
        for bad in ["", "a\0", "a\n", &"a".repeat(256)] {
            assert_eq!(Subject::new(bad), Err(BadSubject));
        }
    }

    #[test]
    fn a_hash_is_not_printed() {
        assert_eq!(format!("{:?}", Stored::Hash("$2y$secret".into())), "Hash(…)");
    }
}
