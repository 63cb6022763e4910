//! What is known of scrubs, for whoever asks; what they found is known across restarts.

use crate::check::Damage;
use crate::log::octets::u64_at;
use bytes::Bytes;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How it is with scrubs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubs {
    /// Whether one is under way.
    pub is_running: bool,
    /// Octets that were read since the store was opened.
    pub octets_read: u64,
    /// When the last one was through, in Unix milliseconds; of a store that none has been through, since when it is known.
    /// `None` where nobody has looked yet.
    pub through_ms: Option<u64>,
    /// What the last one found; or the one that is under way, of what it has found more of. `None` where nobody has looked
    /// yet.
    pub found: Option<Found>,
}

/// How many damaged places there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Where something lies that is needed, or where nobody has looked what does.
    pub needed: u64,
    /// The others: what lay there is needed no more, or can be made again.
    pub needless: u64,
}

/// What the scrub that is under way has found, and what the last one did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) now: Found,
    pub(crate) last: Found,
}

impl Found {
    /// Takes in what is new: so many damages, of which these are told of.
    pub(crate) fn add(&mut self, count: u64, told: &[Damage]) {
        let needless = told.iter().filter(|damage| damage.lost.is_empty()).count() as u64;
        self.needless += needless;
        self.needed += count.saturating_sub(needless);
    }

    fn or_more(self, other: Self) -> Self {
        Self { needed: self.needed.max(other.needed), needless: self.needless.max(other.needless) }
    }
}

impl Findings {
    /// The scrub that is under way is through.
    pub(crate) const fn through(self) -> Self {
        Self { now: Found { needed: 0, needless: 0 }, last: self.now }
    }

    pub(crate) fn encode(&self) -> Bytes {
        let Self { now, last } = self;
        let numbers = [now.needed, now.needless, last.needed, last.needless];
        numbers.map(u64::to_le_bytes).concat().into()
    }

    /// A note that is missing, or none of ours, tells of nothing.
    pub(crate) fn decode(note: &[u8]) -> Self {
        let number = |place: usize| u64_at(note, place * 8).unwrap_or(0);
        let found = |place| Found { needed: number(place), needless: number(place + 1) };
        Self { now: found(0), last: found(2) }
    }
}

/// Where a scrub says how it goes.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Scrubs>);

impl Ledger {
    pub(crate) fn read(&self) -> Scrubs {
        *self.lock()
    }

    /// One begins; it has ended once what is returned is dropped.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        self.lock().is_running = true;
        UnderWay(self)
    }

    pub(crate) fn has_read(&self, octets: u64) {
        self.lock().octets_read += octets;
    }

    pub(crate) fn noted(&self, through_ms: u64, findings: &Findings) {
        let mut scrubs = self.lock();
        scrubs.through_ms = (through_ms > 0).then_some(through_ms);
        scrubs.found = Some(findings.last.or_more(findings.now));
    }

    /// A panic elsewhere leaves each number whole.
    fn lock(&self) -> MutexGuard<'_, Scrubs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A scrub is under way for as long as this is there.
pub(crate) struct UnderWay<'l>(&'l Ledger);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().is_running = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read_again() {
        let findings = Findings {
            now: Found { needed: 1, needless: 2 },
            last: Found { needed: u64::MAX, needless: 1 << 40 },
        };
        assert_eq!(Findings::decode(&findings.encode()), findings);
        assert_eq!(Findings::decode(b""), Findings::default());
    }
}
