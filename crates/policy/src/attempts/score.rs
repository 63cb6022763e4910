//! A count that leaks.

use super::scale::Scale;
use std::time::Duration;
use terms::Moment;

/// A failure, in the unit of a [`Score`].
pub(super) const WHOLE: u32 = 1_000;

/// After so long without a failure, those before it are not held against anybody.
pub(super) const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Failures in thousandths, as they were at a moment, and how many there were since they were last forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Score {
    thousandths: u32,
    failures: u32,
    at: Moment,
}

impl Score {
    pub(super) const fn new(thousandths: u32, failures: u32, at: Moment) -> Self {
        Self { thousandths, failures, at }
    }

    /// The same, as it is now.
    pub(super) fn as_of(self, now: Moment, scale: &Scale) -> Self {
        let elapsed = now.since(self.at);
        let failures = if elapsed >= FORGET_AFTER { 0 } else { self.failures };
        Self { thousandths: self.thousandths.saturating_sub(scale.leaked(elapsed)), failures, at: self.at }
    }

    /// With so much more; what had leaked stays leaked.
    pub(super) fn plus(self, thousandths: u32, now: Moment, scale: &Scale) -> Self {
        let current = self.as_of(now, scale);
        let sum = current.thousandths.saturating_add(thousandths).min(scale.highest());
        Self { thousandths: sum, failures: current.failures.saturating_add(1), at: now }
    }

    /// Both together, as they are.
    pub(super) const fn and(self, other: Self) -> Self {
        let thousandths = self.thousandths.saturating_add(other.thousandths);
        Self { thousandths, failures: self.failures.saturating_add(other.failures), at: self.at }
    }

    pub(super) const fn at(self) -> Moment {
        self.at
    }

    /// With so much less: it was forgiven.
    pub(super) const fn minus(self, thousandths: u32) -> Self {
        let (left, failures) =
            (self.thousandths.saturating_sub(thousandths), self.failures.saturating_sub(1));
        Self { thousandths: left, failures, at: self.at }
    }

    pub(super) const fn thousandths(self) -> u32 {
        self.thousandths
    }

    /// Whole failures that have not leaked yet.
    pub(super) const fn failures_now(self) -> u32 {
        self.thousandths / WHOLE
    }

    /// Failures within [`FORGET_AFTER`] of one another, leaked or not.
    pub(super) const fn failures(self) -> u32 {
        self.failures
    }

    pub(super) const fn is_nothing(self) -> bool {
        self.thousandths == 0 && self.failures == 0
    }
}
