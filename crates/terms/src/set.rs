//! Sets of UIDs.

use crate::Uid;
use std::fmt;
use std::ops::{Range, RangeInclusive};

/// A set of UIDs as sorted, disjoint, non-adjacent ranges: small for what clients and mailboxes really hold.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UidSet {
    ranges: Vec<(Uid, Uid)>,
}

impl UidSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// The set of one.
    #[must_use]
    pub fn one(uid: Uid) -> Self {
        Self { ranges: vec![(uid, uid)] }
    }

    /// All UIDs from `first` to `last`; either order means the same (RFC 9051, 9: seq-range).
    #[must_use]
    pub fn range(first: Uid, last: Uid) -> Self {
        Self { ranges: vec![(first.min(last), first.max(last))] }
    }

    /// Sorts and joins ranges that come in any order, overlapping or reversed. O(n log n).
    #[must_use]
    pub fn from_ranges(ranges: impl IntoIterator<Item = (Uid, Uid)>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect();
        ranges.sort_unstable();
        let mut joined: Vec<(Uid, Uid)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some(open) if touches(open.1, first) => open.1 = open.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self { ranges: joined }
    }

    /// Adds all UIDs from `first` to `last`. O(1) above all others; below, they are inserted where they belong.
    pub fn push_range(&mut self, first: Uid, last: Uid) {
        match self.ranges.last_mut() {
            Some(open) if first <= open.1 => *self = self.union(&Self::range(first, last)),
            Some(open) if touches(open.1, first) => open.1 = last,
            _ => self.ranges.push((first, last)),
        }
    }

    /// Adds a UID above all others; below, it is inserted where it belongs. O(1) for ascending use.
    pub fn push(&mut self, uid: Uid) {
        match self.ranges.last_mut() {
            Some((_, last)) if uid > *last => {
                if touches(*last, uid) {
                    *last = uid;
                } else {
                    self.ranges.push((uid, uid));
                }
            }
            None => self.ranges.push((uid, uid)),
            Some(_) => {
                if !self.contains(uid) {
                    *self = self.union(&Self::one(uid));
                }
            }
        }
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many UIDs it holds (up to 2^32 - 1).
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(a, b)| u64::from(b.get() - a.get()) + 1).sum()
    }

    /// Whether `uid` is in it. O(log ranges).
    #[must_use]
    pub fn contains(&self, uid: Uid) -> bool {
        let behind = self.ranges.partition_point(|&(_, last)| last < uid);
        self.ranges.get(behind).is_some_and(|&(first, _)| first <= uid)
    }

    /// The lowest UID.
    #[must_use]
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().map(|r| r.0)
    }

    /// The highest UID.
    #[must_use]
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().map(|r| r.1)
    }

    /// Its ranges, ascending, disjoint and not adjacent.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<Uid>> + Clone + '_ {
        self.ranges.iter().map(|&(a, b)| a..=b)
    }

    /// The same ranges as pairs of first and last, for searching.
    #[must_use]
    pub fn spans(&self) -> &[(Uid, Uid)] {
        &self.ranges
    }

    /// Its UIDs, ascending. A set may name 2^32 of them: walk it only where something else bounds it.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Uid> + Clone + '_ {
        self.ranges.iter().flat_map(|&(a, b)| (a.get()..=b.get()).filter_map(Uid::new))
    }

    /// The UIDs at these places, counted from 0 at the lowest; as many of them as there are. O(ranges).
    #[must_use]
    pub fn slice(&self, places: Range<u64>) -> Self {
        let mut before = 0;
        let part = |&(first, last): &(Uid, Uid)| {
            let (from, to) = (before, before + u64::from(last.get() - first.get()) + 1);
            before = to;
            let at = |place: u64| Uid::new(first.get() + u32::try_from(place - from).ok()?);
            let (start, end) = (places.start.max(from), places.end.min(to));
            if start < end { Some((at(start)?, at(end - 1)?)) } else { None }
        };
        Self { ranges: self.ranges.iter().filter_map(part).collect() }
    }

    /// What is in either. O(ranges).
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.ranges.iter().chain(&other.ranges).copied())
    }

    /// What is in both. O(ranges).
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        let mut ranges = Vec::new();
        while let (Some(&&(a0, a1)), Some(&&(b0, b1))) = (a.peek(), b.peek()) {
            let (first, last) = (a0.max(b0), a1.min(b1));
            if first <= last {
                ranges.push((first, last));
            }
            if a1 <= b1 {
                a.next()
            } else {
                b.next()
            };
        }
        Self { ranges }
    }

    /// What is in this one and not in the other. O(ranges).
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let mut holes = other.ranges.iter().peekable();
        for &(first, last) in &self.ranges {
            let mut from = Some(first);
            while let (Some(at), Some(&&(h0, h1))) = (from, holes.peek()) {
                if h1 < at {
                    holes.next();
                } else if h0 > last {
                    break;
                } else {
                    if let Some(before) = Uid::new(h0.get() - 1).filter(|&before| at <= before) {
                        ranges.push((at, before));
                    }
                    from = h1.next().filter(|&next| next <= last);
                    if h1 <= last {
                        holes.next();
                    }
                }
            }
            if let Some(at) = from {
                ranges.push((at, last));
            }
        }
        Self { ranges }
    }
}

fn touches(last: Uid, next: Uid) -> bool {
    last.next().is_none_or(|behind| next <= behind)
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut ranges: Vec<(Uid, Uid)> = Vec::new();
        for uid in uids {
            match ranges.last_mut() {
                Some((_, last)) if last.next() == Some(uid) => *last = uid,
                _ => ranges.push((uid, uid)),
            }
        }
        Self::from_ranges(ranges)
    }
}

/// As IMAP writes it: `1:3,7`. The empty set, which IMAP cannot write, is the empty string.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if first == last { write!(f, "{comma}{first}")? } else { write!(f, "{comma}{first}:{last}")? }
        }
        Ok(())
    }
}

impl fmt::Debug for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn set(numbers: &[u32]) -> UidSet {
        numbers.iter().filter_map(|&n| Uid::new(n)).collect()
    }

    #[test]
    fn ranges_are_joined_sorted_and_printed_as_imap_writes_them() {
        assert_eq!(set(&[7, 1, 2, 3, 3]).to_string(), "1:3,7");
        assert_eq!(UidSet::range(Uid::MAX, Uid::MIN).len(), u64::from(u32::MAX));
    }

    #[test]
    fn set_operations_agree_with_a_tree_of_numbers() {
        // Every pair of subsets of {1..6}: small, and complete.
        for a in 0u32..64 {
            for b in 0u32..64 {
                let numbers = |bits: u32| (1..=6).filter(move |i| bits >> (i - 1) & 1 == 1);
                let tree = |bits: u32| numbers(bits).collect::<BTreeSet<u32>>();
                let of = |t: BTreeSet<u32>| t.into_iter().filter_map(Uid::new).collect::<UidSet>();
                let (x, y) = (of(tree(a)), of(tree(b)));
                assert_eq!(x.union(&y), of(tree(a | b)));
                assert_eq!(x.intersection(&y), of(tree(a & b)));
                assert_eq!(x.difference(&y), of(tree(a & !b)), "{x} minus {y}");
                assert_eq!(x.len(), u64::from(a.count_ones()));
                for n in 1..=6 {
                    assert_eq!(x.contains(Uid::new(n).unwrap()), a >> (n - 1) & 1 == 1);
                }
            }
        }
    }

    #[test]
    fn a_slice_has_what_is_at_these_places() {
        for bits in 0u32..256 {
            let all: Vec<_> = (1..=8).filter(|i| bits >> (i - 1) & 1 == 1).collect();
            let (uids, count) = (set(&all), all.len() as u64);
            for (from, to) in (0..=9).flat_map(|from| (0..=9).map(move |to| (from, to))) {
                let (start, end) = (from.min(count) as usize, to.min(count) as usize);
                assert_eq!(uids.slice(from..to), set(&all[start..end.max(start)]), "{uids}: {from}..{to}");
            }
        }
        assert_eq!(UidSet::range(Uid::MIN, Uid::MAX).slice(4_294_967_294..u64::MAX), UidSet::one(Uid::MAX));
    }

    #[test]
    fn push_keeps_order_whatever_comes() {
        let mut s = UidSet::new();
        for n in [5, 6, 9, 7, 1, 9] {
            s.push(Uid::new(n).unwrap());
        }
        assert_eq!(s.to_string(), "1,5:7,9");
    }
}
