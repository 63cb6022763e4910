//! Trees that grow and are cut, and are asked for their roots: link-cut trees (Sleator and Tarjan).
//!
//! THREAD must not make a loop (RFC 5256, 3, 1.A), so it asks for each link whether the parent descends from the
//! child. Walking up from the parent would tell, but a chain of replies may be as long as the mailbox, and whoever
//! writes References decides how often it is walked. Here every operation takes `O(log n)` steps, amortised.
//!
//! The paths that were asked for last are kept as splay trees, ordered from the root down; `up` leads from the root
//! of such a tree to the node that its path hangs from.

use super::arena::{Arena, NodeId};

/// Nodes that have no children, or one parent, or both.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Arena<Links>,
    steps: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Links {
    up: Option<NodeId>,
    /// Nearer to the root.
    left: Option<NodeId>,
    /// Farther from it.
    right: Option<NodeId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl Links {
    const fn child(&mut self, side: Side) -> &mut Option<NodeId> {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }
}

impl Forest {
    /// Adds a tree of one node.
    pub(super) fn plant(&mut self) -> NodeId {
        self.nodes.push(Links::default())
    }

    /// How many steps all operations took together.
    pub(super) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Makes `child`, the root of a tree, a child of `parent`, which is in another tree.
    pub(super) fn link(&mut self, child: NodeId, parent: NodeId) {
        self.expose(child);
        self.nodes[child].up = Some(parent);
    }

    /// Parts a node, with all below it, from its parent.
    pub(super) fn cut(&mut self, node: NodeId) {
        self.expose(node);
        if let Some(above) = self.nodes[node].left.take() {
            self.nodes[above].up = None;
        }
    }

    /// The root of a node's tree.
    pub(super) fn root(&mut self, node: NodeId) -> NodeId {
        self.expose(node);
        let mut root = node;
        while let Some(above) = self.nodes[root].left {
            self.steps += 1;
            root = above;
        }
        self.splay(root);
        root
    }

    /// Makes the path from the root to a node one splay tree, with the node on top and nothing to its right.
    fn expose(&mut self, node: NodeId) {
        let mut below = None;
        let mut at = Some(node);
        while let Some(top) = at {
            self.splay(top);
            self.nodes[top].right = below;
            below = at;
            at = self.nodes[top].up;
        }
        self.splay(node);
    }

    /// Brings a node to the top of its splay tree.
    fn splay(&mut self, node: NodeId) {
        while let Some((parent, side)) = self.splay_parent(node) {
            match self.splay_parent(parent) {
                Some((_, above)) if above == side => self.rotate(parent),
                Some(_) => self.rotate(node),
                None => {}
            }
            self.rotate(node);
        }
    }

    /// The parent within the splay tree, and on which side of it the node is.
    fn splay_parent(&self, node: NodeId) -> Option<(NodeId, Side)> {
        let parent = self.nodes[node].up?;
        let Links { left, right, up: _ } = self.nodes[parent];
        match Some(node) {
            it if it == left => Some((parent, Side::Left)),
            it if it == right => Some((parent, Side::Right)),
            _ => None,
        }
    }

    /// Changes places with the parent.
    fn rotate(&mut self, node: NodeId) {
        let Some((parent, side)) = self.splay_parent(node) else { return };
        self.steps += 1;
        let above = self.splay_parent(parent);
        let inner = self.nodes[node].child(side.other()).replace(parent);
        *self.nodes[parent].child(side) = inner;
        if let Some(inner) = inner {
            self.nodes[inner].up = Some(parent);
        }
        self.nodes[node].up = self.nodes[parent].up;
        self.nodes[parent].up = Some(node);
        if let Some((above, side)) = above {
            *self.nodes[above].child(side) = Some(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::dice::Dice;

    fn root_by_walking(parents: &[Option<usize>], mut node: usize) -> usize {
        while let Some(parent) = parents[node] {
            node = parent;
        }
        node
    }

    #[test]
    fn roots_are_those_that_walking_up_finds() {
        const NODES: usize = 40;
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let mut forest = Forest::default();
            let ids: Vec<_> = (0..NODES).map(|_| forest.plant()).collect();
            let mut parents = [None; NODES];
            for _ in 0..300 {
                let (node, other) = (dice.below(NODES), dice.below(NODES));
                let root = root_by_walking(&parents, other);
                assert_eq!(forest.root(ids[other]), ids[root], "seed {seed}");
                if dice.one_in(3) {
                    forest.cut(ids[node]);
                    parents[node] = None;
                } else if parents[node].is_none() && root != node {
                    forest.link(ids[node], ids[other]);
                    parents[node] = Some(other);
                }
            }
        }
    }
}
