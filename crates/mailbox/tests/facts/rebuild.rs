//! A mailbox that is made again is the one that it was, and no client's cache is wrong.

use crate::{ALEX, ANDREW, apply, empty, expunge, message, modseq, named, store, uid, uids, with_messages};
use mailbox::{Birth, Change, Event, Flags, Given, Known, MailboxState, NewMessage, Row};
use terms::{AccountId, EmailId, Uid, UidSet};
use testkit::dice::Dice;

fn rows(state: &MailboxState, account: AccountId) -> Vec<(Row, Flags)> {
    let flags = |row: &Row| {
        let keywords = row.flags.keywords().iter().map(|number| state.keywords().get(*number).unwrap());
        let mut flags = Flags::system(row.flags.system);
        let mut keywords: Vec<_> = keywords.cloned().collect();
        keywords.sort_by_key(|keyword| keyword.as_str().to_owned());
        keywords.into_iter().for_each(|keyword| flags.push(keyword));
        flags
    };
    let rows = state.reader(account).rows(&state.uids(Uid::MIN)).collect::<Vec<_>>();
    let same = |row: Row| (Row { modseq: modseq(0), flags: Default::default(), ..row.clone() }, flags(&row));
    rows.into_iter().map(same).collect()
}

/// A mailbox with a history.
fn lived(seed: u64) -> MailboxState {
    let mut dice = Dice::new(seed);
    let mut state = empty(1, dice.below(1_000) as u64);
    for step in 0..60 {
        let there = state.uids(Uid::MIN);
        let some: UidSet = there.iter().filter(|_| dice.below(4) == 0).collect();
        state = match dice.below(6) {
            0 | 1 => with_messages(&state, 1 + dice.below(9)),
            2 => {
                let email = EmailId { mailbox: 9, uid: step };
                let moved = NewMessage { birth: Birth::Elsewhere(email), ..message(&named("\\Seen moved")) };
                let messages = vec![(Uid::new(state.uid_next().get() + 5), NewMessage { size: 7, ..moved })];
                apply(&state, &mailbox::bring(&state, ALEX, messages).unwrap().events)
            }
            3 if !some.is_empty() => expunge(&state, &some),
            4 => store(&state, ALEX, &some, Change::Replace, "\\Seen \\Flagged red").0,
            _ => store(&state, ALEX, &some, Change::Replace, "blue \\Answered").0,
        };
    }
    state
}

fn fold(events: &[Event]) -> MailboxState {
    let state = MailboxState::fold(events).unwrap();
    for event in events {
        assert_eq!(Event::decode(&event.encode()).as_ref(), Ok(event));
    }
    state
}

#[test]
fn it_holds_what_it_held_under_another_owner_and_its_numbers_go_on_behind_all_that_were_given() {
    for seed in 0..60 {
        let past = lived(seed);
        let later = lived(seed + 1_000);
        let given = Given {
            uid_next: uid(later.uid_next().get() + 70),
            modseq: later.last_modseq().plus(99).unwrap(),
        };
        let again = fold(&mailbox::rebuild(&past, ALEX, ANDREW, &UidSet::new(), given).unwrap());
        assert_eq!(rows(&again, ANDREW), rows(&past, ALEX), "seed {seed}");
        let (now, then) = (again.head(), past.head());
        assert_eq!(
            (now.messages, now.unseen, now.deleted, now.octets, now.uid_validity),
            (then.messages, then.unseen, then.deleted, then.octets, then.uid_validity)
        );
        assert_eq!(again.uid_next(), past.uid_next().max(given.uid_next));
        assert_eq!((again.stream(), again.owner()), (past.stream(), ANDREW));
        let lowest = again.reader(ANDREW).rows(&again.uids(Uid::MIN)).map(|row| row.modseq).min();
        assert!(lowest.is_none_or(|lowest| lowest > given.modseq && lowest > past.last_modseq()));
    }
}

#[test]
fn whoever_knew_it_before_is_told_everything_that_is_otherwise() {
    let past = lived(5);
    let later = with_messages(&past, 3);
    let given = Given { uid_next: later.uid_next(), modseq: later.last_modseq() };
    let again = fold(&mailbox::rebuild(&past, ALEX, ALEX, &UidSet::new(), given).unwrap());
    let knew = later.uids(Uid::MIN);
    let known = Known { modseq: later.last_modseq(), uids: Some(knew.clone()), matched: None };
    assert_eq!(again.vanished(&known), knew.difference(&past.uids(Uid::MIN)));
    let changed = again.reader(ALEX).changed(later.last_modseq(), Uid::MIN).count();
    assert_eq!(changed as u32, past.messages(), "all flags are told again");
}

#[test]
fn messages_that_are_lost_leave_a_gap_and_an_empty_mailbox_its_numbers() {
    let past = with_messages(&empty(10, 4), 6);
    let given = Given { uid_next: Uid::MIN, modseq: modseq(0) };
    let again = |lost| fold(&mailbox::rebuild(&past, ALEX, ALEX, &lost, given).unwrap());
    let some = again(uids([10, 12, 15]));
    assert_eq!((some.uids(Uid::MIN), some.uid_next()), (uids([11, 13, 14]), uid(16)));
    let none = again(uids(10..=15));
    assert_eq!((none.messages(), none.uid_next()), (0, uid(16)));
    let last = Given { uid_next: uid(u32::MAX), modseq: modseq(0) };
    let full = fold(&mailbox::rebuild(&past, ALEX, ALEX, &UidSet::new(), last).unwrap());
    assert_eq!(full.uid_next(), uid(u32::MAX));
    let spent = Given { uid_next: Uid::MIN, modseq: modseq((1 << 63) - 2) };
    assert!(mailbox::rebuild(&past, ALEX, ALEX, &UidSet::new(), spent).is_err());
}
