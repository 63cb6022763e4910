//! System flags and keywords (RFC 9051, 2.3.2).

use std::fmt;
use std::hash::{Hash, Hasher};

/// Longest keyword that we store, in octets.
pub const MAX_KEYWORD_OCTETS: usize = 250;

/// A flag that a client can set. `\Recent` is not one: it is told, never stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Flag {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
    /// Anything that a client made up, or a registered keyword such as `$Junk`.
    Keyword(Keyword),
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Seen => "\\Seen",
            Self::Draft => "\\Draft",
            Self::Keyword(keyword) => keyword.as_str(),
        })
    }
}

/// A keyword: an atom, kept as first written, equal without regard to ASCII case (RFC 9051, 2.3.2).
#[derive(Clone)]
pub struct Keyword(Box<str>);

impl Keyword {
    /// Checks that `text` is an atom of at most [`MAX_KEYWORD_OCTETS`] octets.
    ///
    /// # Errors
    /// What is wrong with it, in words for the client's user.
    pub fn new(text: &str) -> Result<Self, BadKeyword> {
        if text.is_empty() || text.len() > MAX_KEYWORD_OCTETS {
            return Err(BadKeyword::Length);
        }
        // RFC 9051, 9: ATOM-CHAR is any CHAR but atom-specials, which include resp-specials.
        match text.bytes().find(|b| !b.is_ascii_graphic() || b"(){%*\"\\]".contains(b)) {
            Some(_) => Err(BadKeyword::Character),
            None => Ok(Self(text.into())),
        }
    }

    /// As it was first written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl Hash for Keyword {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for b in self.0.bytes() {
            state.write_u8(b.to_ascii_lowercase());
        }
    }
}

impl fmt::Debug for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadKeyword {
    /// Empty, or longer than [`MAX_KEYWORD_OCTETS`].
    Length,
    /// A character that an atom cannot hold.
    Character,
}

impl fmt::Display for BadKeyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "A keyword has 1 to {MAX_KEYWORD_OCTETS} characters"),
            Self::Character => {
                f.write_str("A keyword cannot hold spaces, quotes, brackets or non-ASCII letters")
            }
        }
    }
}

impl std::error::Error for BadKeyword {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_compare_without_case_and_keep_their_first_spelling() {
        let junk = Keyword::new("$Junk").unwrap();
        assert_eq!(junk, Keyword::new("$JUNK").unwrap());
        assert_eq!(junk.as_str(), "$Junk");
    }

    #[test]
    fn what_an_atom_cannot_hold_is_no_keyword() {
        for text in ["", "a b", "a\"", "a\\", "a]", "ü", "a(", "a%", "a*", "a{", "\u{7f}"] {
            assert!(Keyword::new(text).is_err(), "{text:?}");
        }
        assert!(Keyword::new(&"k".repeat(MAX_KEYWORD_OCTETS + 1)).is_err());
    }
}
