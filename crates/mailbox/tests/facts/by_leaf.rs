//! What is done leaf by leaf comes to what it comes to row by row.

use crate::{ALEX, ANDREW, apply, empty, expunge, named, with_messages};
use mailbox::search::{Key, Narrowed, Program, Searchable, Verdict};
use mailbox::{Change, Dialect, Flags, Found, MailboxState, Row, Store, Stored, SystemFlags, View};
use std::collections::BTreeMap;
use terms::{AccountId, EmailId, Flag, InternalDate, Keyword, ModSeq, Uid, UidSet};
use testkit::dice::Dice;

const WORDS: [&str; 7] =
    ["\\Seen", "\\Flagged", "\\Answered \\Seen red", "red blue", "\\Deleted", "green \\Flagged \\Seen", ""];

/// A session that has not been told of everything, and one that looks at gaps.
#[test]
fn the_flags_that_are_found_by_themselves_are_those_of_the_rows() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let mut state = with_messages(&empty(1, 7), 300 + dice.below(500));
        let view = View::open(&state, ALEX, Dialect::Condstore, None);
        for _ in 0..30 {
            state = changed_somehow(&state, &mut dice);
            let some: Vec<Uid> = (1..=state.uid_next().get() + 3).filter_map(Uid::new).collect();
            let some: Vec<Uid> = some.into_iter().filter(|_| dice.below(5) > 0).collect();
            let rows: Vec<_> = view.find_all(&state, &some).collect();
            let flags: Vec<_> = view.find_flags(&state, &some).collect();
            assert_eq!(rows.len(), flags.len());
            for (row, flags) in rows.iter().zip(flags) {
                let same = row.as_ref().map(|(name, found)| {
                    let found = match found {
                        Found::Live(row) => Found::Live(row.flagged()),
                        Found::Ghost(row) => Found::Ghost(row.clone()),
                        Found::Gone => Found::Gone,
                    };
                    (*name, found)
                });
                assert_eq!(flags, same, "seed {seed}");
            }
        }
    }
}

fn changed_somehow(state: &MailboxState, dice: &mut Dice) -> MailboxState {
    let there: Vec<Uid> = state.uids(Uid::MIN).iter().collect();
    let some = there.iter().skip(dice.below(there.len())).take(1 + dice.below(90));
    let uids: UidSet = some.copied().collect();
    if dice.below(4) == 0 {
        return expunge(state, &uids.slice(0..uids.len().min(9)));
    }
    let account = [ALEX, ANDREW][dice.below(2)];
    let change = [Change::Add, Change::Remove, Change::Replace][dice.below(3)];
    let flags = named(WORDS[dice.below(WORDS.len())]);
    let request = Store { account, uids: &uids, change, flags: &flags, unchanged_since: None };
    apply(state, &mailbox::store(state, &request).unwrap().events)
}

type Names = (SystemFlags, Vec<String>);

/// A message's flags after a STORE, by name.
fn wanted(state: &MailboxState, row: &Row, change: Change, flags: &Flags) -> Names {
    let (system, had) = names(state, row);
    let named: Vec<String> = flags.keywords().iter().map(|k| k.as_str().to_owned()).collect();
    let others = had.iter().filter(|name| !named.contains(name)).cloned();
    let mut names = match change {
        Change::Add => (system.with(flags.system), others.chain(named.iter().cloned()).collect()),
        Change::Remove => (system.without(flags.system), others.collect::<Vec<_>>()),
        Change::Replace => (flags.system, named),
    };
    names.1.sort();
    names
}

fn names(state: &MailboxState, row: &Row) -> Names {
    let keywords = row.flags.keywords().iter().map(|number| state.keywords().get(*number).unwrap());
    let mut keywords: Vec<String> = keywords.map(|keyword| keyword.as_str().to_owned()).collect();
    keywords.sort();
    (row.flags.system, keywords)
}

/// What a STORE is to say of messages, row by row.
#[derive(Default)]
struct Plain {
    changed: Vec<Uid>,
    passed: Vec<Uid>,
    modified: Vec<Uid>,
    after: BTreeMap<Uid, Names>,
}

fn plain(state: &MailboxState, request: &Store<'_>) -> Plain {
    let mut plain = Plain::default();
    for row in state.reader(request.account).rows(&state.uids(Uid::MIN)) {
        let is_named = request.uids.contains(row.uid);
        let is_modified = request.unchanged_since.is_some_and(|since| row.modseq > since);
        let mut after = names(state, &row);
        if is_named && is_modified {
            plain.modified.push(row.uid);
        } else if is_named {
            plain.passed.push(row.uid);
            after = wanted(state, &row, request.change, request.flags);
            plain.changed.extend((after != names(state, &row)).then_some(row.uid));
        }
        plain.after.insert(row.uid, after);
    }
    plain
}

fn set(uids: &[Uid]) -> UidSet {
    uids.iter().copied().collect()
}

fn check(state: &MailboxState, request: &Store<'_>, why: &str) -> (MailboxState, Stored) {
    let (plain, stored) = (plain(state, request), mailbox::store(state, request).unwrap());
    assert_eq!(stored.passed, set(&plain.passed), "{why}");
    assert_eq!(stored.modified, set(&plain.modified), "{why}");
    assert_eq!(stored.changed, set(&plain.changed), "{why}");
    assert_eq!(stored.absent, request.uids.difference(&state.uids(Uid::MIN)), "{why}");
    let after = apply(state, &stored.events);
    let all = after.uids(Uid::MIN);
    for (account, is_own) in [(ALEX, request.account == ALEX), (ANDREW, request.account == ANDREW)] {
        let before = state.reader(account).rows(&all);
        for (before, row) in before.zip(after.reader(account).rows(&all)) {
            let raised = stored.changed.contains(row.uid) && is_own;
            assert_eq!(raised, row.modseq > before.modseq && is_own, "{why}");
            let (unchanged, flags) = (Row { flags: row.flags.clone(), modseq: row.modseq, ..before }, &row);
            assert_eq!(*flags, unchanged, "nothing else changes; {why}");
            if is_own {
                assert_eq!(plain.after.get(&row.uid), Some(&names(&after, &row)), "{why}");
            }
        }
    }
    (after, stored)
}

fn some_uids(state: &MailboxState, dice: &mut Dice) -> UidSet {
    let last = state.uid_next().get() + 10;
    let mut pick = || Uid::new(1 + dice.below(last)).unwrap();
    let (a, b) = (pick(), pick());
    match dice.below(4) {
        0 => state.uids(Uid::MIN),
        1 => UidSet::range(a, b),
        2 => UidSet::range(a, b).iter().filter(|_| dice.one_in(3)).collect(),
        _ => UidSet::one(a),
    }
}

fn step(state: &MailboxState, dice: &mut Dice) -> MailboxState {
    let flags = named(WORDS[dice.below(WORDS.len())]);
    match dice.below(12) {
        0 => {
            let messages = vec![crate::message(&flags); 1 + dice.below(300)];
            apply(state, &mailbox::append(state, ALEX, messages).unwrap().events)
        }
        1 => {
            let some = some_uids(state, dice);
            apply(state, &mailbox::expunge(state, mailbox::Doomed::DeletedAmong(&some)).unwrap().events)
        }
        _ => {
            let uids = &some_uids(state, dice);
            let account = dice.pick(&[ALEX, ANDREW]);
            let change = dice.pick(&[Change::Add, Change::Remove, Change::Replace]);
            let since = dice.below(state.seq() + 9);
            let unchanged_since = dice.one_in(3).then(|| ModSeq::new(since)).flatten();
            let request = Store { account, uids, change, flags: &flags, unchanged_since };
            check(state, &request, &format!("{request:?}")).0
        }
    }
}

#[test]
fn a_store_does_to_each_message_what_it_does_to_one() {
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let mut state = with_messages(&empty(1, 7), 500 + dice.below(400));
        for _ in 0..40 {
            state = step(&state, &mut dice);
        }
    }
}

#[test]
fn who_is_gone_is_remembered_as_it_was_whatever_lies_beside_it() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let mut state = with_messages(&empty(1, 7), 900 + dice.below(900));
        let mut gone: BTreeMap<(AccountId, Uid), Row> = BTreeMap::new();
        while state.messages() > 0 {
            let some = some_uids(&state, &mut dice);
            for flags in [named(WORDS[dice.below(WORDS.len())]), named("\\Seen")] {
                let uids = &some_uids(&state, &mut dice);
                let (account, change) =
                    (dice.pick(&[ALEX, ANDREW]), dice.pick(&[Change::Add, Change::Replace]));
                let request = Store { account, uids, change, flags: &flags, unchanged_since: None };
                state = apply(&state, &mailbox::store(&state, &request).unwrap().events);
            }
            for account in [ALEX, ANDREW] {
                gone.extend(state.reader(account).rows(&some).map(|row| ((account, row.uid), row)));
            }
            let uids = state.present(&some);
            state = apply(&state, &mailbox::expunge(&state, mailbox::Doomed::These(&some)).unwrap().events);
            assert!(state.present(&uids).is_empty(), "seed {seed}");
            for ((account, uid), row) in &gone {
                assert_eq!(state.reader(*account).ghost(*uid).as_ref(), Some(row), "seed {seed}");
            }
        }
    }
}

/// A message as a search sees it one by one.
struct Candidate<'a>(&'a MailboxState, Row);

impl Searchable for Candidate<'_> {
    fn uid(&self) -> Uid {
        self.1.uid
    }
    fn has_flag(&self, flag: &Flag) -> bool {
        match SystemFlags::of(flag) {
            Ok(system) => self.1.flags.system.contains(system),
            Err(keyword) => names(self.0, &self.1).1.contains(&keyword.as_str().to_owned()),
        }
    }
    fn is_recent(&self) -> bool {
        false
    }
    fn email(&self) -> EmailId {
        self.1.email
    }
    fn internal_date(&self) -> InternalDate {
        self.1.internal_date
    }
    fn save_date(&self) -> InternalDate {
        self.1.saved()
    }
    fn size(&self) -> u64 {
        self.1.size
    }
    fn mod_seq(&self) -> ModSeq {
        self.1.modseq
    }
}

fn any_key(state: &MailboxState, dice: &mut Dice, depth: u32) -> Key {
    let keyword = |word: &str| Key::Flag(Flag::Keyword(Keyword::new(word).unwrap()));
    let keys = |dice: &mut Dice| (0..dice.below(4)).map(|_| any_key(state, dice, depth - 1)).collect();
    match dice.below(if depth == 0 { 7 } else { 13 }) {
        0 => Key::Flag(Flag::Seen),
        1 => Key::Flag([Flag::Flagged, Flag::Answered, Flag::Deleted][dice.below(3_usize)].clone()),
        2 => keyword(dice.pick(&["red", "green", "unheard-of"])),
        3 | 4 => Key::Uid(some_uids(state, dice)),
        5 => Key::Flag(Flag::Seen).negated(),
        6 => Key::ModSeq(ModSeq::new(dice.below(state.seq() + 9)).unwrap()),
        7 | 8 => any_key(state, dice, depth - 1).negated(),
        9 | 10 => Key::Or(keys(dice)),
        _ => Key::And(keys(dice)),
    }
}

fn fitting(state: &MailboxState, account: AccountId, program: &Program, among: &UidSet) -> UidSet {
    let fits = |row: &Row| {
        let candidate = Candidate(state, row.clone());
        matches!(program.judge(&candidate, &mut program.answers(), |_| None), Verdict::Fits)
    };
    state.reader(account).rows(among).filter(fits).map(|row| row.uid).collect()
}

#[test]
fn a_search_by_flags_finds_what_a_look_at_each_message_finds() {
    let (mut told, mut narrowed, mut left) = (0, 0, 0);
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let mut state = with_messages(&empty(1, 7), 500 + dice.below(400));
        for _ in 0..20 {
            state = step(&state, &mut dice);
            let program = Program::new(any_key(&state, &mut dice, 3)).unwrap();
            let (account, among) = (dice.pick(&[ALEX, ANDREW]), some_uids(&state, &mut dice));
            let expected = fitting(&state, account, &program, &among);
            match program.narrow(state.reader(account), &among) {
                Narrowed::Fit(uids) => {
                    assert_eq!(uids, expected, "seed {seed}: {program:?}");
                    told += usize::from(!uids.is_empty());
                }
                Narrowed::May(uids) => {
                    assert!(uids.difference(&among).is_empty(), "seed {seed}: {program:?}");
                    assert_eq!(
                        fitting(&state, account, &program, &uids),
                        expected,
                        "seed {seed}: {program:?}"
                    );
                    narrowed += usize::from(uids.len() < among.len());
                    left += 1;
                }
            }
        }
    }
    assert!(told > 100 && narrowed > 10 && left > narrowed, "{told} told, {narrowed} of {left} narrowed");
}
