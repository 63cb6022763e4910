//! Things that are named by small numbers.

use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// The number of a node. Optional ones are no larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(NonZeroU32);

impl NodeId {
    fn new(place: usize) -> Self {
        let number = u32::try_from(place + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("a mailbox has fewer messages than there are UIDs, and strangers have a limit"))
    }

    const fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Something for each node. Those of a thread's nodes grow together, and never shrink.
#[derive(Clone, Debug)]
pub(super) struct Arena<T>(Vec<T>);

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone> Arena<T> {
    pub(super) fn filled(len: usize, value: T) -> Self {
        Self(vec![value; len])
    }
}

impl<T> Arena<T> {
    pub(super) fn push(&mut self, value: T) -> NodeId {
        self.0.push(value);
        NodeId::new(self.0.len() - 1)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> + use<T> {
        (0..self.0.len()).map(NodeId::new)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &T)> {
        self.0.iter().enumerate().map(|(place, value)| (NodeId::new(place), value))
    }
}

impl<T> Index<NodeId> for Arena<T> {
    type Output = T;

    fn index(&self, id: NodeId) -> &T {
        self.0.get(id.place()).expect("an id comes from a push, and nothing is taken away")
    }
}

impl<T> IndexMut<NodeId> for Arena<T> {
    fn index_mut(&mut self, id: NodeId) -> &mut T {
        self.0.get_mut(id.place()).expect("an id comes from a push, and nothing is taken away")
    }
}
