//! A small SASLprep.

use std::fmt;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Prepares a name or a password as SASLprep (RFC 4013) does where it matters to real ones:
/// - 2.1, mapping: spaces of other kinds become U+0020, and what is "commonly mapped to nothing" goes;
/// - 2.2, normalisation: form KC, so that what is typed on a Mac equals what is typed on a phone;
/// - 2.3, prohibited: control characters, NUL among them.
///
/// Left out, on purpose: bidirectional checks and unassigned code points (2.4, 2.5). They refuse passwords that
/// people have, by a Unicode table of 2002.
pub(crate) fn prepare(text: &str, max_octets: usize) -> Result<Zeroizing<String>, BadText> {
    if text.len() > max_octets {
        return Err(BadText::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(BadText::Control);
    }
    // Reserved in one go: a string that grows leaves copies of a password behind.
    let octets = prepared(text).map(char::len_utf8).sum();
    match octets {
        0 => Err(BadText::Empty),
        octets if octets > max_octets => Err(BadText::TooLong),
        octets => {
            let mut out = Zeroizing::new(String::with_capacity(octets));
            out.extend(prepared(text));
            Ok(out)
        }
    }
}

fn prepared(text: &str) -> impl Iterator<Item = char> + '_ {
    let mapped = text.chars().filter(|c| !is_mapped_to_nothing(*c));
    mapped.map(|c| if c.is_whitespace() { ' ' } else { c }).nfkc()
}

/// RFC 3454, table B.1.
fn is_mapped_to_nothing(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180d}' | '\u{200b}'..='\u{200d}'
        | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Why a text is no name or password, for whoever would set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadText {
    /// Nothing, or nothing that can be seen.
    Empty,
    /// Longer than its limit.
    TooLong,
    /// It holds a control character.
    Control,
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "It cannot be empty",
            Self::TooLong => "It is too long",
            Self::Control => "It cannot hold control characters",
        })
    }
}

impl std::error::Error for BadText {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, BadText>) {
        let prepared = prepare(text, 40);
        assert_eq!(prepared.as_ref().map(|text| text.as_str()), expected.as_ref().copied(), "{text:?}");
    }

    #[test]
    fn the_examples_of_rfc_4013_come_out() {
        // RFC 4013, 3. (Its sixth, a bidirectional one, is let through.)
        check("I\u{ad}X", Ok("IX"));
        check("user", Ok("user"));
        check("USER", Ok("USER"));
        check("\u{aa}", Ok("a"));
        check("\u{2168}", Ok("IX"));
        check("\u{7}", Err(BadText::Control));
    }

    #[test]
    fn spaces_are_one_kind_and_what_is_left_cannot_be_nothing_or_too_much() {
        check("a\u{a0}b\u{3000}c", Ok("a b c"));
        check("\u{ad}\u{200b}", Err(BadText::Empty));
        check("", Err(BadText::Empty));
        // One character of three octets that form KC makes eighteen characters of.
        check(&"\u{fdfa}".repeat(10), Err(BadText::TooLong));
    }
}
