//! What a directory of accounts is called, and whom it means.

use std::fmt;

/// Longest name of a directory, in octets.
pub const MAX_DIRECTORY_NAME_OCTETS: usize = 32;

/// The name of a directory in the settings, and in the links of the accounts that are known there: whoever renames one cuts
/// them off.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectoryName(Box<str>);

impl DirectoryName {
    /// A name: lower-case letters, digits and hyphens, beginning with a letter.
    ///
    /// # Errors
    /// It is not of that kind.
    pub fn new(text: &str) -> Result<Self, BadDirectoryName> {
        let is_short = text.len() <= MAX_DIRECTORY_NAME_OCTETS;
        let begins_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let of_letters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if is_short && begins_well && of_letters { Ok(Self(text.into())) } else { Err(BadDirectoryName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DirectoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DirectoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Not a name that a directory can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDirectoryName;

impl fmt::Display for BadDirectoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = MAX_DIRECTORY_NAME_OCTETS - 1;
        write!(
            f,
            "A directory's name is a letter and up to {more} more letters, digits or hyphens, all lower case"
        )
    }
}

impl std::error::Error for BadDirectoryName {}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSubject;

impl fmt::Display for BadSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A subject has 1 to {MAX_SUBJECT_OCTETS} octets and no control characters")
    }
}

impl std::error::Error for BadSubject {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_a_plain_name() {
        for good in ["staff", "ldap-2", "a"] {
            assert_eq!(DirectoryName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "2nd", "Staff", "a b", "a/b", "ä", &"a".repeat(33)] {
            assert_eq!(DirectoryName::new(bad), Err(BadDirectoryName), "{bad:?}");
        }
    }

    #[test]
    fn a_subject_is_kept_octet_by_octet_and_bounded() {
        assert_ne!(Subject::new("a"), Subject::new("A"));
        for bad in ["", "a\0", "a\n", &"a".repeat(256)] {
            assert_eq!(Subject::new(bad), Err(BadSubject));
        }
    }
}
