//! COPY and MOVE: RFC 9051, 6.4.7 and 6.4.8.

use super::expunge::remove;
use super::store::named_flags;
use super::{Appending, append};
use crate::{Birth, Event, FlagSet, Flags, LimitReached, MailboxState, NewMessage, Row};
use terms::{AccountId, EmailId, Uid, UidSet, UidValidity};

/// What a COPY comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copying {
    /// To be committed behind the target's state.
    pub events: Vec<Event>,
    /// COPYUID: the target's UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// COPYUID: the messages in the source.
    pub source: UidSet,
    /// COPYUID: the same messages in the target, in the same order.
    pub target: UidSet,
}

/// What a MOVE comes to: one commit over both streams, or one stream if source and target are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moving {
    /// What happens to the target, first.
    pub copy: Copying,
    /// To be committed behind the source's state: behind `copy.events` where source and target are one.
    pub expunged: Vec<Event>,
}

/// Copies those of the messages that are there. They keep identity, INTERNALDATE, and flags as `account` sees
/// them; they are saved `now`, in Unix seconds.
///
/// # Errors
/// The limit that the target would overstep.
pub fn copy(
    source: &MailboxState,
    account: AccountId,
    uids: &UidSet,
    target: &MailboxState,
    now: i64,
) -> Result<Copying, LimitReached> {
    let (source, messages) = copies(source, account, uids, now);
    let Appending { events, uids: target_uids } = append(target, account, messages)?;
    Ok(Copying { events, uid_validity: target.uid_validity(), source, target: target_uids })
}

/// The same as what [`append`] takes, with the UIDs that they have in the source: for a target that is not known yet.
pub fn copies(
    source: &MailboxState,
    account: AccountId,
    uids: &UidSet,
    now: i64,
) -> (UidSet, Vec<NewMessage>) {
    let mut names = Names::of(source);
    let most = usize::try_from(uids.len()).unwrap_or(usize::MAX).min(source.messages() as usize);
    let (mut found, mut messages) = (UidSet::new(), Vec::with_capacity(most));
    for row in source.reader(account).rows(uids) {
        found.push(row.uid);
        messages.push(names.copy_of(&row, now));
    }
    (found, messages)
}

/// The messages as they are, with their UIDs: to be put where they were.
pub(super) fn originals(
    state: &MailboxState,
    account: AccountId,
    uids: &UidSet,
) -> impl Iterator<Item = (Uid, NewMessage)> {
    let mut names = Names::of(state);
    let stream = state.stream();
    state.reader(account).rows(uids).map(move |row| {
        let is_born_here = row.email == EmailId { mailbox: stream, uid: row.uid.get() };
        let copy = names.copy_of(&row, row.save_date);
        let birth = if is_born_here { Birth::Here } else { copy.birth };
        (row.uid, NewMessage { birth, ..copy })
    })
}

/// Moves those of the messages that are there. A message's \Deleted neither helps nor hinders (RFC 6851, 3.1).
///
/// # Errors
/// The limit that the target or the source would overstep.
pub fn move_messages(
    source: &MailboxState,
    account: AccountId,
    uids: &UidSet,
    target: &MailboxState,
    now: i64,
) -> Result<Moving, LimitReached> {
    let copy = copy(source, account, uids, target, now)?;
    let expunged = remove(source, copy.source.clone())?.events;
    Ok(Moving { copy, expunged })
}

/// Names flags; messages of a mailbox have few combinations of them.
struct Names<'a> {
    state: &'a MailboxState,
    named: Vec<(FlagSet, Flags)>,
}

/// Combinations of flags whose names are remembered.
const MAX_NAMED: usize = 16;

impl<'a> Names<'a> {
    const fn of(state: &'a MailboxState) -> Self {
        Self { state, named: Vec::new() }
    }

    fn copy_of(&mut self, row: &Row, now: i64) -> NewMessage {
        NewMessage {
            birth: Birth::Elsewhere(row.email),
            flags: self.name(&row.flags),
            internal_date: row.internal_date,
            size: row.size,
            save_date: now,
        }
    }

    fn name(&mut self, flags: &FlagSet) -> Flags {
        if flags.keywords().is_empty() {
            return Flags::system(flags.system);
        }
        if let Some((_, named)) = self.named.iter().find(|(known, _)| known == flags) {
            return named.clone();
        }
        if self.named.len() == MAX_NAMED {
            self.named.clear();
        }
        let named = named_flags(self.state.keywords(), flags);
        self.named.push((flags.clone(), named.clone()));
        named
    }
}
