//! IDLE (RFC 2177; RFC 9051, 6.3.13). What changes is told at once; nothing is polled.

use super::announce::{Manner, announce};
use super::done::{Done, Outcome, Stop};
use super::hall::Hall;
use super::talk::{Silence, Talk};
use crate::port::{Mail, Mailbox, Peer};
use crate::race::{First, race};
use crate::refusal::Refusal;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;
use terms::Moment;
use wire::imap::framer::Event;
use wire::imap::reply::{self, Condition, untagged};

/// An IDLE is never ended for its length: Outlook does not come back until it is restarted.
///
/// The client is told every `still_here` that the connection lives. The time runs from each IDLE's own beginning, so
/// that clients in one place are not woken together.
pub(super) async fn run<M: Mail, P: Peer>(
    still_here: Option<Duration>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    if let Some(selected) = &mut hall.selected {
        selected.order = None; // nobody turns pages for now, and who waits is small
    }
    reply::continuation(talk.text(), "idling");
    loop {
        // Boxed: a session that waits is no larger for what it does between two waits.
        let seen = match Box::pin(tell_changes(hall, talk)).await {
            // What cannot be told now is told another time; an IDLE is no reason to bother the client with it.
            Err(Stop::Refused(_)) => None,
            seen => seen?,
        };
        // Before the race: what loses a race must have nothing half written.
        talk.flush().await?;
        let until = still_here.map_or(Moment::NEVER, |time| talk.now().plus(time));
        let first = {
            let (said, changed) = (pin!(talk.next_event(until)), pin!(changed(hall, seen)));
            race(said, changed).await
        };
        match first {
            First::One(Ok(event)) => return done(&event, talk),
            First::One(Err(Silence::TimedOut)) => {
                untagged(talk.text(), Condition::Ok, None, "Still here");
            }
            First::One(Err(silence)) => return Err(silence.into()),
            First::Other(()) => {}
        }
    }
}

/// Tells what changed, and says up to which event. IDLE is a command in progress: numbers may move.
async fn tell_changes<M: Mail, P: Peer>(hall: &mut Hall<M>, talk: &mut Talk<P>) -> Result<Option<u64>, Stop> {
    let Some(selected) = &mut hall.selected else { return Ok(None) };
    let told = announce(selected, Manner::FREE, talk).await?;
    if told.is_none() {
        hall.selected = None;
    }
    Ok(told.map(|state| state.seq()))
}

async fn changed<M: Mail>(hall: &Hall<M>, seen: Option<u64>) {
    match (&hall.selected, seen) {
        (Some(selected), Some(seen)) => selected.mailbox.changed(seen).await,
        // RFC 2177 allows IDLE without a mailbox: then nothing can change.
        _ => pending().await,
    }
}

fn done<P: Peer>(event: &Event, talk: &mut Talk<P>) -> Outcome {
    match event {
        Event::Command(line) if line.eq_ignore_ascii_case(b"DONE") => Ok(Done::ok("IDLE completed")),
        event => {
            if let Event::Literal(_) = event {
                talk.refuse_literal();
            }
            Err(Refusal::misspoken("IDLE ends with DONE").into())
        }
    }
}
