//! Founding: what an account has from its first day.

use crate::account::Account;
use crate::{Error, Origin};

use mailbox::account::{Allowances, MailboxId, SpecialUses};
use terms::MailboxName;

impl Account {
    /// The mailbox of that name, made and subscribed where it is missing.
    ///
    /// # Errors
    /// The name cannot be made, or the store cannot write now.
    pub async fn ensure_mailbox(&self, origin: &Origin, name: &MailboxName) -> Result<MailboxId, Error> {
        self.change(origin, |proposal| {
            if let Some(mailbox) = proposal.account().mailbox(name) {
                return Ok(mailbox.id);
            }
            let (limits, now) = (self.limits, proposal.now_s());
            let plan = proposal.account().create(name, None, now, &limits).map_err(Error::from)?;
            proposal.follow(&plan)?;
            let plan = proposal.account().subscribe(name, &limits).map_err(Error::from)?;
            proposal.follow(&plan)?;
            proposal.account().mailbox(name).map(|mailbox| mailbox.id).ok_or(Error::NoSuchMailbox.into())
        })
        .await
    }

    /// Makes a mailbox for these uses, subscribed.
    ///
    /// # Errors
    /// The name cannot be made or is taken, a use is, or the store cannot write now.
    pub async fn create_mailbox(
        &self,
        origin: &Origin,
        name: &MailboxName,
        uses: SpecialUses,
    ) -> Result<(), Error> {
        self.change(origin, |proposal| {
            let plan = proposal.account().create(name, uses, proposal.now_s(), &self.limits);
            proposal.follow(&plan.map_err(Error::from)?)?;
            let plan = proposal.account().subscribe(name, &self.limits).map_err(Error::from)?;
            proposal.follow(&plan)
        })
        .await
    }

    /// Gives the account limits of its own.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn allow(
        &self,
        origin: &Origin,
        change: impl Fn(Allowances) -> Allowances + Send + Sync,
    ) -> Result<(), Error> {
        self.change(origin, |proposal| {
            let plan = proposal.account().allow(change(proposal.account().allowances()));
            proposal.follow(&plan)
        })
        .await
    }

    /// Makes INBOX and the mailboxes of the special uses where they are missing: at the account's birth, or at its
    /// first sign-in after a birth that a crash interrupted.
    ///
    /// # Errors
    /// The store cannot write now.
    pub async fn ensure_founded(&self, origin: &Origin) -> Result<(), Error> {
        if self.names().await?.mailbox(&MailboxName::inbox()).is_some() {
            return Ok(());
        }
        self.change(origin, |proposal| {
            let plan = proposal.account().found(proposal.now_s()).map_err(Error::from)?;
            proposal.follow(&plan)
        })
        .await
    }
}
