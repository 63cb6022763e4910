//! ORDEREDSUBJECT, "poor man's threading".

use super::Letter;
use super::arena::{Arena, NodeId};
use super::names::Names;
use super::threads::{Dated, Place, Threads, sort};
use crate::casemap::casemap;

/// Messages being threaded by their subjects.
///
/// The RFC sorts by base subject and splits where it changes, to sort again by date; which subject comes first makes
/// no difference in the end, only which are equal.
#[derive(Debug)]
pub struct OrderedSubject {
    subjects: Names<usize>,
    /// The subject of each message.
    nodes: Arena<usize>,
    messages: Vec<Dated>,
    collated: Vec<u8>,
}

impl Default for OrderedSubject {
    fn default() -> Self {
        Self::new()
    }
}

impl OrderedSubject {
    /// Of no messages yet.
    #[must_use]
    pub fn new() -> Self {
        let (nodes, messages, collated) = (Arena::default(), Vec::new(), Vec::new());
        Self { subjects: Names::new(), nodes, messages, collated }
    }

    /// Adds the next message of the mailbox.
    pub fn push(&mut self, letter: &Letter<'_>) {
        self.collated.clear();
        casemap(letter.subject, &mut self.collated);
        let new = self.subjects.len();
        let subject = self.subjects.get_or(&self.collated, || new);
        let node = self.nodes.push(subject);
        self.messages.push(Dated { node, uid: letter.uid, sent: letter.sent });
    }

    /// The threads: each subject's first message, and all others of it as its children.
    #[must_use]
    pub fn finish(mut self) -> Threads {
        let sorting = sort(&mut self.messages);
        let mut first: Vec<Option<NodeId>> = vec![None; self.subjects.len()];
        let mut places = Arena::filled(self.nodes.len(), Place::Top);
        for message in &self.messages {
            let Some(first) = first.get_mut(self.nodes[message.node]) else { continue };
            match first {
                None => *first = Some(message.node),
                Some(first) => places[message.node] = Place::Under(*first),
            }
        }
        let work = self.subjects.work() + sorting + self.messages.len() as u64;
        Threads::new(&self.messages, &places, work)
    }
}
