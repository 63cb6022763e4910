//! What the embedded engine promises beyond the trait: shared syncs, a writer that stops after a failed sync, one
//! process a directory, an index that can be made again, checksums that are looked at.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, BodyId, Commit, CommitId, Committed, EmailId, EmailRange, Head, Record, Seq,
    Snapshot, Store, StoreError, StreamId,
};
use store_local::disk::{Disk, RealDisk};
use store_local::{LocalStore, OpenError, Options};
use support::Folder;
use testkit::disk::{Failing, FaultyDisk};

const ACCOUNT: AccountId = AccountId(1);

fn stream(number: u32) -> StreamId {
    StreamId { account: ACCOUNT, number }
}

fn email(uid: u32) -> EmailId {
    EmailId { mailbox: 1, uid }
}

/// One event, a record and a body.
fn commit(number: u32, expected: u64, id: u64) -> Commit {
    let body = Bytes::from(format!("body {id} of stream {number}"));
    Commit {
        account: ACCOUNT,
        id: CommitId((u128::from(id) << 32 | u128::from(number)).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::from_static(b"a test"),
        appends: vec![Append {
            stream: stream(number),
            expected: Seq(expected),
            events: vec![Bytes::from(format!("event {id}"))],
            head: Head(Bytes::from(format!("head {id}"))),
        }],
        records: vec![(email(id as u32), Some(Bytes::from(format!("record {id}")).into()))],
        bodies: vec![Body::new(body)],
    }
}

fn put(store: &dyn Store, number: u32, expected: u64, id: u64) {
    assert_eq!(block_on(store.commit(commit(number, expected, id))).unwrap(), Committed::Done);
}

fn open(disk: &FaultyDisk) -> LocalStore {
    LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap()
}

fn small_segments() -> Options {
    Options { segment_octets: 2_000, ..Options::default() }
}

fn log_file(disk: &FaultyDisk, number: u64) -> String {
    let name = format!("log/{number:016x}.seg");
    assert!(disk.open(Path::new(&name)).is_ok(), "{name} is not there: {:?}", disk.list(Path::new("log")));
    name
}

/// Where `needle` lies in a file.
fn find(disk: &FaultyDisk, file: &str, needle: &[u8]) -> usize {
    let file = disk.open(Path::new(file)).unwrap();
    let mut octets = vec![0; file.length().unwrap() as usize];
    file.read_exact_at(&mut octets, 0).unwrap();
    octets.windows(needle.len()).position(|window| window == needle).unwrap()
}

#[test]
fn sixty_four_writers_that_wait_share_a_sync() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    let before = disk.syncs("log");
    disk.hold_syncs();
    thread::scope(|scope| {
        let writer = |number| {
            let store = &store;
            scope.spawn(move || put(store, number, 0, u64::from(number)))
        };
        let first = writer(0);
        disk.wait_for_held_sync();
        let others: Vec<_> = (1..64).map(writer).collect();
        // Those who come while the first sync is under way wait together for the next. How many have come by the
        // time it ends is the scheduler's affair; one who has come has room taken.
        while store.waiting() < 63 {
            thread::yield_now();
        }
        disk.release_syncs();
        first.join().unwrap();
        others.into_iter().for_each(|writer| writer.join().unwrap());
    });
    assert_eq!(disk.syncs("log") - before, 2);
}

#[test]
fn a_small_commit_does_not_wait_behind_large_ones() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk, &Options::default()).unwrap();
    let large = |id: u64| Commit {
        records: (0..9).map(|n| (email(100 + n), Some(Bytes::from(vec![b'x'; 500_000]).into()))).collect(),
        ..commit(2, 0, id)
    };
    let mut large: Vec<_> = (0..3).map(|id| store.commit(large(id))).collect();
    assert!(large.iter_mut().all(|answer| !is_ready(answer)));
    let mut small = store.commit(of_somebody_else());
    assert!(!is_ready(&mut small));
    pump.commit_group();
    assert!(is_ready(&mut small));
    assert_eq!(large.iter_mut().filter_map(|answer| is_ready(answer).then_some(())).count(), 1);
}

#[test]
fn commits_of_one_account_are_taken_in_the_order_they_came() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk, &Options::default()).unwrap();
    // Each builds on the one before it; large and small by turns.
    let commits = (0..6_u64).map(|n| {
        let size = if n % 2 == 0 { 500_000 } else { 1 };
        let before = (n > 0).then(|| commit(1, n - 1, n - 1).id);
        let records = vec![(email(1), Some(Bytes::from(vec![b'x'; size]).into()))];
        Commit { records, after: before, ..commit(1, n, n) }
    });
    check_in_order(&store, &mut pump, commits.collect());
}

#[test]
fn commits_of_one_account_that_wait_for_room_come_in_the_order_they_came() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk, &Options::default()).unwrap();
    // More than may wait, of somebody else.
    let flood = (0..20_u64).map(|n| Commit {
        records: (0..15).map(|uid| (email(uid), Some(Bytes::from(vec![b'x'; 500_000]).into()))).collect(),
        id: CommitId(u128::from(n).to_be_bytes()),
        appends: Vec::new(),
        ..of_somebody_else()
    });
    let mut flood: Vec<_> = flood.map(|commit| store.commit(commit)).collect();
    assert!(flood.iter_mut().all(|answer| !is_ready(answer)));
    let large = Commit {
        records: vec![(email(1), Some(Bytes::from(vec![b'x'; 500_000]).into()))],
        ..commit(1, 0, 0)
    };
    let small = Commit { after: Some(large.id), ..commit(1, 1, 1) };
    let mut ours: Vec<_> = [large, small].into_iter().map(|commit| store.commit(commit)).collect();
    assert!(ours.iter_mut().all(|answer| !is_ready(answer)));
    while flood.len() + ours.len() > 0 {
        pump.commit_group();
        flood.retain_mut(|answer| !is_ready(answer));
        ours.retain_mut(|answer| match poll(answer) {
            std::task::Poll::Ready(outcome) => {
                assert_eq!(outcome, Ok(Committed::Done));
                false
            }
            std::task::Poll::Pending => true,
        });
    }
}

fn check_in_order(store: &LocalStore, pump: &mut store_local::Pump, commits: Vec<Commit>) {
    let mut answers: Vec<_> = commits.into_iter().map(|commit| store.commit(commit)).collect();
    assert!(answers.iter_mut().all(|answer| !is_ready(answer)));
    while pump.commit_group() {}
    assert!(answers.into_iter().all(|answer| block_on(answer) == Ok(Committed::Done)));
}

fn of_somebody_else() -> Commit {
    let mut commit = commit(1, 0, 9);
    commit.account = AccountId(2);
    commit.appends[0].stream.account = commit.account;
    commit
}

fn poll(answer: &mut store::Answer<'_, Committed>) -> std::task::Poll<Result<Committed, StoreError>> {
    answer.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

fn is_ready(answer: &mut store::Answer<'_, Committed>) -> bool {
    poll(answer).is_ready()
}

#[test]
fn after_a_failed_sync_nothing_is_written_and_reads_go_on() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    put(&store, 1, 0, 1);
    disk.break_down(Failing::Sync, "log", 0);
    let failed = block_on(store.commit(commit(1, 1, 2)));
    assert!(matches!(failed, Err(StoreError::Unavailable { uncertain: true, .. })), "{failed:?}");
    let refused = block_on(store.commit(commit(1, 1, 3)));
    assert!(matches!(refused, Err(StoreError::Unavailable { uncertain: false, .. })), "{refused:?}");
    assert_eq!(block_on(store.read(stream(1), Seq::NONE, 9)).unwrap().len(), 1);
    assert_eq!(block_on(store.heads(&[stream(1)])).unwrap()[0].as_ref().unwrap().0, Seq(1));
}

#[test]
fn what_is_served_after_a_failed_sync_and_a_restart_survives_a_power_cut() {
    for seed in 0..20 {
        let disk = FaultyDisk::new(seed);
        let store = open(&disk);
        put(&store, 1, 0, 1);
        disk.fail(Failing::Sync, "log", 0);
        block_on(store.commit(commit(1, 1, 2))).unwrap_err();
        drop(store);
        // The page cache still shows the commit whose sync failed, although the disk never got it.
        let store = open(&disk);
        let served = block_on(store.read(stream(1), Seq::NONE, 9)).unwrap();
        drop(store);
        let store = open(&disk.cut(seed));
        assert_eq!(block_on(store.read(stream(1), Seq::NONE, 9)).unwrap(), served, "seed {seed}");
    }
}

#[test]
fn a_second_process_is_told_who_has_the_directory() {
    let folder = Folder::new();
    let first = LocalStore::open(folder.path()).unwrap();
    let refused = LocalStore::open(folder.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Locked { .. }));
    let message = refused.to_string();
    assert!(message.contains(&folder.path().display().to_string()), "{message}");
    assert!(message.contains(&format!("pid {}", std::process::id())), "{message}");
    drop(first);
    LocalStore::open(folder.path()).unwrap();
}

#[test]
fn nobody_else_may_read_the_files() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let store = LocalStore::open(&data).unwrap();
    put(&store, 1, 0, 1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("log"))), (0o700, 0o700));
    assert_eq!(mode(&data.join("index.redb")), 0o600);
    let segments = RealDisk::at(&data).unwrap().list(Path::new("log")).unwrap();
    assert!(segments.iter().all(|name| mode(&data.join("log").join(name)) == 0o600));
}

#[test]
fn room_is_reserved_ahead_of_what_is_written_and_given_back_at_the_end() {
    let disk = FaultyDisk::new(1);
    let length = |file: &str| disk.open(Path::new(file)).unwrap().length().unwrap();
    let store = open(&disk);
    put(&store, 1, 0, 1);
    let log = log_file(&disk, 1);
    let reserved = length(&log);
    put(&store, 1, 1, 2);
    assert_eq!(length(&log), reserved, "no write makes it longer");
    let needed = store.stats(None).unwrap().log_octets_in_use;
    assert!(reserved > needed + 1_000_000, "{reserved} for {needed}");
    assert_eq!(reserved % 8, 1, "no place in a segment, nor the end of a sealed one");
    drop(store);
    assert!(length(&log) < 10_000, "{}", length(&log));
    assert_eq!(open(&disk).stats(None).unwrap().log_octets_in_use, needed);
}

#[test]
fn an_index_that_is_gone_is_made_again_from_the_log() {
    let disk = Arc::new(FaultyDisk::new(1));
    let store = LocalStore::open_on(disk.clone(), &small_segments()).unwrap();
    for n in 0..50 {
        put(&store, 1, n, n + 1);
    }
    let snapshot = Snapshot { at: Seq(40), pieces: vec![Bytes::from_static(b"state")] };
    block_on(store.put_snapshot(stream(1), snapshot.clone())).unwrap();
    block_on(store.trim(stream(1), Seq(30))).unwrap();
    put(&store, 2, 0, 99);
    block_on(store.drop_stream(stream(2))).unwrap();
    let seen = |store: &LocalStore| {
        let all = EmailRange { first: email(0), last: email(1_000) };
        (
            block_on(store.read(stream(1), Seq::NONE, 99)).unwrap(),
            block_on(store.list_streams(ACCOUNT)).unwrap(),
            block_on(store.records(ACCOUNT, &[all])).unwrap(),
            block_on(store.list_bodies(ACCOUNT, None, 999)).unwrap(),
            block_on(store.snapshot_at(stream(1), Seq(99))).unwrap(),
        )
    };
    let before = seen(&store);
    drop(store);
    disk.unlink(Path::new("index.redb")).unwrap();
    let store = LocalStore::open_on(disk.clone(), &small_segments()).unwrap();
    assert_eq!(seen(&store), before);
    assert_eq!(before.0.len(), 20);
    let report = store.compare_index().unwrap();
    assert!(report.entries > 100 && report.differences.is_empty(), "{report:?}");
    assert!(report.right_footers > 5 && report.wrong_footers.is_empty(), "{report:?}");
}

#[test]
fn an_index_that_is_garbage_is_made_again_from_the_log() {
    let disk = FaultyDisk::new(1);
    put(&open(&disk), 1, 0, 1);
    let index = disk.open(Path::new("index.redb")).unwrap();
    index.write_at(&vec![0xa5; index.length().unwrap() as usize], 0).unwrap();
    let store = open(&disk);
    assert_eq!(block_on(store.read(stream(1), Seq::NONE, 9)).unwrap().len(), 1);
}

/// A log of many segments, without an index.
fn many_segments_and_no_index(seed: u64) -> FaultyDisk {
    let disk = FaultyDisk::new(seed);
    let store = LocalStore::open_on(Arc::new(disk.clone()), &small_segments()).unwrap();
    for n in 0..20 {
        put(&store, 1, n, 100 + n);
        put(&store, 2, n, 200 + n);
    }
    drop(store);
    disk.unlink(Path::new("index.redb")).unwrap();
    disk
}

fn segments(disk: &FaultyDisk) -> Vec<String> {
    let mut names = disk.list(Path::new("log")).unwrap();
    names.sort();
    names.into_iter().map(|name| format!("log/{name}")).collect()
}

#[test]
fn an_index_whose_making_was_cut_short_is_made_on_and_the_log_is_not_copied() {
    let mut cut_short = 0;
    for after in (0..300).step_by(7) {
        let disk = many_segments_and_no_index(after);
        disk.cut_power_in("index.redb", after);
        let opened = LocalStore::open_with_pump(Arc::new(disk.clone()), &small_segments());
        if opened.is_ok() {
            break;
        }
        cut_short += 1;
        disk.revive();
        let store = LocalStore::open_on(Arc::new(disk.clone()), &small_segments()).unwrap();
        assert_eq!(block_on(store.read(stream(1), Seq::NONE, 99)).unwrap().len(), 20);
        assert_eq!(store.compare_index().unwrap().differences, [""; 0]);
        let newest = disk.open(Path::new(segments(&disk).last().unwrap())).unwrap();
        assert!(newest.length().unwrap() < 4_000, "only what the last segment held is copied");
    }
    assert!(cut_short > 10, "only {cut_short} were cut short");
}

#[test]
fn an_event_that_is_lost_in_the_midst_of_the_log_quarantines_its_stream_when_the_index_is_made_again() {
    let disk = many_segments_and_no_index(1);
    let holds = |name: &&String| {
        let file = disk.open(Path::new(name)).unwrap();
        let mut octets = vec![0; file.length().unwrap() as usize];
        file.read_exact_at(&mut octets, 0).unwrap();
        octets.windows(9).any(|window| window == b"event 104")
    };
    let names = segments(&disk);
    let log = names.iter().find(holds).unwrap();
    // Within the header of the event's record, so that nobody can tell what it was.
    disk.flip_bit(log, find(&disk, log, b"event 104") - 60, 0);
    for _ in 0..2 {
        let store = LocalStore::open_on(Arc::new(disk.clone()), &small_segments()).unwrap();
        assert_eq!(block_on(store.read(stream(1), Seq::NONE, 99)).unwrap().len(), 4);
        assert!(matches!(block_on(store.read(stream(1), Seq(4), 9)), Err(StoreError::Damaged { .. })));
        assert!(matches!(block_on(store.commit(commit(1, 20, 999))), Err(StoreError::Damaged { .. })));
        assert_eq!(block_on(store.read(stream(2), Seq::NONE, 99)).unwrap().len(), 20);
        assert_eq!(store.compare_index().unwrap().differences, [""; 0]);
    }
}

#[test]
fn an_index_whose_entries_are_replaced_again_and_again_does_not_grow_without_end() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk.clone(), &Options::default()).unwrap();
    let mut lengths = Vec::new();
    for round in 0..80_u64 {
        let records = (0..500).map(|uid| (email(uid), Some(Bytes::from(round.to_string()).into()))).collect();
        let mut answer = store.commit(Commit { records, ..commit(1, round, round) });
        assert!(!is_ready(&mut answer));
        pump.commit_group();
        assert!(is_ready(&mut answer));
        pump.move_tail();
        lengths.push(disk.open(Path::new("index.redb")).unwrap().length().unwrap());
    }
    // The view that is kept holds the pages of one move, not of all.
    assert!(lengths[79] <= 2 * lengths[9], "{lengths:?}");
}

#[test]
fn a_log_that_is_gone_is_not_taken_for_an_empty_store() {
    let disk = FaultyDisk::new(1);
    put(&open(&disk), 1, 0, 1);
    for name in disk.list(Path::new("log")).unwrap() {
        disk.unlink(&Path::new("log").join(name)).unwrap();
    }
    let refused = LocalStore::open_on(Arc::new(disk), &Options::default()).unwrap_err();
    assert!(refused.to_string().contains("remove index.redb"), "{refused}");
}

#[test]
fn restarts_that_write_nothing_leave_no_segments_behind() {
    let disk = FaultyDisk::new(1);
    put(&open(&disk), 1, 0, 1);
    for _ in 0..5 {
        drop(open(&disk));
    }
    assert_eq!(disk.list(Path::new("log")).unwrap().len(), 2);
    put(&open(&disk), 1, 1, 2);
    assert_eq!(block_on(open(&disk).read(stream(1), Seq::NONE, 9)).unwrap().len(), 2);
}

#[test]
fn an_event_that_has_rotted_is_an_error_and_its_neighbours_are_read() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    (0..3).for_each(|n| put(&store, 1, n, n + 1));
    let log = log_file(&disk, 1);
    disk.flip_bit(&log, find(&disk, &log, b"event 2"), 0);
    let rotten = block_on(store.read(stream(1), Seq(1), 1));
    assert!(matches!(rotten, Err(StoreError::Damaged { .. })), "{rotten:?}");
    assert_eq!(block_on(store.read(stream(1), Seq(2), 1)).unwrap().len(), 1);
    let body = Bytes::from_static(b"body 3 of stream 1");
    assert_eq!(block_on(store.body(ACCOUNT, BodyId::of(&body), 0, 99)).unwrap(), Some(body));
}

#[test]
fn a_large_body_that_has_rotted_is_read_up_to_the_bad_block() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    let body: Bytes = testkit::dice::Dice::new(1).octets(400_000).into();
    let mut writer = block_on(store.stage_body(ACCOUNT)).unwrap();
    block_on(writer.write(body.clone())).unwrap();
    let (id, _) = block_on(writer.finish()).unwrap();
    let names = disk.list(Path::new("bodies")).unwrap();
    let name = names.iter().find(|name| name.len() > 64).unwrap();
    disk.flip_bit(&format!("bodies/{name}"), 200_000, 3);
    assert_eq!(block_on(store.body(ACCOUNT, id, 100, 1_000)).unwrap(), Some(body.slice(100..1_100)));
    let rotten = block_on(store.body(ACCOUNT, id, 190_000, 20_000));
    assert!(matches!(rotten, Err(StoreError::Damaged { .. })), "{rotten:?}");
}

#[test]
fn rot_in_the_tail_quarantines_the_stream_and_no_other() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk.clone(), &Options::default()).unwrap();
    for (number, expected) in [(1, 0), (1, 1), (2, 0), (1, 2), (2, 1)] {
        let mut answer = store.commit(commit(number, expected, u64::from(number) * 10 + expected));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(answer.as_mut().poll(&mut context).is_pending());
        pump.commit_group();
    }
    // Killed before the tail was moved; then the header of an event's record rots, with later groups behind it.
    disk.cut_power_after(0);
    drop(store);
    disk.revive();
    let log = log_file(&disk, 1);
    let event = find(&disk, &log, b"event 11");
    // Before the event's text: 16 octets of time and origin, and before those the record's header of 80.
    disk.flip_bit(&log, event - 60, 0);
    let store = LocalStore::open_on(disk.clone(), &Options::default()).unwrap();
    assert_eq!(store.rot().len(), 1);
    assert_eq!(block_on(store.read(stream(1), Seq::NONE, 9)).unwrap().len(), 1);
    assert!(matches!(block_on(store.read(stream(1), Seq(1), 9)), Err(StoreError::Damaged { .. })));
    assert!(matches!(block_on(store.commit(commit(1, 3, 77))), Err(StoreError::Damaged { .. })));
    // Where it stands can be compared all the same: others may go by that.
    let beside = |expected, id: u64| {
        let mut beside = commit(2, 2, id);
        let compared = Append { events: Vec::new(), ..commit(1, expected, id).appends.remove(0) };
        beside.appends.push(compared);
        block_on(store.commit(beside))
    };
    assert!(matches!(beside(9, 80), Ok(Committed::Diverged { .. })));
    assert_eq!(beside(3, 79), Ok(Committed::Done));
    drop(store);
    let store = LocalStore::open_on(disk, &Options::default()).unwrap();
    assert!(matches!(block_on(store.read(stream(1), Seq(1), 9)), Err(StoreError::Damaged { .. })));
    assert_eq!(block_on(store.read(stream(2), Seq::NONE, 9)).unwrap().len(), 3);
}

#[test]
fn a_stop_in_good_order_leaves_nothing_to_copy() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    put(&store, 1, 0, 1);
    store.close().unwrap();
    drop(store);
    drop(open(&disk));
    let fresh = disk.open(Path::new(&log_file(&disk, 2))).unwrap();
    assert_eq!(fresh.length().unwrap(), 96, "the fresh segment is a header and nothing else");
}

#[test]
fn a_closed_store_says_so() {
    let store = open(&FaultyDisk::new(1));
    store.close().unwrap();
    let refused = block_on(store.commit(commit(1, 0, 1)));
    assert!(matches!(refused, Err(StoreError::Unavailable { uncertain: false, .. })), "{refused:?}");
}

#[test]
fn rot_in_what_an_opening_has_copied_is_told_though_nothing_lies_behind_it() {
    let disk = FaultyDisk::new(1);
    // Killed twice: first what was written last is copied, then the copy is all there is of it.
    for writes in [true, false] {
        let store = open(&disk);
        if writes {
            put(&store, 1, 0, 1);
        }
        disk.cut_power_after(0);
        drop(store);
        disk.revive();
    }
    disk.unlink(Path::new("index.redb")).unwrap();
    let copy = log_file(&disk, 2);
    disk.flip_bit(&copy, find(&disk, &copy, b"event 1"), 0);
    let store = open(&disk);
    assert_eq!(store.rot().len(), 1, "it was synced before it got its name, so it is no torn end");
    assert!(block_on(store.read(stream(1), Seq::NONE, 9)).is_err());
}

#[test]
fn what_was_staged_and_never_finished_is_gone_after_the_next_opening() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    let mut writer = block_on(store.stage_body(ACCOUNT)).unwrap();
    block_on(writer.write(testkit::dice::Dice::new(1).octets(600_000).into())).unwrap();
    disk.cut_power_after(0);
    disk.sync_dir(Path::new("")).unwrap_err();
    drop(writer);
    drop(store);
    disk.revive();
    let staged = || disk.list(Path::new("bodies/staging")).unwrap().len();
    assert_eq!(staged(), 1);
    let _store = open(&disk);
    assert_eq!(staged(), 0);
}

#[test]
fn an_opening_after_a_stop_in_good_order_reads_no_more_of_a_long_log_than_of_a_short_one() {
    let read_by_opening = |messages: u64| {
        let disk = FaultyDisk::new(1);
        let store = open(&disk);
        (0..messages).for_each(|n| put(&store, 1, n, n + 1));
        let mut writer = block_on(store.stage_body(ACCOUNT)).unwrap();
        block_on(writer.write(testkit::dice::Dice::new(1).octets(600_000).into())).unwrap();
        block_on(writer.finish()).unwrap();
        store.close().unwrap();
        drop(store);
        let before = (disk.octets_read("log"), disk.octets_read("bodies"));
        drop(open(&disk));
        (disk.octets_read("log") - before.0, disk.octets_read("bodies") - before.1)
    };
    let (log, bodies) = read_by_opening(300);
    assert_eq!((log, bodies), read_by_opening(3));
    // Headers of segments, which are 96 octets each, a few times.
    assert!(log <= 10 * 96, "{log} octets of the log were read");
    assert_eq!(bodies, 0);
}

#[test]
fn a_torn_group_ends_the_log_though_good_frames_of_it_lie_behind() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk.clone(), &Options::default()).unwrap();
    let mut group: Vec<_> =
        (1..=2).map(|number| store.commit(commit(number, 0, u64::from(number)))).collect();
    assert!(!group.iter_mut().any(is_ready));
    pump.commit_group();
    drop(group);
    disk.cut_power_after(0);
    drop(store);
    disk.revive();
    let log = log_file(&disk, 1);
    disk.flip_bit(&log, find(&disk, &log, b"event 1"), 0);
    let store = LocalStore::open_on(disk, &Options::default()).unwrap();
    assert_eq!(store.rot(), [], "a power cut leaves this");
    assert_eq!(block_on(store.list_streams(ACCOUNT)).unwrap(), []);
}

/// Polls a commit or the like once, so that it has its place in the queue.
fn begin<'a, T>(mut asked: store::Answer<'a, T>) -> store::Answer<'a, T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(asked.as_mut().poll(&mut context).is_pending());
    asked
}

fn naming(uid: u32, body: BodyId) -> Commit {
    let record = Record { octets: Bytes::from_static(b"names a body"), body: Some(body) };
    let (appends, bodies) = (Vec::new(), Vec::new());
    Commit { appends, records: vec![(email(uid), Some(record))], bodies, ..commit(1, 0, uid.into()) }
}

#[test]
fn within_a_group_a_record_finds_its_body_behind_its_beginning_and_not_behind_its_end() {
    let disk = Arc::new(FaultyDisk::new(1));
    let (store, mut pump) = LocalStore::open_with_pump(disk, &Options::default()).unwrap();
    let bringing = commit(1, 0, 100);
    let body = bringing.bodies[0].id();
    let early = begin(store.commit(naming(1, body)));
    let bringing = begin(store.commit(bringing));
    let named = begin(store.commit(naming(2, body)));
    let deleted = begin(store.delete_body(ACCOUNT, body));
    let late = begin(store.commit(naming(3, body)));
    assert!(pump.commit_group() && !pump.commit_group(), "all of them are one group");
    assert_eq!(block_on(early).unwrap(), Committed::BodyGone(body));
    assert_eq!(block_on(bringing).unwrap(), Committed::Done);
    assert_eq!(block_on(named).unwrap(), Committed::Done);
    block_on(deleted).unwrap();
    assert_eq!(block_on(late).unwrap(), Committed::BodyGone(body));
}

#[test]
fn an_index_that_is_made_again_knows_which_bodies_are_named() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk);
    put(&store, 1, 0, 100);
    let body = commit(1, 0, 100).bodies[0].id();
    assert_eq!(block_on(store.commit(naming(7, body))).unwrap(), Committed::Done);
    let all = EmailRange { first: email(0), last: email(u32::MAX) };
    let listed = |store: &LocalStore| block_on(store.list_records(ACCOUNT, all, 99)).unwrap();
    let expected = [(email(7), Some(body.prefix())), (email(100), None)];
    assert_eq!(listed(&store), expected);
    store.close().unwrap();
    drop(store);
    LocalStore::forget_index(&disk).unwrap();
    let store = open(&disk);
    assert_eq!(listed(&store), expected);
    assert_eq!(store.compare_index().unwrap().differences, Vec::<String>::new());
}
