//! What was found, in the order in which it is told.

use std::ops::Range;
use terms::{Uid, UidSet};

/// Messages in an order: that of the mailbox, or the one that a SORT was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::imap) struct Found {
    /// Runs, each ascending within itself.
    runs: Vec<(Uid, Uid)>,
}

impl Found {
    /// Adds the next one.
    pub(in crate::imap) fn push(&mut self, uid: Uid) {
        match self.runs.last_mut() {
            Some((_, last)) if last.next() == Some(uid) => *last = uid,
            _ => self.runs.push((uid, uid)),
        }
    }

    /// How many there are.
    pub(in crate::imap) fn len(&self) -> u64 {
        self.runs.iter().map(|run| length(*run)).sum()
    }

    /// Of how many ranges it is made.
    pub(in crate::imap) const fn ranges(&self) -> usize {
        self.runs.len()
    }

    /// The one that is told first.
    pub(in crate::imap) fn first(&self) -> Option<Uid> {
        self.runs.first().map(|run| run.0)
    }

    /// The one that is told last.
    pub(in crate::imap) fn last(&self) -> Option<Uid> {
        self.runs.last().map(|run| run.1)
    }

    /// All, one after the other.
    pub(in crate::imap) fn iter(&self) -> impl Iterator<Item = Uid> {
        self.runs.iter().flat_map(|(first, last)| (first.get()..=last.get()).filter_map(Uid::new))
    }

    /// Those at these places, counted from 0 at the first.
    pub(in crate::imap) fn slice(&self, places: Range<u64>) -> Self {
        let mut before = 0;
        let part = |run: &(Uid, Uid)| {
            let (from, to) = (before, before + length(*run));
            before = to;
            let at = |place: u64| Uid::new(run.0.get() + u32::try_from(place - from).ok()?);
            let (start, end) = (places.start.max(from), places.end.min(to));
            if start < end { Some((at(start)?, at(end - 1)?)) } else { None }
        };
        Self { runs: self.runs.iter().filter_map(part).collect() }
    }

    /// The same messages, in no other order than the mailbox's.
    pub(in crate::imap) fn to_set(&self) -> UidSet {
        UidSet::from_ranges(self.runs.iter().copied())
    }
}

fn length((first, last): (Uid, Uid)) -> u64 {
    u64::from(last.get() - first.get()) + 1
}

/// In the order of the mailbox.
impl From<&UidSet> for Found {
    fn from(uids: &UidSet) -> Self {
        Self { runs: uids.spans().to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(uids: &[u32]) -> Found {
        let mut found = Found::default();
        uids.iter().filter_map(|uid| Uid::new(*uid)).for_each(|uid| found.push(uid));
        found
    }

    #[test]
    fn a_slice_has_what_is_told_at_these_places() {
        let uids = [7, 8, 9, 3, 2, 5, 6, 1];
        let found = sorted(&uids);
        assert_eq!((found.len(), found.first(), found.last()), (8, Uid::new(7), Uid::new(1)));
        assert!(found.iter().map(Uid::get).eq(uids));
        for (from, to) in (0..=9).flat_map(|from| (0..=9).map(move |to| (from, to))) {
            let (start, end) = (from.min(8) as usize, to.min(8) as usize);
            assert_eq!(found.slice(from..to), sorted(&uids[start..end.max(start)]), "{from}..{to}");
        }
    }

    #[test]
    fn a_set_has_the_order_of_the_mailbox() {
        let found = sorted(&[9, 1, 2, 8]);
        assert_eq!(found.to_set().to_string(), "1:2,8:9");
        assert_eq!(Found::from(&found.to_set()), sorted(&[1, 2, 8, 9]));
    }
}
