//! SIGKILL in the middle of many sessions that change mail, on a real disk and over TLS: everything that was answered
//! is there, nothing is there by half, no number is used twice, and those who come back are told what they missed.
//!
//! `GATEPOST_KILLS` says how often (50), `GATEPOST_SEED` repeats a run's decisions; how the sessions' threads come to
//! their turns is left to the machine.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and this one says what it did"
)]

mod app_passwords;
mod backed_up;
mod brought_back;
mod contents;
mod groups;
mod judge;
mod letter;
#[path = "../support/mod.rs"]
mod support;
mod writer;

use contents::{Contents, Found, Message, Replica};
use groups::groups;
use judge::{Ledgers, judge, outcome, theirs};
use letter::MAILBOXES;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use store_local::LocalStore;
use support::{Place, Server};
use testkit::dice::Dice;
use testkit::imap::Client;
use writer::{Fuse, Told, Writer};

/// The accounts, and how many sessions write in each.
const ACCOUNTS: [(&str, u32); 3] = [("ann@example.org", 16), ("bob@example.org", 8), ("cid@example.org", 8)];
/// Fewest changes that the server has at hand when it is killed, and fewest commits in the largest group that it has
/// written before.
const IN_FLIGHT: usize = 16;
/// After so long without the answers that a round waits for, the server hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// Kills after which a fresh data directory is begun.
const A_LIFE: u64 = 50;

#[test]
fn a_killed_server_has_everything_that_it_answered_and_nothing_by_half() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (kills, seed) = (number("GATEPOST_KILLS").unwrap_or(50), number("GATEPOST_SEED").unwrap_or(1));
    let mut sums = Sums::default();
    for life in 0..kills.div_ceil(A_LIFE) {
        println!("GATEPOST_SEED={}", seed + life);
        let mut world = World::new(seed + life);
        for kill in 0..A_LIFE.min(kills - life * A_LIFE) {
            let (fates, in_flight) = world.write_until_killed();
            assert!(in_flight >= IN_FLIGHT, "only {in_flight} changes were in flight");
            sums.crowded += usize::from(world.largest_group() >= IN_FLIGHT);
            // It is the server that finds the directory as the kill left it.
            compare_index(&world.place.copy_of_mail());
            world.server = Some(world.place.start());
            let complaints = world.check(&fates, &mut sums);
            assert!(complaints.is_empty(), "seed {}, kill {kill}:\n{}", seed + life, complaints.join("\n"));
            sums.kills += 1;
            sums.in_flight += in_flight;
        }
    }
    println!("{sums:?}");
    // How fast the machine's disk is makes groups smaller or larger; who commits one after another has none of that size.
    assert!(sums.crowded * 2 >= sums.kills, "the server does not take together what waits: {sums:?}");
    assert!(sums.folders > sums.kills * 8, "hardly anybody makes a mailbox: {sums:?}");
}

#[test]
fn a_server_that_loses_what_it_answered_is_found_out() {
    let mut world = World::new(7);
    let (fates, _) = world.write_until_killed();
    lose_the_end_of_the_log(&world.place.mail());
    world.server = Some(world.place.start());
    let complaints = world.check(&fates, &mut Sums::default());
    let lost = complaints.iter().filter(|complaint| complaint.starts_with("answered:")).count();
    println!("{} complaints, {lost} of {} writers miss something", complaints.len(), world.writers.len());
    assert!(lost > 0, "the end of the log was lost, and nobody noticed: {complaints:?}");
}

#[test]
fn no_kind_of_damage_passes_the_judge() {
    let mut world = World::new(8);
    let (fates, _) = world.write_until_killed();
    world.server = Some(world.place.start());
    let before = world.ledgers.clone();
    assert_eq!(world.check(&fates, &mut Sums::default()), Vec::<String>::new());
    let found = world.read(0);
    // Those that an account is born with have no hyphen.
    let folder = found.folders.keys().find(|name| name.contains('-')).unwrap().clone();
    let fates: Vec<_> = fates.iter().map(|told| Told { unanswered: vec![], ..told.clone() }).collect();
    let judged = |damage: Damage<'_>| {
        let mut found = found.clone();
        damage(&mut found);
        judge(&before[0], &found, &world.of_account(0, &fates))
    };
    assert_eq!(judged(&|_| ()), Vec::<String>::new());
    let damages: [(&str, Damage<'_>); 11] = [
        ("a message is gone", &|found| drop(largest(found).messages.pop())),
        ("a message does not come", &|found| largest(found).exists += 1),
        ("flags are others", &|found| {
            let flags = &mut largest(found).messages[0].flags;
            *flags = if flags.is_empty() { [0].into() } else { [].into() };
        }),
        ("a text is cut short", &|found| largest(found).messages[0].text.truncate(99)),
        ("a message is in two mailboxes", &|found| {
            let half_moved = found.mailboxes[0].messages[0].clone();
            let other = &mut found.mailboxes[1];
            other.uid_next += 1;
            other.messages.push(Message { uid: other.uid_next - 1, mod_seq: 1, ..half_moved });
            other.exists += 1;
        }),
        ("a UID will come again", &|found| found.mailboxes[0].uid_next -= 1),
        ("MODSEQ went back", &|found| found.mailboxes[0].highest_mod_seq = 1),
        ("UIDs were given anew", &|found| {
            largest(found).messages.iter_mut().for_each(|message| message.uid += 1);
        }),
        ("a mailbox that was made is gone", &|found| drop(found.folders.remove(&folder))),
        ("a mailbox that was made is another", &|found| found.folders.get_mut(&folder).unwrap().push('0')),
        ("a mailbox has its name from before", &|found| {
            let id = found.folders.remove(&folder).unwrap();
            found.folders.insert(folder.replace('-', "-9"), id);
        }),
    ];
    for (what, damage) in damages {
        assert!(!judged(damage).is_empty(), "{what}, and nobody noticed");
    }
}

/// What is done to the contents of an account.
type Damage<'a> = &'a dyn Fn(&mut Found);

fn largest(found: &mut Found) -> &mut Contents {
    found.mailboxes.iter_mut().max_by_key(|contents| contents.messages.len()).unwrap()
}

/// What a run comes to.
#[derive(Debug, Default)]
struct Sums {
    kills: usize,
    /// Changes at hand when the server was killed.
    in_flight: usize,
    /// Kills of a server that had written [`IN_FLIGHT`] commits at once: so many were on their way together.
    crowded: usize,
    /// Changes that were sent and not answered, and how many of them were done.
    unanswered: usize,
    done_unanswered: usize,
    messages_read: usize,
    /// Mailboxes that writers had made, and changes of such that were sent and not answered.
    folders: usize,
    folders_unanswered: usize,
}

/// A server, those who write to it, and what it has promised them.
struct World {
    place: Place,
    server: Option<Server>,
    dice: Dice,
    writers: Vec<Writer>,
    ledgers: [Ledgers; ACCOUNTS.len()],
    replicas: [[Replica; MAILBOXES.len()]; ACCOUNTS.len()],
    /// The last group in the log that has been looked at.
    last_group: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let place = Place::new(&ACCOUNTS.map(|(name, _)| name), "");
        let accounts = ACCOUNTS.iter().enumerate();
        let owners = accounts.flat_map(|(account, (_, sessions))| (0..*sessions).map(move |_| account));
        let writers = (0..).zip(owners).map(|(id, account)| Writer::new(id, account, seed)).collect();
        let server = Some(place.start());
        let (dice, ledgers, replicas) = (Dice::new(seed), Default::default(), Default::default());
        Self { place, server, dice, writers, ledgers, replicas, last_group: 0 }
    }

    /// Lets everybody write until so many changes are answered, and kills the server. What each was told, and how many
    /// changes the server had at hand.
    fn write_until_killed(&mut self) -> (Vec<Told>, usize) {
        self.write_while(|_, fuse| fuse.in_flight())
    }

    /// The same, where something is done before the server is killed, and everybody writes on.
    fn write_while<T>(&mut self, act: impl FnOnce(&Place, &Fuse) -> T) -> (Vec<Told>, T) {
        let server = self.server.take().unwrap();
        let (light, lit) = channel();
        let fuse = &Fuse::new(150 + self.dice.below(250), light);
        let sessions: Vec<_> = self.writers.iter().map(|writer| sign_in(&server, writer.account)).collect();
        let watchers: Vec<_> = (0..ACCOUNTS.len()).map(|account| sign_in(&server, account)).collect();
        thread::scope(|scope| {
            for (replicas, client) in self.replicas.iter_mut().zip(watchers) {
                scope.spawn(|| watch(client, replicas));
            }
            let writers = self.writers.iter_mut().zip(sessions);
            let writing: Vec<_> =
                writers.map(|(writer, client)| scope.spawn(|| writer.write(client, fuse))).collect();
            lit.recv_timeout(PATIENCE).expect("so many answers come, or the server hangs");
            let came_of_it = act(&self.place, fuse);
            assert_eq!(server.kill(), Vec::<String>::new(), "complaints of a server that had no reason");
            (writing.into_iter().map(|told| told.join().unwrap()).collect(), came_of_it)
        })
    }

    /// How many commits the server took together at most, since this was asked last.
    fn largest_group(&mut self) -> usize {
        let groups = groups(&self.place.mail(), self.last_group);
        self.last_group = groups.last_key_value().map_or(self.last_group, |(group, _)| *group);
        groups.into_values().max().unwrap_or_default()
    }

    /// Holds the server against what was answered, and goes on from what is there.
    fn check(&mut self, fates: &[Told], sums: &mut Sums) -> Vec<String> {
        let mut complaints = Vec::new();
        for account in 0..ACCOUNTS.len() {
            let found = self.read(account);
            complaints.extend(judge(&self.ledgers[account], &found, &self.of_account(account, fates)));
            complaints.extend(self.resync(account, &found));
            self.adopt(account, &found, fates, sums);
        }
        complaints
    }

    fn of_account<'a>(&'a self, account: usize, fates: &'a [Told]) -> Vec<(&'a Writer, &'a Told)> {
        self.writers.iter().zip(fates).filter(|(writer, _)| writer.account == account).collect()
    }

    fn read(&self, account: usize) -> Found {
        let mut client = sign_in(self.server.as_ref().unwrap(), account);
        Found::read(&mut client).unwrap()
    }

    /// Those who watched come back: what they know then must be what there is.
    fn resync(&mut self, account: usize, found: &Found) -> Vec<String> {
        let mut client = sign_in(self.server.as_ref().unwrap(), account);
        let replicas = self.replicas[account].iter_mut().enumerate();
        let wrong = replicas.filter_map(|(mailbox, replica)| {
            let before = replica.clone();
            replica.resync(&mut client, mailbox).unwrap();
            (!replica.is(&found.mailboxes[mailbox])).then(|| {
                let name = MAILBOXES[mailbox];
                format!(
                    "{name}: who knew {before:?} knows {replica:?}, and there is {:?}",
                    found.mailboxes[mailbox]
                )
            })
        });
        wrong.collect()
    }

    fn adopt(&mut self, account: usize, found: &Found, fates: &[Told], sums: &mut Sums) {
        let mine = self.writers.iter_mut().zip(fates).filter(|(writer, _)| writer.account == account);
        for (writer, told) in mine {
            let there = theirs(writer, found);
            sums.unanswered += told.unanswered.len();
            sums.done_unanswered += outcome(writer, told, &there).unwrap_or_default();
            sums.folders += there.folders.len();
            sums.folders_unanswered +=
                told.unanswered.iter().filter(|deed| !deed.folders().is_empty()).count();
            writer.adopt(there);
        }
        for (ledger, contents) in self.ledgers[account].iter_mut().zip(&found.mailboxes) {
            ledger.adopt(contents);
            sums.messages_read += contents.messages.len();
        }
    }
}

/// A session that has enabled QRESYNC.
fn sign_in(server: &Server, account: usize) -> Client {
    let mut client = server.session(ACCOUNTS[account].0);
    client.ask("ENABLE QRESYNC").unwrap();
    client
}

/// Keeps up with an account's mailboxes, one after another, until the line breaks.
fn watch(mut client: Client, replicas: &mut [Replica; MAILBOXES.len()]) {
    for mailbox in (0..MAILBOXES.len()).cycle() {
        if replicas[mailbox].resync(&mut client, mailbox).is_err() {
            return;
        }
    }
}

/// The index that the kill left is the one that the log makes.
fn compare_index(mail: &Path) {
    let store = LocalStore::open(mail).unwrap();
    assert!(store.rot().is_empty(), "{:?}", store.rot());
    let report = store.compare_index().unwrap();
    assert!(report.differences.is_empty() && report.wrong_footers.is_empty(), "{report:?}");
    assert!(report.rot.is_empty() && report.entries > 0, "{report:?}");
    store.close().unwrap();
}

/// What a disk does that lies about its syncs: the last third of the log was never written. The index, which would
/// tell, is made again.
fn lose_the_end_of_the_log(mail: &Path) {
    std::fs::remove_file(mail.join("index.redb")).unwrap();
    let segments = std::fs::read_dir(mail.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let last = segments.max().unwrap();
    // What is reserved behind it is zeros.
    let written = std::fs::read(&last).unwrap().iter().rposition(|octet| *octet != 0).unwrap() as u64;
    std::fs::File::options().write(true).open(last).unwrap().set_len(written * 2 / 3).unwrap();
}
