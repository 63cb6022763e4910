//! An ordered map whose clones share what they have in common: a change copies one path of it.
//!
//! An account is decided upon as a value, while others look at the one before. With ten thousand mailboxes that value
//! must not be copied for each CREATE, nor the directory of ten thousand accounts for each that is added.
//!
//! A weight-balanced tree, with the parameters that are proved right in Hirai and Yamamoto, *Balancing weight-balanced
//! trees* (2011).

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// One side may weigh so many times as much as the other.
const DELTA: usize = 3;
/// A child that weighs so many times as much as its sibling is taken apart when it is turned.
const GAMMA: usize = 2;

/// The map. Cloning it costs nothing.
pub(super) struct SharedMap<K, V> {
    top: Link<K, V>,
}

type Link<K, V> = Option<Arc<Node<K, V>>>;

#[derive(Clone)]
struct Node<K, V> {
    key: K,
    value: V,
    /// Entries here and below.
    size: usize,
    left: Link<K, V>,
    right: Link<K, V>,
}

impl<K, V> Clone for SharedMap<K, V> {
    fn clone(&self) -> Self {
        Self { top: self.top.clone() }
    }
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { top: None }
    }
}

impl<K, V> SharedMap<K, V> {
    pub(super) fn len(&self) -> usize {
        size(&self.top)
    }

    /// What it keeps in memory, in octets, but for what keys and values allocate. What it shares is counted too.
    pub(super) fn heap_octets(&self) -> usize {
        self.len() * (size_of::<Node<K, V>>() + 2 * size_of::<usize>())
    }

    /// All entries, ascending.
    pub(super) fn iter(&self) -> Iter<'_, K, V> {
        let mut iter = Iter { ahead: Vec::new() };
        iter.go_left(&self.top);
        iter
    }

    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub(super) fn last_key(&self) -> Option<&K> {
        let mut node = self.top.as_ref()?;
        while let Some(right) = &node.right {
            node = right;
        }
        Some(&node.key)
    }

    /// The entries from a key on.
    pub(super) fn range_from<Q: Ord + ?Sized>(&self, from: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let (mut iter, mut link) = (Iter { ahead: Vec::new() }, &self.top);
        while let Some(node) = link {
            if node.key.borrow() < from {
                link = &node.right;
            } else {
                iter.ahead.push(node);
                link = &node.left;
            }
        }
        iter
    }

    pub(super) fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let mut link = &self.top;
        while let Some(node) = link {
            link = match key.cmp(node.key.borrow()) {
                Ordering::Less => &node.left,
                Ordering::Greater => &node.right,
                Ordering::Equal => return Some((&node.key, &node.value)),
            };
        }
        None
    }

    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    pub(super) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }
}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// Puts a value, and gives back the one that was there.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        insert(&mut self.top, key, value)
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        // What is not there is no reason to copy a path.
        if self.contains_key(key) { remove(&mut self.top, key) } else { None }
    }
}

fn insert<K: Ord + Clone, V: Clone>(link: &mut Link<K, V>, key: K, value: V) -> Option<V> {
    let Some(node) = link.as_mut().map(Arc::make_mut) else {
        *link = Some(Arc::new(Node { key, value, size: 1, left: None, right: None }));
        return None;
    };
    let before = match key.cmp(&node.key) {
        Ordering::Less => insert(&mut node.left, key, value),
        Ordering::Greater => insert(&mut node.right, key, value),
        Ordering::Equal => return Some(std::mem::replace(&mut node.value, value)),
    };
    balance(link);
    before
}

fn remove<K: Ord + Clone + Borrow<Q>, V: Clone, Q: Ord + ?Sized>(
    link: &mut Link<K, V>,
    key: &Q,
) -> Option<V> {
    let node = link.as_mut().map(Arc::make_mut)?;
    let removed = match key.cmp(node.key.borrow()) {
        Ordering::Less => remove(&mut node.left, key),
        Ordering::Greater => remove(&mut node.right, key),
        Ordering::Equal => {
            let value = node.value.clone();
            match (node.left.take(), node.right.take()) {
                (one, None) | (None, one) => *link = one,
                (left, mut right) => {
                    let (key, value) = take_first(&mut right)?;
                    *node = Node { key, value, size: 0, left, right };
                }
            }
            Some(value)
        }
    };
    balance(link);
    removed
}

fn take_first<K: Clone, V: Clone>(link: &mut Link<K, V>) -> Option<(K, V)> {
    let node = link.as_mut().map(Arc::make_mut)?;
    let first = match take_first(&mut node.left) {
        Some(first) => first,
        None => {
            let first = (node.key.clone(), node.value.clone());
            *link = node.right.take();
            first
        }
    };
    balance(link);
    Some(first)
}

/// Counts anew, and turns what has become too heavy on one side.
fn balance<K: Clone, V: Clone>(link: &mut Link<K, V>) {
    let Some(node) = link.as_mut().map(Arc::make_mut) else { return };
    node.count();
    let (left, right) = (weight(&node.left), weight(&node.right));
    if right > DELTA * left {
        let is_inner = |child: &Arc<Node<K, V>>| weight(&child.left) >= GAMMA * weight(&child.right);
        if node.right.as_ref().is_some_and(is_inner) {
            turn_right(&mut node.right);
        }
        turn_left(link);
    } else if left > DELTA * right {
        let is_inner = |child: &Arc<Node<K, V>>| weight(&child.right) >= GAMMA * weight(&child.left);
        if node.left.as_ref().is_some_and(is_inner) {
            turn_left(&mut node.left);
        }
        turn_right(link);
    }
}

/// The right child becomes the parent.
fn turn_left<K: Clone, V: Clone>(link: &mut Link<K, V>) {
    let Some(mut top) = link.take() else { return };
    let node = Arc::make_mut(&mut top);
    let Some(mut child) = node.right.take() else {
        *link = Some(top);
        return;
    };
    let above = Arc::make_mut(&mut child);
    node.right = above.left.take();
    node.count();
    above.left = Some(top);
    above.count();
    *link = Some(child);
}

/// The left child becomes the parent.
fn turn_right<K: Clone, V: Clone>(link: &mut Link<K, V>) {
    let Some(mut top) = link.take() else { return };
    let node = Arc::make_mut(&mut top);
    let Some(mut child) = node.left.take() else {
        *link = Some(top);
        return;
    };
    let above = Arc::make_mut(&mut child);
    node.left = above.right.take();
    node.count();
    above.right = Some(top);
    above.count();
    *link = Some(child);
}

impl<K, V> Node<K, V> {
    fn count(&mut self) {
        self.size = size(&self.left) + 1 + size(&self.right);
    }
}

fn size<K, V>(link: &Link<K, V>) -> usize {
    link.as_ref().map_or(0, |node| node.size)
}

fn weight<K, V>(link: &Link<K, V>) -> usize {
    size(link) + 1
}

/// Entries, ascending.
pub(super) struct Iter<'a, K, V> {
    /// The next entry last, below it those whose left side is behind us.
    ahead: Vec<&'a Node<K, V>>,
}

impl<'a, K, V> Iter<'a, K, V> {
    fn go_left(&mut self, mut link: &'a Link<K, V>) {
        while let Some(node) = link {
            self.ahead.push(node);
            link = &node.left;
        }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        #[cfg(test)]
        tests::GONE_THROUGH.set(tests::GONE_THROUGH.get() + 1);
        let node = self.ahead.pop()?;
        self.go_left(&node.right);
        Some((&node.key, &node.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.ahead.iter().map(|node| 1 + size(&node.right)).sum();
        (left, Some(left))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

impl<K: PartialEq, V: PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for SharedMap<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SharedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::{BTreeMap, HashSet};
    use testkit::dice::Dice;

    thread_local! {
        static COPIED: Cell<usize> = const { Cell::new(0) };
        /// Entries of all maps that somebody went through one after the other.
        pub(in crate::account) static GONE_THROUGH: Cell<usize> = const { Cell::new(0) };
    }

    impl<K, V> SharedMap<K, V> {
        /// How many entries it does not share with another one.
        pub(in crate::account) fn apart_from(&self, other: &Self) -> usize {
            fn all<'a, K, V>(link: &'a Link<K, V>, nodes: &mut Vec<&'a Arc<Node<K, V>>>) {
                if let Some(node) = link {
                    nodes.push(node);
                    all(&node.left, nodes);
                    all(&node.right, nodes);
                }
            }
            let (mut here, mut there) = (Vec::new(), Vec::new());
            all(&self.top, &mut here);
            all(&other.top, &mut there);
            let there: HashSet<_> = there.into_iter().map(Arc::as_ptr).collect();
            here.into_iter().filter(|node| !there.contains(&Arc::as_ptr(node))).count()
        }
    }

    /// A key that counts how often it is copied.
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Counted(u64);

    impl Clone for Counted {
        fn clone(&self) -> Self {
            COPIED.set(COPIED.get() + 1);
            Self(self.0)
        }
    }

    fn check_balance<K, V>(link: &Link<K, V>) {
        let Some(node) = link else { return };
        let (left, right) = (weight(&node.left), weight(&node.right));
        assert!(left <= DELTA * right && right <= DELTA * left, "{left} beside {right}");
        assert_eq!(node.size + 1, left + right);
        check_balance(&node.left);
        check_balance(&node.right);
    }

    #[test]
    fn it_is_what_an_ordered_map_is_and_older_clones_stay_as_they_were() {
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            let (mut map, mut model) = (SharedMap::default(), BTreeMap::new());
            let mut older: Vec<(SharedMap<u64, u64>, BTreeMap<u64, u64>)> = Vec::new();
            for step in 0..400 {
                let key = dice.below(60_u64);
                if dice.chance(55) {
                    assert_eq!(map.insert(key, step), model.insert(key, step));
                } else {
                    assert_eq!(map.remove(&key), model.remove(&key));
                }
                check_balance(&map.top);
                assert_eq!(map.get(&key), model.get(&key));
                assert!(map.range_from(&key).eq(model.range(key..)));
                assert_eq!((map.len(), map.iter().len()), (model.len(), model.len()));
                assert_eq!(map.last_key(), model.keys().next_back());
                if dice.one_in(40) {
                    older.push((map.clone(), model.clone()));
                }
            }
            older.push((map, model));
            assert!(older.iter().all(|(map, model)| map.iter().eq(model.iter())), "seed {seed}");
        }
    }

    #[test]
    fn a_change_to_a_shared_map_copies_one_path_and_to_an_unshared_one_nothing() {
        for size in [1_000, 16_000] {
            let mut map = SharedMap::default();
            COPIED.set(0);
            for key in 0..size {
                map.insert(Counted(key * 2), ());
            }
            assert_eq!(COPIED.get(), 0, "nobody shares it");
            // The tree is at most log(n) / log(4 / 3) high, and a turn copies one or two beside the path.
            let path = (size as f64).log(4.0 / 3.0) as usize;
            for key in [1, size, size * 2 - 1] {
                let before = map.clone();
                COPIED.set(0);
                map.insert(Counted(key | 1), ());
                assert!((1..=2 * path).contains(&COPIED.get()), "{} copied of {size}", COPIED.get());
                COPIED.set(0);
                map.remove(&Counted(key | 1));
                assert!(COPIED.get() <= 2 * path, "{} copied of {size}", COPIED.get());
                drop(before);
            }
        }
    }
}
