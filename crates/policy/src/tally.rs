//! Counting what is open.

use std::collections::HashMap;
use std::hash::Hash;

/// How many of each key are open. Holds as many entries as there are open things, and no memory of closed ones.
#[derive(Debug)]
pub(crate) struct Tally<K> {
    open: HashMap<K, usize>,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self { open: HashMap::new() }
    }
}

impl<K: Eq + Hash> Tally<K> {
    pub(crate) fn count(&self, key: &K) -> usize {
        self.open.get(key).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, key: K) {
        *self.open.entry(key).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, key: &K) {
        match self.open.get_mut(key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.open.remove(key)),
        }
    }

    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        self.open.len()
    }
}
