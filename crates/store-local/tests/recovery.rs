//! A write or a sync fails, and the store goes on without a restart: nothing that was answered is lost, nothing that was
//! refused comes back, and the admin hears of it once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use store::conformance::block_on;
use store::{AccountId, Answer, Append, Commit, CommitId, Committed, Head, Seq, Store, StoreError, StreamId};
use store_local::disk::Disk;
use store_local::{LocalStore, Options, Pump, Recovered, Rot, Witness};
use testkit::disk::{Failing, FaultyDisk};

const STREAM: StreamId = StreamId { account: AccountId(1), number: 1 };
const FIRST_SEGMENT: &str = "log/0000000000000001.seg";

/// The event behind `expected`, decided upon nothing else.
fn commit(expected: u64, id: u64) -> Commit {
    let append = Append {
        stream: STREAM,
        expected: Seq(expected),
        events: vec![Bytes::from(format!("event {id}"))],
        head: Head(Bytes::from(format!("head {id}"))),
    };
    Commit {
        account: STREAM.account,
        id: CommitId(u128::from(id).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![append],
        records: Vec::new(),
        bodies: Vec::new(),
    }
}

/// A store without threads, on a disk that fails as it is told.
struct Bench {
    disk: FaultyDisk,
    store: LocalStore,
    pump: Pump,
    heard: Receiver<Heard>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Failed(String),
    Recovered,
    Rot(Rot),
}

#[derive(Debug)]
struct Admin(Mutex<Sender<Heard>>);

impl Admin {
    fn hear(&self, heard: Heard) {
        // Who made the store may not listen any more.
        let _ = self.0.lock().unwrap().send(heard);
    }
}

impl Witness for Admin {
    fn failed(&self, why: &StoreError) {
        self.hear(Heard::Failed(why.to_string()));
    }

    fn recovered(&self) {
        self.hear(Heard::Recovered);
    }

    fn rot(&self, rot: &Rot) {
        self.hear(Heard::Rot(rot.clone()));
    }
}

fn options() -> (Options, Receiver<Heard>) {
    let (ear, heard) = channel();
    let witness = Arc::new(Admin(Mutex::new(ear)));
    let pause = Duration::from_millis(1);
    // What is read of the index is read from its file.
    let index_cache_octets = 0;
    let options = Options {
        witness,
        index_cache_octets,
        first_pause: pause,
        longest_pause: pause,
        ..Options::default()
    };
    (options, heard)
}

impl Bench {
    fn new(seed: u64) -> Self {
        Self::on(FaultyDisk::new(seed))
    }

    fn on(disk: FaultyDisk) -> Self {
        let (options, heard) = options();
        let (store, pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options).unwrap();
        Self { disk, store, pump, heard }
    }

    /// Those that wait together.
    fn commit_all(
        &mut self,
        commits: impl IntoIterator<Item = Commit>,
    ) -> Vec<Result<Committed, StoreError>> {
        let mut answers: Vec<_> = commits.into_iter().map(|commit| self.store.commit(commit)).collect();
        let early: Vec<_> = answers.iter_mut().map(poll).collect();
        self.pump.commit_group();
        let late = early.into_iter().zip(&mut answers);
        late.map(|(early, answer)| early.unwrap_or_else(|| poll(answer).unwrap())).collect()
    }

    fn commit(&mut self, commit: Commit) -> Result<Committed, StoreError> {
        self.commit_all([commit]).remove(0)
    }

    fn events(&self) -> Vec<Bytes> {
        let events = block_on(self.store.read(STREAM, Seq::NONE, 99)).unwrap();
        assert!(events.iter().map(|event| event.seq.0).eq(1..=events.len() as u64));
        events.into_iter().map(|event| event.payload).collect()
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.try_iter().collect()
    }

    /// The store as it is found when the power comes back.
    fn after_a_cut(self, seed: u64) -> Self {
        let disk = self.disk.cut(seed);
        drop(self.store);
        Self::on(disk)
    }
}

fn poll<T>(answer: &mut Answer<'_, T>) -> Option<Result<T, StoreError>> {
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => Some(ready),
        Poll::Pending => None,
    }
}

fn is_refused(answer: &Result<Committed, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable { uncertain: false, .. }))
}

fn is_in_doubt(answer: &Result<Committed, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable { uncertain: true, .. }))
}

#[test]
fn after_a_failed_sync_or_write_the_store_writes_again_and_what_was_not_answered_is_gone() {
    for seed in 0..100 {
        let mut bench = Bench::new(seed);
        assert_eq!(bench.commit(commit(0, 1)), Ok(Committed::Done));
        assert_eq!((bench.store.can_write(), counted(&bench.store)), (Ok(()), 1));
        bench.disk.fail(if seed % 2 == 0 { Failing::Sync } else { Failing::Write }, "log", 0);
        assert!(is_in_doubt(&bench.commit(commit(1, 2))));
        assert!(is_refused(&bench.commit(commit(1, 3))));
        assert_eq!(bench.events(), ["event 1"], "reads go on");
        assert_eq!(
            bench.store.can_write(),
            bench.commit(commit(1, 3)).map(drop),
            "it says so before it is asked to"
        );

        assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
        assert_eq!(bench.events(), ["event 1"]);
        assert_eq!(bench.commit(commit(1, 4)), Ok(Committed::Done));
        assert_eq!((bench.store.can_write(), counted(&bench.store)), (Ok(()), 2), "what failed took no time");

        let bench = bench.after_a_cut(seed);
        assert_eq!(bench.events(), ["event 1", "event 4"], "seed {seed}");
    }
}

/// How many groups were written and synced.
fn counted(store: &LocalStore) -> u64 {
    let syncs = store.syncs();
    syncs.counts.iter().sum::<u64>() + syncs.longer
}

#[test]
fn what_was_answered_is_durable_once_more_before_the_store_writes_again() {
    for seed in 0..50 {
        let mut bench = Bench::new(seed);
        bench
            .commit_all((0..5).map(|n| commit(n, n + 1)))
            .into_iter()
            .for_each(|answer| drop(answer.unwrap()));
        bench.disk.fail(Failing::Sync, "log", 0);
        assert!(is_in_doubt(&bench.commit(commit(5, 6))));
        bench.pump.try_to_recover();
        // The first segment is not needed for anything that lay behind the checkpoint.
        bench.disk.unlink(Path::new(FIRST_SEGMENT)).unwrap();
        assert_eq!(bench.after_a_cut(seed).events().len(), 5, "seed {seed}");
    }
}

#[test]
fn a_segment_whose_sync_failed_is_neither_synced_nor_written_again() {
    let mut bench = Bench::new(1);
    bench.commit(commit(0, 1)).unwrap();
    bench.disk.fail(Failing::Sync, "log", 0);
    bench.commit(commit(1, 2)).unwrap_err();
    let old = bench.disk.open(Path::new(FIRST_SEGMENT)).unwrap();
    let (length, syncs) = (old.length().unwrap(), bench.disk.syncs(FIRST_SEGMENT));
    bench.commit(commit(1, 3)).unwrap_err();
    bench.pump.try_to_recover();
    bench.commit(commit(1, 4)).unwrap();
    assert_eq!((old.length().unwrap(), bench.disk.syncs(FIRST_SEGMENT)), (length, syncs));
}

#[test]
fn a_commit_that_was_lost_may_be_asked_for_again_and_is_written_once() {
    let mut bench = Bench::new(1);
    bench.commit(commit(0, 1)).unwrap();
    bench.disk.fail(Failing::Sync, "log", 0);
    assert!(is_in_doubt(&bench.commit(commit(1, 2))));
    bench.pump.try_to_recover();
    assert_eq!(bench.commit(commit(1, 2)), Ok(Committed::Done));
    assert_eq!(bench.commit(commit(1, 2)), Ok(Committed::Done), "it is known by its id");
    assert_eq!(bench.events(), ["event 1", "event 2"]);
}

#[test]
fn what_was_decided_upon_a_lost_commit_is_not_written_though_the_numbers_fit() {
    let mut bench = Bench::new(1);
    bench.commit(commit(0, 1)).unwrap();
    bench.disk.fail(Failing::Sync, "log", 0);
    let lost = commit(1, 2);
    let upon = Commit { after: Some(lost.id), ..commit(2, 3) };
    assert!(bench.commit_all([lost, upon.clone()]).iter().all(is_in_doubt));
    bench.pump.try_to_recover();
    // Somebody else takes the place of what was lost.
    bench.commit(commit(1, 4)).unwrap();
    assert_eq!(bench.commit(upon), Ok(Committed::Diverged { stream: STREAM, at: Seq(2) }));
    assert_eq!(bench.events(), ["event 1", "event 4"]);
}

#[test]
fn the_admin_hears_once_of_a_failure_and_once_of_its_end_however_often_recovery_fails() {
    for (failing, under) in [
        (Failing::Space, ""),
        (Failing::Sync, ""),
        (Failing::Write, "log"),
        (Failing::Entry, "log"),
        (Failing::Sync, "index.redb"),
    ] {
        let mut bench = Bench::new(1);
        bench.commit(commit(0, 1)).unwrap();
        assert_eq!(bench.heard(), []);
        bench.disk.break_down(failing, under, 0);
        // What breaks may not be needed for this one; then for what recovery does, after the next.
        let answer = bench.commit(commit(1, 2));
        if answer.is_ok() {
            bench.pump.move_tail();
            bench.disk.fail(Failing::Sync, "log", 0);
            bench.commit(commit(2, 3)).unwrap_err();
        }
        for _ in 0..5 {
            assert_eq!(bench.pump.try_to_recover(), Recovered::NotYet, "{failing:?} {under}");
            assert!(is_refused(&bench.commit(commit(9, 9))));
        }
        assert!(matches!(&*bench.heard(), [Heard::Failed(_)]), "{failing:?} {under}");
        bench.disk.mend();
        assert_eq!(bench.pump.try_to_recover(), Recovered::Yes, "{failing:?} {under}");
        assert_eq!(bench.heard(), [Heard::Recovered]);
        let seq = bench.events().len() as u64;
        assert_eq!(seq, if answer.is_ok() { 2 } else { 1 });
        assert_eq!(bench.commit(commit(seq, 4)), Ok(Committed::Done));
        assert!(bench.disk.list(Path::new("log")).unwrap().len() <= 3, "failed tries leave little behind");
    }
}

#[test]
fn a_recovery_that_failed_at_its_last_step_leaves_the_log_and_its_index_fitting() {
    for seed in 0..20 {
        let mut bench = Bench::new(seed);
        bench.commit(commit(0, 1)).unwrap();
        bench.disk.fail(Failing::Sync, "log", 0);
        bench.commit(commit(1, 2)).unwrap_err();
        // A segment is made, gets its name, and then that does not last.
        bench.disk.break_down(Failing::Entry, "log", 2);
        assert_eq!(bench.pump.try_to_recover(), Recovered::NotYet);
        bench.pump.move_tail();
        bench.disk.mend();
        let disk = if seed % 2 == 0 { bench.disk.cut(seed) } else { bench.disk.clone() };
        if seed % 4 == 3 {
            assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
        }
        drop(bench);
        let events = Bench::on(disk).events();
        assert_eq!(events[0], "event 1", "seed {seed}");
    }
}

#[test]
fn an_index_is_made_again_though_the_log_had_just_begun_a_segment_that_did_not_last() {
    let options = Options { segment_octets: 200, ..options().0 };
    let disk = FaultyDisk::new(1);
    let (store, pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options).unwrap();
    let mut bench = Bench { disk, store, pump, heard: channel().1 };
    bench.commit(commit(0, 1)).unwrap();
    bench.pump.move_tail();
    // The segment is full. It is sealed, the next one gets its name, and that is all.
    bench.disk.break_down(Failing::Entry, "log", 2);
    assert!(is_refused(&bench.commit(commit(1, 2))));
    bench.disk.mend();
    bench.disk.fail(Failing::Read, "index.redb", 0);
    block_on(bench.store.heads(&[StreamId { number: 9, ..STREAM }])).unwrap_err();
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(bench.commit(commit(1, 3)), Ok(Committed::Done));
    assert_eq!(bench.after_a_cut(1).events(), ["event 1", "event 3"]);
}

#[test]
fn however_often_and_wherever_recovery_fails_the_next_one_finds_its_way() {
    for seed in 0..100 {
        let mut dice = testkit::dice::Dice::new(seed);
        let mut bench = Bench::new(seed);
        bench.commit(commit(0, 1)).unwrap();
        bench.pump.move_tail();
        bench.disk.fail(Failing::Write, "log", 0);
        bench.commit(commit(1, 3)).unwrap_err();
        for _ in 0..8 {
            if dice.chance(50) {
                // The index has to be made again, with what earlier tries have left in the log.
                bench.disk.fail(Failing::Read, "index.redb", 0);
                block_on(bench.store.heads(&[STREAM])).unwrap_or_default();
            }
            let (failing, under, most) = dice.pick(&[
                (Failing::Entry, "log", 5),
                (Failing::Read, "log", 12),
                (Failing::Sync, "log", 2),
                (Failing::Sync, "index.redb", 5),
            ]);
            bench.disk.break_down(failing, under, dice.below(most));
            bench.pump.try_to_recover();
            bench.disk.mend();
        }
        assert_ne!(bench.pump.try_to_recover(), Recovered::NotYet, "seed {seed}");
        assert_eq!(bench.commit(commit(1, 2)), Ok(Committed::Done));
        assert_eq!(bench.after_a_cut(seed).events(), ["event 1", "event 2"], "seed {seed}");
    }
}

#[test]
fn a_tail_that_cannot_be_read_back_is_not_given_up() {
    let mut bench = Bench::new(1);
    bench.commit(commit(0, 1)).unwrap();
    bench.disk.fail(Failing::Sync, "log", 0);
    bench.commit(commit(1, 2)).unwrap_err();
    bench.disk.break_down(Failing::Read, "log", 0);
    assert_eq!(bench.pump.try_to_recover(), Recovered::NotYet);
    bench.disk.mend();
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(bench.events(), ["event 1"]);
}

#[test]
fn an_answered_event_that_does_not_read_back_quarantines_its_stream_and_the_admin_hears_it() {
    let mut bench = Bench::new(1);
    (0..3).for_each(|n| drop(bench.commit(commit(n, n + 1)).unwrap()));
    let log = bench.disk.open(Path::new(FIRST_SEGMENT)).unwrap();
    let mut octets = vec![0; log.length().unwrap() as usize];
    log.read_exact_at(&mut octets, 0).unwrap();
    let second = octets.windows(7).position(|window| window == b"event 2").unwrap();
    // The record's header, so that nobody can tell what it was.
    bench.disk.flip_bit(FIRST_SEGMENT, second - 40, 0);
    bench.disk.fail(Failing::Sync, "log", 0);
    bench.commit(commit(3, 4)).unwrap_err();
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert!(matches!(&*bench.heard(), [Heard::Failed(_), Heard::Rot(_), Heard::Recovered]));
    assert!(matches!(bench.commit(commit(3, 5)), Err(StoreError::Damaged { .. })));
    assert_eq!(block_on(bench.store.read(STREAM, Seq::NONE, 9)).unwrap().len(), 1);
}

#[test]
fn soft_values_outlive_recovery() {
    let mut bench = Bench::new(1);
    let value = Some(Bytes::from_static(b"5"));
    block_on(bench.store.put_soft(STREAM.account, b"recent", value.clone())).unwrap();
    bench.disk.fail(Failing::Sync, "log", 0);
    bench.commit(commit(0, 1)).unwrap_err();
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(block_on(bench.store.soft(STREAM.account, b"recent")).unwrap(), value);
}

#[test]
fn an_index_whose_sync_failed_is_made_again_from_the_log() {
    for seed in 0..20 {
        let mut bench = Bench::new(seed);
        (0..20).for_each(|n| drop(bench.commit(commit(n, n + 1)).unwrap()));
        let old = bench.disk.open(Path::new("index.redb")).unwrap();
        bench.disk.fail(Failing::Sync, "index.redb", 0);
        bench.pump.move_tail();
        assert!(is_refused(&bench.commit(commit(20, 21))));
        assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
        old.truncate(0).unwrap();
        assert_ne!(
            bench.disk.open(Path::new("index.redb")).unwrap().length().unwrap(),
            0,
            "it is another file"
        );
        assert_eq!(bench.commit(commit(20, 22)), Ok(Committed::Done));
        bench.pump.move_tail();
        assert_eq!(bench.store.compare_index().unwrap().differences, [""; 0]);
        assert_eq!(bench.after_a_cut(seed).events().len(), 21, "seed {seed}");
    }
}

/// Streams enough for an index of many pages.
const MANY: u32 = 300;

fn of_stream(number: u32) -> Commit {
    let mut commit = commit(0, u64::from(number));
    commit.appends[0].stream.number = number;
    commit
}

/// A disk with an index of which an opened store has hardly anything in memory.
fn with_many_streams(seed: u64) -> FaultyDisk {
    let disk = FaultyDisk::new(seed);
    let mut bench = Bench::on(disk.clone());
    bench.commit_all((1..=MANY).map(of_stream)).into_iter().for_each(|answer| drop(answer.unwrap()));
    bench.store.close().unwrap();
    disk
}

/// How many streams can be read, event and head.
fn readable(store: &LocalStore) -> u32 {
    let is_readable = |number: &u32| {
        let stream = StreamId { number: *number, ..STREAM };
        let head = block_on(store.heads(&[stream])).ok().and_then(|heads| heads.into_iter().next()?);
        let events = block_on(store.read(stream, Seq::NONE, 9)).unwrap_or_default();
        head.is_some_and(|(seq, _)| seq == Seq(1)) && events.len() == 1
    };
    (1..=MANY).filter(is_readable).count() as u32
}

fn index_is_there(disk: &FaultyDisk) -> bool {
    disk.open(Path::new("index.redb")).is_ok()
}

#[test]
fn an_index_that_could_not_be_read_is_read_again_though_nobody_writes() {
    let mut bench = Bench::on(with_many_streams(1));
    bench.disk.fail(Failing::Read, "index.redb", 0);
    assert!(readable(&bench.store) < MANY, "it does nothing more after a failed read");
    assert!(matches!(&*bench.heard(), [Heard::Failed(_)]));
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(bench.heard(), [Heard::Recovered]);
    assert_eq!(readable(&bench.store), MANY);
    assert_eq!(bench.store.compare_index().unwrap().differences, [""; 0]);
}

#[test]
fn a_read_of_the_index_that_fails_while_a_commit_is_judged_begins_recovery_too() {
    let mut bench = Bench::on(with_many_streams(1));
    bench.disk.fail(Failing::Read, "index.redb", 0);
    let mut unread = commit(1, 9_999);
    unread.appends[0].stream.number = MANY;
    assert!(is_refused(&bench.commit(unread)));
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(readable(&bench.store), MANY);
}

#[test]
fn a_store_with_threads_reads_again_by_itself() {
    let disk = with_many_streams(1);
    let (options, heard) = options();
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    disk.fail(Failing::Read, "index.redb", 0);
    assert!(readable(&store) < MANY);
    assert!(matches!(heard.recv(), Ok(Heard::Failed(_))));
    assert_eq!(heard.recv(), Ok(Heard::Recovered));
    assert_eq!(readable(&store), MANY);
}

/// Where in the index's file `needle` lies, each time.
fn places_in_index(disk: &FaultyDisk, needle: &[u8]) -> Vec<usize> {
    let file = disk.open(Path::new("index.redb")).unwrap();
    let mut octets = vec![0; file.length().unwrap() as usize];
    file.read_exact_at(&mut octets, 0).unwrap();
    let places = octets.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle);
    places.map(|(at, _)| at).collect()
}

/// Lets a bit of the head of one of the many streams rot in the index, wherever that shows it.
fn let_a_head_rot(disk: &FaultyDisk, number: u32) {
    let places = places_in_index(disk, format!("head {number}").as_bytes());
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| disk.flip_bit("index.redb", at + 7, 0));
}

#[test]
fn a_value_of_the_index_that_has_rotted_is_not_shown_and_the_index_is_made_again() {
    let disk = with_many_streams(1);
    let_a_head_rot(&disk, 150);
    let mut bench = Bench::on(disk);
    let stream = StreamId { number: 150, ..STREAM };
    let unread = block_on(bench.store.heads(&[stream])).unwrap_err();
    assert!(matches!(unread, StoreError::Unavailable { uncertain: false, .. }), "{unread}");
    let [Heard::Failed(why)] = &*bench.heard() else { panic!("one failure") };
    assert!(why.contains("does not fit its checksum") && why.contains("made again"), "{why}");
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(bench.heard(), [Heard::Recovered]);
    let head = block_on(bench.store.heads(&[stream])).unwrap().remove(0).unwrap();
    assert_eq!((head.0, &head.1.0[..]), (Seq(1), &b"head 150"[..]));
    assert_eq!(readable(&bench.store), MANY);
    assert_eq!(bench.store.compare_index().unwrap().differences, [""; 0]);
    assert_eq!(readable(&bench.after_a_cut(1).store), MANY);
}

#[test]
fn a_rotten_value_of_the_index_that_is_met_while_a_commit_is_judged_begins_recovery_too() {
    let disk = with_many_streams(1);
    let_a_head_rot(&disk, 150);
    let mut bench = Bench::on(disk);
    let mut next = commit(1, 9_999);
    next.appends[0].stream.number = 150;
    assert!(is_refused(&bench.commit(next.clone())));
    assert!(matches!(&*bench.heard(), [Heard::Failed(_)]));
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(bench.commit(next), Ok(Committed::Done));
}

#[test]
fn a_store_with_threads_heals_a_rotten_index_by_itself() {
    let disk = with_many_streams(1);
    let_a_head_rot(&disk, 150);
    let (options, heard) = options();
    let store = LocalStore::open_on(Arc::new(disk), &options).unwrap();
    assert!(readable(&store) < MANY);
    assert!(matches!(heard.recv(), Ok(Heard::Failed(_))));
    assert_eq!(heard.recv(), Ok(Heard::Recovered));
    assert_eq!(readable(&store), MANY);
}

#[test]
fn an_index_whose_rot_is_met_on_opening_is_made_again_before_anything_is_served() {
    let disk = with_many_streams(1);
    let mut bench = Bench::on(disk.clone());
    let mut next = commit(1, 9_999);
    next.appends[0].stream.number = 150;
    bench.commit(next).unwrap();
    // Killed: what was written last is in the log alone, and the index is asked where its stream stood.
    disk.cut_power_after(0);
    drop(bench);
    disk.revive();
    let_a_head_rot(&disk, 150);
    let bench = Bench::on(disk);
    assert_eq!(
        block_on(bench.store.read(StreamId { number: 150, ..STREAM }, Seq::NONE, 9)).unwrap().len(),
        2
    );
    assert_eq!(readable(&bench.store), MANY - 1, "the one stands at its second event");
    assert_eq!(bench.store.compare_index().unwrap().differences, [""; 0]);
}

#[test]
fn a_checkpoint_that_has_rotted_is_not_believed() {
    let disk = with_many_streams(1);
    // Further than the log goes: what was written behind it would be passed over, and then be void.
    for at in places_in_index(&disk, b"checkpoint") {
        disk.flip_bit("index.redb", at + 10 + 8 + 2, 0);
    }
    let mut bench = Bench::on(disk);
    assert_eq!(readable(&bench.store), MANY);
    bench.commit(of_stream(MANY + 1)).unwrap();
    assert_eq!(bench.store.compare_index().unwrap().differences, [""; 0]);
    assert!(bench.store.rot().is_empty());
}

#[test]
fn no_flipped_bit_of_the_index_makes_a_reader_see_less_or_other_than_there_is() {
    let whole = with_many_streams(1);
    let mut octets = vec![0; whole.open(Path::new("index.redb")).unwrap().length().unwrap() as usize];
    whole.open(Path::new("index.redb")).unwrap().read_exact_at(&mut octets, 0).unwrap();
    let used: Vec<usize> = (0..octets.len()).filter(|at| octets[*at] != 0).collect();
    let mut dice = testkit::dice::Dice::new(7);
    let mut healed = 0;
    for seed in 0..400 {
        let (at, bit) = (dice.pick(&used), dice.below(8) as u8);
        let disk = whole.cut(seed);
        disk.flip_bit("index.redb", at, bit);
        let mut bench = Bench::on(disk);
        let readable_before = readable(&bench.store);
        match bench.pump.try_to_recover() {
            Recovered::Needless => assert_eq!(readable_before, MANY, "bit {bit} of octet {at}"),
            Recovered::Yes => healed += 1,
            Recovered::NotYet => panic!("bit {bit} of octet {at} cannot be healed"),
        }
        assert_eq!(readable(&bench.store), MANY, "bit {bit} of octet {at}");
    }
    assert!(healed > 30, "only {healed} of the bits mattered");
}

#[test]
fn on_a_full_disk_the_whole_index_is_read_on() {
    // The file system refuses to write to the index at all, or only lets it not grow.
    for index_is_full in [true, false] {
        let mut bench = Bench::on(with_many_streams(1));
        bench.commit(of_stream(MANY + 1)).unwrap();
        if index_is_full {
            bench.disk.break_down(Failing::Space, "", 0);
        } else {
            bench.disk.fail(Failing::Space, "index.redb", 0);
            bench.disk.break_down(Failing::Space, "log", 0);
        }
        bench.pump.move_tail();
        assert!(readable(&bench.store) < MANY, "what redb has not read yet it does not read any more");
        for _ in 0..3 {
            assert_eq!(bench.pump.try_to_recover(), Recovered::NotYet);
            assert_eq!(readable(&bench.store), MANY);
            let last = StreamId { number: MANY + 1, ..STREAM };
            assert_eq!(block_on(bench.store.read(last, Seq::NONE, 9)).unwrap().len(), 1);
            bench.pump.move_tail();
        }
        bench.disk.mend();
        assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
        assert_eq!(bench.commit(of_stream(MANY + 2)), Ok(Committed::Done));
        bench.pump.move_tail();
        assert_eq!(readable(&bench.store), MANY);
        assert_eq!(bench.store.compare_index().unwrap().differences, [""; 0]);
        let bench = bench.after_a_cut(1);
        assert_eq!(readable(&bench.store), MANY);
    }
}

#[test]
fn an_index_that_could_not_be_read_is_made_again_though_the_log_cannot_be_written() {
    let mut bench = Bench::on(with_many_streams(1));
    bench.disk.fail(Failing::Read, "index.redb", 0);
    bench.disk.break_down(Failing::Space, "log", 0);
    assert!(readable(&bench.store) < MANY);
    assert_eq!(bench.pump.try_to_recover(), Recovered::NotYet);
    assert_eq!(readable(&bench.store), MANY);
    bench.disk.mend();
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(bench.store.compare_index().unwrap().differences, [""; 0]);
}

#[test]
fn an_index_whose_file_was_taken_away_is_not_taken_for_an_empty_one() {
    let mut bench = Bench::on(with_many_streams(1));
    bench.commit(of_stream(MANY + 1)).unwrap();
    bench.disk.fail(Failing::Write, "index.redb", 0);
    bench.pump.move_tail();
    bench.disk.unlink(Path::new("index.redb")).unwrap();
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(readable(&bench.store), MANY);
}

#[test]
fn an_index_whose_sync_failed_is_gone_at_once() {
    let mut bench = Bench::new(1);
    bench.commit(commit(0, 1)).unwrap();
    bench.disk.fail(Failing::Sync, "index.redb", 0);
    bench.pump.move_tail();
    assert!(!index_is_there(&bench.disk), "a process that is killed now leaves none");
    let comes_back = |seed: &u64| index_is_there(&bench.disk.cut(*seed));
    assert_eq!((0..20).find(comes_back), None, "nor does a power cut");
}

#[test]
fn an_index_that_nobody_may_trust_is_gone_when_the_store_is_closed() {
    let mut bench = Bench::new(1);
    bench.commit(commit(0, 1)).unwrap();
    bench.disk.fail(Failing::Sync, "index.redb", 0);
    bench.disk.fail(Failing::Entry, "index.redb", 0);
    bench.pump.move_tail();
    assert!(index_is_there(&bench.disk), "it could not be taken away");
    bench.store.close().unwrap_err();
    assert!(!index_is_there(&bench.disk));
    assert_eq!(Bench::on(bench.disk).events(), ["event 1"]);
}

#[test]
fn an_index_that_nobody_may_trust_is_gone_when_recovery_fails() {
    let mut bench = Bench::new(1);
    bench.commit(commit(0, 1)).unwrap();
    bench.disk.fail(Failing::Sync, "index.redb", 0);
    bench.disk.fail(Failing::Entry, "index.redb", 0);
    bench.pump.move_tail();
    bench.disk.break_down(Failing::Read, "log", 0);
    assert_eq!(bench.pump.try_to_recover(), Recovered::NotYet);
    assert!(!index_is_there(&bench.disk));
    // One that is made again and then fails is not left behind either.
    bench.disk.mend();
    bench.disk.break_down(Failing::Sync, "index.redb", 2);
    assert_eq!(bench.pump.try_to_recover(), Recovered::NotYet);
    assert!(!index_is_there(&bench.disk));
    bench.disk.mend();
    assert_eq!(bench.pump.try_to_recover(), Recovered::Yes);
    assert_eq!(bench.events(), ["event 1"]);
}

#[test]
fn an_opening_that_fails_leaves_no_index_that_nobody_may_trust() {
    let (mut failed, options) = (0, options().0);
    for after in 0..20 {
        let disk = with_many_streams(after);
        disk.unlink(Path::new("index.redb")).unwrap();
        disk.break_down(Failing::Sync, "index.redb", after);
        if LocalStore::open_with_pump(Arc::new(disk.clone()), &options).is_err() {
            failed += 1;
            assert!(!index_is_there(&disk), "after {after} syncs");
        }
        disk.mend();
        assert_eq!(readable(&Bench::on(disk).store), MANY);
    }
    assert!(failed > 3, "only {failed} openings failed");
}

#[test]
fn a_store_with_threads_recovers_by_itself_once_the_disk_is_in_order() {
    let disk = FaultyDisk::new(1);
    let (options, heard) = options();
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    block_on(store.commit(commit(0, 1))).unwrap();
    disk.break_down(Failing::Space, "", 0);
    // In doubt or refused: the index thread may have met the full disk before.
    block_on(store.commit(commit(1, 2))).unwrap_err();
    assert!(matches!(heard.recv(), Ok(Heard::Failed(_))));
    assert!(is_refused(&block_on(store.commit(commit(1, 3)))));
    disk.mend();
    assert_eq!(heard.recv(), Ok(Heard::Recovered));
    assert_eq!(block_on(store.commit(commit(1, 4))), Ok(Committed::Done));
    assert_eq!(block_on(store.read(STREAM, Seq::NONE, 9)).unwrap().len(), 2);
}

#[test]
fn a_store_that_cannot_recover_can_be_closed() {
    let disk = FaultyDisk::new(1);
    let (options, _heard) = options();
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    disk.break_down(Failing::Sync, "", 0);
    block_on(store.commit(commit(0, 1))).unwrap_err();
    store.close().unwrap_err();
    assert!(is_refused(&block_on(store.commit(commit(0, 2)))));
}

/// Works until there is an answer.
fn work<T>(pump: &mut Pump, mut answer: Answer<'_, T>) -> Result<T, StoreError> {
    loop {
        if let Some(ready) = poll(&mut answer) {
            return ready;
        }
        pump.write_bodies();
        pump.commit_group();
    }
}

#[test]
fn the_file_of_a_body_in_doubt_stays_until_it_is_known_that_the_log_does_not_name_it() {
    let Bench { disk, store, mut pump, .. } = Bench::new(1);
    let body = Bytes::from(testkit::dice::Dice::new(1).octets(300_000));
    let mut writer = work(&mut pump, store.stage_body(STREAM.account)).unwrap();
    work(&mut pump, writer.write(body.clone())).unwrap();
    disk.fail(Failing::Sync, "log", 0);
    let in_doubt = work(&mut pump, writer.finish()).unwrap_err();
    assert!(matches!(in_doubt, StoreError::Unavailable { uncertain: true, .. }), "{in_doubt}");
    // Killed: the page cache still shows what was not synced, and the next opening takes it in.
    disk.cut_power_after(0);
    drop(store);
    disk.revive();
    let store = Bench::on(disk).store;
    let ids = block_on(store.list_bodies(STREAM.account, None, 9)).unwrap();
    assert_eq!(ids.len(), 1);
    assert_eq!(block_on(store.body(STREAM.account, ids[0], 0, usize::MAX)).unwrap(), Some(body));
}
