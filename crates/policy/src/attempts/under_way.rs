//! Attempts that are being looked at: many at one moment count as they would one after the other.

use super::score::Score;
use super::{Fingerprint, Found, Pair, Weights};
use crate::network::Network;
use std::collections::HashMap;
use std::hash::Hash;

/// As many are looked at at a time; more than there are connections before login.
pub const MAX_UNDER_WAY: usize = 1 << 14;

/// An attempt that is being looked at, until [`Attempts::ended`](super::Attempts::ended) takes it back.
#[derive(Debug)]
#[must_use]
pub struct Begun {
    pub(super) keys: Found,
    pub(super) weights: Weights,
    pub(super) typed: Option<Fingerprint>,
}

/// What would be held against whom if all that is being looked at were wrong. Bounded by [`MAX_UNDER_WAY`], and empty where
/// nothing is.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    pub(super) addresses: Sums<Network>,
    pub(super) networks: Sums<Network>,
    pub(super) wider: Sums<Network>,
    pub(super) accounts: Sums<u64>,
    pub(super) pairs: Sums<Pair>,
    /// How often each password is being looked at.
    typed: HashMap<u64, usize>,
    many: usize,
}

impl UnderWay {
    pub(super) const fn is_full(&self) -> bool {
        self.many >= MAX_UNDER_WAY
    }

    /// Whether the same password for the same account is being looked at: if it is wrong, that tells nothing twice.
    pub(super) fn looks_at(&self, Fingerprint(typed): Fingerprint) -> bool {
        self.typed.contains_key(&typed)
    }

    pub(super) fn add(&mut self, begun: &Begun) {
        let Begun { keys: Found { address, network, wider, pair, .. }, weights, typed } = begun;
        self.many += 1;
        self.addresses.add(*address, weights.address);
        self.networks.add(*network, weights.networks);
        self.wider.add(*wider, weights.networks);
        self.accounts.add(pair.account, weights.account);
        self.pairs.add(*pair, weights.pair);
        if let Some(Fingerprint(typed)) = typed {
            *self.typed.entry(*typed).or_default() += 1;
        }
    }

    pub(super) fn take(&mut self, begun: &Begun) {
        let Begun { keys: Found { address, network, wider, pair, .. }, weights, typed } = begun;
        self.many = self.many.saturating_sub(1);
        self.addresses.take(address, weights.address);
        self.networks.take(network, weights.networks);
        self.wider.take(wider, weights.networks);
        self.accounts.take(&pair.account, weights.account);
        self.pairs.take(pair, weights.pair);
        if let Some(Fingerprint(typed)) = typed
            && let Some(times) = self.typed.get_mut(typed)
        {
            *times -= 1;
            if *times == 0 {
                self.typed.remove(typed);
            }
        }
    }
}

/// What is being looked at, for each key, as if it had failed.
#[derive(Debug)]
pub(super) struct Sums<K>(HashMap<K, Score>);

impl<K> Default for Sums<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Sums<K> {
    pub(super) fn of(&self, key: &K) -> Score {
        self.0.get(key).copied().unwrap_or_default()
    }

    fn add(&mut self, key: K, weight: u32) {
        if weight > 0 {
            let sum = self.0.entry(key).or_default();
            *sum = sum.and(Score::of(weight, sum.at()));
        }
    }

    fn take(&mut self, key: &K, weight: u32) {
        let Some(sum) = self.0.get_mut(key).filter(|_| weight > 0) else { return };
        *sum = sum.minus(weight);
        if sum.is_nothing() {
            self.0.remove(key);
        }
    }
}
