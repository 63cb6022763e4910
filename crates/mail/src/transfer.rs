//! COPY and MOVE within an account: one commit over both streams.

use crate::account::Account;
use crate::proposal::{Halt, Proposal};
use crate::{Error, Origin};
use mailbox::account::MailboxId;
use mailbox::{Copying, Event};
use terms::{AccountId, UidSet};

/// What becomes of the messages that are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// They stay.
    Copy,
    /// They go, in the same commit.
    Move,
}

impl Account {
    /// Copies or moves those of `uids` that are there still; `reader` is whose `\Seen` goes with them. A mailbox may
    /// be copied into itself.
    ///
    /// # Errors
    /// One of the mailboxes is gone or full, or the store cannot write now.
    pub async fn transfer(
        &self,
        origin: &Origin,
        transfer: Transfer,
        reader: AccountId,
        (from, uids): (MailboxId, &UidSet),
        to: MailboxId,
    ) -> Result<Copying, Error> {
        self.change(origin, |proposal| {
            let (copying, expunged) = decide(proposal, transfer, reader, (from, uids), to)?;
            copying.events.iter().try_for_each(|event| proposal.push(to, event))?;
            expunged.iter().try_for_each(|event| proposal.push(from, event))?;
            Ok(copying)
        })
        .await
    }
}

fn decide(
    proposal: &Proposal,
    transfer: Transfer,
    reader: AccountId,
    (from, uids): (MailboxId, &UidSet),
    to: MailboxId,
) -> Result<(Copying, Vec<Event>), Halt> {
    let (source, target, now) = (proposal.mailbox(from)?, proposal.mailbox(to)?, proposal.now_s());
    Ok(match transfer {
        Transfer::Copy => (mailbox::copy(source, reader, uids, target, now)?, Vec::new()),
        Transfer::Move => {
            let moving = mailbox::move_messages(source, reader, uids, target, now)?;
            (moving.copy, moving.expunged)
        }
    })
}
