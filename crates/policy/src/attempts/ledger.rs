//! What is remembered in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;
use terms::Moment;

/// Values by key in two generations: what is new goes into the young one; when that is full or old, it becomes the old one
/// and the old one goes. So nothing is ever searched for what to drop.
#[derive(Debug)]
pub(super) struct Ledger<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    since: Moment,
    max: usize,
    span: Duration,
}

impl<K: Eq + Hash + Clone, V: Clone> Ledger<K, V> {
    /// Remembers `max` values at least, for `span` at least; twice as much at most.
    pub(super) fn new(max: usize, span: Duration) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), since: Moment::default(), max, span }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Puts a value in, in place of what was there.
    pub(super) fn put(&mut self, key: K, value: V, now: Moment) {
        let is_full = self.young.len() >= self.max && !self.young.contains_key(&key);
        if is_full || now.since(self.since) >= self.span {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        self.young.insert(key, value);
    }

    /// Alters a value where it is.
    pub(super) fn alter(&mut self, key: &K, alter: impl FnOnce(&V) -> V) {
        if let Some(value) = self.young.get_mut(key).or_else(|| self.old.get_mut(key)) {
            *value = alter(value);
        }
    }

    /// Forgets what is asked for; how many that was.
    pub(super) fn forget(&mut self, mut is_meant: impl FnMut(&K) -> bool) -> usize {
        let before = self.young.len() + self.old.len();
        self.young.retain(|key, _| !is_meant(key));
        self.old.retain(|key, _| !is_meant(key));
        before - self.young.len() - self.old.len()
    }

    /// All of it, each key once.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let old = self.old.iter().filter(|(key, _)| !self.young.contains_key(*key));
        self.young.iter().chain(old)
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.young.len() + self.old.len()
    }
}
