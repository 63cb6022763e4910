//! Events that are folded in at once come to what they come to one after the other.

use crate::{ALEX, ANDREW, apply, empty, expunge, store, with_messages};
use mailbox::{Change, Event, FlagsChanged, MailboxState, Misfit, Scope, SystemFlags};
use terms::{Uid, UidSet};
use testkit::dice::Dice;

const WORDS: [&str; 6] =
    ["\\Seen", "\\Flagged", "\\Answered \\Seen red", "red blue", "\\Deleted", "green \\Flagged \\Seen"];

/// A mailbox of several leaves, and what happens to it then.
fn history(seed: u64) -> (MailboxState, Vec<Event>) {
    let mut dice = Dice::new(seed);
    let begun = with_messages(&empty(1, 7), 600 + dice.below(300));
    let (mut state, mut events) = (begun.clone(), Vec::new());
    for _ in 0..120 {
        let there: Vec<Uid> = state.uids(Uid::MIN).iter().collect();
        let from = dice.below(there.len());
        let most = if dice.below(10) == 0 { there.len() } else { 5 };
        let some = 1 + dice.below(most);
        let some: UidSet = there.iter().skip(from).take(some).copied().collect();
        let account = [ALEX, ANDREW][dice.below(2)];
        let change = [Change::Add, Change::Remove, Change::Replace][dice.below(3)];
        let flags = crate::named(WORDS[dice.below(WORDS.len())]);
        let next = match dice.below(20) {
            0 => {
                mailbox::append(&state, account, vec![crate::message(&flags); 1 + dice.below(300)])
                    .unwrap()
                    .events
            }
            1 => mailbox::expunge(&state, mailbox::Doomed::DeletedAmong(&some)).unwrap().events,
            _ => {
                let uids = &some;
                let request = mailbox::Store { account, uids, change, flags: &flags, unchanged_since: None };
                mailbox::store(&state, &request).unwrap().events
            }
        };
        state = apply(&state, &next);
        events.extend(next);
    }
    (begun, events)
}

#[test]
fn it_makes_no_difference_how_many_are_folded_in_at_once() {
    for seed in 0..40 {
        let (begun, events) = history(seed);
        let one_by_one = apply(&begun, &events);
        let mut dice = Dice::new(seed);
        let (mut at_once, mut left) = (begun, events.as_slice());
        while !left.is_empty() {
            let (some, others) = left.split_at((1 + dice.below(100)).min(left.len()));
            (at_once, left) = (at_once.apply_all(some).unwrap(), others);
        }
        assert!(at_once.says_the_same_as(&one_by_one), "seed {seed}");
        // What only sessions that are open need is the same too.
        for account in [ALEX, ANDREW] {
            let ghosts = |state: &MailboxState| -> Vec<_> {
                (1..state.uid_next().get()).map(|n| state.reader(account).ghost(crate::uid(n))).collect()
            };
            assert_eq!(ghosts(&at_once), ghosts(&one_by_one), "seed {seed}");
        }
    }
}

#[test]
fn a_flag_on_each_of_many_messages_is_folded_in_at_once_as_one_flag_on_all_of_them_is() {
    let state = with_messages(&empty(1, 0), 5_000);
    let every = |n| store(&state, ALEX, &crate::uids([n]), Change::Add, "\\Flagged").1.events;
    let events: Vec<_> = (1..=5_000).flat_map(every).collect();
    let flagged = state.apply_all(&events).unwrap();
    assert!(flagged.says_the_same_as(&apply(&state, &events)));
    assert!(
        flagged.reader(ALEX).rows(&state.uids(Uid::MIN)).all(|row| row.flags.system == SystemFlags::FLAGGED)
    );
}

#[test]
fn what_does_not_fit_is_refused_as_it_is_one_by_one() {
    let state = expunge(&with_messages(&empty(1, 0), 10), &crate::uids([5]));
    let change = |uid, scope, flags: &str| {
        let (add, remove) = (crate::named(flags), mailbox::Flags::NONE);
        Event::FlagsChanged(FlagsChanged { scope, uids: crate::uids([uid]), add, remove })
    };
    let fits = change(1, Scope::Shared, "\\Flagged");
    for (other, why) in [
        (change(5, Scope::Shared, "\\Flagged"), Misfit::Absent),
        (change(6, Scope::Shared, "\\Seen"), Misfit::Scope),
        (change(6, Scope::Private(ALEX), "\\Flagged"), Misfit::Scope),
    ] {
        assert_eq!(state.apply(&fits).unwrap().apply(&other).unwrap_err(), why);
        assert_eq!(state.apply_all(&[fits.clone(), other, fits.clone()]).unwrap_err(), why);
    }
}
