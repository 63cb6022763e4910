//! AUTHENTICATE (RFC 3501, 6.2.2) with an initial response (RFC 4959), and with whatever mechanism the door offers.

use super::done::Stop;
use super::ending::Ending;
use super::talk::Talk;
use crate::port::Means;
use crate::port::{Door, Peer};
use crate::refusal::{Denial, Refusal};
use bytes::Bytes;
use sasl::{Accepted, Refused, Step, response};
use terms::Moment;
use wire::imap::Secret;
use wire::imap::command::Authenticate;
use wire::imap::framer::Event;
use wire::imap::reply::{self, Code};

/// Speaks the mechanism to its end. Whether a claim holds is asked at the door.
pub(super) async fn run<P: Peer, D: Door>(
    command: &Authenticate<'_>,
    until: Moment,
    door: &D,
    talk: &mut Talk<P>,
) -> Result<D::Mail, Stop> {
    let offer = door.offer();
    let chosen = offer.choose(command.mechanism).ok_or_else(not_offered)?;
    let means = Means::Sasl(chosen.mechanism());
    let mut step = chosen.begin(command.initial.as_ref().map(Secret::expose), door.nonce());
    // Why the door stays shut, while the mechanism still has something to say of it.
    let mut refusal = None;
    loop {
        step = match step {
            Step::Challenge(octets, exchange) => {
                answer(&octets, |response| exchange.respond(response), until, talk).await?
            }
            Step::Lookup(lookup) => {
                let verifiers = door.verifiers(lookup.name()).await?;
                lookup.found(verifiers)
            }
            Step::Judge(claim, pending) => match door.sign_in(claim, means).await {
                Ok(guest) => {
                    let guest = content(pending.accepted(guest), until, talk).await?;
                    return Ok(door.come_in(guest)?);
                }
                Err(why) => {
                    let step = pending.refused(refused(&why));
                    refusal = Some(why);
                    step
                }
            },
            Step::Failed(failure) => return Err(refusal.unwrap_or_else(|| failure.into()).into()),
        };
    }
}

/// Whether the claim was found to be wrong, or something else keeps the door shut.
const fn refused(why: &Refusal) -> Refused {
    match why {
        Refusal::Denied(Denial {
            code: Some(Code::AuthenticationFailed | Code::AuthorizationFailed),
            ..
        }) => Refused::Claim,
        _ => Refused::NotNow,
    }
}

fn not_offered() -> Refusal {
    let why = "This way of signing in is not offered; CAPABILITY lists those that are";
    Refusal::denied(Code::Cannot, why)
}

/// Somebody who is let in, once their program is content with our proof, where the mechanism has one. One that is not, or
/// that says nothing more, is somebody who has not come.
async fn content<G, P: Peer>(accepted: Accepted<G>, until: Moment, talk: &mut Talk<P>) -> Result<G, Stop> {
    match accepted {
        Accepted::In(guest) => Ok(guest),
        Accepted::Prove(octets, assent) => {
            let content = answer(&octets, |response| assent.respond(response), until, talk).await?;
            Ok(content.map_err(Refusal::from)?)
        }
    }
}

async fn answer<T, P: Peer>(
    challenge: &[u8],
    respond: impl FnOnce(&[u8]) -> T,
    until: Moment,
    talk: &mut Talk<P>,
) -> Result<T, Stop> {
    reply::challenge(talk.text(), challenge);
    let line = line(until, talk).await?;
    // RFC 3501, erratum 261: what is not base64 ends the exchange, and AUTHENTICATE is BAD.
    Ok(respond(&response::decode(&line)?))
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
