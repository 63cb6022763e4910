//! Mailbox names on the wire: modified UTF-7 (RFC 3501, 5.1.3) on the way in and out, until a client has said that it
//! speaks UTF-8 (RFC 9755, 3; RFC 9051, 5.1).
//!
//! Decoding is strict, so that each name has one spelling: what RFC 3501 says MUST NOT be encoded is refused,
//! as are superfluous shifts, lone surrogates and stray bits. A name that holds octets above 127 cannot be
//! modified UTF-7; some clients send plain UTF-8, and that is taken as it is.

use std::fmt;
use terms::{BadName, MailboxName, SEPARATOR};

/// How names are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameForm {
    /// In modified UTF-7.
    #[default]
    Utf7,
    /// As they are, in UTF-8: `&` is an ampersand, also in front of what would be modified UTF-7.
    Utf8,
}

/// Why octets are not a mailbox name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadMailboxName {
    /// Not modified UTF-7, and not UTF-8 either.
    Encoding,
    /// Not UTF-8, where that is spoken.
    NotUtf8,
    /// Well encoded, but not a name.
    Name(BadName),
}

impl fmt::Display for BadMailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding => f.write_str("This is not valid modified UTF-7; '&' is written '&-'"),
            Self::NotUtf8 => f.write_str("This mailbox name is not UTF-8"),
            Self::Name(bad) => fmt::Display::fmt(bad, f),
        }
    }
}

impl std::error::Error for BadMailboxName {}

/// A mailbox name, and how a client wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeltName {
    /// The name.
    pub name: MailboxName,
    /// What was written, decoded, where that is not the name: in another normalisation form, or `inbox` in another case
    /// in front of a child. A separator at the end is no part of it (RFC 9051, 6.3.4), and INBOX is INBOX in any case.
    pub spelling: Option<Box<str>>,
}

/// The name that a client wrote, and its spelling.
///
/// # Errors
/// As [`decode`].
pub fn decode_spelt(octets: &[u8], form: NameForm) -> Result<SpeltName, BadMailboxName> {
    let text = decode_text(octets, form)?;
    let name = MailboxName::new(&text).map_err(BadMailboxName::Name)?;
    let written = text.strip_suffix(SEPARATOR).unwrap_or(&text);
    let differs = written != name.as_str() && !name.is_inbox();
    Ok(SpeltName { spelling: differs.then(|| written.into()), name })
}

/// The name that a client wrote.
///
/// # Errors
/// When it is not in this form, or not a name.
pub fn decode(octets: &[u8], form: NameForm) -> Result<MailboxName, BadMailboxName> {
    MailboxName::new(&decode_text(octets, form)?).map_err(BadMailboxName::Name)
}

/// A name or a LIST pattern as text: wildcards, empty levels and all.
///
/// # Errors
/// When it is not in this form.
pub fn decode_text(octets: &[u8], form: NameForm) -> Result<String, BadMailboxName> {
    let utf8 = || std::str::from_utf8(octets).ok().filter(|text| !text.contains('\0')).map(Into::into);
    match form {
        NameForm::Utf8 => utf8().ok_or(BadMailboxName::NotUtf8),
        NameForm::Utf7 if !octets.is_ascii() => utf8().ok_or(BadMailboxName::Encoding),
        NameForm::Utf7 => decode_utf7(octets).ok_or(BadMailboxName::Encoding),
    }
}

fn decode_utf7(octets: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'&' => rest = decode_shifted(behind, &mut text)?,
            0 => return None,
            plain => text.push(char::from(plain)),
        }
    }
    Some(text)
}

/// Decodes from behind `&` to behind `-`; what follows is returned.
fn decode_shifted<'a>(octets: &'a [u8], text: &mut String) -> Option<&'a [u8]> {
    let end = octets.iter().position(|&octet| octet == b'-')?;
    let (encoded, behind) = (octets.get(..end)?, octets.get(end + 1..)?);
    if encoded.is_empty() {
        text.push('&');
        return Some(behind);
    }
    let units = decode_units(encoded)?;
    for decoded in char::decode_utf16(units) {
        // RFC 3501, 5.1.3: MUST NOT be used for characters that can represent themselves.
        text.push(decoded.ok().filter(|c| !matches!(c, ' '..='~' | '\0'))?);
    }
    // A second shift right behind is superfluous: "&U,BTFw-&ZeVnLIqe-" is not permitted. "&-" is not a shift.
    let another = behind.first() == Some(&b'&') && behind.get(1) != Some(&b'-');
    (!another).then_some(behind)
}

/// Modified base64 without padding, as UTF-16 units.
fn decode_units(encoded: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(encoded.len() * 6 / 16);
    let (mut bits, mut count) = (0u32, 0u32);
    for &octet in encoded {
        bits = bits << 6 | u32::from(sextet(octet)?);
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(u16::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    // Fewer than six bits may be left over, and they are zero.
    (count < 6 && bits == 0).then_some(units)
}

const fn sextet(octet: u8) -> Option<u8> {
    Some(match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b',' => 63,
        _ => return None,
    })
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Writes `text` in this form.
pub fn encode(out: &mut Vec<u8>, text: &str, form: NameForm) {
    match form {
        NameForm::Utf7 => encode_utf7(out, text),
        NameForm::Utf8 => out.extend_from_slice(text.as_bytes()),
    }
}

/// Modified UTF-7 holds no octet that would need a literal.
fn encode_utf7(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let plain = |c: char| matches!(c, ' '..='~');
        let run = if plain(first) { rest.find(|c| !plain(c) || c == '&') } else { rest.find(plain) };
        let (head, tail) = match run {
            Some(0) => ("&", rest.strip_prefix('&').unwrap_or_default()),
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        match head {
            "&" => out.extend_from_slice(b"&-"),
            head if plain(first) => out.extend_from_slice(head.as_bytes()),
            head => encode_shifted(out, head),
        }
        rest = tail;
    }
}

fn encode_shifted(out: &mut Vec<u8>, text: &str) {
    let letter = |sextet: u32| ALPHABET.get((sextet & 63) as usize).copied().unwrap_or(b'A');
    out.push(b'&');
    let (mut bits, mut count) = (0u32, 0u32);
    for unit in text.encode_utf16() {
        bits = (bits << 16 | u32::from(unit)) & 0x3f_ffff;
        count += 16;
        while count >= 6 {
            count -= 6;
            out.push(letter(bits >> count));
        }
    }
    if count > 0 {
        out.push(letter(bits << (6 - count)));
    }
    out.push(b'-');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        encode(&mut out, text, NameForm::Utf7);
        String::from_utf8(out).unwrap()
    }

    fn decoded(octets: &[u8]) -> Option<String> {
        decode_text(octets, NameForm::Utf7).ok()
    }

    #[test]
    fn names_have_one_spelling() {
        for (text, wire) in [
            ("INBOX", "INBOX"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("R&D", "R&-D"),
            ("&", "&-"),
            ("&&", "&-&-"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("ü&ü", "&APw-&-&APw-"),
            ("😀", "&2D3eAA-"),
            ("a😀b", "a&2D3eAA-b"),
            ("☺!", "&Jjo-!"),
            ("", ""),
            ("\u{7f}", "&AH8-"),
            ("é", "&AOk-"),
            ("Отправленные", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"),
        ] {
            assert_eq!(encoded(text), wire);
            assert_eq!(decoded(wire.as_bytes()).as_deref(), Some(text), "{wire}");
        }
    }

    #[test]
    fn what_has_another_spelling_is_refused() {
        for wire in [
            "&",
            "a&",
            "&AOk",
            "&AOk*-",
            "&AOk=-",
            "&AO/-",
            "R&D",
            "&AGE-",
            "&ACY-",
            "&AAA-",
            "&2D0-",
            "&3gA-",
            "&3gDYPQ-",
            "&AOl-",
            "&A-",
            "&AO-",
            "&AOkA-",
            "&U,BTFw-&ZeVnLIqe-",
            "\0",
        ] {
            assert_eq!(decoded(wire.as_bytes()), None, "{wire}");
        }
    }

    #[test]
    fn plain_utf8_is_taken_as_it_is() {
        assert_eq!(decoded("Entwürfe & Co".as_bytes()).as_deref(), Some("Entwürfe & Co"));
        assert_eq!(decoded(b"Entw\xfcrfe"), None);
    }

    #[test]
    fn a_spelling_is_kept_where_it_is_not_the_name() {
        let spelt = |text: &str| decode_spelt(text.as_bytes(), NameForm::Utf7).unwrap();
        for name in ["a", "a/", "INBOX", "inbox/", "INBOX/x", "\u{fc}"] {
            assert_eq!(spelt(name).spelling, None, "{name}");
        }
        for other in ["u\u{308}", "Inbox/x"] {
            assert_eq!(spelt(other).spelling.as_deref(), Some(other));
            assert_eq!(spelt(&format!("{other}/")).spelling.as_deref(), Some(other));
        }
    }

    #[test]
    fn a_decoded_name_is_a_name() {
        let named = |octets| decode(octets, NameForm::Utf7);
        assert_eq!(named(b"inbox/&AOk-").unwrap().as_str(), "INBOX/é");
        assert_eq!(named(b""), Err(BadMailboxName::Name(BadName::Empty)));
        assert_eq!(named(b"&AAo-"), Err(BadMailboxName::Name(BadName::Control)));
        assert_eq!(named(b"&"), Err(BadMailboxName::Encoding));
    }

    #[test]
    fn where_utf8_is_spoken_an_ampersand_is_one() {
        for name in ["R&D", "&AOk-", "&-", "Entwürfe & Co", "台北", "😀", "&"] {
            assert_eq!(decode_text(name.as_bytes(), NameForm::Utf8).as_deref(), Ok(name));
            let mut out = Vec::new();
            encode(&mut out, name, NameForm::Utf8);
            assert_eq!(out, name.as_bytes());
        }
        // Overlong, a surrogate, cut off.
        for octets in [&b"\xc0\xaf"[..], b"\xed\xa0\x80", b"\xf0\x9f\x98", b"Entw\xfcrfe", b"\0"] {
            assert_eq!(decode_text(octets, NameForm::Utf8), Err(BadMailboxName::NotUtf8));
        }
    }
}
