//! What people call app passwords and certificates.

use std::fmt;
use terms::to_nfc;

/// Longest name of an app password or of a certificate, in octets of UTF-8.
pub const MAX_LABEL_OCTETS: usize = 128;

/// What somebody calls an app password or a certificate, in normalisation form C.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(Box<str>);

impl Label {
    /// # Errors
    /// [`BadText`], with [`MAX_LABEL_OCTETS`].
    pub fn new(text: &str) -> Result<Self, BadText> {
        check(&to_nfc(text), MAX_LABEL_OCTETS).map(Self)
    }
}

fn check(text: &str, most: usize) -> Result<Box<str>, BadText> {
    match text {
        _ if text.len() > most => Err(BadText::TooLong(most)),
        _ if text.trim().is_empty() => Err(BadText::Empty),
        _ if text.trim() != text || text.chars().any(is_refused) => Err(BadText::Character),
        _ => Ok(text.into()),
    }
}

/// What would let a line of a log or of a list look like another.
fn is_refused(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Label {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text is not taken, for whoever gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadText {
    /// There is nothing.
    Empty,
    /// It has more than so many octets.
    TooLong(usize),
    /// A control character, one that changes the direction of writing, or a space at an end.
    Character,
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("A name must not be empty"),
            Self::TooLong(most) => write!(f, "A name like this has at most {most} octets"),
            Self::Character => f.write_str("A name has no control characters, and no space at its ends"),
        }
    }
}

impl std::error::Error for BadText {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line_of_a_list_and_the_same_however_it_was_composed() {
        assert_eq!(
            Label::new("Ann's Telefon \u{fc}").unwrap(),
            Label::new("Ann's Telefon u\u{308}").unwrap()
        );
        for (text, why) in [
            ("", BadText::Empty),
            ("  ", BadText::Empty),
            (" phone", BadText::Character),
            ("a\nb", BadText::Character),
            ("a\u{202e}b", BadText::Character),
            (&"x".repeat(129), BadText::TooLong(128)),
        ] {
            assert_eq!(Label::new(text), Err(why), "{text:?}");
        }
        assert!(Label::new(&"x".repeat(128)).is_ok());
    }
}
