//! Making one tree of another.

use super::{Child, FANOUT, LEAF_ROWS, Leaf, Node, Part, unpack};
use terms::Uid;

/// The nodes that take the place of one that was edited.
pub(super) fn edit_node<L: Leaf>(
    node: &Node<L>,
    part: Part<'_>,
    edit: &mut impl FnMut(Vec<L::Row>, Part<'_>) -> Vec<L::Row>,
) -> Vec<Child<L>> {
    let children = match node {
        Node::Leaf(leaf) => return pack_all(&edit(unpack(&**leaf).collect(), part)),
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
            edit_node(&child.node, here, edit).into_iter().for_each(|child| put(&mut edited, child));
        }
    }
    edited.chunks(FANOUT).map(Child::branch).collect()
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

pub(super) fn pack_all<L: Leaf>(rows: &[L::Row]) -> Vec<Child<L>> {
    rows.chunks(LEAF_ROWS).map(|rows| Child::leaf(L::pack(rows))).collect()
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
