//! Facts about the mailbox that random histories do not reach: examples of the standard, limits, costs, octets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test may panic")]

mod at_once;
mod by_leaf;
mod costs;
mod large;
mod limits;
mod octets;
mod rebuild;
mod standard;

use mailbox::{
    Announcement, Birth, Change, Created, Doomed, Event, Flags, MailboxState, NewMessage, Permit, Store,
    Stored, View,
};
use terms::{AccountId, InternalDate, Keyword, ModSeq, Uid, UidSet, UidValidity};

pub(crate) const ALEX: AccountId = AccountId(1);
pub(crate) const ANDREW: AccountId = AccountId(2);

pub(crate) fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

pub(crate) fn uids(numbers: impl IntoIterator<Item = u32>) -> UidSet {
    numbers.into_iter().filter_map(Uid::new).collect()
}

pub(crate) fn modseq(n: u64) -> ModSeq {
    ModSeq::new(n).unwrap()
}

/// A mailbox of alex whose next MODSEQ is `base` and two.
pub(crate) fn empty(uid_next: u32, base: u64) -> MailboxState {
    let created = Created {
        stream: 1,
        owner: ALEX,
        uid_validity: UidValidity::MIN,
        uid_next: uid(uid_next),
        modseq_base: modseq(base),
    };
    MailboxState::create(&created).unwrap()
}

pub(crate) fn message(flags: &Flags) -> NewMessage {
    NewMessage {
        birth: Birth::Here,
        flags: flags.clone(),
        internal_date: InternalDate::new(1_700_000_000, 60).unwrap(),
        size: 1_000,
        save_date: 1_700_000_000,
    }
}

pub(crate) fn with_messages(state: &MailboxState, count: usize) -> MailboxState {
    let messages = vec![message(&Flags::NONE); count];
    apply(state, &mailbox::append(state, ALEX, messages).unwrap().events)
}

pub(crate) fn apply(state: &MailboxState, events: &[Event]) -> MailboxState {
    events.iter().fold(state.clone(), |state, event| state.apply(event).unwrap())
}

pub(crate) fn named(text: &str) -> Flags {
    let mut flags = Flags::NONE;
    for word in text.split_whitespace() {
        match mailbox::SystemFlags::NAMED.iter().find(|(_, name)| *name == word) {
            Some((flag, _)) => flags.system = flags.system.with(*flag),
            None => flags.push(Keyword::new(word).unwrap()),
        }
    }
    flags
}

pub(crate) fn store(
    state: &MailboxState,
    account: AccountId,
    uids: &UidSet,
    change: Change,
    flags: &str,
) -> (MailboxState, Stored) {
    let flags = named(flags);
    let request = Store { account, uids, change, flags: &flags, unchanged_since: None };
    let stored = mailbox::store(state, &request).unwrap();
    (apply(state, &stored.events), stored)
}

pub(crate) fn expunge(state: &MailboxState, gone: &UidSet) -> MailboxState {
    let (state, _) = store(state, ALEX, gone, Change::Add, "\\Deleted");
    apply(&state, &mailbox::expunge(&state, Doomed::DeletedAmong(gone)).unwrap().events)
}

pub(crate) fn announce(view: &mut View, state: &MailboxState, permit: Permit) -> Announcement {
    view.announce(state, permit, None, mailbox::BATCH_ITEMS).unwrap()
}
