//! What a directory is called.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a directory's name is a letter and up to {} more letters, digits or hyphens, all lower case",
    MAX_DIRECTORY_NAME_OCTETS - 1
)]
pub struct BadDirectoryName;

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
}
