//! What nobody needs any more leaves the log while the store serves: readers, backups and checks go on, what was removed
//! does not come back with a new index, and nothing of a damaged segment is thrown away.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, BodyId, Commit, CommitId, Committed, EmailId, EmailRange, Head, Seq, Snapshot,
    Store, StreamId,
};
use store_local::disk::Disk;
use store_local::{Compacting, Extent, LocalStore, Options, Progress};
use support::Folder;
use testkit::dice::Dice;
use testkit::disk::FaultyDisk;

const ACCOUNT: AccountId = AccountId(1);
const STREAM: StreamId = StreamId { account: ACCOUNT, number: 1 };
/// Octets of a body.
const BODY: usize = 4_000;
const SEGMENT: u64 = 60_000;

fn options() -> Options {
    let compacting = Compacting { every: None, octets_per_second: u64::MAX };
    Options { segment_octets: SEGMENT, compacting, ..Options::default() }
}

fn on(disk: &FaultyDisk) -> LocalStore {
    LocalStore::open_on(Arc::new(disk.clone()), &options()).unwrap()
}

/// The body of message `n`: it does not compress.
fn body(n: u32) -> Bytes {
    Dice::new(u64::from(n)).octets(BODY).into()
}

const fn message(uid: u32) -> EmailId {
    EmailId { mailbox: 1, uid }
}

fn commit(n: u32, records: Vec<(EmailId, Option<Bytes>)>, bodies: Vec<Body>, seq: u64) -> Commit {
    Commit {
        account: ACCOUNT,
        id: CommitId(u128::from(n).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![Append {
            stream: STREAM,
            expected: Seq(seq),
            events: vec![Bytes::from(format!("event {}", seq + 1))],
            head: Head(Bytes::from(format!("head {}", seq + 1))),
        }],
        records: records.into_iter().map(|(email, record)| (email, record.map(Into::into))).collect(),
        bodies,
    }
}

/// Message `n`, which the stream's event `n` brings.
fn deliver(store: &LocalStore, n: u32) {
    let record = Bytes::from(format!("record {n}"));
    let body = body(n);
    let commit = commit(n, vec![(message(n), Some(record))], vec![Body::new(body)], u64::from(n) - 1);
    assert_eq!(block_on(store.commit(commit)).unwrap(), Committed::Done);
}

/// Takes message `n` away, with nothing left to be undone.
fn remove(store: &LocalStore, n: u32, seq: u64) {
    let gone = commit(1_000_000 + n, vec![(message(n), None)], Vec::new(), seq);
    assert_eq!(block_on(store.commit(gone)).unwrap(), Committed::Done);
    block_on(store.delete_body(ACCOUNT, BodyId::of(&body(n)))).unwrap();
}

fn records(store: &LocalStore) -> Vec<u32> {
    let all = EmailRange { first: message(0), last: message(u32::MAX) };
    let records = block_on(store.records(ACCOUNT, &[all])).unwrap();
    let said = |(id, record): &(EmailId, Bytes)| assert_eq!(*record, format!("record {}", id.uid));
    records.iter().for_each(said);
    records.iter().map(|(id, _)| id.uid).collect()
}

fn bodies(store: &LocalStore) -> BTreeSet<BodyId> {
    let ids = block_on(store.list_bodies(ACCOUNT, None, usize::MAX)).unwrap();
    for id in &ids {
        let body = block_on(store.body(ACCOUNT, *id, 0, usize::MAX)).unwrap().unwrap();
        assert_eq!(BodyId::of(&body), *id);
    }
    ids.into_iter().collect()
}

fn log_octets(store: &LocalStore) -> u64 {
    store.stats(None).unwrap().log_octets
}

fn is_sound(store: &LocalStore) {
    assert!(store.rot().is_empty(), "{:?}", store.rot());
    let report = store.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.rot.is_empty(), "{report:?}");
    assert!(report.wrong_footers.is_empty() && report.numbers_given_twice.is_empty(), "{report:?}");
}

/// A store of a hundred messages of which nine in ten are removed, and their events trimmed.
fn mostly_removed(disk: &FaultyDisk) -> LocalStore {
    let store = on(disk);
    (1..=100).for_each(|n| deliver(&store, n));
    (1..=100).filter(|n| n % 10 != 0).zip(100..).for_each(|(n, seq)| remove(&store, n, seq));
    let snapshot = Snapshot { at: Seq(190), pieces: vec![Bytes::from_static(b"a snapshot")] };
    block_on(store.put_snapshot(STREAM, snapshot)).unwrap();
    block_on(store.trim(STREAM, Seq(190))).unwrap();
    store
}

fn what_is_left(store: &LocalStore) {
    assert_eq!(records(store), (1..=10).map(|n| n * 10).collect::<Vec<_>>());
    assert_eq!(bodies(store), (1..=10).map(|n| BodyId::of(&body(n * 10))).collect());
    assert_eq!(block_on(store.read(STREAM, Seq(190), 9)).unwrap().len(), 0);
    assert_eq!(block_on(store.heads(&[STREAM])).unwrap()[0].as_ref().unwrap().0, Seq(190));
    assert_eq!(block_on(store.snapshot_at(STREAM, Seq(190))).unwrap().unwrap().pieces.len(), 1);
}

#[test]
fn what_was_removed_leaves_the_disk_and_does_not_come_back_with_a_new_index() {
    let disk = FaultyDisk::new(1);
    let store = mostly_removed(&disk);
    let before = log_octets(&store);
    let done = store.compact(Extent::Everything).unwrap();
    assert_eq!((done.put_off, done.damaged), (None, 0));
    assert!(done.octets_before - done.octets_after > before * 5 / 6, "{done:?}");
    assert!(log_octets(&store) < before / 6, "{before} octets became {}", log_octets(&store));
    what_is_left(&store);
    is_sound(&store);
    store.close().unwrap();
    drop(store);
    let store = on(&disk);
    what_is_left(&store);
    is_sound(&store);
    drop(store);
    LocalStore::forget_index(&disk).unwrap();
    let store = on(&disk);
    what_is_left(&store);
    is_sound(&store);
    deliver_more(&store, 191);
}

/// Message `n`, as event `n` of the stream.
fn deliver_more(store: &LocalStore, n: u32) {
    deliver(store, n);
    assert_eq!(block_on(store.read(STREAM, Seq(u64::from(n) - 1), 9)).unwrap().len(), 1);
}

#[test]
fn events_that_have_left_before_their_trim_was_sealed_are_not_taken_for_lost() {
    let disk = FaultyDisk::new(10);
    let store = on(&disk);
    (1..=40).for_each(|n| deliver(&store, n));
    (1..=40).zip(40..).for_each(|(n, seq)| remove(&store, n, seq));
    // That ends the segment; what follows lies in the newest one, which an opening reads last.
    drop(block_on(store.moment()).unwrap());
    let snapshot = Snapshot { at: Seq(80), pieces: vec![Bytes::from_static(b"a snapshot")] };
    block_on(store.put_snapshot(STREAM, snapshot)).unwrap();
    block_on(store.trim(STREAM, Seq(80))).unwrap();
    assert!(store.compact(Extent::Worthwhile).unwrap().segments > 0);
    drop(store);
    LocalStore::forget_index(&disk).unwrap();
    let store = on(&disk);
    assert_eq!(block_on(store.read(STREAM, Seq(80), 9)).unwrap().len(), 0);
    deliver(&store, 81);
    is_sound(&store);
}

#[test]
fn when_nothing_is_left_nothing_is_left() {
    let disk = FaultyDisk::new(2);
    let store = mostly_removed(&disk);
    (1..=10).map(|n| n * 10).zip(190..).for_each(|(n, seq)| remove(&store, n, seq));
    block_on(store.drop_stream(STREAM)).unwrap();
    assert_eq!(store.compact(Extent::Everything).unwrap().put_off, None);
    // What removed is needed until nothing older holds what it removed; and the marks themselves are older than nothing.
    assert_eq!(store.compact(Extent::Everything).unwrap().put_off, None);
    assert!(log_octets(&store) < 1_000, "{} octets", log_octets(&store));
    LocalStore::forget_index(&{
        drop(store);
        disk.clone()
    })
    .unwrap();
    let store = on(&disk);
    assert!(records(&store).is_empty() && bodies(&store).is_empty());
    assert!(block_on(store.list_streams(ACCOUNT)).unwrap().is_empty());
}

#[test]
fn only_segments_that_are_less_than_half_needed_are_rewritten_unless_everything_is_asked_for() {
    let store = on(&FaultyDisk::new(3));
    (1..=100).for_each(|n| deliver(&store, n));
    // Of the first ones everything, of the later ones every third.
    (1..=40).chain((41..=100).filter(|n| n % 3 == 0)).zip(100..).for_each(|(n, seq)| remove(&store, n, seq));
    // So that what is to be compacted lies in segments that have ended.
    drop(block_on(store.moment()).unwrap());
    let before = log_octets(&store);
    let done = store.compact(Extent::Worthwhile).unwrap();
    assert_eq!(done.put_off, None);
    assert!(done.segments >= 2 && done.octets_after * 2 < done.octets_before, "{done:?}");
    let after = log_octets(&store);
    assert!(after > before / 2, "{before} octets became {after}");
    // A second one finds nothing more that would be worth it.
    assert_eq!(store.compact(Extent::Worthwhile).unwrap().segments, 0);
    assert!(store.compact(Extent::Everything).unwrap().segments > 0);
    assert!(log_octets(&store) < after * 4 / 5);
    assert_eq!(records(&store).len(), 40);
    is_sound(&store);
}

#[test]
fn what_is_one_accounts_leaves_and_segments_without_it_stay() {
    let store = on(&FaultyDisk::new(11));
    (1..=30).for_each(|n| deliver(&store, n));
    drop(block_on(store.moment()).unwrap());
    let before = store.stats(None).unwrap();
    let other = AccountId(2);
    let octets = Bytes::from(Dice::new(7).octets(BODY));
    let id = BodyId::of(&octets);
    let stream = StreamId { account: other, number: 1 };
    let append =
        Append { stream, expected: Seq::NONE, events: vec![octets.clone()], head: Head(Bytes::new()) };
    let theirs =
        Commit { account: other, appends: vec![append], ..commit(1, Vec::new(), vec![Body::new(octets)], 0) };
    assert_eq!(block_on(store.commit(theirs)).unwrap(), Committed::Done);
    block_on(store.delete_body(other, id)).unwrap();
    block_on(store.drop_stream(stream)).unwrap();
    remove(&store, 1, 30);
    let done = store.compact(Extent::AllOf(other)).unwrap();
    assert_eq!((done.segments, done.put_off), (1, None), "{done:?}");
    let after = store.stats(None).unwrap();
    assert!(after.log_octets < before.log_octets + 1_500, "{before:?} {after:?}");
    // Message 1 lies in the first segment still.
    assert!(store.compact(Extent::Everything).unwrap().octets_before > SEGMENT);
    assert_eq!(records(&store).len(), 29);
    is_sound(&store);
}

#[test]
fn small_segments_become_one() {
    let store = on(&FaultyDisk::new(4));
    for n in 1..=12 {
        deliver(&store, n);
        drop(block_on(store.moment()).unwrap());
    }
    let before = store.stats(None).unwrap().segments;
    assert_eq!(store.compact(Extent::Worthwhile).unwrap().put_off, None);
    let after = store.stats(None).unwrap().segments;
    assert!(before > 12 && after <= 3, "{before} segments became {after}");
    assert_eq!(records(&store).len(), 12);
    is_sound(&store);
}

#[test]
fn whoever_reads_meanwhile_finds_everything() {
    let folder = Folder::new();
    let disk: Arc<dyn Disk> = Arc::new(store_local::disk::RealDisk::at(folder.path()).unwrap());
    let store = LocalStore::open_on(disk, &options()).unwrap();
    (1..=60).for_each(|n| deliver(&store, n));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 0..3 {
            let (store, over) = (&store, &over);
            scope.spawn(move || {
                let mut dice = Dice::new(seed);
                while !over.load(Ordering::Relaxed) {
                    // The tens stay for ever.
                    let n = 10 * (1 + dice.below(6) as u32);
                    let id = BodyId::of(&body(n));
                    assert_eq!(block_on(store.body(ACCOUNT, id, 0, BODY)).unwrap().unwrap(), body(n));
                    assert!(records(store).contains(&n));
                    let events = block_on(store.read(STREAM, Seq::NONE, 60)).unwrap();
                    assert_eq!(events.len(), 60);
                }
            });
        }
        let mut seq = 60;
        for round in 0..9 {
            for n in (1..=60).filter(|n| n % 10 == round + 1) {
                remove(&store, n, seq);
                seq += 1;
            }
            assert_eq!(store.compact(Extent::Everything).unwrap().put_off, None);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(records(&store).len(), 6);
    is_sound(&store);
}

#[test]
fn what_is_written_meanwhile_stands() {
    let store = on(&FaultyDisk::new(9));
    (1..=40).for_each(|n| deliver(&store, n));
    let over = AtomicBool::new(false);
    let last = thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut seq = 40;
            while !over.load(Ordering::Relaxed) {
                // Another record of a message that has one, and one message less and more.
                let n = 1 + seq % 40;
                let record = Some(Bytes::from(format!("record {seq} of {n}")));
                let replaced = commit(seq + 1, vec![(message(n), record)], Vec::new(), u64::from(seq));
                assert_eq!(block_on(store.commit(replaced)).unwrap(), Committed::Done);
                block_on(store.delete_body(ACCOUNT, BodyId::of(&body(n)))).unwrap();
                let again = commit(seq + 2, Vec::new(), vec![Body::new(body(n))], u64::from(seq) + 1);
                assert_eq!(block_on(store.commit(again)).unwrap(), Committed::Done);
                seq += 2;
            }
            seq
        });
        for _ in 0..40 {
            assert_eq!(store.compact(Extent::Everything).unwrap().put_off, None);
        }
        over.store(true, Ordering::Relaxed);
        writing.join().unwrap()
    });
    let all = EmailRange { first: message(0), last: message(u32::MAX) };
    let newest: Vec<Bytes> = (1..=40)
        .map(|n| {
            let of_n = (40..last).step_by(2).rfind(|seq| 1 + seq % 40 == n);
            of_n.map_or(Bytes::from(format!("record {n}")), |seq| Bytes::from(format!("record {seq} of {n}")))
        })
        .collect();
    let found: Vec<Bytes> =
        block_on(store.records(ACCOUNT, &[all])).unwrap().into_iter().map(|(_, record)| record).collect();
    assert_eq!(found, newest);
    assert_eq!(bodies(&store).len(), 40);
    is_sound(&store);
}

#[test]
fn as_long_as_a_backup_copies_the_files_they_stay() {
    let disk = FaultyDisk::new(5);
    let store = mostly_removed(&disk);
    let moment = block_on(store.moment()).unwrap();
    let done = store.compact(Extent::Everything).unwrap();
    assert!(done.put_off.is_some() && done.segments == 0, "{done:?}");
    for file in moment.files() {
        assert!(moment.open(file).unwrap().length().unwrap() >= file.length);
    }
    drop(moment);
    assert_eq!(store.compact(Extent::Everything).unwrap().put_off, None);
    // And what is copied then is a store.
    let moment = block_on(store.moment()).unwrap();
    let folder = Folder::new();
    for file in moment.files() {
        let mut octets = vec![0; usize::try_from(file.length).unwrap()];
        moment.open(file).unwrap().read_exact_at(&mut octets, 0).unwrap();
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, octets).unwrap();
    }
    let copy = LocalStore::open(folder.path()).unwrap();
    what_is_left(&copy);
    is_sound(&copy);
}

#[test]
fn a_check_goes_on_while_segments_are_rewritten() {
    let disk = FaultyDisk::new(6);
    drop(mostly_removed(&disk));
    // Compacted after each step of a check, from the first to the last.
    let mut through = false;
    for compact_at in 0.. {
        let disk = disk.cut(compact_at);
        let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk), &options()).unwrap();
        let mut check = store.check(None);
        for step in 0.. {
            if step == compact_at {
                assert_eq!(pump.compact(Extent::Everything, u64::MAX).unwrap().put_off, None);
            }
            if check.step().unwrap() == Progress::Done {
                through = step < compact_at;
                break;
            }
        }
        assert!(check.damages().is_empty(), "compacted after {compact_at} steps: {:?}", check.damages());
        if through {
            break;
        }
    }
    assert!(through);
}

#[test]
fn nothing_of_a_damaged_segment_is_thrown_away() {
    let disk = FaultyDisk::new(7);
    drop(mostly_removed(&disk));
    let names = disk.list(Path::new("log")).unwrap();
    let first = Path::new("log").join(names.iter().min().unwrap());
    let octets = |disk: &FaultyDisk| {
        let file = disk.open(&first).unwrap();
        let mut octets = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
        file.read_exact_at(&mut octets, 0).unwrap();
        octets
    };
    let mut damaged = octets(&disk);
    let at = damaged.len() / 2;
    damaged[at] ^= 1;
    disk.open(&first).unwrap().write_at(&damaged, 0).unwrap();
    let store = on(&disk);
    let done = store.compact(Extent::Everything).unwrap();
    assert_eq!((done.put_off, done.damaged), (None, 1));
    assert!(done.segments > 2, "{done:?}");
    assert_eq!(octets(&disk), damaged);
    assert_eq!(records(&store).len(), 10);
}

#[test]
fn a_stop_does_not_wait_for_a_compaction() {
    let disk = FaultyDisk::new(8);
    drop(mostly_removed(&disk));
    let options = Options { compacting: Compacting { every: None, octets_per_second: 1 }, ..options() };
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    thread::scope(|scope| {
        let compacting = scope.spawn(|| store.compact(Extent::Everything).unwrap());
        store.close().unwrap();
        assert!(compacting.join().unwrap().put_off.is_some());
    });
    drop(store);
    let store = on(&disk);
    what_is_left(&store);
    is_sound(&store);
}
