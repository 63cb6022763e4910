//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: names and nothing else (RFC 9051, 6.3.4 to 6.3.8).

use super::super::error::Fault;
use super::super::input::Input;
use super::Command;
use terms::MailboxName;

/// RENAME's two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The name that it has.
    pub from: MailboxName,
    /// The name that it gets.
    pub to: MailboxName,
}

pub(super) fn read_name(input: &mut Input<'_>) -> Result<MailboxName, Fault> {
    input.space()?;
    input.mailbox()
}

/// CREATE may have parameters (RFC 4466, 2.2), of which we have none yet: USE comes with CREATE-SPECIAL-USE.
pub(super) fn read_create(input: &mut Input<'_>) -> Result<MailboxName, Fault> {
    let name = read_name(input)?;
    if input.peek() == Some(b' ') {
        return Err(input.not_offered("CREATE with parameters (CREATE-SPECIAL-USE)"));
    }
    Ok(name)
}

pub(super) fn read_rename<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    let from = read_name(input)?;
    let to = read_name(input)?;
    Ok(Command::Rename(Rename { from, to }))
}
