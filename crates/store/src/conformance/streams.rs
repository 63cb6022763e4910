//! Reading, listing, ending and trimming streams.

use super::caller::{Caller, places, texts};
use crate::{BodyId, Committed, Event, MAX_EVENT, MAX_READ, Seq, Store, StoreError};
use bytes::Bytes;
use std::sync::Arc;

/// In order, behind `after`.
pub fn events_are_read_in_order_behind_a_place(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b"]);
    me.put(1, 2, &["c", "d"]);
    assert_eq!(me.texts(1), ["a", "b", "c", "d"]);
    assert_eq!(texts(&me.read(1, 1, 10)), ["b", "c", "d"]);
    assert_eq!(places(&me.read(1, 3, 10)), [4]);
}

/// Up to `limit`; nothing for none.
pub fn a_read_gives_no_more_than_its_limit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b", "c"]);
    assert_eq!(places(&me.read(1, 0, 2)), [1, 2]);
    assert_eq!(places(&me.read(1, 1, 1)), [2]);
    assert!(me.read(1, 0, 0).is_empty());
}

/// Long events come in several answers, and none is left out.
pub fn a_read_and_a_conflict_give_no_more_octets_than_their_limit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let long = Bytes::from(vec![b'x'; MAX_EVENT]);
    for round in 0..6 {
        let three = vec![long.clone(); 3];
        assert_eq!(me.draft().append_bytes(1, 3 * round, three, Bytes::new()).commit(), Committed::Done);
    }
    let octets =
        |events: &[Event]| events.iter().map(|event| event.payload.len() + event.origin.len()).sum::<usize>();
    let mut read = Vec::new();
    while read.len() < 18 {
        let page = me.read(1, read.len() as u64, usize::MAX);
        assert!(!page.is_empty() && octets(&page) <= MAX_READ);
        read.extend(places(&page));
    }
    assert_eq!(read, (1..=18).collect::<Vec<_>>());
    let Committed::Conflict { newer, .. } = me.append(1, 3, &["late"]) else { panic!("it was late") };
    assert!(!newer.is_empty() && octets(&newer) <= MAX_READ);
}

/// A reader that asks behind the last event it got misses none.
pub fn pages_join_without_a_gap(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for seq in 0..40 {
        me.put(1, seq * 3, &["x", "y", "z"]);
    }
    let mut seen: Vec<u64> = Vec::new();
    for _ in 0..120_usize.div_ceil(7) {
        seen.extend(places(&me.read(1, seen.last().copied().unwrap_or(0), 7)));
    }
    assert_eq!(seen, (1..=120).collect::<Vec<u64>>());
}

/// However far behind.
pub fn a_read_behind_the_end_is_empty(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    for after in [1, 2, u64::MAX - 1, u64::MAX] {
        assert!(me.read(1, after, 10).is_empty(), "behind {after}");
    }
}

/// Not an error.
pub fn a_stream_that_is_not_there_reads_empty(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(2, 0, &["a"]);
    assert!(me.read(1, 0, 10).is_empty());
    assert!(me.read(3, 0, 10).is_empty());
}

/// One answer for each question, `None` where there is no such stream.
pub fn heads_come_in_the_order_asked(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    me.put(2, 0, &["b", "c"]);
    me.other(8).put(2, 0, &["d"]);
    let asked = [me.stream(2), me.stream(9), me.stream(1), me.other(8).stream(2), me.stream(2)];
    let heads = me.ask(me.store.heads(&asked));
    let heads: Vec<_> =
        heads.iter().map(|head| head.as_ref().map(|(seq, head)| (seq.0, &head.0[..]))).collect();
    let expected: [Option<(u64, &[u8])>; 5] =
        [Some((2, b"c")), None, Some((1, b"a")), Some((1, b"d")), Some((2, b"c"))];
    assert_eq!(heads, expected);
    assert!(me.ask(me.store.heads(&[])).is_empty());
}

/// The head is that of the last commit that appended.
pub fn a_head_is_replaced_by_the_next(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    me.put(1, 1, &["b"]);
    assert_eq!(me.head(1), Some((2, "b".to_owned())));
    let emptied = me.draft().append_bytes(1, 2, vec![Bytes::from_static(b"c")], Bytes::new()).commit();
    assert_eq!(emptied, Committed::Done);
    assert_eq!(me.head(1), Some((3, String::new())));
}

/// With where they stand and their heads.
pub fn streams_are_listed_ascending(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let numbers = [256, 1, u32::MAX, 0, 65_536, 2];
    for number in numbers {
        me.put(number, 0, &["x", "y"]);
    }
    let listed = me.ask(me.store.list_streams(me.account));
    assert_eq!(
        listed.iter().map(|(stream, ..)| stream.number).collect::<Vec<_>>(),
        [0, 1, 2, 256, 65_536, u32::MAX]
    );
    assert!(listed.iter().all(|(stream, seq, head)| {
        stream.account == me.account && *seq == Seq(2) && head.0 == Bytes::from_static(b"y")
    }));
}

/// Events, head and snapshots go.
pub fn a_dropped_stream_is_gone(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    me.put(2, 0, &["b"]);
    me.put_snapshot(1, 1, &["s"]).unwrap();
    me.drop_stream(1);
    assert!(me.texts(1).is_empty());
    assert_eq!((me.head(1), me.snapshot_at(1, u64::MAX)), (None, None));
    assert_eq!(me.stream_numbers(), [2]);
    assert_eq!(me.texts(2), ["b"]);
}

/// Neither a writer nor a snapshot that was on its way.
pub fn a_late_writer_does_not_bring_a_dropped_stream_back(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b"]);
    me.drop_stream(1);
    assert_eq!(me.append(1, 2, &["late"]), Committed::Diverged { stream: me.stream(1), at: Seq::NONE });
    me.put_snapshot(1, 2, &["late"]).unwrap();
    assert_eq!((me.head(1), me.snapshot_at(1, u64::MAX)), (None, None));
    assert!(me.stream_numbers().is_empty());
}

/// Other mailboxes may hold copies.
pub fn records_and_bodies_outlive_their_stream(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Bytes::from_static(b"body");
    assert_eq!(me.draft().append(1, 0, &["a"]).record(1, 1, Some("r")).body(&body).commit(), Committed::Done);
    me.drop_stream(1);
    assert_eq!(me.all_records(), [(1, 1, "r".to_owned())]);
    assert_eq!(me.whole_body(BodyId::of(&body)), Some(body));
}

/// Once more, or never there.
pub fn dropping_what_is_not_there_is_harmless(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    me.drop_stream(1);
    me.drop_stream(1);
    me.drop_stream(2);
    me.delete_body(BodyId([7; 32]));
    assert!(me.stream_numbers().is_empty());
}

/// A snapshot at `through` or later must exist, else nothing is forgotten.
pub fn a_trim_needs_a_snapshot(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b", "c"]);
    assert!(matches!(me.trim(1, 2), Err(StoreError::Misused(_))));
    me.put_snapshot(1, 1, &["a"]).unwrap();
    assert!(matches!(me.trim(1, 2), Err(StoreError::Misused(_))));
    assert_eq!(me.texts(1), ["a", "b", "c"]);
    assert_eq!(me.snapshot_at(1, 3), Some((1, vec!["a".to_owned()])));
}

/// The store may forget up to `through`, and nothing behind it.
pub fn a_trim_keeps_what_lies_behind_it(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b", "c", "d"]);
    me.put_snapshot(1, 3, &["abc"]).unwrap();
    me.trim(1, 2).unwrap();
    assert_eq!(texts(&me.read(1, 2, 10)), ["c", "d"]);
    let left = places(&me.read(1, 0, 10));
    assert_eq!(left, (left[0]..=4).collect::<Vec<_>>(), "what is left is without a gap");
    assert_eq!(me.snapshot_at(1, 3), Some((3, vec!["abc".to_owned()])));
    assert_eq!(me.head(1), Some((4, "d".to_owned())));
    me.put_snapshot(1, 4, &["abcd"]).unwrap();
    me.trim(1, 4).unwrap();
    assert!(me.read(1, 4, 10).is_empty());
    me.put(1, 4, &["e"]);
    assert_eq!(texts(&me.read(1, 4, 10)), ["e"]);
}
