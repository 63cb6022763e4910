//! Strings as IMAP writes them, strictly.
//!
//! The empty string is `""`, never `{0}`: some clients wait for ever behind the latter. What a quoted string may
//! not carry (RFC 3501, 9: 8-bit octets, CR, LF) goes into a literal, octet by octet as the sender wrote it. NUL may
//! stand in neither; it is shown as U+FFFD.

use memchr::memchr;

/// Appends `string`.
pub(crate) fn put(out: &mut Vec<u8>, string: &[u8]) {
    if memchr(0, string).is_some() {
        return put_without_nul(out, string);
    }
    if string.iter().all(|octet| octet.is_ascii() && !matches!(octet, b'\r' | b'\n')) {
        return put_quoted(out, string);
    }
    out.extend_from_slice(format!("{{{}}}\r\n", string.len()).as_bytes());
    out.extend_from_slice(string);
}

/// Appends `nstring`: NIL for what is not there.
pub(crate) fn put_or_nil(out: &mut Vec<u8>, string: Option<&[u8]>) {
    match string {
        Some(string) => put(out, string),
        None => out.extend_from_slice(b"NIL"),
    }
}

fn put_quoted(out: &mut Vec<u8>, string: &[u8]) {
    out.push(b'"');
    for octet in string {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*octet);
    }
    out.push(b'"');
}

fn put_without_nul(out: &mut Vec<u8>, string: &[u8]) {
    let shown: Vec<&[u8]> = string.split(|octet| *octet == 0).collect();
    put(out, &shown.join("\u{fffd}".as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(string: &[u8], expected: &str) {
        let mut out = Vec::new();
        put(&mut out, string);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn the_empty_string_is_quoted() {
        check(b"", r#""""#);
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        check(br#"a "b" \c"#, r#""a \"b\" \\c""#);
    }

    #[test]
    fn eight_bit_octets_and_line_ends_go_into_a_literal() {
        check("ü".as_bytes(), "{2}\r\nü");
        check(b"a\rb", "{3}\r\na\rb");
    }

    #[test]
    fn nul_is_shown_as_the_replacement_character() {
        check(b"a\0b", "{5}\r\na\u{fffd}b");
    }
}
