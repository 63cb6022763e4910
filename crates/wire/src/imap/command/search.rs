//! SEARCH (RFC 9051, 6.4.4; RFC 3501, 6.4.4) with MODSEQ (RFC 7162, 3.1.5), RETURN (RFC 4731),
//! SAVEDBEFORE and its like (RFC 8514, 4.3), EMAILID and THREADID (RFC 8474, 6).

use super::super::date::Day;
use super::super::error::{Fault, Reason};
use super::super::input::{Input, MAX_LIST_MEMBERS, MAX_NESTING, is_atom_char};
use super::super::sequence_set::SequenceSet;
use super::{Numbering, flags, select};
use std::borrow::Cow;
use terms::{Flag, Keyword, ModSeq};

/// Which messages are sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search<'a> {
    /// What the numbers in the *reply* mean; a bare set in the keys is always of sequence numbers.
    pub numbering: Numbering,
    /// What to tell; `None` for the plain SEARCH reply, `RETURN ()` is `[All]` (RFC 4731, 3.1).
    pub returns: Option<Vec<SearchReturn>>,
    /// The charset of the strings; `None` is US-ASCII, read as UTF-8 where it is not (neomutt).
    pub charset: Option<Cow<'a, str>>,
    /// All of these.
    pub keys: Vec<SearchKey<'a>>,
}

/// A result option (RFC 9051, 6.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchReturn {
    /// The lowest number.
    Min,
    /// The highest number.
    Max,
    /// All numbers.
    All,
    /// How many.
    Count,
    /// Keep the result for `$` (RFC 5182).
    Save,
}

/// A condition that a message meets or does not. Strings are octets in the search's charset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SearchKey<'a> {
    /// ALL
    All,
    /// A bare sequence-set: positions.
    Sequence(SequenceSet),
    /// UID
    Uid(SequenceSet),
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
    /// OR
    Or(Box<(Self, Self)>),
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

pub(super) fn read<'a>(input: &mut Input<'a>, numbering: Numbering) -> Result<Search<'a>, Fault> {
    input.space()?;
    let returns = read_returns(input)?;
    let charset = if input.keyword("CHARSET") { Some(charset(input)?) } else { None };
    let keys = Program { left: MAX_LIST_MEMBERS }.keys(input, MAX_NESTING)?;
    Ok(Search { numbering, returns, charset, keys })
}

/// RFC 5256, 5: `search-criteria = charset 1*(SP search-key)`, with the space in front.
pub(super) fn read_criteria<'a>(input: &mut Input<'a>, numbering: Numbering) -> Result<Search<'a>, Fault> {
    let charset = Some(charset(input)?);
    let keys = Program { left: MAX_LIST_MEMBERS }.keys(input, MAX_NESTING)?;
    Ok(Search { numbering, returns: None, charset, keys })
}

/// `["RETURN" SP "(" options ")" SP]`
pub(super) fn read_returns(input: &mut Input<'_>) -> Result<Option<Vec<SearchReturn>>, Fault> {
    if input.keyword("RETURN") { returns(input).map(Some) } else { Ok(None) }
}

fn returns(input: &mut Input<'_>) -> Result<Vec<SearchReturn>, Fault> {
    input.space()?;
    let mut options = input.list("Expected result options in parentheses", |input| {
        let at = input.at();
        match input.atom("Expected a result option")?.to_ascii_uppercase().as_str() {
            "MIN" => Ok(SearchReturn::Min),
            "MAX" => Ok(SearchReturn::Max),
            "ALL" => Ok(SearchReturn::All),
            "COUNT" => Ok(SearchReturn::Count),
            "SAVE" => Ok(SearchReturn::Save),
            _ => Err(input.fault_at(at, "Result options are MIN, MAX, ALL, COUNT and SAVE")),
        }
    })?;
    if options.is_empty() {
        options.push(SearchReturn::All);
    }
    input.space()?;
    Ok(options)
}

fn charset<'a>(input: &mut Input<'a>) -> Result<Cow<'a, str>, Fault> {
    input.space()?;
    let charset = input.text("Expected the name of a charset")?;
    input.space()?;
    Ok(charset)
}

/// Reads keys, counting them: a program has a bounded size as well as a bounded depth.
struct Program {
    left: usize,
}

impl Program {
    fn keys<'a>(&mut self, input: &mut Input<'a>, depth: usize) -> Result<Vec<SearchKey<'a>>, Fault> {
        let mut keys = vec![self.key(input, depth)?];
        while input.take(b' ') {
            keys.push(self.key(input, depth)?);
        }
        Ok(keys)
    }

    fn key<'a>(&mut self, input: &mut Input<'a>, depth: usize) -> Result<SearchKey<'a>, Fault> {
        let inside = depth.checked_sub(1).ok_or_else(|| input.limit("This search nests too deeply"))?;
        self.left = self.left.checked_sub(1).ok_or_else(|| input.limit("This search has too many keys"))?;
        match input.peek() {
            Some(b'(') => self.group(input, inside),
            Some(b'0'..=b'9' | b'*' | b'$') => SequenceSet::read(input).map(SearchKey::Sequence),
            _ => self.named(input, inside),
        }
    }

    fn group<'a>(&mut self, input: &mut Input<'a>, inside: usize) -> Result<SearchKey<'a>, Fault> {
        input.expect(b'(', "Expected '('")?;
        let keys = self.keys(input, inside)?;
        input.expect(b')', "Expected a space and another search key, or ')'")?;
        Ok(SearchKey::And(keys))
    }

    fn named<'a>(&mut self, input: &mut Input<'a>, inside: usize) -> Result<SearchKey<'a>, Fault> {
        let at = input.at();
        let name = input.word(is_atom_char).to_ascii_uppercase();
        match name.as_str() {
            "NOT" => self.argument(input, inside).map(|key| SearchKey::Not(Box::new(key))),
            "OR" => {
                let first = self.argument(input, inside)?;
                let second = self.argument(input, inside)?;
                Ok(SearchKey::Or(Box::new((first, second))))
            }
            name => leaf(input, at, name),
        }
    }

    fn argument<'a>(&mut self, input: &mut Input<'a>, inside: usize) -> Result<SearchKey<'a>, Fault> {
        input.space()?;
        self.key(input, inside)
    }
}

/// A key that holds no other.
fn leaf<'a>(input: &mut Input<'a>, at: usize, name: &str) -> Result<SearchKey<'a>, Fault> {
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
const UNOFFERED: &[&str] = &["FILTER", "FUZZY", "OLDER", "YOUNGER"];

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

fn uid<'a>(input: &mut Input<'a>) -> Result<SearchKey<'a>, Fault> {
    input.space()?;
    SequenceSet::read(input).map(SearchKey::Uid)
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
