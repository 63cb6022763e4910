//! Bodies, inline and staged.

use super::caller::Caller;
use super::seed::Seed;
use crate::{BodyId, Committed, MAX_COMMIT, MAX_INLINE_BODY, Store};
use bytes::Bytes;
use std::sync::Arc;

fn keep(me: &Caller, body: &Bytes) -> BodyId {
    assert_eq!(me.draft().body(body).commit(), Committed::Done);
    BodyId::of(body)
}

/// Octet by octet, empty and as large as may be.
pub fn an_inline_body_comes_back(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for length in [0, 1, 4_096, MAX_INLINE_BODY] {
        let body = Seed(length as u64).octets(length);
        let id = keep(&me, &body);
        assert!(me.whole_body(id) == Some(body), "{length} octets differ");
        assert_eq!(me.body_len(id), Some(length as u64));
    }
}

/// However it was cut into pieces.
pub fn a_staged_body_is_named_by_its_content(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Seed(1).octets(100_000);
    let pieces = [body.slice(..1), body.slice(1..1), body.slice(1..70_000), body.slice(70_000..)];
    assert_eq!(me.stage(&pieces), (BodyId::of(&body), 100_000));
    assert!(me.whole_body(BodyId::of(&body)) == Some(body));
}

/// That is what staging is for.
pub fn a_staged_body_may_be_larger_than_a_commit(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Seed(2).octets(MAX_COMMIT + 12_345);
    let pieces: Vec<_> = body.chunks(60_000).map(Bytes::copy_from_slice).collect();
    let (id, length) = me.stage(&pieces);
    assert_eq!((id, length), (BodyId::of(&body), body.len() as u64));
    assert_eq!(me.body_len(id), Some(length));
    assert!(me.whole_body(id).unwrap() == body);
    assert!(me.body(id, length - 3, 99).unwrap() == body.slice(body.len() - 3..));
}

/// An empty body is a body.
pub fn a_staged_body_may_be_empty(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let (id, length) = me.stage(&[]);
    assert_eq!((id, length), (BodyId::of(b""), 0));
    assert_eq!(me.whole_body(id), Some(Bytes::new()));
}

/// Finishing makes it, writing does not.
pub fn a_body_is_not_seen_before_it_is_finished(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Seed(3).octets(MAX_INLINE_BODY + 1);
    let mut writer = me.ask(me.store.stage_body(me.account));
    me.ask(writer.write(body.clone()));
    assert!(me.all_bodies().is_empty());
    assert_eq!(me.body_len(BodyId::of(&body)), None);
    let (id, _) = me.ask(writer.finish());
    assert_eq!(me.all_bodies(), [id]);
}

/// As if it had never begun.
pub fn a_dropped_writer_leaves_nothing(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Seed(4).octets(MAX_INLINE_BODY + 1);
    let mut writer = me.ask(me.store.stage_body(me.account));
    me.ask(writer.write(body.clone()));
    drop(writer);
    assert!(me.all_bodies().is_empty());
    assert_eq!(me.whole_body(BodyId::of(&body)), None);
}

/// Whatever offset and length a client makes up.
pub fn a_part_of_a_body_is_shorter_only_at_its_end(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let small = keep(&me, &Seed(5).octets(1_000));
    let (large, _) = me.stage_whole(&Seed(5).octets(MAX_INLINE_BODY + 1_000));
    for (id, length) in [(small, 1_000), (large, MAX_INLINE_BODY + 1_000)] {
        let whole = Seed(5).octets(length);
        let end = length as u64;
        for offset in [0, 1, 499, end - 1, end, end + 1, 1 << 40, u64::MAX - 1, u64::MAX] {
            for length in [0, 1, 500, 4_096, usize::MAX] {
                let start = offset.min(end) as usize;
                let expected = whole.slice(start..start.saturating_add(length).min(whole.len()));
                assert!(
                    me.body(id, offset, length) == Some(expected),
                    "{length} octets from {offset} of {end}"
                );
            }
        }
    }
}

/// Not empty: none.
pub fn a_body_that_is_not_there_is_none(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    keep(&me, &Bytes::from_static(b"another"));
    let absent = BodyId::of(b"absent");
    assert_eq!(
        (me.whole_body(absent), me.body(absent, u64::MAX, 0), me.body_len(absent)),
        (None, None, None)
    );
}

/// Inline or staged, in one commit or in two, it is there once.
pub fn naming_a_body_that_is_there_is_harmless(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Seed(6).octets(10_000);
    assert_eq!(me.draft().body(&body).body(&body).commit(), Committed::Done);
    let id = keep(&me, &body);
    assert_eq!(me.stage_whole(&body), (id, 10_000));
    assert_eq!(me.all_bodies(), [id]);
    assert!(me.whole_body(id) == Some(body));
    me.delete_body(id);
    assert!(me.all_bodies().is_empty());
}

/// Both kinds in one list.
pub fn bodies_are_listed_ascending_in_pages(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let mut ids: Vec<_> = (0..9).map(|seed| keep(&me, &Seed(seed).octets(64))).collect();
    ids.push(me.stage_whole(&Seed(9).octets(MAX_INLINE_BODY + 1)).0);
    ids.sort_unstable();
    assert_eq!(me.all_bodies(), ids);
    assert!(me.bodies(None, 0).is_empty());
    let mut paged: Vec<BodyId> = Vec::new();
    for _ in 0..10_usize.div_ceil(3) {
        paged.extend(me.bodies(paged.last().copied(), 3));
    }
    assert_eq!(paged, ids);
    assert_eq!(me.bodies(Some(BodyId([0; 32])), 1), ids[..1]);
    assert!(me.bodies(Some(BodyId([255; 32])), 1).is_empty());
}

/// Small or large.
pub fn a_deleted_body_is_gone_and_may_come_again(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let (small, large) = (Seed(7).octets(100), Seed(8).octets(MAX_INLINE_BODY + 1));
    for _ in 0..2 {
        let ids = [keep(&me, &small), me.stage_whole(&large).0];
        assert!(
            me.whole_body(ids[0]).as_ref() == Some(&small) && me.whole_body(ids[1]).as_ref() == Some(&large)
        );
        ids.iter().for_each(|&id| me.delete_body(id));
        assert_eq!(ids.map(|id| me.whole_body(id)), [None, None]);
        assert_eq!(ids.map(|id| me.body_len(id)), [None, None]);
        assert!(me.all_bodies().is_empty());
    }
}

/// Whether it never was there or was let go; also where another record named it before.
pub fn a_record_whose_body_is_gone_is_refused_and_writes_nothing(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    for body in [Seed(10).octets(100), Seed(11).octets(MAX_INLINE_BODY + 1)] {
        let id = BodyId::of(&body);
        let commit = || me.draft().append(1, 0, &["a"]).record(1, 2, Some("r")).record_of(1, 1, id);
        assert_eq!(commit().commit(), Committed::BodyGone(id));
        me.stage_whole(&body);
        me.delete_body(id);
        assert_eq!(commit().commit(), Committed::BodyGone(id));
    }
    assert!(me.stream_numbers().is_empty() && me.all_records().is_empty() && me.all_bodies().is_empty());
}

/// In the same commit, or staged before.
pub fn a_record_finds_its_body_in_its_commit_or_in_the_store(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let (small, large) = (Seed(12).octets(100), Seed(13).octets(MAX_INLINE_BODY + 1));
    let brought = me.draft().record_of(1, 1, BodyId::of(&small)).body(&small).commit();
    assert_eq!(brought, Committed::Done);
    let (staged, _) = me.stage_whole(&large);
    let named = me.draft().record_of(1, 2, staged).record_of(1, 3, BodyId::of(&small)).commit();
    assert_eq!(named, Committed::Done);
    assert_eq!(me.all_records().len(), 3);
}

/// As they were asked for, though nobody waited between the two.
pub fn a_commit_behind_that_of_its_body_finds_it_and_one_behind_its_end_does_not(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let body = Seed(14).octets(5_000);
    let id = BodyId::of(&body);
    let mut brought = me.store.commit(me.draft().body(&body).commit);
    let early = super::poll_once(&mut brought);
    let mut named = me.store.commit(me.draft().record_of(1, 1, id).commit);
    let named_early = super::poll_once(&mut named);
    let mut deleted = me.store.delete_body(me.account, id);
    let deleted_early = super::poll_once(&mut deleted);
    let late = me.store.commit(me.draft().record_of(1, 2, id).commit);
    assert_eq!(super::block_on(late), Ok(Committed::BodyGone(id)));
    assert_eq!(early.unwrap_or_else(|| super::block_on(brought)), Ok(Committed::Done));
    assert_eq!(named_early.unwrap_or_else(|| super::block_on(named)), Ok(Committed::Done));
    assert_eq!(deleted_early.unwrap_or_else(|| super::block_on(deleted)), Ok(()));
    assert_eq!(me.all_records().len(), 1);
}

/// What it is compared with comes first: who was late is told so.
pub fn a_conflict_is_told_before_a_body_that_is_gone(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    me.put(1, 0, &["a"]);
    let late = me.draft().append(1, 0, &["b"]).record_of(1, 1, BodyId([9; 32])).commit();
    assert!(matches!(late, Committed::Conflict { .. }));
}
