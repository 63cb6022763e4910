//! The power fails, again and again, in the life of an account that several clients change: what was acknowledged is
//! there, what was not is there whole or not at all, and no UID, no MODSEQ and no UIDVALIDITY that anybody was ever told,
//! as an answer or as an announcement, is given a second time or goes back.
//!
//! What a cut leaves of writes that were not synced is torn, reordered and dropped by `testkit`'s disk. The store has
//! no threads here and all of it follows from a seed. How many are tried: [`testkit::seeds`].
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and this one says what it has tried"
)]

mod shelf;
#[path = "../support/mod.rs"]
mod support;
mod told;

use mail::{Account, Changes, Error};
use mailbox::MailboxState;
use mailbox::account::MailboxId;
use shelf::{Answer, Deed, Lying, Shelf, any_flags, letter_of, text};
use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, MutexGuard};
use store::{AccountId, EmailRange, Seq, Snapshot, Store, StreamId};
use store_local::{LocalStore, Options, Pump};
use terms::Uid;
use testkit::dice::Dice;
use testkit::disk::FaultyDisk;
use tokio::task::JoinSet;
use told::{Seen, Told};

const SEEDS: u64 = 100;
/// Cuts in the life of one account.
const CUTS: usize = 5;
/// Clients that change it at once, each with letters and mailboxes of its own.
const CLIENTS: u32 = 6;
/// What each of them does between two cuts, if there is power for so much.
const DEEDS: usize = 16;
/// The mailboxes that all of them use.
const SHARED: [&str; 2] = ["INBOX", "Archive"];

#[test]
fn no_number_that_was_told_comes_again_and_nothing_acknowledged_is_lost_however_often_the_power_fails() {
    let seeds = testkit::seeds::to_try(SEEDS);
    let tried = seeds.end - seeds.start;
    let mut sums = Sums::default();
    for seed in seeds {
        println!("GATEPOST_SEED={seed}");
        live(seed, Syncs::Honest, &mut sums);
    }
    println!("{sums:?}");
    if tried >= SEEDS {
        let enough = sums.doubted > 300 && sums.done_unanswered > 60 && sums.snapshots > 300;
        assert!(enough, "too few to prove anything: {sums:?}");
    }
}

#[test]
fn an_account_on_a_disk_that_only_pretends_to_sync_is_found_out() {
    // However it shows, by what the store says or by what is not there.
    let is_whole = |seed: &u64| catch_unwind(|| live(*seed, Syncs::Ignored, &mut Sums::default())).is_ok();
    let found_out = 10 - (0..10).filter(is_whole).count();
    assert!(
        found_out >= 8,
        "of 10 accounts on a disk that does not sync only {found_out} were seen to lose mail"
    );
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Syncs {
    Honest,
    Ignored,
}

/// What a run comes to.
#[derive(Debug, Default)]
struct Sums {
    acknowledged: usize,
    /// Deeds under way when the power failed, and how many of them were done.
    doubted: usize,
    done_unanswered: usize,
    snapshots: usize,
}

/// Somebody who comes back after each cut.
struct Client {
    n: u32,
    dice: Dice,
    shelf: Shelf,
    /// Asked for, and not answered.
    doubt: Option<Deed>,
    /// UIDs that it was given: mailbox, UID, letter.
    given: Vec<(u32, u32, u32)>,
    letters: u32,
    acknowledged: usize,
}

/// An account between two cuts.
struct Reign {
    disk: FaultyDisk,
    store: Arc<dyn Store>,
    pump: Pump,
    account: Arc<Account>,
    shared: [u32; SHARED.len()],
    watched: BTreeMap<u32, Changes>,
}

type Clients = Vec<Arc<Mutex<Client>>>;

fn live(seed: u64, syncs: Syncs, sums: &mut Sums) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(life(seed, syncs, sums));
}

async fn life(seed: u64, syncs: Syncs, sums: &mut Sums) {
    let (mut disk, mut dice) = (FaultyDisk::new(seed), Dice::new(seed));
    let (mut told, clients) = (Told::default(), clients(seed));
    let ann = Reign::found(&disk).await;
    for _ in 0..CUTS {
        let mut reign = Reign::begin(&disk, ann).await;
        reign.check(&clients, &mut told, sums).await;
        reign.go_on(&clients, &mut told).await;
        arrange_cut(&disk, &mut dice);
        if syncs == Syncs::Ignored {
            disk.ignore_syncs();
        }
        reign.write(&clients, &mut told, &mut dice, sums).await;
        drop(reign);
        disk = after_cut(&disk, &mut dice);
    }
    let mut reign = Reign::begin(&disk, ann).await;
    reign.check(&clients, &mut told, sums).await;
    reign.go_on(&clients, &mut told).await;
    sums.acknowledged += clients.iter().map(|client| lock(client).acknowledged).sum::<usize>();
}

fn clients(seed: u64) -> Clients {
    let client = |n| Client {
        n,
        dice: Dice::new(seed ^ u64::from(n + 1) << 32),
        shelf: Shelf::default(),
        doubt: None,
        given: Vec::new(),
        letters: 0,
        acknowledged: 0,
    };
    (0..CLIENTS).map(|n| Arc::new(Mutex::new(client(n)))).collect()
}

/// Most changes are the index's: aims at the others too. Where there is no such change left, the power fails when
/// everything has been answered.
fn arrange_cut(disk: &FaultyDisk, dice: &mut Dice) {
    match dice.below(8) {
        0..=3 => disk.cut_power_in("log", dice.below(60)),
        4 => disk.cut_power_in("bodies", dice.below(4)),
        5 | 6 => disk.cut_power_after(dice.below(300)),
        _ => {}
    }
}

/// The power comes back; at times for a moment only, in the middle of recovery.
fn after_cut(disk: &FaultyDisk, dice: &mut Dice) -> FaultyDisk {
    let found = disk.cut(dice.any());
    if !dice.chance(33) {
        return found;
    }
    found.cut_power_after(dice.below(40));
    drop(LocalStore::open_with_pump(Arc::new(found.clone()), &options()));
    found.cut(dice.any())
}

/// Small segments, so that the log goes on in a new one now and then.
fn options() -> Options {
    Options { segment_octets: 100_000, ..Options::default() }
}

impl Reign {
    /// Makes the account.
    async fn found(disk: &FaultyDisk) -> AccountId {
        let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options()).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let (_, ann) = pumping(&mut pump, support::ann(&store)).await;
        ann.id()
    }

    async fn begin(disk: &FaultyDisk, ann: AccountId) -> Self {
        let (store, mut pump) = LocalStore::open_with_pump(Arc::new(disk.clone()), &options()).unwrap();
        assert!(store.rot().is_empty(), "{:?}", store.rot());
        let store: Arc<dyn Store> = Arc::new(store);
        let account = pumping(&mut pump, support::accounts(&store)).await.account(ann);
        let mut shared = [0; SHARED.len()];
        for (id, name) in shared.iter_mut().zip(SHARED) {
            *id = pumping(&mut pump, support::id(&account, name)).await.get();
        }
        Self { disk: disk.clone(), store, pump, account, shared, watched: BTreeMap::new() }
    }

    /// Everything that was told is so, and of each deed in doubt all or nothing.
    async fn check(&mut self, clients: &Clients, told: &mut Told, sums: &mut Sums) {
        self.watch(told).await;
        let there = self.read(told).await;
        assert_eq!(there.keys().filter(|n| **n >= CLIENTS).count(), 0, "there is what nobody sent");
        for client in clients {
            let mut client = lock(client);
            let found = there.get(&client.n).cloned().unwrap_or_default();
            client.compare(found, sums);
        }
    }

    /// What each client has, as the disk has it.
    async fn read(&mut self, told: &mut Told) -> BTreeMap<u32, Shelf> {
        let names = pumping(&mut self.pump, self.account.names()).await.unwrap();
        let mut shelves = BTreeMap::<u32, Shelf>::new();
        for (name, mailbox) in names.mailboxes() {
            let id = mailbox.id.get();
            if let Some(owner) = owner_of(name.as_str()) {
                shelves.entry(owner).or_default().mailboxes.insert(name.to_string(), Some(id));
            }
            let open = pumping(&mut self.pump, self.account.open(mailbox.id)).await.unwrap();
            let state = Arc::clone(open.newest().state());
            for (uid, message) in Seen::of(&state).messages {
                let letter = self.letter(&state, uid).await;
                told.give(id, uid, letter).unwrap();
                let lying = Lying { mailbox: id, uid: Some(uid), flags: message.flags };
                let twice = shelves.entry(letter % CLIENTS).or_default().letters.insert(letter, lying);
                assert_eq!(twice, None, "letter {letter} is there twice");
            }
        }
        shelves
    }

    /// The letter that has this UID, whole: row, record and body.
    async fn letter(&mut self, state: &MailboxState, uid: u32) -> u32 {
        let row = state.reader(state.owner()).row(Uid::new(uid).unwrap()).unwrap();
        let range = EmailRange { first: row.email, last: row.email };
        let records = pumping(&mut self.pump, self.account.records(&[range])).await.unwrap();
        let body = message::body_of(&records[0].1).unwrap();
        let length = usize::try_from(row.size).unwrap();
        let octets = pumping(&mut self.pump, self.account.body(body, 0, length)).await.unwrap().unwrap();
        let found = std::str::from_utf8(&octets).unwrap();
        let letter = letter_of(found).unwrap();
        assert!(found == text(letter), "letter {letter} is not whole");
        letter
    }

    /// After a cut it goes on: clients write, and flag what they have written, in each of the shared mailboxes.
    async fn go_on(&mut self, clients: &Clients, told: &mut Told) {
        for (client, mailbox) in clients.iter().zip(self.shared.into_iter().cycle()) {
            self.go_on_in(mailbox, client, told).await;
        }
    }

    async fn go_on_in(&mut self, mailbox: u32, client: &Arc<Mutex<Client>>, told: &mut Told) {
        let letter = lock(client).new_letter();
        let given = self.do_now(client, Deed::Append { letter, mailbox }, told).await;
        let (at, flags) = ((mailbox, given.uid.unwrap()), any_flags(&mut lock(client).dice));
        self.do_now(client, Deed::Store { letter, at, flags }, told).await;
    }

    async fn do_now(&mut self, client: &Arc<Mutex<Client>>, deed: Deed, told: &mut Told) -> Answer {
        let answer = pumping(&mut self.pump, deed.perform(&self.account)).await.unwrap();
        lock(client).hear(&deed, answer);
        lock(client).tell(told);
        self.watch(told).await;
        answer
    }

    /// Lets all clients write until the power fails or they have done what they wanted.
    async fn write(&mut self, clients: &Clients, told: &mut Told, dice: &mut Dice, sums: &mut Sums) {
        let mut sessions = JoinSet::new();
        for client in clients {
            let session = Session {
                disk: self.disk.clone(),
                account: Arc::clone(&self.account),
                shared: self.shared,
                client: Arc::clone(client),
            };
            sessions.spawn(session.run());
        }
        while !sessions.is_empty() {
            while let Some(done) = sessions.try_join_next() {
                done.unwrap();
            }
            self.pump.write_bodies();
            self.pump.commit_group();
            if dice.chance(10) {
                self.pump.move_tail();
            }
            if dice.chance(10) {
                sums.snapshots += usize::from(self.take_snapshot(dice).await);
            }
            tokio::task::yield_now().await;
            self.watch(told).await;
        }
        clients.iter().for_each(|client| lock(client).tell(told));
    }

    /// Takes note of what every session may announce now.
    async fn watch(&mut self, told: &mut Told) {
        let Ok(names) = pumping(&mut self.pump, self.account.names()).await else { return };
        let streams = names.mailboxes().map(|(_, mailbox)| (mailbox.id.get(), mailbox.uid_validity.get()));
        told.see_streams(streams.collect()).unwrap();
        for (_, mailbox) in names.mailboxes() {
            self.watch_mailbox(mailbox.id, told).await;
        }
    }

    async fn watch_mailbox(&mut self, id: MailboxId, told: &mut Told) {
        if let Some(changes) = self.watched.get_mut(&id.get()) {
            if changes.has_changed().unwrap_or_default() {
                let state = Arc::clone(changes.borrow_and_update().state());
                told.see(id.get(), Seen::of(&state)).unwrap();
            }
            return;
        }
        // Without power it cannot be read, and nobody is told anything.
        let Ok(open) = pumping(&mut self.pump, self.account.open(id)).await else { return };
        let mut changes = open.changes();
        let state = Arc::clone(changes.borrow_and_update().state());
        told.see(id.get(), Seen::of(&state)).unwrap();
        self.watched.insert(id.get(), changes);
    }

    /// Of one of the mailboxes, sooner than the account would: it waits for more events than there are here.
    async fn take_snapshot(&mut self, dice: &mut Dice) -> bool {
        let mailboxes: Vec<_> = self.watched.iter().collect();
        let (number, changes) = mailboxes[dice.below(mailboxes.len())];
        let stream = StreamId { account: self.account.id(), number: *number };
        let state = Arc::clone(changes.borrow().state());
        let snapshot = Snapshot { at: Seq(state.seq()), pieces: state.snapshot() };
        pumping(&mut self.pump, self.store.put_snapshot(stream, snapshot)).await.is_ok()
    }
}

/// A client at work.
struct Session {
    disk: FaultyDisk,
    account: Arc<Account>,
    shared: [u32; SHARED.len()],
    client: Arc<Mutex<Client>>,
}

impl Session {
    async fn run(self) {
        for _ in 0..DEEDS {
            let deed = lock(&self.client).decide(&self.shared);
            lock(&self.client).doubt = Some(deed.clone());
            let answer = match deed.perform(&self.account).await {
                Ok(answer) => answer,
                Err(why) => return self.give_up(&deed, &why),
            };
            lock(&self.client).hear(&deed, answer);
        }
    }

    fn give_up(&self, deed: &Deed, why: &Error) {
        assert!(self.disk.is_off(), "{deed:?}: {why}");
        // "It cannot write now" is a promise too: it did not happen.
        if matches!(why, Error::Unavailable(_)) {
            lock(&self.client).doubt = None;
        }
    }
}

impl Client {
    fn new_letter(&mut self) -> u32 {
        self.letters += 1;
        (self.letters - 1) * CLIENTS + self.n
    }

    fn decide(&mut self, shared: &[u32]) -> Deed {
        let letters: Vec<_> = self.shelf.letters.iter().map(|(letter, lying)| (*letter, *lying)).collect();
        let own = self.shelf.mailboxes.values().flatten();
        let mailboxes: Vec<u32> = shared.iter().chain(own).copied().collect();
        let mailbox = self.dice.pick(&mailboxes);
        if self.dice.chance(15) {
            return self.decide_on_mailboxes();
        }
        if letters.is_empty() || (letters.len() < 12 && self.dice.chance(35)) {
            return Deed::Append { letter: self.new_letter(), mailbox };
        }
        // The newest often: what it had was the highest UID.
        let (letter, lying) =
            if self.dice.chance(30) { letters[letters.len() - 1] } else { self.dice.pick(&letters) };
        let at = (lying.mailbox, lying.uid.unwrap());
        match self.dice.below(10) {
            0..5 => Deed::Store { letter, at, flags: any_flags(&mut self.dice) },
            5..8 => Deed::Move { letter, at, to: mailbox },
            _ => Deed::Expunge { letter, at },
        }
    }

    fn decide_on_mailboxes(&mut self) -> Deed {
        let name = |n: u32| format!("{}-{n}", self.n);
        let (taken, free): (Vec<_>, Vec<_>) =
            (0..4).map(name).partition(|name| self.shelf.mailboxes.contains_key(name));
        let one_of = |names: &[String], dice: &mut Dice| names[dice.below(names.len())].clone();
        if taken.is_empty() || (!free.is_empty() && self.dice.chance(40)) {
            return Deed::Create { name: one_of(&free, &mut self.dice) };
        }
        let from = one_of(&taken, &mut self.dice);
        if free.is_empty() || self.dice.chance(50) {
            return Deed::Delete { name: from };
        }
        Deed::Rename { from, to: one_of(&free, &mut self.dice) }
    }

    /// A deed is acknowledged.
    fn hear(&mut self, deed: &Deed, answer: Answer) {
        self.doubt = None;
        self.acknowledged += 1;
        self.shelf = std::mem::take(&mut self.shelf).after(deed, answer);
        if let Deed::Append { letter, .. } | Deed::Move { letter, .. } = deed {
            let lying = self.shelf.letters[letter];
            self.given.push((lying.mailbox, lying.uid.unwrap(), *letter));
        }
    }

    /// Enters the UIDs that it was given among those of all.
    fn tell(&mut self, told: &mut Told) {
        self.given.drain(..).for_each(|(mailbox, uid, letter)| told.give(mailbox, uid, letter).unwrap());
    }

    /// Holds what is there against what was acknowledged, and goes on from there.
    fn compare(&mut self, found: Shelf, sums: &mut Sums) {
        let doubt = self.doubt.take();
        sums.doubted += usize::from(doubt.is_some());
        if !self.shelf.is(&found) {
            let done = doubt.as_ref().map(|deed| self.shelf.clone().after(deed, Answer::default()));
            assert!(
                done.is_some_and(|shelf| shelf.is(&found)),
                "acknowledged:\n  {:?}\nin doubt:\n  {doubt:?}\nthere:\n  {found:?}",
                self.shelf
            );
            sums.done_unanswered += 1;
        }
        self.shelf = found;
    }
}

/// Whose mailbox this is.
fn owner_of(name: &str) -> Option<u32> {
    name.split_once('-')?.0.parse().ok()
}

/// Waits while the store works.
async fn pumping<T>(pump: &mut Pump, asked: impl Future<Output = T>) -> T {
    let work = async {
        loop {
            pump.write_bodies();
            pump.commit_group();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        answer = asked => answer,
        () = work => unreachable!("it works on and on"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
