//! The part table: where every part of a message lies.
//!
//! A flat list in the order of the bytes, the message itself first. It promises to be a tree: a part comes behind
//! its parent, and lies within the parent's body; parts of one parent do not overlap. An enclosed message
//! (message/rfc822) has exactly one child, the message; a multipart has at least one, because the grammar of
//! BODYSTRUCTURE knows no empty multipart.

use crate::charset::Charset;
use crate::limits::{MAX_DEPTH, MAX_PARTS};
use crate::varint;

/// Octets `start..end` of the message as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first octet.
    pub start: u64,
    /// One behind the last.
    pub end: u64,
}

impl Span {
    /// How many octets.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty span is nothing special here")]
    pub const fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether `inner` lies in it.
    #[must_use]
    pub const fn contains(self, inner: Self) -> bool {
        self.start <= inner.start && inner.end <= self.end
    }

    /// The octets themselves, of a message that is in memory.
    #[must_use]
    pub fn of(self, message: &[u8]) -> &[u8] {
        let range = usize::try_from(self.start).ok().zip(usize::try_from(self.end).ok());
        range.and_then(|(start, end)| message.get(start..end)).unwrap_or_default()
    }
}

/// What a part is to IMAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything without parts: images, applications, and text under a type of its own.
    Leaf,
    /// text/*: has a line count, and SEARCH BODY looks into it.
    Text,
    /// multipart/*: its children are its parts.
    Multipart,
    /// message/rfc822 or message/global (RFC 6532): its one child is the message in it.
    Message,
}

/// How a body was made fit for transport (RFC 2045, 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// 7bit, 8bit or binary: the octets are the content.
    #[default]
    Identity,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
    /// One that we do not know: the content cannot be read.
    Unknown,
}

/// One part: what is needed to serve its bytes and to search in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many parts enclose it: 0 for the message itself.
    pub depth: u8,
    /// What it is.
    pub kind: Kind,
    /// How its body is encoded.
    pub encoding: Encoding,
    /// Its header block, with the blank line.
    pub header: Span,
    /// Its body.
    pub body: Span,
    /// The charset of its text.
    pub charset: Charset,
}

/// All parts of a message, in the order of the bytes; the first is the message itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartTable {
    parts: Vec<Part>,
}

impl PartTable {
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// The parts in the order of the bytes.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// One part.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Part> {
        self.parts.get(index)
    }

    /// The direct children of a part, in order, by index.
    pub fn children(&self, index: usize) -> impl Iterator<Item = usize> {
        let depth = self.parts.get(index).map_or(u8::MAX, |part| part.depth);
        let behind = self.parts.get(index + 1..).unwrap_or_default();
        behind
            .iter()
            .zip(index + 1..)
            .take_while(move |(part, _)| part.depth > depth)
            .filter(move |(part, _)| part.depth == depth + 1)
            .map(|(_, index)| index)
    }

    /// The part that the section number `path` names (RFC 9051, 6.4.5.1); the message itself for an empty path.
    ///
    /// "Every message has at least one part number": in a message that is not a multipart, 1 is its body.
    #[must_use]
    pub fn find(&self, path: &[u32]) -> Option<usize> {
        let mut here = Place::Message(0);
        for number in path {
            here = self.step(here, *number)?;
        }
        Some(here.index())
    }

    /// The message that the part at `path` encloses; the message itself for an empty path.
    #[must_use]
    pub fn find_message(&self, path: &[u32]) -> Option<usize> {
        let index = self.find(path)?;
        if path.is_empty() { Some(index) } else { self.enclosed(index) }
    }

    fn enclosed(&self, index: usize) -> Option<usize> {
        let part = self.parts.get(index)?;
        (part.kind == Kind::Message).then_some(index + 1)
    }

    fn step(&self, here: Place, number: u32) -> Option<Place> {
        let index = match here {
            Place::Message(index) => index,
            Place::Part(index) if self.kind(index) == Some(Kind::Multipart) => index,
            Place::Part(index) => self.enclosed(index)?,
        };
        let nth = usize::try_from(number.checked_sub(1)?).ok()?;
        if self.kind(index) == Some(Kind::Multipart) {
            return self.children(index).nth(nth).map(Place::Part);
        }
        (nth == 0).then_some(Place::Part(index))
    }

    fn kind(&self, index: usize) -> Option<Kind> {
        self.parts.get(index).map(|part| part.kind)
    }

    /// Appends the compact form that a record keeps: about eight octets a part.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut before = 0;
        for part in &self.parts {
            out.push(kind_code(part.kind) | encoding_code(part.encoding) << 2);
            out.push(part.depth);
            out.push(part.charset.code());
            varint::put(out, part.header.start.saturating_sub(before));
            varint::put(out, part.header.len());
            varint::put(out, part.body.len());
            before = part.header.start;
        }
    }

    /// Reads what [`PartTable::encode`] wrote. `None` if it is something else.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut parts = Vec::new();
        let mut before = 0;
        while !bytes.is_empty() {
            let part = Part::decode(&mut bytes, before)?;
            before = part.header.start;
            parts.push(part);
            if parts.len() > MAX_PARTS {
                return None;
            }
        }
        Some(Self { parts })
    }
}

/// Where a section number has led so far.
#[derive(Clone, Copy)]
enum Place {
    /// A message, the numbers of whose parts come next.
    Message(usize),
    /// A part.
    Part(usize),
}

impl Place {
    const fn index(self) -> usize {
        match self {
            Self::Message(index) | Self::Part(index) => index,
        }
    }
}

impl Part {
    fn decode(bytes: &mut &[u8], before: u64) -> Option<Self> {
        let code = varint::octet(bytes)?;
        let depth = varint::octet(bytes)?;
        let charset = Charset::from_code(varint::octet(bytes)?);
        let start = varint::take(bytes)?.checked_add(before)?;
        let split = start.checked_add(varint::take(bytes)?)?;
        let end = split.checked_add(varint::take(bytes)?)?;
        Some(Self {
            depth: (usize::from(depth) <= MAX_DEPTH).then_some(depth)?,
            kind: kind_of(code & 3),
            encoding: encoding_of(code >> 2 & 3),
            header: Span { start, end: split },
            body: Span { start: split, end },
            charset,
        })
    }
}

const fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Leaf => 0,
        Kind::Text => 1,
        Kind::Multipart => 2,
        Kind::Message => 3,
    }
}

const fn kind_of(code: u8) -> Kind {
    match code {
        0 => Kind::Leaf,
        1 => Kind::Text,
        2 => Kind::Multipart,
        _ => Kind::Message,
    }
}

const fn encoding_code(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Identity => 0,
        Encoding::Base64 => 1,
        Encoding::QuotedPrintable => 2,
        Encoding::Unknown => 3,
    }
}

const fn encoding_of(code: u8) -> Encoding {
    match code {
        0 => Encoding::Identity,
        1 => Encoding::Base64,
        2 => Encoding::QuotedPrintable,
        _ => Encoding::Unknown,
    }
}
