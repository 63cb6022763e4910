//! What a reader would see of a message: the texts that SEARCH looks into.
//!
//! A message is read [`Passage`] by passage, in the order of its octets:
//!
//! * each **header**, its own, those of its parts and those of enclosed messages: a line `Name: value` for each
//!   field, unfolded, encoded words decoded;
//! * each **text/\* part**: transfer encoding and charset decoded, HTML with its tags.
//!
//! What is not text is not read, and neither are preambles and epilogues. Octets come in pieces of any size, and
//! how they are cut changes nothing. Memory is bounded by a piece, and by [`MAX_HEADER_OCTETS`] of a header.

use crate::charset::Decoder as CharsetDecoder;
use crate::header;
use crate::limits::MAX_HEADER_OCTETS;
use crate::part::{Kind, Part, PartTable, Span};
use crate::transfer::TransferDecoder;
use crate::words::decode_header;

/// A text in a message.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    /// Where its octets are.
    pub span: Span,
    /// What kind of text it is.
    pub place: Place,
    part: Part,
}

/// What kind of text a passage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A header: of the message, of a part, or of an enclosed message.
    Header,
    /// The text of a part.
    Body,
}

/// The texts of a message, in the order of the octets. Those without octets are not among them.
pub fn passages(table: &PartTable) -> impl Iterator<Item = Passage> + '_ {
    let of_part = |part: &Part| {
        let header = Passage { span: part.header, place: Place::Header, part: *part };
        let body = Passage { span: part.body, place: Place::Body, part: *part };
        [Some(header), (part.kind == Kind::Text).then_some(body)]
    };
    table.parts().iter().flat_map(of_part).flatten().filter(|passage| passage.span.len() > 0)
}

/// Turns the octets of one passage into text.
pub struct Reader(Decoding);

enum Decoding {
    /// A field may be folded anywhere, so a header is read when all of it is there.
    Header(Vec<u8>),
    Body {
        transfer: TransferDecoder,
        charset: CharsetDecoder,
    },
}

impl Reader {
    /// Begins with a passage.
    #[must_use]
    pub fn new(passage: &Passage) -> Self {
        Self(match passage.place {
            Place::Header => Decoding::Header(Vec::new()),
            Place::Body => Decoding::Body {
                transfer: TransferDecoder::new(passage.part.encoding),
                charset: CharsetDecoder::new(passage.part.charset),
            },
        })
    }

    /// Takes the next octets, and appends as much text as they make.
    pub fn push(&mut self, octets: &[u8], text: &mut String) {
        match &mut self.0 {
            Decoding::Header(block) => {
                let room = MAX_HEADER_OCTETS.saturating_sub(block.len()).min(octets.len());
                block.extend_from_slice(octets.get(..room).unwrap_or_default());
            }
            Decoding::Body { transfer, charset } => {
                let mut content = Vec::new();
                transfer.push(octets, &mut content);
                charset.push(&content, text);
            }
        }
    }

    /// Appends what is left when all octets were taken.
    pub fn finish(self, text: &mut String) {
        match self.0 {
            Decoding::Header(block) => header::fields(&block).for_each(|field| write_field(field, text)),
            Decoding::Body { mut transfer, mut charset } => {
                let mut content = Vec::new();
                transfer.finish(&mut content);
                charset.push(&content, text);
                charset.finish(text);
            }
        }
    }
}

fn write_field(field: header::Field<'_>, text: &mut String) {
    text.push_str(&String::from_utf8_lossy(field.name));
    text.push_str(": ");
    text.push_str(&decode_header(field.value));
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::parse;

    /// All passages, read in pieces of several sizes.
    fn read(message: &[u8]) -> Vec<(Place, String)> {
        let read_in = |size| {
            let passages: Vec<_> = passages(&parse(message).table).collect();
            let read_one = |passage: &Passage| {
                let (mut reader, mut text) = (Reader::new(passage), String::new());
                passage.span.of(message).chunks(size).for_each(|piece| reader.push(piece, &mut text));
                reader.finish(&mut text);
                (passage.place, text)
            };
            passages.iter().map(read_one).collect::<Vec<_>>()
        };
        let whole = read_in(message.len().max(1));
        for size in [1, 2, 3, 7] {
            assert_eq!(read_in(size), whole, "in pieces of {size}");
        }
        whole
    }

    #[test]
    fn texts_are_read_behind_their_encodings_and_nothing_else_is() {
        let message = b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n\
            --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            U3RyYcOfZQ0K\r\n\
            --b\r\nContent-Type: text/html; charset=koi8-r\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            <b>=F2=D5=D3=\r\n=D3=CB=C9=CA</b>\r\n\
            --b\r\nContent-Type: image/png\r\n\r\nhidden\r\n\
            --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n ner\r\n\r\nwithin\r\n--b--\r\nepilogue\r\n";
        let texts = read(message);
        let bodies = texts.iter().filter(|(place, _)| *place == Place::Body).map(|(_, text)| text.as_str());
        assert_eq!(bodies.collect::<Vec<_>>(), ["Straße\r\n", "<b>Русский</b>", "within"]);
        let headers =
            texts.iter().filter(|(place, _)| *place == Place::Header).map(|(_, text)| text.as_str());
        let headers: Vec<_> = headers.collect();
        assert_eq!(headers.len(), 6);
        assert!(headers[0].starts_with("Subject: Grüße\r\n"), "{headers:?}");
        assert_eq!(headers[3], "Content-Type: image/png\r\n");
        assert_eq!(headers[5], "Subject: in ner\r\n");
    }

    #[test]
    fn a_message_of_nothing_has_no_texts() {
        assert_eq!(read(b""), []);
        assert_eq!(
            read(b"\r\njust text"),
            [(Place::Header, String::new()), (Place::Body, "just text".into())]
        );
    }
}
