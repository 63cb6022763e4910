//! Going along rows.

use super::{Leaf, Summary, Tree};
use terms::{ModSeq, Uid};

/// Which rows a walk is after.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// All of them.
    All,
    /// Those with a MODSEQ above this one.
    Since(ModSeq),
    /// The same, where rows that are settled have to be above another one as well.
    Untold { since: ModSeq, settled: &'a [(Uid, Uid)], through: ModSeq },
    /// Those with the flag that the tree counts.
    Marked,
}

impl Wanted<'_> {
    /// Whether one may be among the rows from `first` on that the summary is of.
    pub(super) fn any_in(self, first: Uid, summary: Summary) -> bool {
        match self {
            Self::All => true,
            Self::Since(modseq) => summary.modseq > modseq,
            Self::Untold { since, settled, through } => {
                let last = Uid::new(summary.last).unwrap_or(Uid::MAX);
                summary.modseq > since && (summary.modseq > through || !has_all(settled, first, last))
            }
            Self::Marked => summary.marked > 0,
        }
    }

    #[inline]
    fn is_row<L: Leaf>(self, leaf: &L, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::Since(modseq) => leaf.modseq(at) > modseq,
            Self::Untold { since, settled, through } => {
                let modseq = leaf.modseq(at);
                let is_settled = || leaf.uid(at).is_some_and(|uid| has_all(settled, uid, uid));
                modseq > since && (modseq > through || !is_settled())
            }
            Self::Marked => leaf.is_marked(at),
        }
    }
}

/// Whether the UIDs from `first` to `last` are all in one span.
fn has_all(spans: &[(Uid, Uid)], first: Uid, last: Uid) -> bool {
    let at = spans.partition_point(|span| span.1 < first);
    spans.get(at).is_some_and(|span| span.0 <= first && last <= span.1)
}

/// Goes along wanted rows, without a stack: behind each leaf from the top down again to the next.
pub(crate) struct Walk<'a, L> {
    pub(super) tree: &'a Tree<L>,
    pub(super) wanted: Wanted<'a>,
    /// Where it goes on behind this leaf, or without one; `None` behind the last.
    pub(super) from: Option<Uid>,
    pub(super) leaf: Option<(&'a L, usize)>,
    /// How many nodes were looked into.
    pub(crate) visits: usize,
}

impl<'a, L: Leaf> Walk<'a, L> {
    /// Skips to a UID, if that is ahead.
    #[inline]
    pub(crate) fn skip_to(&mut self, uid: Uid) {
        if let Some((leaf, at)) = &mut self.leaf {
            if leaf.uid(*at).is_none_or(|here| here < uid) {
                *at = (*at).max(leaf.first_from(uid));
            }
            if *at < leaf.len() {
                return;
            }
            self.leaf = None;
        }
        self.from = self.from.map(|from| from.max(uid));
    }

    /// Where the row of a message lies that is behind those that were found so far. For a walk along all rows.
    #[inline]
    pub(crate) fn find(&mut self, uid: Uid) -> Option<(&'a L, usize)> {
        self.skip_to(uid);
        if self.leaf.is_none() {
            self.next_leaf()?;
        }
        let (leaf, place) = self.leaf.as_mut().filter(|(leaf, at)| leaf.uid(*at) == Some(uid))?;
        let at = *place;
        // Mostly the one behind it is the next that is asked for.
        *place += 1;
        Some((*leaf, at))
    }

    /// The next leaf that may have a wanted row.
    fn next_leaf(&mut self) -> Option<()> {
        let from = self.from?;
        let leaf = self.tree.leaf_from(from, self.wanted, &mut self.visits)?;
        self.from = leaf.last().and_then(Uid::next);
        self.leaf = Some((leaf, leaf.first_from(from)));
        Some(())
    }
}

impl<L: Leaf> Iterator for Walk<'_, L> {
    type Item = L::Row;

    #[inline]
    fn next(&mut self) -> Option<L::Row> {
        loop {
            if let Some((leaf, place)) = &mut self.leaf {
                if let Some(at) = (*place..leaf.len()).find(|at| self.wanted.is_row(*leaf, *at)) {
                    *place = at + 1;
                    return leaf.row(at);
                }
                self.leaf = None;
            }
            self.next_leaf()?;
        }
    }
}

/// Looks rows up one behind the other.
pub(crate) struct Lookup<'a, L: Leaf> {
    pub(super) walk: Walk<'a, L>,
    /// The first row behind the last one that was asked for, if it has been unpacked.
    pub(super) ahead: Option<L::Row>,
}

impl<L: Leaf> Lookup<'_, L> {
    /// The row of a message that is not before those that were asked for.
    #[inline]
    pub(crate) fn get(&mut self, uid: Uid) -> Option<&L::Row> {
        self.go_to(uid);
        self.ahead.as_ref().filter(|ahead| L::uid_of(ahead) == uid)
    }

    /// The same, of one that is not asked for again.
    #[inline]
    pub(crate) fn take(&mut self, uid: Uid) -> Option<L::Row> {
        self.go_to(uid);
        self.ahead.take_if(|ahead| L::uid_of(ahead) == uid)
    }

    #[inline]
    fn go_to(&mut self, uid: Uid) {
        if self.ahead.as_ref().is_none_or(|ahead| L::uid_of(ahead) < uid) {
            self.walk.skip_to(uid);
            self.ahead = self.walk.next();
        }
    }
}
