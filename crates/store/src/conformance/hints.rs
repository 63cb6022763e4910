//! Hints that a stream may have grown.

use super::caller::Caller;
use super::{Bell, block_on};
use crate::{Hint, Store, Watch};
use std::collections::HashMap;
use std::sync::Arc;

/// Listens until each of `awaited` (number of a stream, place) was heard of, or hints were missed.
fn hear(me: &Caller, watch: &mut dyn Watch, awaited: &[(u32, u64)]) {
    let mut open: HashMap<_, _> = awaited.iter().map(|&(number, at)| (me.stream(number), at)).collect();
    while !open.is_empty() {
        match block_on(watch.next()).expect("the store is open") {
            Hint::Grown(stream, seq) => open.retain(|&awaited, at| awaited != stream || seq.0 < *at),
            Hint::Missed => return,
        }
    }
}

/// One for each stream that a commit made longer.
pub fn a_watcher_hears_of_every_stream_that_grew(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(9, 0, &["before"]);
    let mut watch = me.store.watch();
    me.put(1, 0, &["a"]);
    me.draft().append(2, 0, &["b", "c"]).append(3, 0, &["d"]).commit();
    hear(&me, &mut *watch, &[(1, 1), (2, 2), (3, 1)]);
    me.put(1, 1, &["e"]);
    hear(&me, &mut *watch, &[(1, 2)]);
}

/// None takes a hint away from another.
pub fn every_watcher_hears(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let mut watchers = [me.store.watch(), me.store.watch()];
    drop(me.store.watch());
    me.put(1, 0, &["a"]);
    for watch in &mut watchers {
        hear(&me, &mut **watch, &[(1, 1)]);
    }
}

/// Waiting ends when something happens; nobody polls.
pub fn a_watcher_hears_what_happens_while_it_waits(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let mut watch = me.store.watch();
    let (bell, mut next) = (Bell::new(), watch.next());
    assert!(bell.poll(next.as_mut()).is_pending(), "nothing has happened yet");
    me.put(1, 0, &["a"]);
    bell.wait();
    assert!(matches!(block_on(next), Some(Hint::Grown(..) | Hint::Missed)));
}

/// A queue is bounded; what does not fit is said to be missing.
pub fn a_sleeping_watcher_learns_that_it_missed_hints(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let mut watch = me.store.watch();
    for round in 0..3 {
        let draft = (0..2_000).fold(me.draft(), |draft, number| draft.append(number, round, &["e"]));
        assert_eq!(draft.commit(), crate::Committed::Done);
    }
    let awaited: Vec<_> = (0..2_000).map(|number| (number, 3)).collect();
    hear(&me, &mut *watch, &awaited);
    me.put(5_000, 0, &["later"]);
    hear(&me, &mut *watch, &[(5_000, 1)]);
}

/// What did not happen wakes nobody.
pub fn a_conflict_is_no_news(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    let mut watch = me.store.watch();
    me.append(1, 0, &["late"]);
    me.append(1, 1, &[]);
    drop(me);
    while let Some(hint) = block_on(watch.next()) {
        assert!(!matches!(hint, Hint::Grown(_, seq) if seq.0 > 1), "{hint:?} for a commit that was refused");
    }
}

/// `None`, also if it was waiting.
pub fn a_watcher_learns_that_the_store_has_closed(store: Arc<dyn Store>) {
    let (mut early, mut late) = (store.watch(), store.watch());
    let (bell, mut next) = (Bell::new(), early.next());
    assert!(bell.poll(next.as_mut()).is_pending(), "nothing has happened yet");
    drop(store);
    bell.wait();
    assert_eq!((block_on(next), block_on(late.next())), (None, None));
}
