//! DATA (RFC 5321, 4.1.1.4; RFC 2033, 4.2): the message, and one reply for each recipient.
//!
//! The message is taken to its end, come what may: a client that sends one sends all of it, and only behind its end
//! can it be told what was wrong.

use super::ending::Ending;
use super::mail::Envelope;
use super::port::{Delivery, Office};
use super::refusal::Refusal;
use super::session::{Answer, Session, Stage};
use super::talk::{Silence, Talk};
use crate::port::Peer;
use bytes::Bytes;
use mailbox::delivery::{Landed, Parcel};
use std::collections::VecDeque;
use terms::{AccountId, InternalDate, MailboxName};
use wire::imap::mailbox_name::{NameForm, decode};
use wire::lmtp::heading::{Trace, heading};
use wire::lmtp::return_path::WithoutReturnPath;
use wire::lmtp::{Address, Enhanced, Event, Reply};

pub(super) async fn run<P: Peer, O: Office>(session: &mut Session<'_, P, O>) -> Result<Answer, Ending> {
    let (client, envelope) = match std::mem::replace(&mut session.stage, Stage::Strange) {
        Stage::Mailing(client, envelope) if !envelope.recipients.is_empty() => (client, envelope),
        other => {
            session.stage = other;
            return Ok(Err(nobody(&session.stage)));
        }
    };
    session.messages += 1;
    let id = format!("{}-{}", session.office.connection(), session.messages);
    let parcels = parcels(&envelope, &client, &id, session);
    session.stage = Stage::Known(client);
    session.talk.say(&Reply::plain(354, "Send the message, and end it with a dot alone on a line"));
    session.talk.begin_data();
    let accounts: Vec<AccountId> = parcels.iter().map(|parcel| parcel.account).collect();
    let intake = Intake::new(session.office.begin(parcels));
    let taken = intake.take(&mut session.talk, session.rules.message_octets).await?;
    let mut answers = Answers { session, envelope: &envelope, id: &id, open: VecDeque::new() };
    answers.give(taken, &accounts).await?;
    Ok(Ok(None))
}

/// RFC 2033, 4.2: "when there have been no successful RCPT commands in the mail transaction, the DATA command MUST
/// fail with a 503 reply code".
const fn nobody(stage: &Stage) -> Refusal {
    Refusal::OutOfOrder(match stage {
        Stage::Mailing(..) => "There is nobody whom the message is for",
        Stage::Strange | Stage::Known(_) => "Say MAIL and RCPT first",
    })
}

/// One for each account, in the order of its first recipient.
fn parcels<P, O: Office>(
    envelope: &Envelope,
    client: &str,
    id: &str,
    session: &Session<'_, P, O>,
) -> Vec<Parcel> {
    let mut accounts: Vec<AccountId> = Vec::new();
    for (_, recipient) in &envelope.recipients {
        if !accounts.contains(&recipient.account) {
            accounts.push(recipient.account);
        }
    }
    let date = InternalDate::new(session.office.unix_s(), 0).unwrap_or(InternalDate::EPOCH);
    let parcel = |account| {
        let own = envelope.recipients.iter().filter(|(_, recipient)| recipient.account == account);
        let (mut addresses, mut wanted): (Vec<&Address>, Vec<Vec<MailboxName>>) = (Vec::new(), Vec::new());
        for (address, recipient) in own {
            wanted.push(recipient.detail.as_deref().map(mailboxes).unwrap_or_default());
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let trace = Trace {
            sender: envelope.from.sender.as_ref(),
            recipients: &addresses,
            client,
            address: session.office.client(),
            host: &session.rules.host,
            alphabet: envelope.from.alphabet,
            id,
            date,
        };
        Parcel { account, heading: heading(&trace).into(), wanted }
    };
    accounts.into_iter().map(parcel).collect()
}

/// The mailboxes that a detail may mean: what it says, and what it says in modified UTF-7, which is how an address
/// without SMTPUTF8 can name all of them.
fn mailboxes(detail: &str) -> Vec<MailboxName> {
    let as_it_is = MailboxName::new(detail).ok();
    let decoded = decode(detail.as_bytes(), NameForm::Utf7).ok();
    let decoded = decoded.filter(|decoded| as_it_is.as_ref() != Some(decoded));
    as_it_is.into_iter().chain(decoded).collect()
}

/// A message that is coming in.
struct Intake<D> {
    /// `None` once it is too large.
    delivery: Option<D>,
    filter: WithoutReturnPath,
    octets: u64,
}

impl<D: Delivery> Intake<D> {
    fn new(delivery: D) -> Self {
        Self { delivery: Some(delivery), filter: WithoutReturnPath::default(), octets: 0 }
    }

    /// Takes all of it. The outer error ends the conversation, the inner one refuses the message.
    async fn take<P: Peer>(mut self, talk: &mut Talk<P>, most: u64) -> Result<Result<D, Refusal>, Silence> {
        let end = loop {
            match talk.next_event().await? {
                Event::Data(octets) => self.pass(octets, most).await,
                Event::End(end) => break end,
                _ => {}
            }
        };
        if let Err(bad) = end {
            return Ok(Err(Refusal::BadData(bad)));
        }
        let rest = self.filter.finish();
        self.write(rest).await;
        let Some(mut delivery) = self.delivery else { return Ok(Err(Refusal::TooLarge(most))) };
        delivery.end().await;
        Ok(Ok(delivery))
    }

    async fn pass(&mut self, octets: Bytes, most: u64) {
        self.octets = self.octets.saturating_add(octets.len() as u64);
        if self.octets > most {
            self.delivery = None;
        }
        let octets = self.filter.pass(octets);
        self.write(octets).await;
    }

    async fn write(&mut self, octets: Bytes) {
        if let Some(delivery) = self.delivery.as_mut().filter(|_| !octets.is_empty()) {
            delivery.write(octets).await;
        }
    }
}

type Outcome = Result<Landed, Refusal>;

/// The replies behind a message, each given as soon as those before it can be.
struct Answers<'a, 's, P, O> {
    session: &'a mut Session<'s, P, O>,
    envelope: &'a Envelope,
    id: &'a str,
    /// From the first recipient on who has not been answered.
    open: VecDeque<Option<Outcome>>,
}

impl<P: Peer, O: Office> Answers<'_, '_, P, O> {
    async fn give(
        &mut self,
        taken: Result<O::Delivery, Refusal>,
        accounts: &[AccountId],
    ) -> Result<(), Silence> {
        let mut delivery = match taken {
            Ok(delivery) => delivery,
            Err(refusal) => {
                let all = self.envelope.recipients.iter();
                all.for_each(|(address, _)| self.answer(address, &Err(refusal.clone())));
                return Ok(());
            }
        };
        self.open = self.envelope.recipients.iter().map(|_| None).collect();
        let mut accounts = accounts.iter();
        while let (Some(outcomes), Some(account)) = (delivery.deliver_next().await, accounts.next()) {
            self.sort_in(*account, outcomes);
            self.give_those_that_are_due();
            // RFC 2033, 5: the client need not wait for the others to hear of the first. One that has gone brings the
            // message again for those whom it has not heard of.
            self.session.talk.flush().await?;
        }
        Ok(())
    }

    /// Puts outcomes beside their recipients.
    fn sort_in(&mut self, account: AccountId, outcomes: Vec<Outcome>) {
        let answered = self.envelope.recipients.len() - self.open.len();
        let mut outcomes = outcomes.into_iter();
        let recipients = self.envelope.recipients.iter().skip(answered);
        for ((_, recipient), place) in recipients.zip(&mut self.open) {
            if recipient.account == account {
                *place = outcomes.next();
            }
        }
    }

    fn give_those_that_are_due(&mut self) {
        while let Some(Some(outcome)) = self.open.pop_front_if(|next| next.is_some()) {
            let answered = self.envelope.recipients.len() - self.open.len() - 1;
            if let Some((address, _)) = self.envelope.recipients.get(answered) {
                self.answer(address, &outcome);
            }
        }
    }

    fn answer(&mut self, address: &Address, outcome: &Outcome) {
        self.session.office.note(self.envelope.from.sender.as_ref(), address, outcome);
        let reply = match outcome {
            Ok(_) => Reply::new(250, Enhanced(0, 0), format!("<{address}> Delivered as {}", self.id)),
            Err(refusal) => refusal.reply().about(&format!("<{address}>")),
        };
        self.session.talk.say(&reply);
    }
}
