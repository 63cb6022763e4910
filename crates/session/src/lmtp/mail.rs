//! MAIL (RFC 5321, 4.1.1.2): a message begins.

use super::port::Office;
use super::refusal::Refusal;
use super::session::{Answer, Session, Stage};
use crate::port::Peer;
use mailbox::delivery::Recipient;
use wire::lmtp::{Address, Alphabet, Enhanced, MailFrom, Reply};

/// What is known of a message before it comes.
pub(super) struct Envelope {
    pub from: MailFrom,
    /// In the order of RCPT.
    pub recipients: Vec<(Address, Recipient)>,
}

pub(super) fn run<P: Peer, O: Office>(session: &mut Session<'_, P, O>, from: MailFrom) -> Answer {
    let client = match &session.stage {
        Stage::Strange => return Err(Refusal::OutOfOrder("Say LHLO first")),
        Stage::Mailing(..) => return Err(Refusal::OutOfOrder("A message has been begun already")),
        Stage::Known(client) => client.clone(),
    };
    check(&from, session.rules.message_octets)?;
    session.stage = Stage::Mailing(client, Envelope { from, recipients: Vec::new() });
    Ok(Some(Reply::new(250, Enhanced(1, 0), "OK")))
}

fn check(from: &MailFrom, most: u64) -> Result<(), Refusal> {
    let needs_utf8 = from.sender.as_ref().is_some_and(|sender| sender.alphabet() == Alphabet::Utf8);
    if needs_utf8 && from.alphabet == Alphabet::Ascii {
        return Err(Refusal::NeedsUtf8);
    }
    // RFC 1870, 6.1.
    if from.size.is_some_and(|size| size > most) { Err(Refusal::TooLarge(most)) } else { Ok(()) }
}
