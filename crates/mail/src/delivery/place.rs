//! Into which mailboxes a message goes: all of an account's in one commit, which is decided upon the names that it is
//! compared with. So however somebody deletes mailboxes meanwhile, each that the recipients lead to gets it once.

use super::{Errand, Outcomes};
use crate::batch::{Batch, file};
use crate::incoming::Received;
use crate::proposal::{Halt, Proposal};
use crate::{Arrival, Error};
use mailbox::Flags;
use mailbox::account::{self as names, MailboxId};
use mailbox::delivery::Landed;
use terms::MailboxName;

/// How often the names are read anew because a mailbox that they have is not there.
const MAX_ROUNDS: usize = 3;

impl Errand {
    /// Puts the message into the mailboxes that it is for, once into each.
    pub(super) async fn place(&self, received: &Received) -> Outcomes {
        let mut placed = self.try_to_place(received).await;
        for _ in 1..MAX_ROUNDS {
            // Nothing was committed then: it went between the names that we know and itself.
            let Err(Error::NoSuchMailbox) = placed else { break };
            placed = self.try_to_place(received).await;
        }
        placed.unwrap_or_else(|why| self.parcel.wanted.iter().map(|_| Err(why.clone())).collect())
    }

    async fn try_to_place(&self, received: &Received) -> Result<Outcomes, Error> {
        self.account.change(&self.origin, |proposal| self.decide(proposal, received)).await
    }

    /// Decides for each recipient. A mailbox that cannot take the message does not hinder the others.
    fn decide(&self, proposal: &mut Proposal, received: &Received) -> Result<Outcomes, Halt> {
        let mut placed: Vec<(MailboxId, Result<Landed, Error>)> = Vec::new();
        let mut outcomes = Vec::with_capacity(self.parcel.wanted.len());
        // The octets travel once, with the first.
        let mut received = received.clone();
        for wanted in &self.parcel.wanted {
            let (id, name) = target(proposal.account(), wanted)?;
            let outcome = match placed.iter().find(|(there, _)| *there == id) {
                Some((_, outcome)) => outcome.clone(),
                None => {
                    let outcome = self.put(proposal, &received, id, name)?;
                    received.body = received.body.filter(|_| outcome.is_err());
                    placed.push((id, outcome.clone()));
                    outcome
                }
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Puts the message into one mailbox; where that is refused the proposal stays as it was.
    fn put(
        &self,
        proposal: &mut Proposal,
        received: &Received,
        id: MailboxId,
        mailbox: MailboxName,
    ) -> Result<Result<Landed, Error>, Halt> {
        let before = proposal.clone();
        let arrival = Arrival { received: received.clone(), flags: Flags::NONE, date: None };
        let batch = Batch::from(arrival);
        let filed = file(proposal, id, &batch, self.account.id())
            .and_then(|_| proposal.check_growth(before.held(), &self.account.limits));
        match filed {
            Ok(()) => Ok(Ok(Landed { mailbox, octets: received.size })),
            Err(Halt::Refused(why)) => {
                *proposal = before;
                Ok(Err(why))
            }
            Err(needs) => Err(needs),
        }
    }
}

/// The mailbox that a recipient leads to.
fn target(names: &names::Account, wanted: &[MailboxName]) -> Result<(MailboxId, MailboxName), Error> {
    wanted
        .iter()
        .find_map(|name| exactly(names, name))
        .or_else(|| wanted.iter().find_map(|name| in_any_case(names, name)))
        .or_else(|| exactly(names, &MailboxName::inbox()))
        .ok_or(Error::NoSuchMailbox)
}

fn exactly(names: &names::Account, name: &MailboxName) -> Option<(MailboxId, MailboxName)> {
    names.mailbox(name).map(|mailbox| (mailbox.id, name.clone()))
}

/// Addresses lose their capitals on the way.
fn in_any_case(names: &names::Account, wanted: &MailboxName) -> Option<(MailboxId, MailboxName)> {
    let wanted = wanted.as_str().to_lowercase();
    let mut mailboxes = names.mailboxes();
    mailboxes
        .find(|(name, _)| name.as_str().to_lowercase() == wanted)
        .map(|(name, mailbox)| (mailbox.id, name.clone()))
}
