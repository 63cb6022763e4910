//! Guessing passwords is slow.

use crate::attempts::{FIRST_DELAY, LONGEST_DELAY, MAX_REMEMBERED};
use crate::network::Network;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::time::Duration;
use terms::Moment;

/// Failures of a network that do not count for it: many people share an address, and their passwords change.
pub const NETWORK_ALLOWANCE: u32 = 8;

/// Without a failure for so long, the earlier ones are forgotten.
pub const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);

/// Says how long a failed login waits for its answer.
///
/// A right password never waits, so nobody can lock somebody else out. The delay grows with the failures of the
/// account's name (whether or not there is such an account) and with those of the client's network, whichever is
/// more.
#[derive(Debug, Default)]
pub struct FailedLogins {
    /// Names by their hash: strangers choose them, and may choose long ones.
    names: Ledger<u64>,
    networks: Ledger<Network>,
    seed: RandomState,
}

impl FailedLogins {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a failure; the answer waits that long.
    #[must_use]
    pub fn failed(&mut self, from: IpAddr, name: &str, now: Moment) -> Duration {
        let of_name = self.names.add(self.seed.hash_one(name), now);
        let of_network = self.networks.add(Network::narrow(from), now);
        delay(of_name).max(delay(of_network.saturating_sub(NETWORK_ALLOWANCE)))
    }

    /// Somebody signed in under this name: its failures were typing errors. The network's count stays, or who has
    /// one account could guess at the others undisturbed.
    pub fn succeeded(&mut self, name: &str) {
        self.names.forget(&self.seed.hash_one(name));
    }
}

fn delay(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(earlier) => FIRST_DELAY.saturating_mul(1 << earlier.min(16)).min(LONGEST_DELAY),
    }
}

/// Counts by key in two generations: what is counted goes into the young one; when that is full or as old as
/// [`FORGET_AFTER`], it becomes the old one and the old one goes. So nothing is ever searched for what to drop.
#[derive(Debug)]
struct Ledger<K> {
    young: HashMap<K, Failures>,
    old: HashMap<K, Failures>,
    since: Moment,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Moment,
}

impl<K> Default for Ledger<K> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), since: Moment::default() }
    }
}

impl<K: Eq + Hash> Ledger<K> {
    /// One more; how many there are now.
    fn add(&mut self, key: K, now: Moment) -> u32 {
        if self.young.len() >= MAX_REMEMBERED || now.since(self.since) >= FORGET_AFTER {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        let earlier = self.young.get(&key).or_else(|| self.old.get(&key));
        let remembered = earlier.filter(|failures| now.since(failures.last) < FORGET_AFTER);
        let count = remembered.map_or(0, |failures| failures.count).saturating_add(1);
        self.young.insert(key, Failures { count, last: now });
        count
    }

    fn forget(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fake clock and somebody who guesses.
    #[derive(Default)]
    struct World {
        logins: FailedLogins,
        now: Moment,
    }

    impl World {
        fn fail(&mut self, from: u32, name: &str) -> u128 {
            self.logins.failed(from.to_be_bytes().into(), name, self.now).as_millis()
        }

        fn wait(&mut self, wait: Duration) {
            self.now = self.now.plus(wait);
        }
    }

    #[test]
    fn each_failure_of_a_name_waits_twice_as_long_up_to_three_seconds() {
        let mut world = World::default();
        // From everywhere: a botnet is slowed down by the name.
        let delays: Vec<_> = (0..6).map(|from| world.fail(from, "ann")).collect();
        assert_eq!(delays, [250, 500, 1_000, 2_000, 3_000, 3_000]);
        assert_eq!(world.fail(99, "bob"), 250);
        assert!((0..100).all(|_| world.fail(1, "ann") == 3_000));
    }

    #[test]
    fn a_network_that_tries_many_names_is_slowed_down_after_its_allowance() {
        let mut world = World::default();
        let delays: Vec<_> = (0..13).map(|n| world.fail(1, &n.to_string())).collect();
        assert_eq!(delays, [250, 250, 250, 250, 250, 250, 250, 250, 250, 500, 1_000, 2_000, 3_000]);
    }

    #[test]
    fn failures_are_forgotten_after_a_quarter_of_an_hour_and_not_before() {
        let mut world = World::default();
        for expected in [250, 500, 1_000] {
            assert_eq!(world.fail(1, "ann"), expected);
            world.wait(FORGET_AFTER - Duration::from_millis(1));
        }
        world.wait(Duration::from_millis(1));
        assert_eq!(world.fail(1, "ann"), 250);
    }

    #[test]
    fn signing_in_forgives_the_name_and_not_the_network() {
        let mut world = World::default();
        for _ in 0..12 {
            world.fail(1, "ann");
        }
        world.logins.succeeded("ann");
        assert_eq!(world.fail(2, "ann"), 250);
        assert_eq!(world.fail(1, "bob"), 3_000);
    }

    #[test]
    fn a_flood_of_names_takes_bounded_memory_and_forgets_the_oldest_first() {
        let mut world = World::default();
        for n in 0..300_000_u32 {
            world.fail(n, &n.to_string());
            let ledger = &world.logins.names;
            assert!(ledger.young.len() <= MAX_REMEMBERED && ledger.old.len() <= MAX_REMEMBERED);
        }
        assert_eq!(world.fail(1_000_000, "299999"), 500);
        assert_eq!(world.fail(1_000_001, "0"), 250);
    }
}
