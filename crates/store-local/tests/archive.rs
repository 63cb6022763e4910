//! One account is found in a store's files by their tables of contents, and opens as a store of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, BodyId, Commit, CommitId, Committed, EmailId, EmailRange, Event, Head, Seq,
    Snapshot, Store, StoreError, StreamId,
};
use store_local::disk::Disk;
use store_local::{Archive, Extent, Extracted, LocalStore, Options};
use testkit::disk::FaultyDisk;

const ACCOUNTS: u64 = 200;
const EVENTS: u64 = 12;
/// Octets of the body that goes with each event.
const BODY: usize = 6_000;
const WANTED: AccountId = AccountId(77);

const fn stream(account: AccountId, number: u32) -> StreamId {
    StreamId { account, number }
}

fn text(account: AccountId, seq: u64) -> Bytes {
    // Nothing that could be made smaller.
    let mut text = vec![0; BODY];
    blake3::Hasher::new().update(format!("{} {seq}", account.0).as_bytes()).finalize_xof().fill(&mut text);
    text.into()
}

fn commit(account: AccountId, expected: u64) -> Commit {
    let body = text(account, expected);
    let append = Append {
        stream: stream(account, 1),
        expected: Seq(expected),
        events: vec![body.slice(..50)],
        head: Head(body.slice(..9)),
    };
    let email = EmailId { mailbox: 1, uid: u32::try_from(expected + 1).unwrap() };
    Commit {
        account,
        id: CommitId((u128::from(account.0) << 64 | u128::from(expected)).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: i64::try_from(expected).unwrap(),
        origin: Bytes::from_static(b"who"),
        appends: vec![append],
        records: vec![(email, Some(body.slice(..90).into()))],
        bodies: vec![Body::new(body)],
    }
}

fn keep_large(store: &LocalStore, account: AccountId, octet: u8) -> BodyId {
    block_on(async {
        let mut writer = store.stage_body(account).await.unwrap();
        writer.write(vec![octet; 400 << 10].into()).await.unwrap();
        writer.finish().await.unwrap().0
    })
}

fn put(store: &LocalStore, account: AccountId, expected: u64) {
    assert_eq!(block_on(store.commit(commit(account, expected))).unwrap(), Committed::Done);
}

/// A store of many accounts. The last segment is as a kill leaves it, if `End` says so.
fn filled(seed: u64, end: End) -> (FaultyDisk, LocalStore, usize) {
    let disk = FaultyDisk::new(seed);
    let options = Options { segment_octets: 2 << 20, ..Options::default() };
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    for expected in 0..EVENTS {
        for account in 1..=ACCOUNTS {
            put(&store, AccountId(account), expected);
        }
        if expected == EVENTS / 2 {
            let snapshot = Snapshot { at: Seq(3), pieces: vec![text(WANTED, 3), text(WANTED, 4)] };
            block_on(store.put_snapshot(stream(WANTED, 1), snapshot)).unwrap();
            let [gone, _] = [1, 2].map(|octet| keep_large(&store, WANTED, octet));
            block_on(store.delete_body(WANTED, gone)).unwrap();
            keep_large(&store, AccountId(3), 3);
        }
    }
    if end == End::Sealed {
        drop(block_on(store.moment()).unwrap());
    }
    let log = disk.list(Path::new("log")).unwrap();
    let octets = log.iter().map(|name| disk.open(&Path::new("log").join(name)).unwrap().length().unwrap());
    (disk.clone(), store, usize::try_from(octets.sum::<u64>()).unwrap())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Sealed,
    Open,
}

fn extract(disk: &FaultyDisk, account: AccountId) -> (FaultyDisk, Extracted, LocalStore) {
    let new = FaultyDisk::new(9);
    let archive = Archive::open(Arc::new(disk.clone())).unwrap();
    let extracted = archive.extract(account, Arc::new(new.clone())).unwrap();
    new.create_dir(Path::new("bodies")).unwrap();
    for path in &extracted.bodies {
        let (from, to) = (disk.open(path).unwrap(), new.create(path).unwrap());
        let mut octets = vec![0; usize::try_from(from.length().unwrap()).unwrap()];
        from.read_exact_at(&mut octets, 0).unwrap();
        to.write_at(&octets, 0).unwrap();
    }
    let store = LocalStore::open_on(Arc::new(new.clone()), &Options::default()).unwrap();
    (new, extracted, store)
}

/// All that a store has of an account.
#[derive(Debug, PartialEq)]
struct Seen {
    streams: Vec<(StreamId, Seq, Head)>,
    events: Vec<Event>,
    snapshot: Option<Snapshot>,
    records: Vec<(EmailId, Bytes)>,
    bodies: Vec<(BodyId, Bytes)>,
}

fn see(store: &LocalStore, account: AccountId) -> Seen {
    let all = EmailRange {
        first: EmailId { mailbox: 0, uid: 0 },
        last: EmailId { mailbox: u32::MAX, uid: u32::MAX },
    };
    block_on(async {
        let bodies = store.list_bodies(account, None, 999).await.unwrap();
        let octets = |id: BodyId| block_on(store.body(account, id, 0, 1 << 20)).unwrap().unwrap();
        Seen {
            streams: store.list_streams(account).await.unwrap(),
            events: store.read(stream(account, 1), Seq::NONE, 999).await.unwrap(),
            snapshot: store.snapshot_at(stream(account, 1), Seq(999)).await.unwrap(),
            records: store.records(account, &[all]).await.unwrap(),
            bodies: bodies.into_iter().map(|id| (id, octets(id))).collect(),
        }
    })
}

#[test]
fn an_account_costs_the_tables_of_contents_and_its_own_frames() {
    let (disk, store, whole) = filled(1, End::Sealed);
    let before = disk.octets_read("log");
    let (new, extracted, copy) = extract(&disk, WANTED);
    let read = disk.octets_read("log") - before;
    assert_eq!((extracted.walked, extracted.rot.len()), (0, 0));
    let frames = extracted.frames;
    assert!((EVENTS..EVENTS + 9).contains(&frames), "{frames} frames");
    let own: usize = see(&store, WANTED).events.len() * (BODY + 50 + 90 + 9 + 5 * 80 + 72 + 64);
    let (segments, commits) = (whole / (2 << 20) + 2, (ACCOUNTS * EVENTS) as usize);
    let (contents, headers) = (commits * 16, segments * (2 * 96 + 24 + 72 + 80 + 8) + frames as usize * 72);
    let most = own + 2 * (BODY + 160) + 5 * 240 + contents + headers;
    println!("{read} octets of {whole}, at most {most}");
    assert!(read as usize <= most, "{read} octets were read of {whole}: more than {most}");
    assert!(most < whole / 80, "{most} of {whole} is not one account of {ACCOUNTS}");
    assert!(new.list(Path::new("bodies")).unwrap().len() < 3, "one body, and where others are staged");

    assert_eq!(see(&copy, WANTED), see(&store, WANTED));
    assert_eq!(see(&copy, WANTED).bodies.len(), EVENTS as usize + 1);
    assert_eq!(see(&copy, AccountId(3)).streams, Vec::new());
    let report = copy.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.numbers_given_twice.is_empty(), "{report:?}");
    assert!(report.rot.is_empty() && report.wrong_footers.is_empty() && report.right_footers > 0);
    // It is a store: it remembers its commits, and goes on.
    put(&copy, WANTED, EVENTS - 1);
    put(&copy, WANTED, EVENTS);
    assert_eq!(see(&copy, WANTED).events.len(), EVENTS as usize + 1);
}

#[test]
fn an_account_is_found_in_segments_that_were_rewritten() {
    let (disk, store, _) = filled(5, End::Sealed);
    assert!(store.compact(Extent::Everything).unwrap().segments > 1);
    let (_, extracted, copy) = extract(&disk, WANTED);
    assert_eq!((extracted.walked, extracted.rot.len()), (0, 0));
    assert_eq!(see(&copy, WANTED), see(&store, WANTED));
    let report = copy.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.rot.is_empty(), "{report:?}");
}

#[test]
fn a_segment_without_a_table_of_contents_is_read_as_a_whole() {
    let (disk, store, _) = filled(2, End::Open);
    let (_, extracted, copy) = extract(&disk, WANTED);
    assert_eq!((extracted.walked, extracted.rot.len()), (1, 0));
    assert_eq!(see(&copy, WANTED), see(&store, WANTED));
}

#[test]
fn what_has_rotted_costs_its_own_account_that_record_and_no_other_anything() {
    let (disk, store, _) = filled(3, End::Sealed);
    let before = see(&store, WANTED);
    let path = format!("log/{:016x}.seg", 2);
    let file = disk.open(Path::new(&path)).unwrap();
    let mut octets = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
    file.read_exact_at(&mut octets, 0).unwrap();
    let find = |part: &[u8]| octets.windows(part.len()).position(|window| window == part);
    let in_body = |body: &Bytes| find(&body[3_000..3_040]);
    let seq = (0..EVENTS).rev().find(|seq| in_body(&text(WANTED, *seq)).is_some()).unwrap();
    let (other, own) = (text(AccountId(78), seq), text(WANTED, seq));

    disk.flip_bit(&path, in_body(&other).unwrap(), 3);
    let (_, extracted, copy) = extract(&disk, WANTED);
    assert_eq!(extracted.walked, 0, "somebody else's rot is not even seen");
    assert_eq!(see(&copy, WANTED), before);

    disk.flip_bit(&path, in_body(&own).unwrap(), 3);
    let (_, extracted, copy) = extract(&disk, WANTED);
    assert_eq!(extracted.walked, 1);
    assert!(!extracted.rot.is_empty());
    let there = see(&copy, WANTED);
    assert_eq!((&there.events, &there.records), (&before.events, &before.records));
    assert_eq!(there.bodies.len(), before.bodies.len() - 1);

    // An event that is gone ends its stream, as in the store that it is of.
    disk.flip_bit(&path, find(&[b"who", &own[..40]].concat()).unwrap(), 3);
    let (_, _, copy) = extract(&disk, WANTED);
    let events = block_on(copy.read(stream(WANTED, 1), Seq::NONE, 999)).unwrap();
    assert_eq!(events.len() as u64, seq);
    let behind = block_on(copy.read(stream(WANTED, 1), Seq(seq), 9));
    assert!(matches!(behind, Err(StoreError::Damaged { .. })), "{behind:?}");
}
