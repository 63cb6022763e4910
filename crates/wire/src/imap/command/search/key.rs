//! Search keys (RFC 9051, 6.4.4; RFC 3501, 6.4.4), MODSEQ (RFC 7162, 3.1.5), OLDER and YOUNGER (RFC 5032),
//! SAVEDBEFORE and its like (RFC 8514, 4.3), EMAILID and THREADID (RFC 8474, 6).

use super::super::super::date::Day;
use super::super::super::error::{Fault, Reason};
use super::super::super::input::Input;
use super::super::super::sequence_set::MessageSet;
use super::super::{flags, select};
use std::borrow::Cow;
use std::num::NonZeroU32;
use terms::{Flag, Keyword, ModSeq};

/// A condition that a message meets or does not. Strings are octets in the search's charset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SearchKey<'a> {
    /// ALL
    All,
    /// A bare sequence-set: positions.
    Sequence(MessageSet),
    /// UID
    Uid(MessageSet),
    /// ANSWERED, FLAGGED, ... and KEYWORD: has the flag.
    Flag(Flag),
    /// UNANSWERED, UNFLAGGED, ... and UNKEYWORD: lacks the flag.
    NoFlag(Flag),
    /// RECENT
    Recent,
    /// OLD: not RECENT.
    Old,
    /// NEW: RECENT and UNSEEN.
    New,
    /// BEFORE: INTERNALDATE's day is earlier.
    Before(Day),
    /// ON: INTERNALDATE's day is this.
    On(Day),
    /// SINCE: INTERNALDATE's day is this or later.
    Since(Day),
    /// SENTBEFORE, of the Date field.
    SentBefore(Day),
    /// SENTON
    SentOn(Day),
    /// SENTSINCE
    SentSince(Day),
    /// OLDER: INTERNALDATE is so many seconds ago, or more (RFC 5032).
    Older(NonZeroU32),
    /// YOUNGER: INTERNALDATE is so many seconds ago, or less.
    Younger(NonZeroU32),
    /// LARGER: more octets than.
    Larger(u64),
    /// SMALLER: fewer octets than.
    Smaller(u64),
    /// BCC
    Bcc(Cow<'a, [u8]>),
    /// CC
    Cc(Cow<'a, [u8]>),
    /// FROM
    From(Cow<'a, [u8]>),
    /// SUBJECT
    Subject(Cow<'a, [u8]>),
    /// TO
    To(Cow<'a, [u8]>),
    /// BODY
    Body(Cow<'a, [u8]>),
    /// TEXT: header or body.
    Text(Cow<'a, [u8]>),
    /// HEADER: a field and a substring of it; empty for any message that has the field.
    Header(Cow<'a, [u8]>, Cow<'a, [u8]>),
    /// MODSEQ: changed at or after.
    ModSeq {
        /// At or after.
        mod_seq: ModSeq,
        /// Only of one flag; a server that keeps one MODSEQ a message ignores it (RFC 7162, 3.1.5).
        entry: Option<(Flag, EntryKind)>,
    },
    /// SAVEDBEFORE: the day on which it came into this mailbox is earlier.
    SavedBefore(Day),
    /// SAVEDON
    SavedOn(Day),
    /// SAVEDSINCE
    SavedSince(Day),
    /// SAVEDATESUPPORTED: every message of a mailbox that knows when its messages came.
    SaveDateSupported,
    /// EMAILID: has this object id.
    EmailId(&'a str),
    /// THREADID: belongs to the thread of this object id.
    ThreadId(&'a str),
    /// NOT
    Not(Box<Self>),
    /// OR: at least one of these. A chain of ORs is one.
    Or(Vec<Self>),
    /// A parenthesised list: all of these.
    And(Vec<Self>),
}

/// RFC 7162, 7: entry-type-req.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// `priv`
    Private,
    /// `shared`
    Shared,
    /// `all`
    All,
}

/// A key that holds no other.
pub(super) fn leaf<'a>(input: &mut Input<'a>, at: usize, name: &str) -> Result<SearchKey<'a>, Fault> {
    if let Some(key) = flag_key(name) {
        return Ok(key);
    }
    match name {
        "KEYWORD" => keyword(input).map(|keyword| SearchKey::Flag(Flag::Keyword(keyword))),
        "UNKEYWORD" => keyword(input).map(|keyword| SearchKey::NoFlag(Flag::Keyword(keyword))),
        "BEFORE" => day(input).map(SearchKey::Before),
        "ON" => day(input).map(SearchKey::On),
        "SINCE" => day(input).map(SearchKey::Since),
        "SENTBEFORE" => day(input).map(SearchKey::SentBefore),
        "SENTON" => day(input).map(SearchKey::SentOn),
        "SENTSINCE" => day(input).map(SearchKey::SentSince),
        "LARGER" => size(input).map(SearchKey::Larger),
        "SMALLER" => size(input).map(SearchKey::Smaller),
        "BCC" => string(input).map(SearchKey::Bcc),
        "CC" => string(input).map(SearchKey::Cc),
        "FROM" => string(input).map(SearchKey::From),
        "SUBJECT" => string(input).map(SearchKey::Subject),
        "TO" => string(input).map(SearchKey::To),
        "BODY" => string(input).map(SearchKey::Body),
        "TEXT" => string(input).map(SearchKey::Text),
        "HEADER" => Ok(SearchKey::Header(string(input)?, string(input)?)),
        "OLDER" => interval(input).map(SearchKey::Older),
        "YOUNGER" => interval(input).map(SearchKey::Younger),
        "UID" => uid(input),
        "MODSEQ" => mod_seq(input),
        "SAVEDBEFORE" => day(input).map(SearchKey::SavedBefore),
        "SAVEDON" => day(input).map(SearchKey::SavedOn),
        "SAVEDSINCE" => day(input).map(SearchKey::SavedSince),
        "SAVEDATESUPPORTED" => Ok(SearchKey::SaveDateSupported),
        "EMAILID" => object_id(input).map(SearchKey::EmailId),
        "THREADID" => object_id(input).map(SearchKey::ThreadId),
        _ => Err(unknown(input, at, name)),
    }
}

fn flag_key(name: &str) -> Option<SearchKey<'static>> {
    Some(match name {
        "ALL" => SearchKey::All,
        "ANSWERED" => SearchKey::Flag(Flag::Answered),
        "DELETED" => SearchKey::Flag(Flag::Deleted),
        "DRAFT" => SearchKey::Flag(Flag::Draft),
        "FLAGGED" => SearchKey::Flag(Flag::Flagged),
        "SEEN" => SearchKey::Flag(Flag::Seen),
        "UNANSWERED" => SearchKey::NoFlag(Flag::Answered),
        "UNDELETED" => SearchKey::NoFlag(Flag::Deleted),
        "UNDRAFT" => SearchKey::NoFlag(Flag::Draft),
        "UNFLAGGED" => SearchKey::NoFlag(Flag::Flagged),
        "UNSEEN" => SearchKey::NoFlag(Flag::Seen),
        "NEW" => SearchKey::New,
        "OLD" => SearchKey::Old,
        "RECENT" => SearchKey::Recent,
        _ => return None,
    })
}

/// Keys of extensions that are not offered.
const UNOFFERED: &[&str] = &["FILTER", "FUZZY"];

fn unknown(input: &Input<'_>, at: usize, name: &str) -> Fault {
    match UNOFFERED.iter().find(|known| **known == name) {
        Some(known) => Fault { at, reason: Reason::NotOffered(known) },
        None => input.fault_at(at, "Expected a search key such as UNSEEN or SUBJECT"),
    }
}

fn string<'a>(input: &mut Input<'a>) -> Result<Cow<'a, [u8]>, Fault> {
    input.space()?;
    input.astring("Expected a string to search for")
}

fn keyword(input: &mut Input<'_>) -> Result<Keyword, Fault> {
    input.space()?;
    flags::keyword(input)
}

fn day(input: &mut Input<'_>) -> Result<Day, Fault> {
    input.space()?;
    Day::read(input)
}

fn size(input: &mut Input<'_>) -> Result<u64, Fault> {
    input.space()?;
    input.number64("Expected a size in octets")
}

/// RFC 5032, 3: an nz-number of seconds.
fn interval(input: &mut Input<'_>) -> Result<NonZeroU32, Fault> {
    input.space()?;
    let at = input.at();
    let seconds = input.digits().and_then(|n| u32::try_from(n).ok()).and_then(NonZeroU32::new);
    seconds.ok_or_else(|| input.fault_at(at, "Expected an interval in seconds"))
}

fn uid<'a>(input: &mut Input<'a>) -> Result<SearchKey<'a>, Fault> {
    input.space()?;
    MessageSet::read(input).map(SearchKey::Uid)
}

/// Longest object id, in octets (RFC 8474, 7).
const MAX_OBJECT_ID_OCTETS: usize = 255;

/// `1*255(ALPHA / DIGIT / "_" / "-")`
fn object_id<'a>(input: &mut Input<'a>) -> Result<&'a str, Fault> {
    input.space()?;
    let at = input.at();
    let id = input.word(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-'));
    let fits = (1..=MAX_OBJECT_ID_OCTETS).contains(&id.len());
    if fits { Ok(id) } else { Err(input.fault_at(at, "Expected an object id: letters, digits, '_' and '-'")) }
}

/// `"MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer`
fn mod_seq<'a>(input: &mut Input<'a>) -> Result<SearchKey<'a>, Fault> {
    input.space()?;
    let entry = if input.peek() == Some(b'"') { Some(entry(input)?) } else { None };
    select::mod_seq(input).map(|mod_seq| SearchKey::ModSeq { mod_seq, entry })
}

/// `entry-flag-name SP entry-type-req`; the only entries that there are, are flags.
fn entry(input: &mut Input<'_>) -> Result<(Flag, EntryKind), Fault> {
    const WHAT: &str = "Expected an entry such as \"/flags/\\\\Seen\"";
    let at = input.at();
    let name = input.string(WHAT)?;
    let flag = name.strip_prefix(b"/flags/").and_then(flags::one);
    let flag = flag.ok_or_else(|| input.fault_at(at, WHAT))?;
    input.space()?;
    let at = input.at();
    let kind = match input.atom("Expected priv, shared or all")?.to_ascii_lowercase().as_str() {
        "priv" => EntryKind::Private,
        "shared" => EntryKind::Shared,
        "all" => EntryKind::All,
        _ => return Err(input.fault_at(at, "Expected priv, shared or all")),
    };
    input.space()?;
    Ok((flag, kind))
}
