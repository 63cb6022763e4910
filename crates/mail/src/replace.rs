//! REPLACE (RFC 8508): a message comes and another goes, in one commit over both streams.

use crate::account::Account;
use crate::batch::{Batch, Filed, file};
use crate::{Error, Origin};
use mailbox::Doomed;
use mailbox::account::MailboxId;
use terms::{AccountId, Uid, UidSet};

impl Account {
    /// Puts the messages of `batch` into the mailbox `to` and expunges `replaced`, whatever its flags; `reader` is
    /// whose `\Seen` their flags speak of. Source and target may be one.
    ///
    /// # Errors
    /// [`Error::NoSuchMessage`] where it is gone already. One of the mailboxes is gone or full, or the store cannot
    /// write now.
    pub async fn replace(
        &self,
        origin: &Origin,
        (from, replaced): (MailboxId, Uid),
        to: MailboxId,
        batch: Batch,
        reader: AccountId,
    ) -> Result<Filed, Error> {
        self.change(origin, |proposal| {
            let filed = file(proposal, to, &batch, reader)?;
            let expunging = mailbox::expunge(proposal.mailbox(from)?, Doomed::These(&UidSet::one(replaced)))?;
            if expunging.uids.is_empty() {
                return Err(Error::NoSuchMessage.into());
            }
            expunging.events.iter().try_for_each(|event| proposal.push(from, event))?;
            Ok(filed)
        })
        .await
    }
}
