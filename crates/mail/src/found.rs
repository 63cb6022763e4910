//! Founding: what an account has from its first day.

use crate::account::{Account, Known};
use crate::proposal::{Halt, Proposal};
use crate::{Error, Origin};
use mailbox::account::{Allowances, MailboxId, Plan, SpecialUses, Subscription};
use terms::{MailboxName, Uid, UidValidity};

/// Whether a mailbox had to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was there.
    Before,
    /// It is new.
    Now,
}

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

    /// The mailbox of that name, made where it is missing, for those of the uses that no other mailbox serves; and
    /// subscribed where that is asked for. What it is for stays where it is there already.
    ///
    /// It goes on under the UIDVALIDITY that it had on another server if it can: where no message has ever been in it,
    /// and the UIDVALIDITY is no other mailbox's. Then it is subscribed only if that is asked for.
    ///
    /// # Errors
    /// The name cannot be made, or the store cannot write now.
    pub async fn settle_mailbox(
        &self,
        origin: &Origin,
        name: &MailboxName,
        uses: SpecialUses,
        subscription: Subscription,
        uid_validity: Option<UidValidity>,
    ) -> Result<(MailboxId, Made), Error> {
        self.change(origin, |proposal| {
            let was_there = proposal.account().mailbox(name).is_some();
            let made = match uid_validity {
                Some(uid_validity) => self.make_going_on(proposal, name, uses, uid_validity)?,
                None => self.make_missing(proposal, name, uses)?,
            };
            let plan = match (subscription, made) {
                (Subscription::Subscribed, _) => proposal.account().subscribe(name, &self.limits),
                // A mailbox that the account was founded with is subscribed; what takes its place need not be.
                (Subscription::Not, Made::Now) if was_there => Ok(proposal.account().unsubscribe(name)),
                (Subscription::Not, _) => Ok(Plan::default()),
            };
            proposal.follow(&plan.map_err(Error::from)?)?;
            let id = proposal.account().mailbox(name).map(|mailbox| mailbox.id);
            Ok((id.ok_or(Error::NoSuchMailbox)?, made))
        })
        .await
    }

    fn make_going_on(
        &self,
        proposal: &mut Proposal,
        name: &MailboxName,
        uses: SpecialUses,
        uid_validity: UidValidity,
    ) -> Result<Made, Halt> {
        let account = proposal.account();
        let free: SpecialUses = uses.iter().filter(|one| account.serving(*one).is_none()).collect();
        let is_unused = |id| Ok::<_, Halt>(proposal.mailbox(id)?.uid_next() == Uid::MIN);
        let now = proposal.now_s();
        match account.continue_mailbox(name, free, uid_validity, now, &self.limits, is_unused) {
            Ok(plan) if plan.is_empty() => Ok(Made::Before),
            Ok(plan) => {
                proposal.follow(&plan)?;
                Ok(Made::Now)
            }
            Err(Halt::Refused(Error::Refused(_))) => self.make_missing(proposal, name, uses),
            Err(other) => Err(other),
        }
    }

    fn make_missing(
        &self,
        proposal: &mut Proposal,
        name: &MailboxName,
        uses: SpecialUses,
    ) -> Result<Made, Halt> {
        let account = proposal.account();
        if account.mailbox(name).is_some() {
            return Ok(Made::Before);
        }
        let free: SpecialUses = uses.iter().filter(|one| account.serving(*one).is_none()).collect();
        let plan = account.create(name, free, proposal.now_s(), &self.limits).map_err(Error::from)?;
        proposal.follow(&plan)?;
        Ok(Made::Now)
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
        let (names, known) = self.newest_known().await?;
        // Of which part is lost cannot be changed before it is mended.
        if names.state.mailbox(&MailboxName::inbox()).is_some() || known == Known::InPart {
            return Ok(());
        }
        self.change(origin, |proposal| {
            let plan = proposal.account().found(proposal.now_s()).map_err(Error::from)?;
            proposal.follow(&plan)
        })
        .await
    }
}
