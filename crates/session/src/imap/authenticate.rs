//! AUTHENTICATE (RFC 3501, 6.2.2) with an initial response (RFC 4959).

use super::done::Stop;
use super::talk::Talk;
use crate::port::Peer;
use crate::refusal::Refusal;
use bytes::Bytes;
use sasl::{Claim, Exchange, Mechanism, Nonce, Step, response};
use terms::Moment;
use wire::imap::command::Authenticate;
use wire::imap::framer::Event;
use wire::imap::reply::{self, Code};

/// The mechanisms that are offered.
const OFFERED: [Mechanism; 1] = [Mechanism::Plain];
/// PLAIN takes no random octets.
const NO_NONCE: Nonce = Nonce([0; 18]);

/// Speaks the mechanism until it comes to a claim. Whether the claim holds is asked at the door.
pub(super) async fn run<P: Peer>(
    command: &Authenticate<'_>,
    until: Moment,
    talk: &mut Talk<P>,
) -> Result<(Claim, Mechanism), Stop> {
    let mechanism = Mechanism::from_name(command.mechanism).filter(|one| OFFERED.contains(one));
    let mechanism = mechanism.ok_or_else(|| {
        Refusal::denied(
            Code::Cannot,
            "This way of signing in is not offered; CAPABILITY lists those that are",
        )
    })?;
    let mut step = mechanism.begin(command.initial.as_ref().map(wire::imap::Secret::expose), NO_NONCE);
    loop {
        step = match step {
            Step::Challenge(octets, exchange) => answer(&octets, exchange, until, talk).await?,
            Step::Done(claim) => return Ok((claim, mechanism)),
            Step::Failed(failure) => return Err(failure.into()),
            // None of those offered looks anything up.
            Step::Lookup(_) => return Err(Refusal::misspoken("This way of signing in is not offered").into()),
        };
    }
}

async fn answer<P: Peer>(
    challenge: &[u8],
    exchange: Exchange,
    until: Moment,
    talk: &mut Talk<P>,
) -> Result<Step, Stop> {
    reply::challenge(talk.text(), challenge);
    let line = line(until, talk).await?;
    // RFC 3501, erratum 261: what is not base64 ends the exchange, and AUTHENTICATE is BAD.
    Ok(exchange.respond(&response::decode(&line)?))
}

async fn line<P: Peer>(until: Moment, talk: &mut Talk<P>) -> Result<Bytes, Stop> {
    match talk.next_event(until).await? {
        Event::Command(line) => Ok(line),
        Event::Literal(_) => {
            talk.refuse_literal();
            Err(Refusal::misspoken("A response is one line of base64").into())
        }
        _ => Err(Refusal::misspoken("A response is one line of base64").into()),
    }
}
