//! DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: names and nothing else (RFC 9051, 6.3.5 to 6.3.8).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::mailbox_name::SpeltName;
use super::Command;
use terms::MailboxName;

/// RENAME's two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The name that it has.
    pub from: SpeltName,
    /// The name that it gets.
    pub to: SpeltName,
}

pub(super) fn read_name(input: &mut Input<'_>) -> Result<MailboxName, Fault> {
    input.space()?;
    input.mailbox()
}

pub(super) fn read_spelt(input: &mut Input<'_>) -> Result<SpeltName, Fault> {
    input.space()?;
    input.spelt_mailbox()
}

pub(super) fn read_rename<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    let from = read_spelt(input)?;
    let to = read_spelt(input)?;
    Ok(Command::Rename(Rename { from, to }))
}
