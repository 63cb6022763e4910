//! Many callers at once. Threads, not tasks: nothing here depends on a runtime.

use super::caller::{Caller, places, text, texts};
use crate::{Committed, EmailId, EmailRange, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const WRITERS: usize = 4;
const COMMITS_EACH: usize = 25;

/// Writes one event to streams 1 and 2 together, as often as it takes.
fn write_both(me: &Caller, name: &str) {
    let (mut first, mut second) = (0, 0);
    loop {
        match me.draft().append(1, first, &[name]).append(2, second, &[name]).commit() {
            Committed::Done => return,
            Committed::Conflict { stream, newer } => {
                let seen = if stream.number == 1 { &mut first } else { &mut second };
                assert_eq!(newer[0].seq.0, *seen + 1, "a conflict starts behind what was expected");
                *seen = newer[newer.len() - 1].seq.0;
            }
            Committed::Diverged { .. } => panic!("nobody is ahead of the store"),
        }
    }
}

/// Every commit is in each stream once, in the same order: as if one had come after the other.
pub fn concurrent_commits_form_one_history(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let me = &me;
            scope.spawn(move || (0..COMMITS_EACH).for_each(|n| write_both(me, &format!("{writer}/{n}"))));
        }
    });
    let (first, second) = (me.read(1, 0, usize::MAX), me.read(2, 0, usize::MAX));
    assert_eq!(places(&first), (1..=(WRITERS * COMMITS_EACH) as u64).collect::<Vec<_>>());
    assert_eq!(texts(&first), texts(&second), "both streams tell one history");
    let mut once = texts(&first);
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), WRITERS * COMMITS_EACH, "no commit is there twice or not at all");
}

/// Runs `read` over and over while `write` runs.
fn while_writing(write: impl FnOnce() + Send, read: impl Fn() + Sync) {
    let written = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !written.load(Ordering::Relaxed) {
                    read();
                }
            });
        }
        write();
        written.store(true, Ordering::Relaxed);
    });
    read();
}

/// Two streams and a record that change together are seen to change together.
pub fn a_reader_never_sees_half_a_commit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let write = || {
        for seq in 0..150 {
            let name = format!("{seq}");
            let draft = me.draft().append(1, seq, &[&name]).append(2, seq, &[&name]);
            assert_eq!(draft.record(1, 1, Some(&name)).record(2, 1, Some(&name)).commit(), Committed::Done);
        }
    };
    while_writing(write, || {
        let heads = me.ask(me.store.heads(&[me.stream(1), me.stream(2)]));
        assert_eq!(heads[0], heads[1], "the heads of one commit");
        let listed = me.ask(me.store.list_streams(me.account));
        assert!(listed.iter().all(|(_, seq, head)| (seq, head) == (&listed[0].1, &listed[0].2)), "the list");
        let all = EmailRange { first: EmailId { mailbox: 0, uid: 0 }, last: EmailId { mailbox: 9, uid: 0 } };
        let records = me.ask(me.store.records(me.account, &[all]));
        assert!(records.iter().all(|(_, record)| *record == records[0].1), "the records of one commit");
        assert!(matches!(records.len(), 0 | 2));
    });
}

/// What is answered later holds all that was seen before, and nothing is skipped.
pub fn a_reader_never_sees_a_gap(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let write = || {
        for round in 0..100 {
            let names: Vec<_> = (0..3).map(|n| format!("{}", round * 3 + n + 1)).collect();
            me.put(1, round * 3, &names.iter().map(String::as_str).collect::<Vec<_>>());
        }
    };
    while_writing(write, || {
        let at = me.head(1).map_or(0, |(at, _)| at);
        let events = me.read(1, 0, usize::MAX);
        assert!(events.len() as u64 >= at, "what the head promises can be read");
        assert_eq!(events.len() % 3, 0, "commits are whole");
        for (expected, event) in (1..).zip(&events) {
            assert_eq!((event.seq.0, text(&event.payload)), (expected, expected.to_string()));
        }
    });
}

/// A retry that meets its original on the way is no second commit.
pub fn one_commit_sent_twice_at_once_is_written_once(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for seq in 0..20 {
        let commit = me.draft().append(1, seq, &["e"]).commit;
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| assert_eq!(me.commit(commit.clone()), Committed::Done));
            }
        });
    }
    assert_eq!(me.head(1).unwrap().0, 20);
}
