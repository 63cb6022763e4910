//! The tail: what the log holds and the map beneath the index does not yet.
//!
//! It has the map's own shape, keys and values, so that moving it is writing it down. Two generations: one takes
//! what is published, the other is being moved; readers look in the first, then the second, then the map.

use super::change::Change;
use super::key::KeyRange;
use super::kv::{Batch, Key, Table, Value};
use crate::log::format::LogEnd;
use std::collections::BTreeMap;
use store::{AccountId, CommitId};

/// What a lookup in one layer says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// This is the value.
    Value(&'a Value),
    /// There is none, whatever the layers beneath say.
    Gone,
    /// Ask the layer beneath.
    Unknown,
}

/// Changes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    entries: BTreeMap<Key, Option<Value>>,
    /// Disjoint half-open ranges, by start: what lay in them before this generation is gone.
    cleared: BTreeMap<Key, Key>,
    soft: BTreeMap<Key, Option<Value>>,
    /// What the index knows of itself and of the log.
    notes: BTreeMap<&'static [u8], Option<Value>>,
    /// The commits in it, oldest first.
    pub(crate) commits: Vec<(AccountId, CommitId)>,
    /// The log up to here is in it.
    pub(crate) through: LogEnd,
    octets: usize,
}

/// What an entry costs beside its key and value.
const ENTRY_OVERHEAD: usize = 64;

impl Generation {
    /// An empty one that begins where the log ended.
    pub(crate) fn starting_at(through: LogEnd) -> Self {
        Self { through, ..Self::default() }
    }

    /// Whether there is nothing to move.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.cleared.is_empty() && self.soft.is_empty() && self.notes.is_empty()
    }

    /// About what it takes in memory, and in the log behind the checkpoint.
    pub(crate) const fn octets(&self) -> usize {
        self.octets
    }

    /// Counts what its records take in the log.
    pub(crate) const fn weigh(&mut self, logged: usize) {
        self.octets += logged;
    }

    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Clear(range) => self.clear(range),
            Change::Set(key, value) => {
                self.octets += cost(&key, value.as_ref());
                self.entries.insert(key, value);
            }
        }
    }

    pub(crate) fn put_soft(&mut self, key: Key, value: Option<Value>) {
        self.octets += cost(&key, value.as_ref());
        self.soft.insert(key, value);
    }

    /// Puts or removes a note.
    pub(crate) fn put_note(&mut self, name: &'static [u8], value: Option<Value>) {
        self.notes.insert(name, value);
    }

    /// Takes in what happened after it.
    pub(crate) fn absorb(&mut self, later: Self) {
        later.cleared.into_iter().for_each(|range| self.clear(range));
        self.entries.extend(later.entries);
        self.soft.extend(later.soft);
        self.notes.extend(later.notes);
        self.commits.extend(later.commits);
        self.octets += later.octets;
        self.through = self.through.max(later.through);
    }

    /// Takes in the soft values of another one, and nothing else.
    pub(crate) fn absorb_soft(&mut self, other: &Self) {
        other.soft.iter().for_each(|(key, value)| self.put_soft(key.clone(), value.clone()));
    }

    pub(crate) fn get(&self, key: &[u8]) -> Found<'_> {
        match self.entries.get(key) {
            Some(Some(value)) => Found::Value(value),
            Some(None) => Found::Gone,
            None if self.has_cleared(key) => Found::Gone,
            None => Found::Unknown,
        }
    }

    pub(crate) fn soft(&self, key: &[u8]) -> Found<'_> {
        found(self.soft.get(key))
    }

    pub(crate) fn note(&self, name: &[u8]) -> Found<'_> {
        found(self.notes.get(name))
    }

    /// The changed entries in a range, ascending.
    pub(crate) fn entries_in<'a>(
        &'a self,
        (from, to): &'a KeyRange,
    ) -> impl Iterator<Item = (&'a Key, &'a Option<Value>)> {
        // A map refuses a range that ends before it starts; here it is merely empty.
        let sound = (from < to).then(|| self.entries.range::<Key, _>(from..to));
        sound.into_iter().flatten()
    }

    /// The cleared ranges that touch a range.
    pub(crate) fn cleared_in(&self, (from, to): &KeyRange) -> impl Iterator<Item = KeyRange> {
        let before = self.cleared.range::<Key, _>(..=from).next_back().filter(|(_, end)| *end > from);
        let inside = (from < to).then(|| {
            let behind_from = (std::ops::Bound::Excluded(from), std::ops::Bound::Excluded(to));
            self.cleared.range::<Key, _>(behind_from)
        });
        before.into_iter().chain(inside.into_iter().flatten()).map(|(from, to)| (from.clone(), to.clone()))
    }

    /// All of it for the map beneath.
    pub(crate) fn batch(&self) -> Batch<'_> {
        let index = self.entries.iter().map(|(key, value)| (Table::Index, key, value));
        let soft = self.soft.iter().map(|(key, value)| (Table::Soft, key, value));
        let entries = index.chain(soft).map(|(table, k, v)| (table, k.as_slice(), v.as_deref()));
        let notes = self.notes.iter().map(|(name, value)| (Table::Meta, *name, value.as_deref()));
        Batch {
            cleared: self.cleared.iter().map(|(from, to)| (from.as_slice(), to.as_slice())).collect(),
            entries: entries.chain(notes).collect(),
        }
    }

    fn has_cleared(&self, key: &[u8]) -> bool {
        let before =
            self.cleared.range::<[u8], _>((std::ops::Bound::Unbounded, std::ops::Bound::Included(key)));
        before.last().is_some_and(|(_, end)| end.as_slice() > key)
    }

    /// Empties a range and joins it with the ones that it overlaps.
    fn clear(&mut self, range: KeyRange) {
        if range.0 >= range.1 {
            return;
        }
        let gone: Vec<Key> = self.entries_in(&range).map(|(key, _)| key.clone()).collect();
        gone.iter().for_each(|key| drop(self.entries.remove(key)));
        let touching: Vec<KeyRange> = self.cleared_in(&range).collect();
        let (mut from, mut to) = range;
        for (other_from, other_to) in touching {
            self.cleared.remove(&other_from);
            from = from.min(other_from);
            to = to.max(other_to);
        }
        self.octets += from.len() + to.len() + ENTRY_OVERHEAD;
        self.cleared.insert(from, to);
    }
}

const fn found(value: Option<&Option<Value>>) -> Found<'_> {
    match value {
        Some(Some(value)) => Found::Value(value),
        Some(None) => Found::Gone,
        None => Found::Unknown,
    }
}

fn cost(key: &Key, value: Option<&Value>) -> usize {
    key.len() + value.map_or(0, Vec::len) + ENTRY_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str) -> Change {
        Change::Set(key.into(), Some(key.into()))
    }

    fn clear(from: &str, to: &str) -> Change {
        Change::Clear((from.into(), to.into()))
    }

    fn after(changes: impl IntoIterator<Item = Change>) -> Generation {
        let mut generation = Generation::default();
        changes.into_iter().for_each(|change| generation.apply(change));
        generation
    }

    #[test]
    fn what_was_put_before_its_range_was_cleared_is_gone_and_what_came_after_is_there() {
        let generation = after([set("b"), clear("a", "d"), set("c")]);
        assert_eq!(generation.get(b"b"), Found::Gone);
        assert_eq!(generation.get(b"c"), Found::Value(&b"c".to_vec()));
        assert_eq!(generation.get(b"d"), Found::Unknown);
    }

    #[test]
    fn cleared_ranges_that_overlap_become_one() {
        let generation = after([clear("b", "d"), clear("f", "g"), clear("c", "fa"), clear("a", "aa")]);
        let all = ("".into(), "z".into());
        let ranges: Vec<KeyRange> = generation.cleared_in(&all).collect();
        assert_eq!(ranges, [("a".into(), "aa".into()), ("b".into(), "g".into())]);
    }

    #[test]
    fn a_range_within_a_cleared_one_changes_nothing() {
        let generation = after([clear("a", "z"), clear("c", "d")]);
        assert_eq!(generation.get(b"y"), Found::Gone);
    }

    #[test]
    fn a_later_generation_clears_what_an_earlier_one_put() {
        let mut earlier = after([set("b"), set("x")]);
        earlier.absorb(after([clear("a", "c"), set("bb")]));
        assert_eq!(earlier.get(b"b"), Found::Gone);
        assert_eq!(earlier.get(b"bb"), Found::Value(&b"bb".to_vec()));
        assert_eq!(earlier.get(b"x"), Found::Value(&b"x".to_vec()));
    }
}
