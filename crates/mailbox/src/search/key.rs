//! Search keys.

use super::needle::Needle;
use std::fmt;
use terms::{EmailId, Flag, ModSeq, ThreadId, UidSet};

/// A search key. What is missing here is made of these:
///
/// | RFC 9051, RFC 3501 | here |
/// |---|---|
/// | `ANSWERED` `DELETED` `DRAFT` `FLAGGED` `SEEN` `KEYWORD` | `Flag` |
/// | `UNANSWERED` ... `UNKEYWORD` | `Not(Flag)` |
/// | `RECENT`, `OLD`, `NEW` | `Recent`, `Not(Recent)`, [`Key::new_messages`] |
/// | `BEFORE` `ON` `SINCE` | `InternalDate` |
/// | `SENTBEFORE` `SENTON` `SENTSINCE` | `SentDate` |
/// | `SAVEDBEFORE` `SAVEDON` `SAVEDSINCE` (RFC 8514) | `SaveDate` |
/// | `SAVEDATESUPPORTED` | `And` of nothing |
/// | `OLDER` `YOUNGER` (RFC 5032) | `Arrived` |
/// | `BCC` `CC` `FROM` `SUBJECT` `TO` `HEADER` | `Header` |
/// | a sequence set | `Uid`, with the UIDs that the session's view has at these numbers |
/// | a parenthesised list, `ALL` | `And`, of nothing for `ALL` |
#[derive(Debug)]
pub enum Key {
    /// All of these hold.
    And(Vec<Self>),
    /// At least one of these holds.
    Or(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// The message has the flag.
    Flag(Flag),
    /// This session was told of the message first (RFC 3501, 2.3.2).
    Recent,
    /// The message's UID is in the set.
    Uid(UidSet),
    /// INTERNALDATE, the date as written "disregarding time and timezone".
    InternalDate(DateTest),
    /// The Date field, likewise.
    SentDate(DateTest),
    /// The day on which it came into this mailbox, in universal time (RFC 8514, 4.3).
    SaveDate(DateTest),
    /// It has this identity (RFC 8474, 5.1).
    Email(EmailId),
    /// It belongs to this thread (RFC 8474, 5.2).
    Thread(ThreadId),
    /// INTERNALDATE, to the second.
    Arrived(ArrivalTest),
    /// RFC822.SIZE is larger.
    Larger(u64),
    /// RFC822.SIZE is smaller.
    Smaller(u64),
    /// The MODSEQ is this or a later one (RFC 7162, 3.1.5). Every change counts, whatever entry is named: we keep
    /// one MODSEQ a message.
    ModSeq(ModSeq),
    /// A header field has the string.
    Header(HeaderTest),
    /// The text parts have the string.
    Body(Needle),
    /// Header, MIME headers or text parts have the string.
    Text(Needle),
}

impl Key {
    /// `ALL`.
    #[must_use]
    pub const fn all() -> Self {
        Self::And(Vec::new())
    }

    /// `NEW`: "functionally equivalent to (RECENT UNSEEN)" (RFC 3501, 6.4.4).
    #[must_use]
    pub fn new_messages() -> Self {
        Self::And(vec![Self::Recent, Self::Flag(Flag::Seen).negated()])
    }

    /// `NOT`.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }
}

/// A date compared with a day, both counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateTest {
    /// Earlier than that day.
    Before(i64),
    /// That day.
    On(i64),
    /// That day or later.
    Since(i64),
}

impl DateTest {
    /// Whether a date fits. A message without a Date field that can be read fits none.
    #[must_use]
    pub fn holds(self, day: Option<i64>) -> bool {
        day.is_some_and(|day| match self {
            Self::Before(wanted) => day < wanted,
            Self::On(wanted) => day == wanted,
            Self::Since(wanted) => day >= wanted,
        })
    }
}

/// A time compared with a moment, both in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalTest {
    /// Then or later.
    Since(i64),
    /// Then or earlier.
    Until(i64),
}

impl ArrivalTest {
    /// Whether a time fits.
    #[must_use]
    pub const fn holds(self, seconds: i64) -> bool {
        match self {
            Self::Since(wanted) => seconds >= wanted,
            Self::Until(wanted) => seconds <= wanted,
        }
    }
}

/// The name of a header field, equal in any case.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldName(Box<str>);

impl FieldName {
    /// Longest name, in octets: a line of a message has no more (RFC 5322, 2.1.1).
    pub const MAX_OCTETS: usize = 998;

    /// A name as RFC 5322, 2.2 has it; `None` for what no field can be called.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_OCTETS).contains(&text.len());
        let named = text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':');
        (fits && named).then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// In lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A header field and what to find in it.
#[derive(Debug)]
pub struct HeaderTest {
    /// Which field.
    pub field: FieldName,
    /// What to find; the empty string is in every field that is there.
    pub needle: Needle,
}

impl HeaderTest {
    /// Whether one of the fields of that name has it. `values` are decoded, unfolded, "what comes after the colon".
    #[must_use]
    pub fn holds<'v>(&self, mut values: impl Iterator<Item = &'v str>) -> bool {
        values.any(|value| self.needle.is_in(value))
    }
}
