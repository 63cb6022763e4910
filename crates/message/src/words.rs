//! Encoded words (RFC 2047): `=?utf-8?q?Gr=C3=BC=C3=9Fe?=`.

use crate::charset::Charset;
use crate::header::unfold;
use crate::part::Encoding;
use crate::transfer::TransferDecoder;
use memchr::memmem;

/// The text of a header value: unfolded, encoded words decoded, the rest read as UTF-8 (or else windows-1252).
///
/// Blanks between two encoded words are not shown (6.2). A character that a sender cut between two words of one
/// charset is put together again, against 5 and for the reader.
#[must_use]
pub fn decode_header(value: &[u8]) -> String {
    let value = unfold(value);
    let mut text = Text { out: String::new(), charset: Charset::default(), octets: Vec::new() };
    let mut rest = value.as_ref();
    let mut from = 0;
    while let Some(at) = memmem::find(rest.get(from..).unwrap_or_default(), b"=?").map(|at| at + from) {
        let Some((word, length)) = Word::parse(rest.get(at..).unwrap_or_default()) else {
            from = at + 2;
            continue;
        };
        text.plain(rest.get(..at).unwrap_or_default());
        text.word(&word);
        rest = rest.get(at + length..).unwrap_or_default();
        from = 0;
    }
    text.flush();
    text.out.push_str(&Charset::default().decode(rest));
    text.out
}

struct Text {
    out: String,
    charset: Charset,
    octets: Vec<u8>,
}

impl Text {
    fn plain(&mut self, octets: &[u8]) {
        let between_words = !self.octets.is_empty() && octets.trim_ascii().is_empty();
        if !between_words {
            self.flush();
            self.out.push_str(&Charset::default().decode(octets));
        }
    }

    fn word(&mut self, word: &Word<'_>) {
        if self.charset != word.charset {
            self.flush();
        }
        self.charset = word.charset;
        word.decode(&mut self.octets);
    }

    fn flush(&mut self) {
        self.out.push_str(&self.charset.decode(&self.octets));
        self.octets.clear();
    }
}

struct Word<'a> {
    charset: Charset,
    encoding: Encoding,
    text: &'a [u8],
}

/// How far a word's end is searched, in octets. RFC 2047, 2 allows 75; real ones are longer.
const MAX_WORD_OCTETS: usize = 2_000;

impl<'a> Word<'a> {
    /// The word at the front, and its length.
    fn parse(at: &'a [u8]) -> Option<(Self, usize)> {
        let inside = at.get(2..).map(|inside| inside.get(..MAX_WORD_OCTETS).unwrap_or(inside))?;
        let mut fields = inside.splitn(3, |octet| *octet == b'?');
        let (charset, encoding, rest) = (fields.next()?, fields.next()?, fields.next()?);
        let length = memmem::find(rest, b"?=")?;
        let encoding = match encoding {
            b"b" | b"B" => Encoding::Base64,
            b"q" | b"Q" => Encoding::QuotedPrintable,
            _ => return None,
        };
        (!charset.is_empty() && !charset.iter().any(u8::is_ascii_whitespace)).then_some(())?;
        let whole = 2 + charset.len() + 1 + 1 + 1 + length + 2;
        Some((Self { charset: Charset::named(charset), encoding, text: rest.get(..length)? }, whole))
    }

    fn decode(&self, out: &mut Vec<u8>) {
        let mut decoder = TransferDecoder::new(self.encoding);
        match self.encoding {
            Encoding::QuotedPrintable => {
                // RFC 2047, 4.2: "_" stands for a blank, at the end too, where one of a body would be dropped.
                for text in self.text.split_inclusive(|octet| *octet == b'_') {
                    let blank = text.strip_suffix(b"_");
                    decoder.push(blank.unwrap_or(text), out);
                    decoder.push(if blank.is_some() { b"=20" } else { b"" }, out);
                }
            }
            _ => decoder.push(self.text, out),
        }
        decoder.finish(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        assert_eq!(decode_header(value.as_bytes()), expected);
    }

    #[test]
    fn words_are_decoded_and_blanks_between_them_dropped() {
        check("=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= =?iso-8859-1?Q?_K=F6ln?= Mitte", "Grüße aus Köln Mitte");
        check("a =?utf-8?b?4pyT?=\r\n =?utf-8?B?4pyT?= b", "a ✓✓ b");
        check("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é");
        check("=?utf-8?q?_a_b_?= =?utf-8?q?c=5f_?=", " a b c_ ");
    }

    #[test]
    fn what_is_no_word_stays_as_it_is() {
        check("=?utf-8?x?a?= 1 =? 2 =?=", "=?utf-8?x?a?= 1 =? 2 =?=");
        check("plain", "plain");
    }

    #[test]
    fn many_beginnings_of_words_cost_linear_work() {
        let value = "=?".repeat(200_000);
        assert_eq!(decode_header(value.as_bytes()).len(), value.len());
    }
}
