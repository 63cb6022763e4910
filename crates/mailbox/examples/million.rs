//! What a million messages cost: octets in memory, time to open from a snapshot, time of a few events.
//!
//! `cargo run --release -p mailbox --example million`
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "an example talks, and may panic"
)]

use bytes::Bytes;
use mailbox::{
    Birth, Change, Created, Dialect, Event, Flags, MailboxState, NewMessage, Permit, Reply, Store,
    SystemFlags, View,
};
use std::time::{Duration, Instant};
use terms::{AccountId, EmailId, InternalDate, Keyword, ModSeq, SeqNum, Uid, UidSet, UidValidity};

const MESSAGES: u32 = 1_000_000;
const OWNER: AccountId = AccountId(1);

fn main() {
    let (state, took) = timed(lived_in);
    let messages = state.messages();
    println!("{messages} messages, UIDNEXT {}, {} events, made in {took:?}", state.uid_next(), state.seq());
    let octets = state.resident_octets();
    println!(
        "resident: {octets} octets, {:.1} a message; RSS {}",
        octets as f64 / f64::from(messages),
        resident()
    );

    let (pieces, took) = timed(|| state.snapshot());
    let total: usize = pieces.iter().map(Bytes::len).sum();
    println!("snapshot: {} pieces, {total} octets, written in {took:?}", pieces.len());
    let (opened, took) = timed(|| MailboxState::restore(pieces.iter().map(|piece| &**piece)).unwrap());
    println!("opened from it in {took:?}: {} messages", opened.messages());

    let mut view = View::open(&state, OWNER, Dialect::Qresync, None);
    println!("a view of it: {} octets", view.resident_octets());

    let all = state.uids(Uid::MIN);
    let some = (1..=100_000).filter_map(|n| state.uid_at(SeqNum::new(n * 9)?)).collect::<UidSet>();
    for (name, uids) in [("100,000 scattered messages", &some), ("all messages", &all)] {
        let flags = Flags::system(SystemFlags::ANSWERED);
        let request =
            Store { account: OWNER, uids, change: Change::Add, flags: &flags, unchanged_since: None };
        let (stored, decided) = timed(|| mailbox::store(&state, &request).unwrap());
        let octets: usize = stored.events.iter().map(|event| event.encode().len()).sum();
        let (after, applied) = timed(|| apply(&state, &stored.events));
        let mut view = view.clone();
        view.stored(&state, &after, &stored, Reply::Flags);
        let (told, took) = timed(|| announce(&mut view, &after));
        println!(
            "STORE on {name}: {} events of {octets} octets, decided in {decided:?}, applied in {applied:?}, \
             {told} replies in {took:?}",
            stored.events.len()
        );
    }
    let deliver = |state: MailboxState, nth| {
        apply(&state, &mailbox::append(&state, OWNER, vec![message(1, nth)]).unwrap().events)
    };
    let (after, took) = timed(|| (0..1_000).fold(state.clone(), deliver));
    let (told, announced) = timed(|| announce(&mut view, &after));
    println!("1,000 deliveries: applied in {took:?}, told in {announced:?} ({told} replies)");
    let (rows, took) =
        timed(|| after.reader(OWNER).rows(&all).map(|row| u64::from(row.uid.get())).sum::<u64>());
    println!("reading all rows: {took:?} (checksum {rows})");
}

/// Ten years of mail: a fifth moved here from elsewhere, most of it seen, some flagged, a tenth expunged.
fn lived_in() -> MailboxState {
    let created = Created {
        stream: 1,
        owner: OWNER,
        uid_validity: UidValidity::MIN,
        uid_next: Uid::MIN,
        modseq_base: ModSeq::ZERO,
    };
    let mut state = MailboxState::create(&created).unwrap();
    let mut chance = 1_u64;
    for batch in 0..MESSAGES / 1_000 * 10 / 9 {
        let messages = (0..1_000).map(|n| message(next(&mut chance), batch * 1_000 + n)).collect();
        state = apply(&state, &mailbox::append(&state, OWNER, messages).unwrap().events);
        // What came is read one by one, in another order.
        let first = state.uid_next().get() - 1_000;
        for _ in 0..40 {
            let read: UidSet =
                (0..25).filter_map(|_| Uid::new(first + next(&mut chance) as u32 % 1_000)).collect();
            state = flag(&state, &read, SystemFlags::SEEN);
        }
        let flagged = (0..20).filter_map(|_| Uid::new(first + next(&mut chance) as u32 % 1_000)).collect();
        state = flag(&state, &flagged, SystemFlags::FLAGGED);
        let gone: UidSet =
            (0..100).filter_map(|n| Uid::new(first + n * 10 + next(&mut chance) as u32 % 10)).collect();
        state = state.apply(&Event::Expunged { uids: gone }).unwrap();
    }
    state
}

fn message(chance: u64, nth: u32) -> NewMessage {
    let mut flags = Flags::system(SystemFlags::from_bits((chance >> 20) as u8 & 1).unwrap());
    if chance.is_multiple_of(7) {
        flags.push(Keyword::new(["$Forwarded", "$Junk", "work"][(chance >> 8) as usize % 3]).unwrap());
    }
    let foreign =
        EmailId { mailbox: 2 + (chance >> 40) as u32 % 20, uid: (chance >> 32) as u32 % 500_000 + 1 };
    let seconds = 1_400_000_000 + i64::from(nth) * 300 + (chance >> 12) as i64 % 3_600;
    let zone = [0, 60, 120, -300][(chance >> 4) as usize % 4];
    NewMessage {
        birth: if chance.is_multiple_of(5) { Birth::Elsewhere(foreign) } else { Birth::Here },
        flags,
        internal_date: InternalDate::new(seconds, zone).unwrap(),
        size: 1_000 + (chance >> 16) % 60_000,
        save_date: seconds + (chance >> 50) as i64 % 100,
    }
}

fn flag(state: &MailboxState, uids: &UidSet, flags: SystemFlags) -> MailboxState {
    let flags = Flags::system(flags);
    let request = Store { account: OWNER, uids, change: Change::Add, flags: &flags, unchanged_since: None };
    apply(state, &mailbox::store(state, &request).unwrap().events)
}

fn apply(state: &MailboxState, events: &[Event]) -> MailboxState {
    events.iter().fold(state.clone(), |state, event| state.apply(event).unwrap())
}

fn announce(view: &mut View, state: &MailboxState) -> usize {
    let mut told = 0;
    loop {
        let batch = view.announce(state, Permit::Renumber, None, mailbox::BATCH_ITEMS).unwrap();
        told += batch.items.len();
        if batch.is_complete() {
            return told;
        }
    }
}

fn next(chance: &mut u64) -> u64 {
    *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *chance ^ *chance >> 29
}

/// What the work took of the processor, so that a busy machine tells the same; else of the clock.
#[expect(clippy::disallowed_methods, reason = "an example may look at the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let (clock, processor) = (Instant::now(), on_processor());
    let result = work();
    let spent = processor.and_then(|before| Some(on_processor()? - before));
    (result, spent.unwrap_or_else(|| clock.elapsed()))
}

fn on_processor() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// As the kernel counts it, where there is one that does.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or_else(|| "unknown".into(), |rss| rss.trim().into())
}
