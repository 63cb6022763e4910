//! APPEND and delivery; messages that bring their UIDs along; skipping.

use super::check_modseqs;
use crate::{
    Appended, Event, Flags, Head, LimitReached, MAX_BROUGHT_UID, MAX_KEYWORDS, MAX_READERS, MailboxState,
    NewMessage, SystemFlags,
};
use terms::{AccountId, Uid, UidSet};

/// Octets that a message takes in an event at most, its keywords aside.
const MESSAGE_OCTETS: usize = 80;
/// Octets of one event that decisions fill: the rest is for what they estimate too low.
const EVENT_OCTETS: usize = crate::MAX_EVENT_OCTETS / 4 * 3;

/// What an APPEND comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appending {
    /// To be committed behind the state that was asked.
    pub events: Vec<Event>,
    /// The UIDs that the messages get, in their order: APPENDUID.
    pub uids: UidSet,
}

/// New messages at the end of the mailbox; `reader` is the account whose `\Seen` their flags speak of.
///
/// # Errors
/// The limit that the mailbox would overstep.
pub fn append(
    state: &MailboxState,
    reader: AccountId,
    messages: Vec<NewMessage>,
) -> Result<Appending, LimitReached> {
    append_runs(state, reader, vec![Run { first: state.uid_next(), messages }])
}

/// The same for messages that had UIDs elsewhere. Each keeps its own where that is UIDNEXT or above, and not above
/// [`MAX_BROUGHT_UID`]; any other gets UIDNEXT.
///
/// # Errors
/// The limit that the mailbox would overstep.
pub fn bring(
    state: &MailboxState,
    reader: AccountId,
    messages: Vec<(Option<Uid>, NewMessage)>,
) -> Result<Appending, LimitReached> {
    append_runs(state, reader, runs(state.uid_next(), messages)?)
}

fn append_runs(state: &MailboxState, reader: AccountId, runs: Vec<Run>) -> Result<Appending, LimitReached> {
    let flags = || runs.iter().flat_map(|run| &run.messages).map(|message| &message.flags);
    if state.keywords().len() + state.keywords().unknown(flags()) > MAX_KEYWORDS {
        return Err(LimitReached::Keywords);
    }
    let seen = flags().any(|flags| flags.system.contains(SystemFlags::SEEN));
    if seen && !state.knows_reader(reader) && state.readers() >= MAX_READERS {
        return Err(LimitReached::Readers);
    }
    let mut appending = Appending { events: Vec::new(), uids: UidSet::new() };
    let mut uid_next = state.uid_next();
    for Run { first, messages } in runs {
        appending.events.extend((first > uid_next).then(|| jump(state, first)));
        uid_next = first;
        for messages in batches(messages) {
            let first = uid_next;
            uid_next = behind(first, messages.len()).ok_or(LimitReached::Uids)?;
            if let Some(last) = Uid::new(uid_next.get() - 1) {
                appending.uids.push_range(first, last);
            }
            appending.events.push(Event::Appended(Appended { first, reader, messages }));
        }
    }
    check_modseqs(state, appending.events.len())?;
    Ok(appending)
}

/// Messages whose UIDs have no gap.
pub(super) struct Run {
    pub(super) first: Uid,
    pub(super) messages: Vec<NewMessage>,
}

fn runs(mut uid_next: Uid, messages: Vec<(Option<Uid>, NewMessage)>) -> Result<Vec<Run>, LimitReached> {
    let mut runs: Vec<Run> = Vec::new();
    for (uid, message) in messages {
        let first = uid.filter(|uid| *uid > uid_next && uid.get() <= MAX_BROUGHT_UID);
        match runs.last_mut() {
            Some(run) if first.is_none() => run.messages.push(message),
            _ => runs.push(Run { first: first.unwrap_or(uid_next), messages: vec![message] }),
        }
        uid_next = behind(first.unwrap_or(uid_next), 1).ok_or(LimitReached::Uids)?;
    }
    Ok(runs)
}

/// The UID behind so many. The highest UID is never given: UIDNEXT must stay a UID.
pub(super) fn behind(first: Uid, count: usize) -> Option<Uid> {
    first.get().checked_add(u32::try_from(count).ok()?).and_then(Uid::new)
}

/// UIDNEXT jumps, and no MODSEQ is lost.
fn jump(state: &MailboxState, uid_next: Uid) -> Event {
    Event::Skipped { uid_next, modseq_base: state.modseq_base() }
}

/// Lets the next message have this UID, or a higher one: those below it were given elsewhere. `None` where that is so
/// already, or the UID is above what a message can bring along.
#[must_use]
pub fn skip_to(state: &MailboxState, uid_next: Uid) -> Option<Event> {
    let is_jump = uid_next > state.uid_next() && uid_next.get() <= MAX_BROUGHT_UID;
    is_jump.then(|| jump(state, uid_next))
}

/// An event that changes nothing, so that a commit can leave the right summary where there is a wrong one; but whatever
/// number the wrong one told is not given any more.
///
/// # Errors
/// When there is no number left behind it.
pub fn restate(state: &MailboxState, told: Option<&Head>) -> Result<Event, LimitReached> {
    let uids = told.map_or(0, |told| told.uid_next.get().saturating_sub(state.uid_next().get()));
    let highest = state.last_modseq().get();
    let modseqs = told.map_or(0, |told| told.highest_modseq.get().saturating_sub(highest));
    if modseqs > 0 {
        return skip(state, uids, modseqs);
    }
    check_modseqs(state, 1)?;
    Ok(jump(state, state.uid_next().get().checked_add(uids).and_then(Uid::new).ok_or(LimitReached::Uids)?))
}

/// Batches that fit into an event each.
pub(super) fn batches(mut messages: Vec<NewMessage>) -> Vec<Vec<NewMessage>> {
    // From the end, so that each message is moved once at most and those of the first batch stay where they are.
    let mut batches: Vec<_> = cuts(&messages).into_iter().rev().map(|at| messages.split_off(at)).collect();
    if !messages.is_empty() {
        batches.push(messages);
    }
    batches.reverse();
    batches
}

/// Where a new event has to begin.
fn cuts(messages: &[NewMessage]) -> Vec<usize> {
    let mut cuts = Vec::new();
    let mut room = EVENT_OCTETS;
    let mut before = None;
    for (at, message) in messages.iter().enumerate() {
        let is_new = before.is_none_or(|before| before != &message.flags);
        let octets = MESSAGE_OCTETS + if is_new { keyword_octets(&message.flags) } else { 0 };
        if at > 0 && octets > room {
            cuts.push(at);
            room = EVENT_OCTETS.saturating_sub(MESSAGE_OCTETS + keyword_octets(&message.flags));
        } else {
            room = room.saturating_sub(octets);
        }
        before = Some(&message.flags);
    }
    cuts
}

/// As if each were new in the event.
fn keyword_octets(flags: &Flags) -> usize {
    flags.keywords().iter().map(|keyword| keyword.as_str().len() + 5).sum()
}

/// Jumps forward by so many UIDs and MODSEQs, so that none which may have been given and lost is given again.
///
/// # Errors
/// When there are not so many left.
pub fn skip(state: &MailboxState, uids: u32, modseqs: u64) -> Result<Event, LimitReached> {
    let uid_next = state.uid_next().get().checked_add(uids).and_then(Uid::new).ok_or(LimitReached::Uids)?;
    let now = state.modseq_in(0).ok_or(LimitReached::ModSeqs)?;
    let skipped = now.plus(modseqs).ok_or(LimitReached::ModSeqs)?;
    let modseq_base = terms::ModSeq::new(skipped.get() - state.seq()).ok_or(LimitReached::ModSeqs)?;
    Ok(Event::Skipped { uid_next, modseq_base })
}
