//! What happens at the bounds.

use crate::{ALEX, announce, apply, empty, expunge, message, uid, uids, with_messages};
use mailbox::{
    Change, Dialect, Event, Flags, Item, LimitReached, MAX_BROUGHT_UID, MAX_EVENT_OCTETS, MAX_GHOSTS,
    MAX_KEYWORDS, MailboxState, Permit, Store, View,
};
use terms::{Keyword, ModSeq, Uid};

fn keyword(n: usize) -> Keyword {
    Keyword::new(&format!("keyword-{n}")).unwrap()
}

#[test]
fn a_mailbox_takes_a_thousand_keywords_and_then_says_so() {
    let mut state = with_messages(&empty(1, 0), 1);
    for n in 0..=MAX_KEYWORDS {
        let mut flags = Flags::NONE;
        flags.push(keyword(n));
        let uids = uids([1]);
        let request =
            Store { account: ALEX, uids: &uids, change: Change::Add, flags: &flags, unchanged_since: None };
        match mailbox::store(&state, &request) {
            Ok(stored) => state = apply(&state, &stored.events),
            Err(limit) => assert_eq!((limit, n), (LimitReached::Keywords, MAX_KEYWORDS)),
        }
        let appended = mailbox::append(&state, ALEX, vec![message(&flags)]);
        assert_eq!(appended.is_err(), n == MAX_KEYWORDS);
    }
    assert!(state.keywords().len() >= 1_000);
    let row = state.reader(ALEX).row(uid(1)).unwrap();
    assert_eq!(state.keywords().names(&row.flags).count(), MAX_KEYWORDS);
    // Taking away a keyword that nobody knows is no change, and no error.
    let mut unknown = Flags::NONE;
    unknown.push(keyword(5_000));
    let uids = uids([1]);
    let request =
        Store { account: ALEX, uids: &uids, change: Change::Remove, flags: &unknown, unchanged_since: None };
    assert!(mailbox::store(&state, &request).unwrap().events.is_empty());
}

#[test]
fn the_last_uid_is_never_given() {
    let state = empty(u32::MAX - 1, 0);
    assert_eq!(mailbox::append(&state, ALEX, vec![message(&Flags::NONE); 2]), Err(LimitReached::Uids));
    let state = with_messages(&state, 1);
    assert_eq!(state.uid_next(), Uid::MAX);
    assert_eq!(mailbox::append(&state, ALEX, vec![message(&Flags::NONE)]), Err(LimitReached::Uids));
    assert_eq!(mailbox::skip(&state, 1, 0), Err(LimitReached::Uids));
}

/// A source that numbers its messages up to the end must not use the mailbox up.
#[test]
fn a_uid_that_leaves_no_room_for_others_is_not_kept() {
    let (state, one) = (empty(1, 0), message(&Flags::NONE));
    let high = |above: u32| Uid::new(MAX_BROUGHT_UID + above);
    let brought = vec![(high(0), one.clone()), (high(1), one.clone()), (Some(Uid::MAX), one)];
    let appending = mailbox::bring(&state, ALEX, brought).unwrap();
    assert_eq!(appending.uids, uids(MAX_BROUGHT_UID..MAX_BROUGHT_UID + 3));
    let alone = vec![(Some(Uid::MAX), message(&Flags::NONE))];
    assert_eq!(mailbox::bring(&state, ALEX, alone).unwrap().uids, uids([1]));
    assert_eq!(mailbox::skip_to(&state, Uid::MAX), None);
}

#[test]
fn the_last_modseq_is_given_and_then_none() {
    let state = empty(1, ModSeq::MAX.get() - 2);
    let state = with_messages(&state, 1);
    assert_eq!(state.reader(ALEX).highest_modseq(), ModSeq::MAX);
    assert_eq!(mailbox::append(&state, ALEX, vec![message(&Flags::NONE)]), Err(LimitReached::ModSeqs));
    assert_eq!(mailbox::skip(&state, 0, 1), Err(LimitReached::ModSeqs));
}

#[test]
fn what_is_too_large_for_one_event_becomes_several() {
    let mut many = Flags::NONE;
    (0..MAX_KEYWORDS).for_each(|n| many.push(Keyword::new(&format!("{n:>05}{}", "x".repeat(240))).unwrap()));
    let mut messages = vec![message(&Flags::NONE); 100_000];
    messages.extend(vec![message(&many); 10]);
    let appending = mailbox::append(&empty(1, 0), ALEX, messages).unwrap();
    assert!(appending.events.len() > 1);
    let state = apply(&empty(1, 0), &appending.events);
    assert_eq!(state.messages(), 100_010);
    let scattered = uids((1..=50_000).map(|n| n * 2));
    let flags = many.clone();
    let request = Store {
        account: ALEX,
        uids: &scattered,
        change: Change::Replace,
        flags: &flags,
        unchanged_since: None,
    };
    let stored = mailbox::store(&state, &request).unwrap();
    assert!(stored.events.len() > 1);
    for event in appending.events.iter().chain(&stored.events) {
        let octets = event.encode();
        assert!(octets.len() <= MAX_EVENT_OCTETS, "{} octets", octets.len());
        assert_eq!(Event::decode(&octets).as_ref(), Ok(event));
    }
    let state = apply(&state, &stored.events);
    let pieces = state.snapshot();
    assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() <= 1 << 20));
    let opened = MailboxState::restore(pieces.iter().map(|piece| &**piece)).unwrap();
    assert_eq!((opened.head(), opened.seq()), (state.head(), state.seq()));
    assert_eq!(opened.snapshot(), pieces);
    assert!(MailboxState::restore(pieces.iter().skip(1).map(|piece| &**piece)).is_err(), "one is missing");
}

#[test]
fn a_session_with_too_many_ghosts_is_told_to_go() {
    let ghosts = MAX_GHOSTS as u32;
    let state = with_messages(&empty(1, 0), MAX_GHOSTS + 10);
    let mut view = View::open(&state, ALEX, Dialect::Qresync, None);
    let state = expunge(&state, &uids(1..=ghosts));
    assert!(announce(&mut view, &state, Permit::KeepNumbers).items.is_empty());
    let last = view.find(&state, uid(ghosts));
    assert!(matches!(last, Some(mailbox::Found::Ghost(_))), "as many ghosts are remembered: {last:?}");
    let state = expunge(&state, &uids([ghosts + 1]));
    assert!(view.announce(&state, Permit::KeepNumbers, None, 10).is_err());
    assert_eq!(state.messages(), 9);
}

/// The queue of expunges holds some 16,000; what fell out of it is found by comparing UIDs.
#[test]
fn a_stuck_session_finds_its_ghosts_even_when_their_expunges_are_forgotten() {
    let mut state = with_messages(&empty(1, 0), 40_000);
    let mut view = View::open(&state, ALEX, Dialect::Qresync, None);
    let before = state.reader(ALEX).highest_modseq();
    for n in 1..=17_000 {
        state = state.apply(&Event::Expunged { uids: uids([2 * n]) }).unwrap();
    }
    let gone = uids((1..=17_000).map(|n| 2 * n));
    assert!(announce(&mut view, &state, Permit::KeepNumbers).items.is_empty());
    assert_eq!(view.highest_modseq(&state), Some(before), "below all of them");
    assert_eq!(announce(&mut view, &state, Permit::Renumber).items, [Item::Vanished(gone)]);
    assert_eq!(view.highest_modseq(&state), Some(state.reader(ALEX).highest_modseq()));
}

#[test]
fn a_hundred_thousand_changes_come_in_batches_and_each_once() {
    let state = with_messages(&empty(1, 0), 100_000);
    let mut view = View::open(&state, ALEX, Dialect::Condstore, None);
    let (after, _) = crate::store(&state, ALEX, &state.uids(Uid::MIN), Change::Add, "\\Flagged");
    let (mut told, mut batches) = (0, 0);
    loop {
        let batch = announce(&mut view, &after, Permit::KeepNumbers);
        assert!(batch.items.len() <= mailbox::BATCH_ITEMS);
        told += batch.items.len();
        batches += 1;
        if batch.is_complete() {
            break;
        }
    }
    assert_eq!((told, batches), (100_000, 100));
    assert_eq!(view.highest_modseq(&after), Some(after.reader(ALEX).highest_modseq()));
}
