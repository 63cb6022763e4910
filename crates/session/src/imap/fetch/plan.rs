//! What a FETCH asks for, put so that telling it is easy.

use super::binary::Binary;
use super::body::wanted;
use mailbox::Naming;
use message::{Encoding, Fields, PartTable, SectionText, Span};
use std::collections::HashSet;
use std::mem::{Discriminant, discriminant};
use std::num::NonZeroU32;
use wire::imap::Numbering;
use wire::imap::command::{Fetch, FetchItem, Partial, Peek};
use wire::imap::reply::FetchLine;
use wire::imap::{Section as Named, SectionText as NamedText};

/// The items of a FETCH, in the client's order.
pub(super) struct Plan<'a> {
    items: Vec<Item<'a>>,
    seen: Peek,
}

/// One item.
pub(super) enum Item<'a> {
    Uid,
    Flags,
    ModSeq,
    InternalDate,
    SaveDate,
    Size,
    EmailId,
    ThreadId,
    Preview,
    Envelope,
    Body,
    BodyStructure,
    Section(Section<'a>),
    Binary(Binary<'a>),
    BinarySize(Binary<'a>),
}

/// A part of a message's octets.
pub(super) struct Section<'a> {
    /// Which octets.
    pub octets: message::Section,
    /// Which of them.
    pub partial: Option<Partial>,
    name: Name<'a>,
}

/// Under which name it is told.
enum Name<'a> {
    Section(&'a Named<'a>),
    Rfc822,
    Rfc822Header,
    Rfc822Text,
}

impl<'a> Plan<'a> {
    pub(super) fn of(fetch: &'a Fetch<'_>, naming: Naming) -> Self {
        let mut told = HashSet::new();
        let mut items: Vec<_> =
            fetch.items.iter().filter(|item| told.insert(answer(item))).map(Item::of).collect();
        // RFC 3501, 6.4.8: a UID FETCH tells the UID, asked or not; a UIDFETCH begins with it (RFC 9586, 3.3).
        let begins_with_uid = naming == Naming::Uids;
        if fetch.numbering == Numbering::Uid
            && !begins_with_uid
            && !items.iter().any(|item| matches!(item, Item::Uid))
        {
            items.insert(0, Item::Uid);
        }
        // RFC 7162, 3.1.4.1: CHANGEDSINCE implies MODSEQ.
        if fetch.changed_since.is_some() && !items.iter().any(|item| matches!(item, Item::ModSeq)) {
            items.push(Item::ModSeq);
        }
        sort_binary(&mut items);
        let sets_seen = fetch.items.iter().any(sets_seen);
        Self { items, seen: if sets_seen { Peek::SetSeen } else { Peek::Peek } }
    }

    pub(super) fn items(&self) -> &[Item<'a>] {
        &self.items
    }

    /// Whether MODSEQs are told: to ask for them enables CONDSTORE (RFC 7162, 3.1).
    pub(super) fn tells_mod_seqs(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::ModSeq))
    }

    /// Whether keywords are told.
    pub(super) fn tells_flags(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Flags))
    }

    /// Whether the mailbox's own columns do not suffice.
    pub(super) fn reads_records(&self) -> bool {
        self.items.iter().any(Item::is_of_record)
    }

    /// Whether nothing is told but what may change of a message.
    pub(super) fn tells_changing_alone(&self) -> bool {
        self.items.iter().all(|item| matches!(item, Item::Uid | Item::Flags | Item::ModSeq))
    }

    /// Whether octets of messages are told.
    pub(super) fn reads_octets(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Section(_) | Item::Binary(_) | Item::BinarySize(_)))
    }

    /// The octets of a message that are read first; `None` where none are.
    pub(super) fn first_octets(&self, table: &PartTable) -> Option<Span> {
        self.items.iter().filter_map(|item| item.octets(table)).find(|span| span.len() > 0)
    }

    /// Whether something is to be decoded that was encoded in a way that nobody knows.
    pub(super) fn meets_unknown_encoding(&self, table: &PartTable) -> bool {
        let contents = self.items.iter().filter_map(|item| match item {
            Item::Binary(binary) | Item::BinarySize(binary) => binary.content(table),
            _ => None,
        });
        contents.into_iter().any(|content| content.encoding == Encoding::Unknown)
    }

    pub(super) fn sets_seen(&self) -> bool {
        self.seen == Peek::SetSeen
    }
}

/// What is decoded changes places among itself, so that no octet is decoded again where once is enough.
fn sort_binary<'a>(items: &mut [Item<'a>]) {
    let binary = |item: &Item<'a>| match item {
        Item::Binary(binary) => Some(binary.clone()),
        _ => None,
    };
    let mut sorted: Vec<_> = items.iter().filter_map(binary).collect();
    Binary::sort(&mut sorted);
    let places = items.iter_mut().filter(|item| matches!(item, Item::Binary(_)));
    places.zip(sorted).for_each(|(place, binary)| *place = Item::Binary(binary));
}

/// RFC822.HEADER does not, RFC822 and RFC822.TEXT do (RFC 3501, 6.4.5).
const fn sets_seen(item: &FetchItem<'_>) -> bool {
    match item {
        FetchItem::Section { peek, .. } | FetchItem::Binary { peek, .. } => matches!(peek, Peek::SetSeen),
        FetchItem::Rfc822 | FetchItem::Rfc822Text => true,
        _ => false,
    }
}

/// Under which name an item is answered: what a client asks for twice is told once. To peek or not makes no
/// difference to the answer.
type Answer<'a> =
    (Discriminant<FetchItem<'a>>, Option<&'a Named<'a>>, Option<&'a [NonZeroU32]>, Option<Partial>);

fn answer<'a>(item: &'a FetchItem<'a>) -> Answer<'a> {
    let kind = discriminant(item);
    match item {
        FetchItem::Section { section, partial, .. } => (kind, Some(section), None, *partial),
        FetchItem::Binary { part, partial, .. } => (kind, None, Some(part), *partial),
        FetchItem::BinarySize(part) => (kind, None, Some(part), None),
        _ => (kind, None, None, None),
    }
}

impl<'a> Item<'a> {
    fn of(item: &'a FetchItem<'_>) -> Self {
        match item {
            FetchItem::Uid => Self::Uid,
            FetchItem::Flags => Self::Flags,
            FetchItem::ModSeq => Self::ModSeq,
            FetchItem::SaveDate => Self::SaveDate,
            FetchItem::EmailId => Self::EmailId,
            FetchItem::ThreadId => Self::ThreadId,
            // RFC 8970, 4.1: a record has it, so no delay is undue; LAZY is given what others are.
            FetchItem::Preview(_) => Self::Preview,
            FetchItem::InternalDate => Self::InternalDate,
            FetchItem::Rfc822Size => Self::Size,
            FetchItem::Envelope => Self::Envelope,
            FetchItem::Body => Self::Body,
            FetchItem::BodyStructure => Self::BodyStructure,
            FetchItem::Rfc822 => Self::old(SectionText::All, Name::Rfc822),
            FetchItem::Rfc822Header => Self::old(SectionText::Header, Name::Rfc822Header),
            FetchItem::Rfc822Text => Self::old(SectionText::Text, Name::Rfc822Text),
            FetchItem::Section { section, partial, .. } => Self::Section(Section {
                octets: octets(section),
                partial: *partial,
                name: Name::Section(section),
            }),
            FetchItem::Binary { part, partial, .. } => Self::Binary(Binary::new(part, *partial)),
            FetchItem::BinarySize(part) => Self::BinarySize(Binary::new(part, None)),
        }
    }

    /// Whether it takes more than the mailbox's own columns.
    pub(super) const fn is_of_record(&self) -> bool {
        !matches!(
            self,
            Self::Uid
                | Self::Flags
                | Self::ModSeq
                | Self::InternalDate
                | Self::SaveDate
                | Self::Size
                | Self::EmailId
        )
    }

    /// The octets of a message that it reads.
    fn octets(&self, table: &PartTable) -> Option<Span> {
        match self {
            Self::Section(section) => Some(wanted(section, section.octets.resolve(table)?)),
            Self::Binary(binary) | Self::BinarySize(binary) => Some(binary.content(table)?.span),
            _ => None,
        }
    }

    const fn old(text: SectionText, name: Name<'a>) -> Self {
        Self::Section(Section { octets: message::Section { path: Vec::new(), text }, partial: None, name })
    }
}

/// A section as the message's part table understands it.
fn octets(named: &Named<'_>) -> message::Section {
    let text = match &named.text {
        None => SectionText::All,
        Some(NamedText::Header) => SectionText::Header,
        Some(NamedText::Text) => SectionText::Text,
        Some(NamedText::Mime) => SectionText::Mime,
        Some(NamedText::HeaderFields(names)) => SectionText::Fields(Fields::Only(owned(names))),
        Some(NamedText::HeaderFieldsNot(names)) => SectionText::Fields(Fields::Except(owned(names))),
    };
    message::Section { path: named.part.iter().copied().map(NonZeroU32::get).collect(), text }
}

fn owned(names: &[std::borrow::Cow<'_, [u8]>]) -> Vec<Box<[u8]>> {
    names.iter().map(|name| name.as_ref().into()).collect()
}

impl Section<'_> {
    pub(super) fn tell_length(&self, line: &mut FetchLine, out: &mut Vec<u8>, octets: u64) {
        match self.name {
            Name::Section(section) => line.section(out, section, self.origin(), octets),
            Name::Rfc822 => line.rfc822(out, octets),
            Name::Rfc822Header => line.rfc822_header(out, octets),
            Name::Rfc822Text => line.rfc822_text(out, octets),
        }
    }

    /// There is no such part. The whole message, its header and its text are always there.
    pub(super) fn tell_absence(&self, line: &mut FetchLine, out: &mut Vec<u8>) {
        match self.name {
            Name::Section(section) => line.section_absent(out, section, self.origin()),
            Name::Rfc822 | Name::Rfc822Header | Name::Rfc822Text => self.tell_length(line, out, 0),
        }
    }

    fn origin(&self) -> Option<u64> {
        self.partial.map(|partial| partial.offset)
    }
}
