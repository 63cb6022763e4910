//! How much is too much: the figures, found by the simulation in `tests/simulation.rs`.
//!
//! Why they are what they are: docs/decisions/limits.md.

use super::score::{Score, WHOLE};
use super::verdict::{Scope, Verdict};
use std::time::Duration;
use terms::Moment;

/// How long the first wait is. Each further one is twice as long.
pub const FIRST_DELAY: Duration = Duration::from_millis(250);

/// No wait is longer: clients that wait five seconds give up setting up an account.
pub const LONGEST_DELAY: Duration = Duration::from_secs(3);

/// Up to how many failures of its own a known device goes by those alone.
pub(super) const KNOWN_UNTIL: u32 = 3;

/// How many failures at one account an address may have, and none at others, and still count as clean.
pub(super) const CLEAN_UNTIL: u32 = 5;

/// How much more an account bears from clean addresses than from others. It is what new devices get in by while a botnet
/// that has spent its own good name keeps the account at its bound.
pub(super) const CLEAN_RESERVE: u32 = 25;

/// How much more than that it bears from clean addresses in networks where others have signed in. A botnet has few of them.
pub(super) const FRIENDLY_RESERVE: u32 = 30;

/// The most accounts that have signed in from a network that are counted in its favour.
pub(super) const MAX_FRIENDS: u32 = 64;

/// So many of them make it forget as fast again.
const FRIENDS_THAT_FORGET: u32 = 8;

/// What failures do to one kind of thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) scope: Scope,
    /// Failures that nobody waits for.
    pub(super) free: u32,
    /// Failures that are looked at; one more is refused until one has been forgotten.
    pub(super) full: u32,
    /// After so long, one failure is forgotten.
    pub(super) leak: Duration,
    /// How many more it bears for each account that has signed in from there.
    pub(super) per_friend: u32,
}

/// /32 of IPv4, /64 of IPv6.
pub(super) const ADDRESS: Scale =
    Scale { scope: Scope::Address, free: 4, full: 8, leak: minutes(20), per_friend: 1 };

/// /24 of IPv4, /48 of IPv6.
pub(super) const NETWORK: Scale =
    Scale { scope: Scope::Network, free: 32, full: 64, leak: minutes(2), per_friend: 4 };

/// /16 of IPv4, /32 of IPv6. Half a provider may be in it.
pub(super) const WIDER: Scale =
    Scale { scope: Scope::Wider, free: 512, full: 1_024, leak: Duration::from_secs(5), per_friend: 0 };

/// An account, from whom it does not know.
pub(super) const ACCOUNT: Scale =
    Scale { scope: Scope::Account, free: 3, full: 5, leak: minutes(15), per_friend: 0 };

/// An account from one network, by one kind of client.
pub(super) const PAIR: Scale =
    Scale { scope: Scope::Pair, free: 3, full: 10, leak: minutes(10), per_friend: 0 };

/// The same where the network is that of a proxy or a webmail, and the account is known there: all who come through it look
/// alike, so that one is made to wait, and shut out only by whoever goes on and on.
pub(super) const PAIR_BEHIND_PROXY: Scale =
    Scale { scope: Scope::Pair, free: 3, full: 128, leak: Duration::from_secs(30), per_friend: 0 };

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

impl Scale {
    /// The same for a network from which so many accounts have signed in. Where many people are, many mistype, and so it
    /// forgets faster, too.
    pub(super) fn among(self, friends: u32) -> Self {
        match self.per_friend {
            0 => self,
            each => {
                Self { leak: self.leak / (1 + friends / FRIENDS_THAT_FORGET), ..self.bearing(each * friends) }
            }
        }
    }

    /// The same where so many more failures are borne.
    pub(super) const fn bearing(self, more: u32) -> Self {
        Self { free: self.free.saturating_add(more), full: self.full.saturating_add(more), ..self }
    }

    /// What a score on this scale comes to.
    pub(super) fn judge(&self, score: Score, now: Moment) -> Verdict {
        // Where one failure more would be one too many.
        let most = self.full.saturating_sub(1).saturating_mul(WHOLE);
        let over = score.thousandths().saturating_sub(most);
        match score.failures_now().checked_sub(self.free) {
            _ if over > 0 => Verdict::Refuse { until: now.plus(self.time_to_leak(over)), scope: self.scope },
            Some(earlier) => Verdict::Wait(delay(earlier)),
            None => Verdict::Go,
        }
    }

    /// As high as a score gets. What is above the bound is a debt: as much of it as the bound itself, so that none lasts for
    /// days.
    pub(super) const fn highest(&self) -> u32 {
        self.full.saturating_mul(2).saturating_mul(WHOLE)
    }

    /// How much leaks in a time, in thousandths.
    pub(super) fn leaked(&self, in_time: Duration) -> u32 {
        let leaked = in_time.as_millis().saturating_mul(u128::from(WHOLE)) / self.leak.as_millis().max(1);
        u32::try_from(leaked).unwrap_or(u32::MAX)
    }

    fn time_to_leak(&self, thousandths: u32) -> Duration {
        // Rounded up to a millisecond, so that it is over when the time has come.
        self.leak.saturating_mul(thousandths) / WHOLE + Duration::from_millis(1)
    }
}

/// How long one waits after so many earlier failures.
pub(super) fn delay(earlier: u32) -> Duration {
    FIRST_DELAY.saturating_mul(1 << earlier.min(16)).min(LONGEST_DELAY)
}
