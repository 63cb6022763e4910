//! Octets as events: an error for whatever [`Event::encode`] would not have written, never a panic.

use super::encode::{VERSION, kind};
use super::{Appended, Birth, Created, Event, FlagsChanged, NewMessage, Scope};
use crate::codec::{DecodeError, Reader};
use crate::{FlagSet, Flags, Keywords, MAX_EVENT_OCTETS, SystemFlags};
use terms::{AccountId, EmailId, InternalDate, Keyword, UidSet, UidValidity};

type Read<T> = Result<T, DecodeError>;

const fn invalid<T>(what: &'static str) -> Read<T> {
    Err(DecodeError::Invalid(what))
}

impl Event {
    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with the octets.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        if octets.len() > MAX_EVENT_OCTETS {
            return invalid("the event's length");
        }
        let mut r = Reader::new(octets);
        if r.u8()? != VERSION {
            return Err(DecodeError::Unknown);
        }
        let event = match r.u8()? {
            kind::CREATED => Self::Created(read_created(&mut r)?),
            kind::APPENDED => Self::Appended(read_appended(&mut r)?),
            kind::FLAGS_CHANGED => Self::FlagsChanged(read_flags_changed(&mut r)?),
            kind::EXPUNGED => Self::Expunged { uids: read_some(&mut r)? },
            kind::SKIPPED => Self::Skipped { uid_next: r.uid()?, modseq_base: r.modseq()? },
            _ => return Err(DecodeError::Unknown),
        };
        r.end()?;
        Ok(event)
    }
}

fn read_created(r: &mut Reader<'_>) -> Read<Created> {
    Ok(Created {
        stream: r.u32()?,
        owner: AccountId(r.number()?),
        uid_validity: UidValidity::new(r.u32()?).ok_or(DecodeError::Invalid("UIDVALIDITY"))?,
        uid_next: r.uid()?,
        modseq_base: r.modseq()?,
    })
}

/// A set that names at least one message: an event about nothing is not written.
fn read_some(r: &mut Reader<'_>) -> Read<UidSet> {
    let uids = r.uids()?;
    if uids.is_empty() { invalid("an empty UID set") } else { Ok(uids) }
}

fn read_flags_changed(r: &mut Reader<'_>) -> Read<FlagsChanged> {
    let scope = match r.u8()? {
        0 => Scope::Shared,
        1 => Scope::Private(AccountId(r.number()?)),
        _ => return invalid("a scope"),
    };
    Ok(FlagsChanged { scope, uids: read_some(r)?, add: read_flags(r)?, remove: read_flags(r)? })
}

fn read_system(r: &mut Reader<'_>) -> Read<SystemFlags> {
    SystemFlags::from_bits(r.u8()?).ok_or(DecodeError::Invalid("a system flag"))
}

fn read_flags(r: &mut Reader<'_>) -> Read<Flags> {
    let system = read_system(r)?;
    let keywords = read_keywords(r)?;
    Ok(Flags::distinct(system, keywords.iter().cloned().collect()))
}

fn read_keywords(r: &mut Reader<'_>) -> Read<Keywords> {
    let mut keywords = Keywords::default();
    for number in 0..r.count(2)? {
        if usize::from(keywords.meet(&read_keyword(r)?)) != number {
            return invalid("a keyword said twice");
        }
    }
    Ok(keywords)
}

pub(crate) fn read_keyword(r: &mut Reader<'_>) -> Read<Keyword> {
    Keyword::new(r.text()?).map_err(|_| DecodeError::Invalid("a keyword"))
}

fn read_appended(r: &mut Reader<'_>) -> Read<Appended> {
    let (first, reader) = (r.uid()?, AccountId(r.number()?));
    // Each message has a date and a size of its own, of an octet or more.
    let count = r.count(2)?;
    if count == 0 || u64::from(first.get()) + count as u64 - 1 > u64::from(u32::MAX) {
        return invalid("the number of messages");
    }
    let combinations = read_combinations(r)?;
    let flags = read_runs(r, count, |r| {
        let place = usize::try_from(r.number()?).unwrap_or(usize::MAX);
        combinations.get(place).ok_or(DecodeError::Invalid("a flag combination"))
    })?;
    let births = read_runs(r, count, |r| Ok((r.number()?, r.signed()?)))?;
    let zones = read_runs(r, count, |r| i16::try_from(r.signed()?).or(invalid("a zone")))?;
    let mut seconds = Vec::with_capacity(count);
    let mut at = 0_i64;
    for _ in 0..count {
        at = at.checked_add(r.signed()?).ok_or(DecodeError::Invalid("a date"))?;
        seconds.push(at);
    }
    let ages = read_runs(r, count, Reader::signed)?;
    let mut messages = Vec::with_capacity(count);
    let rows = flags.into_iter().zip(births).zip(zones).zip(seconds).zip(ages);
    for (uid, ((((flags, birth), zone), seconds), age)) in (i64::from(first.get())..).zip(rows) {
        messages.push(NewMessage {
            birth: read_birth(birth, uid)?,
            flags: flags.clone(),
            internal_date: InternalDate::new(seconds, zone).ok_or(DecodeError::Invalid("a date"))?,
            size: r.number()?,
            save_date: seconds.checked_add(age).ok_or(DecodeError::Invalid("a date"))?,
        });
    }
    Ok(Appended { first, reader, messages })
}

fn read_birth((mailbox, shift): (u64, i64), uid: i64) -> Read<Birth> {
    let bad = DecodeError::Invalid("a birth");
    let Some(mailbox) = mailbox.checked_sub(1) else {
        return if shift == 0 { Ok(Birth::Here) } else { Err(bad) };
    };
    let mailbox = u32::try_from(mailbox).map_err(|_| bad)?;
    let uid = uid.checked_add(shift).and_then(|uid| u32::try_from(uid).ok()).ok_or(bad)?;
    Ok(Birth::Elsewhere(EmailId { mailbox, uid }))
}

fn read_combinations(r: &mut Reader<'_>) -> Read<Vec<Flags>> {
    let keywords = read_keywords(r)?;
    let mut combinations = Vec::new();
    for _ in 0..r.count(2)? {
        combinations.push(read_combination(r, &keywords)?);
    }
    Ok(combinations)
}

fn read_combination(r: &mut Reader<'_>, keywords: &Keywords) -> Read<Flags> {
    let system = read_system(r)?;
    let numbers = (0..r.count(1)?).map(|_| r.u16()).collect::<Read<Vec<u16>>>()?;
    if FlagSet::new(system, numbers.clone()).keywords().len() != numbers.len() {
        return invalid("a keyword said twice");
    }
    let named = numbers.iter().map(|n| keywords.get(*n).cloned()).collect::<Option<_>>();
    Ok(Flags::distinct(system, named.ok_or(DecodeError::Invalid("a keyword's number"))?))
}

fn read_runs<'a, 'b, T: Clone + PartialEq>(
    r: &mut Reader<'a>,
    count: usize,
    read: impl Fn(&mut Reader<'a>) -> Read<T> + 'b,
) -> Read<Vec<T>> {
    let mut column: Vec<T> = Vec::with_capacity(count);
    while column.len() < count {
        let length = usize::try_from(r.number()?).unwrap_or(usize::MAX);
        let value = read(r)?;
        if length == 0 || length > count - column.len() || column.last() == Some(&value) {
            return invalid("a run's length");
        }
        column.resize(column.len() + length, value);
    }
    Ok(column)
}
