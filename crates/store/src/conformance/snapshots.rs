//! Snapshots of streams.

use super::caller::Caller;
use crate::{MAX_SNAPSHOT_PIECE, Store, StoreError};
use std::sync::Arc;

/// At or before, never later.
pub fn the_newest_snapshot_at_or_before_a_place_is_found(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["e"; 9]);
    for (at, state) in [(5, "five"), (2, "two"), (8, "eight")] {
        me.put_snapshot(1, at, &[state]).unwrap();
    }
    let found = |at| me.snapshot_at(1, at).map(|(at, _)| at);
    assert_eq!([0, 1, 2, 4, 5, 7].map(found), [None, None, Some(2), Some(2), Some(5), Some(5)]);
    assert_eq!([8, 9, u64::MAX].map(found), [Some(8); 3]);
    assert_eq!(me.snapshot_at(1, 7), Some((5, vec!["five".to_owned()])));
}

/// Nor has one that lies beside a stream with snapshots.
pub fn a_stream_without_snapshots_has_none(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for number in [1, 2, 3] {
        me.put(number, 0, &["a"]);
    }
    me.put_snapshot(1, 1, &["s"]).unwrap();
    me.put_snapshot(3, 1, &["s"]).unwrap();
    assert_eq!(me.snapshot_at(2, u64::MAX), None);
    assert_eq!(me.snapshot_at(4, u64::MAX), None);
}

/// None, an empty one, many, and one as large as may be.
pub fn pieces_come_back_whole_and_in_order(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b", "c"]);
    let large = "x".repeat(MAX_SNAPSHOT_PIECE);
    let shapes: [&[&str]; 3] = [&[], &["", "one", ""], &["z", &large, "y", "x"]];
    for (at, pieces) in (1..).zip(shapes) {
        me.put_snapshot(1, at, pieces).unwrap();
        let (found, kept) = me.snapshot_at(1, at).unwrap();
        assert_eq!(found, at);
        assert!(kept == pieces, "the pieces of snapshot {at} differ");
    }
}

/// Not both, and not a mixture of both.
pub fn of_two_snapshots_at_one_place_the_last_counts(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    me.put_snapshot(1, 1, &["old", "old", "old"]).unwrap();
    me.put_snapshot(1, 1, &["new"]).unwrap();
    assert_eq!(me.snapshot_at(1, 1), Some((1, vec!["new".to_owned()])));
}

/// It would show events that nobody committed.
pub fn a_snapshot_ahead_of_its_stream_is_refused(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    assert!(matches!(me.put_snapshot(1, 2, &["s"]), Err(StoreError::Misused(_))));
    assert_eq!(me.snapshot_at(1, u64::MAX), None);
}

/// Its mailbox was deleted while the snapshot was made.
pub fn a_snapshot_of_a_missing_stream_is_let_go(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put_snapshot(1, 2, &["s"]).unwrap();
    assert_eq!(me.snapshot_at(1, u64::MAX), None);
    assert!(me.stream_numbers().is_empty());
}
