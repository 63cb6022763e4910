//! Appends per second with 1 and 64 writers, beside what the disk's own fdatasync allows, and what it costs to open a
//! mailbox of 100,000 messages and to list their records.
//!
//! `cargo run --release -p store-local --example append_rate -- DIRECTORY`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that prints")]

use bytes::Bytes;
use std::path::Path;
use std::time::{Duration, Instant};
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, Commit, CommitId, Committed, EmailId, EmailRange, Head, Seq, Store, StreamId,
};
use store_local::LocalStore;
use store_local::disk::{Disk, RealDisk};

const BODY: usize = 4 << 10;
const RECORD: usize = 1 << 10;
const RUN: Duration = Duration::from_secs(3);
const MESSAGES: u32 = 100_000;

fn main() {
    let directory = std::env::args().nth(1).expect("a directory to work in");
    let directory = Path::new(&directory);
    println!("fdatasync of {BODY} appended octets: {:.0}/s", raw_syncs(directory));
    for writers in [1, 64] {
        let store = LocalStore::open(&directory.join(format!("{writers}"))).unwrap();
        println!("{writers} writers: {:.0} appends/s", appends(&store, writers));
    }
    let many = directory.join("many");
    let store = LocalStore::open(&many).unwrap();
    let start = Instant::now();
    fill(&store);
    println!("{MESSAGES} messages in batches of 100: {:.1?}", start.elapsed());
    list(&store);
    store.close().unwrap();
    drop(store);
    let start = Instant::now();
    let store = LocalStore::open(&many).unwrap();
    println!("opened again in {:.1?}", start.elapsed());
    list(&store);
}

fn raw_syncs(directory: &Path) -> f64 {
    let disk = RealDisk::at(directory.join("raw")).unwrap();
    let file = disk.create(Path::new(&format!("{}", std::process::id()))).unwrap();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < RUN {
        file.write_at(&[7; BODY], count * BODY as u64).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    rate(count, start)
}

fn appends(store: &LocalStore, writers: u32) -> f64 {
    let start = Instant::now();
    let counts = std::thread::scope(|scope| {
        let writer = |number| scope.spawn(move || append_for_a_while(store, number));
        let writers: Vec<_> = (1..=writers).map(writer).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    rate(counts, start)
}

fn append_for_a_while(store: &LocalStore, number: u32) -> u64 {
    let (start, mut seq) = (Instant::now(), 0);
    while start.elapsed() < RUN {
        let commit = message(StreamId { account: AccountId(number.into()), number: 1 }, seq, 1);
        assert_eq!(block_on(store.commit(commit)).unwrap(), Committed::Done);
        seq += 1;
    }
    seq
}

/// A commit that appends `count` messages, each with a record and a body of octets that do not compress.
fn message(stream: StreamId, seq: u64, count: u32) -> Commit {
    let first = seq as u32 * count + 1;
    let octets = |length: usize, salt: u64| {
        let seed = u64::from(stream.number) << 48 ^ stream.account.0 << 32 ^ seq << 8 ^ salt;
        Bytes::from(testkit::dice::Dice::new(seed).octets(length))
    };
    let bodies = (0..count).map(|n| octets(BODY, n.into())).map(Body::new).collect();
    let email = |n| EmailId { mailbox: stream.number, uid: first + n };
    Commit {
        account: stream.account,
        id: CommitId(octets(16, 1 << 40).first_chunk().copied().unwrap()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::from_static(b"a benchmark"),
        appends: vec![Append {
            stream,
            expected: Seq(seq),
            events: vec![octets(60, 1 << 41)],
            head: Head(octets(64, 1 << 42)),
        }],
        records: (0..count)
            .map(|n| (email(n), Some(octets(RECORD, 1 << 43 | u64::from(n)).into())))
            .collect(),
        bodies,
    }
}

fn fill(store: &LocalStore) {
    let stream = StreamId { account: AccountId(1), number: 1 };
    for seq in 0..u64::from(MESSAGES / 100) {
        assert_eq!(block_on(store.commit(message(stream, seq, 100))).unwrap(), Committed::Done);
    }
}

fn list(store: &LocalStore) {
    let range =
        EmailRange { first: EmailId { mailbox: 1, uid: 0 }, last: EmailId { mailbox: 1, uid: u32::MAX } };
    let start = Instant::now();
    let records = block_on(store.records(AccountId(1), &[range])).unwrap();
    println!("{} records read, {:.0}/s", records.len(), rate(records.len() as u64, start));
}

fn rate(count: u64, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}
