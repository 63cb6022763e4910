//! Parameters in charsets of their own (RFC 2231, 4): `title*=utf-8'en'%C2%A3`.

use crate::bodystructure::value_length;
use crate::charset::Charset;
use crate::envelope_view::string;
use crate::nstring;

/// Copies a list of parameters in wire form. RFC 9051, 7.5.2: a server SHOULD decode those in charsets of their own,
/// "convert to UTF-8, concatenate, and return the resulting value as a parameter "foo*"". One that cannot be decoded is
/// told as it was sent: its charset is in it.
pub(crate) fn decode(list: &[u8], out: &mut Vec<u8>) {
    let mut rest = list;
    // Of the name before, if a value is next.
    let mut is_extended = None;
    while let Some(first) = rest.first() {
        let length = if matches!(first, b'(' | b')' | b' ') { 1 } else { value_length(rest) };
        let (token, behind) = rest.split_at_checked(length).unwrap_or((rest, b""));
        rest = behind;
        let decoded = string(token).and_then(|text| match is_extended.take() {
            None => {
                is_extended = Some(text.ends_with(b"*"));
                None
            }
            Some(is_extended) => is_extended.then(|| decoded(&text)).flatten(),
        });
        match decoded {
            Some(decoded) => nstring::put(out, decoded.as_bytes()),
            None => out.extend_from_slice(token),
        }
    }
}

/// The text of `charset'language'text`. None where octets do not fit the charset, and none with controls, which nobody
/// writes into a title but who wants to hide something.
fn decoded(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |octet| *octet == b'\'');
    let (charset, _language, text) = (parts.next()?, parts.next()?, parts.next()?);
    let text = charset_named(charset)?.decode(&percent_decoded(text)?);
    (!text.contains(|character: char| character.is_control() || character == char::REPLACEMENT_CHARACTER))
        .then_some(text)
}

/// Not guessed where it is named.
fn charset_named(name: &[u8]) -> Option<Charset> {
    let charset = Charset::named(name);
    let may_be_guessed = name.is_empty() || name.eq_ignore_ascii_case(b"us-ascii");
    (charset != Charset::default() || may_be_guessed).then_some(charset)
}

fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.iter();
    while let Some(&octet) = octets.next() {
        decoded.push(match octet {
            b'%' => hex(octets.next())? << 4 | hex(octets.next())?,
            octet => octet,
        });
    }
    Some(decoded)
}

fn hex(digit: Option<&u8>) -> Option<u8> {
    let value = char::from(*digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, expected: &str) {
        let mut out = Vec::new();
        decode(list.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_has_a_charset_of_its_own_is_told_in_utf8_under_its_name() {
        check(r#"("title*" "utf-8'en'%C2%A3%20rates")"#, "(\"title*\" {8}\r\n\u{a3} rates)");
        check(
            r#"("a" "b" "title*" "iso-8859-1''%A3" "c" "d")"#,
            "(\"a\" \"b\" \"title*\" {2}\r\n\u{a3} \"c\" \"d\")",
        );
        check(r#"("title*" "us-ascii'en-us'This%20is%20%22it%22")"#, r#"("title*" "This is \"it\"")"#);
        check(r#"("title*" "''plain")"#, r#"("title*" "plain")"#);
    }

    #[test]
    fn all_else_is_told_as_it_was_sent() {
        for list in [
            "NIL",
            r#"("title" "utf-8''%C2%A3")"#,
            r#"("a*b" "utf-8''%C2%A3")"#,
            r#"("x" "title*" "y" "utf-8''%C2%A3")"#,
            r#"("title*" "no charset")"#,
            r#"("title*" "x-unknown''%A3")"#,
            r#"("title*" "utf-8''%A3")"#,
            r#"("title*" "utf-8''%4")"#,
            r#"("title*" "utf-8''%+1")"#,
            r#"("title*" "utf-8''%00%0D%0A")"#,
            r#"("title*" "utf-8''%C2%A3"#,
            "(\"title*\" {5}\r\nab",
        ] {
            check(list, list);
        }
    }
}
