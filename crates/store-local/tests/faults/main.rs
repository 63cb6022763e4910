//! Every operation of a scenario fails, one after the other: each file made, opened, read, written, cut, synced, renamed
//! or taken away, and each directory, with a full disk, a broken one, a write that is done by half, too many open files;
//! once, or until somebody mends it. Then nothing that was answered is lost, nothing that was refused comes back, what
//! was answered reads on, the store goes on by itself, and the admin hears of it once.
//!
//! CI tries each operation with an eighth of its faults; `GATEPOST_FAULTS=all cargo test -p store-local --test faults` tries
//! each with all of them.
//!
//! # Planted bugs
//!
//! Each of these, one at a time, makes it fail, with CI's share of the faults: a failed sync of the log is tried again; a
//! failed write is taken for done; writing goes on behind either; what was refused comes back; the syncs of a sealed and
//! of a new segment, of a body, of their directories are not looked at; a directory that was not synced is taken for
//! durable; too many open files are told as damage; the admin is told each time.
//!
//! Like `power_cut` the store has no threads here: what the commit thread would do from time to time the test does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and this one says what it has tried"
)]

#[path = "../model/mod.rs"]
mod model;
mod script;

use model::plan::{Landed, Op, Plan};
use model::state::State;
use script::{Step, script};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use store::{Answer, StoreError};
use store_local::{LocalStore, OpenError, Options, Pump, READABLE_FORMATS, Recovered, Rot, Witness};
use testkit::disk::{Errno, FaultyDisk, Lasts, Operation, Strike};

/// The script fills one twice.
const SEGMENT: u64 = 60_000;
/// All of the index.
const INDEX_CACHE: usize = 1 << 20;
/// CI tries one of so many faults of each operation.
const SHARE: u64 = 8;
/// Failures that are written out.
const MOST_SHOWN: usize = 12;
/// Tries to recover while the disk is still broken.
const TRIES: u32 = 3;

#[test]
fn whichever_operation_of_the_disk_fails_nothing_is_lost_and_the_store_goes_on() {
    let all = std::env::var("GATEPOST_FAULTS").is_ok_and(|which| which == "all");
    // Without a cache most of what is asked of the disk is reading the index.
    let caches: &[usize] = if all { &[INDEX_CACHE, 0] } else { &[INDEX_CACHE] };
    let wrong: Vec<String> = caches.iter().flat_map(|cache| try_all(*cache, all)).collect();
    assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong[..wrong.len().min(MOST_SHOWN)].join("\n"));
}

/// What went wrong.
fn try_all(index_cache: usize, all: bool) -> Vec<String> {
    let operations = operations(index_cache);
    let (mut tried, mut wrong) = (0, Vec::new());
    for (at, operation) in (0..).zip(&operations) {
        let faults = faults(at, *operation);
        let chosen = |n: u64| all || (n + at).is_multiple_of(SHARE);
        for (_, fault) in (0..).zip(faults).filter(|(n, _)| chosen(*n)) {
            if let Err(why) = Life::new(fault, index_cache).live() {
                wrong.push(format!("{operation:?} {at} of {}, {fault:?}: {why}", operations.len()));
            }
            tried += 1;
        }
    }
    println!("{tried} faults at {} operations, an index cache of {index_cache} octets", operations.len());
    wrong
}

/// What the scenario does on a disk that is in order.
fn operations(index_cache: usize) -> Vec<Operation> {
    use Operation::{
        Create, CreateDir, List, Lock, Open, Read, Rename, Sync, SyncDir, Truncate, Unlink, Write,
    };
    let strike = Strike { at: u64::MAX, errno: Errno::Io, lasts: Lasts::Once };
    let mut life = Life::new(Fault { strike, end: End::InProcess }, index_cache);
    let disk = life.disk.clone();
    disk.record();
    // What is read to see whether all is well is no part of it.
    let mut operations = Vec::new();
    life.live_until(&mut || operations = disk.recorded()).unwrap();
    let kinds = [Create, Open, CreateDir, Rename, Unlink, SyncDir, List, Lock, Read, Write, Sync, Truncate];
    let missing = kinds.iter().find(|kind| !operations.contains(kind));
    assert_eq!(missing, None, "the scenario never does such a thing");
    operations
}

/// What the directory is raised to.
const FORMAT: u32 = *READABLE_FORMATS.end();

/// What goes wrong, and how it ends.
#[derive(Clone, Copy, Debug)]
struct Fault {
    strike: Strike,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The store recovers while it runs.
    InProcess,
    /// It is killed, and started again.
    Killed,
    /// The power fails, and it is started again.
    PowerCut,
}

fn faults(at: u64, operation: Operation) -> Vec<Fault> {
    let mut faults = Vec::new();
    for errno in Errno::ALL.into_iter().filter(|errno| errno.fits(operation)) {
        for lasts in [Lasts::UntilMended, Lasts::Once] {
            let strike = Strike { at, errno, lasts };
            let ends = [End::InProcess, End::Killed, End::PowerCut];
            faults.extend(ends.map(|end| Fault { strike, end }));
        }
    }
    faults
}

/// What the admin heard.
#[derive(Clone, Debug, Default)]
struct Admin(Arc<Mutex<Vec<Heard>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Failed(String),
    Recovered,
    Rot(Rot),
}

impl Admin {
    fn hear(&self, heard: Heard) {
        self.0.lock().unwrap().push(heard);
    }
}

impl Witness for Admin {
    fn failed(&self, why: &StoreError) {
        self.hear(Heard::Failed(why.to_string()));
    }

    fn recovered(&self) {
        self.hear(Heard::Recovered);
    }

    fn rot(&self, rot: &Rot) {
        self.hear(Heard::Rot(rot.clone()));
    }
}

/// A store, and the test's knowledge of what it holds.
struct Life {
    fault: Fault,
    index_cache: usize,
    disk: FaultyDisk,
    admin: Admin,
    answered: State,
    in_doubt: Vec<Op>,
    next_tag: u64,
    /// Whether recovery was tried since something failed.
    tried: bool,
}

/// The store while it runs.
struct Running {
    store: LocalStore,
    pump: Pump,
}

impl Life {
    fn new(fault: Fault, index_cache: usize) -> Self {
        let disk = FaultyDisk::new(fault.strike.at ^ (fault.end as u64) << 32);
        disk.strike(fault.strike);
        Self {
            fault,
            index_cache,
            disk,
            admin: Admin::default(),
            answered: State::default(),
            in_doubt: Vec::new(),
            next_tag: 0,
            tried: false,
        }
    }

    fn live(mut self) -> Result<(), String> {
        self.live_until(&mut || ())?;
        if self.has_struck() { Ok(()) } else { Err("nothing has failed".to_owned()) }
    }

    /// Calls `done` behind the scenario, before it is looked at for the last time.
    fn live_until(&mut self, done: &mut dyn FnMut()) -> Result<(), String> {
        let mut running = self.open()?;
        for step in script() {
            running = self.take(step, running)?;
        }
        // An index that could not be closed is made again.
        drop(running);
        done();
        self.disk.mend();
        self.check_what_was_heard()?;
        self.disk = self.disk.cut(self.fault.strike.at);
        let running = self.open()?;
        self.compare(&running, "in the end")?;
        if running.store.format() != FORMAT {
            return Err(format!(
                "it was raised to format {FORMAT}, and is of format {}",
                running.store.format()
            ));
        }
        running.pump.move_tail();
        let report = running.store.compare_index().map_err(|e| e.to_string())?;
        let well = report.numbers_given_twice.is_empty() && report.wrong_footers.is_empty();
        let well = well && report.differences.is_empty() && report.rot.is_empty();
        if well { Ok(()) } else { Err(format!("the index is not the one that the log makes: {report:?}")) }
    }

    /// What cannot be opened can be once the disk is in order, and is not said to be lost meanwhile.
    fn open(&mut self) -> Result<Running, String> {
        let opened = self.open_once().or_else(|e| {
            self.check_excuse(&e)?;
            if self.fault.strike.lasts == Lasts::UntilMended {
                // Somebody may try again before the disk is mended.
                self.open_once().map(drop).or_else(|e| self.check_excuse(&e))?;
                self.disk.mend();
            }
            self.open_once().map_err(|e| format!("opening, for the second time: {e}"))
        })?;
        if !opened.store.rot().is_empty() {
            return Err(format!("rot was found: {:?}", opened.store.rot()));
        }
        Ok(opened)
    }

    fn open_once(&self) -> Result<Running, OpenError> {
        let options = Options {
            segment_octets: SEGMENT,
            index_cache_octets: self.index_cache,
            witness: Arc::new(self.admin.clone()),
            ..Options::default()
        };
        let (store, pump) = LocalStore::open_with_pump(Arc::new(self.disk.clone()), &options)?;
        Ok(Running { store, pump })
    }

    /// A store need not open on a disk that has failed. But nobody is to be told that mail is lost, or that another
    /// server runs, where only an operation failed.
    fn check_excuse(&self, e: &OpenError) -> Result<(), String> {
        let honest = matches!(e, OpenError::Io(_) | OpenError::Index(_));
        if honest && self.has_struck() { Ok(()) } else { Err(format!("opening: {e:?}: {e}")) }
    }

    fn take(&mut self, step: Step, mut running: Running) -> Result<Running, String> {
        match step {
            Step::Do(plan) => {
                let ops = plan(&self.answered, &mut self.next_tag);
                let refused = self.ask(&ops, &mut running)?;
                if refused.is_empty() {
                    return Ok(running);
                }
                running = self.come_to_rights(running)?;
                // What was refused is asked for again, and done.
                if self.ask(&refused, &mut running)?.is_empty() {
                    self.compare(&running, "when what was refused is done")?;
                    return Ok(running);
                }
                Err(format!("the disk is in order, and {refused:?} are refused"))
            }
            Step::RaiseFormat => {
                if running.store.raise_format(FORMAT).is_ok() {
                    return Ok(running);
                }
                running = self.come_to_rights(running)?;
                running.store.raise_format(FORMAT).map_err(|e| format!("the disk is in order, and {e}"))?;
                Ok(running)
            }
            Step::MoveTail => {
                running.pump.move_tail();
                Ok(running)
            }
            Step::Compact(extent) => {
                let done = running.pump.compact(extent, u64::MAX).map_err(|e| e.to_string())?;
                match done.put_off {
                    Some(why) if !self.has_struck() => Err(format!("the compaction was put off: {why}")),
                    Some(_) => self.come_to_rights(running),
                    None => Ok(running),
                }
            }
            Step::Read => match self.look(&running, "while it runs")? {
                Look::Seen => Ok(running),
                Look::Refused => self.come_to_rights(running),
            },
            Step::Reopen => {
                // An index that could not be closed is made again.
                let _ = running.store.close();
                drop(running);
                self.admin.0.lock().unwrap().clear();
                let running = self.open()?;
                self.look(&running, "when it was opened again")?;
                Ok(running)
            }
        }
    }

    /// Those that were not done. All at once, so that they may share a group.
    fn ask(&mut self, ops: &[Op], running: &mut Running) -> Result<Vec<Op>, String> {
        let mut flights: Vec<_> = ops.iter().map(|op| (op, op.start(&running.store))).collect();
        let before = self.answered.clone();
        let mut refused = Vec::new();
        while !flights.is_empty() {
            let mut still = Vec::new();
            for (op, mut answer) in flights {
                match poll(&mut answer) {
                    Poll::Pending => still.push((op, answer)),
                    // A commit that was in doubt and is there is known by its id.
                    Poll::Ready(Ok(Landed::Done)) if before.shows(op) => {}
                    // A new beginning has no id; one that is there is not made twice.
                    Poll::Ready(Ok(Landed::Refused)) if matches!(op, Op::Anew(_)) && before.shows(op) => {}
                    Poll::Ready(Ok(Landed::Done)) => self.answered.apply(op),
                    Poll::Ready(Ok(Landed::InDoubt)) => {
                        self.in_doubt.push(op.clone());
                        refused.push(op.clone());
                    }
                    Poll::Ready(Ok(Landed::Unavailable)) => refused.push(op.clone()),
                    Poll::Ready(Ok(Landed::Refused)) if builds_on(op, &refused) => refused.push(op.clone()),
                    Poll::Ready(other) => return Err(format!("{op:?}: {other:?}")),
                }
            }
            flights = still;
            running.pump.write_bodies();
            running.pump.commit_group();
        }
        if refused.is_empty() || self.has_struck() {
            Ok(refused)
        } else {
            Err(format!("{refused:?} refused"))
        }
    }

    /// The store has refused something. What was answered reads on; whoever asks meanwhile is refused too; and when the
    /// disk is in order the store is.
    fn come_to_rights(&mut self, mut running: Running) -> Result<Running, String> {
        self.tried = false;
        self.look(&running, "before it has tried to recover")?;
        let poisoned = self.in_doubt.iter().any(|op| !matches!(op, Op::DeleteBody(..)));
        let answer = self.ask_meanwhile(&mut running)?;
        if poisoned && answer == Answered::Done {
            return Err("it writes on behind a write or a sync that has failed".to_owned());
        }
        match self.fault.end {
            End::InProcess => {
                for _ in 0..TRIES {
                    let recovered = running.pump.try_to_recover();
                    self.tried = true;
                    if recovered == Recovered::NotYet && self.fault.strike.lasts == Lasts::Once {
                        // What failed once does not stand in the way of the second try.
                        continue;
                    }
                    self.look(&running, "while it cannot recover")?;
                    self.ask_meanwhile(&mut running)?;
                    if recovered != Recovered::NotYet {
                        break;
                    }
                }
                self.disk.mend();
                if running.pump.try_to_recover() == Recovered::NotYet {
                    return Err("the disk is in order, and it does not recover".to_owned());
                }
                self.check_what_was_heard()?;
            }
            End::Killed | End::PowerCut => {
                // Nothing of the store's stop is done.
                self.disk.cut_power_after(0);
                drop(running);
                self.reboot();
                self.admin.0.lock().unwrap().clear();
                running = self.open()?;
                self.disk.mend();
            }
        }
        self.settle(&running)?;
        self.compare(&running, "when it has come to rights")?;
        Ok(running)
    }

    /// Somebody wants something else. If it is refused it is not asked for again.
    fn ask_meanwhile(&mut self, running: &mut Running) -> Result<Answered, String> {
        let other = script::another(&self.answered, &mut self.next_tag);
        let refused = self.ask(&[other], running)?;
        Ok(if refused.is_empty() { Answered::Done } else { Answered::Refused })
    }

    fn reboot(&mut self) {
        if self.fault.end == End::Killed {
            self.disk.revive();
        } else {
            self.disk = self.disk.cut(self.fault.strike.at);
        }
    }

    /// What was in doubt is there whole or not at all; where the store recovered by itself it is not, but for the end of
    /// a body whose file could not be removed.
    fn settle(&mut self, running: &Running) -> Result<(), String> {
        let seen = State::observe(&running.store)?;
        for op in std::mem::take(&mut self.in_doubt) {
            let may_be = self.fault.end != End::InProcess || matches!(op, Op::DeleteBody(..));
            if may_be && seen.shows(&op) {
                self.answered.apply(&op);
            }
        }
        Ok(())
    }

    fn compare(&self, running: &Running, when: &str) -> Result<(), String> {
        let seen = State::observe(&running.store).map_err(|e| format!("{when}: {e}"))?;
        self.check(&seen, when)
    }

    fn check(&self, seen: &State, when: &str) -> Result<(), String> {
        if *seen == self.answered {
            return Ok(());
        }
        Err(format!(
            "{when} the store (here) does not hold what it should (there): {}",
            seen.difference(&self.answered)
        ))
    }

    /// What was answered, and nothing else, or an excuse.
    fn look(&mut self, running: &Running, when: &str) -> Result<Look, String> {
        match State::look(&running.store) {
            Ok(seen) => {
                let seen = seen.map_err(|wrong| format!("{when}: {wrong}"))?;
                let in_doubt = self.in_doubt.clone();
                // A body in doubt is one whose file could not be removed: it is gone.
                let deleted = in_doubt.iter().filter(|op| matches!(op, Op::DeleteBody(..)) && seen.shows(op));
                deleted.for_each(|op| self.answered.apply(op));
                self.check(&seen, when).map(|()| Look::Seen)
            }
            Err(e) if self.may_be_unreadable(&e) => Ok(Look::Refused),
            Err(e) => Err(format!("{when}: {e:?}")),
        }
    }

    /// Reading is excused where a read was what failed; of an index whose sync failed nothing is read until it has been
    /// made again; and one that could not be written reads on once it has been opened anew. That something is *damaged*
    /// may only be said where a disk is broken.
    fn may_be_unreadable(&self, e: &StoreError) -> bool {
        let of_the_index = |path: &Path| path == Path::new("index.redb");
        let hit = self.disk.struck().iter().any(|(operation, path)| {
            operation.reads() || (of_the_index(path) && (*operation == Operation::Sync || !self.tried))
        });
        let said = match e {
            StoreError::Unavailable { .. } => true,
            StoreError::Damaged { .. } => self.fault.strike.errno == Errno::Io,
            _ => false,
        };
        hit && said
    }

    fn has_struck(&self) -> bool {
        !self.disk.struck().is_empty()
    }

    /// Once when it begins and once when it is over, and never of rot.
    fn check_what_was_heard(&self) -> Result<(), String> {
        let heard = self.admin.0.lock().unwrap();
        let in_turn = heard.iter().enumerate().all(|(n, heard)| match heard {
            Heard::Failed(_) => n % 2 == 0,
            Heard::Recovered => n % 2 == 1,
            Heard::Rot(_) => false,
        });
        let once = self.fault.strike.lasts == Lasts::UntilMended || heard.len() <= 2;
        if in_turn && once { Ok(()) } else { Err(format!("the admin heard {heard:?}")) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Done,
    Refused,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Seen,
    Refused,
}

/// Whether it is refused because one that it was decided upon is.
fn builds_on(op: &Op, refused: &[Op]) -> bool {
    let Op::Commit(Plan { after: Some(after), .. }) = op else { return false };
    refused.iter().any(|op| matches!(op, Op::Commit(plan) if plan.tag == *after))
}

fn poll<T>(answer: &mut Answer<'_, T>) -> Poll<Result<T, StoreError>> {
    answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
