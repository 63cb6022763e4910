//! Many callers at once. Threads, not tasks: nothing here depends on a runtime.

use super::caller::{Caller, places, text, texts};
use crate::{Committed, EmailId, EmailRange, Store};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

const WRITERS: usize = 4;
const COMMITS_EACH: usize = 50;
/// Streams that one commit writes; many, so that half of them would be easy to see.
const TOGETHER: u32 = 12;
/// Readers and writer go on until there were at least so many of both, however fast the store is.
const COMMITS: u64 = 100;
const READS: u64 = 10_000;

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
            Committed::BodyGone(_) => panic!("no record names a body"),
        }
    }
}

/// Every commit is in each stream once, in the same order: as if one had come after the other.
pub fn concurrent_commits_form_one_history(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let start = Barrier::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (me, start) = (&me, &start);
            scope.spawn(move || {
                start.wait();
                (0..COMMITS_EACH).for_each(|n| write_both(me, &format!("{writer}/{n}")));
            });
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

/// Comparing and writing are one: of writers that expect the same, the store takes one.
pub fn of_writers_that_expect_the_same_one_is_done(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let start = Barrier::new(WRITERS);
    // Counted by round: a round that takes two makes the next take none, so a sum would hide it.
    let done: Vec<_> = (0..COMMITS).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for (round, done) in (0..).zip(&done) {
                    let draft =
                        (0..TOGETHER).fold(me.draft(), |draft, number| draft.append(number, round, &["e"]));
                    start.wait();
                    // No panic between the waits: the other writers would wait for ever.
                    done.fetch_add(u64::from(draft.try_commit() == Ok(Committed::Done)), Ordering::Relaxed);
                    start.wait();
                }
            });
        }
    });
    let taken: Vec<_> = done.into_iter().map(AtomicU64::into_inner).collect();
    assert_eq!(taken, vec![1; COMMITS as usize]);
}

/// Runs `write` (with 0, 1, ...) and, beside it, `read` over and over.
fn while_writing(write: impl Fn(u64), read: impl Fn() + Sync) {
    let (going_on, reads) = (AtomicBool::new(true), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let _stop = Stop(&going_on);
                while going_on.load(Ordering::Relaxed) {
                    read();
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _stop = Stop(&going_on);
        (0..)
            .take_while(|commits| *commits < COMMITS || reads.load(Ordering::Relaxed) < READS)
            .take_while(|_| going_on.load(Ordering::Relaxed))
            .for_each(write);
    });
    read();
}

/// Ends a test for all its threads when one of them ends, in a panic too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The streams and records that change together are seen to change together.
pub fn a_reader_never_sees_half_a_commit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let write = |seq| {
        let name = format!("{seq}");
        let draft = (0..TOGETHER).fold(me.draft(), |draft, number| {
            draft.append(number, seq, &[&name]).record(number, 1, Some(&name))
        });
        assert_eq!(draft.commit(), Committed::Done);
    };
    let streams: Vec<_> = (0..TOGETHER).map(|number| me.stream(number)).collect();
    let all =
        [EmailRange { first: EmailId { mailbox: 0, uid: 0 }, last: EmailId { mailbox: TOGETHER, uid: 0 } }];
    while_writing(write, || {
        let heads = me.ask(me.store.heads(&streams));
        assert!(heads.iter().all(|head| *head == heads[0]), "the heads of one commit");
        let listed = me.ask(me.store.list_streams(me.account));
        assert!(listed.iter().all(|(_, seq, head)| (seq, head) == (&listed[0].1, &listed[0].2)), "the list");
        let records = me.ask(me.store.records(me.account, &all));
        assert!(records.iter().all(|(_, record)| *record == records[0].1), "the records of one commit");
        assert!(records.is_empty() || records.len() == TOGETHER as usize);
    });
}

/// What is answered later holds all that was seen before, and nothing is skipped.
pub fn a_reader_never_sees_a_gap(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let write = |round: u64| {
        let names: Vec<_> = (1..=3).map(|n| (round * 3 + n).to_string()).collect();
        me.put(1, round * 3, &names.iter().map(String::as_str).collect::<Vec<_>>());
    };
    while_writing(write, || {
        let at = me.head(1).map_or(0, |(at, _)| at);
        let after = at.saturating_sub(30);
        let events = me.read(1, after, usize::MAX);
        assert!(after + events.len() as u64 >= at, "what the head promises can be read");
        assert_eq!((after + events.len() as u64) % 3, 0, "commits are whole");
        for (expected, event) in (after + 1..).zip(&events) {
            assert_eq!((event.seq.0, text(&event.payload)), (expected, expected.to_string()));
        }
    });
}

/// A retry that meets its original on the way is no second commit.
pub fn one_commit_sent_twice_at_once_is_written_once(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for seq in 0..20 {
        let commit = me.draft().append(1, seq, &["e"]).commit;
        let start = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    assert_eq!(me.commit(commit.clone()), Committed::Done);
                });
            }
        });
    }
    assert_eq!(me.head(1).unwrap().0, 20);
}
