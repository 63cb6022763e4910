//! What this version makes of files that another one has written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::conformance::block_on;
use store::{AccountId, Append, BodyId, Commit, CommitId, Committed, Head, Seq, Store, StoreError, StreamId};
use store_local::disk::{Disk, RealDisk};
use store_local::{IndexFile, LocalStore, OpenError, Options, Progress, READABLE_FORMATS, Survey};
use support::Folder;
use testkit::disk::{Failing, FaultyDisk};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const ACCOUNT: AccountId = AccountId(1);
const STREAM: StreamId = StreamId { account: ACCOUNT, number: 1 };

fn put(store: &LocalStore, expected: u64) {
    let append = Append {
        stream: STREAM,
        expected: Seq(expected),
        events: vec![Bytes::from(format!("event {}", expected + 1))],
        head: Head(Bytes::from_static(b"head")),
    };
    let commit = Commit {
        account: ACCOUNT,
        id: CommitId(u128::from(expected).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![append],
        records: Vec::new(),
        bodies: Vec::new(),
    };
    assert_eq!(block_on(store.commit(commit)).unwrap(), Committed::Done);
}

fn events(store: &LocalStore) -> Vec<String> {
    let events = block_on(store.read(STREAM, Seq::NONE, 100)).unwrap();
    events.iter().map(|event| String::from_utf8(event.payload.to_vec()).unwrap()).collect()
}

fn keep_large(store: &LocalStore) -> BodyId {
    block_on(async {
        let mut writer = store.stage_body(ACCOUNT).await.unwrap();
        writer.write(vec![b'x'; 400 << 10].into()).await.unwrap();
        writer.finish().await.unwrap().0
    })
}

/// A store with two events and a large body, closed.
fn scene() -> (Folder, BodyId) {
    let folder = Folder::new();
    let store = LocalStore::open(folder.path()).unwrap();
    put(&store, 0);
    put(&store, 1);
    let body = keep_large(&store);
    store.close().unwrap();
    (folder, body)
}

/// Every file, octet by octet.
fn octets(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
                found.insert(path, Vec::new());
            } else {
                let octets = fs::read(&path).unwrap();
                found.insert(path, octets);
            }
        }
    }
    found
}

fn only_file_in(folder: &Path) -> PathBuf {
    let mut files =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let file = files.next().unwrap();
    assert!(files.next().is_none());
    file
}

fn newest_segment(folder: &Path) -> PathBuf {
    fs::read_dir(folder.join("log")).unwrap().map(|entry| entry.unwrap().path()).max().unwrap()
}

/// Refused, in words that say what to do, and nothing is touched.
fn is_refused(folder: &Path, words: &[&str]) {
    let before = octets(folder);
    let why = LocalStore::open(folder).unwrap_err();
    assert!(matches!(why, OpenError::Newer { .. }), "{why}");
    let said = why.to_string();
    for word in words.iter().chain(&["made by a newer Gatepost", "or a later one"]) {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert!(octets(folder) == before, "something was touched");
}

#[test]
fn a_directory_of_a_newer_format_is_refused_before_anything_is_touched() {
    let (folder, _) = scene();
    fs::remove_file(folder.path().join("lock")).unwrap();
    fs::write(folder.path().join("log/0000000000000099.new"), "would be swept").unwrap();
    fs::write(folder.path().join("format"), "Gatepost store, format 7\nmade by Gatepost 4.2.0\n").unwrap();
    is_refused(folder.path(), &["format 7, made by Gatepost 4.2.0", "reads formats 1 to 3"]);

    fs::write(folder.path().join("format"), "Gatepost store, form").unwrap();
    let why = LocalStore::open(folder.path()).unwrap_err();
    assert!(matches!(why, OpenError::Damaged { .. }), "{why}");
    assert!(why.to_string().contains("put \"Gatepost store, format 3\" into it"), "{why}");
}

#[test]
fn opening_leaves_the_format_as_it_is_and_whoever_writes_something_newer_raises_it_first() {
    let (folder, _) = scene();
    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!(store.format(), 1);
    assert!(!folder.path().join("format").exists());
    let newest = *READABLE_FORMATS.end();
    assert!(matches!(store.raise_format(newest + 1), Err(StoreError::Misused(_))));
    store.raise_format(newest).unwrap();
    store.raise_format(1).unwrap();
    assert_eq!(store.format(), newest);
    store.close().unwrap();
    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!((store.format(), events(&store).len()), (newest, 2));
}

/// A version that knows format 1 could not read what the directory of accounts says, and how.
#[test]
fn the_format_is_raised_before_the_directory_of_accounts_is_written() {
    let (folder, _) = scene();
    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!(store.format(), 1);
    let stream = StreamId { account: AccountId::DIRECTORY, number: 0 };
    let append = Append {
        stream,
        expected: Seq::NONE,
        events: vec![Bytes::from_static(b"somebody")],
        head: Head::default(),
    };
    let commit = Commit {
        account: stream.account,
        id: CommitId([7; 16]),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 0,
        origin: Bytes::new(),
        appends: vec![append],
        records: Vec::new(),
        bodies: Vec::new(),
    };
    assert_eq!(block_on(store.commit(commit)), Ok(Committed::Done));
    assert_eq!(store.format(), 2);
}

/// What the events are is nobody's business here: whoever writes them says what they need.
#[test]
fn the_format_is_raised_before_what_needs_it_is_written_and_stays_where_that_fails() {
    let (folder, _) = scene();
    let store = LocalStore::open(folder.path()).unwrap();
    let commit = |expected: u64, needs_format: u32| Commit {
        account: ACCOUNT,
        id: CommitId([needs_format as u8; 16]),
        after: None,
        needs_format,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![Append {
            stream: STREAM,
            expected: Seq(expected),
            events: vec![Bytes::from_static(b"new")],
            head: Head::default(),
        }],
        records: Vec::new(),
        bodies: Vec::new(),
    };
    let newest = *READABLE_FORMATS.end();
    assert!(matches!(block_on(store.commit(commit(2, newest + 1))), Err(StoreError::Misused(_))));
    assert!(matches!(block_on(store.commit(commit(2, 0))), Err(StoreError::Misused(_))));
    assert_eq!((store.format(), events(&store).len()), (1, 2));
    // What comes too late has shut older versions out all the same.
    assert!(matches!(block_on(store.commit(commit(1, 2))), Ok(Committed::Conflict { .. })));
    assert_eq!((store.format(), events(&store).len()), (2, 2));
    assert_eq!(block_on(store.commit(commit(2, newest))), Ok(Committed::Done));
    assert_eq!((store.format(), events(&store).len()), (newest, 3));
}

/// A power cut or a full disk between the number and the commit leaves what every version of that number reads.
#[test]
fn what_needs_a_format_that_cannot_be_raised_is_not_written() {
    for (failing, after) in [
        (Failing::Entry, 0),
        (Failing::Write, 0),
        (Failing::Sync, 0),
        (Failing::Entry, 1),
        (Failing::Entry, 2),
    ] {
        let disk = FaultyDisk::new(7);
        let open = |disk: &FaultyDisk| {
            LocalStore::open_with_pump(Arc::new(disk.clone()), &Options::default()).unwrap()
        };
        let (store, pump) = open(&disk);
        disk.break_down(failing, "", after);
        let commit = Commit {
            account: ACCOUNT,
            id: CommitId([1; 16]),
            after: None,
            needs_format: 3,
            time_ms: 1,
            origin: Bytes::new(),
            appends: vec![Append {
                stream: STREAM,
                expected: Seq::NONE,
                events: vec![Bytes::from_static(b"new")],
                head: Head::default(),
            }],
            records: Vec::new(),
            bodies: Vec::new(),
        };
        let why = block_on(store.commit(commit)).unwrap_err().to_string();
        assert!(why.contains("format could not be raised to 3"), "{failing:?} {after}: {why}");
        disk.mend();
        drop((store, pump));
        let (store, _pump) = open(&disk);
        assert_eq!(events(&store), Vec::<String>::new(), "{failing:?} {after}");
    }
}

#[test]
fn a_format_that_was_raised_lasts_and_one_that_only_shows_is_not_relied_on() {
    let (mut refused, mut showed) = (0, 0);
    for seed in 0..200 {
        let disk = FaultyDisk::new(seed);
        let open = |disk: &FaultyDisk| {
            LocalStore::open_with_pump(Arc::new(disk.clone()), &Options::default()).unwrap()
        };
        let (store, pump) = open(&disk);
        disk.fail([Failing::Entry, Failing::Sync, Failing::Write][seed as usize % 3], "", seed / 3 % 4);
        let raised = store.raise_format(2).is_ok();
        refused += u32::from(!raised);
        disk.mend();
        drop((store, pump));
        let (store, _pump) = open(&disk);
        showed += u32::from(!raised && store.format() == 2);
        assert!(!raised || store.format() == 2);
        let again = seed / 12 % 2 == 0;
        if again {
            store.raise_format(2).unwrap();
        }
        let left = Survey::of(&(Arc::new(disk.cut(seed)) as Arc<dyn Disk>)).unwrap().format;
        assert!(left == 2 || (left == 1 && !raised && !again), "seed {seed}: {left}");
    }
    assert!(refused > 20 && showed > 5, "{refused} {showed}");
}

#[test]
fn a_segment_of_a_newer_version_is_not_called_damaged() {
    let (folder, _) = scene();
    let segment = newest_segment(folder.path());
    let mut header = fs::read(&segment).unwrap();
    header[8] = 3;
    let sum = xxh3_64(&header[..88]);
    header[88..96].copy_from_slice(&sum.to_le_bytes());
    fs::write(&segment, header).unwrap();
    let before = octets(folder.path());
    let why = LocalStore::open(folder.path()).unwrap_err();
    let said = why.to_string();
    assert!(matches!(why, OpenError::Newer { .. }), "{said}");
    assert!(said.contains(".seg was made by a newer Gatepost (version 3)"), "{said}");
    let without_lock = |octets: BTreeMap<PathBuf, Vec<u8>>| -> Vec<_> {
        octets.into_iter().filter(|(path, _)| !path.ends_with("lock")).collect()
    };
    assert!(without_lock(octets(folder.path())) == without_lock(before), "something was touched");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::at(folder.path()).unwrap());
    let survey = Survey::of(&disk).unwrap();
    assert_eq!(survey.segments.get(&Some(3)), Some(&1), "{survey:?}");
    assert!(!survey.is_readable());
}

#[test]
fn a_body_of_a_newer_version_is_not_called_damaged() {
    let (folder, body) = scene();
    let file = only_file_in(&folder.path().join("bodies"));
    let mut octets = fs::read(&file).unwrap();
    let footer = octets.len() - 64;
    // Another version, and another length of blocks.
    octets[footer + 21] = 1;
    octets[footer + 16] = 1;
    let sum = xxh3_64(&octets[400 << 10..footer + 56]);
    octets[footer + 56..].copy_from_slice(&sum.to_le_bytes());
    fs::write(&file, &octets).unwrap();
    let store = LocalStore::open(folder.path()).unwrap();
    let read = |store: &LocalStore| block_on(store.body(ACCOUNT, body, 0, 1 << 20)).unwrap_err();
    let why = read(&store);
    assert!(matches!(&why, StoreError::Unavailable { reason, .. } if reason.starts_with("bodies/")), "{why}");
    assert!(why.to_string().contains("made by a newer Gatepost (version 2)"), "{why}");
    // One that does not fit its checksum is.
    octets[footer + 21] = 2;
    fs::write(&file, &octets).unwrap();
    assert!(matches!(read(&store), StoreError::Damaged { .. }));
}

#[test]
fn an_index_of_another_version_is_made_again_from_the_log() {
    let (folder, _) = scene();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::at(folder.path()).unwrap());
    let index_of = |disk| Survey::of(disk).unwrap().index;
    assert_eq!(index_of(&disk), IndexFile::OfVersion(1));
    set_index_version(folder.path(), Some(9));
    let survey = Survey::of(&disk).unwrap();
    assert!(survey.index == IndexFile::OfVersion(9) && survey.makes_index(), "{survey:?}");
    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!(events(&store), ["event 1", "event 2"]);
    assert_eq!(store.compare_index().unwrap().differences, Vec::<String>::new());
    store.close().unwrap();
    assert_eq!(index_of(&disk), IndexFile::OfVersion(1));

    // What earlier versions have written does not say which it is.
    set_index_version(folder.path(), None);
    let soft = |store: &LocalStore| block_on(store.soft(ACCOUNT, b"note")).unwrap();
    let store = LocalStore::open(folder.path()).unwrap();
    block_on(store.put_soft(ACCOUNT, b"note", Some(Bytes::from_static(b"kept")))).unwrap();
    store.close().unwrap();
    set_index_version(folder.path(), None);
    assert_eq!(index_of(&disk), IndexFile::OfVersion(1));
    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!(soft(&store), Some(Bytes::from_static(b"kept")), "it was not made again");
}

/// Writes or removes the entry that says of which version an index is, as docs/storage.md has it.
fn set_index_version(folder: &Path, version: Option<u32>) {
    const META: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("meta");
    let key = b"version";
    let database = redb::Database::open(folder.join("index.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut table = transaction.open_table(META).unwrap();
        match version {
            None => drop(table.remove(&key[..]).unwrap().unwrap()),
            Some(version) => {
                let mut value = version.to_le_bytes().to_vec();
                value.extend(xxh3_64_with_seed(&value, xxh3_64(key)).to_le_bytes());
                table.insert(&key[..], value.as_slice()).unwrap();
            }
        }
    }
    transaction.commit().unwrap();
}

#[test]
fn a_survey_changes_nothing() {
    let (folder, _) = scene();
    fs::remove_file(folder.path().join("lock")).unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::at(folder.path()).unwrap());
    let looked = |what: &str| {
        let before = octets(folder.path());
        let survey = Survey::of(&disk).unwrap();
        assert!(octets(folder.path()) == before, "{what}");
        survey
    };
    let survey = looked("a sound store");
    assert_eq!((survey.format, survey.upgrade(), survey.makes_index()), (1, Some(3), false));
    assert_eq!(survey.bodies, BTreeMap::from([(Some(1), 1)]));
    assert_eq!(survey.segments.keys().collect::<Vec<_>>(), [&Some(1)]);

    let index = folder.path().join("index.redb");
    let whole = fs::read(&index).unwrap();
    for length in [0, 100, whole.len() / 2] {
        fs::write(&index, &whole[..length]).unwrap();
        let survey = looked("a cut index");
        assert!(!matches!(survey.index, IndexFile::OfVersion(_)) || length > 100, "{survey:?}");
    }
    fs::remove_file(index).unwrap();
    assert_eq!(looked("no index").index, IndexFile::Missing);
    fs::write(newest_segment(folder.path()), "short").unwrap();
    assert_eq!(looked("a cut segment").segments.get(&None), Some(&1));
    fs::write(folder.path().join("format"), "Gatepost store, format 8\nmade by Gatepost 5.0\n").unwrap();
    let survey = looked("a newer format");
    assert_eq!((survey.is_readable(), survey.maker.as_deref()), (false, Some("5.0")));
}

/// A record as the manual draws it.
fn record(kind: u8, key: [u8; 32], number: u64, payload: &[u8], salt: u64) -> Vec<u8> {
    let length = (payload.len() as u32).to_le_bytes();
    let mut out = b"RECO".to_vec();
    out.extend([kind, 0, 0, 0]);
    out.extend(ACCOUNT.0.to_le_bytes());
    out.extend(key);
    out.extend(number.to_le_bytes());
    out.extend([length, length].concat());
    out.extend(xxh3_64(payload).to_le_bytes());
    out.extend(xxh3_64_with_seed(&out, salt).to_le_bytes());
    out.extend(payload);
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

/// A frame as the manual draws it, which is a group of its own.
fn frame(group: u64, first_number: u64, offset: u64, records: &[Vec<u8>], salt: u64) -> Vec<u8> {
    let content = records.concat();
    let mut out = b"FRAM".to_vec();
    out.extend([1, 0, 0, 0]);
    out.extend(group.to_le_bytes());
    out.extend(ACCOUNT.0.to_le_bytes());
    out.extend([0; 16]);
    out.extend(first_number.to_le_bytes());
    out.extend((records.len() as u32).to_le_bytes());
    out.extend((content.len() as u32).to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend(xxh3_64_with_seed(&out, salt).to_le_bytes());
    out.extend(content);
    out
}

fn stream_key(stream: u32, seq: u64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&stream.to_le_bytes());
    key[4..12].copy_from_slice(&seq.to_le_bytes());
    key
}

/// Puts a frame behind the log of a closed store: the third event of its stream, and beside it a record of `kind`.
fn write_beside_an_event(folder: &Path, kind: u8) -> Vec<u8> {
    let segment = newest_segment(folder);
    let mut octets = fs::read(&segment).unwrap();
    let salt = u64::from_le_bytes(octets[64..72].try_into().unwrap());
    let mut event = 7_i64.to_le_bytes().to_vec();
    event.extend([0, 0]);
    event.extend(b"event 3");
    let foreign = b"in words that this version does not know".to_vec();
    // Numbers far behind all that were given.
    let records = [
        record(kind, [0xab; 32], 1_000, &foreign, salt),
        record(1, stream_key(STREAM.number, 3), 1_001, &event, salt),
        record(2, stream_key(STREAM.number, 3), 1_002, b"head", salt),
    ];
    let offset = octets.len() as u64;
    octets.extend(frame(1_000, 1_000, offset, &records, salt));
    fs::write(&segment, octets).unwrap();
    foreign
}

/// The newest segment's record of that payload: kind, codec, account, key, number, lengths and payload's checksum.
fn fields_beside(folder: &Path, payload: &[u8]) -> Vec<u8> {
    let octets = fs::read(newest_segment(folder)).unwrap();
    let at = octets.windows(payload.len()).position(|window| window == payload).unwrap();
    octets[at - 80..at - 8].to_vec()
}

fn damages(store: &LocalStore) -> String {
    let mut check = store.check(None);
    while check.step().unwrap() != Progress::Done {}
    format!("{:?}", check.damages())
}

#[test]
fn records_of_kinds_from_128_on_are_passed_over_and_carried_along() {
    for kind in [128, 200, 255] {
        let (folder, _) = scene();
        let payload = write_beside_an_event(folder.path(), kind);
        let written = fields_beside(folder.path(), &payload);
        let first = newest_segment(folder.path());
        let store = LocalStore::open(folder.path()).unwrap();
        assert_eq!(store.rot(), []);
        assert_eq!(events(&store), ["event 1", "event 2", "event 3"]);
        put(&store, 3);
        assert_eq!(damages(&store), "[]");
        let report = store.compare_index().unwrap();
        assert!(report.differences.is_empty() && report.rot.is_empty(), "{report:?}");
        assert!(report.numbers_given_twice.is_empty(), "{report:?}");
        store.close().unwrap();
        assert_ne!(newest_segment(folder.path()), first, "the tail was copied");
        assert_eq!(fields_beside(folder.path(), &payload), written);

        // What makes the index again passes them over, too.
        LocalStore::forget_index(&RealDisk::at(folder.path()).unwrap()).unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        assert_eq!((store.rot().len(), events(&store).len()), (0, 4));
        store.close().unwrap();
    }
}

#[test]
fn a_frame_with_a_record_of_an_unknown_kind_below_128_is_none() {
    let (folder, _) = scene();
    write_beside_an_event(folder.path(), 100);
    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!(events(&store), ["event 1", "event 2"], "as a group that was never acknowledged");
}

#[test]
fn a_moment_says_of_which_format_its_files_are() {
    let (folder, _) = scene();
    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!(block_on(store.moment()).unwrap().format(), 1);
    store.raise_format(2).unwrap();
    assert_eq!(block_on(store.moment()).unwrap().format(), 2);
}
