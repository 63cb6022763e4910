//! The scrub finds rot by itself, tells of each damage once, goes on where it stopped, and is ended by a stop.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use bytes::Bytes;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::conformance::block_on;
use store::{
    AccountId, Append, Body, BodyId, Commit, CommitId, Committed, Head, Seq, Store, StoreError, StreamId,
};
use store_local::disk::Disk;
use store_local::{Damage, Found, LocalStore, Lost, Options, Rot, Scrubbing, Scrubs, Tally, Witness};
use testkit::disk::FaultyDisk;

const ACCOUNT: AccountId = AccountId(1);

#[derive(Debug)]
enum Heard {
    Damaged(Damage),
    Scrubbed(Tally),
}

#[derive(Debug)]
struct Admin(Mutex<Sender<Heard>>);

impl Witness for Admin {
    fn failed(&self, _: &StoreError) {}
    fn recovered(&self) {}
    fn rot(&self, _: &Rot) {}

    fn damaged(&self, damage: &Damage) {
        let _ = self.0.lock().unwrap().send(Heard::Damaged(damage.clone()));
    }

    fn scrubbed(&self, tally: &Tally) {
        let _ = self.0.lock().unwrap().send(Heard::Scrubbed(*tally));
    }
}

fn options(scrubbing: Scrubbing) -> (Options, Receiver<Heard>) {
    let (ear, heard) = channel();
    let witness = Arc::new(Admin(Mutex::new(ear)));
    (Options { segment_octets: 4_000, witness, scrubbing, ..Options::default() }, heard)
}

const FAST: Scrubbing = Scrubbing { every: None, octets_per_second: u64::MAX };

/// A store with forty bodies, closed.
fn filled() -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options(FAST).0).unwrap();
    for n in 0..40_u64 {
        let body = Bytes::from(format!("body {n}"));
        let commit = Commit {
            account: ACCOUNT,
            id: CommitId(u128::from(n + 1).to_le_bytes()),
            after: None,
            needs_format: store::FIRST_FORMAT,
            time_ms: 1,
            origin: Bytes::new(),
            appends: vec![Append {
                stream: StreamId { account: ACCOUNT, number: 1 },
                expected: Seq(n),
                events: vec![Bytes::from(vec![n as u8; 300])],
                head: Head::default(),
            }],
            records: Vec::new(),
            bodies: vec![Body::new(body)],
        };
        assert_eq!(block_on(store.commit(commit)).unwrap(), Committed::Done);
    }
    store.close().unwrap();
    disk
}

/// Flips a bit of a body, and says of which file.
fn rot(disk: &FaultyDisk, needle: &str) -> String {
    for name in disk.list(Path::new("log")).unwrap() {
        let path = format!("log/{name}");
        let file = disk.open(Path::new(&path)).unwrap();
        let mut octets = vec![0; file.length().unwrap() as usize];
        file.read_exact_at(&mut octets, 0).unwrap();
        if let Some(at) = octets.windows(needle.len()).position(|window| window == needle.as_bytes()) {
            disk.flip_bit(&path, at, 0);
            return path;
        }
    }
    panic!("{needle} is nowhere");
}

fn lost_body(text: &str) -> Lost {
    Lost::Body { account: ACCOUNT, body: BodyId::of(text.as_bytes()) }
}

#[test]
fn a_scrub_tells_once_of_each_damage_and_then_what_it_has_read() {
    let disk = filled();
    let file = rot(&disk, "body 17");
    let (options, heard) = options(FAST);
    let store = LocalStore::open_on(Arc::new(disk), &options).unwrap();
    for _ in 0..2 {
        store.scrub();
        let Ok(Heard::Damaged(damage)) = heard.recv() else { panic!("no damage is told of") };
        assert_eq!((damage.file.as_str(), &damage.lost[..]), (file.as_str(), &[lost_body("body 17")][..]));
        let Ok(Heard::Scrubbed(tally)) = heard.recv() else { panic!("it does not end") };
        assert!(tally.damages == 1 && tally.segments > 4, "{tally:?}");
        let scrubs = store.scrubs();
        assert_eq!(scrubs.found, Some(Found { needed: 1, needless: 0 }), "not one more each time");
        assert!(scrubs.through_ms > Some(0) && scrubs.octets_read >= tally.octets, "{scrubs:?} {tally:?}");
    }
}

/// What is known of scrubs, once somebody has looked.
fn known(store: &LocalStore) -> Scrubs {
    loop {
        match store.scrubs() {
            Scrubs { found: None, .. } => std::thread::yield_now(),
            scrubs => return scrubs,
        }
    }
}

#[test]
fn what_the_last_scrub_found_is_known_after_a_restart_and_until_the_next_one_finds_less() {
    let disk = filled();
    let file = rot(&disk, "body 17");
    let (options, heard) = options(FAST);
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    store.scrub();
    while !matches!(heard.recv(), Ok(Heard::Scrubbed(_))) {}
    let found = store.scrubs();
    store.close().unwrap();

    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    let restarted = known(&store);
    assert_eq!((restarted.found, restarted.through_ms), (found.found, found.through_ms));
    assert_eq!((restarted.octets_read, restarted.found.map(|found| found.needed)), (0, Some(1)));
    store.close().unwrap();

    flip_back(&disk, &file, "body 17");
    let store = LocalStore::open_on(Arc::new(disk), &options).unwrap();
    store.scrub();
    while !matches!(heard.recv(), Ok(Heard::Scrubbed(_))) {}
    assert_eq!(store.scrubs().found, Some(Found::default()));
}

/// Makes what [`rot`] did undone.
fn flip_back(disk: &FaultyDisk, path: &str, needle: &str) {
    let file = disk.open(Path::new(path)).unwrap();
    let mut octets = vec![0; file.length().unwrap() as usize];
    file.read_exact_at(&mut octets, 0).unwrap();
    let mut rotten = needle.as_bytes().to_vec();
    rotten[0] ^= 1;
    let at = octets.windows(rotten.len()).position(|window| window == rotten).unwrap();
    disk.flip_bit(path, at, 0);
}

#[test]
fn a_scrub_goes_on_where_it_stopped_after_a_restart() {
    let disk = filled();
    let (first, last) = (rot(&disk, "body 3"), rot(&disk, "body 38"));
    assert_ne!(first, last);
    let (options, heard) = options(FAST);
    let mut told = Vec::new();
    let mut restarts = 0;
    loop {
        let (store, pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options).unwrap();
        let through = pump.scrub(6_000);
        drop((store, pump));
        told.extend(heard.try_iter());
        if through {
            break;
        }
        restarts += 1;
        assert!(restarts < 99, "it begins anew each time");
    }
    assert!(restarts > 2, "{restarts}");
    let damages = told.iter().filter_map(|heard| match heard {
        Heard::Damaged(damage) => Some(&damage.lost[..]),
        Heard::Scrubbed(_) => None,
    });
    let damages: Vec<_> = damages.collect();
    assert_eq!(damages.len(), 2, "{told:?}");
    assert_eq!(damages.concat(), [lost_body("body 3"), lost_body("body 38")]);
    let store = LocalStore::open_on(Arc::new(disk), &options).unwrap();
    assert_eq!(known(&store).found, Some(Found { needed: 2, needless: 0 }), "before and after each restart");
}

#[test]
fn whoever_opens_a_store_for_a_moment_goes_on_with_no_scrub() {
    let disk = filled();
    let (first, heard) = options(FAST);
    let (store, pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &first).unwrap();
    assert!(!pump.scrub(6_000));
    drop((store, pump));
    let before = disk.octets_read("log");
    let (store, pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &first).unwrap();
    let opening = disk.octets_read("log") - before;
    drop((store, pump));
    let before = disk.octets_read("log");
    LocalStore::open_on(Arc::new(disk.clone()), &first).unwrap().close().unwrap();
    assert!(disk.octets_read("log") - before <= opening + 100, "only the opening reads");
    assert!(heard.try_iter().next().is_none());
}

#[test]
fn a_stop_ends_a_scrub_that_would_take_for_ever() {
    let disk = filled();
    let slow = Scrubbing { every: Some(Duration::ZERO), octets_per_second: 1 };
    let (options, heard) = options(slow);
    let store = LocalStore::open_on(Arc::new(disk.clone()), &options).unwrap();
    while !store.scrubs().is_running {
        std::thread::yield_now();
    }
    store.close().unwrap();
    assert!(!store.scrubs().is_running);
    assert!(heard.try_iter().next().is_none(), "it cannot be through");
    // The directory is another's now.
    LocalStore::open_on(Arc::new(disk), &options).unwrap();
}

#[test]
fn when_it_is_time_a_scrub_begins_by_itself() {
    let disk = filled();
    let often = Scrubbing { every: Some(Duration::from_millis(1)), ..FAST };
    let (options, heard) = options(often);
    let store = LocalStore::open_on(Arc::new(disk), &options).unwrap();
    for _ in 0..2 {
        assert!(matches!(heard.recv(), Ok(Heard::Scrubbed(Tally { damages: 0, .. }))));
    }
    drop(store);
}
