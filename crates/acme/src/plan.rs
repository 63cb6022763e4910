//! When what is due. Nothing but arithmetic.

use std::time::{Duration, SystemTime};

/// From when until when a certificate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its first moment.
    pub from: SystemTime,
    /// Its last.
    pub until: SystemTime,
}

/// When an authority wants a certificate to be renewed (RFC 9773, 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not before this, ...
    pub start: SystemTime,
    /// ... and not after this.
    pub end: SystemTime,
}

/// After the first failure.
const FIRST_PAUSE: Duration = Duration::from_mins(10);
/// However many there were. Let's Encrypt takes five failures an hour for a name.
const LONGEST_PAUSE: Duration = Duration::from_hours(12);

impl Life {
    fn length(self) -> Duration {
        self.until.duration_since(self.from).unwrap_or_default()
    }

    /// Whatever an authority wants: nine tenths of the life, behind which no attempt might come in time.
    #[must_use]
    pub fn last_chance(self) -> SystemTime {
        self.from + self.length() / 10 * 9
    }
}

/// Where an authority has no wish: two thirds of the life.
#[must_use]
pub fn usual_renewal(life: Life) -> SystemTime {
    life.from + life.length() / 3 * 2
}

/// A moment in the window, each as likely as the other where `random` is: so the authority's load is spread
/// (RFC 9773, 4.2).
#[must_use]
pub fn moment_in(window: Window, random: u64) -> SystemTime {
    let width = window.end.duration_since(window.start).unwrap_or_default();
    window.start + part(width, random)
}

/// How long to wait after so many failures in a row: twice as long each time, and a random quarter more, so that all who
/// failed together do not come back together.
#[must_use]
pub fn pause_after(failures: u32, random: u64) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
    pause + part(pause / 4, random)
}

/// `random` parts of 2^64 of a time, in whole seconds.
fn part(whole: Duration, random: u64) -> Duration {
    let product = u128::from(whole.as_secs()) * u128::from(random);
    Duration::from_secs(u64::try_from(product >> 64).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn without_a_hint_a_certificate_is_renewed_at_two_thirds_of_its_life() {
        let life = Life { from: at(1_000), until: at(10_000) };
        assert_eq!(usual_renewal(life), at(7_000));
        assert_eq!(life.last_chance(), at(9_100));
    }

    #[test]
    fn the_moment_is_somewhere_in_the_window_and_nowhere_else() {
        let window = Window { start: at(500), end: at(1_500) };
        assert_eq!(moment_in(window, 0), at(500));
        assert_eq!(moment_in(window, u64::MAX / 2), at(999));
        assert_eq!(moment_in(window, u64::MAX), at(1_499));
        let backwards = Window { start: at(500), end: at(400) };
        assert_eq!(moment_in(backwards, u64::MAX), at(500));
    }

    #[test]
    fn each_failure_waits_twice_as_long_up_to_half_a_day() {
        let minutes = |failures| pause_after(failures, 0).as_secs() / 60;
        assert_eq!([1, 2, 3, 4].map(minutes), [10, 20, 40, 80]);
        assert_eq!([7, 8, 50, u32::MAX].map(minutes), [640, 720, 720, 720]);
        assert_eq!(pause_after(1, u64::MAX).as_secs(), 749, "a quarter more, by chance");
        let in_the_first_hour: u64 = [1, 2, 3].map(minutes).iter().sum();
        assert!(in_the_first_hour >= 60, "no more than four attempts in it");
    }
}
