//! A count that leaks.

use super::scale::Scale;
use std::time::Duration;
use terms::Moment;

/// A failure, in the unit of a [`Score`].
pub(super) const WHOLE: u32 = 1_000;

/// What is less says of nobody that they have tried another password.
const LEAST_FAILURE: u32 = WHOLE / 8;

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

    /// One that weighs so much.
    pub(super) const fn of(thousandths: u32, at: Moment) -> Self {
        Self { thousandths, failures: counted(thousandths), at }
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
        let failures = current.failures.saturating_add(counted(thousandths));
        Self { thousandths: sum, failures, at: now }
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
        let left = self.thousandths.saturating_sub(thousandths);
        Self { thousandths: left, failures: self.failures.saturating_sub(counted(thousandths)), at: self.at }
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

/// Whether it counts as a failure of its own: the same wrong password again is none.
const fn counted(thousandths: u32) -> u32 {
    (thousandths >= LEAST_FAILURE) as u32
}
