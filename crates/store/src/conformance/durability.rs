//! What must still be there when the store is opened again.
//!
//! The store is closed in peace here. Power cuts and kills are tested by each backend, on a disk of its own.

use super::caller::Caller;
use super::seed::Seed;
use super::{Place, history};
use crate::{BodyId, Committed, MAX_INLINE_BODY};
use bytes::Bytes;

/// Events with time and origin, heads, records, bodies of both kinds.
pub fn what_was_committed_is_there_after_reopening(place: &mut impl Place) {
    let me = Caller::new(place.open());
    let (small, large) = (Seed(1).octets(1_000), Seed(2).octets(MAX_INLINE_BODY + 1));
    me.stage_whole(&large);
    let draft =
        me.draft().append(1, 0, &["a", "b"]).append(2, 0, &["c"]).record(1, 1, Some("r")).body(&small);
    assert_eq!(draft.commit(), Committed::Done);
    let before = (me.read(1, 0, 10), me.head(2), me.all_records(), me.all_bodies());
    drop(me);
    let me = Caller::new(place.open());
    assert_eq!((me.read(1, 0, 10), me.head(2), me.all_records(), me.all_bodies()), before);
    assert!(
        me.whole_body(BodyId::of(&small)) == Some(small) && me.whole_body(BodyId::of(&large)) == Some(large)
    );
    me.put(1, 2, &["d"]);
    assert_eq!(me.texts(1), ["a", "b", "d"]);
}

/// Dropped streams, deleted records and bodies do not rise again.
pub fn what_was_ended_stays_ended_after_reopening(place: &mut impl Place) {
    let me = Caller::new(place.open());
    let body = Bytes::from_static(b"body");
    assert_eq!(me.draft().append(1, 0, &["a"]).record(1, 1, Some("r")).body(&body).commit(), Committed::Done);
    me.put_snapshot(1, 1, &["s"]).unwrap();
    me.drop_stream(1);
    assert_eq!(me.draft().record(1, 1, None).commit(), Committed::Done);
    me.delete_body(BodyId::of(&body));
    drop(me);
    let me = Caller::new(place.open());
    assert_eq!((me.head(1), me.snapshot_at(1, 9)), (None, None));
    assert!(me.stream_numbers().is_empty() && me.all_records().is_empty() && me.all_bodies().is_empty());
}

/// "Did my commit survive?" has an answer.
pub fn a_commit_id_is_remembered_after_reopening(place: &mut impl Place) {
    let me = Caller::new(place.open());
    let commit = me.draft().append(1, 0, &["a"]).record(1, 1, Some("r")).commit;
    assert_eq!(me.commit(commit.clone()), Committed::Done);
    assert_eq!(me.draft().append(1, 1, &["b"]).record(1, 1, None).commit(), Committed::Done);
    drop(me);
    let me = Caller::new(place.open());
    assert_eq!(me.commit(commit), Committed::Done);
    assert_eq!(me.texts(1), ["a", "b"]);
    assert!(me.all_records().is_empty());
}

/// Its writer went with the store.
pub fn an_unfinished_body_is_not_there_after_reopening(place: &mut impl Place) {
    let me = Caller::new(place.open());
    let mut writer = me.ask(me.store.stage_body(me.account));
    me.ask(writer.write(Seed(3).octets(MAX_INLINE_BODY + 1)));
    drop((writer, me));
    let me = Caller::new(place.open());
    assert!(me.all_bodies().is_empty());
}

/// Everything but soft values.
pub fn a_random_history_with_reopening_equals_the_model(place: &mut impl Place) {
    history::with_reopening(|| place.open());
}
