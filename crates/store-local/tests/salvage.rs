//! A stream in which events are lost begins anew: it is written again, over any restart, and over an index that is made
//! again from a log in which the hole still is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use store::conformance::block_on;
use store::{
    AccountId, Append, Beginning, Commit, CommitId, Committed, EmailId, Head, Salvage, Seq, Snapshot, Store,
    StoreError, StreamId,
};
use store_local::disk::Disk;
use store_local::{LocalStore, Options};
use testkit::disk::FaultyDisk;

const STREAM: StreamId = StreamId { account: AccountId(1), number: 1 };
const EMAIL: EmailId = EmailId { mailbox: 1, uid: 7 };
const LAST: Seq = Seq(20);

fn options() -> Options {
    Options { segment_octets: 1_000, ..Options::default() }
}

fn open(disk: &FaultyDisk) -> LocalStore {
    LocalStore::open_on(Arc::new(disk.clone()), &options()).unwrap()
}

fn event(seq: u64) -> Bytes {
    Bytes::from(format!("event {seq}."))
}

fn commit(after: Seq) -> Commit {
    let seq = after.plus(1).0;
    let events = vec![event(seq)];
    let head = Head(Bytes::from(format!("head {seq}")));
    Commit {
        account: STREAM.account,
        id: CommitId(u128::from(seq).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::from_static(b"a test"),
        appends: vec![Append { stream: STREAM, expected: after, events, head }],
        records: vec![(EMAIL, Some(Bytes::from_static(b"the record").into()))],
        bodies: Vec::new(),
    }
}

fn snapshot(at: Seq) -> Snapshot {
    Snapshot { at, pieces: vec![Bytes::from(format!("state {}", at.0))] }
}

/// Twenty events, a snapshot at the tenth, and no index; the records' headers of these events have rotted.
fn with_holes(holes: &[u64]) -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    for seq in 0..LAST.0 {
        assert_eq!(block_on(store.commit(commit(Seq(seq)))).unwrap(), Committed::Done);
        if seq == 9 {
            block_on(store.put_snapshot(STREAM, snapshot(Seq(10)))).unwrap();
        }
    }
    drop(store);
    holes.iter().for_each(|seq| rot(&disk, &event(*seq)));
    forget_index(&disk);
    disk
}

fn forget_index(disk: &FaultyDisk) {
    disk.unlink(Path::new("index.redb")).unwrap();
}

/// Flips a bit in the header of the record that holds an event, so that nobody can tell what it was.
fn rot(disk: &FaultyDisk, event: &[u8]) {
    for name in disk.list(Path::new("log")).unwrap() {
        let path = format!("log/{name}");
        let file = disk.open(Path::new(&path)).unwrap();
        let mut octets = vec![0; file.length().unwrap() as usize];
        file.read_exact_at(&mut octets, 0).unwrap();
        if let Some(at) = octets.windows(event.len()).position(|window| window == event) {
            disk.flip_bit(&path, at - 60, 0);
        }
    }
}

fn seqs(events: &[(Seq, Option<store::Event>)]) -> Vec<u64> {
    events.iter().map(|(seq, _)| seq.0).collect()
}

fn refuses(store: &LocalStore, after: Seq) -> bool {
    matches!(block_on(store.commit(commit(after))), Err(StoreError::Damaged { .. }))
}

fn is_sound(store: &LocalStore) {
    assert_eq!(store.compare_index().unwrap().differences, [""; 0]);
}

#[test]
fn what_is_left_of_a_stream_is_had_on_both_sides_of_a_hole() {
    let store = open(&with_holes(&[5, 13]));
    assert!(matches!(block_on(store.read(STREAM, Seq(4), 9)), Err(StoreError::Damaged { .. })));
    let left = block_on(store.remains(STREAM, Seq::NONE, 99)).unwrap();
    let whole: Vec<u64> = (1..=20).filter(|seq| ![5, 13].contains(seq)).collect();
    assert_eq!(seqs(&left), whole);
    assert!(left.iter().all(|(seq, left)| left.as_ref().unwrap().payload == event(seq.0)));
    assert_eq!(block_on(store.snapshot_places(STREAM)).unwrap(), [Seq(10)]);
}

#[test]
fn an_event_whose_octets_have_rotted_is_left_out_and_its_place_is_told() {
    let disk = with_holes(&[]);
    let store = open(&disk);
    for name in disk.list(Path::new("log")).unwrap() {
        let path = format!("log/{name}");
        let file = disk.open(Path::new(&path)).unwrap();
        let mut octets = vec![0; file.length().unwrap() as usize];
        file.read_exact_at(&mut octets, 0).unwrap();
        if let Some(at) = octets.windows(8).position(|window| window == b"event 3.") {
            disk.flip_bit(&path, at, 0);
        }
    }
    let left = block_on(store.remains(STREAM, Seq::NONE, 99)).unwrap();
    assert_eq!(seqs(&left), (1..=20).collect::<Vec<_>>());
    let unread: Vec<_> = left.iter().filter(|(_, event)| event.is_none()).map(|(seq, _)| seq.0).collect();
    assert_eq!(unread, [3]);
}

#[test]
fn a_stream_goes_on_from_a_snapshot_behind_the_hole_and_keeps_its_events_from_there_on() {
    let disk = with_holes(&[5]);
    let store = open(&disk);
    assert!(refuses(&store, LAST));
    let done = block_on(store.begin_anew(STREAM, LAST, Beginning::Snapshot(Seq(10)))).unwrap();
    assert_eq!(done, Committed::Done);
    drop(store);
    for round in 0..3 {
        if round == 1 {
            forget_index(&disk);
        }
        let store = open(&disk);
        is_sound(&store);
        assert_eq!(block_on(store.read(STREAM, Seq::NONE, 1)).unwrap()[0].seq, Seq(11));
        let after = LAST.plus(round);
        assert_eq!(block_on(store.commit(commit(after))).unwrap(), Committed::Done);
        assert_eq!(block_on(store.read(STREAM, LAST, 9)).unwrap().len() as u64, round + 1);
    }
}

#[test]
fn a_stream_goes_on_from_a_state_that_is_put_further_on() {
    let disk = with_holes(&[5, 13, 18]);
    let store = open(&disk);
    let (at, head) = (Seq(25), Head(Bytes::from_static(b"mended")));
    let ahead = snapshot(at);
    assert!(matches!(block_on(store.put_snapshot(STREAM, ahead.clone())), Err(StoreError::Misused(_))));
    let beginning = Beginning::State(ahead.clone(), head.clone());
    assert_eq!(block_on(store.begin_anew(STREAM, LAST, beginning)).unwrap(), Committed::Done);
    drop(store);
    for round in 0..3 {
        if round == 1 {
            forget_index(&disk);
        }
        let store = open(&disk);
        is_sound(&store);
        assert_eq!(block_on(store.snapshot_at(STREAM, Seq(u64::MAX))).unwrap(), Some(ahead.clone()));
        assert_eq!(block_on(store.commit(commit(at.plus(round)))).unwrap(), Committed::Done);
        let events = block_on(store.read(STREAM, Seq::NONE, 9)).unwrap();
        assert_eq!(events.first().unwrap().seq, at.plus(1));
    }
}

#[test]
fn a_stream_without_snapshots_goes_on_from_events() {
    let disk = with_holes(&[5]);
    let store = open(&disk);
    let beginning = Beginning::Events {
        behind: LAST,
        time_ms: 5,
        origin: Bytes::from_static(b"a repair"),
        events: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        head: Head::default(),
    };
    assert_eq!(block_on(store.begin_anew(STREAM, LAST, beginning)).unwrap(), Committed::Done);
    drop(store);
    forget_index(&disk);
    let store = open(&disk);
    is_sound(&store);
    let events = block_on(store.read(STREAM, Seq::NONE, 9)).unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.seq.0, event.time_ms, &event.payload[..])).collect();
    assert_eq!(told, [(21, 5, &b"one"[..]), (22, 5, &b"two"[..])]);
}

#[test]
fn a_hole_behind_the_new_beginning_is_a_hole_still() {
    let disk = with_holes(&[5]);
    let store = open(&disk);
    block_on(store.begin_anew(STREAM, LAST, Beginning::Snapshot(Seq(10)))).unwrap();
    drop(store);
    rot(&disk, &event(15));
    forget_index(&disk);
    for _ in 0..2 {
        let store = open(&disk);
        assert!(refuses(&store, LAST));
        assert_eq!(block_on(store.read(STREAM, Seq(10), 99)).unwrap().len(), 4);
    }
}

#[test]
fn nothing_begins_anew_on_what_is_not_there_or_where_somebody_else_has_written() {
    let store = open(&with_holes(&[15]));
    let diverged = Committed::Diverged { stream: STREAM, at: LAST };
    let begin = |expected, beginning| block_on(store.begin_anew(STREAM, expected, beginning)).unwrap();
    // What the snapshot would go on with is lost.
    assert_eq!(begin(LAST, Beginning::Snapshot(Seq(10))), diverged);
    assert_eq!(begin(LAST, Beginning::Snapshot(Seq(11))), diverged);
    assert_eq!(begin(Seq(19), Beginning::State(snapshot(Seq(21)), Head::default())), diverged);
    assert!(refuses(&store, LAST));
    is_sound(&store);
}
