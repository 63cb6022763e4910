//! The one place that asks what time it is.

use std::time::Duration;
use terms::Moment;
use tokio::time::Instant;

/// Makes moments. It is the runtime's clock, so that a test can stop it.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock whose zero is now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// What time it is.
    #[must_use]
    pub fn now(self) -> Moment {
        Moment::default().plus(self.0.elapsed())
    }

    /// When the runtime's clock shows `moment`.
    pub(crate) fn instant(self, moment: Moment) -> Instant {
        let since_start = Duration::from_millis(moment.as_millis());
        self.0.checked_add(since_start).unwrap_or_else(|| self.0 + FAR)
    }
}

/// Further than any server runs; for platforms whose clock cannot count to [`Moment::NEVER`].
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn moments_follow_the_runtimes_clock_and_never_is_not_soon() {
        let clock = Clock::start();
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(clock.now(), Moment::from_millis(1_500));
        assert_eq!(clock.instant(clock.now()), Instant::now());
        assert!(clock.instant(Moment::NEVER) >= Instant::now() + FAR / 2);
    }
}
