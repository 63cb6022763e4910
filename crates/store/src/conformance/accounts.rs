//! Nothing of one account is seen, changed or ended through another.

use super::caller::Caller;
use crate::{AccountId, BodyId, Committed, MAX_INLINE_BODY, Seq, Store};
use bytes::Bytes;
use std::sync::Arc;

fn two(store: Arc<dyn Store>) -> (Caller, Caller) {
    let me = Caller::new(store);
    let you = me.other(8);
    (me, you)
}

/// The same numbers, other events.
pub fn streams_of_two_accounts_are_strangers(store: Arc<dyn Store>) {
    let (me, you) = two(store);
    me.put(1, 0, &["mine", "mine"]);
    assert_eq!(you.append(1, 2, &["x"]), Committed::Diverged { stream: you.stream(1), at: Seq::NONE });
    you.put(1, 0, &["yours"]);
    me.put_snapshot(1, 1, &["mine"]).unwrap();
    assert_eq!(you.snapshot_at(1, 9), None);
    assert_eq!((me.texts(1).len(), you.texts(1)), (2, vec!["yours".to_owned()]));
    you.drop_stream(1);
    assert_eq!((me.texts(1).len(), me.snapshot_at(1, 9).is_some()), (2, true));
    assert_eq!((me.stream_numbers(), you.stream_numbers()), (vec![1], vec![]));
}

/// The same messages by number, other records.
pub fn records_of_two_accounts_are_strangers(store: Arc<dyn Store>) {
    let (me, you) = two(store);
    assert_eq!(me.draft().record(1, 1, Some("mine")).commit(), Committed::Done);
    assert!(you.all_records().is_empty());
    assert_eq!(you.draft().record(1, 1, Some("yours")).commit(), Committed::Done);
    assert_eq!(you.draft().record(1, 1, None).commit(), Committed::Done);
    assert_eq!(me.all_records(), [(1, 1, "mine".to_owned())]);
}

/// The same bytes: nobody learns that somebody else has them, or takes them away.
pub fn bodies_of_two_accounts_are_strangers(store: Arc<dyn Store>) {
    let (me, you) = two(store);
    for body in [Bytes::from_static(b"small"), vec![b'x'; MAX_INLINE_BODY + 1].into()] {
        let id = BodyId::of(&body);
        me.stage_whole(&body);
        assert_eq!((you.body_len(id), you.whole_body(id)), (None, None));
        assert!(you.all_bodies().is_empty());
        you.stage_whole(&body);
        you.delete_body(id);
        assert_eq!(you.whole_body(id), None);
        assert!(me.whole_body(id) == Some(body));
    }
    assert_eq!((me.all_bodies().len(), you.all_bodies().len()), (2, 0));
}

/// The same keys, other values.
pub fn soft_values_of_two_accounts_are_strangers(store: Arc<dyn Store>) {
    let (me, you) = two(store);
    me.put_soft(b"key", Some("mine"));
    assert_eq!(you.soft(b"key"), None);
    you.put_soft(b"key", Some("yours"));
    you.put_soft(b"key", None);
    assert_eq!(me.soft(b"key").as_deref(), Some("mine"));
}

/// An id names one commit of one account.
pub fn commit_ids_of_two_accounts_are_strangers(store: Arc<dyn Store>) {
    let (me, you) = two(store);
    let mine = me.draft().append(1, 0, &["mine"]).commit;
    let mut yours = you.draft().append(1, 0, &["yours"]).commit;
    yours.id = mine.id;
    assert_eq!((me.commit(mine), you.commit(yours)), (Committed::Done, Committed::Done));
    assert_eq!((me.texts(1), you.texts(1)), (vec!["mine".to_owned()], vec!["yours".to_owned()]));
}

/// Account 0 is the directory's, and the last is nobody's neighbour.
pub fn the_highest_numbers_are_numbers_like_others(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let ends = [me.other(AccountId::DIRECTORY.0), me.other(u64::MAX - 1), me.other(u64::MAX)];
    for caller in &ends {
        let draft = caller.draft().append(0, 0, &["a"]).append(u32::MAX, 0, &["b"]);
        let draft = draft.record(0, 0, Some("r")).record(u32::MAX, u32::MAX, Some("s"));
        assert_eq!(draft.commit(), Committed::Done);
    }
    for caller in &ends {
        assert_eq!(caller.stream_numbers(), [0, u32::MAX]);
        assert_eq!(caller.all_records().len(), 2);
    }
}
