//! Examples of the standard.

use crate::{ALEX, ANDREW, announce, apply, empty, expunge, modseq, named, store, uid, uids, with_messages};
use mailbox::View;
use mailbox::{Change, Dialect, Found, Item, Known, MailboxState, MessageName, Naming, Permit, Reply, Store};
use terms::{SeqNum, Uid};

fn fetches(view: &mut View, state: &MailboxState, permit: Permit) -> Vec<String> {
    let told = announce(view, state, permit);
    assert!(told.is_complete());
    told.items.iter().filter_map(|item| line(item, state)).collect()
}

fn line(item: &Item, state: &MailboxState) -> Option<String> {
    let Item::Fetch(fetched) = item else { return None };
    let names = |flags| state.keywords().names(flags).collect::<Vec<_>>().join(" ");
    let flags = fetched.flags.as_ref().map(|flags| format!("FLAGS ({}) ", names(flags))).unwrap_or_default();
    let name = match fetched.name {
        MessageName::Number(seq) => format!("{seq} FETCH"),
        MessageName::Uid(uid) => format!("{uid} UIDFETCH"),
    };
    Some(format!("{name} ({flags}MODSEQ ({}))", fetched.modseq?))
}

/// RFC 7162, example 14: alex has two sessions, andrew one; `\Deleted` and `\Answered` are shared, `\Seen` is not.
#[test]
fn a_private_flag_and_its_modseq_are_seen_by_its_owner_alone() {
    let state = with_messages(&empty(1, 0), 7);
    let seventh = uids([7]);
    let (state, _) = store(&state, ALEX, &seventh, Change::Add, "\\Answered");
    let open = |account| View::open(&state, account, Dialect::Condstore, None);
    let (mut first, mut second, mut third) = (open(ALEX), open(ALEX), open(ANDREW));

    let (deleted, stored) = store(&state, ALEX, &seventh, Change::Add, "\\Deleted");
    first.stored(&state, &deleted, &stored, Reply::Silent);
    assert_eq!(fetches(&mut first, &deleted, Permit::KeepNumbers), ["7 FETCH (MODSEQ (4))"]);
    let both = ["7 FETCH (FLAGS (\\Answered \\Deleted) MODSEQ (4))"];
    assert_eq!(fetches(&mut second, &deleted, Permit::Renumber), both);
    assert_eq!(fetches(&mut third, &deleted, Permit::Renumber), both);

    let (seen, stored) = store(&deleted, ALEX, &seventh, Change::Add, "\\Seen");
    first.stored(&deleted, &seen, &stored, Reply::Silent);
    assert_eq!(fetches(&mut first, &seen, Permit::KeepNumbers), ["7 FETCH (MODSEQ (5))"]);
    let private = ["7 FETCH (FLAGS (\\Answered \\Deleted \\Seen) MODSEQ (5))"];
    assert_eq!(fetches(&mut second, &seen, Permit::Renumber), private);
    assert_eq!(fetches(&mut third, &seen, Permit::Renumber), [""; 0]);
    assert_eq!(seen.reader(ANDREW).highest_modseq(), modseq(4));
    assert_eq!(seen.reader(ANDREW).row(uid(7)).unwrap().modseq, modseq(4));

    let (neither, stored) = store(&seen, ALEX, &seventh, Change::Remove, "\\Answered \\Seen");
    first.stored(&seen, &neither, &stored, Reply::Silent);
    // One STORE, two scopes, two events: each account sees the MODSEQ of what it may see.
    assert_eq!(fetches(&mut first, &neither, Permit::KeepNumbers), ["7 FETCH (MODSEQ (7))"]);
    assert_eq!(fetches(&mut second, &neither, Permit::Renumber), ["7 FETCH (FLAGS (\\Deleted) MODSEQ (7))"]);
    assert_eq!(fetches(&mut third, &neither, Permit::Renumber), ["7 FETCH (FLAGS (\\Deleted) MODSEQ (6))"]);
}

/// RFC 7162, 6: "Still delaying VANISHED".
#[test]
fn highestmodseq_stays_below_an_expunge_that_is_delayed() {
    // UIDs 6, 7 and 8; the last change so far has 99.
    let state = with_messages(&empty(6, 97), 3);
    let mut view = View::open(&state, ALEX, Dialect::Qresync, None);
    assert_eq!(state.reader(ALEX).highest_modseq(), modseq(99));

    // Somebody else flags 8 (100) and expunges it (101).
    let elsewhere = expunge(&state, &uids([8]));
    // C: A150 STORE 1:2 +FLAGS.SILENT \Answered
    let (after, stored) = store(&elsewhere, ALEX, &uids([6, 7]), Change::Add, "\\Answered");
    view.stored(&elsewhere, &after, &stored, Reply::Silent);
    let told = fetches(&mut view, &after, Permit::KeepNumbers);
    assert_eq!(told, ["1 FETCH (MODSEQ (102))", "2 FETCH (MODSEQ (102))"]);
    assert_eq!(view.highest_modseq(&after), Some(modseq(100)), "below the expunge");

    // C: A151 FETCH: nothing is told, and the lower value is said again.
    assert!(announce(&mut view, &after, Permit::KeepNumbers).items.is_empty());
    assert_eq!(view.highest_modseq(&after), Some(modseq(100)));
    let ghost = view.find(&after, uid(8)).unwrap();
    assert!(matches!(ghost, Found::Ghost(row) if row.email.uid == 8));

    // C: A152 NOOP
    let told = announce(&mut view, &after, Permit::Renumber);
    assert_eq!(told.items, [Item::Vanished(uids([8]))]);
    assert_eq!(view.highest_modseq(&after), Some(modseq(102)));
    assert_eq!(view.highest_modseq(&after), None, "nothing new to say");
}

/// RFC 7162, 3.2.10.2: messages 3, 4, 7 and 11 of eleven.
#[test]
fn expunge_counts_down_as_it_goes_and_vanished_names_uids() {
    let state = with_messages(&empty(501, 0), 11);
    let after = expunge(&state, &uids([503, 504, 507, 511]));
    let mut plain = View::open(&state, ALEX, Dialect::Plain, None);
    let expunges: Vec<Item> = [3, 3, 5, 8].into_iter().filter_map(SeqNum::new).map(Item::Expunge).collect();
    assert_eq!(announce(&mut plain, &after, Permit::Renumber).items, expunges);
    let mut qresync = View::open(&state, ALEX, Dialect::Qresync, None);
    let told = announce(&mut qresync, &after, Permit::Renumber);
    assert_eq!(told.items, [Item::Vanished(uids([503, 504, 507, 511]))]);
    assert_eq!((plain.messages(), qresync.messages()), (7, 7));
}

/// RFC 7162, 3.2.10.2: "a possible race condition where new arrivals ... are immediately expunged".
#[test]
fn a_message_that_came_and_went_unannounced_is_never_mentioned() {
    let state = with_messages(&empty(1, 0), 2);
    let mut view = View::open(&state, ALEX, Dialect::Qresync, None);
    let after = expunge(&with_messages(&state, 1), &uids([3]));
    assert!(announce(&mut view, &after, Permit::Renumber).items.is_empty());
    assert_eq!(view.highest_modseq(&after), Some(after.reader(ALEX).highest_modseq()));
}

/// RFC 7162, 3.2.5.2: only UIDs divisible by three are there, and no expunge is remembered.
#[test]
fn sequence_match_data_narrows_what_is_told_to_have_vanished() {
    let state = with_messages(&empty(1, 0), 30);
    let state = expunge(&state, &uids((1..=30).filter(|n| n % 3 != 0)));
    let state = apply(&state, &[mailbox::skip(&state, 0, 1).unwrap()]);
    let since = state.reader(ALEX).highest_modseq();
    let state = expunge(&state, &uids([30]));
    let pair = |seq, n| (SeqNum::new(seq).unwrap(), uid(n));
    // 2, 3, 4 and 6 on both sides, then 7 on ours alone.
    let matched = state.last_match([pair(2, 6), pair(4, 12), pair(6, 18), pair(7, 22), pair(8, 24)]);
    assert_eq!(matched, Uid::new(18));
    let known = |modseq, matched| Known { modseq, uids: Some(uids(1..=29)), matched };
    let all = state.vanished(&known(modseq(0), None));
    assert_eq!(all, uids((1..=29).filter(|n| n % 3 != 0)));
    assert_eq!(
        state.vanished(&known(since, None)),
        uids([]),
        "remembered: 30 alone, which was not asked for"
    );
    // From before a skip a match proves nothing.
    assert_eq!(state.vanished(&known(modseq(0), matched)), all);
}

/// A gap between UIDs is no loss: clients rely on what they know, and hear of what has changed since, not of everything.
#[test]
fn messages_that_bring_their_uids_cost_no_client_what_it_knows() {
    let state = expunge(&with_messages(&empty(1, 0), 9), &uids([3]));
    let since = state.reader(ALEX).highest_modseq();
    let one = crate::message(&mailbox::Flags::NONE);
    let brought = [Some(uid(20)), Some(uid(21)), Some(uid(5)), None, Some(uid(40))];
    let appending = mailbox::bring(&state, ALEX, brought.map(|uid| (uid, one.clone())).into()).unwrap();
    assert_eq!(appending.uids, uids([20, 21, 22, 23, 40]));
    let after = expunge(&apply(&state, &appending.events), &uids([4]));
    let after = apply(&after, &[mailbox::skip_to(&after, uid(100)).unwrap()]);
    assert_eq!(after.uid_next(), uid(100));
    assert_eq!(mailbox::skip_to(&after, uid(100)), None);
    let known = Known { modseq: since, uids: None, matched: None };
    assert_eq!(after.vanished(&known), uids([4]));
    let again = MailboxState::restore(after.snapshot().iter().map(|piece| &**piece)).unwrap();
    assert_eq!(again.vanished(&known), uids([4]));
}

#[test]
fn beyond_the_horizon_every_absent_uid_is_reported_and_a_match_narrows_it() {
    let mut state = with_messages(&empty(1, 0), 40_000);
    let long_ago = state.reader(ALEX).highest_modseq();
    for n in 1..=17_000 {
        state = state.apply(&mailbox::Event::Expunged { uids: uids([2 * n]) }).unwrap();
    }
    let known = |modseq, matched| Known { modseq, uids: None, matched };
    let gone = uids((1..=17_000).map(|n| 2 * n));
    assert_eq!(state.vanished(&known(long_ago, None)), gone);
    let matched = state.last_match([(SeqNum::new(500).unwrap(), uid(999))]);
    let rest = uids((500..=17_000).map(|n| 2 * n));
    assert_eq!(state.vanished(&known(long_ago, matched)), rest);
    let lately = modseq(state.reader(ALEX).highest_modseq().get() - 10);
    assert_eq!(state.vanished(&known(lately, None)), uids((16_991..=17_000).map(|n| 2 * n)));
}

/// RFC 7162, examples 7 and 8, and the note on a message named twice.
#[test]
fn unchangedsince_zero_fails_and_a_flag_that_is_there_changes_nothing() {
    let state = with_messages(&empty(1, 0), 3);
    let flags = named("$MDNSent");
    let all = uids([1, 2, 3, 9]);
    let ask = |unchanged_since| Store {
        account: ALEX,
        uids: &all,
        change: Change::Add,
        flags: &flags,
        unchanged_since,
    };
    let failed = mailbox::store(&state, &ask(Some(modseq(0)))).unwrap();
    assert_eq!((failed.modified, failed.events, failed.absent), (uids([1, 2, 3]), vec![], uids([9])));
    let passed = mailbox::store(&state, &ask(Some(modseq(2)))).unwrap();
    assert_eq!((passed.passed.clone(), passed.changed), (uids([1, 2, 3]), uids([1, 2, 3])));
    let state = apply(&state, &passed.events);
    let again = mailbox::store(&state, &ask(None)).unwrap();
    assert_eq!((again.passed, again.changed, again.events), (uids([1, 2, 3]), uids([]), vec![]));
}

/// RFC 6851, 3.3 and RFC 8474, 5.1.
#[test]
fn a_moved_message_keeps_its_identity_and_its_flags() {
    let (source, _) = store(&with_messages(&empty(1, 0), 3), ALEX, &uids([1, 3]), Change::Add, "\\Seen work");
    let target = empty(100, 50);
    let moving = mailbox::move_messages(&source, ALEX, &uids([1, 3, 7]), &target, 1_800_000_000).unwrap();
    assert_eq!((moving.copy.source, moving.copy.target), (uids([1, 3]), uids([100, 101])));
    let (source_after, target) = (apply(&source, &moving.expunged), apply(&target, &moving.copy.events));
    assert_eq!(source_after.uids(Uid::MIN), uids([2]));
    let (old, new) = (source.reader(ALEX).row(uid(3)).unwrap(), target.reader(ALEX).row(uid(101)).unwrap());
    assert_eq!((new.email, new.internal_date, new.size), (old.email, old.internal_date, old.size));
    assert_eq!(new.save_date, 1_800_000_000);
    assert_eq!(target.keywords().names(&new.flags).collect::<Vec<_>>(), ["\\Seen", "work"]);
    assert_eq!(target.reader(ANDREW).unseen(), 2, "alex has seen them, andrew has not");
}

/// RFC 9586, 3.4 and 3.6: a session without message numbers is told the UIDs.
#[test]
fn without_message_numbers_what_goes_has_vanished_and_what_changes_goes_by_its_uid() {
    let state = with_messages(&empty(1, 0), 3);
    let mut view = View::open(&state, ALEX, Dialect::Condstore, None);
    view.use_naming(Naming::Uids);
    let state = expunge(&state, &uids([1]));
    let (state, _) = store(&state, ALEX, &uids([3]), Change::Add, "\\Flagged");
    assert_eq!(
        fetches(&mut view.clone(), &state, Permit::Renumber),
        ["3 UIDFETCH (FLAGS (\\Flagged) MODSEQ (5))"]
    );
    let told = announce(&mut view, &state, Permit::Renumber);
    assert_eq!(told.items.first(), Some(&Item::Vanished(uids([1]))));
}
