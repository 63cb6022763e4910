//! Events and snapshots as octets: whole they come back, damaged they are refused, and nothing panics.

use crate::{ALEX, ANDREW, empty, expunge, modseq, store, uid, uids, with_messages};
use mailbox::{
    Appended, Birth, Change, Created, DecodeError, Event, Flags, FlagsChanged, MailboxState, NewMessage,
    Scope, SystemFlags,
};
use terms::{AccountId, EmailId, InternalDate, Keyword, ModSeq, Uid, UidSet, UidValidity};
use testkit::dice::Dice;

fn number(dice: &mut Dice) -> u64 {
    let bits = dice.below(64);
    (dice.below(usize::MAX) as u64) >> bits
}

fn any_flags(dice: &mut Dice) -> Flags {
    let mut flags = Flags::system(SystemFlags::from_bits(dice.below(32) as u8).unwrap());
    for _ in 0..dice.below(4) {
        flags.push(Keyword::new(["$Junk", "a", "B", "c.d", "$mdnsent"][dice.below(5)]).unwrap());
    }
    flags
}

fn any_uid(dice: &mut Dice) -> Uid {
    Uid::new(number(dice) as u32).unwrap_or(Uid::MAX)
}

fn any_uids(dice: &mut Dice) -> UidSet {
    let ranges = (0..=dice.below(5)).map(|_| (any_uid(dice), any_uid(dice)));
    let ranges: Vec<_> = ranges.collect();
    UidSet::from_ranges(ranges)
}

fn any_message(dice: &mut Dice) -> NewMessage {
    let email = EmailId { mailbox: number(dice) as u32, uid: number(dice) as u32 };
    let seconds = (number(dice) >> 1) as i64 % 200_000_000_000;
    NewMessage {
        birth: dice.pick(&[Birth::Here, Birth::Elsewhere(email)]),
        flags: any_flags(dice),
        internal_date: InternalDate::new(seconds, dice.below(1_000) as i16 - 500).unwrap(),
        size: number(dice),
        save_date: number(dice) as i64 >> 2,
    }
}

fn any_event(dice: &mut Dice) -> Event {
    match dice.below(5) {
        0 => Event::Created(Created {
            stream: number(dice) as u32,
            owner: AccountId(number(dice)),
            uid_validity: UidValidity::new(number(dice) as u32).unwrap_or(UidValidity::MAX),
            uid_next: any_uid(dice),
            modseq_base: ModSeq::new(number(dice) >> 1).unwrap(),
        }),
        1 => Event::Appended(Appended {
            first: uid(1 + number(dice) as u32 / 2),
            reader: AccountId(number(dice)),
            messages: {
                let different: Vec<_> = (0..=dice.below(4)).map(|_| any_message(dice)).collect();
                different.into_iter().flat_map(|message| vec![message; 1 + dice.below(5)]).collect()
            },
        }),
        2 => Event::FlagsChanged(FlagsChanged {
            scope: dice.pick(&[Scope::Shared, Scope::Private(AccountId(9))]),
            uids: any_uids(dice),
            add: any_flags(dice),
            remove: any_flags(dice),
        }),
        3 => Event::Expunged { uids: any_uids(dice) },
        _ => Event::Skipped { uid_next: any_uid(dice), modseq_base: ModSeq::new(number(dice) >> 1).unwrap() },
    }
}

#[test]
fn an_event_comes_back_as_it_was_and_never_from_other_octets() {
    let mut dice = Dice::new(1);
    for round in 0..5_000 {
        let event = any_event(&mut dice);
        let octets = event.encode();
        assert_eq!(Event::decode(&octets), Ok(event), "round {round}");
        for length in 0..octets.len() {
            assert!(Event::decode(&octets[..length]).is_err(), "round {round}, {length} octets");
        }
        let mut longer = octets.to_vec();
        longer.push(0);
        assert_eq!(Event::decode(&longer), Err(DecodeError::Long));
        let mut damaged = octets.to_vec();
        let at = dice.below(damaged.len());
        damaged[at] ^= 1 << dice.below(8);
        // It may mean something else; then it is written that way, too.
        if let Ok(other) = Event::decode(&damaged) {
            assert_eq!(Event::decode(&other.encode()), Ok(other), "round {round}");
        }
        let garbage: Vec<u8> = (0..dice.below(40)).map(|_| number(&mut dice) as u8).collect();
        assert!(
            Event::decode(&garbage).is_ok_and(|event| event.encode() == garbage)
                || Event::decode(&garbage).is_err()
        );
    }
}

#[test]
fn an_event_that_does_not_fit_is_refused() {
    let state = with_messages(&empty(1, 0), 3);
    let message = crate::message(&Flags::NONE);
    let appended = |first| Event::Appended(Appended { first, reader: ALEX, messages: vec![message.clone()] });
    let changed = |scope, add: &str| {
        let (add, remove) = (crate::named(add), Flags::NONE);
        Event::FlagsChanged(FlagsChanged { scope, uids: uids([1]), add, remove })
    };
    for event in [
        appended(uid(3)),
        appended(uid(5)),
        Event::Expunged { uids: uids([3, 4]) },
        Event::Expunged { uids: UidSet::range(Uid::MIN, Uid::MAX) },
        Event::Skipped { uid_next: uid(2), modseq_base: modseq(10) },
        changed(Scope::Shared, "\\Seen"),
        changed(Scope::Private(ANDREW), "\\Seen \\Flagged"),
        changed(Scope::Private(ANDREW), "\\Flagged"),
    ] {
        assert!(state.apply(&event).is_err(), "{event:?}");
    }
    assert!(MailboxState::fold([&appended(uid(1))]).is_err());
}

#[test]
fn a_damaged_snapshot_is_refused_or_makes_sense_but_never_panics() {
    let (state, _) =
        store(&with_messages(&empty(1, 0), 700), ALEX, &uids(1..=300), Change::Add, "\\Seen work");
    let (state, _) = store(&state, ANDREW, &uids(200..=400), Change::Add, "\\Seen");
    let state = expunge(&state, &uids((1..=700).filter(|n| n % 9 == 0)));
    let pieces = state.snapshot();
    assert_eq!(pieces.len(), 1);
    let mut dice = Dice::new(2);
    for _ in 0..3_000 {
        let mut octets = pieces[0].to_vec();
        if dice.one_in(2) {
            octets.truncate(dice.below(octets.len()));
            assert!(MailboxState::restore([&*octets]).is_err());
        } else {
            let at = dice.below(octets.len());
            octets[at] ^= 1 << dice.below(8);
            if let Ok(other) = MailboxState::restore([&*octets]) {
                assert!(other.reader(ALEX).rows(&other.uids(Uid::MIN)).count() <= 700);
                assert!(other.head().encode().len() <= 50);
            }
        }
    }
}
