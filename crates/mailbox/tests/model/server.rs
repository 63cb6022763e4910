//! A mailbox as a server keeps it, beside the truth about it.

use crate::bugs::{Bug, Sut};
use crate::ensure;
use crate::truth::{ACCOUNTS, Arrival, DELETED, Mask, NAMES, Truth, flags};
use bytes::Bytes;
use mailbox::{Appending, Birth, Change, Created, Doomed, Event, MailboxState, NewMessage, Store};
use std::collections::BTreeMap;
use terms::{EmailId, InternalDate, ModSeq, Uid, UidSet, UidValidity};
use testkit::dice::Dice;

pub(crate) struct Server {
    pub(crate) state: MailboxState,
    pub(crate) truth: Truth,
    log: Vec<Bytes>,
    snapshot: Option<(usize, Vec<Bytes>)>,
    /// The truth after each event or group of events.
    past: Vec<Truth>,
    pub(crate) watermark: u32,
    /// Which read-write session showed a message as \Recent.
    pub(crate) claimed: BTreeMap<u32, u64>,
    /// The MODSEQ of the last skip.
    pub(crate) skipped: u64,
    /// The MODSEQ behind which expunged messages are remembered as they were.
    pub(crate) remembers: u64,
}

pub(crate) fn uid_set(uids: &[u32]) -> UidSet {
    uids.iter().filter_map(|uid| Uid::new(*uid)).collect()
}

impl Server {
    pub(crate) fn new(stream: u32, dice: &mut Dice) -> Self {
        let base = dice.pick(&[0, 1, 1 << 40]);
        let created = Event::Created(Created {
            stream,
            owner: ACCOUNTS[0],
            uid_validity: UidValidity::new(1_700_000_000 + stream).unwrap(),
            uid_next: Uid::MIN,
            modseq_base: ModSeq::new(base).unwrap(),
        });
        let truth = Truth::new(stream, base);
        Self {
            state: MailboxState::fold([&created]).unwrap(),
            past: vec![truth.clone()],
            truth,
            log: vec![created.encode()],
            snapshot: None,
            watermark: 1,
            claimed: BTreeMap::new(),
            skipped: 0,
            remembers: 0,
        }
    }

    /// Takes in events, as the store gives them back.
    pub(crate) fn commit(&mut self, events: &[Event]) -> Result<(), String> {
        for event in events {
            let octets = event.encode();
            let event = Event::decode(&octets).map_err(|error| format!("{event:?}: {error}"))?;
            self.state = self.state.apply(&event).map_err(|misfit| format!("{event:?}: {misfit}"))?;
            self.log.push(octets);
        }
        Ok(())
    }

    /// Looks whether state and truth agree after what happened to both.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        self.past.push(self.truth.clone());
        self.truth.check(&self.state)
    }

    /// Something happens to the mailbox that none of the sessions did.
    pub(crate) fn meddle(&mut self, dice: &mut Dice) -> Result<(), String> {
        let account = dice.below(2);
        let uids = dice.some(&self.truth.uids());
        match dice.below(5) {
            4 => self.bring(account, dice)?,
            0 => self.append(account, &arrivals(dice))?,
            1 => {
                let deleted = self.truth.messages.iter().filter(|m| m.shared & DELETED != 0).map(|m| m.uid);
                let deleted: Vec<u32> = deleted.collect();
                self.commit(&mailbox::expunge(&self.state, Doomed::Deleted).unwrap().events)?;
                self.truth.expunge(&deleted);
            }
            _ => {
                let (change, mask) = (any_change(dice), any_flags(dice));
                let (uids_set, named) = (uid_set(&uids), flags(mask));
                let request = Store {
                    account: ACCOUNTS[account],
                    uids: &uids_set,
                    change,
                    flags: &named,
                    unchanged_since: None,
                };
                self.commit(&mailbox::store(&self.state, &request).unwrap().events)?;
                self.truth.store(account, &uids, change, mask, None);
            }
        }
        self.settle()
    }

    pub(crate) fn append(&mut self, account: usize, arrivals: &[Arrival]) -> Result<(), String> {
        let appending = self.decide_append(account, arrivals);
        self.arrive(&appending, account, arrivals)
    }

    /// Messages come that had UIDs elsewhere: with gaps between them, and some that have come too late for theirs.
    fn bring(&mut self, account: usize, dice: &mut Dice) -> Result<(), String> {
        let (mut brought, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..=dice.below(3) {
            let gap = dice.below(4) as u32;
            let some = arrivals(dice);
            if gap > 0 && !expected.is_empty() || brought.is_empty() {
                let first = expected.last().map_or(self.truth.uid_next, |last| last + 1) + gap;
                let late = |dice: &mut Dice| Uid::new(dice.below(first as usize) as u32);
                brought.extend(some.iter().map(|arrival| (late(dice), new_message(arrival))));
                if let Some((uid, _)) = brought.iter_mut().rev().nth(some.len() - 1) {
                    *uid = Uid::new(first);
                }
                if first > self.truth.uid_next {
                    self.truth.skip(first - self.truth.uid_next, 0);
                }
                expected.extend(self.truth.append(account, &some));
            }
        }
        let appending = mailbox::bring(&self.state, ACCOUNTS[account], brought).unwrap();
        ensure!(appending.uids == uid_set(&expected), "UIDs {:?}, not {expected:?}", appending.uids);
        self.commit(&appending.events)?;
        if dice.one_in(2) {
            let uid_next = self.truth.uid_next + 1 + dice.below(9) as u32;
            self.commit(&[mailbox::skip_to(&self.state, Uid::new(uid_next).unwrap()).unwrap()])?;
            self.truth.skip(uid_next - self.truth.uid_next, 0);
        }
        Ok(())
    }

    pub(crate) fn decide_append(&self, account: usize, arrivals: &[Arrival]) -> Appending {
        let messages = arrivals.iter().map(new_message).collect();
        mailbox::append(&self.state, ACCOUNTS[account], messages).unwrap()
    }

    /// Takes in what was decided on an APPEND.
    pub(crate) fn arrive(
        &mut self,
        appending: &Appending,
        account: usize,
        arrivals: &[Arrival],
    ) -> Result<(), String> {
        let uids = self.truth.append(account, arrivals);
        ensure!(appending.uids == uid_set(&uids), "APPENDUID {:?}, not {uids:?}", appending.uids);
        self.commit(&appending.events)
    }

    /// Keeps a snapshot, or comes back from one, or from the log alone.
    pub(crate) fn restart(&mut self, dice: &mut Dice, sut: Sut) -> Result<(), String> {
        if dice.one_in(2) {
            self.snapshot = Some((self.log.len(), self.state.snapshot()));
            return Ok(());
        }
        let (at, mut state) = match &self.snapshot {
            Some((at, pieces)) => {
                let pieces = pieces.iter().map(|piece| &**piece);
                (*at, MailboxState::restore(pieces).map_err(|error| format!("snapshot: {error}"))?)
            }
            None => (1, MailboxState::fold([&Event::decode(&self.log[0]).unwrap()]).unwrap()),
        };
        for octets in self.log.iter().skip(at) {
            if !sut.has(Bug::TailForgotten) {
                state = state.apply(&Event::decode(octets).unwrap()).map_err(|m| m.to_string())?;
            }
        }
        self.state = state;
        self.remembers = self.truth.now();
        self.truth.check(&self.state)
    }

    /// The last commits are lost; what was given with them is skipped.
    pub(crate) fn lose(&mut self, dice: &mut Dice) -> Result<(), String> {
        let keep = 1 + dice.below(self.past.len());
        self.past.truncate(keep);
        self.truth = self.past.last().unwrap().clone();
        self.log.truncate(self.truth.seq as usize);
        self.snapshot = self.snapshot.take().filter(|(at, _)| *at <= self.log.len());
        let events: Vec<Event> = self.log.iter().map(|octets| Event::decode(octets).unwrap()).collect();
        self.state = MailboxState::fold(&events).map_err(|misfit| misfit.to_string())?;
        self.truth.check(&self.state)?;
        self.commit(&[mailbox::skip(&self.state, 1_000, 1_000).unwrap()])?;
        self.truth.skip(1_000, 1_000);
        self.skipped = self.truth.highest(0);
        self.remembers = self.truth.now();
        self.watermark = self.watermark.min(self.truth.uid_next);
        self.claimed.clear();
        // A second loss may not reach behind the first: it would skip to where the first one did.
        self.past.clear();
        self.settle()
    }
}

pub(crate) fn arrivals(dice: &mut Dice) -> Vec<Arrival> {
    let one = |dice: &mut Dice| Arrival {
        email: None,
        mask: if dice.one_in(2) { 0 } else { any_flags(dice) },
        size: dice.below(100_000) as u64,
    };
    (0..=dice.below(3)).map(|_| one(dice)).collect()
}

pub(crate) fn new_message(arrival: &Arrival) -> NewMessage {
    let birth = |(mailbox, uid)| Birth::Elsewhere(EmailId { mailbox, uid });
    NewMessage {
        birth: arrival.email.map_or(Birth::Here, birth),
        flags: flags(arrival.mask),
        internal_date: InternalDate::new(1_700_000_000 + arrival.size as i64, 60).unwrap(),
        size: arrival.size,
        save_date: 1_700_000_100,
    }
}

pub(crate) fn any_change(dice: &mut Dice) -> Change {
    dice.pick(&[Change::Add, Change::Add, Change::Remove, Change::Replace])
}

pub(crate) fn any_flags(dice: &mut Dice) -> Mask {
    let one = |dice: &mut Dice| 1 << dice.below(NAMES.len());
    let deleted = if dice.one_in(4) { DELETED } else { 0 };
    (0..dice.below(3)).fold(one(dice) | deleted, |mask, _| mask | one(dice))
}
