//! The store: a message in, and out again.

use crate::{Operation, Work};
use bytes::Bytes;
use std::hint::black_box;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use store::{
    AccountId, Answer, Append, Body, Commit, CommitId, Committed, EmailId, EmailRange, Head, Seq, Store,
    StreamId,
};
use store_local::disk::{Disk, RealDisk};
use store_local::{LocalStore, Options, Pump};
use testkit::dice::Dice;
use testkit::disk::FaultyDisk;

pub(crate) const ALL: &[Operation] = &[
    Operation { name: "store-local/commit", yields: 1, prepare: commit },
    Operation { name: "store-local/read-body", yields: BODY as u64, prepare: read_body },
    Operation { name: "store-local/read-records", yields: MESSAGES, prepare: read_records },
];

const ACCOUNT: AccountId = AccountId(1);
const STREAM: StreamId = StreamId { account: ACCOUNT, number: 1 };
const BODY: usize = 4 << 10;
const RECORD: usize = 1 << 10;
/// How many messages are there to be read.
const MESSAGES: u64 = 256;

/// One message of 4 KiB, with its record and its event, on a disk in memory: what is counted is our work, and that of
/// the index.
fn commit() -> Work {
    commit_on(Arc::new(FaultyDisk::new(1)))
}

/// The same on a disk that has to sync it.
///
/// # Panics
/// Where there can be no store.
#[must_use]
pub fn commit_on_real_disk(directory: &Path) -> Work {
    commit_on(Arc::new(RealDisk::at(directory.to_owned()).unwrap()))
}

fn commit_on(disk: Arc<dyn Disk>) -> Work {
    let mut shop = Shop::open(disk);
    Box::new(move || {
        shop.commit();
        1
    })
}

fn read_body() -> Work {
    let mut shop = Shop::open(Arc::new(FaultyDisk::new(1)));
    let bodies: Vec<_> = (0..MESSAGES).map(|_| shop.next_message()).collect();
    let names: Vec<_> = bodies.iter().flat_map(|commit| &commit.bodies).map(Body::id).collect();
    bodies.into_iter().for_each(|commit| shop.carry_out(commit));
    shop.pump.move_tail();
    let mut dice = Dice::new(2);
    Box::new(move || {
        let name = dice.pick(&names);
        let octets = at_once(shop.store.body(ACCOUNT, black_box(name), 0, BODY)).unwrap();
        octets.len() as u64
    })
}

/// As FETCH of many envelopes does.
fn read_records() -> Work {
    let mut shop = Shop::open(Arc::new(FaultyDisk::new(1)));
    for _ in 0..MESSAGES {
        shop.commit();
    }
    shop.pump.move_tail();
    let range =
        EmailRange { first: EmailId { mailbox: 1, uid: 0 }, last: EmailId { mailbox: 1, uid: u32::MAX } };
    Box::new(move || at_once(shop.store.records(ACCOUNT, black_box(&[range]))).len() as u64)
}

/// A store whose threads we are, so that the same happens each time.
struct Shop {
    store: LocalStore,
    pump: Pump,
    dice: Dice,
    messages: u32,
}

impl Shop {
    fn open(disk: Arc<dyn Disk>) -> Self {
        let (store, pump) = LocalStore::open_with_pump(disk, &Options::default()).unwrap();
        Self { store, pump, dice: Dice::new(1), messages: 0 }
    }

    fn commit(&mut self) {
        let commit = self.next_message();
        self.carry_out(commit);
    }

    fn carry_out(&mut self, commit: Commit) {
        let mut answer = self.store.commit(commit);
        assert!(poll(&mut answer).is_pending(), "nobody has committed it yet");
        assert!(self.pump.commit_group());
        assert_eq!(at_once(answer), Committed::Done);
    }

    /// Its octets do not compress: that would be zstd's work, not ours.
    fn next_message(&mut self) -> Commit {
        let body = Bytes::from(self.dice.octets(BODY));
        let number = self.messages;
        self.messages += 1;
        Commit {
            account: ACCOUNT,
            id: CommitId(u128::from(number).to_le_bytes()),
            after: None,
            needs_format: store::FIRST_FORMAT,
            time_ms: 1,
            origin: Bytes::from_static(b"a measurement"),
            appends: vec![Append {
                stream: STREAM,
                expected: Seq(number.into()),
                events: vec![self.dice.octets(60).into()],
                head: Head(self.dice.octets(64).into()),
            }],
            records: vec![(
                EmailId { mailbox: 1, uid: number + 1 },
                Some(Bytes::from(self.dice.octets(RECORD)).into()),
            )],
            bodies: vec![Body::new(body)],
        }
    }
}

fn poll<T>(answer: &mut Answer<'_, T>) -> Poll<Result<T, store::StoreError>> {
    Pin::new(answer).poll(&mut Context::from_waker(Waker::noop()))
}

fn at_once<T>(mut answer: Answer<'_, T>) -> T {
    match poll(&mut answer) {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => panic!("the answer is known"),
    }
}
