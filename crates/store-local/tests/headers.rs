//! A segment whose header has rotted is known all the same: by its second header when it was sealed, by its checksum when
//! a single bit has flipped, and to a store that runs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use store::conformance::block_on;
use store::{AccountId, Append, Commit, CommitId, Committed, Head, Seq, Store, StreamId};
use store_local::disk::Disk;
use store_local::{LocalStore, OpenError, Options, Progress};
use testkit::disk::FaultyDisk;

const STREAM: StreamId = StreamId { account: AccountId(1), number: 1 };
const HEADER: usize = 96;
const TRAILER: usize = 24;

fn open(disk: &FaultyDisk) -> Result<LocalStore, OpenError> {
    let options = Options { segment_octets: 1_000, ..Options::default() };
    LocalStore::open_on(Arc::new(disk.clone()), &options)
}

fn put(store: &LocalStore, after: u64) {
    let commit = Commit {
        account: STREAM.account,
        id: CommitId(u128::from(after + 1).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![Append {
            stream: STREAM,
            expected: Seq(after),
            events: vec![Bytes::from(vec![7; 200])],
            head: Head::default(),
        }],
        records: Vec::new(),
        bodies: Vec::new(),
    };
    assert_eq!(block_on(store.commit(commit)).unwrap(), Committed::Done);
}

/// A store of several segments, closed; and their files.
fn scene() -> (FaultyDisk, Vec<String>) {
    let disk = FaultyDisk::new(1);
    let store = open(&disk).unwrap();
    (0..20).for_each(|after| put(&store, after));
    drop(store);
    let files = segments(&disk);
    assert!(files.len() > 3);
    (disk, files)
}

fn segments(disk: &FaultyDisk) -> Vec<String> {
    let mut names = disk.list(Path::new("log")).unwrap();
    names.sort();
    names.into_iter().map(|name| format!("log/{name}")).collect()
}

fn octets(disk: &FaultyDisk, file: &str) -> Vec<u8> {
    let file = disk.open(Path::new(file)).unwrap();
    let mut octets = vec![0; file.length().unwrap() as usize];
    file.read_exact_at(&mut octets, 0).unwrap();
    octets
}

fn zero_header(disk: &FaultyDisk, file: &str) {
    disk.open(Path::new(file)).unwrap().write_at(&[0; HEADER], 0).unwrap();
}

/// What a check says of which octets.
fn damages(store: &LocalStore) -> Vec<(String, u64, u64)> {
    let mut check = store.check(None);
    while check.step().unwrap() != Progress::Done {}
    assert!(check.damages().iter().all(|damage| damage.lost.is_empty()), "{:?}", check.damages());
    check.damages().iter().map(|damage| (damage.file.clone(), damage.from, damage.to)).collect()
}

fn reads_all(store: &LocalStore) {
    assert_eq!(block_on(store.read(STREAM, Seq::NONE, 99)).unwrap().len(), 20);
    let report = store.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.wrong_footers.is_empty(), "{report:?}");
}

#[test]
fn a_sealed_segment_is_known_by_its_second_header_and_gets_its_first_one_back() {
    let (disk, files) = scene();
    let before = octets(&disk, &files[1]);
    zero_header(&disk, &files[1]);
    for index in [true, false] {
        if !index {
            disk.unlink(Path::new("index.redb")).unwrap();
        }
        let store = open(&disk).unwrap();
        let told: Vec<_> = store.rot().iter().map(|rot| (rot.from, rot.to)).collect();
        assert_eq!(told, [(0, HEADER as u64)]);
        assert_eq!(damages(&store), [(files[1].clone(), 0, HEADER as u64)]);
        reads_all(&store);
    }
    let store = open(&disk).unwrap();
    assert_eq!(store.mend_headers().unwrap().len(), 1);
    assert_eq!(octets(&disk, &files[1]), before);
    assert_eq!(store.mend_headers().unwrap(), [""; 0]);
    assert_eq!(damages(&store), []);
    drop(store);
    assert_eq!(open(&disk).unwrap().rot(), []);
}

#[test]
fn a_second_header_that_has_rotted_is_named_and_written_back() {
    let (disk, files) = scene();
    let before = octets(&disk, &files[1]);
    let second = before.len() - TRAILER - HEADER;
    assert_eq!(before[second..second + HEADER], before[..HEADER]);
    disk.flip_bit(&files[1], second + 50, 3);
    let store = open(&disk).unwrap();
    assert_eq!(damages(&store), [(files[1].clone(), second as u64, (second + HEADER) as u64)]);
    assert_eq!(store.mend_headers().unwrap().len(), 1);
    assert_eq!(octets(&disk, &files[1]), before);
    assert_eq!(damages(&store), []);
}

#[test]
fn a_segment_that_was_sealed_without_a_second_header_reads_as_ever() {
    let (disk, files) = scene();
    for file in &files[..2] {
        let mut before = octets(&disk, file);
        let trailer = before.split_off(before.len() - TRAILER);
        let end = before.len() - HEADER;
        let segment = disk.open(Path::new(file)).unwrap();
        segment.write_at(&trailer, end as u64).unwrap();
        segment.truncate((end + TRAILER) as u64).unwrap();
    }
    for _ in 0..2 {
        let store = open(&disk).unwrap();
        assert_eq!(damages(&store), []);
        reads_all(&store);
        assert!(store.compare_index().unwrap().right_footers > 2);
        assert_eq!(store.mend_headers().unwrap(), [""; 0]);
        drop(store);
        let _ = disk.unlink(Path::new("index.redb"));
    }
    zero_header(&disk, &files[0]);
    assert!(open(&disk).is_err());
}

#[test]
fn a_single_bit_of_any_header_is_found_by_its_checksum() {
    for bit in (0..HEADER * 8).step_by(41) {
        let (disk, files) = scene();
        disk.flip_bit(files.last().unwrap(), bit / 8, (bit % 8) as u8);
        let store = open(&disk).unwrap();
        assert_eq!(store.rot().len(), 1);
        reads_all(&store);
    }
}

#[test]
fn a_header_that_is_gone_for_good_says_what_to_do() {
    let (disk, files) = scene();
    zero_header(&disk, files.last().unwrap());
    let why = open(&disk).unwrap_err().to_string();
    assert!(why.contains("Restore a backup") && why.contains("move this file and index.redb away"), "{why}");
    for file in [files.last().unwrap(), "index.redb"] {
        disk.unlink(Path::new(file)).unwrap();
    }
    let store = open(&disk).unwrap();
    assert!(!block_on(store.read(STREAM, Seq::NONE, 99)).unwrap().is_empty());
}

#[test]
fn a_store_that_runs_writes_back_the_header_of_the_segment_that_it_writes() {
    let disk = FaultyDisk::new(1);
    let store = open(&disk).unwrap();
    put(&store, 0);
    let file = segments(&disk).pop().unwrap();
    let before = octets(&disk, &file);
    zero_header(&disk, &file);
    assert_eq!(damages(&store), [(file.clone(), 0, HEADER as u64)]);
    assert_eq!(store.mend_headers().unwrap().len(), 1);
    assert_eq!(octets(&disk, &file), before);
    put(&store, 1);
}
