//! A mailbox of three levels under random edits, against a map.

use crate::{ALEX, ANDREW, apply, empty, expunge, store, uids, with_messages};
use mailbox::{Change, MailboxState};
use std::collections::BTreeMap;
use terms::{SeqNum, Uid, UidSet};
use testkit::dice::Dice;

/// `\Flagged`, `\Seen` of the one and the other.
type Plain = BTreeMap<u32, (bool, bool, bool)>;

fn check(state: &MailboxState, plain: &Plain, dice: &mut Dice) {
    assert_eq!(state.uids(Uid::MIN), uids(plain.keys().copied()));
    assert_eq!(state.messages() as usize, plain.len());
    let all = state.uids(Uid::MIN);
    for (account, of) in [(ALEX, 0), (ANDREW, 1)] {
        let reader = state.reader(account);
        let seen = |entry: &(bool, bool, bool)| if of == 0 { entry.1 } else { entry.2 };
        assert_eq!(reader.unseen() as usize, plain.values().filter(|entry| !seen(entry)).count());
        let first = plain.values().position(|entry| !seen(entry));
        assert_eq!(reader.first_unseen().map(|n| n.get() as usize), first.map(|at| at + 1));
        let mut rows = reader.rows(&all);
        for (uid, entry) in plain {
            let row = rows.next().unwrap();
            let names: Vec<&str> = state.keywords().names(&row.flags).collect();
            assert_eq!(row.uid.get(), *uid);
            assert_eq!(
                (names.contains(&"\\Flagged"), names.contains(&"\\Seen")),
                (entry.0, seen(entry)),
                "{uid}"
            );
        }
        assert_eq!(rows.next(), None);
    }
    let numbers: Vec<u32> = plain.keys().copied().collect();
    for _ in 0..100.min(numbers.len()) {
        let at = dice.below(numbers.len());
        assert_eq!(state.uid_at(SeqNum::new(at as u32 + 1).unwrap()).map(Uid::get), Some(numbers[at]));
    }
}

fn any_uids(plain: &Plain, dice: &mut Dice) -> UidSet {
    let numbers: Vec<u32> = plain.keys().copied().collect();
    if dice.one_in(4) {
        return uids(dice.some(&numbers));
    }
    let from = dice.below(numbers.len());
    let most = dice.pick(&[1, 100, 20_000]);
    let step = dice.pick(&[1, 2, 37]);
    uids(numbers.into_iter().skip(from).step_by(step).take(most))
}

#[test]
fn a_large_mailbox_is_what_a_map_is_whatever_happens_to_it() {
    for seed in 0..4 {
        let mut dice = Dice::new(seed);
        let mut state = with_messages(&empty(1, 0), 30_000);
        let mut plain: Plain = (1..=30_000).map(|uid| (uid, (false, false, false))).collect();
        for round in 0..60 {
            let some = any_uids(&plain, &mut dice);
            let change = dice.pick(&[Change::Add, Change::Remove]);
            let set = change == Change::Add;
            let entries = |plain: &mut Plain, edit: fn(&mut (bool, bool, bool), bool)| {
                some.iter().for_each(|uid| edit(plain.get_mut(&uid.get()).unwrap(), set));
            };
            match dice.below(5) {
                0 => {
                    (state, _) = store(&state, ALEX, &some, change, "\\Flagged");
                    entries(&mut plain, |entry, set| entry.0 = set);
                }
                1 => {
                    (state, _) = store(&state, ALEX, &some, change, "\\Seen");
                    entries(&mut plain, |entry, set| entry.1 = set);
                }
                2 => {
                    (state, _) = store(&state, ANDREW, &some, change, "\\Seen");
                    entries(&mut plain, |entry, set| entry.2 = set);
                }
                3 => {
                    state = expunge(&state, &some);
                    plain.retain(|uid, _| !some.contains(Uid::new(*uid).unwrap()));
                }
                _ => {
                    let first = state.uid_next().get();
                    state = with_messages(&state, 3_000);
                    plain.extend((first..first + 3_000).map(|uid| (uid, (false, false, false))));
                }
            }
            if round % 10 == 9 {
                check(&state, &plain, &mut dice);
                let pieces = state.snapshot();
                let opened = MailboxState::restore(pieces.iter().map(|piece| &**piece)).unwrap();
                check(&opened, &plain, &mut dice);
                assert_eq!(opened.snapshot(), pieces, "what was read is written the same");
                state = if dice.one_in(2) { opened } else { state };
            }
        }
        let gone = state.uids(Uid::MIN);
        let state = expunge(&apply(&state, &[]), &gone);
        check(&state, &Plain::new(), &mut dice);
    }
}
