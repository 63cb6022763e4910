//! Compaction: what nobody needs any more leaves the log. Sealed segments that are less than half needed are *rewritten*:
//! what is needed of a run of them, in the order in which it lies there, becomes one new segment in their place. So the
//! order of the log stays the order of truth, and an index that is made again from it is right.
//!
//! ```text
//! compaction thread:  read, judge ──► write `.new`, synced          lead the index there, a thousand entries at a time
//! commit thread:                              └─► rename, sync ──► between two groups ┘
//! readers:            old file, still open ──────────────────────► new file
//! ```
//!
//! > **Promise.** At every moment the disk has the old run or the new segment, whole. Nothing is thrown away of a segment
//! > that does not read back as it was written, nor by an index that does not know what the log says.

mod judge;
pub(crate) mod relocation;
mod removals;
mod rewriting;

use crate::Options;
use crate::check::entries;
use crate::committer::Committer;
use crate::engine::Engine;
use crate::index::kv::{Condition, Key, Kv, KvError, is_same};
use crate::log::chain::{Chain, Link};
use crate::log::footer;
use crate::log::format::{RECORD_HEADER, SegmentHeader, padded};
use crate::log::octets::array_at;
use crate::log::segments::unborn_path;
use crate::queue::Errand;
use crate::witness::Witness;
use bytes::Bytes;
use judge::Older;
use relocation::Moved;
use removals::Removals;
use rewriting::{Judged, Pace, Terms, Unwritten};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store::{AccountId, StoreError};

/// When the log is compacted, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Compacting {
    /// From the end of one compaction to the begin of the next; `None`: only when asked.
    pub every: Option<Duration>,
    /// Octets that are read and written in a second.
    pub octets_per_second: u64,
}

impl Default for Compacting {
    fn default() -> Self {
        Self { every: None, octets_per_second: 64 << 20 }
    }
}

/// How much of what is needless goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Where at least half of a segment does: so what is written for it stays below what is won.
    Worthwhile,
    /// All of it, down to the last octet in the log.
    Everything,
    /// All of it that is an account's, and whatever else lies in the same segments.
    AllOf(AccountId),
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Segments that were rewritten.
    pub segments: u64,
    /// Their octets before.
    pub octets_before: u64,
    /// And after: so many were written.
    pub octets_after: u64,
    /// Segments that were left as they are, for they are damaged.
    pub damaged: u64,
    /// Why it ended before it was through.
    pub put_off: Option<&'static str>,
}

/// Whose its notes are: no account has this number.
const NOBODY: AccountId = AccountId(u64::MAX);
const NOTES: &[u8] = b"compaction";
/// After that one that was put off is tried again.
pub(crate) const LATER: Duration = Duration::from_hours(1);
/// Segments that are looked at in the index at once.
const ENTRIES: usize = 1_024;
/// What looking at an entry costs, in octets.
const LOOK: u64 = 64;
/// Most segments that become one: as many files are open at once.
const MOST: usize = 128;
/// Entries that are led elsewhere between two groups.
const AT_ONCE: usize = 200;
/// So many small neighbours at least are put together: else their octets would be written for ever.
const JOINED: usize = 4;
/// Once a segment has turned out to be more needed than it seemed, so many of 16 parts of it must go before it is looked at
/// again.
const AGAIN_AFTER: u64 = 1;

/// Has an errand done by the commit thread, between two groups.
pub(crate) type Hand<'a> = &'a mut dyn FnMut(Errand);

/// Does it.
#[derive(Debug)]
pub(crate) struct Compaction {
    engine: Arc<Engine>,
    witness: Arc<dyn Witness>,
    compacting: Compacting,
    full_at: u64,
    /// Of segments that nothing could leave: their salt, and up to which segment everything was taken into account then.
    judged: BTreeMap<u64, (u64, u64)>,
    /// Of segments of which less could leave than it seemed: their salt, and what seemed to be needed.
    refused: BTreeMap<u64, (u64, u64)>,
    /// The map that has judged those.
    judged_by: Option<Arc<dyn Kv>>,
}

/// How far it has come.
#[derive(Default)]
struct Work {
    /// The segments that may be rewritten, oldest first.
    links: Vec<Link>,
    /// Rewritten ones in whose place a power cut may bring back what lay there before.
    in_doubt: BTreeSet<u64>,
    /// Octets of each segment to which the index leads, where it was asked for that.
    seem_needed: HashMap<u64, u64>,
    removals: Removals,
    done: Compacted,
    next_number: u32,
}

/// Segments that lie together, and why they are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    kind: Kind,
    numbers: RangeInclusive<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Each is less than half needed.
    Wanted,
    /// Each is small.
    Small,
    /// All that is needless goes.
    Everything,
    /// All that is needless of an account goes.
    AllOf(AccountId),
}

/// Why it goes no further.
type PutOff = &'static str;

const CLOSING: PutOff = "the store is being closed";
const FAILED: PutOff = "the store cannot write now";
const IN_USE: PutOff = "a backup copies the files, or the index has to be made again first";
const NO_ROOM: PutOff = "the disk did not take what was to be written";
const UNREAD: PutOff = "a segment of the log could not be read now";
const UNREADABLE: PutOff = "the index cannot be read now";
const BEHIND: PutOff = "the index does not know what the log says: it is made again";

impl Compaction {
    pub(crate) fn new(engine: Arc<Engine>, options: &Options) -> Self {
        Self {
            engine,
            witness: Arc::clone(&options.witness),
            compacting: options.compacting,
            full_at: options.segment_octets,
            judged: BTreeMap::new(),
            refused: BTreeMap::new(),
            judged_by: None,
        }
    }

    /// How long until one begins by itself; `None` where only asking begins one.
    pub(crate) fn until_due(&self) -> Option<Duration> {
        let since = Duration::from_millis(now_ms().saturating_sub(self.through_ms()));
        self.compacting.every.map(|every| every.saturating_sub(since))
    }

    /// Remembers when the last one was through.
    pub(crate) fn note_through(&self) {
        let value = Bytes::from(now_ms().to_le_bytes().to_vec());
        // A disk that takes nothing now is no reason to end.
        let _: Result<(), StoreError> = self.engine.put_soft(NOBODY, NOTES, Some(&value));
    }

    pub(crate) fn through_ms(&self) -> u64 {
        let value = self.engine.soft(NOBODY, NOTES).ok().flatten().unwrap_or_default();
        array_at(&value, 0).map_or(0, u64::from_le_bytes)
    }

    /// Rests as long as so many octets are to take; `false` when it is to end.
    pub(crate) fn rest(engine: &Engine, rate: u64, octets: u64) -> bool {
        let rest = Duration::from_micros(octets.saturating_mul(1_000_000) / rate.max(1));
        engine.compactor.rest(rest)
    }

    pub(crate) const fn rate(&self) -> u64 {
        self.compacting.octets_per_second
    }

    /// Rewrites what it is worth to rewrite, or everything of which something is needless. The witness hears of it.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn compact(
        &mut self,
        extent: Extent,
        hand: Hand<'_>,
        pace: Pace<'_>,
    ) -> Result<Compacted, StoreError> {
        let mut work = Work::default();
        let ended = self.go_through(extent, &mut work, hand, pace);
        work.done.put_off = ended.err();
        // That it ends with the store is no news.
        let put_off = work.done.put_off.filter(|why| *why != CLOSING);
        if work.done.segments > 0 || put_off.is_some() {
            self.witness.compacted(&Compacted { put_off, ..work.done });
        }
        Ok(work.done)
    }

    fn go_through(
        &mut self,
        extent: Extent,
        work: &mut Work,
        hand: Hand<'_>,
        pace: Pace<'_>,
    ) -> Result<(), PutOff> {
        self.begin(extent, work, hand)?;
        for run in self.runs(extent, work, pace)? {
            self.compact_run(&run, work, hand, pace)?;
        }
        Ok(())
    }

    /// Finds the segments that the index on the disk has taken in.
    fn begin(&mut self, extent: Extent, work: &mut Work, hand: Hand<'_>) -> Result<(), PutOff> {
        let ended = ask(hand, move |committer| {
            let ended = if extent == Extent::Worthwhile { Ok(()) } else { committer.end_segment() };
            ended.map(|()| committer.publish_end())
        });
        ended.ok_or(CLOSING)?.map_err(|_| FAILED)?;
        self.engine.move_tail();
        let caught_up = ask(hand, |committer| {
            let engine = committer.engine();
            engine.trouble.check().map_err(|_| FAILED)?;
            let chain = Chain::find(&*engine.segments.disk).map_err(|_| FAILED)?;
            relocation::catch_up(&engine.index, &engine.segments, &chain).map_err(|_| UNREADABLE)?;
            engine.segments.let_go_of_all();
            Ok((chain, engine.index.through().position.offset))
        });
        let (chain, published) = caught_up.ok_or(CLOSING)??;
        let map = self.engine.index.map();
        if map.condition() != Condition::Sound {
            return Err(UNREADABLE);
        }
        if !self.judged_by.as_ref().is_some_and(|by| is_same(by, &map)) {
            // What another index has judged does not count.
            self.judged.clear();
            self.refused.clear();
            self.judged_by = Some(Arc::clone(&map));
        }
        let known = self.engine.index.rewritings().map_err(|_| UNREADABLE)?;
        let lasts = |number: &u64| known.get(number).is_some_and(|known| known.lasts);
        let rewritten = chain.links.iter().filter(|link| link.header.rewriting.is_some());
        work.in_doubt = rewritten.map(|link| link.header.number).filter(|number| !lasts(number)).collect();
        let taken_in = self.engine.index.checkpoint().map_or(0, |end| end.position.segment);
        let numbers = chain.links.iter().map(|link| link.header.rewriting_number());
        work.next_number = numbers.max().unwrap_or(0).saturating_add(1);
        work.removals = Removals::of(&chain.links, published);
        work.links = chain.links.into_iter().filter(|link| link.header.number < taken_in).collect();
        Ok(())
    }

    /// The runs that it is worth to rewrite, or one of everything.
    fn runs(&self, extent: Extent, work: &mut Work, pace: Pace<'_>) -> Result<Vec<Run>, PutOff> {
        let kind = match extent {
            Extent::Worthwhile => {
                work.seem_needed = self.seem_needed(pace)?;
                let sized: Vec<Sized> = work.links.iter().map(|link| self.size(link, work)).collect();
                return Ok(runs(&sized, self.full_at));
            }
            Extent::Everything => Kind::Everything,
            Extent::AllOf(account) => Kind::AllOf(account),
        };
        let ends = work.links.first().zip(work.links.last());
        let run = ends.map(|(first, last)| Run { kind, numbers: first.header.number..=last.header.number });
        Ok(run.into_iter().collect())
    }

    fn size(&self, link: &Link, work: &Work) -> Sized {
        let number = link.header.number;
        let octets = link.end.unwrap_or_default();
        let needed = work.seem_needed.get(&number).copied().unwrap_or(0);
        let known = self.refused.get(&number).filter(|(salt, _)| *salt == link.header.salt);
        let refused = known.is_some_and(|(_, then)| then.saturating_sub(needed) * 16 < octets * AGAIN_AFTER);
        Sized { number, octets, wanted: needed * 2 < octets && !refused, refused }
    }

    /// Goes through a run, one segment after the other, and puts together those that fit into one.
    fn compact_run(
        &mut self,
        run: &Run,
        work: &mut Work,
        hand: Hand<'_>,
        pace: Pace<'_>,
    ) -> Result<(), PutOff> {
        let in_run = |link: &&Link| run.numbers.contains(&link.header.number);
        let Some(mut at) = work.links.iter().position(|link| in_run(&link)) else { return Ok(()) };
        let (mut length, mut octets) = (0, 0);
        while let Some(link) = work.links.get(at + length).filter(in_run).cloned() {
            match self.measure(&link, at, run.kind, work, pace)? {
                Some(more) if length == 0 || (length < MOST && octets + more <= self.full_at) => {
                    length += 1;
                    octets += more;
                }
                more => {
                    at = self.rewrite(at, length, run.kind, work, hand, pace)?;
                    (length, octets) = (0, 0);
                    at += usize::from(more.is_none());
                }
            }
        }
        self.rewrite(at, length, run.kind, work, hand, pace).map(|_| ())
    }

    /// How much of a segment is needed; `None` where it stays as it is.
    fn measure(
        &mut self,
        link: &Link,
        at: usize,
        kind: Kind,
        work: &mut Work,
        pace: Pace<'_>,
    ) -> Result<Option<u64>, PutOff> {
        let (number, through) = (link.header.number, self.taken_in());
        if let Kind::AllOf(account) = kind
            && !self.may_have(link, account)
        {
            return Ok(None);
        }
        let older = self.older(work, at, number);
        let judged = match Judged::read(&self.engine, link, older, &mut work.removals, pace) {
            Ok(judged) => judged,
            Err(Unwritten::Rotten) => {
                work.done.damaged += 1;
                self.refuse(link, work);
                return Ok(None);
            }
            Err(why) => return Err(self.put_off(why)),
        };
        let in_doubt = work.in_doubt.contains(&number);
        if judged.is_all_needed() && !in_doubt && self.judges() {
            self.judged.insert(number, (link.header.salt, through));
        }
        let goes = match kind {
            Kind::Wanted | Kind::Small => true,
            Kind::Everything => judged.has_needless() || in_doubt,
            Kind::AllOf(account) => judged.has_needless_of(account),
        };
        Ok(goes.then(|| judged.needed_octets()))
    }

    /// Whether a segment has something of an account, by its table of contents.
    fn may_have(&self, link: &Link, account: AccountId) -> bool {
        let segment = self.engine.segments.get(link.header.number).ok();
        let contents = segment.and_then(|segment| footer::read_from(&segment, link.end).ok().flatten());
        contents.is_none_or(|contents| contents.contains_key(&account))
    }

    /// Rewrites so many segments from one on, and says which comes behind them then.
    fn rewrite(
        &mut self,
        at: usize,
        length: usize,
        kind: Kind,
        work: &mut Work,
        hand: Hand<'_>,
        pace: Pace<'_>,
    ) -> Result<usize, PutOff> {
        let run: Vec<Link> = work.links.iter().skip(at).take(length).cloned().collect();
        let Some(last) = run.last() else { return Ok(at) };
        let terms = Terms {
            number: work.next_number,
            judged_through: self.taken_in(),
            older: self.older(work, at, last.header.number),
            map: self.engine.index.map(),
        };
        let rewritten = match rewriting::write(&self.engine, &run, &terms, &mut work.removals, pace) {
            Ok(rewritten) => rewritten,
            Err(why) => return Err(self.put_off(why)),
        };
        let octets: u64 = run.iter().map(|link| link.end.unwrap_or_default()).sum();
        if kind == Kind::Wanted && rewritten.length * 4 > octets * 3 {
            // Written for too little.
            let _ = self.engine.segments.disk.unlink(&unborn_path(last.header.number));
            run.iter().for_each(|link| self.refuse(link, work));
            return Ok(at + length);
        }
        let (header, written) = (rewritten.segment.header.clone(), rewritten.length);
        let placed = {
            let run = run.clone();
            ask(hand, move |committer| {
                rewriting::put_in_place(committer.engine(), &run, &rewritten).then_some(rewritten.moved)
            })
        };
        let Some(moved) = placed.ok_or(CLOSING)? else {
            return Err(if self.engine.trouble.check().is_ok() { IN_USE } else { FAILED });
        };
        work.next_number = work.next_number.saturating_add(1);
        work.done.segments += length as u64;
        work.done.octets_before += octets;
        work.done.octets_after += written;
        self.lead_index(&header, &moved, hand, pace)?;
        rewriting::release(&self.engine.segments, &run);
        work.in_doubt.remove(&header.number);
        let link = Link { end: Some(header.whole_through), header };
        work.links.splice(at..at + length, [link]);
        Ok(at + 1)
    }

    /// Is not looked at again before more of it has become needless.
    fn refuse(&mut self, link: &Link, work: &Work) {
        let number = link.header.number;
        let needed = work.seem_needed.get(&number).copied().unwrap_or(0);
        self.refused.insert(number, (link.header.salt, needed));
    }

    /// Whether the index is still the one that this compaction goes by.
    fn judges(&self) -> bool {
        let now = self.engine.index.map();
        self.judged_by.as_ref().is_some_and(|by| is_same(by, &now)) && now.condition() == Condition::Sound
    }

    /// Leads the entries of the index to where their records lie now.
    fn lead_index(
        &self,
        header: &SegmentHeader,
        moved: &[Moved],
        hand: Hand<'_>,
        pace: Pace<'_>,
    ) -> Result<(), PutOff> {
        for some in moved.chunks(AT_ONCE) {
            // What it has to look up then is at hand.
            let _ = relocation::lead(&self.engine.index, some);
            let some = some.to_vec();
            let looked = some.len() as u64 * LOOK;
            let led = ask(hand, move |committer| {
                let index = &committer.engine().index;
                relocation::lead(index, &some).map(|led| index.publish(led))
            });
            led.ok_or(CLOSING)?.map_err(|e| self.put_off(Unwritten::Index(e)))?;
            self.engine.mover.news(self.engine.index.tail_octets());
            // Told to end it goes on all the same: it is not long, and else the next opening has to do it.
            pace(looked);
        }
        let header = header.clone();
        let finished = ask(hand, move |committer| relocation::finish(&committer.engine().index, &header));
        finished.ok_or(CLOSING)?.map_err(|e| self.put_off(Unwritten::Index(e)))
    }

    /// Octets of each segment to which the index leads.
    fn seem_needed(&self, pace: Pace<'_>) -> Result<HashMap<u64, u64>, PutOff> {
        let mut needed = HashMap::new();
        let mut after = Key::new();
        loop {
            let batch = entries::batch(&self.engine.index, &after, ENTRIES);
            let batch = batch.map_err(|e| self.put_off(Unwritten::Index(e)))?;
            let Some((last, _)) = batch.last() else { return Ok(needed) };
            after = entries::behind(last);
            for place in batch.iter().filter_map(|(key, value)| entries::place(key, value)) {
                *needed.entry(place.segment).or_default() +=
                    (RECORD_HEADER + padded(place.stored_length as usize)) as u64;
            }
            if !pace(batch.len() as u64 * LOOK) {
                return Err(CLOSING);
            }
        }
    }

    /// The last segment all of which is in the index.
    fn taken_in(&self) -> u64 {
        self.engine.index.through().position.segment.saturating_sub(1)
    }

    /// What the segments before one may hold of what is removed in segments up to `through`.
    fn older(&self, work: &Work, at: usize, through: u64) -> Older {
        let judged = |link: &Link| {
            let noted = link.header.rewriting.map_or(0, |rewriting| rewriting.judged_through.into());
            let known = self.judged.get(&link.header.number).filter(|(salt, _)| *salt == link.header.salt);
            known.map_or(noted, |(_, through)| noted.max(*through))
        };
        let holds_nothing =
            |link: &Link| judged(link) >= through && !work.in_doubt.contains(&link.header.number);
        if work.links.iter().take(at).all(holds_nothing) {
            Older::HoldsNothingRemoved
        } else {
            Older::MayHoldRemoved
        }
    }

    fn put_off(&self, why: Unwritten) -> PutOff {
        match why {
            // It has rotted since it was measured.
            Unwritten::Rotten | Unwritten::InUse => IN_USE,
            Unwritten::Told => CLOSING,
            // It is no failure of the store's: what was to be won was room.
            Unwritten::Disk => NO_ROOM,
            Unwritten::Unread => UNREAD,
            Unwritten::Index(e) => {
                if matches!(e, KvError::Damaged(_)) {
                    self.engine.index.map().distrust();
                }
                self.engine.check_map();
                UNREADABLE
            }
            Unwritten::IndexBehind => {
                self.engine.index.map().distrust();
                self.engine.check_map();
                BEHIND
            }
        }
    }
}

/// A segment as it is judged from afar.
#[derive(Clone, Copy, Debug)]
struct Sized {
    number: u64,
    octets: u64,
    /// Whether it is less than half needed.
    wanted: bool,
    /// Whether it has turned out that less can leave it than it seems, or nothing.
    refused: bool,
}

/// The runs to be rewritten: of segments that are less than half needed, as many together as fill a segment; and of small
/// ones, so that the log does not end in thousands of crumbs.
fn runs(sized: &[Sized], full_at: u64) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(first) = sized.get(at) {
        let (kind, run) = match first.wanted {
            true => (Kind::Wanted, wanted(sized, at)),
            false => (Kind::Small, small(sized, at, full_at)),
        };
        if let Some(last) = run.checked_sub(1).and_then(|more| sized.get(at + more)) {
            runs.push(Run { kind, numbers: first.number..=last.number });
        }
        at += run.max(1);
    }
    runs
}

/// How many from here on are less than half needed.
fn wanted(sized: &[Sized], at: usize) -> usize {
    sized.iter().skip(at).take_while(|sized| sized.wanted).count()
}

/// How many small ones begin here, if together they are worth it.
fn small(sized: &[Sized], at: usize, full_at: u64) -> usize {
    let mut octets = 0;
    let fit = |sized: &&Sized| {
        octets += sized.octets;
        let small = sized.octets * JOINED as u64 <= full_at && octets <= full_at;
        small && !sized.wanted && !sized.refused
    };
    let run: Vec<&Sized> = sized.iter().skip(at).take_while(fit).take(MOST).collect();
    let (all, most): (u64, u64) =
        run.iter().fold((0, 0), |(all, most), sized| (all + sized.octets, most.max(sized.octets)));
    if run.len() >= JOINED && most * 2 <= all { run.len() } else { 0 }
}

/// What the commit thread answers; `None` when it has ended.
fn ask<T: Send + 'static>(
    hand: Hand<'_>,
    work: impl FnOnce(&mut Committer) -> T + Send + 'static,
) -> Option<T> {
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    hand(Errand::new(move |committer| drop(answer.send(work(committer)))));
    answered.recv().ok()
}

/// Lets the commit thread do it.
pub(crate) fn by_the_commit_thread(engine: &Engine) -> impl FnMut(Errand) + '_ {
    |errand| engine.queue.send(errand)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
