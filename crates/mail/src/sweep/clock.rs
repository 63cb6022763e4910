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
/// Where the sweep's time is kept. The first time it is only noted, and so it is when a crash has lost it.
const NOTED: &[u8] = b"sweep-time";

/// How far the clock is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A day and an hour at most since the last time.
    Cautious,
    /// As it is: an admin says so.
    Trusting,
}

/// The time of a sweep, in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// What is to be taken for now, and what was noted of the machine's clock.
    Is(i64),
    /// Nothing was known of it before, or the clock is wrong for certain.
    Unknown,
}

impl Accounts {
    /// Up to which time (Unix time in milliseconds) sweeps have been let go on; `None` before the first one.
    ///
    /// # Errors
    /// The store cannot read now.
    pub async fn swept_until_ms(&self) -> Result<Option<i64>, Error> {
        let noted = self.store().soft(AccountId::DIRECTORY, NOTED).await?;
        Ok(noted.and_then(|octets| Some(i64::from_le_bytes(*octets.first_chunk()?))))
    }

    /// Goes on to the time of the next sweep.
    pub(super) async fn next_sweep_time(&self, pace: Pace) -> Result<Time, Error> {
        let now = self.world().now_ms();
        if now < BEGINNING_MS {
            return Ok(Time::Unknown);
        }
        let noted = self.swept_until_ms().await?;
        let next = step(noted, now, pace);
        let value = Bytes::copy_from_slice(&next.to_le_bytes());
        self.store().put_soft(AccountId::DIRECTORY, NOTED, Some(value)).await?;
        Ok(match (noted, pace) {
            (None, Pace::Cautious) => Time::Unknown,
            _ => Time::Is(next.min(now)),
        })
    }

    /// The latest time that a commit can have.
    pub(super) fn plausible_ms(&self) -> i64 {
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
