//! Founding: what an account has from its first day.

use crate::account::Account;
use crate::{Error, Origin};

impl Account {
    /// Makes INBOX and the mailboxes of the special uses where they are missing: at the account's birth, or at its
    /// first sign-in after a birth that a crash interrupted.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn ensure_founded(&self, origin: &Origin) -> Result<(), Error> {
        if self.names().await?.mailbox(&terms::MailboxName::inbox()).is_some() {
            return Ok(());
        }
        self.change(origin, |proposal| {
            let plan = proposal.account().found(proposal.now_s()).map_err(Error::from)?;
            proposal.follow(&plan)
        })
        .await
    }
}
