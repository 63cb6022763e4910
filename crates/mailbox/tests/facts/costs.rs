//! Costs, counted in nodes and octets.

use crate::{ALEX, announce, apply, empty, expunge, message, store, uid, uids, with_messages};
use mailbox::{Change, Dialect, Flags, Item, Permit, Reply, View};
use terms::Uid;

const MESSAGES: usize = 200_000;

#[test]
fn announcing_looks_only_where_something_changed() {
    let state = with_messages(&empty(1, 0), MESSAGES);
    let mut view = View::open(&state, ALEX, Dialect::Qresync, None);
    assert_eq!(announce(&mut view, &state, Permit::Renumber).visits, 0, "nothing changed");

    // Depth three: a change costs the path to it, and the look whether there is another behind it.
    let (state, _) = store(&state, ALEX, &uids([100_000]), Change::Add, "\\Flagged");
    let told = announce(&mut view, &state, Permit::Renumber);
    assert_eq!(told.items.len(), 1);
    assert!(told.visits <= 6, "{} nodes for one change", told.visits);

    let (state, _) = store(&state, ALEX, &uids([1, 50_000, 150_000]), Change::Add, "\\Seen");
    let told = announce(&mut view, &state, Permit::Renumber);
    assert_eq!(told.items.len(), 3);
    assert!(told.visits <= 18, "{} nodes for three changes", told.visits);

    // What a session has done silently is nothing to look for, however much it is.
    let mut silent = View::open(&state, ALEX, Dialect::Plain, None);
    let all = state.uids(Uid::MIN);
    let (after, stored) = store(&state, ALEX, &all, Change::Add, "$Junk");
    silent.stored(&state, &after, &stored, Reply::Silent);
    let told = announce(&mut silent, &after, Permit::Renumber);
    assert_eq!(told.items, [Item::Keywords]);
    assert!(told.visits <= 6, "{} nodes for a silent store", told.visits);

    let state = with_messages(&state, 1);
    let told = announce(&mut view, &state, Permit::Renumber);
    assert!(told.visits <= 6, "{} nodes for a delivery", told.visits);
}

#[test]
fn a_message_takes_less_than_forty_octets() {
    let mut state = empty(1, 0);
    for batch in 0..MESSAGES / 1_000 {
        let varied = |n: usize| {
            let mut message = message(&Flags::NONE);
            message.size = (batch * n * 7_919 % 60_000) as u64;
            message.internal_date = terms::InternalDate::new((batch * 500_000 + n * 137) as i64, 0).unwrap();
            message
        };
        let messages = (0..1_000).map(varied).collect();
        state = apply(&state, &mailbox::append(&state, ALEX, messages).unwrap().events);
    }
    for nth in 0..50 {
        let some = uids((1..=MESSAGES as u32).filter(|n| n.wrapping_mul(2_654_435_761) % 50 == nth));
        let flags = ["\\Seen", "\\Seen $Junk", "\\Answered \\Seen", "\\Flagged"][nth as usize % 4];
        (state, _) = store(&state, ALEX, &some, Change::Add, flags);
    }
    let octets = state.resident_octets() as f64 / f64::from(state.messages());
    println!("{octets:.1} octets a message");
    assert!(octets <= 40.0, "{octets} octets a message");
}

#[test]
fn a_view_is_small_and_keeps_no_state_alive() {
    let state = with_messages(&empty(1, 0), MESSAGES);
    let mut view = View::open(&state, ALEX, Dialect::Qresync, None);
    assert!(view.resident_octets() <= 1_000, "{} octets", view.resident_octets());
    // Stuck: never told of any expunge.
    let mut current = state;
    for n in 0..100 {
        current = expunge(&current, &uids([n * 1_000 + 500]));
        announce(&mut view, &current, Permit::KeepNumbers);
    }
    println!("a stuck view: {} octets", view.resident_octets());
    assert!(view.resident_octets() <= 3_000, "{} octets", view.resident_octets());
    assert!(view.find(&current, uid(500)).is_some());
}

#[test]
fn a_store_on_a_hundred_thousand_messages_is_one_small_event() {
    let state = with_messages(&empty(1, 0), MESSAGES);
    let (_, stored) = store(&state, ALEX, &uids(1..=100_000), Change::Add, "\\Deleted");
    assert_eq!(stored.events.len(), 1);
    assert!(stored.events[0].encode().len() <= 16);
    let appended = mailbox::append(&state, ALEX, vec![message(&Flags::NONE); 1_000]).unwrap();
    let octets = appended.events[0].encode().len();
    assert!(octets <= 3_200, "{octets} octets for a thousand arrivals");
}
