//! Time as a value.

use std::time::Duration;

/// A point on a clock that never goes back, in milliseconds since a start that means nothing.
///
/// The outermost ring makes one from its clock and hands it in; a test makes one from a number. Nothing within
/// can ask what time it is, which is why everything within comes out the same twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// Later than any other: what never happens is due then.
    pub const NEVER: Self = Self(u64::MAX);

    /// `millis` after the clock's start.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This much later; [`Self::NEVER`] if the clock would run over.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long from `earlier` until now; nothing if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
