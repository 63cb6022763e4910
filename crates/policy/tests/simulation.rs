//! A botnet guesses at a thousand accounts for a day while their owners sign in; on a fake clock, with one seed.
//!
//! What it counts is in docs/decisions/limits.md. A tenth of the day is played unless the environment asks for all of it:
//!
//! ```text
//! GATEPOST_SIMULATION=day cargo test --release -p policy --test simulation -- --nocapture --test-threads 1
//! ```
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "what it counts is for a person to read")]

use policy::{Attempt, Attempts, Keys, Verdict};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use terms::Moment;

const ACCOUNTS: u64 = 1_000;
const HOUR: u64 = 60 * 60 * 1_000;
const OFFICE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10));
const SCHOOL: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 20));
const FAMILY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 30));

/// A generator whose numbers are the same each time: xorshift64* (Vigna, 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

/// How the enemy goes about it.
#[derive(Clone, Copy)]
struct Enemy {
    name: &'static str,
    /// Of the nth bot.
    address: fn(u64) -> IpAddr,
    bots: u64,
    /// The first account that is tried, and how many.
    first: u64,
    accounts: u64,
    aim: Aim,
    every_ms: u64,
}

/// Which account a bot tries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// Any, each time.
    Spray,
    /// Always the same, so that nothing else is held against its address.
    OneEach,
}

fn scattered(n: u64) -> IpAddr {
    // Odd, so that no two are the same; never within what the users have.
    Ipv4Addr::from(0x2000_0000 | (u32::try_from(n).unwrap().wrapping_mul(2_654_435_761) >> 4)).into()
}

fn within_a_24(n: u64) -> IpAddr {
    Ipv4Addr::new(45, 9, 9, u8::try_from(n).unwrap()).into()
}

fn within_a_48(n: u64) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 1, u16::try_from(n).unwrap(), 0, 0, 0, 1).into()
}

/// Somebody who has a right to come in, or means to.
#[derive(Clone, Debug)]
struct Person {
    kind: Kind,
    account: u64,
    from: IpAddr,
    client: &'static str,
    /// Wrong passwords that are typed before the right one.
    typos_left: u64,
    /// When this login began.
    since: u64,
    is_refused_once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    /// It has signed in before, and does so every quarter of an hour.
    KnownDevice,
    /// From where another device of the account has signed in.
    NewDeviceAtHome,
    /// From where nobody has signed in before.
    NewDeviceAway,
    NewDeviceInOffice,
    NewDeviceInSchool,
    /// It has signed in before, and has had a password of before since; every five minutes.
    StalePhone,
    /// Guesses at one of the teachers, from the school's address.
    Pupil,
}

/// What became of the logins of a kind.
#[derive(Default, Debug, Clone)]
struct Outcome {
    logins: u64,
    /// Let wait before the password was looked at.
    delayed: u64,
    longest_wait_ms: u64,
    /// Refused at least once.
    refused: u64,
    /// From the first try to the mailbox, of those who were refused.
    until_in_ms: Vec<u64>,
    /// Tries that were looked at, right or wrong.
    looked_at: u64,
}

impl Outcome {
    fn note(&mut self, person: &mut Person, verdict: Verdict, at: u64) {
        if person.since == 0 {
            person.since = at;
            self.logins += 1;
        }
        match verdict {
            Verdict::Go => self.looked_at += 1,
            Verdict::Wait(wait) => {
                self.looked_at += 1;
                self.delayed += 1;
                self.longest_wait_ms = self.longest_wait_ms.max(u64::try_from(wait.as_millis()).unwrap());
            }
            Verdict::Recall { .. } | Verdict::Refuse { .. } => {
                self.refused += u64::from(!person.is_refused_once);
                person.is_refused_once = true;
            }
        }
    }
}

struct World {
    attempts: Attempts,
    dice: Dice,
    now: u64,
    people: Vec<Person>,
    due: BinaryHeap<Reverse<(u64, usize)>>,
    outcomes: HashMap<Kind, Outcome>,
    guesses: u64,
    guesses_looked_at: u64,
    looked_at_in_first_hour: u64,
    of_account: HashMap<u64, u64>,
}

impl World {
    fn new(day: u64) -> Self {
        let attempts = Attempts::new(Keys { names: [1; 32], passwords: [2; 32] }, Vec::new());
        let mut world = Self {
            attempts,
            dice: Dice(0x9e37_79b9_7f4a_7c15),
            now: 1,
            people: Vec::new(),
            due: BinaryHeap::new(),
            outcomes: HashMap::new(),
            guesses: 0,
            guesses_looked_at: 0,
            looked_at_in_first_hour: 0,
            of_account: HashMap::new(),
        };
        for account in 0..ACCOUNTS {
            world.settle(account, home_of(account), day);
        }
        world
    }

    /// An account's devices: one that is known, every tenth has a telephone with a password of before, and every fifth sets
    /// up another device within the day, of whose owners every third mistypes.
    fn settle(&mut self, account: u64, home: IpAddr, day: u64) {
        let known = person(Kind::KnownDevice, account, home, "Thunderbird");
        self.attempts.succeeded(&known.attempt(&name(account)), Vec::new(), Moment::from_millis(1));
        self.comes(known, 15 * 60 * 1_000);
        if account % 10 == 6 {
            let stale = person(Kind::StalePhone, account, home, "iPhone Mail");
            self.attempts.succeeded(&stale.attempt(&name(account)), Vec::new(), Moment::from_millis(1));
            self.comes(stale, 5 * 60 * 1_000);
        }
        if account % 5 == 3 {
            let (kind, from) = match home {
                OFFICE => (Kind::NewDeviceInOffice, OFFICE),
                SCHOOL => (Kind::NewDeviceInSchool, SCHOOL),
                home if account % 10 == 3 => (Kind::NewDeviceAtHome, home),
                _ => (Kind::NewDeviceAway, Ipv4Addr::from(0x5b00_0000 + self.dice_u32(1 << 24)).into()),
            };
            let mut new = person(kind, account, from, "K-9 Mail");
            new.typos_left = (self.dice.roll(3) / 2) * (1 + self.dice.roll(3));
            self.comes(new, day);
        }
        if account == 999 {
            self.comes(person(Kind::Pupil, 998, SCHOOL, "curl"), 10_000);
        }
    }

    fn dice_u32(&mut self, sides: u64) -> u32 {
        u32::try_from(self.dice.roll(sides)).unwrap()
    }

    fn comes(&mut self, person: Person, within: u64) {
        let at = 1 + self.dice.roll(within);
        self.people.push(person);
        self.due.push(Reverse((at, self.people.len() - 1)));
    }

    fn play(&mut self, enemy: &Enemy, until: u64) {
        while self.now < until {
            self.now += enemy.every_ms;
            while let Some(Reverse((at, who))) =
                self.due.peek().copied().filter(|Reverse((at, _))| *at <= self.now)
            {
                self.due.pop();
                self.person_tries(who, at);
            }
            self.enemy_tries(enemy);
        }
    }

    fn enemy_tries(&mut self, enemy: &Enemy) {
        let bot = self.dice.roll(enemy.bots);
        let account = match enemy.aim {
            Aim::Spray => enemy.first + self.dice.roll(enemy.accounts),
            Aim::OneEach => enemy.first + bot % enemy.accounts,
        };
        let name = name(account);
        let attempt = Attempt { from: (enemy.address)(bot), client: None, account: &name };
        self.guesses += 1;
        if matches!(self.attempts.ask(&attempt, Moment::from_millis(self.now)), Verdict::Refuse { .. }) {
            return;
        }
        let typed = self.attempts.fingerprint(&attempt, &self.guesses.to_be_bytes());
        let _ = self.attempts.failed(&attempt, Some(typed), Moment::from_millis(self.now));
        self.guesses_looked_at += 1;
        self.looked_at_in_first_hour += u64::from(self.now <= HOUR);
        *self.of_account.entry(account).or_default() += 1;
    }

    fn person_tries(&mut self, who: usize, at: u64) {
        let mut person = self.people[who].clone();
        let name = name(person.account);
        let now = Moment::from_millis(at);
        let verdict = self.attempts.ask(&person.attempt(&name), now);
        let outcome = self.outcomes.entry(person.kind).or_default();
        outcome.note(&mut person, verdict, at);
        let next = match verdict {
            Verdict::Recall { .. } | Verdict::Refuse { .. } => Some(60_000),
            Verdict::Go | Verdict::Wait(_) => self.is_looked_at(&mut person, at),
        };
        self.people[who] = person;
        if let Some(wait) = next {
            self.due.push(Reverse((at + wait, who)));
        }
    }

    /// When it comes again.
    fn is_looked_at(&mut self, person: &mut Person, at: u64) -> Option<u64> {
        let (name, now) = (name(person.account), Moment::from_millis(at));
        let attempt = person.clone();
        let attempt = attempt.attempt(&name);
        let mut wrong = |typed: &[u8]| {
            let typed = self.attempts.fingerprint(&attempt, typed);
            let _ = self.attempts.failed(&attempt, Some(typed), now);
        };
        match person.kind {
            Kind::StalePhone => {
                wrong(b"of before");
                person.since = 0;
                return Some(5 * 60_000);
            }
            Kind::Pupil => {
                wrong(&at.to_be_bytes());
                return Some(10_000);
            }
            _ if person.typos_left > 0 => {
                wrong(&at.to_be_bytes());
                person.typos_left -= 1;
                return Some(10_000);
            }
            _ => self.attempts.succeeded(&attempt, Vec::new(), now),
        }
        let outcome = self.outcomes.entry(person.kind).or_default();
        if person.is_refused_once {
            outcome.until_in_ms.push(at - person.since);
        }
        (person.since, person.is_refused_once) = (0, false);
        (person.kind == Kind::KnownDevice).then_some(15 * 60_000)
    }

    /// A row for the enemy, and one for each kind of people.
    fn print(&self, enemy: &Enemy) {
        let most = self.of_account.values().max().copied().unwrap_or_default();
        println!(
            "\n{}: {} guesses, {} looked at ({} of them in the first hour), {} at most at one account",
            enemy.name, self.guesses, self.guesses_looked_at, self.looked_at_in_first_hour, most
        );
        println!(
            "| who | logins | let wait | longest wait | refused at first | of these in within, median and worst | not in yet | looked at |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let mut kinds: Vec<_> = self.outcomes.iter().collect();
        kinds.sort_by_key(|(kind, _)| **kind);
        for (kind, outcome) in kinds {
            let mut until_in = outcome.until_in_ms.clone();
            until_in.sort_unstable();
            let minutes = |index: usize| until_in.get(index).map_or(0, |ms| ms.div_ceil(60_000));
            println!(
                "| {kind:?} | {} | {} | {} ms | {} | {} min, {} min | {} | {} |",
                outcome.logins,
                outcome.delayed,
                outcome.longest_wait_ms,
                outcome.refused,
                minutes(until_in.len() / 2),
                minutes(until_in.len().saturating_sub(1)),
                outcome.refused - until_in.len() as u64,
                outcome.looked_at,
            );
        }
    }
}

impl Person {
    fn attempt<'a>(&self, name: &'a str) -> Attempt<'a>
    where
        'static: 'a,
    {
        Attempt { from: self.from, client: Some(self.client), account: name }
    }
}

const fn person(kind: Kind, account: u64, from: IpAddr, client: &'static str) -> Person {
    Person { kind, account, from, client, typos_left: 0, since: 0, is_refused_once: false }
}

fn name(account: u64) -> String {
    format!("user{account}")
}

fn home_of(account: u64) -> IpAddr {
    match account {
        0..496 => Ipv4Addr::from(0x5000_0000 + u32::try_from(account).unwrap() * 4_099).into(),
        496..500 => FAMILY,
        500..700 => OFFICE,
        _ => SCHOOL,
    }
}

/// Plays it, and holds that nobody who is known, and no new device where the account or many others are known, is kept out.
fn play(enemy: &Enemy) -> World {
    let until = match std::env::var("GATEPOST_SIMULATION").as_deref() {
        Ok("day") => 24 * HOUR,
        _ => 24 * HOUR / 10,
    };
    let mut world = World::new(until);
    world.play(enemy, until);
    world.print(enemy);
    for kind in [Kind::KnownDevice, Kind::StalePhone] {
        let outcome = &world.outcomes[&kind];
        assert_eq!((outcome.delayed, outcome.refused), (0, 0), "{kind:?}");
    }
    for kind in [Kind::NewDeviceAtHome, Kind::NewDeviceInOffice, Kind::NewDeviceInSchool] {
        assert_eq!(world.outcomes[&kind].refused, 0, "{kind:?}");
    }
    assert!(world.of_account.values().all(|guesses| *guesses <= 130));
    assert!(world.outcomes[&Kind::Pupil].looked_at <= 160);
    world
}

/// The same, and that so many of its guesses are looked at, at most: in a tenth of a day, and in all of one.
fn check(enemy: &Enemy, [in_a_tenth, in_a_day]: [u64; 2], refused_away: u64) {
    let world = play(enemy);
    let most = if world.now >= 24 * HOUR { in_a_day } else { in_a_tenth };
    assert!(world.guesses_looked_at <= most, "{}", world.guesses_looked_at);
    assert!(world.outcomes[&Kind::NewDeviceAway].refused <= refused_away);
}

const BOTNET: Enemy = Enemy {
    name: "10,000 addresses",
    address: scattered,
    bots: 10_000,
    first: 0,
    accounts: ACCOUNTS,
    aim: Aim::Spray,
    every_ms: 10,
};

#[test]
fn of_what_a_botnet_of_ten_thousand_guesses_one_in_eighty_is_looked_at_and_nobody_is_kept_out() {
    check(&BOTNET, [23_000, 105_000], 0);
}

#[test]
fn a_botnet_whose_bots_keep_to_an_account_each_gains_some_hours_and_no_more() {
    let enemy = Enemy { name: "10,000 addresses, each at one account", aim: Aim::OneEach, ..BOTNET };
    // Who sets up a device in the first hours where nobody has signed in before may have to wait for their end.
    check(&enemy, [41_000, 105_000], 50);
}

#[test]
fn one_address_is_looked_at_some_eighty_times_a_day() {
    check(&Enemy { name: "one address", bots: 1, ..BOTNET }, [16, 81], 0);
}

#[test]
fn all_of_a_24_is_looked_at_some_thirty_times_an_hour() {
    check(&Enemy { name: "a /24", address: within_a_24, bots: 256, ..BOTNET }, [140, 790], 0);
}

#[test]
fn all_of_a_48_of_ipv6_is_looked_at_some_thirty_times_an_hour() {
    check(&Enemy { name: "a /48 of IPv6", address: within_a_48, bots: 65_536, ..BOTNET }, [140, 790], 0);
}

#[test]
fn one_account_is_guessed_at_some_hundred_times_a_day_and_its_owners_devices_come_in() {
    // The account sets up a device where it is not known, which may have to wait for the end of it.
    let enemy =
        Enemy { name: "one account, a guess each second", first: 8, accounts: 1, every_ms: 1_000, ..BOTNET };
    check(&enemy, [40, 130], 1);
}

#[test]
fn where_nobody_attacks_nobody_is_kept_out() {
    check(&Enemy { name: "nobody", bots: 1, accounts: 1, every_ms: HOUR, ..BOTNET }, [3, 24], 0);
}
