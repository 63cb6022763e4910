//! A hash that was made elsewhere.

use std::fmt;

/// A hash that was made elsewhere, in the spelling that it came in, such as `$2y$…` or `{SSHA}…`. What it means is not
/// known here; it is kept until its owner has signed in, and gives way to a record of ours then.
#[derive(Clone, PartialEq, Eq)]
pub struct ForeignHash(Box<str>);

/// Longest hash of others, in octets.
pub const MAX_FOREIGN_HASH_OCTETS: usize = 512;

impl ForeignHash {
    /// `None` for what is empty, longer than [`MAX_FOREIGN_HASH_OCTETS`], or not printable ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_one = (1..=MAX_FOREIGN_HASH_OCTETS).contains(&text.len())
            && text.bytes().all(|octet| octet.is_ascii_graphic());
        is_one.then(|| Self(text.into()))
    }

    /// As it came.
    #[must_use]
    pub const fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignHash(…)")
    }
}
