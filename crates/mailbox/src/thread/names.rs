//! Message IDs and subjects, each known by a number.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Gives equal names equal numbers.
///
/// Of a name 128 bits are kept, two hashes with keys of their own that nobody outside knows: however long names are,
/// they cost the same, and nobody can make two of them collide.
#[derive(Debug)]
pub(super) struct Names<T> {
    keys: [RandomState; 2],
    known: HashMap<[u64; 2], T>,
    hashed: u64,
}

impl<T: Copy> Names<T> {
    pub(super) fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], known: HashMap::new(), hashed: 0 }
    }

    pub(super) fn get(&mut self, name: &[u8]) -> Option<T> {
        let hash = self.hash(name);
        self.known.get(&hash).copied()
    }

    /// What the name stands for; `new` if it is new.
    pub(super) fn get_or(&mut self, name: &[u8], new: impl FnOnce() -> T) -> T {
        let hash = self.hash(name);
        *self.known.entry(hash).or_insert_with(new)
    }

    pub(super) fn insert(&mut self, name: &[u8], value: T) {
        let hash = self.hash(name);
        self.known.insert(hash, value);
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// How much was hashed: octets, and one for each name.
    pub(super) const fn work(&self) -> u64 {
        self.hashed
    }

    fn hash(&mut self, name: &[u8]) -> [u64; 2] {
        self.hashed += 1 + name.len() as u64;
        self.keys.each_ref().map(|key| key.hash_one(name))
    }
}
