//! Ninety days of an account in little time: mail comes in, is read, filed, expunged, a mailbox is deleted now and then,
//! and each night the sweep goes by. What is there at the end is what should be, what was expunged within the retention
//! comes back, and what all of it cost is printed.
//!
//! `GATEPOST_CHURN=500 cargo test -p mail --test churn -- --nocapture` lets so many messages come in each day.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "what it cost is for a person to read")]

#[path = "../support/mod.rs"]
mod support;

mod metered;

use mail::{Account, Accounts, Arrival, Origin, Pace, Transfer, World};
use mailbox::account::MailboxId;
use mailbox::{Change, Doomed, Flags, SystemFlags};
use metered::{Meter, MeteredDisk};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use store::{BodyId, EmailId, EmailRange, Store};
use store_local::{Compacting, Extent, LocalStore, Options};
use support::{id, record};
use terms::{MailboxName, Uid, UidSet};
use testkit::dice::Dice;
use tokio::task::JoinSet;

const DAYS: i64 = 90;
const RETENTION_DAYS: i64 = 14;
const DAY_MS: i64 = 86_400_000;
const BEGIN_MS: i64 = 1_780_272_000_000;
/// Messages a day, unless `GATEPOST_CHURN` says otherwise.
const A_DAY: u64 = 16;
/// Small, so that there are many even of little mail.
const SEGMENT_OCTETS: u64 = 1 << 20;

#[derive(Clone, Default)]
struct Clock {
    now_ms: Arc<AtomicI64>,
    chance: Arc<AtomicU64>,
}

impl World for Clock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn random(&self, into: &mut [u8]) {
        let next = self.chance.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        into.iter_mut().zip(next.into_iter().cycle()).for_each(|(octet, random)| *octet = random);
    }
}

/// A message that came in.
struct Message {
    text: Vec<u8>,
    /// When it is expunged.
    until_day: i64,
}

struct Life {
    clock: Clock,
    store: Arc<LocalStore>,
    meter: Arc<Meter>,
    folder: PathBuf,
    accounts: Accounts,
    ann: Arc<Account>,
    inbox: MailboxId,
    archive: MailboxId,
    dice: Dice,
    /// What is there: in INBOX, and in Archive.
    there: BTreeMap<Uid, Message>,
    filed: Vec<Vec<u8>>,
    /// What was expunged on which day.
    gone: Vec<(i64, Vec<u8>)>,
    octets_in: u64,
}

impl Life {
    async fn begin(folder: PathBuf) -> Self {
        let meter = Arc::<Meter>::default();
        let disk = Arc::new(MeteredDisk::at(&folder, Arc::clone(&meter)));
        let compacting = Compacting { every: None, octets_per_second: u64::MAX };
        let options = Options { segment_octets: SEGMENT_OCTETS, compacting, ..Options::default() };
        let store = Arc::new(LocalStore::open_on(disk, &options).unwrap());
        let clock = Clock::default();
        clock.now_ms.store(BEGIN_MS, Ordering::Relaxed);
        let accounts =
            Accounts::open(Arc::clone(&store) as Arc<dyn Store>, Arc::new(clock.clone())).await.unwrap();
        let ann = accounts.account(accounts.add("ann@example.org", &record("secret")).await.unwrap());
        let (inbox, archive) = (id(&ann, "INBOX").await, id(&ann, "Archive").await);
        let (dice, there) = (Dice::new(90), BTreeMap::new());
        let (filed, gone) = (Vec::new(), Vec::new());
        Self {
            clock,
            store,
            meter,
            folder,
            accounts,
            ann,
            inbox,
            archive,
            dice,
            there,
            filed,
            gone,
            octets_in: 0,
        }
    }

    async fn day(&mut self, day: i64, messages: u64) {
        self.clock.now_ms.store(BEGIN_MS + day * DAY_MS, Ordering::Relaxed);
        self.come_in(day, messages).await;
        self.read_and_file().await;
        self.expunge(day).await;
        if day % 10 == 5 {
            self.make_and_delete_a_mailbox(day).await;
        }
        self.accounts.sweep(retention(), Pace::Trusting).await.unwrap();
        give_space_back(&self.store);
    }

    /// All of a day come together, and share syncs.
    async fn come_in(&mut self, day: i64, messages: u64) {
        let mut coming = JoinSet::new();
        for _ in 0..messages {
            let text = self.text();
            self.octets_in += text.len() as u64;
            let lives = if self.dice.chance(75) { self.dice.below(12) } else { 1_000 };
            let (ann, inbox) = (Arc::clone(&self.ann), self.inbox);
            coming.spawn(async move {
                let mut incoming = ann.incoming(text.len() as u64).await.unwrap();
                incoming.write(text.clone().into()).await.unwrap();
                let received = incoming.finish().await.unwrap();
                let arrival = Arrival { received, flags: Flags::NONE, date: None };
                let filed = ann.file(&Origin::desk(), inbox, arrival.into(), ann.id()).await.unwrap();
                (filed.uids.first().unwrap(), Message { text, until_day: day + lives })
            });
        }
        self.there.extend(coming.join_all().await);
    }

    /// Mail compresses somewhat; one in fifty has an attachment.
    fn text(&mut self) -> Vec<u8> {
        let octets = if self.dice.one_in(50) { 300_000 } else { 1_000 + self.dice.below(16_000_usize) };
        let mut text = b"Subject: churn\r\n\r\n".to_vec();
        for octet in self.dice.octets(octets / 2) {
            text.extend_from_slice(format!("{octet:02x}").as_bytes());
        }
        text.extend_from_slice(b"\r\n");
        text
    }

    async fn read_and_file(&mut self) {
        let some: UidSet = self.there.keys().copied().filter(|uid| uid.get() % 3 == 0).collect();
        let seen = Flags::system(SystemFlags::SEEN);
        let account = self.ann.id();
        let request =
            mailbox::Store { account, uids: &some, change: Change::Add, flags: &seen, unchanged_since: None };
        let store = |proposal: &mut mail::Proposal| {
            let stored =
                mailbox::store(proposal.mailbox(self.inbox)?, &request).map_err(mail::Error::from)?;
            stored.events.iter().try_for_each(|event| proposal.push(self.inbox, event))
        };
        self.ann.change(&Origin::desk(), store).await.unwrap();
        let kept: Vec<Uid> = self
            .there
            .iter()
            .filter(|(_, message)| message.until_day >= 1_000)
            .map(|(uid, _)| *uid)
            .collect();
        let uids: UidSet = kept.iter().copied().collect();
        let way = (self.inbox, &uids);
        self.ann.transfer(&Origin::desk(), Transfer::Move, account, way, self.archive).await.unwrap();
        self.filed.extend(kept.iter().filter_map(|uid| self.there.remove(uid)).map(|message| message.text));
    }

    async fn expunge(&mut self, day: i64) {
        let due = self.there.iter().filter(|(_, message)| message.until_day <= day).map(|(uid, _)| *uid);
        let doomed: UidSet = due.collect();
        let expunge = |proposal: &mut mail::Proposal| {
            let expunging = mailbox::expunge(proposal.mailbox(self.inbox)?, Doomed::These(&doomed))?;
            expunging.events.iter().try_for_each(|event| proposal.push(self.inbox, event))
        };
        self.ann.change(&Origin::desk(), expunge).await.unwrap();
        let gone = doomed.iter().filter_map(|uid| self.there.remove(&uid));
        self.gone.extend(gone.map(|message| (day, message.text)));
    }

    async fn make_and_delete_a_mailbox(&mut self, day: i64) {
        let name = MailboxName::new(&format!("Of day {day}")).unwrap();
        let id = self.ann.ensure_mailbox(&Origin::desk(), &name).await.unwrap();
        let text = self.text();
        self.octets_in += text.len() as u64;
        let text = String::from_utf8(text).unwrap();
        support::append(&self.ann, id, &text).await.unwrap();
        support::delete(&self.ann, &name).await.unwrap();
    }

    /// Everything that is there is read whole, and nothing else is kept.
    async fn check(&self) {
        let there = self.there.values().map(|message| &message.text);
        assert_eq!(self.bodies_in(self.inbox).await, bodies(there), "INBOX");
        assert_eq!(self.bodies_in(self.archive).await, bodies(&self.filed), "Archive");
        let young = self.gone.iter().filter(|(day, _)| day + RETENTION_DAYS > DAYS).count();
        let deleted = self.ann.deleted_mailboxes().await.unwrap().len();
        let all = EmailRange {
            first: EmailId { mailbox: 0, uid: 0 },
            last: EmailId { mailbox: u32::MAX, uid: u32::MAX },
        };
        let records = self.store.list_records(self.ann.id(), all, usize::MAX).await.unwrap().len();
        assert_eq!(records, self.there.len() + self.filed.len() + young + deleted);
        let kept = self.store.list_bodies(self.ann.id(), None, usize::MAX).await.unwrap().len();
        assert_eq!(kept, records);
        let undone = self.ann.undelete_messages(&Origin::desk(), self.inbox, i64::MIN).await.unwrap();
        assert_eq!(undone.messages, young as u64, "what was expunged within the retention comes back");
    }

    async fn bodies_in(&self, mailbox: MailboxId) -> Vec<BodyId> {
        let newest = self.ann.open(mailbox).await.unwrap().newest();
        let uids = newest.state().uids(Uid::MIN);
        let mut found = Vec::new();
        for (_, body) in self.ann.body_names(newest.state(), &uids).await.unwrap() {
            let octets = self.ann.body(body, 0, usize::MAX).await.unwrap().unwrap();
            found.push(BodyId::of(&octets));
        }
        found.sort_unstable();
        found
    }

    fn tell(&self) -> Cost {
        let stats = self.store.stats(None).unwrap();
        let cost = Cost {
            octets_in: self.octets_in,
            log: self.meter.log.load(Ordering::Relaxed),
            bodies: self.meter.bodies.load(Ordering::Relaxed),
            index: self.meter.index.load(Ordering::Relaxed),
            disk: octets_below(&self.folder.join("log")) + octets_below(&self.folder.join("bodies")),
            live: stats.log_octets_in_use + stats.body_file_octets,
        };
        cost.print();
        cost
    }
}

/// What a life cost, in octets.
struct Cost {
    octets_in: u64,
    log: u64,
    bodies: u64,
    index: u64,
    disk: u64,
    live: u64,
}

impl Cost {
    /// What was written of mail for each octet that came in.
    fn amplification(&self) -> f64 {
        (self.log + self.bodies) as f64 / self.octets_in as f64
    }

    fn print(&self) {
        let Self { octets_in, log, bodies, index, disk, live } = self;
        println!("came in          {octets_in:>12}");
        println!("written          {:>12}: log {log}, bodies {bodies}; index {index}", log + bodies);
        println!("on the disk      {disk:>12}, of which is needed {live}");
        println!(
            "write amplification {:.2}, disk over live {:.2}",
            self.amplification(),
            self.disk_over_live()
        );
    }

    fn disk_over_live(&self) -> f64 {
        self.disk as f64 / self.live as f64
    }
}

/// A night's work of the store itself.
fn give_space_back(store: &LocalStore) {
    assert_eq!(store.compact(Extent::Worthwhile).unwrap().put_off, None);
}

const fn retention() -> Duration {
    Duration::from_hours(24 * RETENTION_DAYS as u64)
}

fn bodies<'a>(texts: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<BodyId> {
    let mut bodies: Vec<_> = texts.into_iter().map(|text| BodyId::of(text)).collect();
    bodies.sort_unstable();
    bodies
}

fn octets_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    let octets = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => octets_below(&entry.path()),
        about => about.map_or(0, |about| about.len()),
    };
    entries.flatten().map(octets).sum()
}

#[tokio::test]
async fn after_ninety_days_there_is_what_there_should_be_and_it_cost_little() {
    let messages =
        std::env::var("GATEPOST_CHURN").ok().and_then(|number| number.parse().ok()).unwrap_or(A_DAY);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("churn-{}", std::process::id()));
    let mut life = Life::begin(folder.clone()).await;
    for day in 0..=DAYS {
        life.day(day, messages).await;
    }
    let cost = life.tell();
    life.check().await;
    assert!(cost.amplification() < 2.0, "{:.2} octets were written for one", cost.amplification());
    assert!(cost.disk_over_live() < 1.5, "{:.2} octets on the disk for one", cost.disk_over_live());
    assert!(cost.live < cost.octets_in / 2, "three quarters were expunged, and most of that is swept");
    drop(life);
    std::fs::remove_dir_all(&folder).unwrap();
}
