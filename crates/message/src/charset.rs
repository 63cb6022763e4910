//! Charsets of text, by the tables of the WHATWG Encoding Standard.
//!
//! Those tables know what senders mean, not what they write: `iso-8859-1` is read as windows-1252. Text without a
//! charset, with one that nobody knows, or with `us-ascii` (which 8-bit text is not, whatever its sender says) is
//! read as UTF-8, and where it is none as windows-1252.

use encoding_rs::{self as tables, CoderResult, Decoder as TableDecoder, Encoding as Table};
use std::borrow::Cow;

/// A charset, in one octet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charset(u8);

/// By code less one. The codes are kept in records: names may be added at the end, never moved.
static TABLES: [&Table; 38] = [
    tables::UTF_8,
    tables::WINDOWS_1252,
    tables::ISO_8859_2,
    tables::ISO_8859_3,
    tables::ISO_8859_4,
    tables::ISO_8859_5,
    tables::ISO_8859_6,
    tables::ISO_8859_7,
    tables::ISO_8859_8,
    tables::ISO_8859_8_I,
    tables::ISO_8859_10,
    tables::ISO_8859_13,
    tables::ISO_8859_14,
    tables::ISO_8859_15,
    tables::ISO_8859_16,
    tables::WINDOWS_874,
    tables::WINDOWS_1250,
    tables::WINDOWS_1251,
    tables::WINDOWS_1253,
    tables::WINDOWS_1254,
    tables::WINDOWS_1255,
    tables::WINDOWS_1256,
    tables::WINDOWS_1257,
    tables::WINDOWS_1258,
    tables::KOI8_R,
    tables::KOI8_U,
    tables::IBM866,
    tables::MACINTOSH,
    tables::X_MAC_CYRILLIC,
    tables::BIG5,
    tables::EUC_JP,
    tables::EUC_KR,
    tables::GB18030,
    tables::GBK,
    tables::ISO_2022_JP,
    tables::SHIFT_JIS,
    tables::UTF_16BE,
    tables::UTF_16LE,
];

impl Charset {
    /// The charset of this name; the default one if nobody knows it.
    #[must_use]
    pub fn named(name: &[u8]) -> Self {
        // RFC 2231, 5: a name may carry a language behind an asterisk.
        let name = name.split(|octet| *octet == b'*').next().unwrap_or_default();
        let is_ascii = name.trim_ascii().eq_ignore_ascii_case(b"us-ascii");
        let table = if is_ascii { None } else { Table::for_label(name.trim_ascii()) };
        let place = table.and_then(|table| TABLES.iter().position(|one| *one == table));
        Self(place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or_default())
    }

    pub(crate) const fn code(self) -> u8 {
        self.0
    }

    pub(crate) fn from_code(code: u8) -> Self {
        if usize::from(code) <= TABLES.len() { Self(code) } else { Self::default() }
    }

    /// Decodes text that is in memory.
    #[must_use]
    pub fn decode(self, octets: &[u8]) -> String {
        let mut out = String::new();
        let mut decoder = Decoder::new(self);
        decoder.push(octets, &mut out);
        decoder.finish(&mut out);
        out
    }

    fn table(self) -> Option<&'static Table> {
        TABLES.get(usize::from(self.0).checked_sub(1)?).copied()
    }
}

/// Decodes text that streams by; how it is cut changes nothing.
pub(crate) enum Decoder {
    /// By the table of its charset, or the Unicode one that a byte order mark names.
    Known(Box<TableDecoder>),
    /// As UTF-8, or else as windows-1252; with what may be the beginning of a character.
    Guess(Vec<u8>),
}

impl Decoder {
    pub(crate) fn new(charset: Charset) -> Self {
        let known = charset.table().map(|table| Box::new(table.new_decoder()));
        known.map_or_else(|| Self::Guess(Vec::new()), Self::Known)
    }

    /// Appends the text of the next octets.
    pub(crate) fn push(&mut self, octets: &[u8], out: &mut String) {
        match self {
            Self::Known(decoder) => run(decoder, octets, out, Last::No),
            Self::Guess(held) if held.is_empty() => *held = guess(octets, out).to_vec(),
            Self::Guess(held) => {
                held.extend_from_slice(octets);
                *held = guess(held, out).to_vec();
            }
        }
    }

    /// Appends what was held back.
    pub(crate) fn finish(&mut self, out: &mut String) {
        match self {
            Self::Known(decoder) => run(decoder, b"", out, Last::Yes),
            Self::Guess(held) => out.push_str(&windows_1252(held)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

fn run(decoder: &mut TableDecoder, octets: &[u8], out: &mut String, last: Last) {
    let mut rest = octets;
    loop {
        out.reserve(decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len()));
        let (result, read, _) = decoder.decode_to_string(rest, out, last == Last::Yes);
        rest = rest.get(read..).unwrap_or_default();
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}

/// Appends what can be read, and answers with what may be the beginning of a character.
fn guess<'a>(octets: &'a [u8], out: &mut String) -> &'a [u8] {
    let mut rest = octets;
    loop {
        let bad = match std::str::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                return b"";
            }
            Err(bad) => bad,
        };
        let (text, behind) = rest.split_at_checked(bad.valid_up_to()).unwrap_or((b"", b""));
        out.push_str(&String::from_utf8_lossy(text));
        let Some(length) = bad.error_len() else { return behind };
        let (odd, behind) = behind.split_at_checked(length).unwrap_or((behind, b""));
        out.push_str(&windows_1252(odd));
        rest = behind;
    }
}

fn windows_1252(octets: &[u8]) -> Cow<'_, str> {
    tables::WINDOWS_1252.decode_without_bom_handling(octets).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_charset_is_utf8_or_else_windows_1252() {
        assert_eq!(Charset::default().decode("Grüße".as_bytes()), "Grüße");
        assert_eq!(Charset::default().decode(b"Gr\xfc\xdfe aus K\xf6ln"), "Grüße aus Köln");
        assert_eq!(Charset::default().decode(b"end\xc3"), "endÃ");
    }

    #[test]
    fn a_character_may_be_cut_between_two_pieces() {
        let mut out = String::new();
        let mut decoder = Decoder::new(Charset::named(b"UTF-8"));
        for octet in "日本".as_bytes() {
            decoder.push(&[*octet], &mut out);
        }
        decoder.finish(&mut out);
        assert_eq!(out, "日本");
    }

    #[test]
    fn a_byte_order_mark_turns_utf16_round() {
        assert_eq!(Charset::named(b"utf-16").decode(b"\xfe\xff\0a\0b"), "ab");
        assert_eq!(Charset::named(b"utf-16").decode(b"a\0b\0"), "ab");
    }

    #[test]
    fn every_code_names_its_table() {
        for (place, table) in TABLES.iter().enumerate() {
            assert_eq!(
                usize::from(Charset::named(table.name().as_bytes()).code()),
                place + 1,
                "{}",
                table.name()
            );
        }
    }
}
