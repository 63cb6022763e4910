//! What time it is to a sweep.
//!
//! A clock that was set to 2040 at boot must not sweep away what was deleted this morning. So from one sweep to the next
//! its time goes on by a day and an hour at most, whatever the machine's clock says; an admin can say that the clock is
//! right.

use crate::Error;
use crate::directory::Accounts;
use bytes::Bytes;
use store::AccountId;

/// As far as a sweep's time goes on from one to the next.
const STEP_MS: i64 = 25 * 3_600 * 1_000;
/// How far a commit may be ahead of the clock before its own clock counts as wrong.
const AHEAD_MS: i64 = 3_600 * 1_000;
/// Before this (2026-01-01) there was no Gatepost: a clock that says so is wrong.
const BEGINNING_MS: i64 = 1_767_225_600_000;
/// Where the last sweep is noted. The first time it is only that, and so it is when a crash has lost it.
const NOTED: &[u8] = b"last-sweep";

/// How far the clock is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A day and an hour at most since the last time.
    Cautious,
    /// As it is: an admin says so.
    Trusting,
}

/// A sweep that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSweep {
    /// What time it was to it: Unix time in milliseconds.
    pub time_ms: i64,
    /// When it was, by the machine's clock.
    pub ran_ms: i64,
}

impl LastSweep {
    fn encode(self) -> Bytes {
        [self.time_ms.to_le_bytes(), self.ran_ms.to_le_bytes()].concat().into()
    }

    fn decode(octets: &[u8]) -> Option<Self> {
        let (time, ran) = octets.split_first_chunk()?;
        let ran_ms = i64::from_le_bytes(ran.try_into().ok()?);
        Some(Self { time_ms: i64::from_le_bytes(*time), ran_ms })
    }
}

/// The time of a sweep, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// This is to be taken for now.
    Is(i64),
    /// Nothing was known of it before.
    Unknown,
    /// The clock is wrong for certain.
    Wrong,
}

impl Accounts {
    /// The last sweep; `None` before the first one.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn last_sweep(&self) -> Result<Option<LastSweep>, Error> {
        let noted = self.store().soft(AccountId::DIRECTORY, NOTED).await?;
        Ok(noted.and_then(|octets| LastSweep::decode(&octets)))
    }

    /// What time it is to the next sweep, and what is to be noted when that has come to its end.
    pub(super) async fn next_sweep(&self, pace: Pace) -> Result<(Time, LastSweep), Error> {
        let now = self.world().now_ms();
        let last = self.last_sweep().await?.map(|last| last.time_ms);
        let next = LastSweep { time_ms: step(last, now, pace), ran_ms: now };
        let time = match (last, pace) {
            _ if now < BEGINNING_MS => Time::Wrong,
            (None, Pace::Cautious) => Time::Unknown,
            _ => Time::Is(next.time_ms.min(now)),
        };
        Ok((time, next))
    }

    pub(super) async fn note_sweep(&self, sweep: LastSweep) -> Result<(), Error> {
        Ok(self.store().put_soft(AccountId::DIRECTORY, NOTED, Some(sweep.encode())).await?)
    }

    /// The latest time that a commit can have.
    pub(crate) fn plausible_ms(&self) -> i64 {
        self.world().now_ms().saturating_add(AHEAD_MS)
    }
}

/// It never goes back: a clock that was wrong for a day would hold up sweeps for years.
fn step(noted: Option<i64>, now: i64, pace: Pace) -> i64 {
    match (noted, pace) {
        (Some(noted), Pace::Cautious) => now.min(noted.saturating_add(STEP_MS)).max(noted),
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_by_a_day_and_an_hour_at_most_and_never_back() {
        let day = 24 * 3_600 * 1_000;
        let noted = BEGINNING_MS + 100 * day;
        let cautious = |now| step(Some(noted), now, Pace::Cautious);
        assert_eq!(cautious(noted + day), noted + day);
        assert_eq!(cautious(noted + 5_000 * day), noted + STEP_MS);
        assert_eq!(cautious(noted - day), noted);
        assert_eq!(step(None, noted, Pace::Cautious), noted);
        assert_eq!(step(Some(noted), noted - day, Pace::Trusting), noted - day);
        assert_eq!(step(Some(i64::MAX - 1), i64::MAX, Pace::Cautious), i64::MAX);
    }
}
