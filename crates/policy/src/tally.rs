//! Counting what is open.

use std::collections::HashMap;
use std::hash::Hash;

/// How many of each key are open. Holds as many entries as there are open things, and no memory of closed ones.
#[derive(Debug)]
pub struct Tally<K> {
    open: HashMap<K, usize>,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self { open: HashMap::new() }
    }
}

impl<K: Eq + Hash> Tally<K> {
    /// How many of this one.
    #[must_use]
    pub fn count(&self, key: &K) -> usize {
        self.open.get(key).copied().unwrap_or_default()
    }

    /// One more.
    pub fn add(&mut self, key: K) {
        *self.open.entry(key).or_default() += 1;
    }

    /// One less.
    pub fn remove(&mut self, key: &K) {
        match self.open.get_mut(key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.open.remove(key)),
        }
    }

    /// What is open, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.open.keys()
    }

    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        self.open.len()
    }
}
