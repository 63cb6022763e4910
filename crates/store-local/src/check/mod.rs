//! Reads everything that is stored and tests it: every checksum of the log, every entry of the index and the record
//! that it leads to, every block of the bodies' files and their names.
//!
//! A check goes by steps, each of which reads little, so that whoever drives it decides how fast it goes, and may stop
//! anywhere. Nothing is held up by it: it reads as any reader does, and what is written meanwhile is looked at as far as
//! it was published when the check began. Nothing is changed by it either, with one exception: an index that is not what
//! was written is made again from the log, as it is when any other reader finds that out.
//!
//! In memory there is one segment at a time.

mod bodies;
mod damage;
pub(crate) mod entries;
mod plan;
mod segment;

pub use damage::{Damage, Lost, MAX_DAMAGES, MAX_LOST, Tally};
pub(crate) use plan::{Planned, plan};

use crate::engine::Engine;
use crate::index::kv::{Condition, Key, KvError};
use crate::log::octets::u64_at;
use crate::log::segments::{segment_name, segment_path};
use crate::recovery::INDEX_FILE;
use bodies::BodyReading;
use bytes::Bytes;
use segment::examine;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{AccountId, BodyId, StoreError};

/// Most octets that a step reads at once.
const STEP: usize = 1 << 20;
/// Entries of the index that a step looks at.
const ENTRIES: usize = 512;
/// What looking up an entry's record costs the disk, in octets.
const LOOK: u64 = 4 << 10;

/// A check that is under way.
#[derive(Debug)]
pub struct Check {
    engine: Arc<Engine>,
    only: Option<AccountId>,
    stage: Stage,
    damages: Vec<Damage>,
    told: usize,
    /// Where the entries that are looked at now begin.
    resume: Key,
    /// Whether the log was read from its beginning, and is sound, though the index says otherwise.
    log: Verdict,
    tally: Tally,
}

#[derive(Debug)]
enum Stage {
    Planning { from: u64 },
    Segments { left: VecDeque<Planned>, reading: Vec<u8> },
    Apart,
    Entries { after: Key, bodies: VecDeque<BodyInFile>, reading: Option<Box<BodyReading>> },
    Done,
}

/// What is known of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Sound,
    /// It is sound, and the index does not say what it says.
    Contradicted,
    /// It is damaged, or was not read as a whole.
    Unknown,
}

/// A body that lies in a file, by the index.
#[derive(Clone, Copy, Debug)]
struct BodyInFile {
    account: AccountId,
    id: BodyId,
    file: u64,
    length: u64,
}

/// How far a step has brought a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// This many octets were read, or about as much work was done.
    Read(u64),
    /// The index is being made again: it goes on once that is done.
    Waits,
    /// Everything has been looked at.
    Done,
}

/// Where a check that was broken off goes on: a segment of the log, or an entry of the index.
const IN_SEGMENTS: u8 = 1;
const IN_ENTRIES: u8 = 2;

impl Check {
    /// From the beginning; of one account only, or of everything.
    pub(crate) const fn new(engine: Arc<Engine>, only: Option<AccountId>) -> Self {
        let stage = Stage::Planning { from: 0 };
        Self {
            engine,
            only,
            stage,
            damages: Vec::new(),
            told: 0,
            resume: Key::new(),
            log: Verdict::Sound,
            tally: Tally::ZERO,
        }
    }

    /// From where another one had come.
    pub(crate) fn resumed(engine: Arc<Engine>, place: &[u8]) -> Self {
        let mut check = Self::new(engine, None);
        if !place.is_empty() {
            check.log = Verdict::Unknown;
        }
        match place.split_first() {
            Some((&IN_SEGMENTS, number)) => {
                check.stage = Stage::Planning { from: u64_at(number, 0).unwrap_or(0) };
            }
            Some((&IN_ENTRIES, after)) => {
                check.resume = after.to_vec();
                check.stage = entries_from(after.to_vec());
            }
            _ => {}
        }
        check
    }

    /// Where it would go on if it were broken off here; `None` when it is done.
    pub(crate) fn place(&self) -> Option<Bytes> {
        let (stage, at) = match &self.stage {
            Stage::Planning { from } => (IN_SEGMENTS, from.to_le_bytes().to_vec()),
            Stage::Segments { left, .. } => {
                (IN_SEGMENTS, left.front().map_or(u64::MAX, |next| next.number).to_le_bytes().to_vec())
            }
            Stage::Apart => (IN_ENTRIES, Vec::new()),
            Stage::Entries { after, bodies, reading: None } if bodies.is_empty() => {
                (IN_ENTRIES, after.clone())
            }
            Stage::Entries { .. } => (IN_ENTRIES, self.resume.clone()),
            Stage::Done => return None,
        };
        Some([vec![stage], at].concat().into())
    }

    /// Whether it is done with the log, and goes on with the index.
    pub(crate) const fn is_through_the_log(&self) -> bool {
        matches!(self.stage, Stage::Apart | Stage::Entries { .. } | Stage::Done)
    }

    /// What was found so far, at most [`MAX_DAMAGES`].
    #[must_use]
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// What was found since this was asked the last time.
    pub(crate) fn news(&mut self) -> &[Damage] {
        let from = std::mem::replace(&mut self.told, self.damages.len());
        self.damages.get(from..).unwrap_or_default()
    }

    /// What was looked at so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Goes on a little.
    ///
    /// # Errors
    /// What there is cannot be found out: the directory cannot be listed, the index cannot be read.
    pub fn step(&mut self) -> Result<Progress, StoreError> {
        match self.try_step() {
            Ok(progress) => {
                if let Progress::Read(octets) = progress {
                    self.tally.octets += octets;
                }
                Ok(progress)
            }
            Err(KvError::Damaged(why)) => {
                self.index_is_damaged(&why);
                Ok(Progress::Waits)
            }
            // Somebody else has found it damaged before.
            Err(_) if self.engine.index.map().condition() == Condition::Untrusted => Ok(Progress::Waits),
            Err(e) => Err(self.engine.unreadable(e)),
        }
    }

    fn try_step(&mut self) -> Result<Progress, KvError> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Planning { from } => {
                self.stage = Stage::Planning { from };
                let (left, damaged) = plan(&self.engine)?;
                if !damaged.is_empty() {
                    self.log = Verdict::Unknown;
                }
                damaged.into_iter().for_each(|damage| self.note(damage));
                let left = left.into_iter().filter(|planned| planned.number >= from).collect();
                self.stage = Stage::Segments { left, reading: Vec::new() };
                Ok(Progress::Read(0))
            }
            Stage::Segments { left, reading } => self.read_segments(left, reading),
            Stage::Apart if self.log == Verdict::Contradicted => {
                // The log is sound: what is made from it is right.
                self.log = Verdict::Sound;
                self.stage = Stage::Apart;
                self.engine.index.map().distrust();
                self.engine.check_map();
                Ok(Progress::Waits)
            }
            Stage::Apart => {
                // Should it be damaged, it is looked at no more: soft values are nowhere else.
                self.stage = entries_from(Key::new());
                let entries = self.engine.index.read_apart()?;
                self.tally.entries += entries;
                Ok(Progress::Read(entries * 64))
            }
            Stage::Entries { after, bodies, reading } => self.read_entries(after, bodies, reading),
            Stage::Done => Ok(Progress::Done),
        }
    }

    fn read_segments(
        &mut self,
        mut left: VecDeque<Planned>,
        mut reading: Vec<u8>,
    ) -> Result<Progress, KvError> {
        let Some(planned) = left.front().cloned() else {
            self.stage = Stage::Apart;
            return Ok(Progress::Read(0));
        };
        let Some(header) = &planned.header else { return self.give_up(left) };
        let read = self.read_piece(&planned, &mut reading);
        match read {
            Some(octets) if octets > 0 => {
                self.stage = Stage::Segments { left, reading };
                return Ok(Progress::Read(octets));
            }
            // All that there is, or all that can be read.
            _ => {}
        }
        if plan::was_rewritten(&self.engine, planned.number, header) {
            self.stage = Stage::Planning { from: planned.number };
            return Ok(Progress::Read(LOOK));
        }
        let examined = examine(header, &reading, usize::try_from(planned.end).unwrap_or(usize::MAX));
        let file = format!("log/{}", segment_name(planned.number));
        let damaged: Vec<Damage> = examined
            .damaged
            .iter()
            .map(|(range, why)| Damage::of(file.clone(), range.start as u64..range.end as u64, *why))
            .collect();
        // Should the index fail here, this segment is read again.
        self.stage = Stage::Segments { left: left.clone(), reading: Vec::new() };
        let lost = if damaged.is_empty() { Vec::new() } else { self.lost_in(planned.number, &damaged)? };
        let behind = entries::compare(&self.engine.index, &examined.frames, planned.number)?;
        if !damaged.is_empty() {
            self.log = Verdict::Unknown;
        }
        if !behind.is_empty() && self.log == Verdict::Sound {
            self.log = Verdict::Contradicted;
        }
        for (mut damage, lost) in damaged.into_iter().zip(lost) {
            damage.lost = lost;
            self.note(damage);
        }
        for why in behind {
            self.note(self.damaged_index(&why));
        }
        self.tally.segments += 1;
        self.tally.records += examined.frames.iter().map(|frame| frame.records.len() as u64).sum::<u64>();
        left.pop_front();
        self.stage = Stage::Segments { left, reading: Vec::new() };
        Ok(Progress::Read(LOOK))
    }

    /// Nothing can be read of a segment that does not say what it is.
    fn give_up(&mut self, mut left: VecDeque<Planned>) -> Result<Progress, KvError> {
        let Some(planned) = left.front().cloned() else { return Ok(Progress::Read(0)) };
        self.stage = Stage::Segments { left: left.clone(), reading: Vec::new() };
        self.log = Verdict::Unknown;
        let why = "the segment's header does not read back as it was written, and without it nothing does";
        let file = format!("log/{}", segment_name(planned.number));
        let mut damage = Damage::of(file, 0..planned.end, why);
        let lost = self.lost_in(planned.number, std::slice::from_ref(&damage))?;
        damage.lost = lost.into_iter().flatten().collect();
        self.note(damage);
        self.tally.segments += 1;
        left.pop_front();
        self.stage = Stage::Segments { left, reading: Vec::new() };
        Ok(Progress::Read(LOOK))
    }

    /// Reads the next piece of a segment behind what is there; `None` where it cannot be read.
    fn read_piece(&self, planned: &Planned, reading: &mut Vec<u8>) -> Option<u64> {
        let path = segment_path(planned.number);
        let file = self.engine.segments.disk.open(&path).ok()?;
        let at = reading.len();
        let wanted = STEP.min(usize::try_from(planned.read_to).ok()?.saturating_sub(at));
        reading.resize(at + wanted, 0);
        let read = reading.get_mut(at..).and_then(|into| file.read_at(into, at as u64).ok());
        reading.truncate(at + read.unwrap_or(0));
        read.map(|read| read as u64)
    }

    /// What the index says lies in the damaged parts of a segment.
    fn lost_in(&self, segment: u64, damaged: &[Damage]) -> Result<Vec<Vec<Lost>>, KvError> {
        let mut lost = vec![Vec::new(); damaged.len()];
        let mut after = Key::new();
        loop {
            let batch = entries::batch(&self.engine.index, &after, ENTRIES)?;
            let Some((last, _)) = batch.last() else { break };
            after = entries::behind(last);
            for (key, value) in &batch {
                let Some(place) = entries::place(key, value).filter(|place| place.segment == segment) else {
                    continue;
                };
                let meets = |damage: &Damage| damage.from < place.end() && place.offset < damage.to;
                for (damage, lost) in damaged.iter().zip(&mut lost) {
                    if meets(damage) && lost.len() < MAX_LOST {
                        lost.extend(Lost::under(key));
                    }
                }
            }
        }
        lost.iter_mut().for_each(|lost| {
            lost.sort_unstable();
            lost.dedup();
        });
        Ok(lost)
    }

    fn read_entries(
        &mut self,
        after: Key,
        mut bodies: VecDeque<BodyInFile>,
        mut reading: Option<Box<BodyReading>>,
    ) -> Result<Progress, KvError> {
        if let Some(body) = &mut reading {
            let octets = body.read_on(STEP);
            if octets == 0 {
                let body = reading.take();
                body.into_iter().for_each(|body| self.finish_body(*body));
            }
            self.stage = Stage::Entries { after, bodies, reading };
            return Ok(Progress::Read(octets));
        }
        if let Some(next) = bodies.pop_front() {
            let reading = Some(Box::new(BodyReading::begin(&self.engine.bodies, next)));
            self.stage = Stage::Entries { after, bodies, reading };
            return Ok(Progress::Read(LOOK));
        }
        self.stage = entries_from(after.clone());
        self.resume.clone_from(&after);
        let batch = entries::batch(&self.engine.index, &after, ENTRIES)?;
        let Some((last, _)) = batch.last() else {
            self.stage = Stage::Done;
            return Ok(Progress::Done);
        };
        let behind = entries::behind(last);
        let looked = entries::look(&self.engine, &batch)?;
        for (damage, key) in looked.damages {
            let range = damage.from..damage.to;
            if self.is_asked_for(&key) && !self.is_known(&damage.file, &range) {
                self.note(damage);
            }
        }
        for why in looked.misfits {
            self.note(self.damaged_index(&why));
        }
        self.tally.entries += batch.len() as u64;
        let bodies =
            looked.bodies.into_iter().filter(|body| self.only.is_none_or(|only| only == body.account));
        let bodies = bodies.collect();
        self.stage = Stage::Entries { after: behind, bodies, reading: None };
        Ok(Progress::Read(looked.read))
    }

    fn finish_body(&mut self, body: BodyReading) {
        self.tally.body_files += 1;
        let in_file = body.body;
        let damages = body.finish();
        // Deleted meanwhile, or put anew into another file.
        let place = self.engine.body_place(in_file.account, in_file.id);
        let still = matches!(place, Ok(Some(crate::index::value::BodyPlace::File { file, .. })) if file == in_file.file);
        if still {
            damages.into_iter().for_each(|damage| self.note(damage));
        }
    }

    fn is_asked_for(&self, index_key: &[u8]) -> bool {
        self.only.is_none_or(|only| index_key.starts_with(&only.0.to_be_bytes()))
    }

    fn is_known(&self, file: &str, range: &Range<u64>) -> bool {
        self.damages.iter().any(|known| {
            known.covers(file, range)
                || (known.file == file && known.from < range.end && range.start < known.to)
        })
    }

    fn index_is_damaged(&mut self, why: &str) {
        self.note(self.damaged_index(why));
        let map = self.engine.index.map();
        map.distrust();
        self.engine.check_map();
    }

    fn damaged_index(&self, why: &str) -> Damage {
        let file = self.engine.segments.disk.open(Path::new(INDEX_FILE));
        let length = file.and_then(|file| file.length()).unwrap_or(0);
        Damage::of(INDEX_FILE.to_owned(), 0..length, why)
    }

    fn note(&mut self, damage: Damage) {
        let theirs = |only: AccountId| damage.lost.iter().all(|lost| lost.account() != only);
        if !damage.lost.is_empty() && self.only.is_some_and(theirs) {
            return;
        }
        if self.damages.contains(&damage) {
            return;
        }
        self.tally.damages += 1;
        if self.damages.len() < MAX_DAMAGES {
            self.damages.push(damage);
        }
    }
}

/// Files of bodies that no entry of the index names. One whose commit is under way may be among them.
pub(crate) fn unnamed_files(engine: &Engine) -> Result<Vec<PathBuf>, KvError> {
    let mut unnamed: BTreeSet<PathBuf> = engine.bodies.named()?.into_iter().collect();
    // What is named while the scan has passed by is seen by the next one.
    for _ in 0..2 {
        let mut after = Key::new();
        while !unnamed.is_empty() {
            let batch = entries::batch(&engine.index, &after, ENTRIES)?;
            let Some((last, _)) = batch.last() else { break };
            after = entries::behind(last);
            let files = batch.iter().filter_map(|(key, value)| entries::body_file(key, value));
            for path in files {
                unnamed.remove(&path);
            }
        }
    }
    Ok(unnamed.into_iter().collect())
}

fn entries_from(after: Key) -> Stage {
    Stage::Entries { after, bodies: VecDeque::new(), reading: None }
}
