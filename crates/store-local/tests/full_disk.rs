//! A real file system that refuses to write, and then does not any more. The limit on the size of files stands in for
//! a full disk: the kernel refuses, part of a write may be done, and nobody needs to be root.
//!
//! The one that is limited is this very test, started again by a shell that lets it bear `SIGXFSZ`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use bytes::Bytes;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use store::conformance::block_on;
use store::{
    AccountId, Append, Commit, CommitId, Committed, EmailId, Head, Seq, Store, StoreError, StreamId,
};
use store_local::disk::RealDisk;
use store_local::{LocalStore, Options};
use support::Folder;

const DIRECTORY: &str = "GATEPOST_FULL_DISK_DIRECTORY";
const STREAM: StreamId = StreamId { account: AccountId(1), number: 1 };
/// Octets that a file may have while the disk is full: more than an empty index has.
const FULL: u64 = 6 << 20;

#[test]
fn a_store_on_a_full_disk_refuses_and_goes_on_by_itself_when_there_is_room() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return fill_and_go_on(Path::new(&directory));
    }
    let folder = Folder::new();
    let name = "a_store_on_a_full_disk_refuses_and_goes_on_by_itself_when_there_is_room";
    let mut again = Command::new("sh");
    again.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let ended = again.args(["--exact", name]).env(DIRECTORY, folder.path()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    // Whatever happened, it lies on the disk as if nothing had.
    let store = LocalStore::open(folder.path()).unwrap();
    assert!(store.rot().is_empty(), "{:?}", store.rot());
    let report = store.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.entries > 0, "{report:?}");
    let seq = block_on(store.heads(&[STREAM])).unwrap().pop().flatten().unwrap().0;
    let answered = std::fs::read_to_string(folder.path().join("answered")).unwrap();
    assert_eq!(seq.0.to_string(), answered);
}

fn fill_and_go_on(directory: &Path) {
    let pause = Duration::from_millis(1);
    let options = Options { first_pause: pause, longest_pause: pause, ..Options::default() };
    let store = LocalStore::open_on(Arc::new(RealDisk::at(directory).unwrap()), &options).unwrap();
    let (mut seq, mut id) = (0, 0);
    for _ in 0..3 {
        set_limit(Some(longest_file(directory).max(FULL) + (1 << 20)));
        seq = commit_until_refused(&store, seq, &mut id);
        let events = block_on(store.read(STREAM, Seq::NONE, usize::MAX)).unwrap();
        assert!(!events.is_empty(), "reads go on");
        set_limit(None);
        // It tries by itself; until then it refuses.
        while block_on(store.commit(commit(seq, &mut id))) != Ok(Committed::Done) {
            std::thread::yield_now();
        }
        seq += 1;
    }
    store.close().unwrap();
    std::fs::write(directory.join("answered"), seq.to_string()).unwrap();
}

fn longest_file(directory: &Path) -> u64 {
    let log = std::fs::read_dir(directory.join("log")).unwrap();
    log.map(|file| file.unwrap().metadata().unwrap().len()).max().unwrap_or_default()
}

fn set_limit(octets: Option<u64>) {
    let most = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: octets.or(most), maximum: most }).unwrap();
}

fn commit_until_refused(store: &LocalStore, mut seq: u64, id: &mut u64) -> u64 {
    loop {
        match block_on(store.commit(commit(seq, id))) {
            Ok(Committed::Done) => seq += 1,
            Err(StoreError::Unavailable { .. }) => return seq,
            other => panic!("{other:?}"),
        }
    }
}

/// Every time another one: what was refused is not asked for again.
fn commit(expected: u64, id: &mut u64) -> Commit {
    *id += 1;
    let append = Append {
        stream: STREAM,
        expected: Seq(expected),
        events: vec![Bytes::from(id.to_string())],
        head: Head(Bytes::from(id.to_string())),
    };
    let record = Bytes::from(testkit::dice::Dice::new(*id).octets(200_000));
    Commit {
        account: STREAM.account,
        id: CommitId(u128::from(*id).to_le_bytes()),
        after: None,
        needs_format: store::FIRST_FORMAT,
        time_ms: 1,
        origin: Bytes::new(),
        appends: vec![append],
        records: vec![(EmailId { mailbox: 1, uid: 1 }, Some(record.into()))],
        bodies: Vec::new(),
    }
}
