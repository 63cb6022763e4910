//! ID (RFC 2971).

use super::super::error::Fault;
use super::super::input::Input;
use super::Command;
use std::borrow::Cow;

/// RFC 2971, 3.3: a client MUST NOT send more than 30 field-value pairs.
const MAX_FIELDS: usize = 30;

/// What a client says of itself; empty for `NIL`. Not to be trusted, and good for a log line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Id<'a> {
    /// Field and value, in the client's order. Octets that are not UTF-8 are replaced.
    pub fields: Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>,
}

pub(super) fn read<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    if input.keyword("NIL") {
        return Ok(Command::Id(Id::default()));
    }
    let fields = input.list("Expected NIL or a list of fields and values", field)?;
    match fields.len() {
        0..=MAX_FIELDS => Ok(Command::Id(Id { fields })),
        _ => Err(input.limit("ID takes at most 30 fields")),
    }
}

fn field<'a>(input: &mut Input<'a>) -> Result<(Cow<'a, str>, Option<Cow<'a, str>>), Fault> {
    let name = input.string("Expected a field name in quotes")?;
    input.space()?;
    if input.keyword("NIL") {
        return Ok((readable(name), None));
    }
    let value = input.string("Expected NIL or a value in quotes")?;
    Ok((readable(name), Some(readable(value))))
}

fn readable(octets: Cow<'_, [u8]>) -> Cow<'_, str> {
    match octets {
        Cow::Borrowed(octets) => String::from_utf8_lossy(octets),
        Cow::Owned(octets) => Cow::Owned(String::from_utf8_lossy(&octets).into_owned()),
    }
}
