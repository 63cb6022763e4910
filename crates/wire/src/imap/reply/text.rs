//! Atoms, strings and human text.

use super::super::input::is_atom_char;

/// Up to this many octets a string may be quoted; a longer one is a literal. No reader minds a long literal.
const MAX_QUOTED_OCTETS: usize = 1_000;

pub(crate) fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; MAX_DIGITS];
    let mut before = MAX_DIGITS;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        before -= 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(before..).unwrap_or_default());
}

/// Of the largest number, 18446744073709551615.
const MAX_DIGITS: usize = 20;

/// What a client reads in a quoted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// RFC 3501.
    Ascii,
    /// RFC 9755, 3; RFC 9051, 4.3.
    Utf8,
}

/// Writes a string: quoted where RFC 3501 lets it be, else a literal. Empty is `""`.
///
/// A NUL, which no string can hold, becomes a question mark.
pub fn string(out: &mut Vec<u8>, octets: &[u8]) {
    string_in(out, octets, Charset::Ascii);
}

/// The same, of octets that are UTF-8 where `charset` is.
pub(super) fn string_in(out: &mut Vec<u8>, octets: &[u8], charset: Charset) {
    let above = charset == Charset::Utf8;
    let quotable = |octet: &u8| matches!(octet, b' '..=b'~' | b'\t') || (above && !octet.is_ascii());
    if octets.len() <= MAX_QUOTED_OCTETS && octets.iter().all(quotable) {
        quoted(out, octets);
    } else {
        literal_header(out, octets.len() as u64);
        out.extend(octets.iter().map(|&octet| if octet == 0 { b'?' } else { octet }));
    }
}

/// Writes a string, or NIL.
pub fn nstring(out: &mut Vec<u8>, octets: Option<&[u8]>) {
    match octets {
        Some(octets) => string(out, octets),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// Writes an atom where the octets are one, else a string. `NIL` is quoted, lest it be read as nothing.
pub fn astring(out: &mut Vec<u8>, octets: &[u8]) {
    astring_in(out, octets, Charset::Ascii);
}

/// The same, of octets that are UTF-8 where `charset` is.
pub(super) fn astring_in(out: &mut Vec<u8>, octets: &[u8], charset: Charset) {
    let atom = !octets.is_empty() && octets.iter().all(|&octet| is_atom_char(octet));
    if atom && !octets.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(octets);
    } else {
        string_in(out, octets, charset);
    }
}

pub(super) fn quoted(out: &mut Vec<u8>, octets: &[u8]) {
    out.push(b'"');
    for &octet in octets {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(octet);
    }
    out.push(b'"');
}

pub(super) fn literal_header(out: &mut Vec<u8>, octets: u64) {
    out.push(b'{');
    number(out, octets);
    out.extend_from_slice(b"}\r\n");
}

/// Writes `1*TEXT-CHAR`: printable ASCII, and a word where there is nothing to say.
pub(super) fn human(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    out.extend(text.chars().map(|c| match c {
        ' '..='~' => u8::try_from(c).unwrap_or(b'?'),
        c if c.is_ascii() => b' ',
        _ => b'?',
    }));
    if out.len() == start {
        out.extend_from_slice(b"Done");
    }
}

/// Writes `first`, then each with a space in front.
pub(super) fn spaced(out: &mut Vec<u8>, words: &[&str]) {
    for (i, word) in words.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"" } else { b" " });
        out.extend_from_slice(word.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_empty_string_is_two_quotes() {
        assert_eq!(written(|out| string(out, b"")), "\"\"");
        assert_eq!(written(|out| nstring(out, Some(b""))), "\"\"");
        assert_eq!(written(|out| astring(out, b"")), "\"\"");
        assert_eq!(written(|out| nstring(out, None)), "NIL");
    }

    #[test]
    fn what_cannot_be_quoted_is_a_literal() {
        assert_eq!(written(|out| string(out, b"a\"b\\c")), "\"a\\\"b\\\\c\"");
        assert_eq!(written(|out| string(out, b"a\r\nb")), "{4}\r\na\r\nb");
        assert_eq!(written(|out| string(out, "é".as_bytes())), "{2}\r\né");
        assert_eq!(written(|out| string(out, b"a\0b")), "{3}\r\na?b");
        assert!(written(|out| string(out, &[b'x'; MAX_QUOTED_OCTETS + 1])).starts_with("{1001}\r\n"));
    }

    #[test]
    fn an_atom_is_bare_unless_it_could_be_misread() {
        assert_eq!(written(|out| astring(out, b"INBOX")), "INBOX");
        for text in ["nil", "a b", "a]", "a(", "%", "a\\"] {
            assert!(written(|out| astring(out, text.as_bytes())).starts_with('"'), "{text}");
        }
    }

    #[test]
    fn human_text_is_one_line_of_ascii_and_never_empty() {
        assert_eq!(written(|out| human(out, "a\r\nb é")), "a  b ?");
        assert_eq!(written(|out| human(out, "")), "Done");
    }

    #[test]
    fn numbers_are_written_in_full() {
        for value in [0, 7, 10, 4_294_967_296, u64::MAX] {
            assert_eq!(written(|out| number(out, value)), value.to_string());
        }
    }
}
