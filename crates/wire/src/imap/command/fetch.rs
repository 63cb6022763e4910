//! FETCH (RFC 9051, 6.4.5; RFC 3501, 6.4.5) with CHANGEDSINCE and VANISHED (RFC 7162, 3.1.4 and 3.2.6), PARTIAL
//! (RFC 9394, 3.3), SAVEDATE (RFC 8514), EMAILID and THREADID (RFC 8474), BINARY (RFC 3516, 4.2; RFC 9051, 6.4.5)
//! and PREVIEW (RFC 8970).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::section::{PartNumber, Section, read_part};
use super::super::sequence_set::MessageSet;
use super::results::PartialRange;
use super::{Numbering, select};
use std::num::NonZeroU64;
use terms::ModSeq;

/// Which messages, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch<'a> {
    /// What the numbers mean.
    pub numbering: Numbering,
    /// Which messages.
    pub set: MessageSet,
    /// What of each, in the client's order; ALL, FAST and FULL are spelled out.
    pub items: Vec<FetchItem<'a>>,
    /// Only some of the messages, by their places among those that the set names.
    pub range: Option<PartialRange>,
    /// Of those, only messages that changed since.
    pub changed_since: Option<ChangedSince>,
}

/// The CHANGEDSINCE modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChangedSince {
    /// Since when; iOS sends 0, which RFC 7162's grammar does not have: everything.
    pub mod_seq: ModSeq,
    /// Whether expunges since are told too.
    pub vanished: Vanished,
}

/// The VANISHED modifier (RFC 7162, 3.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vanished {
    /// Not asked for.
    Untold,
    /// Asked for: UID FETCH only, with CHANGEDSINCE only.
    Told,
}

/// A data item of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FetchItem<'a> {
    /// ENVELOPE
    Envelope,
    /// FLAGS
    Flags,
    /// INTERNALDATE
    InternalDate,
    /// RFC822.SIZE
    Rfc822Size,
    /// BODY: BODYSTRUCTURE without extension data.
    Body,
    /// BODYSTRUCTURE
    BodyStructure,
    /// UID
    Uid,
    /// MODSEQ (RFC 7162)
    ModSeq,
    /// SAVEDATE (RFC 8514)
    SaveDate,
    /// EMAILID (RFC 8474)
    EmailId,
    /// THREADID (RFC 8474)
    ThreadId,
    /// PREVIEW (RFC 8970)
    Preview(Urgency),
    /// RFC822: `BODY[]` under its old name (RFC 3501).
    Rfc822,
    /// RFC822.HEADER: `BODY.PEEK[HEADER]` under its old name.
    Rfc822Header,
    /// RFC822.TEXT: `BODY[TEXT]` under its old name.
    Rfc822Text,
    /// `BODY[...]` and `BODY.PEEK[...]`
    Section {
        /// Which section.
        section: Section<'a>,
        /// Which octets of it; `None` for all.
        partial: Option<Partial>,
        /// Whether `\Seen` is set by it.
        peek: Peek,
    },
    /// `BINARY[...]` and `BINARY.PEEK[...]`: the section without its transfer encoding.
    Binary {
        /// Which part.
        part: PartNumber,
        /// Which octets of what was decoded; `None` for all.
        partial: Option<Partial>,
        /// Whether `\Seen` is set by it.
        peek: Peek,
    },
    /// `BINARY.SIZE[...]`: how many octets `BINARY[...]` has.
    BinarySize(PartNumber),
}

/// How much a preview may cost (RFC 8970, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// LAZY: nothing that would take time.
    Lazy,
    /// What it takes.
    Now,
}

/// `<offset.length>`. The sum may exceed 64 bits: use [`Partial::end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partial {
    /// The first octet wanted, counted from 0.
    pub offset: u64,
    /// How many at most.
    pub length: NonZeroU64,
}

impl Partial {
    /// The octet behind the last that is wanted, in something `size` octets long: never beyond its end.
    #[must_use]
    pub fn end(self, size: u64) -> u64 {
        self.offset.saturating_add(self.length.get()).min(size)
    }
}

/// What reading a section does to `\Seen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peek {
    /// `BODY.PEEK[...]`: nothing.
    Peek,
    /// `BODY[...]`: it is set.
    SetSeen,
}

const ALL: &[FetchItem<'static>] =
    &[FetchItem::Flags, FetchItem::InternalDate, FetchItem::Rfc822Size, FetchItem::Envelope];
const FAST: &[FetchItem<'static>] = &[FetchItem::Flags, FetchItem::InternalDate, FetchItem::Rfc822Size];
const FULL: &[FetchItem<'static>] =
    &[FetchItem::Flags, FetchItem::InternalDate, FetchItem::Rfc822Size, FetchItem::Envelope, FetchItem::Body];

/// Items that are a name and nothing else. BODY is tried last: it may have a section.
const PLAIN: &[(&str, FetchItem<'static>)] = &[
    ("BODYSTRUCTURE", FetchItem::BodyStructure),
    ("EMAILID", FetchItem::EmailId),
    ("ENVELOPE", FetchItem::Envelope),
    ("FLAGS", FetchItem::Flags),
    ("INTERNALDATE", FetchItem::InternalDate),
    ("MODSEQ", FetchItem::ModSeq),
    ("RFC822", FetchItem::Rfc822),
    ("RFC822.HEADER", FetchItem::Rfc822Header),
    ("RFC822.SIZE", FetchItem::Rfc822Size),
    ("RFC822.TEXT", FetchItem::Rfc822Text),
    ("SAVEDATE", FetchItem::SaveDate),
    ("THREADID", FetchItem::ThreadId),
    ("UID", FetchItem::Uid),
];

/// Items of extensions that are not offered: a NO keeps their clients going.
const UNOFFERED: &[&str] = &["SNIPPET", "X-GM-LABELS", "X-GM-MSGID", "X-GM-THRID"];

pub(super) fn read<'a>(input: &mut Input<'a>, numbering: Numbering) -> Result<Fetch<'a>, Fault> {
    input.space()?;
    let set = MessageSet::read(input)?;
    input.space()?;
    let items = items(input)?;
    let Modifiers { range, changed_since } =
        if input.take(b' ') { modifiers(input, numbering)? } else { Modifiers::default() };
    Ok(Fetch { numbering, set, items, range, changed_since })
}

fn items<'a>(input: &mut Input<'a>) -> Result<Vec<FetchItem<'a>>, Fault> {
    for (name, macro_items) in [("ALL", ALL), ("FAST", FAST), ("FULL", FULL)] {
        if input.keyword(name) {
            return Ok(macro_items.to_vec());
        }
    }
    if input.peek() == Some(b'(') {
        return input.filled_list("Expected data items in parentheses", item);
    }
    item(input).map(|item| vec![item])
}

fn item<'a>(input: &mut Input<'a>) -> Result<FetchItem<'a>, Fault> {
    let at = input.at();
    let name = input.word(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-'));
    if input.peek() == Some(b'[') {
        return bracketed(input, at, name);
    }
    if name.eq_ignore_ascii_case("BODY") {
        return Ok(FetchItem::Body);
    }
    if name.eq_ignore_ascii_case("PREVIEW") {
        return preview(input).map(FetchItem::Preview);
    }
    match PLAIN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, item)) => Ok(item.clone()),
        None => Err(unknown(input, at, name)),
    }
}

/// `[SP "(" preview-mod *(SP preview-mod) ")"]`: LAZY is all that there is. What else is in parentheses there belongs to
/// FETCH.
fn preview(input: &mut Input<'_>) -> Result<Urgency, Fault> {
    let mut probe = input.clone();
    if !(probe.take(b' ') && probe.take(b'(') && probe.keyword("LAZY")) {
        return Ok(Urgency::Now);
    }
    input.space()?;
    input.filled_list("Expected LAZY in parentheses", |input| {
        let lazy = input.keyword("LAZY");
        lazy.then_some(()).ok_or_else(|| input.fault("LAZY is the one modifier of PREVIEW"))
    })?;
    Ok(Urgency::Lazy)
}

fn unknown(input: &Input<'_>, at: usize, name: &str) -> Fault {
    match UNOFFERED.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        Some(known) => input.not_offered(known),
        None => input.fault_at(at, "Expected a data item such as FLAGS or BODY[HEADER]"),
    }
}

fn bracketed<'a>(input: &mut Input<'a>, at: usize, name: &str) -> Result<FetchItem<'a>, Fault> {
    match name.to_ascii_uppercase().as_str() {
        "BODY" => section(input, Peek::SetSeen),
        "BODY.PEEK" => section(input, Peek::Peek),
        "BINARY" => binary(input, Peek::SetSeen),
        "BINARY.PEEK" => binary(input, Peek::Peek),
        "BINARY.SIZE" => read_part(input).map(FetchItem::BinarySize),
        _ => Err(input.fault_at(at, "Only BODY and BINARY have a section")),
    }
}

fn section<'a>(input: &mut Input<'a>, peek: Peek) -> Result<FetchItem<'a>, Fault> {
    Ok(FetchItem::Section { section: Section::read(input)?, partial: partial(input)?, peek })
}

fn binary<'a>(input: &mut Input<'a>, peek: Peek) -> Result<FetchItem<'a>, Fault> {
    Ok(FetchItem::Binary { part: read_part(input)?, partial: partial(input)?, peek })
}

/// `["<" number64 "." nz-number64 ">"]`
fn partial(input: &mut Input<'_>) -> Result<Option<Partial>, Fault> {
    const WHAT: &str = "Expected an offset and a length, such as <0.4096>";
    if !input.take(b'<') {
        return Ok(None);
    }
    let offset = input.number64(WHAT)?;
    input.expect(b'.', WHAT)?;
    let at = input.at();
    let length = NonZeroU64::new(input.number64(WHAT)?);
    let length = length.ok_or_else(|| input.fault_at(at, "The length of a partial FETCH counts from 1"))?;
    input.expect(b'>', WHAT)?;
    Ok(Some(Partial { offset, length }))
}

#[derive(Default)]
struct Modifiers {
    range: Option<PartialRange>,
    changed_since: Option<ChangedSince>,
}

fn modifiers(input: &mut Input<'_>, numbering: Numbering) -> Result<Modifiers, Fault> {
    let at = input.at();
    let (mut range, mut mod_seq, mut vanished) = (None, None, Vanished::Untold);
    input.filled_list("Expected CHANGEDSINCE or PARTIAL in parentheses", |input| {
        if input.keyword("CHANGEDSINCE") {
            input.space()?;
            mod_seq = Some(select::mod_seq(input)?);
            return Ok(());
        }
        if input.keyword("PARTIAL") {
            input.space()?;
            range = Some(PartialRange::read(input)?);
            return Ok(());
        }
        if input.keyword("VANISHED") {
            vanished = Vanished::Told;
            return Ok(());
        }
        Err(input.fault("Expected CHANGEDSINCE, PARTIAL or VANISHED"))
    })?;
    // RFC 7162, 3.2.6: VANISHED without CHANGEDSINCE, or outside UID FETCH, is BAD.
    if vanished == Vanished::Told && (mod_seq.is_none() || numbering == Numbering::Sequence) {
        return Err(input.fault_at(at, "VANISHED needs UID FETCH and CHANGEDSINCE"));
    }
    // RFC 9394, 3.3: it extends the UID FETCH command.
    if range.is_some() && numbering == Numbering::Sequence {
        return Err(input.fault_at(at, "PARTIAL needs UID FETCH"));
    }
    let changed_since = mod_seq.map(|mod_seq| ChangedSince { mod_seq, vanished });
    Ok(Modifiers { range, changed_since })
}
