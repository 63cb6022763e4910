//! REPLACE and UID REPLACE (RFC 8508).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::sequence_set::SetNumber;
use super::{Append, Command, Numbering, append};

/// A REPLACE whose message is about to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// What the number means.
    pub numbering: Numbering,
    /// The message that goes. Its flags and dates are not inherited (RFC 8508, 1).
    pub message: SetNumber,
    /// What comes, and where to.
    pub append: Append,
}

/// `SP seq-number SP mailbox append-message`, up to and including the announcement.
pub(super) fn read(input: &mut Input<'_>, numbering: Numbering) -> Result<Replace, Fault> {
    let message = message(input)?;
    Ok(Replace { numbering, message, append: append::read(input)? })
}

/// The number of the message that goes.
pub(super) fn message(input: &mut Input<'_>) -> Result<SetNumber, Fault> {
    input.space()?;
    SetNumber::read(input)
}

/// A REPLACE that came whole is one without its message.
pub(super) fn without_literal<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    message(input)?;
    append::without_literal(input)
}
