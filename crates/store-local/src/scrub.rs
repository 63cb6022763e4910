//! The scrub: a [`Check`] of everything from time to time, slowly, so that rot is found before somebody needs what has
//! rotted, and while there may still be a backup of it.
//!
//! How far it has come is a soft value: after a restart it goes on there.

use crate::check::{Check, Progress};
use crate::engine::Engine;
use crate::log::octets::array_at;
use crate::scrubbed::{Findings, Found};
use crate::witness::Witness;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store::{AccountId, StoreError};

/// When everything is read, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Scrubbing {
    /// From the end of one scrub to the begin of the next; `None`: only when asked.
    pub every: Option<Duration>,
    /// Octets that are read in a second.
    pub octets_per_second: u64,
}

impl Default for Scrubbing {
    fn default() -> Self {
        Self { every: None, octets_per_second: 10 << 20 }
    }
}

/// Whose its notes are: no account has this number.
const NOBODY: AccountId = AccountId(u64::MAX);
const NOTES: &[u8] = b"scrub";
/// Apart from the others, which an earlier version reads.
const FINDINGS: &[u8] = b"scrub findings";
/// After so many octets it notes how far it has come.
const NOTE_AFTER: u64 = 64 << 20;
/// How long an index may be in the making before a scrub is given up.
const PATIENCE: u32 = 600;
const PAUSE: Duration = Duration::from_secs(1);
/// After that one that was given up is tried again.
const LATER: Duration = Duration::from_hours(1);

/// What is remembered of scrubs.
#[derive(Clone, Debug, Default)]
struct Notes {
    /// When the last one was through, in Unix milliseconds; 0 for never.
    through_ms: u64,
    /// Where the one that is under way goes on; empty when none is.
    place: Bytes,
    findings: Findings,
}

/// Does it.
#[derive(Debug)]
pub(crate) struct Scrub {
    engine: Arc<Engine>,
    witness: Arc<dyn Witness>,
    scrubbing: Scrubbing,
}

/// How a scrub ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Through,
    /// It goes on another time.
    BrokenOff,
    /// The index cannot be read.
    GivenUp,
}

impl Scrub {
    pub(crate) fn new(engine: Arc<Engine>, witness: Arc<dyn Witness>, scrubbing: Scrubbing) -> Self {
        Self { engine, witness, scrubbing }
    }

    /// Scrubs when it is time to, until told to end.
    pub(crate) fn run(self) {
        // A store that is new has nothing that could have rotted.
        let mut notes = self.notes();
        if notes.through_ms == 0 && notes.place.is_empty() {
            notes.through_ms = now_ms();
            self.note(&notes);
        }
        self.engine.scrubs.noted(notes.through_ms, &notes.findings);
        let mut wait = self.until_due(&notes);
        while self.engine.scrubber.wait(wait) {
            let rate = self.scrubbing.octets_per_second.max(1);
            let end = self.scrub(&mut |read| {
                let rest = Duration::from_micros(read.saturating_mul(1_000_000) / rate);
                self.engine.scrubber.rest(rest)
            });
            wait = match end {
                End::GivenUp => self.scrubbing.every.map(|_| LATER),
                End::Through | End::BrokenOff => self.until_due(&self.notes()),
            };
        }
    }

    /// Scrubs about so many octets; `true` when it is through with everything.
    pub(crate) fn some(&self, octets: u64) -> bool {
        let mut left = octets;
        self.scrub(&mut |read| {
            left = left.saturating_sub(read);
            left > 0
        }) == End::Through
    }

    /// From where the last one stopped to the end, as long as it may go on.
    fn scrub(&self, may_go_on: &mut dyn FnMut(u64) -> bool) -> End {
        let _under_way = self.engine.scrubs.begin();
        let mut notes = self.notes();
        if notes.place.is_empty() {
            notes.findings.now = Found::default();
        }
        let mut check = Check::resumed(Arc::clone(&self.engine), &notes.place);
        let (mut unnoted, mut waited) = (0, 0);
        loop {
            let progress = self.step(&mut check, &mut notes);
            let read = match progress {
                Ok(Progress::Read(octets)) => octets,
                Ok(Progress::Done) => {
                    let findings = notes.findings.through();
                    // Before it is told: whoever hears of it may ask.
                    self.note(&Notes { through_ms: now_ms(), place: Bytes::new(), findings });
                    self.witness.scrubbed(&check.tally());
                    return End::Through;
                }
                Ok(Progress::Waits) if waited < PATIENCE => {
                    waited += 1;
                    if !self.engine.scrubber.rest(PAUSE) {
                        return End::BrokenOff;
                    }
                    0
                }
                // Why the index cannot be read the admin has heard.
                Ok(Progress::Waits) | Err(_) => {
                    notes.place = check.place().unwrap_or_default();
                    self.note(&notes);
                    return End::GivenUp;
                }
            };
            unnoted += read;
            let goes_on = may_go_on(read);
            if unnoted >= NOTE_AFTER || !goes_on {
                unnoted = 0;
                notes.place = check.place().unwrap_or_default();
                self.note(&notes);
            }
            if !goes_on {
                return End::BrokenOff;
            }
        }
    }

    /// A step of the check. What it finds is told and counted.
    fn step(&self, check: &mut Check, notes: &mut Notes) -> Result<Progress, StoreError> {
        let before = check.tally();
        let progress = check.step();
        let now = check.tally();
        self.engine.scrubs.has_read(now.octets.saturating_sub(before.octets));
        let count = now.damages.saturating_sub(before.damages);
        if count > 0 {
            let news = check.news();
            notes.findings.now.add(count, news);
            self.engine.scrubs.noted(notes.through_ms, &notes.findings);
            news.iter().for_each(|damage| self.witness.damaged(damage));
        }
        progress
    }

    /// How long until one begins by itself, or one that was broken off goes on; `None` where only asking begins one.
    fn until_due(&self, notes: &Notes) -> Option<Duration> {
        let every = self.scrubbing.every?;
        if !notes.place.is_empty() {
            return Some(Duration::ZERO);
        }
        // Where the clock was set back the next one comes a whole period later, not never.
        let since = Duration::from_millis(now_ms().saturating_sub(notes.through_ms));
        Some(every.saturating_sub(since))
    }

    fn notes(&self) -> Notes {
        let soft = |name| self.engine.soft(NOBODY, name).ok().flatten().unwrap_or_default();
        let (value, findings) = (soft(NOTES), soft(FINDINGS));
        let through_ms = array_at(&value, 0).map_or(0, u64::from_le_bytes);
        let place = value.get(8..).map(Bytes::copy_from_slice).unwrap_or_default();
        Notes { through_ms, place, findings: Findings::decode(&findings) }
    }

    /// A disk that takes nothing now is no reason not to read.
    fn note(&self, notes: &Notes) {
        self.engine.scrubs.noted(notes.through_ms, &notes.findings);
        let value = Bytes::from([&notes.through_ms.to_le_bytes(), &*notes.place].concat());
        for (name, value) in [(FINDINGS, notes.findings.encode()), (NOTES, value)] {
            let _: Result<(), StoreError> = self.engine.put_soft(NOBODY, name, Some(&value));
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
