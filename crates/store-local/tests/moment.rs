//! A moment can be copied while the store goes on, and what was copied is a store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use std::fs;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, BodyId, Commit, CommitId, Committed, Head, Seq, Store, StoreError, StreamId,
};
use store_local::{LocalStore, Moment, MomentFile, Options, Pump, Recovered};
use support::Folder;
use testkit::disk::{Failing, FaultyDisk};

const ACCOUNT: AccountId = AccountId(1);

const fn stream(number: u32) -> StreamId {
    StreamId { account: ACCOUNT, number }
}

fn commit(number: u32, expected: u64) -> Commit {
    let text = Bytes::from(format!("event {} of {number}", expected + 1));
    let append = Append {
        stream: stream(number),
        expected: Seq(expected),
        events: vec![text.clone()],
        head: Head(text.clone()),
    };
    Commit {
        account: ACCOUNT,
        id: CommitId((u128::from(number) << 64 | u128::from(expected)).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![append],
        records: Vec::new(),
        bodies: vec![Body::new(text)],
    }
}

fn put(store: &LocalStore, number: u32, expected: u64) {
    assert_eq!(block_on(store.commit(commit(number, expected))).unwrap(), Committed::Done);
}

fn keep_large(store: &LocalStore, octet: u8) -> BodyId {
    block_on(async {
        let mut writer = store.stage_body(ACCOUNT).await.unwrap();
        writer.write(vec![octet; 400 << 10].into()).await.unwrap();
        writer.finish().await.unwrap().0
    })
}

fn octets(moment: &Moment, file: &MomentFile) -> Vec<u8> {
    let mut octets = vec![0; usize::try_from(file.length).unwrap()];
    moment.open(file).unwrap().read_exact_at(&mut octets, 0).unwrap();
    octets
}

/// Copies a moment, and opens the copy.
fn copied(moment: &Moment) -> (Folder, LocalStore) {
    let folder = Folder::new();
    for file in moment.files() {
        let path = folder.path().join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, octets(moment, file)).unwrap();
    }
    let store = LocalStore::open(folder.path()).unwrap();
    (folder, store)
}

fn is_sound(store: &LocalStore) {
    assert!(store.rot().is_empty(), "{:?}", store.rot());
    let report = store.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.rot.is_empty(), "{report:?}");
    assert!(report.wrong_footers.is_empty() && report.numbers_given_twice.is_empty(), "{report:?}");
}

#[test]
fn a_moment_holds_all_that_was_acknowledged_before_it_and_nothing_of_what_came_later() {
    let disk = FaultyDisk::new(1);
    let options = Options { segment_octets: 2_000, ..Options::default() };
    let store = LocalStore::open_on(Arc::new(disk), &options).unwrap();
    (0..40).for_each(|n| put(&store, 1, n));
    let large = keep_large(&store, 7);
    let moment = block_on(store.moment()).unwrap();
    (40..80).for_each(|n| put(&store, 1, n));
    let later = keep_large(&store, 8);
    let (_folder, copy) = copied(&moment);
    is_sound(&copy);
    // Segments come with their tables of contents. What is in the last one is copied when the copy is opened, as always.
    let segments = moment.files().iter().filter(|file| file.path.starts_with("log")).count();
    assert_eq!(copy.compare_index().unwrap().right_footers, segments - 1);
    assert_eq!(block_on(copy.read(stream(1), Seq::NONE, 99)).unwrap().len(), 40);
    assert_eq!(block_on(copy.body(ACCOUNT, large, 0, 9)).unwrap().unwrap(), vec![7; 9]);
    assert_eq!(block_on(copy.body_len(ACCOUNT, later)).unwrap(), None);
    // What was restored is written on.
    put(&copy, 1, 40);
    is_sound(&store);
    assert_eq!(block_on(store.read(stream(1), Seq::NONE, 99)).unwrap().len(), 80);
}

#[test]
fn whoever_writes_meanwhile_has_all_or_nothing_in_it() {
    let store = LocalStore::open_on(Arc::new(FaultyDisk::new(2)), &Options::default()).unwrap();
    thread::scope(|scope| {
        for number in 1..5 {
            let store = &store;
            scope.spawn(move || (0..200).for_each(|n| put(store, number, n)));
        }
        for _ in 0..8 {
            let heads = |store: &LocalStore| {
                let streams: Vec<_> = (1..5).map(stream).collect();
                let heads = block_on(store.heads(&streams)).unwrap().into_iter();
                heads.map(|head| head.map_or(0, |(seq, _)| seq.0)).collect::<Vec<_>>()
            };
            let before = heads(&store);
            let moment = block_on(store.moment()).unwrap();
            let (_folder, copy) = copied(&moment);
            is_sound(&copy);
            for (number, (before, there)) in (1..).zip(before.into_iter().zip(heads(&copy))) {
                assert!(there >= before, "{there} of {before}");
                let events = block_on(copy.read(stream(number), Seq::NONE, 999)).unwrap();
                assert_eq!(events.len() as u64, there);
                for event in events {
                    let body = block_on(copy.body(ACCOUNT, BodyId::of(&event.payload), 0, 99)).unwrap();
                    assert_eq!(body, Some(event.payload));
                }
            }
        }
    });
}

#[test]
fn a_store_that_rests_has_the_same_files_at_every_moment() {
    let disk = FaultyDisk::new(3);
    let store = LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap();
    put(&store, 1, 0);
    keep_large(&store, 7);
    let first = block_on(store.moment()).unwrap();
    assert_eq!(block_on(store.moment()).unwrap().files(), first.files());
    store.close().unwrap();
    let store = LocalStore::open_on(Arc::new(disk), &Options::default()).unwrap();
    let later = block_on(store.moment()).unwrap();
    assert_eq!(later.files(), first.files());
    put(&store, 1, 1);
    let later = block_on(store.moment()).unwrap();
    assert_eq!(later.files().len(), first.files().len() + 1);
    assert!(first.files().iter().all(|file| later.files().contains(file)), "{first:?} {later:?}");
}

#[test]
fn the_file_of_a_body_that_is_deleted_stays_until_the_moment_has_gone() {
    let disk = FaultyDisk::new(4);
    let store = LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap();
    let body = keep_large(&store, 7);
    let (moment, other) = (block_on(store.moment()).unwrap(), block_on(store.moment()).unwrap());
    block_on(store.delete_body(ACCOUNT, body)).unwrap();
    assert_eq!(block_on(store.body_len(ACCOUNT, body)).unwrap(), None);
    drop(other);
    let (_folder, copy) = copied(&moment);
    assert_eq!(block_on(copy.body_len(ACCOUNT, body)).unwrap(), Some(400 << 10));
    let file = moment.files().last().unwrap().clone();
    drop(moment);
    let moment = block_on(store.moment()).unwrap();
    assert!(!moment.files().contains(&file) && moment.open(&file).is_err());
}

#[test]
fn a_moment_behind_a_recovery_holds_what_was_acknowledged_before_and_since() {
    for seed in 0..20 {
        let disk = FaultyDisk::new(seed);
        let (store, mut pump) =
            LocalStore::open_with_pump(Arc::new(disk.clone()), &Options::default()).unwrap();
        let mut next = 0;
        let mut put = |pump: &mut Pump| {
            let mut answer = store.commit(commit(1, next));
            assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            pump.commit_group();
            let answered = block_on(answer);
            next += u64::from(answered.is_ok());
            answered.is_ok()
        };
        assert!(put(&mut pump) && put(&mut pump));
        if seed % 2 == 0 {
            pump.move_tail();
        }
        disk.fail(Failing::Sync, "log", 0);
        assert!(!put(&mut pump));
        // Nothing can be written: there is no moment, and that is said.
        let refused = block_on(store.moment());
        assert!(matches!(refused, Err(StoreError::Unavailable { uncertain: false, .. })), "{refused:?}");
        assert_eq!(pump.try_to_recover(), Recovered::Yes);
        // What was refused lies behind the end of the old segment, and does not come back with it.
        for acknowledged in [2, 3] {
            let mut taking = Box::pin(store.moment());
            assert!(taking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            pump.commit_group();
            let moment = block_on(taking).unwrap();
            let (_folder, copy) = copied(&moment);
            is_sound(&copy);
            let events = block_on(copy.read(stream(1), Seq::NONE, 99)).unwrap();
            assert_eq!(events.len(), acknowledged, "seed {seed}");
            assert!(put(&mut pump));
        }
    }
}

#[test]
fn power_that_goes_around_a_moment_costs_nothing_that_was_acknowledged() {
    let mut cuts = 0;
    for seed in 0..100 {
        let disk = FaultyDisk::new(seed);
        let store = LocalStore::open_on(Arc::new(disk.clone()), &Options::default()).unwrap();
        put(&store, 1, 0);
        disk.cut_power_after(seed % 50);
        let (mut acknowledged, mut moments) = (1, Vec::new());
        for _ in 0..6 {
            if block_on(store.commit(commit(1, acknowledged))) != Ok(Committed::Done) {
                break;
            }
            acknowledged += 1;
            if let Ok(moment) = block_on(store.moment()) {
                moments.push(moment.end());
            }
        }
        cuts += u32::from(disk.is_off());
        drop(store);
        let store = LocalStore::open_on(Arc::new(disk.cut(seed)), &Options::default()).unwrap();
        let there = block_on(store.read(stream(1), Seq::NONE, 99)).unwrap().len() as u64;
        assert!(there == acknowledged || there == acknowledged + 1, "seed {seed}: {there} of {acknowledged}");
        is_sound(&store);
        assert!(moments.is_sorted(), "seed {seed}: {moments:?}");
        let moment = block_on(store.moment()).unwrap();
        let (_folder, copy) = copied(&moment);
        assert_eq!(block_on(copy.read(stream(1), Seq::NONE, 99)).unwrap().len() as u64, there);
    }
    assert!(cuts > 30, "the power hardly ever went: {cuts}");
}
