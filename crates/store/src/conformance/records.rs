//! Records of messages.

use super::caller::Caller;
use crate::{BodyId, Committed, EmailId, Store};
use bytes::Bytes;
use std::sync::Arc;

fn keep(me: &Caller, records: &[(u32, u32, &str)]) {
    let draft = records
        .iter()
        .fold(me.draft(), |draft, &(mailbox, uid, text)| draft.record(mailbox, uid, Some(text)));
    assert_eq!(draft.commit(), Committed::Done);
}

fn uids(records: &[(u32, u32, String)]) -> Vec<(u32, u32)> {
    records.iter().map(|&(mailbox, uid, _)| (mailbox, uid)).collect()
}

/// And ascending within each; what is asked twice comes twice.
pub fn records_come_in_the_order_of_the_ranges(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    keep(&me, &[(1, 9, "i"), (1, 1, "a"), (1, 256, "z"), (1, 2, "b"), (1, 5, "e")]);
    let found = me.records(&[((1, 5), (1, 999)), ((1, 1), (1, 2)), ((1, 3), (1, 4)), ((1, 2), (1, 2))]);
    assert_eq!(uids(&found), [(1, 5), (1, 9), (1, 256), (1, 1), (1, 2), (1, 2)]);
    assert_eq!(found[5].2, "b");
    assert!(me.records(&[]).is_empty());
}

/// From one mailbox of birth into the next.
pub fn a_range_spans_mailboxes(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    keep(&me, &[(1, 7, "a"), (2, 1, "b"), (2, u32::MAX, "c"), (3, 1, "d"), (256, 1, "e")]);
    assert_eq!(uids(&me.records(&[((1, 8), (3, 0))])), [(2, 1), (2, u32::MAX)]);
    assert_eq!(uids(&me.all_records()), [(1, 7), (2, 1), (2, u32::MAX), (3, 1), (256, 1)]);
}

/// `Some` puts or replaces, `None` deletes, also what is not there.
pub fn records_are_replaced_and_deleted(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    keep(&me, &[(1, 1, "a"), (1, 2, "b")]);
    let changed = me.draft().record(1, 1, Some("A")).record(1, 2, None).record(1, 3, None).commit();
    assert_eq!(changed, Committed::Done);
    assert_eq!(me.all_records(), [(1, 1, "A".to_owned())]);
}

/// Within one commit, too, there is an order.
pub fn of_two_records_for_one_message_the_last_counts(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let draft =
        me.draft().record(1, 1, Some("a")).record(1, 1, Some("b")).record(1, 2, Some("c")).record(1, 2, None);
    assert_eq!(draft.commit(), Committed::Done);
    assert_eq!(me.all_records(), [(1, 1, "b".to_owned())]);
}

/// Empty is not absent.
pub fn an_empty_record_is_a_record(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    keep(&me, &[(1, 1, "")]);
    assert_eq!(me.all_records(), [(1, 1, String::new())]);
}

/// Not an error, and not everything.
pub fn a_range_that_ends_before_it_starts_is_empty(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    keep(&me, &[(1, 1, "a"), (1, 2, "b"), (1, 3, "c")]);
    assert!(me.records(&[((1, 3), (1, 1)), ((2, 1), (1, 9))]).is_empty());
}

/// In pages, within a range, whatever became of their bodies.
pub fn records_are_listed_with_the_bodies_that_they_name(store: Arc<dyn Store>) {
    let me = Caller::new(store);
    let bodies = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    let ids = bodies.clone().map(|body| BodyId::of(&body));
    let draft = me.draft().body(&bodies[0]).body(&bodies[1]);
    let draft = draft.record_of(1, 1, ids[0]).record_of(2, 7, ids[1]).record_of(2, 9, ids[0]);
    assert_eq!(draft.record(1, 2, Some("none")).commit(), Committed::Done);
    let listed = |mailbox, uid, body: Option<&BodyId>| (EmailId { mailbox, uid }, body.map(BodyId::prefix));
    let all = [
        listed(1, 1, Some(&ids[0])),
        listed(1, 2, None),
        listed(2, 7, Some(&ids[1])),
        listed(2, 9, Some(&ids[0])),
    ];
    let end = (u32::MAX, u32::MAX);
    assert_eq!(me.list_records((0, 0), end, 99), all);
    assert_eq!(me.list_records((1, 2), end, 2), all[1..3]);
    assert_eq!(me.list_records((1, 2), (2, 7), 99), all[1..3]);
    assert!(me.list_records((2, 0), (1, 9), 99).is_empty() && me.list_records((0, 0), end, 0).is_empty());
    me.delete_body(ids[0]);
    assert_eq!(me.list_records((0, 0), end, 99), all);
    assert_eq!(me.draft().record(1, 1, Some("another")).record(2, 9, None).commit(), Committed::Done);
    assert_eq!(me.list_records((0, 0), end, 99), [listed(1, 1, None), all[1], all[2]]);
}
