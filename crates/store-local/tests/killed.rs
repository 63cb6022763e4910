//! SIGKILL in the middle of many writers, and of a compaction, on a real disk: everything that was answered is there, in order, and the
//! index is the one that the log makes. `GATEPOST_KILLS` says how often.
//!
//! The one that is killed is this very test, started again with a directory to write in.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and this one talks to its parent"
)]

mod support;

use bytes::Bytes;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, Commit, CommitId, Committed, EmailId, EmailRange, Head, Seq, Store, StreamId,
};
use store_local::disk::RealDisk;
use store_local::{Compacting, Extent, LocalStore, Options};
use support::Folder;

const WRITERS: u32 = 16;
const DIRECTORY: &str = "GATEPOST_KILLED_DIRECTORY";
/// Answers after which the writer is killed.
const ANSWERS: usize = 300;

#[test]
fn a_killed_store_has_everything_that_it_answered() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return write_until_killed(Path::new(&directory));
    }
    let folder = Folder::new();
    let kills = std::env::var("GATEPOST_KILLS").map_or(10, |kills| kills.parse().unwrap());
    for _ in 0..kills {
        check(folder.path(), &answers_until_kill(folder.path()));
    }
}

/// The last event that each stream's writer was answered.
type Answered = BTreeMap<u32, u64>;

fn answers_until_kill(directory: &Path) -> Answered {
    let mut child = start_again(directory);
    let mut answered = Answered::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for (n, line) in lines.map_while(Result::ok).enumerate() {
        if n == ANSWERS {
            child.kill().unwrap();
        }
        // The last line may be half a line, and the harness writes a few of its own.
        if let Some((number, seq)) =
            line.strip_prefix("answered ").and_then(|rest| rest.strip_suffix('.')?.split_once(' '))
        {
            answered.insert(number.parse().unwrap(), seq.parse().unwrap());
        }
    }
    child.wait().unwrap();
    assert!(!answered.is_empty(), "the writer never wrote");
    answered
}

fn start_again(directory: &Path) -> Child {
    let name = "a_killed_store_has_everything_that_it_answered";
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", name, "--nocapture"]).env(DIRECTORY, directory).stdout(Stdio::piped());
    again.spawn().unwrap()
}

fn check(directory: &Path, answered: &Answered) {
    let store = LocalStore::open(directory).unwrap();
    assert!(store.rot().is_empty(), "{:?}", store.rot());
    for (&number, &last) in answered {
        let stream = stream(number);
        let events = block_on(store.read(stream, Seq::NONE, usize::MAX)).unwrap();
        assert!(
            events.len() as u64 >= last,
            "stream {number} has {} events, {last} were answered",
            events.len()
        );
        assert!(events.iter().map(|event| event.seq.0).eq(1..=events.len() as u64));
        let all = EmailRange { first: email(number, 0), last: email(number, u32::MAX) };
        assert_eq!(block_on(store.records(stream.account, &[all])).unwrap().len(), events.len());
        assert_eq!(
            block_on(store.list_bodies(stream.account, None, usize::MAX)).unwrap().len(),
            events.len()
        );
        assert_eq!(
            block_on(store.heads(&[stream])).unwrap().pop().flatten().unwrap().0.0,
            events.len() as u64
        );
    }
    let report = store.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.wrong_footers.is_empty(), "{report:?}");
}

/// Heads that others have come after are needless: so there is something to be compacted meanwhile.
fn write_until_killed(directory: &Path) {
    let compacting = Compacting { every: None, octets_per_second: u64::MAX };
    let options = Options { segment_octets: 200_000, compacting, ..Options::default() };
    let store = LocalStore::open_on(Arc::new(RealDisk::at(directory).unwrap()), &options).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                assert_eq!(store.compact(Extent::Everything).unwrap().put_off, None);
            }
        });
        for number in 1..=WRITERS {
            let store = &store;
            scope.spawn(move || write_on(store, number));
        }
    });
}

fn write_on(store: &LocalStore, number: u32) {
    let head = block_on(store.heads(&[stream(number)])).unwrap().pop().flatten();
    let mut seq = head.map_or(0, |(seq, _)| seq.0);
    loop {
        let answer = block_on(store.commit(message(number, seq))).unwrap();
        assert_eq!(answer, Committed::Done);
        seq += 1;
        let mut out = std::io::stdout().lock();
        // One write: the pipe takes lines this short whole.
        out.write_all(format!("answered {number} {seq}.\n").as_bytes()).unwrap();
        out.flush().unwrap();
    }
}

fn message(number: u32, seq: u64) -> Commit {
    let uid = u32::try_from(seq + 1).unwrap();
    let body = Bytes::from(format!("body {number} {seq} ").repeat(200));
    Commit {
        account: stream(number).account,
        id: CommitId((u128::from(seq) << 32 | u128::from(number) | 1 << 100).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![Append {
            stream: stream(number),
            expected: Seq(seq),
            events: vec![Bytes::from(format!("event {seq}"))],
            head: Head(Bytes::from(format!("head {seq}"))),
        }],
        records: vec![(email(number, uid), Some(Bytes::from(format!("record {seq}")).into()))],
        bodies: vec![Body::new(body)],
    }
}

fn stream(number: u32) -> StreamId {
    StreamId { account: AccountId(number.into()), number }
}

fn email(mailbox: u32, uid: u32) -> EmailId {
    EmailId { mailbox, uid }
}
