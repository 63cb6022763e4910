//! What a session has done to mail, told as events once it is durable.
//!
//! An event names mailboxes as they are called when it is told. Of one that somebody else has deleted by then nothing is
//! told: its name is gone, and so is what was done.

use events::{ConnectionId, Event};
use mail::Account;
use mailbox::account::{self, AccountEvent, MailboxId, Plan};
use session::port::Transfer;
use std::sync::Arc;
use terms::{MailboxName, UidSet};

/// Tells what one session does.
pub(crate) struct Chronicle {
    account: Arc<Account>,
    known: events::Account,
    connection: ConnectionId,
}

/// What was done to the messages of a mailbox: how many of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    appended: u64,
    appended_octets: u64,
    flagged: u64,
    expunged: u64,
}

impl Done {
    pub(crate) fn appended(uids: &UidSet, octets: u64) -> Self {
        Self { appended: uids.len(), appended_octets: octets, ..Self::default() }
    }

    pub(crate) fn expunged(uids: &UidSet) -> Self {
        Self { expunged: uids.len(), ..Self::default() }
    }

    /// By these events of a mailbox. A message whose flags are changed by several counts once.
    pub(crate) fn by(events: &[mailbox::Event]) -> Self {
        let (mut flagged, mut expunged) = (UidSet::new(), 0);
        for event in events {
            match event {
                mailbox::Event::FlagsChanged(changed) => flagged = flagged.union(&changed.uids),
                mailbox::Event::Expunged { uids } => expunged += uids.len(),
                // Nobody says these for a session's change of a mailbox that it has open.
                mailbox::Event::Created(_) | mailbox::Event::Appended(_) | mailbox::Event::Skipped { .. } => {
                }
            }
        }
        Self { flagged: flagged.len(), expunged, ..Self::default() }
    }
}

impl Chronicle {
    pub(crate) const fn new(account: Arc<Account>, known: events::Account, connection: ConnectionId) -> Self {
        Self { account, known, connection }
    }

    /// Whose session it is.
    pub(crate) const fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// The mailboxes that a plan deletes, with the names that they have before it.
    pub(crate) fn going(names: &account::Account, plan: &Plan) -> Vec<(MailboxId, MailboxName)> {
        let deleted = plan.events.iter().filter_map(|event| match event {
            AccountEvent::Deleted { id } => Some((*id, names.name(*id)?.clone())),
            _ => None,
        });
        deleted.collect()
    }

    /// Something was done to the messages of a mailbox; or nothing, and then there is nothing to tell.
    pub(crate) async fn mailbox_changed(&self, id: MailboxId, done: Done) {
        if done == Done::default() {
            return;
        }
        let Some(mailbox) = self.name(id).await else { return };
        let (connection, account) = (Some(self.connection), self.known.clone());
        let Done { appended, appended_octets: octets, flagged, expunged } = done;
        if appended > 0 {
            let (account, mailbox) = (account.clone(), mailbox.clone());
            Event::MessagesAppended { connection, account, mailbox, messages: appended, octets }.log();
        }
        if flagged > 0 {
            let (account, mailbox) = (account.clone(), mailbox.clone());
            Event::MessagesFlagged { connection, account, mailbox, messages: flagged }.log();
        }
        if expunged > 0 {
            Event::MessagesExpunged { connection, account, mailbox, messages: expunged }.log();
        }
    }

    /// So many messages were copied or moved.
    pub(crate) async fn transferred(&self, how: Transfer, from: MailboxId, to: MailboxId, messages: u64) {
        if messages == 0 {
            return;
        }
        let Some((from, to)) = self.name(from).await.zip(self.name(to).await) else { return };
        let (connection, account) = (Some(self.connection), self.known.clone());
        match how {
            Transfer::Copy => Event::MessagesCopied { connection, account, from, to, messages },
            Transfer::Move => Event::MessagesMoved { connection, account, from, to, messages },
        }
        .log();
    }

    /// A plan was carried out; these mailboxes are gone by it.
    pub(crate) async fn account_changed(&self, plan: &Plan, gone: Vec<(MailboxId, MailboxName)>) {
        for event in &plan.events {
            let (connection, account) = (Some(self.connection), self.known.clone());
            match event {
                AccountEvent::Created { name, .. } => {
                    Event::MailboxCreated { connection, account, mailbox: name.into() }.log();
                }
                AccountEvent::Renamed { from, to } => {
                    Event::MailboxRenamed { connection, account, from: from.into(), to: to.into() }.log();
                }
                // Of the others only a deletion is a client's to do, and that is told below.
                _ => {}
            }
        }
        for (id, name) in gone {
            let (connection, account) = (Some(self.connection), self.known.clone());
            let messages = self.messages(id).await;
            Event::MailboxDeleted { connection, account, mailbox: (&name).into(), messages }.log();
        }
    }

    async fn name(&self, id: MailboxId) -> Option<events::Mailbox> {
        let names = self.account.names().await.ok()?;
        names.name(id).map(events::Mailbox::from)
    }

    /// How many a mailbox holds, or held when it was deleted: until it is swept away its summary stays.
    async fn messages(&self, id: MailboxId) -> u64 {
        let heads = self.account.heads(&[id]).await.unwrap_or_default();
        heads.into_iter().flatten().next().map_or(0, |head| head.messages.into())
    }
}
