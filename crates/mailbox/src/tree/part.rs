//! Where a set of UIDs meets a tree.

use super::{LEAF_ROWS, Leaf};
use std::ops::Range;
use terms::Uid;

/// The part of a UID set that falls into one node.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(super) spans: &'a [(Uid, Uid)],
    pub(super) first: Uid,
    pub(super) last: Uid,
}

impl<'a> Part<'a> {
    pub(super) const NOTHING: Self = Self { spans: &[], first: Uid::MAX, last: Uid::MIN };

    pub(super) fn between(self, first: Uid, last: Uid) -> Self {
        let from = self.spans.partition_point(|span| span.1 < first);
        let to = self.spans.partition_point(|span| span.0 <= last);
        let spans = self.spans.get(from..to).unwrap_or_default();
        Self { spans, first: first.max(self.first), last: last.min(self.last) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.spans.is_empty()
    }

    /// Its lowest UID.
    pub(super) fn start(self) -> Option<Uid> {
        self.clipped().next().map(|(first, _)| first)
    }

    /// Whether a UID is in it.
    pub(crate) fn contains(self, uid: Uid) -> bool {
        let at = self.spans.partition_point(|span| span.1 < uid);
        (self.first..=self.last).contains(&uid) && self.spans.get(at).is_some_and(|span| span.0 <= uid)
    }

    fn clipped(self) -> impl Iterator<Item = (Uid, Uid)> + 'a {
        self.spans.iter().map(move |&(first, last)| (first.max(self.first), last.min(self.last)))
    }

    /// Its UIDs, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = Uid> + 'a {
        self.clipped().flat_map(|(first, last)| (first.get()..=last.get()).filter_map(Uid::new))
    }

    /// How many UIDs it has.
    pub(crate) fn len(self) -> u64 {
        self.clipped().map(|(first, last)| u64::from(last.get() - first.get()) + 1).sum()
    }

    /// Where in a leaf its rows lie, ascending.
    pub(crate) fn places<L: Leaf>(self, leaf: &L) -> impl Iterator<Item = Range<usize>> {
        let behind = |last: Uid| last.next().map_or(leaf.len(), |next| leaf.first_from(next));
        let places = self.clipped().map(move |(first, last)| leaf.first_from(first)..behind(last));
        places.filter(|places| !places.is_empty())
    }

    /// How many of a leaf's rows are in it.
    pub(crate) fn count<L: Leaf>(self, leaf: &L) -> usize {
        self.places(leaf).map(|places| places.len()).sum()
    }
}

/// Some rows of a leaf.
pub(crate) struct Picked {
    rows: [bool; LEAF_ROWS],
    count: usize,
}

impl Picked {
    /// Those that are in the part.
    pub(crate) fn of<L: Leaf>(leaf: &L, part: Part<'_>) -> Self {
        let mut picked = Self { rows: [false; LEAF_ROWS], count: 0 };
        for places in part.places(leaf) {
            picked.count += places.len();
            picked.rows.get_mut(places).unwrap_or_default().fill(true);
        }
        picked
    }

    /// How many.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The one that there is, where there is no other.
    pub(crate) fn only(&self) -> Option<usize> {
        self.rows.iter().position(|picked| *picked).filter(|_| self.count == 1)
    }

    /// Whether a row is among them.
    pub(crate) fn has(&self, at: usize) -> bool {
        self.rows.get(at).copied().unwrap_or_default()
    }
}
