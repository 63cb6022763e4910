//! Rows of messages that are gone, kept for sessions that have not been told yet.
//!
//! They belong to the mailbox and not to a session, so that a thousand slow sessions share them and none keeps an
//! old state alive. They are soft: a restart forgets them, as it does the sessions.

use crate::MAX_GHOSTS;
use crate::tree::{Counted, Leaf, Tree};
use terms::Uid;

/// Two generations: when the young one is full, it becomes the old one and the old one goes. So the last
/// [`MAX_GHOSTS`] rows are always there, and never more than two times as many (and one event's worth).
#[derive(Debug)]
pub(crate) struct Graves<L> {
    young: Tree<L>,
    old: Tree<L>,
}

impl<L> Clone for Graves<L> {
    fn clone(&self) -> Self {
        Self { young: self.young.clone(), old: self.old.clone() }
    }
}

impl<L> Default for Graves<L> {
    fn default() -> Self {
        Self { young: Tree::default(), old: Tree::default() }
    }
}

impl<L: Leaf> Graves<L> {
    /// With more rows, in leaves that ascend.
    pub(crate) fn with(&self, gone: Vec<Counted<L>>) -> Self {
        let full = self.young.summary().rows as usize >= MAX_GHOSTS;
        let (young, old) =
            if full { (Tree::default(), &self.young) } else { (self.young.clone(), &self.old) };
        Self { young: young.with(gone), old: old.clone() }
    }

    /// The row of a message that is gone, if it is remembered.
    pub(crate) fn get(&self, uid: Uid) -> Option<L::Row> {
        self.young.get(uid).or_else(|| self.old.get(uid))
    }

    pub(crate) fn heap_octets(&self) -> usize {
        self.young.heap_octets() + self.old.heap_octets()
    }
}
