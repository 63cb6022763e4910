//! What commands on many messages cost, message by message: the figures of `docs/decisions/speed.md`.
//!
//! `cargo run --release -p mailbox --example speed`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example talks, and may panic")]

use mailbox::{
    BATCH_ITEMS, Birth, Change, Created, Dialect, Doomed, Event, Flags, Found, MailboxState, NewMessage,
    Permit, Reply, Store, Stored, SystemFlags, View,
};
use std::time::{Duration, Instant};
use terms::{AccountId, Flag, InternalDate, Keyword, ModSeq, Uid, UidSet, UidValidity};

const MESSAGES: u32 = 100_000;
/// As many as are copied and expunged at once.
const SOME: u32 = 10_000;
/// Messages that a FETCH looks up at once.
const CHUNK: usize = 256;
/// The shortest of so many counts.
const TIMES: usize = 40;
const OWNER: AccountId = AccountId(1);

fn main() {
    let state = lived_in();
    let all = state.uids(Uid::MIN);
    store_on_all(&state, &all);
    store_on_one(&state);
    copy_move_expunge(&state);
    fetch(&state, &all);
}

fn store_on_all(state: &MailboxState, all: &UidSet) {
    let marked = commit(state, &decide(state, all, Change::Add, "bench").events);
    let deleted = commit(state, &decide(state, all, Change::Add, "\\Deleted").events);
    for (name, from, change, flag) in [
        ("+FLAGS (bench)", state, Change::Add, "bench"),
        ("-FLAGS (bench)", &marked, Change::Remove, "bench"),
        ("+FLAGS (\\Seen)", state, Change::Add, "\\Seen"),
        ("-FLAGS (\\Deleted)", &deleted, Change::Remove, "\\Deleted"),
    ] {
        let flags = flags(flag);
        let decided = least(|| mailbox::store(from, &request(all, change, &flags)).unwrap());
        let stored = mailbox::store(from, &request(all, change, &flags)).unwrap();
        let applied = least(|| commit(from, &stored.events));
        let after = commit(from, &stored.events);
        for (how, reply) in [("told", Reply::Flags), ("silent", Reply::Silent)] {
            let view = View::open(from, OWNER, Dialect::Plain, None);
            let told = least(|| {
                let mut view = view.clone();
                view.stored(from, &after, &stored, reply);
                announce(&mut view, &after)
            });
            say(&format!("STORE {name} {how}: decided, applied, told"), MESSAGES, &[decided, applied, told]);
        }
        let view = View::open(from, OWNER, Dialect::Plain, None);
        say(
            &format!("STORE {name}: told to another"),
            MESSAGES,
            &[least(|| announce(&mut view.clone(), &after))],
        );
    }
}

fn store_on_one(state: &MailboxState) {
    let unseen = state.reader(OWNER).first_unseen().and_then(|number| state.uid_at(number));
    let uids = UidSet::one(unseen.unwrap());
    let view = View::open(state, OWNER, Dialect::Plain, None);
    for flag in ["\\Flagged", "\\Seen"] {
        let flags = flags(flag);
        let decided = least(|| mailbox::store(state, &request(&uids, Change::Add, &flags)).unwrap());
        let stored = mailbox::store(state, &request(&uids, Change::Add, &flags)).unwrap();
        let applied = least(|| commit(state, &stored.events));
        let after = commit(state, &stored.events);
        let told = least(|| {
            let mut view = view.clone();
            view.stored(state, &after, &stored, Reply::Flags);
            announce(&mut view, &after)
        });
        let head = least(|| after.head());
        say(
            &format!("STORE +FLAGS ({flag}) on one: decided, applied, told, head"),
            1,
            &[decided, applied, told, head],
        );
    }
}

fn copy_move_expunge(state: &MailboxState) {
    let first = MESSAGES / 2;
    let some = state.uids(Uid::MIN).slice(u64::from(first)..u64::from(first + SOME));
    let empty = empty();
    let decided = least(|| mailbox::copy(state, OWNER, &some, &empty, 0).unwrap());
    let copying = mailbox::copy(state, OWNER, &some, &empty, 0).unwrap();
    let encoded = least(|| copying.events.iter().map(Event::encode).collect::<Vec<_>>());
    let applied = least(|| commit(&empty, &copying.events));
    let octets: usize = copying.events.iter().map(|event| event.encode().len()).sum();
    say(&format!("COPY ({octets} octets): decided, encoded, applied"), SOME, &[decided, encoded, applied]);
    let copied = commit(&empty, &copying.events);
    let all = copied.uids(Uid::MIN);
    for (name, from, uids) in [("all", &copied, &all), ("a tenth", state, &some)] {
        let deleted = commit(from, &decide(from, uids, Change::Add, "\\Deleted").events);
        let decided = least(|| mailbox::expunge(&deleted, Doomed::DeletedAmong(uids)).unwrap());
        let events = mailbox::expunge(&deleted, Doomed::DeletedAmong(uids)).unwrap().events;
        let applied = least(|| commit(&deleted, &events));
        let after = commit(&deleted, &events);
        let view = View::open(&deleted, OWNER, Dialect::Plain, None);
        let told = least(|| announce(&mut view.clone(), &after));
        say(&format!("EXPUNGE of {name}: decided, applied, told"), SOME, &[decided, applied, told]);
    }
}

fn fetch(state: &MailboxState, all: &UidSet) {
    let view = View::open(state, OWNER, Dialect::Plain, None);
    let uids: Vec<Uid> = all.iter().collect();
    let found = least(|| {
        let live = |found: &Option<_>| matches!(found, Some((_, Found::Live(_))));
        let chunk = |uids| view.find_all(state, uids).filter(live).count();
        uids.chunks(CHUNK).map(chunk).sum::<usize>()
    });
    say("FETCH: found", MESSAGES, &[found]);
    let read = least(|| state.reader(OWNER).rows(all).map(|row| row.size).sum::<u64>());
    say("all rows", MESSAGES, &[read]);
}

/// A mailbox whose messages came in some hundred at a time, most of them read, some flagged or with a keyword.
fn lived_in() -> MailboxState {
    let mut chance = 1_u64;
    let mut state = empty();
    for batch in 0..MESSAGES / 500 {
        let messages = (0..500).map(|n| message(next(&mut chance), batch * 500 + n)).collect();
        state = commit(&state, &mailbox::append(&state, OWNER, messages).unwrap().events);
    }
    let uids = state.uids(Uid::MIN);
    for flag in ["\\Seen", "\\Flagged", "$Label1"] {
        let one_in = if flag == "\\Seen" { 3 } else { 50 };
        let some: UidSet = uids.iter().filter(|_| next(&mut chance).is_multiple_of(one_in)).collect();
        state = commit(&state, &decide(&state, &some, Change::Add, flag).events);
    }
    state
}

fn empty() -> MailboxState {
    MailboxState::create(&Created {
        stream: 1,
        owner: OWNER,
        uid_validity: UidValidity::MIN,
        uid_next: Uid::MIN,
        modseq_base: ModSeq::ZERO,
    })
    .unwrap()
}

fn message(chance: u64, nth: u32) -> NewMessage {
    let seconds = 1_400_000_000 + i64::from(nth) * 300 + (chance >> 12) as i64 % 3_600;
    let system = if chance.is_multiple_of(3) { SystemFlags::SEEN } else { SystemFlags::default() };
    NewMessage {
        birth: Birth::Here,
        flags: Flags::system(system),
        internal_date: InternalDate::new(seconds, 0).unwrap(),
        size: 1_000 + (chance >> 16) % 60_000,
        save_date: seconds,
    }
}

fn flags(name: &str) -> Flags {
    let flag = match name {
        "\\Seen" => Flag::Seen,
        "\\Flagged" => Flag::Flagged,
        "\\Deleted" => Flag::Deleted,
        keyword => Flag::Keyword(Keyword::new(keyword).unwrap()),
    };
    [&flag].into_iter().collect()
}

const fn request<'a>(uids: &'a UidSet, change: Change, flags: &'a Flags) -> Store<'a> {
    Store { account: OWNER, uids, change, flags, unchanged_since: None }
}

fn decide(state: &MailboxState, uids: &UidSet, change: Change, flag: &str) -> Stored {
    mailbox::store(state, &request(uids, change, &flags(flag))).unwrap()
}

fn commit(state: &MailboxState, events: &[Event]) -> MailboxState {
    events.iter().fold(state.clone(), |state, event| state.apply(event).unwrap())
}

fn announce(view: &mut View, state: &MailboxState) -> usize {
    let mut told = 0;
    loop {
        let batch = view.announce(state, Permit::Renumber, None, BATCH_ITEMS).unwrap();
        told += batch.items.len();
        if batch.is_complete() {
            return told;
        }
    }
}

const fn next(chance: &mut u64) -> u64 {
    *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *chance ^ *chance >> 29
}

/// The shortest time that the work took of the clock: a busy machine tells nearly the same.
#[expect(clippy::disallowed_methods, reason = "an example may look at the clock")]
fn least<T>(work: impl Fn() -> T) -> Duration {
    let once = || {
        let clock = Instant::now();
        let done = work();
        let took = clock.elapsed();
        drop(done);
        took
    };
    (0..TIMES).map(|_| once()).min().unwrap_or_default()
}

fn say(what: &str, messages: u32, took: &[Duration]) {
    let each = took.iter().map(|took| took.as_nanos() as f64 / f64::from(messages));
    let each: Vec<_> = each.map(|nanoseconds| format!("{nanoseconds:.1}")).collect();
    println!("{what}: {} ns a message", each.join(", "));
}
