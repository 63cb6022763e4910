//! SEARCH in text: exact substrings, letter case aside, of what a reader would see.
//!
//! * **HEADER, FROM, SUBJECT, ...**: the field's value, unfolded, encoded words decoded.
//! * **BODY**: the text of every text/* part, transfer encoding and charset decoded (HTML with its tags), and of
//!   enclosed messages their headers and text.
//! * **TEXT**: that, and the message's own header.
//!
//! Not searched: what is not text, headers of parts, preambles and epilogues.
//!
//! Letters are compared by their upper case's lower case, character by character as Unicode maps them ("straße"
//! finds "STRASSE", "σ" finds "ς"). That is more than the i;ascii-casemap of RFC 4790; it is not the
//! i;unicode-casemap of RFC 5051, since nothing is decomposed: "é" of one character does not find "é" of two.
//!
//! Octets come in pieces of any size, and memory is bounded by them, the needles, and
//! [`MAX_HEADER_OCTETS`] of a header.

use crate::charset::Decoder as CharsetDecoder;
use crate::header;
use crate::limits::MAX_HEADER_OCTETS;
use crate::part::{Kind, Part, PartTable, Span};
use crate::transfer::Decoder as TransferDecoder;
use crate::words::decode_header;
use memchr::memmem::Finder;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Needle {
    finder: Finder<'static>,
}

/// Where it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// SEARCH BODY.
    Body,
    /// SEARCH TEXT.
    Text,
}

/// Octets of a message that a search has to read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Which.
    pub span: Span,
    matter: Matter,
}

#[derive(Clone, Copy, Debug)]
enum Matter {
    Header,
    Text(Part),
}

impl Needle {
    /// Looks for `text`. The empty text is everywhere.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { finder: Finder::new(fold(text).as_bytes()).into_owned() }
    }

    /// Whether it is in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.is_in_folded(&fold(text))
    }

    /// Whether it is in a field of this name of a header block. The empty text is in every such field.
    #[must_use]
    pub fn is_in_header(&self, block: &[u8], name: &[u8]) -> bool {
        let mut named = header::fields(block).filter(|field| field.name.eq_ignore_ascii_case(name));
        named.any(|field| self.is_in(&decode_header(field.value)))
    }

    fn is_in_folded(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }

    fn len(&self) -> usize {
        self.finder.needle().len()
    }
}

/// Text in the form in which letter case makes no difference.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        let from = out.len();
        out.push_str(text);
        return out.get_mut(from..).unwrap_or_default().make_ascii_lowercase();
    }
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character.to_ascii_lowercase());
        } else {
            out.extend(character.to_uppercase().flat_map(char::to_lowercase));
        }
    }
}

/// What a search of this scope has to read of a message, in the order of the octets.
#[must_use]
pub fn readings(table: &PartTable, scope: Scope) -> Vec<Reading> {
    let parts = table.parts();
    let mut out = Vec::new();
    let mut around = None;
    for part in parts {
        let is_message = around.is_none() || around == Some(Kind::Message);
        let is_searched = around.is_some() || scope == Scope::Text;
        if is_message && is_searched {
            out.push(Reading { span: part.header, matter: Matter::Header });
        }
        if part.kind == Kind::Text {
            out.push(Reading { span: part.body, matter: Matter::Text(*part) });
        }
        around = Some(part.kind);
    }
    out
}

/// Looks for several needles at once in the readings of one message.
pub struct Search<'a> {
    needles: &'a [Needle],
    found: Vec<Found>,
    reader: Reader,
    window: Window,
}

/// The text at hand, folded.
#[derive(Default)]
struct Window {
    text: String,
    /// Octets that may be the beginning of a needle.
    overlap: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    NotYet,
    Yes,
}

enum Reader {
    Idle,
    Header(Vec<u8>),
    Text(TextReader),
}

/// Undoes transfer encoding and charset; the buffers are kept for the next piece.
struct TextReader {
    transfer: TransferDecoder,
    charset: CharsetDecoder,
    content: Vec<u8>,
    text: String,
}

/// So much new text is gathered before it is searched, in octets.
const WORTH_SEARCHING: usize = 4 << 10;

impl<'a> Search<'a> {
    /// Nothing has been read yet.
    #[must_use]
    pub fn new(needles: &'a [Needle]) -> Self {
        let found = needles.iter().map(|needle| if needle.len() == 0 { Found::Yes } else { Found::NotYet });
        let overlap = needles.iter().map(Needle::len).max().unwrap_or(0);
        let window = Window { overlap, ..Window::default() };
        Self { needles, found: found.collect(), reader: Reader::Idle, window }
    }

    /// The octets that come next are those of `reading`.
    pub fn begin(&mut self, reading: &Reading) {
        self.reader = match reading.matter {
            Matter::Header => Reader::Header(Vec::new()),
            Matter::Text(part) => Reader::Text(TextReader::new(&part)),
        };
    }

    /// Takes the next octets of a reading.
    pub fn push(&mut self, octets: &[u8]) {
        match &mut self.reader {
            Reader::Idle => {}
            Reader::Header(block) => {
                let room = MAX_HEADER_OCTETS.saturating_sub(block.len()).min(octets.len());
                block.extend_from_slice(octets.get(..room).unwrap_or_default());
            }
            Reader::Text(reader) => {
                self.window.push(reader.push(octets));
                self.look_if_worthwhile();
            }
        }
    }

    /// The reading is over.
    pub fn end(&mut self) {
        match std::mem::replace(&mut self.reader, Reader::Idle) {
            Reader::Idle => {}
            Reader::Header(block) => header::fields(&block).for_each(|field| self.read_field(field)),
            Reader::Text(mut reader) => self.window.push(reader.finish()),
        }
        self.look();
        self.window.text.clear();
    }

    /// Whether the needle of this index was found.
    #[must_use]
    pub fn has_found(&self, index: usize) -> bool {
        self.found.get(index) == Some(&Found::Yes)
    }

    /// Whether all were found: there is no need to read on.
    #[must_use]
    pub fn has_found_all(&self) -> bool {
        self.found.iter().all(|found| *found == Found::Yes)
    }

    /// `Name: value`, on a line of its own.
    fn read_field(&mut self, field: header::Field<'_>) {
        self.window.push(&String::from_utf8_lossy(field.name));
        self.window.push(": ");
        self.window.push(&decode_header(field.value));
        self.window.push("\r\n");
        self.look_if_worthwhile();
    }

    fn look_if_worthwhile(&mut self) {
        if self.window.text.len() >= self.window.overlap + WORTH_SEARCHING {
            self.look();
            self.window.forget();
        }
    }

    fn look(&mut self) {
        for (needle, found) in self.needles.iter().zip(&mut self.found) {
            if *found == Found::NotYet && needle.is_in_folded(&self.window.text) {
                *found = Found::Yes;
            }
        }
    }
}

impl Window {
    fn push(&mut self, text: &str) {
        fold_into(text, &mut self.text);
    }

    /// Keeps what may be the beginning of a needle.
    fn forget(&mut self) {
        let mut from = self.text.len().saturating_sub(self.overlap);
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        self.text.drain(..from);
    }
}

impl TextReader {
    fn new(part: &Part) -> Self {
        Self {
            transfer: TransferDecoder::new(part.encoding),
            charset: CharsetDecoder::new(part.charset),
            content: Vec::new(),
            text: String::new(),
        }
    }

    fn push(&mut self, octets: &[u8]) -> &str {
        self.content.clear();
        self.text.clear();
        self.transfer.push(octets, &mut self.content);
        self.charset.push(&self.content, &mut self.text);
        &self.text
    }

    fn finish(&mut self) -> &str {
        self.content.clear();
        self.text.clear();
        self.transfer.finish(&mut self.content);
        self.charset.push(&self.content, &mut self.text);
        self.charset.finish(&mut self.text);
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::parse;

    fn finds(message: &[u8], scope: Scope, text: &str) -> bool {
        let table = parse(message).table;
        let mut answers = Vec::new();
        for size in [1, 7, message.len().max(1)] {
            let needles = [Needle::new(text)];
            let mut search = Search::new(&needles);
            for reading in readings(&table, scope) {
                search.begin(&reading);
                reading.span.of(message).chunks(size).for_each(|piece| search.push(piece));
                search.end();
            }
            answers.push(search.has_found(0));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "cutting changes nothing");
        answers[0]
    }

    const MESSAGE: &[u8] = b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        U3RyYcOfZQ0K\r\n\
        --b\r\nContent-Type: text/html; charset=koi8-r\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        <b>=F2=D5=D3=\r\n=D3=CB=C9=CA</b>\r\n\
        --b\r\nContent-Type: image/png\r\n\r\nhidden\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nwithin\r\n--b--\r\n";

    #[test]
    fn text_is_found_behind_its_encodings() {
        assert!(finds(MESSAGE, Scope::Body, "STRASSE"));
        assert!(finds(MESSAGE, Scope::Body, "русский"));
        assert!(finds(MESSAGE, Scope::Body, "РУССКИЙ</B>"));
        assert!(finds(MESSAGE, Scope::Body, "within"));
        assert!(!finds(MESSAGE, Scope::Body, "hidden"));
        assert!(!finds(MESSAGE, Scope::Body, "preamble"));
    }

    #[test]
    fn headers_belong_to_text_and_enclosed_ones_to_body_too() {
        assert!(finds(MESSAGE, Scope::Text, "subject: GRÜSSE"));
        assert!(!finds(MESSAGE, Scope::Body, "grüße"));
        assert!(finds(MESSAGE, Scope::Body, "subject: inner"));
    }

    #[test]
    fn the_empty_text_is_everywhere() {
        assert!(finds(b"", Scope::Body, ""));
        assert!(Needle::new("").is_in_header(b"X: y\r\n\r\n", b"x"));
        assert!(!Needle::new("").is_in_header(b"X: y\r\n\r\n", b"z"));
    }

    #[test]
    fn a_needle_is_found_across_windows() {
        let text = "x".repeat(WORTH_SEARCHING * 3 - 2) + "needle" + &"y".repeat(WORTH_SEARCHING);
        let message = format!("\r\n{text}");
        assert!(finds(message.as_bytes(), Scope::Body, "NEEDLE"));
    }
}
