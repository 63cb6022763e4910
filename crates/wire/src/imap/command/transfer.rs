//! COPY and MOVE (RFC 9051, 6.4.7 and 6.4.8).

use super::super::error::Fault;
use super::super::input::Input;
use super::super::sequence_set::MessageSet;
use super::{Numbering, mailbox};
use terms::MailboxName;

/// Which messages, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What the numbers mean.
    pub numbering: Numbering,
    /// Which messages.
    pub set: MessageSet,
    /// Where to.
    pub mailbox: MailboxName,
}

pub(super) fn read(input: &mut Input<'_>, numbering: Numbering) -> Result<Transfer, Fault> {
    input.space()?;
    let set = MessageSet::read(input)?;
    let mailbox = mailbox::read_name(input)?;
    Ok(Transfer { numbering, set, mailbox })
}
