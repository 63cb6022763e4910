//! What readers wait for while others write: 16 accounts with a writer each, 4 readers that ask for a head, the last 20
//! events or the last 50 records, and a second thread that moves the index's tail once a second. Every sync of data is a sleep of
//! 500 us, for a disk that is shared with others says nothing about the store.
//!
//! `cargo run --release -p store-local --example readers -- DIRECTORY` prints one line: appends a second, then the median and
//! the 99th percentile, in microseconds, of a commit, a head, events and records.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that prints"
)]

use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, Commit, CommitId, Committed, EmailId, EmailRange, Head, Seq, Store, StreamId,
};
use store_local::disk::filesystem::Filesystem;
use store_local::disk::{Disk, File, Lock, LockError, RealDisk};
use store_local::{LocalStore, Options};
use testkit::dice::Dice;

const WRITERS: u64 = 16;
const READERS: u64 = 4;
const RUN: Duration = Duration::from_secs(8);
const SYNC: Duration = Duration::from_micros(500);
/// Between two questions of a reader.
const PAUSE: Duration = Duration::from_micros(100);
const OCTETS: usize = 512;

fn main() {
    let directory = std::env::args().nth(1).expect("a directory to work in");
    let disk = Arc::new(SlowDisk(RealDisk::at(Path::new(&directory)).unwrap()));
    let store = LocalStore::open_on(disk, &Options::default()).unwrap();
    let written: Vec<AtomicU64> = (0..WRITERS).map(|_| AtomicU64::new(0)).collect();
    let mut times: [Vec<Duration>; 4] = Default::default();
    thread::scope(|scope| {
        let (store, written) = (&store, &written);
        let writers: Vec<_> =
            (0..WRITERS).zip(written).map(|(n, seq)| scope.spawn(move || write(store, n, seq))).collect();
        let readers: Vec<_> = (0..READERS).map(|n| scope.spawn(move || read(store, n, written))).collect();
        writers.into_iter().for_each(|writer| times[0].extend(writer.join().unwrap()));
        for reader in readers {
            let asked = reader.join().unwrap();
            asked.into_iter().zip(&mut times[1..]).for_each(|(asked, all)| all.extend(asked));
        }
    });
    let appends = times[0].len() as f64 / RUN.as_secs_f64();
    let columns = times.iter_mut().map(|times| percentiles(times));
    println!("{appends:.0} {}", columns.collect::<Vec<_>>().join(" "));
}

fn write(store: &LocalStore, account: u64, written: &AtomicU64) -> Vec<Duration> {
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < RUN {
        let (commit, asked) = (message(account, times.len() as u64), Instant::now());
        assert_eq!(block_on(store.commit(commit)).unwrap(), Committed::Done);
        times.push(asked.elapsed());
        written.store(times.len() as u64, Ordering::Release);
    }
    times
}

/// Heads, events, records in turn.
fn read(store: &LocalStore, seed: u64, written: &[AtomicU64]) -> [Vec<Duration>; 3] {
    let (start, mut dice) = (Instant::now(), Dice::new(seed));
    let mut times: [Vec<Duration>; 3] = Default::default();
    while start.elapsed() < RUN {
        let account = dice.below(WRITERS);
        let stream = StreamId { account: AccountId(account), number: 1 };
        let last = written[account as usize].load(Ordering::Acquire);
        let from = EmailId { mailbox: 1, uid: last.saturating_sub(50) as u32 };
        let range = EmailRange { first: from, last: EmailId { mailbox: 1, uid: last as u32 } };
        let asked = Instant::now();
        block_on(store.heads(&[stream])).unwrap();
        times[0].push(asked.elapsed());
        let asked = Instant::now();
        block_on(store.read(stream, Seq(last.saturating_sub(20)), 20)).unwrap();
        times[1].push(asked.elapsed());
        let asked = Instant::now();
        block_on(store.records(stream.account, &[range])).unwrap();
        times[2].push(asked.elapsed());
        thread::sleep(PAUSE);
    }
    times
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_micros);
    format!("{} {}", at(50), at(99))
}

/// A message of octets that do not compress.
fn message(account: u64, seq: u64) -> Commit {
    let mut dice = Dice::new(account << 40 | seq);
    let mut octets = |length| Bytes::from(dice.octets(length));
    let (id, body) = (octets(16), octets(OCTETS));
    let stream = StreamId { account: AccountId(account), number: 1 };
    Commit {
        account: stream.account,
        id: CommitId(id.first_chunk().copied().unwrap()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::from_static(b"a benchmark"),
        appends: vec![Append {
            stream,
            expected: Seq(seq),
            events: vec![octets(60)],
            head: Head(octets(64)),
        }],
        records: vec![(EmailId { mailbox: 1, uid: seq as u32 + 1 }, Some(octets(OCTETS).into()))],
        bodies: vec![Body::new(body)],
    }
}

#[derive(Debug)]
struct SlowDisk(RealDisk);

#[derive(Debug)]
struct SlowFile(Arc<dyn File>);

impl Disk for SlowDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(SlowFile(self.0.create(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(SlowFile(self.0.open(path)?)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.0.remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.0.unlink(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.list(path)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Lock>, LockError> {
        self.0.lock(path)
    }

    fn filesystem(&self) -> io::Result<Filesystem> {
        self.0.filesystem()
    }

    fn place(&self) -> String {
        self.0.place()
    }
}

impl File for SlowFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        thread::sleep(SYNC);
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }

    fn reserve(&self, end: u64) -> io::Result<()> {
        self.0.reserve(end)
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }
}
