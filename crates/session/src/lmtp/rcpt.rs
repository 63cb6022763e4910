//! RCPT (RFC 5321, 4.1.1.3): whom the message is for.

use super::port::Office;
use super::refusal::Refusal;
use super::session::{Answer, Session, Stage};
use crate::port::Peer;
use wire::lmtp::{Address, Alphabet, Enhanced, Reply};

/// Recipients of one message. RFC 5321, 4.5.3.1.8: at least a hundred.
const MAX_RECIPIENTS: usize = 100;

/// Each is asked for at once, so that a message which nobody can take is never sent.
pub(super) async fn run<P: Peer, O: Office>(session: &mut Session<'_, P, O>, address: Address) -> Answer {
    let Stage::Mailing(_, envelope) = &mut session.stage else {
        return Err(Refusal::OutOfOrder("Say MAIL first"));
    };
    if envelope.recipients.len() >= MAX_RECIPIENTS {
        return Err(Refusal::TooManyRecipients(MAX_RECIPIENTS));
    }
    let needs_utf8 = address.alphabet() == Alphabet::Utf8 && envelope.from.alphabet == Alphabet::Ascii;
    let found = match needs_utf8 {
        true => Err(Refusal::NeedsUtf8),
        false => session.office.find(&address, envelope.from.size.unwrap_or(1)).await,
    };
    match found {
        Ok(recipient) => {
            envelope.recipients.push((address, recipient));
            Ok(Some(Reply::new(250, Enhanced(1, 5), "OK")))
        }
        Err(refusal) => {
            let refused = Err(refusal.clone());
            session.office.note(envelope.from.sender.as_ref(), &address, &refused);
            Err(refusal)
        }
    }
}
