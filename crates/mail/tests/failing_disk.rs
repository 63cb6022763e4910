//! An account on a disk that fails for a while, with many changes under way: who was told "done" finds it, what nobody
//! was told of is not there, no UID and no MODSEQ is given twice, and the account goes on without a restart.
#![allow(clippy::unwrap_used, reason = "a test may panic, and prints its seed")]

mod support;

use mail::{Account, Error, Placed};
use mailbox::MailboxState;
use mailbox::account::MailboxId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use store_local::Recovered;
use support::local::{open, pumping};
use support::{accounts, ann, append, id};
use terms::Uid;
use testkit::dice::Dice;
use testkit::disk::{Failing, FaultyDisk};
use tokio::task::JoinSet;

const SEEDS: u64 = 60;
/// Clients that append at once, so that many commits build on each other.
const CLIENTS: u64 = 12;
const MESSAGES: u64 = 10;

/// What clients were told, by UID: the message's size names it.
#[derive(Default)]
struct Told {
    appended: BTreeMap<u32, u64>,
    refused: usize,
}

#[test]
fn an_account_with_commits_in_flight_goes_on_when_its_disk_has_failed_for_a_while() {
    let (mut refused, mut recovered) = (0, 0);
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let life = runtime.block_on(life(seed));
        refused += life.0;
        recovered += life.1;
    }
    assert!(
        refused > 100 && recovered > 60,
        "{refused} refused, {recovered} recoveries: too few to prove anything"
    );
}

/// An admin must be able to come in and see why; and no account is told from the names that nobody has, for there is
/// none before the disk works.
#[tokio::test]
async fn a_directory_opens_on_a_full_disk_and_keeps_the_decoys_secret_with_the_first_account() {
    let disk = FaultyDisk::new(1);
    let (store, mut pump) = open(&disk);
    disk.break_down(Failing::Space, "", 0);
    let accounts = pumping(&mut pump, accounts(&store)).await;
    let cost = support::record("x").cost();
    let shown = |accounts: &mail::Accounts| accounts.find("nobody", &cost).record.encode();
    let before = shown(&accounts);
    assert!(pumping(&mut pump, accounts.add("ann", &support::record("x"))).await.is_err());
    disk.mend();
    pump.try_to_recover();
    pumping(&mut pump, accounts.add("ann", &support::record("x"))).await.unwrap();
    assert_eq!(shown(&accounts), before);
    let (again, mut pump) = open(&disk.cut(1));
    assert_eq!(shown(&pumping(&mut pump, support::accounts(&again)).await), before);
}

/// How many appends were refused, and how often the store recovered.
async fn life(seed: u64) -> (usize, usize) {
    let (disk, mut dice) = (FaultyDisk::new(seed), Dice::new(seed));
    let (store, mut pump) = open(&disk);
    let ann = pumping(&mut pump, ann(&store)).await.1;
    let inbox = pumping(&mut pump, id(&ann, "INBOX")).await;
    let told = Arc::<Mutex<Told>>::default();
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        clients.spawn(client(Arc::clone(&ann), inbox, n, Arc::clone(&told)));
    }
    let mut recoveries = 0;
    while !clients.is_empty() {
        while let Some(done) = clients.try_join_next() {
            done.unwrap();
        }
        let_fail(&disk, &mut dice);
        pump.commit_group();
        recoveries += usize::from(dice.chance(50) && pump.try_to_recover() == Recovered::Yes);
        tokio::task::yield_now().await;
    }
    disk.mend();
    pump.try_to_recover();
    let last = pumping(&mut pump, append(&ann, inbox, "Subject: last\r\n\r\n")).await.unwrap();
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert!(told.appended.keys().all(|uid| *uid < last.uid.get()), "a UID is given twice");

    let here = Arc::clone(pumping(&mut pump, ann.open(inbox)).await.unwrap().newest().state());
    check(&here, &told, last.uid);
    // Whatever is held in memory, the disk holds the same.
    let name = ann.id();
    let (again, mut pump) = open(&disk.cut(seed));
    let ann = pumping(&mut pump, accounts(&again)).await.account(name);
    let there = Arc::clone(pumping(&mut pump, ann.open(inbox)).await.unwrap().newest().state());
    assert_eq!(there.snapshot(), here.snapshot());
    (told.refused, recoveries)
}

fn let_fail(disk: &FaultyDisk, dice: &mut Dice) {
    match dice.below(12) {
        0 => disk.fail(Failing::Sync, "log", dice.below(3)),
        1 => disk.break_down(Failing::Sync, "log", 0),
        2 => disk.break_down(Failing::Space, "", dice.below(3)),
        3..=6 => disk.mend(),
        _ => {}
    }
}

async fn client(ann: Arc<Account>, inbox: MailboxId, n: u64, told: Arc<Mutex<Told>>) {
    for message in 0..MESSAGES {
        // No two are of one size.
        let text = "x".repeat(usize::try_from(n * MESSAGES + message).unwrap());
        let appended = append(&ann, inbox, &format!("Subject: a\r\n\r\n{text}")).await;
        told.lock().unwrap().take_note(text.len() as u64, appended);
        catch_breath().await;
    }
}

impl Told {
    fn take_note(&mut self, letters: u64, appended: Result<Placed, Error>) {
        match appended {
            Ok(placed) => {
                let twice = self.appended.insert(placed.uid.get(), 14 + letters);
                assert_eq!(twice, None, "a UID is given twice");
            }
            Err(Error::Unavailable(_) | Error::Uncertain(_)) => self.refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Long enough for the disk to be mended now and then.
async fn catch_breath() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// What is there is what was told, and nothing else.
fn check(state: &MailboxState, told: &Told, last: Uid) {
    let uids = state.uids(Uid::MIN);
    let rows: Vec<_> = state.reader(state.owner()).rows(&uids).collect();
    let there: BTreeMap<u32, u64> =
        rows.iter().map(|row| (row.uid.get(), row.size)).filter(|(uid, _)| *uid != last.get()).collect();
    assert_eq!(there, told.appended);
    let mut mod_seqs: Vec<_> = rows.iter().map(|row| row.modseq).collect();
    assert!(mod_seqs.is_sorted(), "later messages have higher MODSEQs");
    mod_seqs.dedup();
    assert_eq!(mod_seqs.len(), rows.len(), "no MODSEQ is given twice");
}
