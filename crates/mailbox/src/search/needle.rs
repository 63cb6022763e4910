//! Finding a string in a text.

use memchr::memmem::Finder;
use std::borrow::Cow;
use std::fmt;
use terms::to_nfc;

/// Longest string that can be searched for, in octets of UTF-8.
pub const MAX_NEEDLE_OCTETS: usize = 4 << 10;

/// A string to find, folded.
///
/// Needle and text are folded alike: lower case letter by letter, then normalisation form C. So a search takes no
/// account of case, ASCII or not, nor of how an accent was typed, but `u` does not find `ü`.
pub struct Needle {
    folded: Box<Finder<'static>>,
}

impl Needle {
    /// `None` if it is longer than [`MAX_NEEDLE_OCTETS`].
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let folded = fold(text);
        let fits = folded.len() <= MAX_NEEDLE_OCTETS;
        fits.then(|| Self { folded: Box::new(Finder::new(&folded).into_owned()) })
    }

    /// Whether there is nothing to find: every text has it (RFC 9051, 6.4.4: "the empty string is a substring").
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folded.needle().is_empty()
    }

    /// Whether `text`, which is decoded but not folded, has it.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.folded.find(fold(text).as_bytes()).is_some()
    }

    /// Begins a search in a text that comes in pieces.
    #[must_use]
    pub const fn scan(&self) -> Scan<'_> {
        Scan { needle: self, kept: Vec::new(), found: false }
    }
}

impl fmt::Debug for Needle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.folded.needle().escape_ascii().to_string())
    }
}

/// Lower case, then form C: some lower-case letters come out of form C (İ).
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut lower = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii() {
            true => lower.push(c.to_ascii_lowercase()),
            // Letter by letter, where str::to_lowercase would look around: a final sigma must fold as any other.
            false => lower.extend(c.to_lowercase().map(plain_sigma)),
        }
    }
    match to_nfc(&lower) {
        Cow::Borrowed(_) => lower,
        Cow::Owned(composed) => composed,
    }
}

const fn plain_sigma(c: char) -> char {
    if c == 'ς' { 'σ' } else { c }
}

/// A search under way: give it the text in pieces of any size, then ask. It keeps less than a needle's length.
#[derive(Debug)]
pub struct Scan<'n> {
    needle: &'n Needle,
    /// The end of what was seen, folded: the needle may begin in it.
    kept: Vec<u8>,
    found: bool,
}

impl Scan<'_> {
    /// The next piece, decoded. A piece ends where a letter ends, accents included, if the needle is to be found
    /// there; a line end is always such a place.
    pub fn feed(&mut self, piece: &str) {
        if self.found {
            return;
        }
        self.kept.extend_from_slice(fold(piece).as_bytes());
        self.found = self.needle.folded.find(&self.kept).is_some();
        let overlap = self.needle.folded.needle().len().saturating_sub(1);
        self.kept.drain(..self.kept.len().saturating_sub(overlap));
    }

    /// Whether it was found: more pieces change nothing then.
    #[must_use]
    pub fn found(&self) -> bool {
        self.found || self.needle.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needle: &str, text: &str) -> bool {
        Needle::new(needle).unwrap().is_in(text)
    }

    #[test]
    fn a_needle_is_found_anywhere_in_any_case() {
        assert!(
            found("SWIM", "They swimming") && found("m", "m") && found("", "") && found("ÜBER", "darüber")
        );
        assert!(found("ΟΔΟΣ", "οδος") && found("u\u{308}ber", "über") && found("i̇", "İ"));
        assert!(!found("u", "über") && !found("swum", "swim") && !found("x", ""));
    }

    #[test]
    fn a_scan_finds_what_lies_across_pieces() {
        let text = "Grüße aus der Straße: Grüße, Grüß Gott!";
        for needle in ["grüß g", "straße: grüße,", "gott!", "grüße aus", "x", ""] {
            let needle = Needle::new(needle).unwrap();
            for size in 1..=text.len() {
                let mut scan = needle.scan();
                let mut rest = text;
                while !rest.is_empty() {
                    let at = rest.ceil_char_boundary(size.min(rest.len()));
                    scan.feed(&rest[..at]);
                    rest = &rest[at..];
                }
                assert_eq!(scan.found(), needle.is_in(text), "{needle:?} in pieces of {size}");
                assert!(scan.kept.len() < needle.folded.needle().len().max(1));
            }
        }
    }

    #[test]
    fn a_needle_has_a_longest_length() {
        assert!(Needle::new(&"a".repeat(MAX_NEEDLE_OCTETS)).is_some());
        assert!(Needle::new(&"a".repeat(MAX_NEEDLE_OCTETS + 1)).is_none());
    }
}
