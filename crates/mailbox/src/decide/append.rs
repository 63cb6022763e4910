//! APPEND and delivery; skipping.

use super::check_modseqs;
use crate::{
    Appended, Event, Flags, LimitReached, MAX_KEYWORDS, MAX_READERS, MailboxState, NewMessage, SystemFlags,
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
    let Some(uids) = next_uids(state, messages.len())? else {
        return Ok(Appending { events: Vec::new(), uids: UidSet::new() });
    };
    if state.keywords().len() + state.keywords().unknown(messages.iter().map(|m| &m.flags)) > MAX_KEYWORDS {
        return Err(LimitReached::Keywords);
    }
    let seen = messages.iter().any(|m| m.flags.system.contains(SystemFlags::SEEN));
    if seen && !state.knows_reader(reader) && state.readers() >= MAX_READERS {
        return Err(LimitReached::Readers);
    }
    let mut taken = 0;
    let event = |messages: Vec<NewMessage>| {
        let first = Uid::new(state.uid_next().get() + taken)?;
        taken += messages.len() as u32;
        Some(Event::Appended(Appended { first, reader, messages }))
    };
    let events: Vec<Event> = batches(messages).into_iter().filter_map(event).collect();
    check_modseqs(state, events.len())?;
    Ok(Appending { events, uids })
}

/// `None` for no messages. The highest UID is never given: UIDNEXT must stay a UID.
fn next_uids(state: &MailboxState, count: usize) -> Result<Option<UidSet>, LimitReached> {
    let first = state.uid_next();
    let last =
        |count: u32| first.get().checked_add(count - 1).and_then(Uid::new).filter(|uid| *uid < Uid::MAX);
    match u32::try_from(count) {
        Ok(0) => Ok(None),
        Ok(count) => last(count).map(|last| Some(UidSet::range(first, last))).ok_or(LimitReached::Uids),
        Err(_) => Err(LimitReached::Uids),
    }
}

/// Batches that fit into an event each.
fn batches(messages: Vec<NewMessage>) -> Vec<Vec<NewMessage>> {
    let mut batches: Vec<Vec<NewMessage>> = Vec::new();
    let mut room = 0;
    for message in messages {
        let is_new =
            batches.last().and_then(|batch| batch.last()).is_none_or(|before| before.flags != message.flags);
        let octets = MESSAGE_OCTETS + if is_new { keyword_octets(&message.flags) } else { 0 };
        match batches.last_mut() {
            Some(batch) if octets <= room => {
                batch.push(message);
                room -= octets;
            }
            _ => {
                room = EVENT_OCTETS.saturating_sub(MESSAGE_OCTETS + keyword_octets(&message.flags));
                batches.push(vec![message]);
            }
        }
    }
    batches
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
