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
}

impl<T: Copy> Names<T> {
    pub(super) fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], known: HashMap::new() }
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<T> {
        self.known.get(&self.hash(name)).copied()
    }

    /// What the name stands for; `new` if it is new.
    pub(super) fn get_or(&mut self, name: &[u8], new: impl FnOnce() -> T) -> T {
        *self.known.entry(self.hash(name)).or_insert_with(new)
    }

    pub(super) fn insert(&mut self, name: &[u8], value: T) {
        self.known.insert(self.hash(name), value);
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    fn hash(&self, name: &[u8]) -> [u64; 2] {
        self.keys.each_ref().map(|key| key.hash_one(name))
    }
}
