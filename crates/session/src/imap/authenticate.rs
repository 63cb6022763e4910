//! AUTHENTICATE (RFC 3501, 6.2.2) with an initial response (RFC 4959): PLAIN (RFC 4616) and SCRAM-SHA-256 (RFC 7677).

use super::done::Stop;
use super::ending::Ending;
use super::talk::Talk;
use crate::port::{Door, Peer};
use crate::refusal::Refusal;
use bytes::Bytes;
use sasl::{Claim, Exchange, Mechanism, Step, response};
use terms::Moment;
use wire::imap::Secret;
use wire::imap::command::Authenticate;
use wire::imap::framer::Event;
use wire::imap::reply::{self, Code};

/// Speaks the mechanism until it comes to a claim. Whether the claim holds is asked at the door.
pub(super) async fn run<P: Peer>(
    command: &Authenticate<'_>,
    until: Moment,
    door: &impl Door,
    talk: &mut Talk<P>,
) -> Result<(Claim, Mechanism), Stop> {
    let mechanism = Mechanism::from_name(command.mechanism).ok_or_else(not_offered)?;
    let mut step = mechanism.begin(command.initial.as_ref().map(Secret::expose), door.nonce());
    loop {
        step = match step {
            Step::Challenge(octets, exchange) => answer(&octets, exchange, until, talk).await?,
            Step::Lookup(lookup) => {
                let verifier = door.verifier(lookup.name()).await?;
                lookup.found(verifier)
            }
            Step::Done(claim) => return Ok((claim, mechanism)),
            Step::Failed(failure) => return Err(failure.into()),
        };
    }
}

fn not_offered() -> Refusal {
    let why = "This way of signing in is not offered; CAPABILITY lists those that are";
    Refusal::denied(Code::Cannot, why)
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
    let event = talk.next_event(until).await.map_err(Ending::of_stranger)?;
    match event {
        Event::Command(line) => Ok(line),
        Event::Literal(_) => {
            talk.refuse_literal();
            Err(Refusal::misspoken("A response is one line of base64").into())
        }
        _ => Err(Refusal::misspoken("A response is one line of base64").into()),
    }
}
