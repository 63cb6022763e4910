//! `BODY[section]`: which octets it names.
//!
//! A [`Section`] resolves to a [`Span`] of the stored message, and to nothing where there is no such part.
//! HEADER.FIELDS is the one section that is no span: it is what [`Fields::filter`] leaves of a header's span.

use crate::header;
use crate::part::{Encoding, Kind, PartTable, Span};

/// A section of a message (RFC 9051, 6.4.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The part's number, `4.2.1` for example; empty for the message itself.
    pub path: Vec<u32>,
    /// What of the part.
    pub text: SectionText,
}

/// What of a part is asked for (RFC 9051, 9: section-text).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionText {
    /// Nothing further: the part's body, or the whole message for an empty path.
    All,
    /// `HEADER`: the header of the message, or of the message enclosed at the path.
    Header,
    /// `TEXT`: its body.
    Text,
    /// `MIME`: the part's own header. It needs a path.
    Mime,
    /// `HEADER.FIELDS` or `HEADER.FIELDS.NOT`.
    Fields(Fields),
}

/// What `BINARY[part]` decodes (RFC 9051, 6.4.5; RFC 3516, 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The octets as they are stored.
    pub span: Span,
    /// How they are encoded.
    pub encoding: Encoding,
}

impl Content {
    /// The content of the part that is numbered `path`, or nothing where there is no such part.
    ///
    /// Only a leaf has an encoding. A message, whole (an empty path) or enclosed, and a multipart are their octets as
    /// they stand: "no encoding other than 7bit, 8bit, or binary is permitted" for them (RFC 2045, 6.4), and what is
    /// encoded are the leaves in them, each in its own way. RFC 9051 has a client ask for leaves only.
    #[must_use]
    pub fn find(table: &PartTable, path: &[u32]) -> Option<Self> {
        if path.is_empty() {
            let whole = Section { path: Vec::new(), text: SectionText::All }.resolve(table)?;
            return Some(Self { span: whole, encoding: Encoding::Identity });
        }
        let part = table.get(table.find(path)?)?;
        let is_leaf = matches!(part.kind, Kind::Leaf | Kind::Text);
        Some(Self { span: part.body, encoding: if is_leaf { part.encoding } else { Encoding::Identity } })
    }
}

/// Which fields of a header are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    /// Those with one of these names, letter case aside.
    Only(Vec<Box<[u8]>>),
    /// All but those.
    Except(Vec<Box<[u8]>>),
}

impl Section {
    /// The octets that the section names, or that it is a selection of ([`SectionText::Fields`]).
    #[must_use]
    pub fn resolve(&self, table: &PartTable) -> Option<Span> {
        match &self.text {
            SectionText::All if self.path.is_empty() => {
                let message = table.get(0)?;
                Some(Span { start: message.header.start, end: message.body.end })
            }
            SectionText::All => Some(table.get(table.find(&self.path)?)?.body),
            SectionText::Mime if self.path.is_empty() => None,
            SectionText::Mime => Some(table.get(table.find(&self.path)?)?.header),
            SectionText::Text => Some(table.get(table.find_message(&self.path)?)?.body),
            SectionText::Header | SectionText::Fields(_) => {
                Some(table.get(table.find_message(&self.path)?)?.header)
            }
        }
    }
}

impl Fields {
    /// The wanted fields of a header block, with their continuation lines and as they are stored, and the blank
    /// line: "the blank line is included in all header fetches, except in the case of a message that has no
    /// body and no blank line" (RFC 9051, 6.4.5.1).
    #[must_use]
    pub fn filter(&self, block: &[u8]) -> Vec<u8> {
        let names = self.sorted_names();
        let wanted = matches!(self, Self::Only(_));
        let mut out = Vec::new();
        for field in header::fields(block) {
            if names.binary_search(&field.name.to_ascii_lowercase()).is_ok() == wanted {
                out.extend_from_slice(field.raw);
            }
        }
        out.extend_from_slice(header::blank_line(block));
        out
    }

    /// Sorted, because client and sender may each bring many.
    fn sorted_names(&self) -> Vec<Vec<u8>> {
        let (Self::Only(names) | Self::Except(names)) = self;
        let mut names: Vec<Vec<u8>> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names
    }
}
