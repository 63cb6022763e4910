//! A shallow tree of packed leaves that shares what an edit does not touch.
//!
//! Rows lie in the order of their UIDs. Every child is known to its parent by a [`Summary`], so that counting,
//! finding the nth row and finding what changed after a MODSEQ go down one path instead of along the rows. An
//! edit copies the paths to the leaves that it names; whoever holds the tree from before still has it whole.

mod edit;
mod part;
mod walk;

pub(crate) use edit::{Counted, pack_all};
pub(crate) use part::{Part, Picked};
pub(crate) use walk::{Lookup, Walk, Wanted};

use edit::stack;
use std::ops::Range;
use std::sync::Arc;
use terms::{ModSeq, Uid, UidSet};

/// Most rows of a leaf: an edit makes one anew, a lookup halves its way through one.
pub(crate) const LEAF_ROWS: usize = 256;
/// Most children of a branch.
const FANOUT: usize = 64;

/// A leaf's worth of rows in packed columns.
pub(crate) trait Leaf: Sized {
    /// One row, unpacked.
    type Row: Clone;
    /// Packs rows that ascend by UID, at least one and at most [`LEAF_ROWS`].
    fn pack(rows: &[Self::Row]) -> Self;
    /// How many rows.
    fn len(&self) -> usize;
    /// A row.
    fn row(&self, at: usize) -> Option<Self::Row>;
    /// A row's UID.
    fn uid(&self, at: usize) -> Option<Uid>;
    /// The UID of an unpacked row.
    fn uid_of(row: &Self::Row) -> Uid;
    /// A row's MODSEQ.
    fn modseq(&self, at: usize) -> ModSeq;
    /// Whether a row has the flag that this tree counts.
    fn is_marked(&self, at: usize) -> bool;
    /// What a parent knows of it.
    fn summary(&self) -> Summary;
    /// Whether its UIDs have no gap.
    fn is_dense(&self) -> bool;
    /// The rows of which this is true, one of them at least.
    fn pick(&self, is_wanted: impl Fn(usize) -> bool) -> Self;
    /// With all rows of another one behind its own: together they are not more than [`LEAF_ROWS`].
    fn join(&self, next: &Self) -> Self;
    /// What it allocates beside itself, in octets.
    fn heap_octets(&self) -> usize;

    /// The UID of the last row.
    fn last(&self) -> Option<Uid> {
        self.uid(self.len().checked_sub(1)?)
    }

    /// The place of the first row at or behind a UID.
    fn first_from(&self, from: Uid) -> usize {
        if self.is_dense() {
            let before = self.uid(0).map_or(0, |first| from.get().saturating_sub(first.get()));
            return self.len().min(before as usize);
        }
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.uid(middle).is_some_and(|uid| uid < from) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Adds the UIDs of these rows to a set in which all are lower.
    fn name(&self, rows: Range<usize>, names: &mut UidSet) {
        let last = || self.uid(rows.end.checked_sub(1)?);
        match (self.uid(rows.start), last()) {
            (Some(first), Some(last)) if self.is_dense() && first <= last => names.push_range(first, last),
            _ => rows.filter_map(|at| self.uid(at)).for_each(|uid| names.push(uid)),
        }
    }
}

/// What a parent knows of a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// The UID of the last row; 0 only in the summary of nothing.
    pub(crate) last: u32,
    /// How many rows.
    pub(crate) rows: u32,
    /// How many have the flag that this tree counts.
    pub(crate) marked: u32,
    /// Their messages' sizes together.
    pub(crate) octets: u64,
    /// The highest MODSEQ among them.
    pub(crate) modseq: ModSeq,
}

impl Summary {
    fn of_children<L>(children: &[Child<L>]) -> Self {
        children.iter().map(|child| child.summary).fold(Self::default(), Self::followed_by)
    }

    fn followed_by(self, next: Self) -> Self {
        Self {
            last: next.last,
            rows: self.rows + next.rows,
            marked: self.marked + next.marked,
            octets: self.octets.saturating_add(next.octets),
            modseq: self.modseq.max(next.modseq),
        }
    }
}

#[derive(Debug)]
struct Child<L> {
    summary: Summary,
    /// What it and all below it keep in memory, in octets.
    kept: usize,
    node: Node<L>,
}

#[derive(Debug)]
enum Node<L> {
    Leaf(Arc<L>),
    Branch(Arc<[Child<L>]>),
}

impl<L> Clone for Child<L> {
    fn clone(&self) -> Self {
        let node = match &self.node {
            Node::Leaf(leaf) => Node::Leaf(Arc::clone(leaf)),
            Node::Branch(children) => Node::Branch(Arc::clone(children)),
        };
        Self { summary: self.summary, kept: self.kept, node }
    }
}

/// What an `Arc` keeps beside its value, in octets.
const COUNTS: usize = 2 * size_of::<usize>();

impl<L: Leaf> Child<L> {
    fn leaf(leaf: L) -> Self {
        Self::of_leaf(leaf.summary(), Arc::new(leaf))
    }

    fn of_leaf(summary: Summary, leaf: Arc<L>) -> Self {
        Self { summary, kept: COUNTS + size_of::<L>() + leaf.heap_octets(), node: Node::Leaf(leaf) }
    }

    fn branch(children: &[Self]) -> Self {
        let below: usize = children.iter().map(|child| child.kept).sum();
        Self {
            summary: Summary::of_children(children),
            kept: COUNTS + size_of_val(children) + below,
            node: Node::Branch(children.into()),
        }
    }

    /// Rows of a leaf or children of a branch, and how many there may be.
    fn fill(&self) -> (usize, usize) {
        match &self.node {
            Node::Leaf(leaf) => (leaf.len(), LEAF_ROWS),
            Node::Branch(children) => (children.len(), FANOUT),
        }
    }

    fn leaf_from(&self, from: Uid, wanted: Wanted<'_>, visits: &mut usize) -> Option<&L> {
        if self.summary.last < from.get() || !wanted.any_in(from, self.summary) {
            return None;
        }
        *visits += 1;
        match &self.node {
            Node::Leaf(leaf) => Some(leaf),
            // What is wanted in the first child may all lie before `from`: then it is the next one's turn.
            Node::Branch(children) => {
                let before = children.partition_point(|child| child.summary.last < from.get());
                let mut from = from;
                children.get(before..)?.iter().find_map(|child| {
                    let found = child.leaf_from(from, wanted, visits);
                    from = Uid::new(child.summary.last).and_then(Uid::next).unwrap_or(Uid::MAX);
                    found
                })
            }
        }
    }

    /// One node out of two neighbours, if they are of a kind and fit.
    fn join(&self, next: &Self) -> Option<Self> {
        let ((a, most), (b, _)) = (self.fill(), next.fill());
        if a + b > most {
            return None;
        }
        match (&self.node, &next.node) {
            (Node::Leaf(a), Node::Leaf(b)) => Some(Self::leaf(a.join(b))),
            (Node::Branch(a), Node::Branch(b)) => Some(Self::branch(&[&**a, &**b].concat())),
            _ => None,
        }
    }
}

/// The rows; cloning it is cheap and keeps this moment.
#[derive(Debug)]
pub(crate) struct Tree<L> {
    top: Option<Child<L>>,
}

impl<L> Clone for Tree<L> {
    fn clone(&self) -> Self {
        Self { top: self.top.clone() }
    }
}

impl<L> Default for Tree<L> {
    fn default() -> Self {
        Self { top: None }
    }
}

impl<L: Leaf> Tree<L> {
    /// What is true of all rows together.
    pub(crate) fn summary(&self) -> Summary {
        self.top.as_ref().map(|top| top.summary).unwrap_or_default()
    }

    /// The row of a message.
    pub(crate) fn get(&self, uid: Uid) -> Option<L::Row> {
        let leaf = self.leaf_from(uid, Wanted::All, &mut 0)?;
        let at = leaf.first_from(uid);
        (leaf.uid(at) == Some(uid)).then(|| leaf.row(at)).flatten()
    }

    /// Whether there is a row.
    pub(crate) fn contains(&self, uid: Uid) -> bool {
        self.leaf_from(uid, Wanted::All, &mut 0)
            .is_some_and(|leaf| leaf.uid(leaf.first_from(uid)) == Some(uid))
    }

    /// How many marked rows have a UID up to `uid`.
    pub(crate) fn rank_marked(&self, uid: Uid) -> u32 {
        let mut counted = 0;
        let mut node = self.top.as_ref().map(|top| &top.node);
        while let Some(Node::Branch(children)) = node {
            let at = children.partition_point(|child| child.summary.last <= uid.get());
            counted += children.iter().take(at).map(|child| child.summary.marked).sum::<u32>();
            node = children.get(at).map(|child| &child.node);
        }
        if let Some(Node::Leaf(leaf)) = node {
            let behind = uid.next().map_or(leaf.len(), |next| leaf.first_from(next));
            counted += (0..behind).filter(|at| leaf.is_marked(*at)).count() as u32;
        }
        counted
    }

    /// The UID of the nth row, counted from 1.
    pub(crate) fn select(&self, n: u32) -> Option<Uid> {
        let mut left = n.checked_sub(1)?;
        let mut node = &self.top.as_ref()?.node;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.uid(left as usize),
                Node::Branch(children) => {
                    let child = children.iter().find(|child| {
                        let here = left < child.summary.rows;
                        left -= if here { 0 } else { child.summary.rows };
                        here
                    });
                    node = &child?.node;
                }
            }
        }
    }

    /// The first leaf that has a row at or behind `from` and a wanted one. `visits` counts the nodes that were
    /// looked into.
    fn leaf_from(&self, from: Uid, wanted: Wanted<'_>, visits: &mut usize) -> Option<&L> {
        self.top.as_ref()?.leaf_from(from, wanted, visits)
    }

    /// The wanted rows from a UID on.
    pub(crate) fn walk<'w>(&'w self, wanted: Wanted<'w>, from: Uid) -> Walk<'w, L> {
        Walk { tree: self, wanted, from: Some(from), leaf: None, visits: 0 }
    }

    /// Looks rows up whose UIDs ascend: a step for each that is beside the one before, not a path.
    pub(crate) fn lookup(&self) -> Lookup<'_, L> {
        Lookup { walk: self.walk(Wanted::All, Uid::MIN), ahead: None }
    }

    /// The leaves, in order.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &L> {
        self.leaves_with(Wanted::All, Uid::MIN)
    }

    /// The UIDs from `from` on: a step for each leaf without gaps, not for each row.
    pub(crate) fn uids(&self, from: Uid) -> UidSet {
        let mut uids = UidSet::new();
        for leaf in self.leaves_with(Wanted::All, from) {
            leaf.name(leaf.first_from(from)..leaf.len(), &mut uids);
        }
        uids
    }

    /// The leaves that have some of these rows, or might have, each with the part of the set that falls into it.
    pub(crate) fn parts<'s>(&self, uids: &'s UidSet) -> impl Iterator<Item = (&L, Part<'s>)> {
        let mut left = Part { spans: uids.spans(), first: Uid::MIN, last: Uid::MAX };
        std::iter::from_fn(move || {
            let from = left.start()?;
            let leaf = self.leaf_from(from, Wanted::All, &mut 0)?;
            let last = leaf.last()?;
            let here = left.between(from, last);
            left = last.next().map_or(Part::NOTHING, |next| left.between(next, Uid::MAX));
            Some((leaf, here))
        })
    }

    /// Those of these rows that are there.
    pub(crate) fn present(&self, uids: &UidSet) -> UidSet {
        let mut present = UidSet::new();
        for (leaf, part) in self.parts(uids) {
            part.places(leaf).for_each(|rows| leaf.name(rows, &mut present));
        }
        present
    }

    /// Those of these rows whose MODSEQ is above `since`.
    pub(crate) fn changed_among(&self, uids: &UidSet, since: ModSeq) -> UidSet {
        let mut changed = UidSet::new();
        for (leaf, part) in self.parts(uids) {
            let rows = part.places(leaf).flatten().filter(|at| leaf.modseq(*at) > since);
            rows.filter_map(|at| leaf.uid(at)).for_each(|uid| changed.push(uid));
        }
        changed
    }

    /// How many of these rows are there.
    pub(crate) fn count_among(&self, uids: &UidSet) -> u64 {
        self.parts(uids).map(|(leaf, part)| part.count(leaf) as u64).sum()
    }

    /// The leaves that have a wanted row, and end at or behind `from`.
    pub(crate) fn leaves_with<'w>(&'w self, wanted: Wanted<'w>, from: Uid) -> impl Iterator<Item = &'w L> {
        let mut from = Some(from);
        std::iter::from_fn(move || {
            let leaf = self.leaf_from(from?, wanted, &mut 0)?;
            from = leaf.last().and_then(Uid::next);
            Some(leaf)
        })
    }

    /// A tree of leaves that come in order.
    pub(crate) fn from_leaves(leaves: Vec<L>) -> Self {
        Self { top: stack(leaves.into_iter().map(Child::leaf).collect()) }
    }

    /// What it keeps in memory, in octets, itself not counted. Asks nobody: it is counted as the tree is made.
    pub(crate) fn heap_octets(&self) -> usize {
        self.top.as_ref().map_or(0, |top| top.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{MessageLeaf, Row};
    use crate::{FlagSet, SystemFlags};
    use terms::{EmailId, InternalDate};
    use testkit::dice::Dice;

    const ROWS: u32 = 40_000;

    fn row(uid: u32, dice: &mut Dice) -> Row {
        Row {
            uid: Uid::new(uid).unwrap(),
            email: EmailId { mailbox: 1, uid },
            flags: FlagSet::new(SystemFlags::default(), if dice.one_in(9) { vec![3] } else { vec![] }),
            modseq: ModSeq::new(1 + dice.below(1_000_u64)).unwrap(),
            internal_date: InternalDate::EPOCH,
            size: dice.below(100_000),
            save_date: 0,
        }
    }

    /// Node by node.
    fn counted<L: Leaf>(node: &Node<L>) -> usize {
        COUNTS
            + match node {
                Node::Leaf(leaf) => size_of::<L>() + leaf.heap_octets(),
                Node::Branch(children) => {
                    size_of_val::<[Child<L>]>(children)
                        + children.iter().map(|child| counted(&child.node)).sum::<usize>()
                }
            }
    }

    fn check(tree: &Tree<MessageLeaf>) {
        assert_eq!(tree.heap_octets(), tree.top.as_ref().map_or(0, |top| counted(&top.node)));
    }

    #[test]
    fn what_a_tree_says_that_it_keeps_is_what_its_nodes_keep_whatever_was_done_to_it() {
        let mut dice = Dice::new(7);
        let all: UidSet = (1..=ROWS).filter_map(Uid::new).collect();
        let mut tree = Tree::default().append(&all, (1..=ROWS).map(|uid| row(uid, &mut dice)));
        check(&tree);
        let full = tree.heap_octets();
        assert!(full > ROWS as usize * 4, "{full}");
        for _ in 0..50 {
            let some: UidSet = (0..1 + dice.below(300)).filter_map(|_| Uid::new(dice.below(ROWS))).collect();
            let flags = FlagSet::new(SystemFlags::FLAGGED, vec![dice.below(4)]);
            let modseq = ModSeq::new(1 + dice.below(5_000_u64)).unwrap();
            tree = tree.change(&some, |leaf, picked| leaf.changed(picked, modseq, |had| had.with(&flags)));
            check(&tree);
            let (left, taken) = tree.take(&some);
            check(&left);
            tree = if dice.one_in(2) { left.with(taken) } else { left };
            check(&tree);
        }
        let (nothing, _) = tree.take(&all);
        check(&nothing);
        assert_eq!(nothing.heap_octets(), 0);
    }
}
