//! Tokens of structured header fields (RFC 5322, 3.2; RFC 2045, 5.1), obsolete forms included.
//!
//! Folded values are read as they are: a line end counts as a blank. Nothing here fails: what is cut off ends
//! where the value ends. Every octet is looked at once, comments nested however deep included.

use memchr::memchr3;
use std::borrow::Cow;

/// Reads a value from the front.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }

    /// What has not been read.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next octet, unread.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads `octet` if it comes next.
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let eaten = self.peek() == Some(octet);
        if eaten {
            self.skip(1);
        }
        eaten
    }

    /// Skips octets.
    pub(crate) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Reads while `wanted` holds.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().position(|octet| !wanted(*octet)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, b""));
        self.rest = rest;
        taken
    }

    /// Skips blanks and comments (CFWS); answers with the last comment's text.
    pub(crate) fn skip_blanks(&mut self) -> Option<&'a [u8]> {
        let mut last = None;
        loop {
            self.take_while(is_blank);
            if self.peek() != Some(b'(') {
                return last;
            }
            last = Some(self.comment());
        }
    }

    /// An RFC 2045 token; empty if none comes next.
    pub(crate) fn token(&mut self) -> &'a [u8] {
        self.take_while(is_token)
    }

    /// The text of the quoted string that comes next, without its quotes, escapes and line ends.
    pub(crate) fn quoted(&mut self) -> Cow<'a, [u8]> {
        self.skip(1);
        let start = self.rest;
        while let Some(at) = memchr3(b'"', b'\\', b'\n', self.rest) {
            let octet = self.rest.get(at).copied();
            self.skip(if octet == Some(b'\\') { at + 2 } else { at + 1 });
            if octet == Some(b'"') {
                return plain(read(start, self.rest, 1));
            }
        }
        self.rest = b"";
        plain(start)
    }

    /// A comment's text, its own comments included as they are.
    fn comment(&mut self) -> &'a [u8] {
        self.skip(1);
        let start = self.rest;
        let mut depth = 1_usize;
        while let Some(at) = memchr3(b'(', b')', b'\\', self.rest) {
            let octet = self.rest.get(at).copied();
            self.skip(at + 1);
            match octet {
                Some(b'(') => depth += 1,
                Some(b')') => depth -= 1,
                // An escape at the very end escapes nothing (and ended other servers).
                _ => self.skip(1),
            }
            if depth == 0 {
                return read(start, self.rest, 1);
            }
        }
        self.rest = b"";
        start
    }
}

/// Blanks of folded text.
pub(crate) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without quotes' escapes and line ends: the text that a quoted string or comment means.
pub(crate) fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr3(b'\\', b'\r', b'\n', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.iter().copied();
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' => out.extend(octets.next()),
            b'\r' | b'\n' => {}
            _ => out.push(octet),
        }
    }
    Cow::Owned(out)
}

/// From `start` to where `rest` begins, less `closing` octets.
fn read<'a>(start: &'a [u8], rest: &[u8], closing: usize) -> &'a [u8] {
    let length = start.len().saturating_sub(rest.len() + closing);
    start.get(..length).unwrap_or(start)
}

/// RFC 2045, 5.1: token. 8-bit octets are let in: they occur, and nothing else could be meant.
const fn is_token(octet: u8) -> bool {
    octet > b' '
        && octet != 0x7f
        && !matches!(
            octet,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_that_ends_in_a_backslash_ends_with_the_value() {
        let mut lexer = Lexer::new(b"(abc\\");
        assert_eq!(lexer.skip_blanks(), Some(&b"abc\\"[..]));
        assert!(lexer.rest().is_empty());
    }

    #[test]
    fn comments_nest() {
        let mut lexer = Lexer::new(b" (a (b) c)\r\n x");
        assert_eq!(lexer.skip_blanks(), Some(&b"a (b) c"[..]));
        assert_eq!(lexer.rest(), b"x");
    }

    #[test]
    fn a_quoted_string_loses_escapes_and_line_ends() {
        let mut lexer = Lexer::new(b"\"a\\\"b\r\n c\" d");
        assert_eq!(lexer.quoted().as_ref(), b"a\"b c");
        assert_eq!(lexer.rest(), b" d");
    }

    #[test]
    fn a_quoted_string_without_its_end_is_read_to_the_end() {
        assert_eq!(Lexer::new(b"\"abc").quoted().as_ref(), b"abc");
        assert_eq!(Lexer::new(b"\"abc\\").quoted().as_ref(), b"abc");
    }
}
