//! A mailbox made again as it was, where nothing of it is left.

use super::append::{Run, batches, behind};
use super::transfer::originals;
use crate::{Appended, Created, Event, LimitReached, MailboxState, NewMessage};
use terms::{AccountId, ModSeq, Uid, UidSet};

/// Numbers that a mailbox may have given since it was as it was. None of them is given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// UIDNEXT is at least this.
    pub uid_next: Uid,
    /// MODSEQs are above this.
    pub modseq: ModSeq,
}

/// The events of a mailbox of `owner` that holds what `past` held for `reader`, its owner then: the same messages, but
/// for those in `without`, under the same UIDs and UIDVALIDITY, with their identities, dates and flags.
///
/// UIDNEXT is `given`'s at least, and every MODSEQ is above `given`'s: whoever knows the mailbox from before is told
/// everything.
///
/// # Errors
/// No MODSEQs or UIDs are left.
pub fn rebuild(
    past: &MailboxState,
    reader: AccountId,
    owner: AccountId,
    without: &UidSet,
    given: Given,
) -> Result<Vec<Event>, LimitReached> {
    let uids = past.uids(Uid::MIN).difference(without);
    let uid_next = past.uid_next().max(given.uid_next);
    let first = uids.first().unwrap_or(uid_next);
    let modseq_base = past.last_modseq().max(given.modseq);
    let created = Created {
        stream: past.stream(),
        owner,
        uid_validity: past.uid_validity(),
        uid_next: first,
        modseq_base: ModSeq::ZERO,
    };
    // Behind this nobody relies on what was heard before: it is a skip like that of a whole store.
    let mut events = vec![Event::Created(created), Event::Skipped { uid_next: first, modseq_base }];
    let mut next = first;
    for Run { first, messages } in runs(originals(past, reader, &uids)) {
        events.extend((first > next).then_some(Event::Skipped { uid_next: first, modseq_base }));
        next = first;
        for messages in batches(messages) {
            let behind = behind(next, messages.len()).ok_or(LimitReached::Uids)?;
            events.push(Event::Appended(Appended { first: next, reader: owner, messages }));
            next = behind;
        }
    }
    events.extend((uid_next > next).then_some(Event::Skipped { uid_next, modseq_base }));
    let enough = modseq_base.plus(events.len() as u64).is_some();
    if enough { Ok(events) } else { Err(LimitReached::ModSeqs) }
}

fn runs(messages: impl Iterator<Item = (Uid, NewMessage)>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (uid, message) in messages {
        let is_next = |run: &Run| behind(run.first, run.messages.len()) == Some(uid);
        match runs.last_mut().filter(|run| is_next(run)) {
            Some(run) => run.messages.push(message),
            None => runs.push(Run { first: uid, messages: vec![message] }),
        }
    }
    runs
}
