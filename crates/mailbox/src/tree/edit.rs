//! Making one tree of another.

use super::{Child, FANOUT, LEAF_ROWS, Leaf, Node, Part, Picked, Summary, Tree};
use std::sync::Arc;
use terms::{Uid, UidSet};

/// A leaf, and what is known of it without a look.
#[derive(Debug)]
pub(crate) struct Counted<L> {
    summary: Summary,
    leaf: Arc<L>,
}

impl<L> Clone for Counted<L> {
    fn clone(&self) -> Self {
        Self { summary: self.summary, leaf: Arc::clone(&self.leaf) }
    }
}

impl<L: Leaf> Counted<L> {
    pub(crate) fn new(leaf: L) -> Self {
        Self { summary: leaf.summary(), leaf: Arc::new(leaf) }
    }

    /// The leaf.
    pub(crate) fn leaf(&self) -> &L {
        &self.leaf
    }
}

impl<L: Leaf> From<Counted<L>> for Child<L> {
    fn from(Counted { summary, leaf }: Counted<L>) -> Self {
        Self::of_leaf(summary, leaf)
    }
}

impl<L: Leaf> Tree<L> {
    /// The tree in which the leaves that `uids` fall into are as `edit` makes them. It gets a leaf and the UIDs that
    /// fall into it, and gives back what takes its place, in order. UIDs in no leaf's reach come with the last leaf, and
    /// with none where there is none.
    pub(crate) fn edit(
        &self,
        uids: &UidSet,
        mut edit: impl FnMut(Option<&Counted<L>>, Part<'_>) -> Vec<Counted<L>>,
    ) -> Self {
        let part = Part { spans: uids.spans(), first: Uid::MIN, last: Uid::MAX };
        if part.is_empty() {
            return self.clone();
        }
        let children = match &self.top {
            Some(top) => edit_node(top, part, &mut edit),
            None => in_order(edit(None, part)),
        };
        Self { top: stack(children) }
    }

    /// The same row by row: `edit` gets the rows of a leaf, and gives back rows that ascend.
    pub(crate) fn edit_rows(
        &self,
        uids: &UidSet,
        mut edit: impl FnMut(Vec<L::Row>, Part<'_>) -> Vec<L::Row>,
    ) -> Self {
        self.edit(uids, |leaf, part| {
            let rows = leaf.map(|leaf| unpack(leaf.leaf()).collect());
            pack_all(&edit(rows.unwrap_or_default(), part))
        })
    }

    /// The tree with more rows above all others, `uids`: they fill up the last leaf and then new ones.
    pub(crate) fn append(&self, uids: &UidSet, rows: impl Iterator<Item = L::Row>) -> Self {
        let mut rows = rows.peekable();
        self.edit(uids, |last, _| {
            let room = last.map_or(0, |last| LEAF_ROWS.saturating_sub(last.leaf().len()));
            let mut leaves: Vec<_> = last.cloned().into_iter().collect();
            let mut count = if room > 0 { room } else { LEAF_ROWS };
            while rows.peek().is_some() {
                let here: Vec<_> = rows.by_ref().take(count).collect();
                leaves.push(Counted::new(L::pack(&here)));
                count = LEAF_ROWS;
            }
            leaves
        })
    }

    /// The tree in which leaves that have some of these rows are as `change` makes them, with the same UIDs.
    pub(crate) fn change(&self, uids: &UidSet, change: impl Fn(&L, &Picked) -> L) -> Self {
        self.edit(uids, |leaf, part| {
            let changed = |leaf: &Counted<L>| {
                let picked = Picked::of(leaf.leaf(), part);
                if picked.count() == 0 { leaf.clone() } else { Counted::new(change(leaf.leaf(), &picked)) }
            };
            leaf.map(changed).into_iter().collect()
        })
    }

    /// The tree without these rows, and what was taken out: leaves that are taken whole are not touched.
    pub(crate) fn take(&self, uids: &UidSet) -> (Self, Vec<Counted<L>>) {
        let mut taken = Vec::new();
        let left = self.edit(uids, |leaf, part| {
            let Some(whole) = leaf else { return Vec::new() };
            let leaf = whole.leaf();
            let picked = Picked::of(leaf, part);
            match picked.count() {
                0 => vec![whole.clone()],
                count if count == leaf.len() => {
                    taken.push(whole.clone());
                    Vec::new()
                }
                _ => {
                    taken.push(Counted::new(leaf.pick(|at| picked.has(at))));
                    vec![Counted::new(leaf.pick(|at| !picked.has(at)))]
                }
            }
        });
        (left, taken)
    }

    /// The tree with more rows, none of which is there yet.
    pub(crate) fn with(&self, leaves: Vec<Counted<L>>) -> Self {
        let mut uids = UidSet::new();
        leaves.iter().for_each(|leaf| leaf.leaf().name(0..leaf.leaf().len(), &mut uids));
        let mut left = leaves.into_iter().peekable();
        let mut cut = None;
        self.edit(&uids, |here, part| {
            let mut new = Vec::new();
            while let Some(next) = cut.take().or_else(|| left.next()) {
                let (within, behind) = split(next, part);
                new.extend(within);
                if behind.is_some() {
                    cut = behind;
                    break;
                }
            }
            match here {
                Some(here) => beside(here, new),
                None => new,
            }
        })
    }
}

/// A leaf as far as it is in a part that has no lower end, and what is behind it.
fn split<L: Leaf>(leaf: Counted<L>, part: Part<'_>) -> (Option<Counted<L>>, Option<Counted<L>>) {
    let rows = part.last.next().map_or(leaf.leaf().len(), |next| leaf.leaf().first_from(next));
    if rows == leaf.leaf().len() {
        (Some(leaf), None)
    } else if rows == 0 {
        (None, Some(leaf))
    } else {
        let within = Counted::new(leaf.leaf().pick(|at| at < rows));
        (Some(within), Some(Counted::new(leaf.leaf().pick(|at| at >= rows))))
    }
}

/// A leaf among new ones, in order: as one with those that its rows lie among.
fn beside<L: Leaf>(here: &Counted<L>, mut new: Vec<Counted<L>>) -> Vec<Counted<L>> {
    let (first, last) = (here.leaf().uid(0), here.leaf().last());
    let before = new.partition_point(|leaf| leaf.leaf().last() < first);
    let behind = new.partition_point(|leaf| leaf.leaf().uid(0) <= last);
    let among = new.get(before..behind).unwrap_or_default();
    let one = if among.is_empty() { vec![here.clone()] } else { pack_all(&in_row(here, among)) };
    new.splice(before..behind, one);
    new
}

fn in_row<L: Leaf>(one: &Counted<L>, others: &[Counted<L>]) -> Vec<L::Row> {
    let leaves = std::iter::once(one).chain(others);
    let mut rows: Vec<_> = leaves.flat_map(|leaf| unpack(leaf.leaf())).collect();
    rows.sort_by_key(L::uid_of);
    rows
}

fn unpack<L: Leaf>(leaf: &L) -> impl Iterator<Item = L::Row> {
    (0..leaf.len()).filter_map(|at| leaf.row(at))
}

/// The nodes that take the place of one that was edited.
fn edit_node<L: Leaf>(
    node: &Child<L>,
    part: Part<'_>,
    edit: &mut impl FnMut(Option<&Counted<L>>, Part<'_>) -> Vec<Counted<L>>,
) -> Vec<Child<L>> {
    let children = match &node.node {
        Node::Leaf(leaf) => {
            let leaf = Counted { summary: node.summary, leaf: Arc::clone(leaf) };
            return in_order(edit(Some(&leaf), part));
        }
        Node::Branch(children) => children,
    };
    let mut edited: Vec<Child<L>> = Vec::with_capacity(children.len() + 1);
    let mut first = part.first;
    for (at, child) in children.iter().enumerate() {
        // Behind the last child there is nobody else to take a new row.
        let is_last = at + 1 == children.len();
        let last = if is_last { part.last } else { Uid::new(child.summary.last).unwrap_or(Uid::MAX) };
        let here = part.between(first, last);
        first = last.next().unwrap_or(Uid::MAX);
        if here.is_empty() {
            put(&mut edited, child.clone());
        } else {
            edit_node(child, here, edit).into_iter().for_each(|child| put(&mut edited, child));
        }
    }
    edited.chunks(FANOUT).map(Child::branch).collect()
}

fn in_order<L: Leaf>(leaves: Vec<Counted<L>>) -> Vec<Child<L>> {
    let mut nodes = Vec::with_capacity(leaves.len());
    leaves.into_iter().for_each(|leaf| put(&mut nodes, leaf.into()));
    nodes
}

/// Puts a node behind its neighbours, as one with the last of them where both fit into one: of two neighbours
/// one is always more than half full.
fn put<L: Leaf>(nodes: &mut Vec<Child<L>>, next: Child<L>) {
    match nodes.last_mut() {
        Some(last) => match last.join(&next) {
            Some(joined) => *last = joined,
            None => nodes.push(next),
        },
        None => nodes.push(next),
    }
}

/// As many leaves as so many rows take.
pub(crate) fn pack_all<L: Leaf>(rows: &[L::Row]) -> Vec<Counted<L>> {
    rows.chunks(LEAF_ROWS).map(|rows| Counted::new(L::pack(rows))).collect()
}

/// One node above all of these.
pub(super) fn stack<L: Leaf>(mut nodes: Vec<Child<L>>) -> Option<Child<L>> {
    while nodes.len() > 1 {
        nodes = nodes.chunks(FANOUT).map(Child::branch).collect();
    }
    let mut top = nodes.pop()?;
    while let Node::Branch(children) = &top.node
        && let [only] = &**children
    {
        top = only.clone();
    }
    Some(top)
}
