//! Threads that are made, and how they are told.

use super::arena::{Arena, NodeId};
use std::slice;
use terms::Uid;

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It begins a thread.
    Top,
    /// It has a parent: another message, or a dummy that begins a thread.
    Under(NodeId),
}

/// A message among others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dated {
    pub node: NodeId,
    pub uid: Uid,
    pub sent: i64,
}

/// By sent date, and how many comparisons it took; "when comparing two sent dates that match exactly, the order in which the two messages appear in
/// the mailbox ... is used as a tie-breaker" (RFC 5256, 2.2).
pub(super) fn sort(messages: &mut [Dated]) -> u64 {
    let mut comparisons = 0;
    messages.sort_unstable_by(|a, b| {
        comparisons += 1;
        (a.sent, a.uid).cmp(&(b.sent, b.uid))
    });
    comparisons
}

/// Messages in threads, siblings by their sent dates.
#[derive(Debug)]
pub struct Threads {
    tops: Vec<NodeId>,
    uids: Arena<Option<Uid>>,
    /// Of each node, how far its children reach in `children`; they begin where those of the node before end.
    ends: Arena<usize>,
    starts: Arena<usize>,
    children: Vec<NodeId>,
    work: u64,
}

impl Threads {
    /// From sorted messages. Taken in that order once, they are in order wherever they are put: under the root, where
    /// a dummy stands where its first child does (RFC 5256, 3, step 4), and under each parent (step 6). `work` is what it
    /// took so far.
    pub(super) fn new(messages: &[Dated], places: &Arena<Place>, work: u64) -> Self {
        let mut uids = Arena::filled(places.len(), None);
        let mut counts = Arena::filled(places.len(), 0_usize);
        for message in messages {
            uids[message.node] = Some(message.uid);
            if let Place::Under(parent) = places[message.node] {
                counts[parent] += 1;
            }
        }
        let starts = running_sum(&counts);
        let mut ends = starts.clone();
        let nobody = messages.first().map(|message| message.node);
        let mut children =
            nobody.map_or_else(Vec::new, |node| vec![node; counts.iter().map(|(_, n)| n).sum()]);
        let mut tops = Vec::new();
        for message in messages {
            match places[message.node] {
                Place::Top => tops.push(message.node),
                Place::Under(parent) => {
                    if uids[parent].is_none() && ends[parent] == starts[parent] {
                        tops.push(parent);
                    }
                    if let Some(child) = children.get_mut(ends[parent]) {
                        *child = message.node;
                    }
                    ends[parent] += 1;
                }
            }
        }
        // Two passes over the messages, four over the nodes.
        let work = work + 2 * messages.len() as u64 + 4 * places.len() as u64;
        Self { tops, uids, ends, starts, children, work }
    }

    /// What it took: steps, comparisons, and octets of names, all together.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// What the THREAD response has, one after the other.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        Walk { threads: self, open: vec![self.tops.iter()], next: Next::Sibling, steps: 0 }
    }

    fn children(&self, node: NodeId) -> &[NodeId] {
        self.children.get(self.starts[node]..self.ends[node]).unwrap_or_default()
    }
}

/// Where each begins if they all follow each other.
fn running_sum(counts: &Arena<usize>) -> Arena<usize> {
    let mut starts = counts.clone();
    let mut sum = 0;
    for (node, count) in counts.iter() {
        starts[node] = sum;
        sum += count;
    }
    starts
}

/// A piece of a THREAD response (RFC 5256, 5): `thread-list = "(" (thread-members / thread-nested) ")"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// `(`
    Open,
    /// A message: the child of the one in front of it, if there is one in the same list.
    Member(Uid),
    /// `)`
    Close,
}

/// A walk over threads. It remembers the lists that are open, and does not recurse: "there is no limit to the
/// nesting of threads" (RFC 5256, 4).
#[derive(Debug)]
pub struct Walk<'t> {
    threads: &'t Threads,
    /// The siblings that are still to come, innermost last.
    open: Vec<slice::Iter<'t, NodeId>>,
    next: Next,
    steps: u64,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    /// This message; its list is open.
    Member(NodeId),
    /// The list ends.
    Close,
    /// The next list of the innermost siblings.
    Sibling,
}

impl<'t> Walk<'t> {
    /// How many steps it took so far.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// "Thread members consist of zero or more message numbers, delimited by spaces, indicating successive parent and
    /// child. This continues until the thread splits into multiple sub-threads."
    fn below(&mut self, node: NodeId) -> Next {
        let threads: &'t Threads = self.threads;
        match threads.children(node) {
            [] => Next::Close,
            [only] => Next::Member(*only),
            several => {
                self.open.push(several.iter());
                Next::Sibling
            }
        }
    }

    fn sibling(&mut self) -> Option<Token> {
        if let Some(node) = self.open.last_mut()?.next() {
            self.next = Next::Member(*node);
            return Some(Token::Open);
        }
        self.open.pop();
        // The list that split into those siblings ends with them; the outermost ones are in none.
        (!self.open.is_empty()).then_some(Token::Close)
    }
}

impl Iterator for Walk<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            self.steps += 1;
            match self.next {
                Next::Member(node) => {
                    self.next = self.below(node);
                    // A dummy has no number.
                    if let Some(uid) = self.threads.uids[node] {
                        return Some(Token::Member(uid));
                    }
                }
                Next::Close => {
                    self.next = Next::Sibling;
                    return Some(Token::Close);
                }
                Next::Sibling => return self.sibling(),
            }
        }
    }
}
