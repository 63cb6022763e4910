//! Summaries that say otherwise than their mailboxes.

use super::Repair;
use crate::{Error, Origin, load};
use mailbox::account::MailboxId;
use mailbox::{Head, MailboxState, restate};
use store::StreamId;

impl Repair<'_> {
    pub(super) async fn summaries(&mut self) -> Result<(), Error> {
        let names = match self.account.names().await {
            Err(Error::Damaged(_)) => return Ok(()),
            names => names?,
        };
        for (_, mailbox) in names.mailboxes() {
            match self.summary(mailbox.id).await {
                Err(Error::Damaged(_)) => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// A summary is corrected by the commit of an event that changes nothing else.
    async fn summary(&mut self, id: MailboxId) -> Result<(), Error> {
        let stream = self.account.stream_of(id);
        let Some((told, state)) = self.told_and_true(stream).await? else { return Ok(()) };
        if told == Some(state.head()) {
            return Ok(());
        }
        self.account
            .change(&Origin::desk(), |proposal| {
                let event = restate(proposal.mailbox(id)?, told.as_ref()).map_err(Error::from)?;
                proposal.push(id, &event)
            })
            .await?;
        self.mended(stream, None, "its summary was counted anew").await
    }

    async fn told_and_true(&self, stream: StreamId) -> Result<Option<(Option<Head>, MailboxState)>, Error> {
        let Some((mut at, _)) = load::mailbox(self.store, stream).await? else { return Ok(None) };
        let told = self.account.head_of(stream, &mut at).await?;
        Ok(Some((told, at.state)))
    }
}
