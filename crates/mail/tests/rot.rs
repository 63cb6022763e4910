//! Rot anywhere in a store. Before a repair: each mailbox is whole, or read-only what it was before the rot, and those that
//! are whole can be written. Behind one: whatever was hit, mailboxes can be written again, no message is another's, none but
//! what was hit is missed, and a check says no more than what could not be saved.
//!
//! `GATEPOST_SEEDS=2000 cargo test -p mail --test rot -- --nocapture` tries more, and prints what came of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test may panic")]

mod support;

use mail::{
    Account, Accounts, Certainty, Checked, Error, Mailbox, Mending, Origin, Part, Transfer, Unreadable,
};
use mailbox::account::directory::Standing;
use mailbox::account::{MailboxId, SpecialUses};
use mailbox::{Doomed, Flags, MailboxState, Row, SystemFlags};
use sasl::Cost;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use store::{AccountId, BodyId, EmailId, EmailRange, Salvage, Seq, Snapshot, Store, StreamId};
use store_local::disk::Disk;
use store_local::{Damage, LocalStore, Lost, Options, Progress, Pump, Recovered};
use support::local::pumping;
use support::rotten::{Minder, unreadable};
use support::{Still, append, id};
use terms::{MailboxName, Uid, UidSet};
use testkit::dice::Dice;
use testkit::disk::FaultyDisk;
use testkit::seeds;

const ACCOUNTS: [&str; 2] = ["ann@example.org", "ben@example.org"];
/// One of them is removed, one disabled, one was never added.
const OTHERS: [&str; 3] = ["cy", "dee", "nobody"];

fn options() -> Options {
    Options { segment_octets: 24_000, index_cache_octets: 0, ..Options::default() }
}

/// A mailbox as it was.
#[derive(Default)]
struct Known {
    uid_next: u32,
    last_modseq: u64,
    /// What each UID has ever stood for; and those that are there.
    ever: BTreeMap<u32, BodyId>,
    there: BTreeMap<u32, EmailId>,
    /// What happened to it.
    events: Vec<mailbox::Event>,
}

impl Known {
    /// As it was behind its first so many events.
    fn at(&self, seq: u64) -> MailboxState {
        MailboxState::fold(&self.events[..seq as usize]).unwrap()
    }
}

/// The files of a store, and what is in them.
struct Scene {
    files: BTreeMap<String, Vec<u8>>,
    mailboxes: BTreeMap<(AccountId, u32), Known>,
    /// What each name signs in with.
    people: People,
}

type People = Vec<(&'static str, Option<(AccountId, Standing, Vec<u8>)>)>;

fn people(accounts: &Accounts) -> People {
    let cost = Cost::new(support::CHEAP.0, support::CHEAP.1, support::CHEAP.2).unwrap();
    let of = |name: &'static str| {
        let found = accounts.find(name, &cost);
        assert!(found.certainty != Certainty::Doubtful || found.account.is_none());
        (name, found.account.map(|id| (id, found.standing, found.record.encode().to_vec())))
    };
    ACCOUNTS.into_iter().chain(OTHERS).map(of).collect()
}

impl Scene {
    async fn new() -> Self {
        let disk = FaultyDisk::new(1);
        let store = Arc::new(LocalStore::open_on(Arc::new(disk.clone()), &options()).unwrap());
        let plain: Arc<dyn Store> = store.clone();
        let accounts = support::accounts(&plain).await;
        let mut mailboxes = BTreeMap::new();
        for name in ACCOUNTS {
            let number = accounts.add(name, &support::record("secret")).await.unwrap();
            fill(&store, &accounts.account(number)).await;
        }
        for name in ACCOUNTS {
            let account = accounts.named(name).unwrap();
            for (_, mailbox) in account.names().await.unwrap().mailboxes() {
                let stream = StreamId { account: account.id(), number: mailbox.id.get() };
                let events = store.read(stream, Seq::NONE, 1_000).await.unwrap();
                let events = events.iter().map(|event| mailbox::Event::decode(&event.payload).unwrap());
                let known = Known { events: events.collect(), ..know(&account, mailbox.id).await };
                mailboxes.insert((account.id(), mailbox.id.get()), known);
            }
        }
        for name in &OTHERS[..2] {
            accounts.add(name, &support::record("secret")).await.unwrap();
        }
        accounts.remove(OTHERS[0]).await.unwrap();
        accounts.set_standing(OTHERS[1], Standing::Disabled).await.unwrap();
        accounts.set_credential(ACCOUNTS[1], &support::record("another")).await.unwrap();
        let people = people(&accounts);
        store.close().unwrap();
        // The last group of a log may be torn: what lies there is not to be what is hit.
        LocalStore::open_on(Arc::new(disk.clone()), &options()).unwrap().close().unwrap();
        Self { files: files_of(&disk), mailboxes, people }
    }

    fn disk(&self) -> FaultyDisk {
        let disk = FaultyDisk::new(2);
        ["log", "bodies", "bodies/staging"].iter().for_each(|dir| disk.create_dir(Path::new(dir)).unwrap());
        for (name, octets) in &self.files {
            disk.create(Path::new(name)).unwrap().write_at(octets, 0).unwrap();
        }
        disk
    }
}

/// Messages in three mailboxes: flagged, copied, expunged, with a snapshot on the way; one of them is large.
async fn fill(store: &LocalStore, account: &Account) {
    let (inbox, drafts, sent) =
        (id(account, "INBOX").await, id(account, "Drafts").await, id(account, "Sent").await);
    for n in 1..=24_u32 {
        let text = match n {
            7 => format!("Subject: {n}\r\n\r\n{}", "large \r\n".repeat(40_000)),
            _ => format!("Subject: {n} of {account:?}\r\n\r\n{}\r\n", "some words ".repeat(n as usize)),
        };
        let mailbox = if n.is_multiple_of(3) { drafts } else { inbox };
        let uid = append(account, mailbox, &text).await.unwrap().uid;
        if n.is_multiple_of(4) {
            flag(account, mailbox, uid, SystemFlags::FLAGGED).await;
        }
        if n == 8 || n == 20 {
            flag(account, mailbox, uid, SystemFlags::DELETED).await;
            expunge(account, mailbox).await;
        }
        if n == 12 {
            let uids = UidSet::range(Uid::MIN, uid);
            let origin = Origin::desk();
            account.transfer(&origin, Transfer::Copy, account.id(), (inbox, &uids), sent).await.unwrap();
        }
        if n == 16 {
            let state = Arc::clone(account.open(inbox).await.unwrap().newest().state());
            let stream = StreamId { account: account.id(), number: inbox.get() };
            let snapshot = Snapshot { at: Seq(state.seq()), pieces: state.snapshot() };
            store.put_snapshot(stream, snapshot).await.unwrap();
        }
    }
}

async fn flag(account: &Account, mailbox: MailboxId, uid: Uid, flags: SystemFlags) {
    let (uids, flags) = (UidSet::one(uid), Flags::system(flags));
    let (change, unchanged_since) = (mailbox::Change::Add, None);
    let request =
        mailbox::Store { account: account.id(), uids: &uids, change, flags: &flags, unchanged_since };
    let store = |proposal: &mut mail::Proposal| {
        let stored = mailbox::store(proposal.mailbox(mailbox)?, &request).map_err(Error::from)?;
        stored.events.iter().try_for_each(|event| proposal.push(mailbox, event))
    };
    account.change(&Origin::desk(), store).await.unwrap();
}

async fn expunge(account: &Account, mailbox: MailboxId) {
    let expunge = |proposal: &mut mail::Proposal| {
        let expunging = mailbox::expunge(proposal.mailbox(mailbox)?, Doomed::Deleted)?;
        expunging.events.iter().try_for_each(|event| proposal.push(mailbox, event))
    };
    account.change(&Origin::desk(), expunge).await.unwrap();
}

async fn know(account: &Account, mailbox: MailboxId) -> Known {
    let state = Arc::clone(account.open(mailbox).await.unwrap().newest().state());
    let mut known = Known {
        uid_next: state.uid_next().get(),
        last_modseq: state.last_modseq().get(),
        ..Known::default()
    };
    for row in rows(account, &state) {
        known.there.insert(row.uid.get(), row.email);
        known.ever.insert(row.uid.get(), body_of(account, row.email).await.unwrap().unwrap());
    }
    // What was expunged has its record still.
    for uid in 1..known.uid_next {
        let email = EmailId { mailbox: mailbox.get(), uid };
        if let Some(body) = body_of(account, email).await.unwrap() {
            known.ever.entry(uid).or_insert(body);
        }
    }
    known
}

fn rows(account: &Account, state: &MailboxState) -> Vec<Row> {
    state.reader(account.id()).rows(&state.uids(Uid::MIN)).collect()
}

async fn body_of(account: &Account, email: EmailId) -> Result<Option<BodyId>, Error> {
    let records = account.records(&[EmailRange { first: email, last: email }]).await?;
    Ok(records.first().and_then(|(_, record)| message::body_of(record)).map(BodyId))
}

fn files_of(disk: &FaultyDisk) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for directory in ["", "log", "bodies"] {
        for name in disk.list(Path::new(directory)).unwrap() {
            let path = Path::new(directory).join(name);
            let Ok(file) = disk.open(&path) else { continue };
            let mut octets = vec![0; file.length().unwrap() as usize];
            file.read_exact_at(&mut octets, 0).unwrap();
            files.insert(path.display().to_string(), octets);
        }
    }
    files.remove("lock");
    files
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bit,
    ZeroBlock,
    Truncate,
}

/// What happens to which file.
fn rot(disk: &FaultyDisk, dice: &mut Dice) -> (Kind, String) {
    let files = files_of(disk);
    let of = dice.pick(&["log/", "log/", "log/", "index.redb", "bodies/"]);
    let of: Vec<_> =
        files.iter().filter(|(name, octets)| name.starts_with(of) && !octets.is_empty()).collect();
    let (name, octets) = of[dice.below(of.len())];
    let at = dice.below(octets.len());
    let file = disk.open(Path::new(name)).unwrap();
    let kind = match dice.below(6) {
        0 => {
            let from = at / 4096 * 4096;
            file.write_at(&vec![0; octets.len().min(from + 4096) - from], from as u64).unwrap();
            Kind::ZeroBlock
        }
        1 => {
            file.truncate(at as u64).unwrap();
            Kind::Truncate
        }
        _ => {
            disk.flip_bit(name, at, dice.below(8));
            Kind::Bit
        }
    };
    (kind, format!("{kind:?} of {name} at {at}"))
}

/// A store that was opened again.
struct Home {
    store: Arc<LocalStore>,
    pump: Pump,
    accounts: Accounts,
}

impl Home {
    /// `None` where nothing of a segment says which one it is.
    async fn open(disk: &FaultyDisk) -> Option<Self> {
        let opened = LocalStore::open_with_pump(Arc::new(disk.clone()), &options());
        let (store, mut pump) = opened.ok()?;
        let store = Arc::new(store);
        // An index that has rotted is made again first.
        check(&store, &mut pump);
        let accounts = pumping(&mut pump, accounts(&store)).await;
        Some(Self { store, pump, accounts })
    }

    /// The same, often with an index that is made again.
    async fn open_anew(disk: &FaultyDisk, dice: &mut Dice) -> Option<Self> {
        if dice.chance(50) {
            // A store that had found it rotten has taken it away itself.
            let _ = disk.unlink(Path::new("index.redb"));
        }
        Self::open(disk).await
    }

    /// As if somebody had every mailbox open.
    async fn look_at_all(&self) {
        for (_, id) in self.accounts.list() {
            let account = self.accounts.account(id);
            for (_, mailbox) in account.names().await.unwrap().mailboxes() {
                account.open(mailbox.id).await.unwrap();
            }
        }
    }

    /// The same on a server that mends by itself.
    async fn minded(self) -> Self {
        let Self { store, mut pump, .. } = self;
        let minder = Arc::new(Minder::of(Arc::clone(&store)));
        let opened = async { accounts(&store).await.mended_by(minder) };
        let accounts = pumping(&mut pump, opened).await;
        pumping(&mut pump, accounts.mend_if_hurt()).await.unwrap();
        Self { store, pump, accounts }
    }

    async fn opened(&mut self, account: &Account, number: u32) -> Result<Arc<Mailbox>, Error> {
        pumping(&mut self.pump, account.open_to_read(MailboxId::new(number).unwrap())).await
    }

    /// What a scrub has done for whatever it finds.
    async fn scrub(&mut self) {
        for damage in check(&self.store, &mut self.pump) {
            for lost in &damage.lost {
                let (Lost::Event { stream, .. } | Lost::Snapshot { stream, .. }) = lost else { continue };
                let account = self.accounts.account(stream.account);
                match MailboxId::new(stream.number) {
                    _ if stream.account == AccountId::DIRECTORY => {
                        pumping(&mut self.pump, self.accounts.mend_if_hurt()).await.unwrap();
                    }
                    // Of one that was removed nothing is mended.
                    _ if self.accounts.standing(account.id()).is_none() => {}
                    Some(mailbox) => pumping(&mut self.pump, account.mend_if_hurt(mailbox)).await.unwrap(),
                    None => pumping(&mut self.pump, account.mend_names_if_hurt()).await.unwrap(),
                }
            }
        }
    }

    async fn repair(&mut self, what: &str) -> Vec<Mending> {
        let damages = check(&self.store, &mut self.pump);
        self.store.mend_headers().unwrap();
        pumping(&mut self.pump, self.accounts.repair(&*self.store)).await.unwrap();
        let mut mended = Vec::new();
        for (_, id) in self.accounts.list() {
            let (account, unreadable) = (self.accounts.account(id), unreadable(&damages, id));
            let repair = account.repair(&*self.store, &unreadable);
            let repaired = pumping(&mut self.pump, repair).await;
            mended.extend(repaired.unwrap_or_else(|why| panic!("{what}: {why}")).mended);
        }
        mended
    }

    /// What a check still finds of an account, besides what costs nothing.
    async fn found(&mut self, account: &Account) -> (Unreadable, Checked) {
        let damages = check(&self.store, &mut self.pump);
        let unreadable = unreadable(&damages, account.id());
        let checked = pumping(&mut self.pump, account.check(&unreadable)).await.unwrap();
        (unreadable, checked)
    }
}

async fn accounts(store: &Arc<LocalStore>) -> Accounts {
    let salvage: Arc<dyn Salvage> = store.clone();
    Accounts::open_what_is_left(salvage, Arc::new(Still::default())).await.unwrap()
}

fn check(store: &LocalStore, pump: &mut Pump) -> Vec<Damage> {
    let mut check = store.check(None);
    loop {
        match check.step().unwrap() {
            Progress::Read(_) => {}
            Progress::Waits => assert_ne!(pump.try_to_recover(), Recovered::NotYet),
            Progress::Done => return check.damages().to_vec(),
        }
    }
}

#[derive(Debug, Default)]
struct Numbers {
    tried: u64,
    refused: u64,
    mended: u64,
    named: u64,
    missed: u64,
}

#[tokio::test]
async fn whatever_has_rotted_a_repair_leaves_all_but_what_was_hit() {
    let scene = Scene::new().await;
    let mut numbers = Numbers::default();
    for seed in seeds::to_try(60) {
        let mut dice = Dice::new(seed);
        let disk = scene.disk();
        numbers.tried += 1;
        let running = if dice.chance(30) { Some(Home::open(&disk).await.unwrap()) } else { None };
        if let Some(running) = &running {
            running.look_at_all().await;
        }
        let (kind, what) = rot(&disk, &mut dice);
        let what = format!("seed {seed}: {what}, {}", if running.is_some() { "running" } else { "closed" });
        let opened = match running {
            Some(running) => Some(running),
            None => Home::open_anew(&disk, &mut dice).await,
        };
        let Some(mut home) = opened else {
            assert_ne!(kind, Kind::Bit, "{what}");
            numbers.refused += 1;
            continue;
        };
        let is_in_part = home.accounts.is_in_part();
        assert!(!is_in_part || kind != Kind::Bit, "{what}");
        numbers.mended += home.repair(&what).await.len() as u64 + u64::from(is_in_part);
        assert!(kind != Kind::Bit || people(&home.accounts) == scene.people, "{what}");
        for (account, mailboxes) in by_account(&scene) {
            judge(&mut home, account, &mailboxes, kind, &what, &mut numbers).await;
        }
        let again = home.repair(&what).await;
        assert_eq!(again, [], "{what}: it is mended once");
        drop(home);
        let Some(mut home) = Home::open_anew(&disk, &mut dice).await else { continue };
        // What only the index knew is lost with it.
        home.repair(&what).await;
        for (_, id) in home.accounts.list() {
            let account = home.accounts.account(id);
            let (unreadable, checked) = home.found(&account).await;
            let all_of_messages = checked.findings.iter().all(|finding| finding.uid.is_some());
            assert!(unreadable.streams.is_empty() && all_of_messages, "{what}: {:?}", checked.findings);
        }
    }
    println!("{numbers:?}");
}

fn by_account(scene: &Scene) -> BTreeMap<AccountId, Vec<(u32, &Known)>> {
    let mut accounts: BTreeMap<AccountId, Vec<(u32, &Known)>> = BTreeMap::new();
    for ((account, mailbox), known) in &scene.mailboxes {
        accounts.entry(*account).or_default().push((*mailbox, known));
    }
    accounts
}

async fn judge(
    home: &mut Home,
    id: AccountId,
    mailboxes: &[(u32, &Known)],
    kind: Kind,
    what: &str,
    numbers: &mut Numbers,
) {
    let is_there = home.accounts.list().iter().any(|(_, there)| *there == id);
    assert!(is_there || kind != Kind::Bit, "{what}: an account is gone");
    if !is_there {
        return;
    }
    let account = home.accounts.account(id);
    let (unreadable, checked) = home.found(&account).await;
    assert!(unreadable.streams.is_empty(), "{what}: {unreadable:?}");
    let all_of_messages = checked.findings.iter().all(|finding| finding.uid.is_some());
    assert!(all_of_messages, "{what}: {:?}", checked.findings);
    numbers.named += checked.findings.len() as u64;
    for (number, known) in mailboxes {
        let mailbox = MailboxId::new(*number).unwrap();
        let Ok(open) = account.open(mailbox).await else {
            assert_ne!(kind, Kind::Bit, "{what}: mailbox {number} cannot be opened");
            continue;
        };
        let state = Arc::clone(open.newest().state());
        let name = account.name_of(*number).await.unwrap().unwrap();
        let is_named = |uid: Uid| {
            checked.findings.iter().any(|finding| finding.mailbox == name && finding.uid == Some(uid))
        };
        for row in rows(&account, &state) {
            let ever = known.ever.get(&row.uid.get());
            match body_of(&account, row.email).await {
                Ok(Some(body)) => {
                    assert_eq!(Some(&body), ever, "{what}: UID {} of {name} is another message", row.uid);
                    match account.body(body.0, 0, 1 << 20).await {
                        Ok(Some(octets)) => assert_eq!(BodyId::of(&octets), body, "{what}"),
                        Ok(None) | Err(_) => assert!(is_named(row.uid), "{what}: UID {} of {name}", row.uid),
                    }
                }
                _ => assert!(is_named(row.uid), "{what}: UID {} of {name}", row.uid),
            }
        }
        for (uid, email) in known.there.iter().filter(|(uid, _)| !state.contains(Uid::new(**uid).unwrap())) {
            // Of a copy nothing is left but its event; what it is a copy of is where it was.
            let is_copy = email.mailbox != *number;
            assert!(kind != Kind::Bit || is_copy, "{what}: UID {uid} of {name} is gone");
            numbers.missed += 1;
        }
        // Of a log that was cut short nothing says how far it went.
        if kind == Kind::Bit {
            assert!(state.uid_next().get() >= known.uid_next, "{what}: {name}");
            assert!(state.last_modseq().get() >= known.last_modseq, "{what}: {name}");
        }
        let text = "Subject: after all\r\n\r\n";
        let placed = pumping(&mut home.pump, append(&account, mailbox, text)).await;
        let placed = placed.unwrap_or_else(|why| panic!("{what}: {name}: {why}"));
        assert!(placed.uid >= state.uid_next(), "{what}: {name}");
    }
}

/// What became of mailboxes.
#[derive(Debug, Default)]
struct Found {
    whole: u64,
    in_part: u64,
    closed: u64,
    names_in_part: u64,
    directories_in_part: u64,
}

#[tokio::test]
async fn whatever_has_rotted_each_mailbox_is_whole_or_read_only_what_it_was_before_that() {
    let scene = Scene::new().await;
    let mut found = Found::default();
    let new = MailboxName::new("New").unwrap();
    for seed in seeds::to_try(500) {
        let mut dice = Dice::new(seed);
        let disk = scene.disk();
        let running = match dice.chance(30) {
            true => Some(Home::open(&disk).await.unwrap().minded().await),
            false => None,
        };
        if let Some(running) = &running {
            running.look_at_all().await;
        }
        let (kind, what) = rot(&disk, &mut dice);
        let what = format!("seed {seed}: {what}, {}", if running.is_some() { "running" } else { "closed" });
        let knows = running.is_some();
        let opened = match running {
            Some(mut running) => {
                running.scrub().await;
                Some(running)
            }
            None => Home::open_anew(&disk, &mut dice).await,
        };
        let Some(home) = opened else { continue };
        let mut home = if knows { home } else { home.minded().await };
        found.directories_in_part += u64::from(home.accounts.is_in_part());
        assert!(kind != Kind::Bit || people(&home.accounts) == scene.people, "{what}");
        for (id, mailboxes) in by_account(&scene) {
            let account = home.accounts.account(id);
            let names = pumping(&mut home.pump, account.names()).await;
            match names {
                Err(Error::AccountRemoved) if kind != Kind::Bit => continue,
                names => drop(names.unwrap_or_else(|why| panic!("{what}: {why}"))),
            }
            let origin = Origin::desk();
            let create = account.create_mailbox(&origin, &new, SpecialUses::NONE);
            match pumping(&mut home.pump, create).await {
                Ok(_) => {}
                Err(Error::InPart(Part::Names)) if !knows => found.names_in_part += 1,
                // Of a log that was cut short nothing says that it named more: the next number has mail already.
                Err(Error::Damaged(_)) if kind != Kind::Bit && !knows => {}
                Err(why) => panic!("{what}: {why}"),
            }
            for (number, known) in mailboxes {
                let closed = found.closed + found.in_part;
                look(&mut home, &account, (number, known), kind, &what, &mut found).await;
                let is_whole = found.closed + found.in_part == closed;
                assert!(is_whole || !knows || kind != Kind::Bit, "{what}: what is open is known");
            }
        }
        home.repair(&what).await;
        for (id, mailboxes) in by_account(&scene).into_iter().filter(|_| kind == Kind::Bit) {
            for (number, _) in mailboxes {
                let account = home.accounts.account(id);
                let state = Arc::clone(home.opened(&account, number).await.unwrap().newest().state());
                assert!(state.part().is_none(), "{what}: mailbox {number}");
            }
        }
    }
    println!("{found:?}");
}

/// Holds what is shown of a mailbox against what it was.
async fn look(
    home: &mut Home,
    account: &Account,
    (number, known): (u32, &Known),
    kind: Kind,
    what: &str,
    found: &mut Found,
) {
    let mailbox = MailboxId::new(number).unwrap();
    let what = format!("{what}: mailbox {number}");
    let open = match home.opened(account, number).await {
        Ok(open) => open,
        Err(Error::NoSuchMailbox) if kind != Kind::Bit => return,
        Err(why) => {
            assert!(matches!(why, Error::Damaged(_)), "{what}: {why}");
            found.closed += 1;
            return;
        }
    };
    let state = Arc::clone(open.newest().state());
    assert!(known.at(state.seq()).says_the_same_as(&MailboxState::clone(&state)), "{what}");
    for row in rows(account, &state) {
        if let Ok(Some(body)) = body_of(account, row.email).await {
            assert_eq!(
                Some(&body),
                known.ever.get(&row.uid.get()),
                "{what}: UID {} is another message",
                row.uid
            );
        }
    }
    let appended = pumping(&mut home.pump, append(account, mailbox, "Subject: on we go\r\n\r\n")).await;
    match (state.part(), appended) {
        (Some(part), Err(Error::InPart(_))) => {
            let told = (part.uid_next.get(), part.highest_modseq.get());
            assert!(kind != Kind::Bit || told == (known.uid_next, known.last_modseq), "{what}: {told:?}");
            found.in_part += 1;
        }
        (None, Ok(placed)) => {
            assert!(kind != Kind::Bit || state.seq() == known.events.len() as u64, "{what}");
            assert!(kind != Kind::Bit || placed.uid.get() == known.uid_next, "{what}");
            found.whole += 1;
        }
        (part, appended) => panic!("{what}: {part:?} {appended:?}"),
    }
}
