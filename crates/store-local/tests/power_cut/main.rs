//! The power fails at any moment, the disk fails for a while, the power fails again while the store recovers: nothing
//! that was answered is lost, nothing is torn, and what was not answered is there whole or not at all. What was not
//! answered when the store recovered without a restart is gone for good, and the store writes again.
//!
//! Each seed is a life of a store with several cuts. The store has no threads here: the test works it step by
//! step, so that a seed that fails fails again. How many seeds are tried: [`testkit::seeds`].
//!
//! # Planted bugs
//!
//! What was broken, one at a time, and which test of this crate fails then (this one within 100 seeds):
//!
//! | broken | seen by |
//! |---|---|
//! | the sync of a group, of a new segment or of a sealed one is left out | this |
//! | the sync of a directory is left out behind the name of a segment, of a body, of `bodies` | this |
//! | a segment gets its name before it is synced; a body's file is not synced | this |
//! | a group is answered, published or checkpointed before its sync, or its ids remembered | this |
//! | a commit that is in doubt is said not to have happened | this |
//! | a commit in two frames, a snapshot sealed before its pieces, a head without its events | this |
//! | a failed sync is tried again; writing goes on behind it; recovery mends nothing | this, `recovery` |
//! | a failed write is tried again | `recovery` |
//! | the tail is shown without being copied, or its place taken without it | this |
//! | a checkpoint goes into the map before its entries, or too far | this |
//! | recovery copies what was refused, or leaves segments that it began | this |
//! | recovery removes old segments; the map moves meanwhile, or is kept though its sync failed | `recovery` |
//! | an index that is not to be trusted is taken away without syncing that | `recovery` |
//! | commit ids are forgotten over a stop: those of the map, of the tail, of a copied tail | this |
//! | a body's file goes before the log says so | this |
//! | a body's file goes while it is in doubt whether the log names it | `recovery` |
//! | numbers of bodies' files and of snapshots begin anew with each start | this |
//! | checksums are not tested: of headers, of payloads on replay; of payloads on reading | this; `engine` |
//! | the log's numbers begin anew with a fresh segment | this |
//! | rot is taken for the end of the log | `recovery`, `engine` |
//! | a torn end is taken for rot, or good frames in it for the log | `engine` |
//! | what a segment was born with is taken for something that may be torn | `engine` |
//! | what was staged stays for ever | `engine` |
//! | a rewritten segment gets its name before it is synced, or the others go before that lasts | this |
//! | the index is not led into a rewritten segment by an opening, or by a recovery, or is said to have been | this |
//! | entries that lead elsewhere by now are led back | `compaction` |
//! | removals leave the log too early; an older segment that a power cut may bring back is taken for judged | this |
//! | a head, or how far a stream is trimmed, leaves the log | this |
//! | what was trimmed by a record in the newest segment is taken for lost | `compaction` |
//!
//! Some are no bugs by themselves: the root directory is synced by whoever comes next before anything is answered, once for
//! `log` and once for the index; nobody goes by the number of a group; and the checkpoint leads into the log though segments
//! behind it are removed before it moves. Nothing is ever cut off the log, so no such sync can
//! be missing: what recovery voids is void by the header of the fresh segment.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and this one says what it has tried"
)]

#[path = "../model/mod.rs"]
mod model;
mod soft;

use model::plan::{Landed, Op, round};
use model::state::State;
use soft::Soft;
use std::collections::{BTreeMap, VecDeque};
use std::panic::catch_unwind;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use store::{Answer, StreamId};
use store_local::{Extent, LocalStore, Options, Pump, Recovered};
use testkit::dice::Dice;
use testkit::disk::{Failing, FaultyDisk};

/// Cuts in the life of one store.
const CUTS: u32 = 4;
/// Answered commits that are asked for again after the next opening.
const ASKED_AGAIN: usize = 8;
/// Rounds of writing before the power is cut if it has not failed by then.
const ROUNDS: u32 = 40;

#[test]
fn a_power_cut_loses_nothing_that_was_answered_and_tears_nothing() {
    let seeds = testkit::seeds::to_try(100);
    let lives = seeds.clone().count();
    let (mut recoveries, mut rewritten) = (0, 0);
    for seed in seeds {
        match Life::new(seed, Syncs::Honest).live() {
            Ok((count, segments)) => {
                recoveries += count;
                rewritten += segments;
            }
            Err(wrong) => panic!("seed {seed} (GATEPOST_SEED={seed} repeats it): {wrong}"),
        }
    }
    println!(
        "{lives} stores recovered {recoveries} times without a restart, and rewrote {rewritten} segments"
    );
    assert!(
        lives < 100 || (recoveries >= lives && rewritten >= lives as u64),
        "the faults are not those that this test is for"
    );
}

#[test]
fn a_disk_that_only_pretends_to_sync_is_found_out() {
    // Whatever the store does with such a disk, a panic of its index included, counts as noticed but not as whole.
    let is_whole = |seed: &u64| matches!(catch_unwind(|| Life::new(*seed, Syncs::Ignored).live()), Ok(Ok(_)));
    let found_out = 20 - (0..20).filter(is_whole).count();
    assert!(
        found_out >= 15,
        "of 20 stores on a disk that does not sync only {found_out} were seen to lose mail"
    );
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Syncs {
    Honest,
    Ignored,
}

/// One store from its making to its last cut.
struct Life {
    disk: FaultyDisk,
    dice: Dice,
    syncs: Syncs,
    /// What was answered.
    answered: State,
    /// What was asked and never answered.
    in_doubt: Vec<Op>,
    /// The last commits that were answered.
    lately: VecDeque<Op>,
    next_tag: u64,
    harm: Harm,
    /// Which commit made each event that has ever been seen.
    history: BTreeMap<(StreamId, u64), u64>,
    soft: Soft,
    /// How often it recovered without being opened anew.
    recoveries: usize,
    options: Options,
    /// How often in a hundred groups the index's tail is moved.
    moves: u64,
    /// How often the log is compacted.
    compactions: u64,
    /// Segments that were.
    rewritten: u64,
}

/// What the faults of the day have done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// What can be read is read.
    ToWriting,
    /// The index may be unreadable until the store has recovered.
    ToReading,
}

impl Life {
    fn new(seed: u64, syncs: Syncs) -> Self {
        let disk = FaultyDisk::new(seed);
        let mut dice = Dice::new(seed);
        Self {
            disk,
            options: options(&mut dice),
            moves: dice.pick(&[2, 20, 50]),
            compactions: dice.pick(&[0, 2, 10]),
            rewritten: 0,
            dice,
            syncs,
            answered: State::default(),
            in_doubt: Vec::new(),
            lately: VecDeque::new(),
            next_tag: 0,
            harm: Harm::ToWriting,
            history: BTreeMap::new(),
            soft: Soft::default(),
            recoveries: 0,
        }
    }

    /// Says how often it recovered without being opened anew, and how many segments were rewritten.
    fn live(mut self) -> Result<(usize, u64), String> {
        for _ in 0..CUTS {
            self.recover_and_write()?;
            self.end_of_power();
        }
        self.recover_and_write()?;
        Ok((self.recoveries, self.rewritten))
    }

    /// The power fails, or only the process ends. Often that happens again in the middle of recovery, and yet again.
    fn end_of_power(&mut self) {
        self.disk.mend();
        self.cut_or_kill();
        while self.dice.chance(40) {
            let (under, changes) = self.dice.pick(&[("", 60), ("log", 8), ("index.redb", 25)]);
            self.disk.cut_power_in(under, self.dice.below(changes));
            drop(LocalStore::open_with_pump(self.as_disk(), &self.options));
            self.cut_or_kill();
        }
    }

    /// When only the process ends the page cache is still there, and with it what was never synced.
    fn cut_or_kill(&mut self) {
        if self.dice.chance(30) {
            self.disk.revive();
        } else {
            self.disk = self.disk.cut(self.dice.any());
        }
    }

    fn as_disk(&self) -> Arc<FaultyDisk> {
        Arc::new(self.disk.clone())
    }

    fn recover_and_write(&mut self) -> Result<(), String> {
        if self.syncs == Syncs::Ignored {
            self.disk.ignore_syncs();
        }
        let (store, mut pump) =
            LocalStore::open_with_pump(self.as_disk(), &self.options).map_err(|e| format!("opening: {e}"))?;
        self.soft.after_opening(&store)?;
        self.reconcile(&store)?;
        self.compare_index(&store, &pump)?;
        self.ask_again(&store, &mut pump)?;
        self.ask_for_what_was_answered(&store, &mut pump)?;
        self.arrange_trouble();
        for _ in 0..ROUNDS {
            if self.disk.is_off() || (self.disk.has_failed() && self.dice.chance(3)) {
                break;
            }
            self.write_a_round(&store, &mut pump)?;
            if self.dice.chance(30) {
                self.next_tag += 1;
                self.soft.put(&store, self.next_tag);
            }
            // What nobody knows may also be left to the next opening.
            if !self.in_doubt.is_empty() && self.dice.chance(30) {
                break;
            }
            self.pass_time(&store, &mut pump)?;
        }
        if !self.disk.is_off() && self.dice.chance(50) {
            self.come_to_rights(&store, &mut pump)?;
        }
        if self.dice.chance(50) {
            drop(store);
        } else {
            // As if killed: nothing of the store's stop is done.
            self.disk.cut_power_after(0);
        }
        Ok(())
    }

    /// After opening: everything answered is there, and of each thing in doubt all or nothing.
    fn reconcile(&mut self, store: &LocalStore) -> Result<(), String> {
        if !store.rot().is_empty() {
            return Err(format!("rot was found: {:?}", store.rot()));
        }
        let seen = State::observe(store)?;
        for op in self.in_doubt.iter().filter(|op| seen.shows(op)) {
            self.answered.apply(op);
        }
        self.compare(store, "after opening")
    }

    fn compare(&mut self, store: &LocalStore, when: &str) -> Result<(), String> {
        let seen = State::observe(store).map_err(|e| format!("{when}: {e}"))?;
        self.remember(&seen)?;
        self.soft.check(store).map_err(|e| format!("{when}: {e}"))?;
        if seen == self.answered {
            return Ok(());
        }
        Err(format!(
            "{when} the store (here) does not hold what it should (there): {}",
            seen.difference(&self.answered)
        ))
    }

    /// A place in a stream holds for ever what it was once seen to hold: whoever has counted by it, as UIDs and MODSEQs
    /// do, has counted right.
    fn remember(&mut self, seen: &State) -> Result<(), String> {
        for (stream, seq, tag) in seen.places() {
            let before = *self.history.entry((stream, seq)).or_insert(tag);
            if before != tag {
                return Err(format!("event {seq} of {stream:?} was of commit {before} and is of {tag}"));
            }
        }
        Ok(())
    }

    fn compare_index(&self, store: &LocalStore, pump: &Pump) -> Result<(), String> {
        pump.move_tail();
        let report = store.compare_index().map_err(|e| e.to_string())?;
        let well = report.numbers_given_twice.is_empty() && report.wrong_footers.is_empty();
        if well && report.differences.is_empty() && report.rot.is_empty() {
            return Ok(());
        }
        Err(format!("the index is not the one that the log makes: {report:?}"))
    }

    /// "Did my commit survive?" A commit in doubt that did is done, and is not done twice.
    fn ask_again(&mut self, store: &LocalStore, pump: &mut Pump) -> Result<(), String> {
        let seen = State::observe(store)?;
        for op in std::mem::take(&mut self.in_doubt) {
            let Op::Commit(plan) = &op else { continue };
            let was_there = seen.shows(&op);
            let mut answer = op.start(store);
            let landed = match work(&mut answer, pump) {
                // It could not be read what a conflict is about.
                Err(_) if self.disk.is_off() => Landed::Refused,
                landed => landed.map_err(|e| e.to_string())?,
            };
            match landed {
                Landed::Done if !was_there => self.answered.apply(&op),
                Landed::Done => {}
                Landed::InDoubt => self.in_doubt.push(op),
                _ if was_there => {
                    return Err(format!("commit {} is there, but asking again says {landed:?}", plan.tag));
                }
                _ => {}
            }
        }
        if self.harm == Harm::ToReading || self.disk.is_off() {
            return Ok(());
        }
        self.compare(store, "after asking again")
    }

    /// Whose answer was lost on the way asks again: the commit is known by its id, over a stop too.
    fn ask_for_what_was_answered(&mut self, store: &LocalStore, pump: &mut Pump) -> Result<(), String> {
        for op in std::mem::take(&mut self.lately) {
            let landed = work(&mut op.start(store), pump).map_err(|e| e.to_string())?;
            if landed != Landed::Done {
                return Err(format!("{op:?} was done, but asking again says {landed:?}"));
            }
        }
        self.compare(store, "after asking for what was answered")
    }

    fn arrange_trouble(&mut self) {
        self.harm = Harm::ToWriting;
        self.disk.mend();
        let after = self.dice.below(30);
        match self.dice.below(16) {
            0 => self.disk.fail(Failing::Sync, "log", after),
            1 => self.disk.fail(Failing::Write, "log", after),
            2 => {
                self.harm = Harm::ToReading;
                self.disk.fail(Failing::Sync, "index.redb", after / 4);
            }
            6 => self.disk.fail(Failing::Write, "index.redb", after),
            7 => self.disk.fail(Failing::Sync, "bodies", after / 8),
            // Most changes are the index's: aim at the others too.
            3 | 4 => self.disk.cut_power_in("log", after * 3),
            5 => self.disk.cut_power_in("bodies", after / 2),
            8..=12 => self.break_something(after),
            _ => self.disk.cut_power_after(self.dice.below(500)),
        }
    }

    /// Something fails until it is mended.
    fn break_something(&mut self, after: u64) {
        let (what, under) = match self.dice.below(9) {
            0 | 1 => (Failing::Sync, "log"),
            2 => (Failing::Write, "log"),
            3 => (Failing::Entry, "log"),
            4 => (Failing::Sync, ""),
            5 => (Failing::Read, "log"),
            6 => (Failing::Read, "index.redb"),
            7 => (Failing::Sync, "index.redb"),
            _ => (Failing::Space, ""),
        };
        // Of an index whose sync failed nothing is read until it has been made again; one that is merely full reads on.
        let unreadable = what == Failing::Read || (what == Failing::Sync && under != "log");
        self.harm = if unreadable { Harm::ToReading } else { self.harm };
        self.disk.break_down(what, under, after);
    }

    /// Between two rounds: the store tries to recover, somebody mends the disk, or it breaks at another place.
    fn pass_time(&mut self, store: &LocalStore, pump: &mut Pump) -> Result<(), String> {
        if self.dice.chance(10) {
            self.disk.mend();
        }
        if self.dice.chance(50) && pump.try_to_recover() == Recovered::Yes {
            return self.recovered(store, pump);
        }
        if self.dice.chance(5) {
            let after = self.dice.below(8);
            self.break_something(after);
        }
        // Whatever has failed: what was answered reads on, from the first try to recover on if need be, and nothing else
        // shows.
        if self.harm == Harm::ToWriting && self.dice.chance(20) {
            if pump.try_to_recover() == Recovered::Yes {
                return self.recovered(store, pump);
            }
            if !self.disk.is_off() {
                self.compare(store, "while it was running")?;
            }
        }
        Ok(())
    }

    /// Once the disk is in order the store writes again.
    fn come_to_rights(&mut self, store: &LocalStore, pump: &mut Pump) -> Result<(), String> {
        self.disk.mend();
        self.disk.stay_on();
        // That the index cannot be read is noticed by whoever reads.
        let _ = State::observe(store);
        match pump.try_to_recover() {
            Recovered::NotYet => return Err("it does not recover, although the disk is in order".to_owned()),
            Recovered::Yes => self.recovered(store, pump)?,
            Recovered::Needless => {}
        }
        self.harm = Harm::ToWriting;
        self.compare(store, "when it has come to rights")?;
        if self.write_a_round(store, pump)? > 0 {
            return Err("it has recovered, and cannot write".to_owned());
        }
        self.compare(store, "after it has come to rights")?;
        // One that could not read what it had written has left the index where it was, and the old file open; the next one
        // begins with that.
        pump.compact(Extent::Worthwhile, 0).map_err(|e| e.to_string())?;
        self.compare(store, "after the next compaction")?;
        self.compare_index(store, pump)
    }

    /// What was in doubt when the store recovered is decided: it did not happen, and will not, unless it is asked for
    /// again.
    fn recovered(&mut self, store: &LocalStore, pump: &mut Pump) -> Result<(), String> {
        self.recoveries += 1;
        let in_doubt = std::mem::take(&mut self.in_doubt);
        // The end of a body may stand in the log although its file could not be removed.
        let (deletions, others): (Vec<_>, Vec<_>) =
            in_doubt.into_iter().partition(|op| matches!(op, Op::DeleteBody(..)));
        if self.harm == Harm::ToReading {
            self.disk.mend();
            self.soft.after_losing_the_index(store)?;
        }
        let seen = State::observe(store)?;
        deletions.iter().filter(|op| seen.shows(op)).for_each(|op| self.answered.apply(op));
        self.compare(store, "after it has recovered")?;
        if self.dice.chance(50) {
            self.in_doubt = others;
            self.ask_again(store, pump)?;
        }
        Ok(())
    }

    /// Says how many were told that the store cannot write.
    fn write_a_round(&mut self, store: &LocalStore, pump: &mut Pump) -> Result<usize, String> {
        let ops = round(&self.answered, &mut self.dice, &mut self.next_tag);
        // Some ask twice at once.
        let asked = ops.iter().flat_map(|op| std::iter::repeat_n(op, 1 + usize::from(self.dice.chance(10))));
        let asked: Vec<&Op> = asked.collect();
        let mut flights: Vec<_> = asked.into_iter().map(|op| (op, op.start(store))).collect();
        let mut turned_away = 0;
        while !flights.is_empty() {
            let mut still = Vec::new();
            for (op, mut answer) in flights {
                match poll(&mut answer) {
                    Poll::Ready(Ok(landed)) => {
                        turned_away += usize::from(landed == Landed::Unavailable);
                        self.take_note(op, landed);
                    }
                    // Only reading what a conflict is about can fail so, and then nothing was written.
                    Poll::Ready(Err(_)) if self.disk.is_off() || self.harm == Harm::ToReading => {}
                    Poll::Ready(Err(e)) => return Err(format!("{op:?}: {e}")),
                    Poll::Pending => still.push((op, answer)),
                }
            }
            flights = still;
            pump.write_bodies();
            pump.commit_group();
            if self.dice.chance(self.moves) {
                pump.move_tail();
            }
            if self.dice.chance(self.compactions) {
                self.compact(pump)?;
            }
        }
        Ok(turned_away)
    }

    /// Compacts the log, or begins to: whoever drives it may stop anywhere.
    fn compact(&mut self, pump: &mut Pump) -> Result<(), String> {
        let extent = self.dice.pick(&[Extent::Worthwhile, Extent::Everything]);
        let octets = if self.dice.chance(50) { u64::MAX } else { self.dice.below(200_000) };
        let done = pump.compact(extent, octets).map_err(|e| e.to_string())?;
        self.rewritten += done.segments;
        if done.damaged > 0 { Err("a compaction takes a segment for damaged".to_owned()) } else { Ok(()) }
    }

    fn take_note(&mut self, op: &Op, landed: Landed) {
        match landed {
            Landed::Done => self.take_for_done(op),
            Landed::InDoubt if !self.in_doubt.contains(op) => self.in_doubt.push(op.clone()),
            Landed::InDoubt | Landed::Refused | Landed::Unavailable => {}
        }
    }

    /// Once, however often it was asked for.
    fn take_for_done(&mut self, op: &Op) {
        if matches!(op, Op::Commit(_)) {
            if self.lately.contains(op) {
                return;
            }
            self.lately.push_back(op.clone());
            self.lately.drain(..self.lately.len().saturating_sub(ASKED_AGAIN));
        }
        self.answered.apply(op);
    }
}

/// Small segments, so that the log goes on in a new one every few rounds; and what is read of the index is read from its
/// file.
fn options(dice: &mut Dice) -> Options {
    Options { segment_octets: dice.pick(&[10_000, 100_000]), index_cache_octets: 0, ..Options::default() }
}

fn work<T>(answer: &mut Answer<'_, T>, pump: &mut Pump) -> Result<T, store::StoreError> {
    loop {
        if let Poll::Ready(ready) = poll(answer) {
            return ready;
        }
        pump.write_bodies();
        pump.commit_group();
    }
}

fn poll<T>(answer: &mut Answer<'_, T>) -> Poll<Result<T, store::StoreError>> {
    answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
