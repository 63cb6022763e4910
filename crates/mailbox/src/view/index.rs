//! Message numbers: which UIDs a session has been told of, in order.

use terms::{SeqNum, Uid, UidSet};

/// UIDs by number and numbers by UID, in a few octets for each *range* of UIDs.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    uids: UidSet,
    /// For each range, how many UIDs lie before it.
    before: Vec<u32>,
}

impl Index {
    pub(super) fn new(uids: UidSet) -> Self {
        let mut index = Self { uids, before: Vec::new() };
        index.count_from(0);
        index
    }

    pub(super) const fn uids(&self) -> &UidSet {
        &self.uids
    }

    pub(super) fn len(&self) -> u32 {
        match (self.before.last(), self.uids.spans().last()) {
            (Some(before), Some((first, last))) => before + (last.get() - first.get()) + 1,
            _ => 0,
        }
    }

    /// The number of a UID.
    #[inline]
    pub(super) fn seq(&self, uid: Uid) -> Option<SeqNum> {
        let at = self.uids.spans().partition_point(|span| span.1 < uid);
        let (first, _) = self.uids.spans().get(at).filter(|span| span.0 <= uid)?;
        SeqNum::new(self.before.get(at)? + (uid.get() - first.get()) + 1)
    }

    /// The UID of a number.
    pub(super) fn uid(&self, seq: SeqNum) -> Option<Uid> {
        let at = self.before.partition_point(|before| *before < seq.get()).checked_sub(1)?;
        let (first, last) = self.uids.spans().get(at)?;
        // A client may name any number: 4294967295 lies behind the last UID that there can be.
        let uid = first.get().checked_add(seq.get() - self.before.get(at)? - 1).and_then(Uid::new)?;
        (uid <= *last).then_some(uid)
    }

    /// Adds UIDs above all others.
    pub(super) fn extend(&mut self, uids: &UidSet) {
        let from = self.before.len().saturating_sub(1);
        for &(first, last) in uids.spans() {
            self.uids.push_range(first, last);
        }
        self.count_from(from);
    }

    pub(super) fn remove(&mut self, uids: &UidSet) {
        *self = Self::new(self.uids.difference(uids));
    }

    /// Counts again, from a range on.
    fn count_from(&mut self, range: usize) {
        self.before.truncate(range);
        let mut before = self.len_of(range);
        for (first, last) in self.uids.spans().iter().skip(range) {
            self.before.push(before);
            before += last.get() - first.get() + 1;
        }
    }

    fn len_of(&self, ranges: usize) -> u32 {
        let last =
            ranges.checked_sub(1).and_then(|at| Some((self.before.get(at)?, self.uids.spans().get(at)?)));
        last.map_or(0, |(before, (first, last))| before + (last.get() - first.get()) + 1)
    }

    pub(super) fn heap_octets(&self) -> usize {
        self.before.capacity() * size_of::<u32>() + size_of_val(self.uids.spans())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_uids_find_each_other_while_messages_come_and_go() {
        let uid = |n| Uid::new(n).unwrap();
        let mut index = Index::default();
        let mut plain: Vec<u32> = Vec::new();
        for round in 0..200_u32 {
            let first = round * 10 + 1;
            let new: Vec<u32> = (first..first + 9).filter(|n| !(n * round).is_multiple_of(7)).collect();
            index.extend(&new.iter().map(|n| uid(*n)).collect());
            plain.extend(&new);
            let gone: Vec<u32> =
                plain.iter().copied().filter(|n| (n * 31 + round).is_multiple_of(11)).collect();
            index.remove(&gone.iter().map(|n| uid(*n)).collect());
            plain.retain(|n| !gone.contains(n));
            assert_eq!(index.len() as usize, plain.len());
        }
        for (at, n) in (1..).zip(&plain) {
            assert_eq!(index.seq(uid(*n)), SeqNum::new(at));
            assert_eq!(index.uid(SeqNum::new(at).unwrap()), Some(uid(*n)));
        }
        assert_eq!(index.uid(SeqNum::new(index.len() + 1).unwrap()), None);
        assert_eq!(index.seq(uid(5_000)), None);
    }

    #[test]
    fn a_number_behind_the_last_message_has_no_uid_however_large_both_are() {
        let uids = [1, 2, 7, u32::MAX - 1].into_iter().filter_map(Uid::new);
        let index = Index::new(uids.collect());
        for number in [5, u32::MAX - 1, u32::MAX] {
            assert_eq!(index.uid(SeqNum::new(number).unwrap()), None, "{number}");
        }
    }
}
