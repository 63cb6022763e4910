//! Messages that go into a mailbox together: all in one commit, or none (RFC 3502).
//!
//! What cannot travel in that commit is put away before it, where nothing refers to it: bodies that are large are
//! staged as they come, and small ones, when they have become many, go in a commit of bodies alone. So a batch holds
//! few octets whatever passes through it, and one that is dropped leaves nothing that anybody sees.

use crate::account::Account;
use crate::aside::Aside;
use crate::incoming::Received;
use crate::proposal::{Halt, Proposal};
use crate::{Error, Origin};
use mailbox::account::MailboxId;
use mailbox::{Birth, Flags, NewMessage};
use store::{Body, EmailId};
use terms::{AccountId, InternalDate, Uid, UidSet, UidValidity};

/// Octets of bodies that wait in memory for those that come behind them.
const MAX_HELD: usize = 2 << 20;
/// Octets of all records: with [`MAX_HELD`] and the events a commit has room for them.
const MAX_RECORDS: usize = 5 << 20;

/// A message that is all here, with what goes with it.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The message.
    pub received: Received,
    /// Its flags.
    pub flags: Flags,
    /// Its INTERNALDATE; `None` is the moment of the commit.
    pub date: Option<InternalDate>,
}

/// Messages on their way into one mailbox.
#[derive(Debug, Default)]
pub struct Batch {
    arrivals: Vec<Arrival>,
    held: usize,
    records: usize,
}

/// Where messages came to lie: APPENDUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The mailbox's.
    pub uid_validity: UidValidity,
    /// The messages', in their order.
    pub uids: UidSet,
}

impl Account {
    /// Adds a message to those that wait.
    ///
    /// # Errors
    /// They are more than one commit can carry, or the store cannot write now.
    pub async fn add(&self, batch: &mut Batch, origin: &Origin, arrival: Arrival) -> Result<(), Error> {
        batch.records += arrival.received.record.len();
        if batch.records > MAX_RECORDS {
            return Err(Error::TooMuch);
        }
        batch.held += arrival.received.body.as_ref().map_or(0, |body| body.octets().len());
        batch.arrivals.push(arrival);
        if batch.held > MAX_HELD { self.put_away(batch, origin).await } else { Ok(()) }
    }

    /// Puts the messages into a mailbox, dated now where they are not dated; `reader` is whose `\Seen` their flags
    /// speak of.
    ///
    /// # Errors
    /// The mailbox is gone or full, or the store cannot write now.
    pub async fn file(
        &self,
        origin: &Origin,
        mailbox: MailboxId,
        batch: Batch,
        reader: AccountId,
    ) -> Result<Filed, Error> {
        self.bring(origin, mailbox, batch, &[], reader).await
    }

    /// The same for messages that had UIDs on another server, which they keep as far as [`mailbox::bring`] can; `uids`
    /// are in the order of the messages.
    ///
    /// # Errors
    /// The mailbox is gone or full, or the store cannot write now.
    pub async fn bring(
        &self,
        origin: &Origin,
        mailbox: MailboxId,
        batch: Batch,
        uids: &[Option<Uid>],
        reader: AccountId,
    ) -> Result<Filed, Error> {
        self.change(origin, |proposal| bring(proposal, mailbox, &batch, uids, reader)).await
    }

    /// Lets the next message of a mailbox have this UID, or a higher one: those below were given on another server.
    ///
    /// # Errors
    /// The mailbox is gone, or the store cannot write now.
    pub async fn skip_to(&self, origin: &Origin, id: MailboxId, uid_next: Uid) -> Result<(), Error> {
        self.change(origin, |proposal| {
            let event = mailbox::skip_to(proposal.mailbox(id)?, uid_next);
            event.iter().try_for_each(|event| proposal.push(id, event))
        })
        .await
    }

    /// Makes the bodies that wait durable, where nothing refers to them yet.
    async fn put_away(&self, batch: &mut Batch, origin: &Origin) -> Result<(), Error> {
        let aside = Aside { bodies: batch.bodies().collect(), ..Aside::default() };
        self.put_aside(origin, aside).await?;
        batch.let_go();
        Ok(())
    }
}

impl Batch {
    /// The bodies that are in memory.
    fn bodies(&self) -> impl Iterator<Item = Body> {
        self.arrivals.iter().filter_map(|arrival| arrival.received.body.clone())
    }

    fn let_go(&mut self) {
        self.arrivals.iter_mut().for_each(|arrival| arrival.received.body = None);
        self.held = 0;
    }
}

impl From<Arrival> for Batch {
    fn from(arrival: Arrival) -> Self {
        Self { arrivals: vec![arrival], held: 0, records: 0 }
    }
}

/// Decides to put the messages into a mailbox.
pub(crate) fn file(
    proposal: &mut Proposal,
    mailbox: MailboxId,
    batch: &Batch,
    reader: AccountId,
) -> Result<Filed, Halt> {
    bring(proposal, mailbox, batch, &[], reader)
}

fn bring(
    proposal: &mut Proposal,
    mailbox: MailboxId,
    batch: &Batch,
    uids: &[Option<Uid>],
    reader: AccountId,
) -> Result<Filed, Halt> {
    let now_s = proposal.now_s();
    let state = proposal.mailbox(mailbox)?;
    let uid_validity = state.uid_validity();
    let messages = batch.arrivals.iter().map(|arrival| new_message(arrival, now_s));
    let uids = uids.iter().copied().chain(std::iter::repeat(None));
    let appending = mailbox::bring(state, reader, uids.zip(messages).collect())?;
    appending.events.iter().try_for_each(|event| proposal.push(mailbox, event))?;
    for (uid, arrival) in appending.uids.iter().zip(&batch.arrivals) {
        let email = EmailId { mailbox: mailbox.get(), uid: uid.get() };
        proposal.put_record(email, arrival.received.store_record());
    }
    batch.bodies().for_each(|body| proposal.put_body(body));
    Ok(Filed { uid_validity, uids: appending.uids })
}

fn new_message(arrival: &Arrival, now_s: i64) -> NewMessage {
    NewMessage {
        birth: Birth::Here,
        flags: arrival.flags.clone(),
        internal_date: arrival.date.or_else(|| InternalDate::new(now_s, 0)).unwrap_or(InternalDate::EPOCH),
        size: arrival.received.size,
        save_date: now_s,
    }
}
