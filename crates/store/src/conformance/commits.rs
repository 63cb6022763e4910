//! Compare-and-set, all or none, once.

use super::caller::{Caller, places, texts};
use crate::{Append, Committed, Head, MAX_NEWER, Seq, Store, StoreError, StreamId};
use bytes::Bytes;
use std::sync::Arc;

/// The stream, the places and the texts of a conflict.
fn conflict(committed: Committed) -> (StreamId, Vec<u64>, Vec<String>) {
    match committed {
        Committed::Conflict { stream, newer } => (stream, places(&newer), texts(&newer)),
        other => panic!("expected a conflict, not {other:?}"),
    }
}

/// A read sees every commit that was answered before the read began.
pub fn a_commit_is_seen_once_it_is_answered(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Bytes::from_static(b"body");
    let committed = me.draft().append(1, 0, &["a", "b"]).record(1, 1, Some("record")).body(&body).commit();
    assert_eq!(committed, Committed::Done);
    assert_eq!(me.texts(1), ["a", "b"]);
    assert_eq!(me.head(1), Some((2, "b".to_owned())));
    assert_eq!(me.all_records(), [(1, 1, "record".to_owned())]);
    assert_eq!(me.all_bodies(), [crate::BodyId::of(&body)]);
}

/// The place of the first event is 1, and each event takes the next.
pub fn events_are_numbered_from_one(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b"]);
    me.put(1, 2, &["c"]);
    assert_eq!(places(&me.read(1, 0, 10)), [1, 2, 3]);
}

/// Who did it, from where, and when is kept with every event.
pub fn events_keep_the_time_and_origin_of_their_commit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for (seq, time_ms, origin) in [(0, -5, "phone"), (2, i64::MAX, "desk"), (4, 0, "")] {
        let mut draft = me.draft().append(1, seq, &["x", "y"]);
        (draft.commit.time_ms, draft.commit.origin) = (time_ms, Bytes::from_static(origin.as_bytes()));
        assert_eq!(draft.commit(), Committed::Done);
    }
    let kept: Vec<_> = me.read(1, 0, 10).into_iter().map(|event| (event.time_ms, event.origin)).collect();
    let expected = [(-5, "phone"), (-5, "phone"), (i64::MAX, "desk"), (i64::MAX, "desk"), (0, ""), (0, "")];
    assert_eq!(kept, expected.map(|(time, origin)| (time, Bytes::from_static(origin.as_bytes()))));
}

/// A commit names as many streams as it needs.
pub fn one_commit_writes_several_streams(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(2, 0, &["old"]);
    let committed = me.draft().append(3, 0, &["x"]).append(1, 0, &["y", "z"]).append(2, 1, &["new"]).commit();
    assert_eq!(committed, Committed::Done);
    assert_eq!(
        (me.texts(1), me.texts(2), me.texts(3)),
        (
            vec!["y".to_owned(), "z".to_owned()],
            vec!["old".to_owned(), "new".to_owned()],
            vec!["x".to_owned()],
        )
    );
}

/// All or none: events, heads, records and bodies.
pub fn a_conflict_writes_nothing_anywhere(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["first"]);
    assert_eq!(me.draft().record(1, 1, Some("kept")).commit(), Committed::Done);
    let body = Bytes::from_static(b"never");
    let draft = me.draft().append(2, 0, &["never"]).append(1, 0, &["never"]).append(3, 0, &["never"]);
    let committed = draft.record(1, 1, None).record(1, 2, Some("never")).body(&body).commit();
    assert_eq!(conflict(committed).0, me.stream(1));
    assert_eq!(me.stream_numbers(), [1]);
    assert_eq!(me.head(1), Some((1, "first".to_owned())));
    assert_eq!(me.all_records(), [(1, 1, "kept".to_owned())]);
    assert!(me.all_bodies().is_empty());
}

/// What lies behind `expected`: all of it, in order, nothing else.
pub fn a_conflict_gives_exactly_the_newer_events(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b"]);
    me.put(1, 2, &["c"]);
    me.put(1, 3, &["d"]);
    let committed = me.append(1, 2, &["late"]);
    assert_eq!(committed, Committed::Conflict { stream: me.stream(1), newer: me.read(1, 2, 10) });
    assert_eq!(conflict(committed), (me.stream(1), vec![3, 4], vec!["c".to_owned(), "d".to_owned()]));
}

/// Streams are compared in the order named.
pub fn a_conflict_names_the_first_stream_that_did_not_hold(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for number in [1, 2, 3] {
        me.put(number, 0, &["a"]);
    }
    let committed = me.draft().append(2, 1, &["x"]).append(3, 0, &["x"]).append(1, 0, &["x"]).commit();
    assert_eq!(conflict(committed).0, me.stream(3));
    let committed = me.draft().append(2, 9, &["x"]).append(3, 0, &["x"]).commit();
    assert_eq!(committed, Committed::Diverged { stream: me.stream(2), at: Seq(1) });
    let committed = me.draft().append(3, 0, &["x"]).append(2, 9, &["x"]).commit();
    assert_eq!(conflict(committed).0, me.stream(3));
}

/// The rest comes with the next try.
pub fn a_conflict_gives_at_most_max_newer_events(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &vec!["e"; MAX_NEWER + 2]);
    let (_, newer, _) = conflict(me.append(1, 1, &["late"]));
    assert_eq!((newer.len(), newer[0]), (MAX_NEWER, 2));
    let (_, newer, _) = conflict(me.append(1, 1 + MAX_NEWER as u64, &["late"]));
    assert_eq!(newer, [MAX_NEWER as u64 + 2]);
}

/// The expected event must exist as well as the next place be free.
pub fn a_writer_ahead_of_the_store_has_diverged(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    assert_eq!(me.append(1, 2, &["x"]), Committed::Diverged { stream: me.stream(1), at: Seq(1) });
    assert_eq!(me.append(1, u64::MAX, &["x"]), Committed::Diverged { stream: me.stream(1), at: Seq(1) });
    assert_eq!(me.append(2, 1, &["x"]), Committed::Diverged { stream: me.stream(2), at: Seq::NONE });
    assert_eq!((me.texts(1), me.head(2)), (vec!["a".to_owned()], None));
}

/// Either everything behind `expected` is still there, or the writer must read anew.
pub fn a_writer_behind_the_trim_is_told_no_half_truth(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b", "c", "d"]);
    me.put_snapshot(1, 3, &["abc"]).unwrap();
    me.trim(1, 3).unwrap();
    match me.append(1, 1, &["x"]) {
        Committed::Conflict { newer, .. } => assert_eq!(texts(&newer), ["b", "c", "d"]),
        other => assert_eq!(other, Committed::Diverged { stream: me.stream(1), at: Seq(4) }),
    }
    assert_eq!(conflict(me.append(1, 3, &["x"])).2, ["d"]);
    me.put(1, 4, &["e"]);
}

/// Empty: only the compare-and-set counts, and the head stays.
pub fn an_empty_append_only_compares(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    assert_eq!(me.draft().append(1, 1, &[]).append(2, 0, &["x"]).commit(), Committed::Done);
    assert_eq!(me.head(1), Some((1, "a".to_owned())));
    assert_eq!(me.texts(2), ["x"]);
}

/// A stream is made by its first event.
pub fn an_empty_append_makes_no_stream(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    assert_eq!(me.append(1, 0, &[]), Committed::Done);
    assert_eq!(me.head(1), None);
    assert!(me.stream_numbers().is_empty());
}

/// A pure comparison fails like a write, and takes the whole commit with it.
pub fn an_empty_append_conflicts_like_any_other(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a", "b"]);
    let committed = me.draft().append(2, 0, &["x"]).append(1, 1, &[]).commit();
    assert_eq!(conflict(committed), (me.stream(1), vec![2], vec!["b".to_owned()]));
    assert_eq!(me.append(1, 3, &[]), Committed::Diverged { stream: me.stream(1), at: Seq(2) });
    assert_eq!(me.head(2), None);
}

/// It is answered like the first.
pub fn a_second_commit_with_the_same_id_changes_nothing(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let first = me.draft().append(1, 0, &["a"]).record(1, 1, Some("r")).commit;
    assert_eq!(me.commit(first.clone()), Committed::Done);
    me.put(1, 1, &["b"]);
    assert_eq!(me.draft().record(1, 1, None).commit(), Committed::Done);
    assert_eq!(me.commit(first), Committed::Done);
    assert_eq!(me.texts(1), ["a", "b"]);
    assert!(me.all_records().is_empty());
}

/// Whatever the places of its streams say: they may be somebody else's.
pub fn a_commit_that_builds_on_what_was_never_written_is_not_written_either(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    let first = me.draft().append(1, 0, &["late"]).commit;
    let mut second = me.draft().append(1, 1, &["on it"]).record(1, 1, Some("r")).commit;
    second.after = Some(first.id);
    conflict(me.commit(first.clone()));
    assert_eq!(me.commit(second.clone()), Committed::Diverged { stream: me.stream(1), at: Seq(1) });
    assert_eq!(me.texts(1), ["a"]);
    assert!(me.all_records().is_empty());
    second.appends.clear();
    assert!(matches!(me.commit(second), Committed::Diverged { stream, .. } if stream == me.stream(0)));
}

/// Without waiting for the sync of the first.
pub fn a_commit_may_build_on_one_that_is_under_way(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    // Long and short by turns: neither may overtake the other.
    let event = |n| Bytes::from(vec![b'x'; if n % 2 == 0 { 1 } else { 10_000 }]);
    let drafts = (0..20).map(|n| me.draft().append_bytes(1, n, vec![event(n)], Bytes::new()));
    let mut commits: Vec<_> = drafts.map(|draft| draft.commit).collect();
    let ids: Vec<_> = commits.iter().map(|commit| commit.id).collect();
    commits.iter_mut().skip(1).zip(ids).for_each(|(commit, before)| commit.after = Some(before));
    let mut answers: Vec<_> = commits.into_iter().map(|commit| me.store.commit(commit)).collect();
    let mut early: Vec<_> = answers.iter_mut().map(super::poll_once).collect();
    for (answer, early) in answers.into_iter().zip(&mut early) {
        assert_eq!(early.take().unwrap_or_else(|| super::block_on(answer)), Ok(Committed::Done));
    }
    assert_eq!(me.head(1).unwrap().0, 20);
}

/// Only what was written is remembered.
pub fn after_a_conflict_the_id_is_free(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    let mut draft = me.draft().append(1, 0, &["b"]).commit;
    conflict(me.commit(draft.clone()));
    draft.appends[0].expected = Seq(1);
    assert_eq!(me.commit(draft), Committed::Done);
    assert_eq!(me.texts(1), ["a", "b"]);
}

/// A sweep deletes records without touching a stream.
pub fn records_and_bodies_need_no_stream(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Bytes::from_static(b"body");
    assert_eq!(me.draft().record(3, 4, Some("r")).body(&body).commit(), Committed::Done);
    assert_eq!(me.all_records(), [(3, 4, "r".to_owned())]);
    assert_eq!(me.all_bodies().len(), 1);
    assert!(me.stream_numbers().is_empty());
}

/// Nothing asked for is nothing refused.
pub fn an_empty_commit_is_done(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    assert_eq!(me.draft().commit(), Committed::Done);
    assert!(me.stream_numbers().is_empty());
}

/// Streams of one commit belong to one account.
pub fn a_commit_names_no_stream_of_another_account(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let you = me.other(8);
    let mut draft = me.draft().append(1, 0, &["x"]);
    let foreign =
        Append { stream: you.stream(1), expected: Seq::NONE, events: Vec::new(), head: Head::default() };
    draft.commit.appends.push(foreign);
    assert!(matches!(draft.try_commit(), Err(StoreError::Misused(_))));
    assert_eq!((me.head(1), you.head(1)), (None, None));
}

/// A stream named twice would have to stand at two places.
pub fn a_commit_names_a_stream_once(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let draft = me.draft().append(1, 0, &["x"]).append(1, 1, &["y"]);
    assert!(matches!(draft.try_commit(), Err(StoreError::Misused(_))));
    assert_eq!(me.head(1), None);
}
