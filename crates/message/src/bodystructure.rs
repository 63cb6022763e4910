//! BODYSTRUCTURE in wire form (RFC 3501, 7.4.2; RFC 9051, 7.5.2), and BODY made of it.
//!
//! BODY is BODYSTRUCTURE without the extension data, and IMAP4rev1 knows message/global only as a leaf: what is told is
//! made of one form, which is all that a record keeps ([`rewrite`]). Strict on purpose: NIL stands only where the grammar
//! says `nstring`.

use crate::mime::{Description, Disposition, MediaType, Parameter};
use crate::nstring;
use crate::part::{Kind, Part, PartTable};
use crate::scan::{Details, Parsed};
use crate::{envelope, extended, header};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// All that the parts say about themselves.
    Everything,
    /// Types, sizes and the tree: for a message whose parts say too much.
    Bones,
}

/// Appends the BODYSTRUCTURE of a message.
pub(crate) fn write(parsed: &Parsed, telling: Telling, out: &mut Vec<u8>) {
    Writer { table: &parsed.table, details: &parsed.details, telling, out }.part(0);
}

struct Writer<'a> {
    table: &'a PartTable,
    details: &'a [Details],
    telling: Telling,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    /// A part and those in it. The scanner has limited the depth.
    fn part(&mut self, index: usize) -> usize {
        let table = self.table;
        let Some((part, details)) = table.get(index).zip(self.details.get(index)) else { return index + 1 };
        let told = details.description.as_deref().filter(|_| self.telling == Telling::Everything);
        let bare;
        let description = match told {
            Some(description) => description,
            None => {
                bare = Description::bare(bare_type(part.kind));
                &bare
            }
        };
        self.out.push(b'(');
        let next = match part.kind {
            Kind::Multipart => self.multipart(index, part.depth, description),
            _ => self.single(index, part, details.lines, description),
        };
        self.out.push(b')');
        next
    }

    fn multipart(&mut self, index: usize, depth: u8, description: &Description) -> usize {
        let mut next = index + 1;
        while self.table.get(next).is_some_and(|part| part.depth > depth) {
            next = self.part(next);
        }
        self.out.push(b' ');
        nstring::put(self.out, &description.media_type.subtype);
        self.out.push(b' ');
        put_parameters(self.out, &description.media_type.parameters);
        self.extension(description);
        next
    }

    fn single(&mut self, index: usize, part: &Part, lines: u64, description: &Description) -> usize {
        let mut next = index + 1;
        put_basic(self.out, description, part.body.len());
        if part.kind == Kind::Message {
            self.out.push(b' ');
            self.enclosed_envelope(next);
            self.out.push(b' ');
            next = self.part(next);
        }
        if matches!(part.kind, Kind::Message | Kind::Text) {
            self.out.extend_from_slice(format!(" {lines}").as_bytes());
        }
        self.out.push(b' ');
        nstring::put_or_nil(self.out, description.md5.as_deref());
        self.extension(description);
        next
    }

    fn enclosed_envelope(&mut self, index: usize) {
        let envelope = self.details.get(index).map_or(&b""[..], |details| &details.envelope);
        let told = self.telling == Telling::Everything && !envelope.is_empty();
        self.out.extend_from_slice(if told { envelope } else { envelope::EMPTY });
    }

    /// What ends both forms: disposition, language, location.
    fn extension(&mut self, description: &Description) {
        self.out.push(b' ');
        put_disposition(self.out, description.disposition.as_ref());
        self.out.push(b' ');
        put_languages(self.out, &description.languages);
        self.out.push(b' ');
        nstring::put_or_nil(self.out, description.location.as_deref());
    }
}

/// What is said of a part of which nothing but its kind may be told.
fn bare_type(kind: Kind) -> MediaType {
    match kind {
        Kind::Leaf => MediaType::opaque(),
        Kind::Text => MediaType::of("text", "plain"),
        Kind::Multipart => MediaType::of("multipart", "mixed"),
        Kind::Message => MediaType::of("message", "rfc822"),
    }
}

fn put_basic(out: &mut Vec<u8>, description: &Description, octets: u64) {
    nstring::put(out, &description.media_type.kind);
    out.push(b' ');
    nstring::put(out, &description.media_type.subtype);
    out.push(b' ');
    put_parameters(out, &description.media_type.parameters);
    for text in [&description.id, &description.description] {
        out.push(b' ');
        nstring::put_or_nil(out, text.as_deref());
    }
    out.push(b' ');
    nstring::put(out, description.encoding.as_deref().unwrap_or(b"7BIT"));
    out.extend_from_slice(format!(" {octets}").as_bytes());
}

fn put_parameters(out: &mut Vec<u8>, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    put_list(out, parameters.iter().flat_map(|(name, value)| [name, value]));
}

fn put_disposition(out: &mut Vec<u8>, disposition: Option<&Disposition>) {
    let Some(disposition) = disposition else { return out.extend_from_slice(b"NIL") };
    out.push(b'(');
    nstring::put(out, &disposition.kind);
    out.push(b' ');
    put_parameters(out, &disposition.parameters);
    out.push(b')');
}

fn put_languages(out: &mut Vec<u8>, languages: &[Box<[u8]>]) {
    match languages {
        [] => out.extend_from_slice(b"NIL"),
        _ => put_list(out, languages.iter()),
    }
}

fn put_list<'a>(out: &mut Vec<u8>, strings: impl Iterator<Item = &'a Box<[u8]>>) {
    let mut before = b'(';
    for string in strings {
        out.push(before);
        nstring::put(out, string);
        before = b' ';
    }
    out.push(b')');
}

/// By which standard a structure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// IMAP4rev1: message/global (RFC 6532) is a leaf, for section 9 has no other form for it; parameters are told as they
    /// were sent, but for continuations.
    Rfc3501,
    /// IMAP4rev2, 7.5.2: message/global is told as message/rfc822, with its envelope and its structure; parameters in
    /// charsets of their own (RFC 2231) are told in UTF-8.
    Rfc9051,
}

/// Whether what BODYSTRUCTURE has beyond BODY is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    Told,
    Untold,
}

/// Appends another form of a BODYSTRUCTURE that [`write`] wrote.
pub(crate) fn rewrite(bodystructure: &[u8], extension: Extension, standard: Standard, out: &mut Vec<u8>) {
    Copier { rest: bodystructure, extension, standard, out }.body();
}

/// Whether a parameter in a charset of its own may be in it. What only looks like one costs a copy.
pub(crate) fn has_extended_parameter(bodystructure: &[u8]) -> bool {
    bodystructure.windows(2).any(|pair| pair == b"*\"")
}

/// Whether this is an enclosed message that not all know as one.
pub(crate) fn is_global(part: &Part, details: &Details) -> bool {
    let described = details.description.as_deref();
    part.kind == Kind::Message && described.is_some_and(|it| it.media_type.is("message", "global"))
}

/// Walks over a BODYSTRUCTURE, copying what the other form has too.
struct Copier<'a> {
    rest: &'a [u8],
    extension: Extension,
    standard: Standard,
    out: &'a mut Vec<u8>,
}

impl Copier<'_> {
    fn body(&mut self) {
        self.copy(1);
        if self.rest.first() == Some(&b'(') {
            while self.rest.first() == Some(&b'(') {
                self.body();
            }
            self.copy_values(1);
            if self.extension == Extension::Told {
                self.copy_parameters();
            }
        } else {
            self.single();
        }
        match self.extension {
            Extension::Told => self.copy_extension(),
            Extension::Untold => self.skip_extension(),
        }
        self.copy(1);
    }

    /// Type, subtype, parameters, id, description, encoding, octets; then what the type demands.
    fn single(&mut self) {
        let start = self.out.len();
        self.copy_value();
        self.copy_values(1);
        let media_type = self.out.get(start..).unwrap_or_default().to_ascii_lowercase();
        self.copy_parameters();
        self.copy_values(4);
        let is_leaf = media_type == br#""message" "global""# && self.standard == Standard::Rfc3501;
        match media_type.split(|octet| *octet == b' ').next().unwrap_or_default() {
            br#""text""# => self.copy_values(1),
            br#""message""# if self.rest.starts_with(b" (") && is_leaf => self.skip_values(3),
            br#""message""# if self.rest.starts_with(b" (") => {
                self.copy_values(1);
                self.copy(1);
                self.body();
                self.copy_values(1);
            }
            _ => {}
        }
    }

    fn copy(&mut self, count: usize) {
        let (copied, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, b""));
        self.out.extend_from_slice(copied);
        self.rest = rest;
    }

    /// Values with a blank in front of each.
    fn copy_values(&mut self, count: usize) {
        for _ in 0..count {
            self.copy(1);
            self.copy_value();
        }
    }

    fn copy_value(&mut self) {
        self.copy(value_length(self.rest));
    }

    /// The parameters of a type, with a blank in front.
    fn copy_parameters(&mut self) {
        self.copy(1);
        let length = value_length(self.rest);
        let (list, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, b""));
        self.rest = rest;
        match self.standard {
            Standard::Rfc3501 => self.out.extend_from_slice(list),
            Standard::Rfc9051 => extended::decode(list, self.out),
        }
    }

    fn skip_values(&mut self, count: usize) {
        for _ in 0..count {
            let length = 1 + value_length(self.rest.get(1..).unwrap_or_default());
            self.rest = self.rest.get(length..).unwrap_or_default();
        }
    }

    fn copy_extension(&mut self) {
        while self.rest.first() == Some(&b' ') {
            self.copy_values(1);
        }
    }

    fn skip_extension(&mut self) {
        while self.rest.first() == Some(&b' ') {
            self.skip_values(1);
        }
    }
}

/// Octets of the atom, string or list at the front.
pub(crate) fn value_length(wire: &[u8]) -> usize {
    let mut length = 0;
    let mut depth = 0_usize;
    loop {
        let rest = wire.get(length..).unwrap_or_default();
        length += match rest.first() {
            None => return length,
            Some(b'(') => {
                depth += 1;
                1
            }
            Some(b')') => {
                depth = depth.saturating_sub(1);
                1
            }
            Some(b'"') => quoted_length(rest),
            Some(b'{') => literal_length(rest),
            Some(b' ') => 1,
            Some(_) => atom_length(rest),
        };
        if depth == 0 {
            return length;
        }
    }
}

fn atom_length(wire: &[u8]) -> usize {
    wire.iter().position(|octet| matches!(octet, b' ' | b')')).unwrap_or(wire.len()).max(1)
}

fn quoted_length(wire: &[u8]) -> usize {
    let mut length = 1;
    loop {
        match wire.get(length) {
            Some(b'\\') => length += 2,
            Some(b'"') | None => return length + 1,
            Some(_) => length += 1,
        }
    }
}

fn literal_length(wire: &[u8]) -> usize {
    let head = header::first_line(wire).len();
    let digits = wire.get(1..head.saturating_sub(3)).unwrap_or_default();
    let octets: usize = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    head + octets
}
