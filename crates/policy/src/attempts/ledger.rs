//! What is remembered in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::iter::repeat_with;
use std::time::Duration;
use terms::Moment;

/// Into how many parts a ledger is divided. Which key is in which is by chance, so that nobody can fill one of them: what is done
/// to all of a part, as writing it down or letting its old generation go, takes a 64th of what it would take for all.
pub(super) const PARTS: usize = 64;

/// Values by key, in parts that each have two generations.
#[derive(Debug)]
pub(super) struct Ledger<K, V> {
    parts: Vec<Part<K, V>>,
    /// Since when the young generation is young of the part whose young generation is oldest.
    since: Moment,
    span: Duration,
    chance: RandomState,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    Old,
    Young,
}

/// What is new goes into the young generation; when that is full or old, it becomes the old one and the old one goes. So nothing
/// is ever searched for what to drop.
#[derive(Debug)]
struct Part<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    since: Moment,
    max: usize,
}

impl<K: Eq + Hash, V> Ledger<K, V> {
    /// Remembers some `max` values at least (by chance a few in a hundred less, where one part is full before the others), for
    /// `span` at least; twice as much at most.
    pub(super) fn new(max: usize, span: Duration) -> Self {
        let part = || Part {
            young: HashMap::new(),
            old: HashMap::new(),
            since: Moment::default(),
            max: max / PARTS,
        };
        let parts = repeat_with(part).take(PARTS).collect();
        Self { parts, since: Moment::default(), span, chance: RandomState::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let part = self.parts.get(self.part_of(key))?;
        part.young.get(key).or_else(|| part.old.get(key))
    }

    /// Puts a value in, in place of what was there.
    pub(super) fn put(&mut self, key: K, value: V, now: Moment) {
        if now.since(self.since) >= self.span {
            self.age(now);
        }
        let part = self.part_of(&key);
        if let Some(part) = self.parts.get_mut(part) {
            part.put(key, value, now);
        }
    }

    /// Alters a value where it is.
    pub(super) fn alter(&mut self, key: &K, alter: impl FnOnce(&V) -> V) {
        let part = self.part_of(key);
        let Some(part) = self.parts.get_mut(part) else { return };
        if let Some(value) = part.young.get_mut(key).or_else(|| part.old.get_mut(key)) {
            *value = alter(value);
        }
    }

    /// Forgets what is asked for; how many that was.
    pub(super) fn forget(&mut self, mut is_meant: impl FnMut(&K) -> bool) -> usize {
        let mut forgotten = 0;
        for part in &mut self.parts {
            let before = part.young.len() + part.old.len();
            part.young.retain(|key, _| !is_meant(key));
            part.old.retain(|key, _| !is_meant(key));
            forgotten += before - part.young.len() - part.old.len();
        }
        forgotten
    }

    /// All of it, each key once.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let both = [Generation::Old, Generation::Young];
        both.into_iter().flat_map(|generation| self.parts.iter().flat_map(move |part| part.of(generation)))
    }

    /// One generation of the part of that number, without what has been put into the younger since.
    pub(super) fn part(&self, number: usize, generation: Generation) -> impl Iterator<Item = (&K, &V)> {
        self.parts.get(number).into_iter().flat_map(move |part| part.of(generation))
    }

    /// What is old goes from all parts, also from those into which nothing is put.
    fn age(&mut self, now: Moment) {
        for part in self.parts.iter_mut().filter(|part| now.since(part.since) >= self.span) {
            part.turn_over(now);
        }
        self.since = self.parts.iter().map(|part| part.since).min().unwrap_or(now);
    }

    fn part_of(&self, key: &K) -> usize {
        self.chance.hash_one(key) as usize % PARTS
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.parts.iter().map(|part| part.young.len() + part.old.len()).sum()
    }
}

impl<K: Eq + Hash, V> Part<K, V> {
    fn put(&mut self, key: K, value: V, now: Moment) {
        if self.young.len() >= self.max && !self.young.contains_key(&key) {
            self.turn_over(now);
        }
        self.young.insert(key, value);
    }

    fn turn_over(&mut self, now: Moment) {
        self.old = std::mem::take(&mut self.young);
        self.since = now;
    }

    fn of(&self, generation: Generation) -> impl Iterator<Item = (&K, &V)> {
        let entries = match generation {
            Generation::Old => &self.old,
            Generation::Young => &self.young,
        };
        let is_current = move |key: &K| generation == Generation::Young || !self.young.contains_key(key);
        entries.iter().filter(move |(key, _)| is_current(key))
    }
}
