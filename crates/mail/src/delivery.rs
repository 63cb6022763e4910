//! Delivery: one message, for one account or for many.
//!
//! Each account gets octets of its own, since the lines in front name its recipients; a mailbox gets a message once,
//! however many addresses lead there. A small message waits in memory until it is whole. A large one goes into the
//! first account's store as it comes, and is copied from there into the others', one after the other: so it costs the
//! same few pieces of memory whether it is for one account or for a hundred. What fails for one account fails for that
//! one alone.

use crate::account::Account;
use crate::incoming::{Incoming, Received};
use crate::{Accounts, Arrival, Error, Origin};
use bytes::Bytes;
use mailbox::Flags;
use mailbox::account::{self as names, MailboxId};
use mailbox::delivery::{Landed, Parcel};
use std::collections::VecDeque;
use std::sync::Arc;
use store::{MAX_INLINE_BODY, StreamId};
use terms::MailboxName;

/// Octets that are copied at once from one account to another.
const PIECE: usize = 256 << 10;

/// A parcel, and what it takes to deliver it.
struct Errand {
    account: Arc<Account>,
    origin: Arc<Origin>,
    parcel: Parcel,
}

/// A message on its way to its accounts. Dropped before it is whole, it leaves nothing behind.
pub struct Delivery {
    errands: VecDeque<Errand>,
    message: Message,
}

enum Message {
    /// In memory: at most [`MAX_INLINE_BODY`].
    Few(Vec<u8>),
    /// On its way into the store of the first account.
    Coming(Box<Incoming>),
    /// In the store of the first account; not in any mailbox.
    There(Received, Source),
    /// It could not be kept.
    Lost(Error),
}

/// Where the message is copied from: a body, without the lines in front.
struct Source {
    account: Arc<Account>,
    heading: u64,
}

impl Delivery {
    /// To these accounts, each named once.
    #[must_use]
    pub fn new(accounts: &Accounts, origin: Origin, parcels: Vec<Parcel>) -> Self {
        let origin = Arc::new(origin);
        let errand = |parcel: Parcel| {
            let account = accounts.account(parcel.account);
            Errand { account, origin: Arc::clone(&origin), parcel }
        };
        Self { errands: parcels.into_iter().map(errand).collect(), message: Message::Few(Vec::new()) }
    }

    /// Takes the message's next octets. What goes wrong is told of each parcel, later: whoever brings a message
    /// brings all of it.
    pub async fn write(&mut self, octets: Bytes) {
        if let Err(why) = self.take_in(octets).await {
            self.message = Message::Lost(why);
        }
    }

    async fn take_in(&mut self, octets: Bytes) -> Result<(), Error> {
        match &mut self.message {
            Message::Few(few) if few.len() + octets.len() <= MAX_INLINE_BODY => {
                few.extend_from_slice(&octets)
            }
            Message::Few(few) => {
                let few = std::mem::take(few);
                self.message = Message::Coming(self.put_into_first(few).await?);
                Box::pin(self.take_in(octets)).await?;
            }
            Message::Coming(incoming) => incoming.write(octets).await?,
            Message::There(..) | Message::Lost(_) => {}
        }
        Ok(())
    }

    /// Begins to store a message that is too large to wait.
    async fn put_into_first(&mut self, few: Vec<u8>) -> Result<Box<Incoming>, Error> {
        let first = self.errands.front().ok_or(Error::Withdrawn)?;
        let mut incoming = first.account.incoming(u64::MAX).await?;
        incoming.write(first.parcel.heading.clone()).await?;
        incoming.write(few.into()).await?;
        Ok(Box::new(incoming))
    }

    /// The message is whole.
    pub async fn end(&mut self) {
        self.message = match std::mem::replace(&mut self.message, Message::Lost(Error::Withdrawn)) {
            Message::Coming(incoming) => self.finish(*incoming).await.unwrap_or_else(Message::Lost),
            other => other,
        };
    }

    async fn finish(&mut self, incoming: Incoming) -> Result<Message, Error> {
        let first = self.errands.front().ok_or(Error::Withdrawn)?;
        let (account, heading) = (Arc::clone(&first.account), first.parcel.heading.len() as u64);
        Ok(Message::There(incoming.finish().await?, Source { account, heading }))
    }

    /// Delivers to the next account: what became of it for each of its recipients, in their order; `None` behind the
    /// last. What was delivered is durable.
    pub async fn deliver_next(&mut self) -> Option<Vec<Result<Landed, Error>>> {
        let errand = self.errands.pop_front()?;
        Some(match self.receive(&errand).await {
            Ok(received) => errand.place(&received).await,
            Err(why) => errand.parcel.wanted.iter().map(|_| Err(why.clone())).collect(),
        })
    }

    /// The message as this account gets it.
    async fn receive(&mut self, errand: &Errand) -> Result<Received, Error> {
        errand.account.ensure_founded(&errand.origin).await?;
        match &mut self.message {
            Message::Few(few) => {
                let mut incoming = errand.begin(few.len() as u64).await?;
                incoming.write(Bytes::copy_from_slice(few)).await?;
                incoming.finish().await
            }
            Message::There(received, source) if Arc::ptr_eq(&source.account, &errand.account) => {
                Ok(Received::clone(received))
            }
            Message::There(received, source) => {
                let mut incoming = errand.begin(received.size.saturating_sub(source.heading)).await?;
                source.copy(received, &mut incoming).await?;
                incoming.finish().await
            }
            Message::Lost(why) => Err(why.clone()),
            Message::Coming(_) => Err(Error::Withdrawn),
        }
    }
}

impl Source {
    async fn copy(&self, received: &Received, into: &mut Incoming) -> Result<(), Error> {
        let Account { store, id, .. } = &*self.account;
        let mut at = self.heading;
        while at < received.size {
            let piece = store.body(*id, received.id, at, PIECE).await?.filter(|piece| !piece.is_empty());
            let stream = StreamId { account: *id, number: 0 };
            let piece =
                piece.ok_or_else(|| Error::damaged(stream, "a body that was just stored is not there"))?;
            at += piece.len() as u64;
            into.write(piece).await?;
        }
        Ok(())
    }
}

impl Errand {
    async fn begin(&self, octets: u64) -> Result<Incoming, Error> {
        let heading = self.parcel.heading.len() as u64;
        let mut incoming = self.account.incoming(octets.saturating_add(heading)).await?;
        incoming.write(self.parcel.heading.clone()).await?;
        Ok(incoming)
    }

    /// Puts the message into the mailboxes that it is for, once into each.
    async fn place(&self, received: &Received) -> Vec<Result<Landed, Error>> {
        let mut placed: Vec<(MailboxId, Result<Landed, Error>)> = Vec::new();
        let mut outcomes = Vec::with_capacity(self.parcel.wanted.len());
        for wanted in &self.parcel.wanted {
            let outcome = match self.target(wanted).await {
                Ok((id, name)) => match placed.iter().find(|(there, _)| *there == id) {
                    Some((_, outcome)) => outcome.clone(),
                    None => {
                        let outcome = self.file(received, id, name).await;
                        placed.push((id, outcome.clone()));
                        outcome
                    }
                },
                Err(why) => Err(why),
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    async fn target(&self, wanted: &[MailboxName]) -> Result<(MailboxId, MailboxName), Error> {
        let names = self.account.names().await?;
        wanted
            .iter()
            .find_map(|name| exactly(&names, name))
            .or_else(|| wanted.iter().find_map(|name| in_any_case(&names, name)))
            .or_else(|| exactly(&names, &MailboxName::inbox()))
            .ok_or(Error::NoSuchMailbox)
    }

    async fn file(&self, received: &Received, id: MailboxId, mailbox: MailboxName) -> Result<Landed, Error> {
        match self.try_file(received, id).await {
            // Somebody has deleted it since it was looked up.
            Err(Error::NoSuchMailbox) if !mailbox.is_inbox() => {
                let (inbox, mailbox) = self.target(&[]).await?;
                self.try_file(received, inbox).await?;
                Ok(Landed { mailbox, octets: received.size })
            }
            filed => filed.map(|()| Landed { mailbox, octets: received.size }),
        }
    }

    async fn try_file(&self, received: &Received, id: MailboxId) -> Result<(), Error> {
        let arrival = Arrival { received: received.clone(), flags: Flags::NONE, date: None };
        self.account.file(&self.origin, id, arrival.into(), self.account.id()).await.map(drop)
    }
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
