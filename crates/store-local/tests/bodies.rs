//! Large bodies are written by a thread of their own: in small steps, at a rate, in nobody's way.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use store::{AccountId, Answer, BodyId, BodyWriter, Store, StoreError};
use store_local::disk::Disk;
use store_local::{LocalStore, Options, Pump};
use testkit::dice::Dice;
use testkit::disk::{Failing, FaultyDisk};

const ACCOUNT: AccountId = AccountId(1);
const MIB: usize = 1 << 20;

/// A store whose threads are this test.
struct Bench {
    disk: FaultyDisk,
    store: LocalStore,
    pump: Pump,
}

impl Bench {
    fn new() -> Self {
        let disk = FaultyDisk::new(1);
        let (store, pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &Options::default()).unwrap();
        Self { disk, store, pump }
    }

    fn stage(&self) -> Box<dyn BodyWriter> {
        poll(&mut self.store.stage_body(ACCOUNT)).unwrap().unwrap()
    }

    /// Works until there is an answer, and says how long the disk was left to others.
    fn work<T>(&mut self, mut answer: Answer<'_, T>) -> (Result<T, StoreError>, Duration) {
        let mut rested = Duration::ZERO;
        loop {
            if let Some(ready) = poll(&mut answer) {
                return (ready, rested);
            }
            rested += self.pump.write_bodies();
            self.pump.commit_group();
        }
    }

    fn files(&self) -> usize {
        let names = |folder| self.disk.list(std::path::Path::new(folder)).unwrap();
        names("bodies").len() - 1 + names("bodies/staging").len()
    }
}

fn poll<T>(answer: &mut Answer<'_, T>) -> Option<Result<T, StoreError>> {
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => Some(ready),
        Poll::Pending => None,
    }
}

fn body(octets: usize) -> Bytes {
    Dice::new(octets as u64).octets(octets).into()
}

#[test]
fn who_sends_a_large_body_does_not_write_it() {
    let mut bench = Bench::new();
    bench.disk.break_down(Failing::Write, "bodies", 0);
    let mut writer = bench.stage();
    let mut answer = writer.write(body(MIB));
    assert_eq!(poll(&mut answer), None, "the disk has not been asked, or it would have refused");
    let (refused, _) = bench.work(answer);
    assert!(matches!(refused, Err(StoreError::Unavailable { uncertain: false, .. })), "{refused:?}");
}

#[test]
fn a_large_body_is_synced_in_small_steps_and_rests_between_them() {
    let mut bench = Bench::new();
    let body = body(8 * MIB);
    let mut writer = bench.stage();
    let (written, rested) = bench.work(writer.write(body.clone()));
    written.unwrap();
    assert_eq!(bench.disk.syncs("bodies"), 7, "the last piece may yet grow");
    let (finished, rested_more) = bench.work(writer.finish());
    assert_eq!((rested + rested_more).as_millis(), 125, "64 MiB are a second's");
    assert_eq!(finished, Ok((BodyId::of(&body), body.len() as u64)));
    let (read, _) = bench.work(bench_body(&bench.disk, &body));
    assert_eq!(read.unwrap(), Some(body));
}

/// What a store finds that is opened after the power has failed.
fn bench_body<'a>(disk: &FaultyDisk, body: &Bytes) -> Answer<'a, Option<Bytes>> {
    let (store, _) = LocalStore::open_with_pump(Arc::new(disk.cut(1)), &Options::default()).unwrap();
    let read = poll(&mut store.body(ACCOUNT, BodyId::of(body), 0, body.len())).unwrap();
    Box::pin(std::future::ready(read))
}

#[test]
fn those_who_send_large_bodies_at_once_take_turns() {
    let mut bench = Bench::new();
    let (mut first, mut second) = (bench.stage(), bench.stage());
    let body = body(2 * MIB);
    let (mut one, mut other) = (first.write(body.clone()), second.write(body.slice(..MIB)));
    assert!(poll(&mut one).is_none() && poll(&mut other).is_none());
    // Whoever has less to write is done first.
    while poll(&mut other).is_none() {
        assert!(poll(&mut one).is_none());
        bench.pump.write_bodies();
    }
    assert!(bench.work(one).0.is_ok());
}

#[test]
fn a_body_of_which_a_piece_was_not_written_is_not_finished() {
    let mut bench = Bench::new();
    let mut writer = bench.stage();
    bench.work(writer.write(body(MIB))).0.unwrap();
    bench.disk.fail(Failing::Space, "bodies", 0);
    bench.work(writer.write(body(MIB))).0.unwrap_err();
    bench.work(writer.write(body(MIB))).0.unwrap_err();
    bench.work(writer.finish()).0.unwrap_err();
    assert_eq!(bench.files(), 0);
}

#[test]
fn a_body_whose_sender_hangs_up_while_a_piece_is_written_leaves_nothing() {
    let mut bench = Bench::new();
    let mut writer = bench.stage();
    bench.work(writer.write(body(MIB))).0.unwrap();
    let mut answer = writer.write(body(MIB));
    assert!(poll(&mut answer).is_none());
    drop(answer);
    drop(writer);
    bench.pump.write_bodies();
    assert_eq!(bench.files(), 0);
}
