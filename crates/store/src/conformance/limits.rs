//! What is over a limit is refused whole.

use super::block_on;
use super::caller::{Caller, Draft};
use crate::{
    Body, BodyId, Committed, EmailId, FIRST_FORMAT, MAX_COMMIT, MAX_ENTRIES, MAX_EVENT, MAX_HEAD,
    MAX_INLINE_BODY, MAX_ORIGIN, MAX_RECORD, MAX_SNAPSHOT_PIECE, MAX_SOFT, NEWEST_FORMAT, Store, StoreError,
};
use bytes::Bytes;
use std::sync::Arc;

fn of(length: usize) -> Bytes {
    vec![b'x'; length].into()
}

/// One commit for each limit of a part, with that part `over` octets longer than it may be.
fn at_each_limit(me: &Caller, over: usize) -> [Draft<'_>; 5] {
    let mut long_origin = me.draft().append(1, 0, &["e"]);
    long_origin.commit.origin = of(MAX_ORIGIN + over);
    let long_head = me.draft().append_bytes(2, 0, vec![of(1)], of(MAX_HEAD + over));
    let long_event = me.draft().append_bytes(3, 0, vec![of(1), of(MAX_EVENT + over)], of(1));
    let mut long_record = me.draft();
    let record = of(MAX_RECORD + over).into();
    long_record.commit.records.push((EmailId { mailbox: 1, uid: 1 }, Some(record)));
    let long_body = me.draft().body(&of(MAX_INLINE_BODY + over));
    [long_origin, long_head, long_event, long_record, long_body]
}

fn is_over_limit<T>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::OverLimit(_)))
}

/// The limit itself is allowed.
pub fn what_is_as_long_as_its_limit_is_taken(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for draft in at_each_limit(&me, 0) {
        assert_eq!(draft.commit(), Committed::Done);
    }
    assert_eq!(me.read(1, 0, 1)[0].origin.len(), MAX_ORIGIN);
    assert_eq!(me.head(2).unwrap().1.len(), MAX_HEAD);
    assert_eq!(me.read(3, 1, 1)[0].payload.len(), MAX_EVENT);
    assert_eq!(me.all_records()[0].2.len(), MAX_RECORD);
    assert_eq!(me.body_len(BodyId::of(&of(MAX_INLINE_BODY))), Some(MAX_INLINE_BODY as u64));
}

/// One octet more is not.
pub fn what_is_longer_than_its_limit_is_refused(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for draft in at_each_limit(&me, 1) {
        assert!(is_over_limit(draft.try_commit()));
    }
    assert!(me.stream_numbers().is_empty() && me.all_records().is_empty() && me.all_bodies().is_empty());
}

/// And nothing of it is written.
pub fn a_commit_that_needs_a_format_that_there_is_not_is_refused(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for (needs_format, is_one) in [
        (FIRST_FORMAT - 1, false),
        (FIRST_FORMAT, true),
        (NEWEST_FORMAT, true),
        (NEWEST_FORMAT + 1, false),
        (u32::MAX, false),
    ] {
        let before = me.stream_numbers().len();
        let mut draft = me.draft().append(10 + before as u32, 0, &["e"]);
        draft.commit.needs_format = needs_format;
        match (is_one, draft.try_commit()) {
            (true, answer) => assert_eq!(answer, Ok(Committed::Done)),
            (false, answer) => assert!(matches!(answer, Err(StoreError::Misused(_))), "{answer:?}"),
        }
        assert_eq!(me.stream_numbers().len(), before + usize::from(is_one));
    }
}

/// In octets of events, records and bodies together, and in how many there are.
pub fn a_commit_has_a_limit_as_a_whole(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let events = vec![of(MAX_EVENT); MAX_COMMIT / MAX_EVENT];
    let full = me.draft().append_bytes(1, 0, events.clone(), Bytes::new());
    assert!(is_over_limit(
        me.draft().append_bytes(1, 0, events, Bytes::new()).record(1, 1, Some("x")).try_commit()
    ));
    assert_eq!(full.commit(), Committed::Done);
    assert_eq!(me.head(1).unwrap().0, (MAX_COMMIT / MAX_EVENT) as u64);

    // The stream that is named counts too.
    let crowd = |events| me.draft().append_bytes(2, 0, vec![of(1); events], Bytes::new());
    assert!(is_over_limit(crowd(MAX_ENTRIES).try_commit()));
    assert_eq!(crowd(MAX_ENTRIES - 1).commit(), Committed::Done);
    assert_eq!(me.head(2).unwrap().0, (MAX_ENTRIES - 1) as u64);
}

/// Neither its other parts nor its id.
pub fn a_refused_commit_leaves_nothing(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let sound = me.draft().append(1, 0, &["e"]).record(1, 1, Some("r")).commit;
    let mut faulty = sound.clone();
    faulty.bodies.push(Body::new(of(MAX_INLINE_BODY + 1)));
    assert!(is_over_limit(me.try_commit(faulty)));
    assert!(me.stream_numbers().is_empty() && me.all_records().is_empty() && me.all_bodies().is_empty());
    assert_eq!(me.commit(sound), Committed::Done);
    assert_eq!(me.texts(1), ["e"]);
}

/// Not the whole: a snapshot has as many pieces as it needs.
pub fn a_piece_of_a_snapshot_has_a_limit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["e"]);
    let long = "x".repeat(MAX_SNAPSHOT_PIECE + 1);
    assert!(is_over_limit(me.put_snapshot(1, 1, &["fine", &long])));
    assert_eq!(me.snapshot_at(1, 1), None);
}

/// At the limit they are taken, above it refused.
pub fn soft_keys_and_values_have_a_limit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let put = |key: usize, value: usize| block_on(me.store.put_soft(me.account, &of(key), Some(of(value))));
    assert_eq!(put(MAX_SOFT, MAX_SOFT), Ok(()));
    assert!(is_over_limit(put(MAX_SOFT + 1, 1)));
    assert!(is_over_limit(put(1, MAX_SOFT + 1)));
    assert_eq!(me.soft(&of(MAX_SOFT)).unwrap().len(), MAX_SOFT);
    assert_eq!(me.soft(&of(1)), None);
}
