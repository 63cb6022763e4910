//! A mailbox of a hundred thousand messages: folding, telling, keeping, ordering.

use crate::{Operation, Work};
use mailbox::sort::{Direction, SortKey, Sorter};
use mailbox::{
    BATCH_ITEMS, Birth, Change, Created, Dialect, Event, Flags, FlagsChanged, Item, MailboxState, NewMessage,
    Permit, Scope, Store, SystemFlags, View,
};
use std::hint::black_box;
use terms::{AccountId, InternalDate, Keyword, ModSeq, SeqNum, Uid, UidSet, UidValidity};
use testkit::dice::Dice;

pub(crate) const ALL: &[Operation] = &[
    Operation { name: "mailbox/apply-flag", yields: 1, prepare: apply_flag },
    Operation { name: "mailbox/apply-all-flags", yields: 1_000, prepare: apply_all_flags },
    Operation { name: "mailbox/decide-store", yields: 1_000, prepare: decide_store },
    Operation { name: "mailbox/announce-one", yields: 1, prepare: announce_one },
    Operation { name: "mailbox/announce-batch", yields: 1_000, prepare: announce_batch },
    Operation { name: "mailbox/snapshot", yields: 1, prepare: snapshot },
    Operation { name: "mailbox/restore", yields: 90_000, prepare: restore },
    Operation { name: "mailbox/read-rows", yields: 90_000, prepare: read_rows },
    Operation { name: "mailbox/sort-dates", yields: 90_000, prepare: sort_dates },
];

const OWNER: AccountId = AccountId(1);
const BATCHES: u32 = 100;
/// Of which one in ten is expunged.
const BATCH: u32 = 1_000;

/// One message, somewhere.
fn apply_flag() -> Work {
    let (state, mut dice) = (lived_in(), Dice::new(2));
    Box::new(move || {
        let event = flagged(one(&state, &mut dice));
        let after = black_box(&state).apply(&event).unwrap();
        after.seq() - state.seq()
    })
}

/// A thousand events of a message each, as whoever opens a mailbox folds them.
fn apply_all_flags() -> Work {
    let (state, mut dice) = (lived_in(), Dice::new(3));
    let events: Vec<_> = (0..1_000).map(|_| flagged(one(&state, &mut dice))).collect();
    Box::new(move || black_box(&state).apply_all(&events).unwrap().seq() - state.seq())
}

/// STORE on a thousand messages that lie scattered.
fn decide_store() -> Work {
    let state = lived_in();
    let uids = scattered(&state, 1_000);
    let flags = Flags::system(SystemFlags::DELETED);
    Box::new(move || {
        let request =
            Store { account: OWNER, uids: &uids, change: Change::Add, flags: &flags, unchanged_since: None };
        mailbox::store(black_box(&state), &request).unwrap().changed.len()
    })
}

fn announce_one() -> Work {
    let before = lived_in();
    let after = before.apply(&flagged(one(&before, &mut Dice::new(4)))).unwrap();
    announce(&before, after)
}

fn announce_batch() -> Work {
    let before = lived_in();
    let after = before.apply(&flagged(scattered(&before, 1_000))).unwrap();
    announce(&before, after)
}

/// A session that knows all of `before` is told of `after`.
fn announce(before: &MailboxState, after: MailboxState) -> Work {
    let view = View::open(before, OWNER, Dialect::Qresync, None);
    Box::new(move || {
        let mut view = view.clone();
        let told = view.announce(black_box(&after), Permit::Renumber, None, BATCH_ITEMS).unwrap();
        told.items.iter().filter(|item| matches!(item, Item::Fetch(_))).count() as u64
    })
}

fn snapshot() -> Work {
    let state = lived_in();
    Box::new(move || black_box(black_box(&state).snapshot()).len() as u64)
}

fn restore() -> Work {
    let pieces = lived_in().snapshot();
    Box::new(move || {
        let state = MailboxState::restore(black_box(&pieces).iter().map(|piece| &**piece)).unwrap();
        u64::from(state.messages())
    })
}

/// As FETCH 1:* does.
fn read_rows() -> Work {
    let state = lived_in();
    let uids = state.uids(Uid::MIN);
    Box::new(move || black_box(&state).reader(OWNER).rows(&uids).map(black_box).count() as u64)
}

/// SORT (REVERSE ARRIVAL) of all messages.
fn sort_dates() -> Work {
    let state = lived_in();
    let uids = state.uids(Uid::MIN);
    let rows: Vec<_> = state.reader(OWNER).rows(&uids).collect();
    Box::new(move || {
        let (mut sorter, mut key) = (Sorter::new(), SortKey::new());
        for row in black_box(&rows) {
            key.clear();
            key.number(Direction::Descending, row.internal_date.seconds());
            sorter.push(row.uid, &key);
        }
        sorter.finish().map(black_box).count() as u64
    })
}

fn one(state: &MailboxState, dice: &mut Dice) -> UidSet {
    let nth = SeqNum::new(dice.below(state.messages()) + 1).unwrap();
    UidSet::one(state.uid_at(nth).unwrap())
}

/// So many messages, as far from each other as can be.
fn scattered(state: &MailboxState, count: u32) -> UidSet {
    let stride = state.messages() / count;
    (0..count).map(|n| state.uid_at(SeqNum::new(n * stride + 1).unwrap()).unwrap()).collect()
}

fn flagged(uids: UidSet) -> Event {
    let (add, remove) = (Flags::system(SystemFlags::DELETED), Flags::NONE);
    Event::FlagsChanged(FlagsChanged { scope: Scope::Shared, uids, add, remove })
}

/// Years of mail, most of it seen, some with keywords, a tenth expunged.
fn lived_in() -> MailboxState {
    let created = Created {
        stream: 1,
        owner: OWNER,
        uid_validity: UidValidity::MIN,
        uid_next: Uid::MIN,
        modseq_base: ModSeq::ZERO,
    };
    let mut state = MailboxState::create(&created).unwrap();
    let mut dice = Dice::new(1);
    for batch in 0..BATCHES {
        let messages = (0..BATCH).map(|n| message(&mut dice, batch * BATCH + n)).collect();
        state = state.apply_all(&mailbox::append(&state, OWNER, messages).unwrap().events).unwrap();
        let first = batch * BATCH + 1;
        let gone = (0..BATCH / 10).filter_map(|n| Uid::new(first + n * 10 + dice.below(10)));
        state = state.apply(&Event::Expunged { uids: gone.collect() }).unwrap();
    }
    state
}

fn message(dice: &mut Dice, nth: u32) -> NewMessage {
    let seen = if dice.chance(80) { SystemFlags::SEEN } else { SystemFlags::from_bits(0).unwrap() };
    let mut flags = Flags::system(seen);
    if dice.chance(15) {
        flags.push(Keyword::new(dice.pick(&["$Forwarded", "$Junk", "work"])).unwrap());
    }
    let seconds = 1_400_000_000 + i64::from(nth) * 300 + dice.below(3_600_i64);
    NewMessage {
        birth: Birth::Here,
        flags,
        internal_date: InternalDate::new(seconds, dice.pick(&[0, 60, 120, -300])).unwrap(),
        size: 1_000 + dice.below(60_000_u64),
        save_date: seconds + dice.below(100_i64),
    }
}
