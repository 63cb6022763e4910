//! REFERENCES, in the six steps of RFC 5256, 3.
//!
//! Step 1 is done while messages are added ([`References`]), steps 2 and 3 by [`References::gather`], steps 4 to 6 by
//! [`Unpruned::finish`]: each is a pass over all nodes, and between them others may have their turn.

use super::arena::{Arena, NodeId};
use super::forest::Forest;
use super::names::Names;
use super::threads::{Dated, Place, Threads, sort};
use super::{Letter, Standing};
use crate::casemap::casemap;

/// How many messages that are not there may be referred to, for each one that is there. A reference beyond it is
/// passed over. Mailing lists have one or two.
pub const STRANGERS_PER_MESSAGE: usize = 16;

/// Strangers that are let in however few messages there are.
const STRANGERS_AT_LEAST: usize = 10_000;

/// Messages being linked.
#[derive(Debug)]
pub struct References {
    ids: Names<NodeId>,
    subjects: Names<u32>,
    forest: Forest,
    nodes: Arena<Node>,
    strangers_left: usize,
    collated: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: Option<NodeId>,
    /// `None` for a dummy.
    message: Option<Message>,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    dated: Dated,
    /// `None` if it is empty.
    subject: Option<u32>,
    standing: Standing,
}

impl References {
    /// Of no messages yet; there will be so many.
    #[must_use]
    pub fn new(messages: usize) -> Self {
        let strangers_left = messages.saturating_mul(STRANGERS_PER_MESSAGE).max(STRANGERS_AT_LEAST);
        let (forest, nodes, collated) = (Forest::default(), Arena::default(), Vec::new());
        Self { ids: Names::new(), subjects: Names::new(), forest, nodes, strangers_left, collated }
    }

    /// How many steps it took to keep loops out.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.forest.steps()
    }

    /// And with the octets of ids and subjects.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.steps() + self.ids.work() + self.subjects.work()
    }

    /// Step 1: adds the next message of the mailbox, with its Message ID, if it has a valid one, and its references,
    /// the oldest first.
    pub fn push<'r>(
        &mut self,
        letter: &Letter<'_>,
        id: Option<&[u8]>,
        references: impl IntoIterator<Item = &'r [u8]>,
    ) {
        let this = self.enter(letter, id);
        let mut last = None;
        for id in references {
            let Some(node) = self.referred(id) else { continue };
            if let Some(parent) = last {
                self.link_orphan(node, parent);
            }
            last = Some(node);
        }
        self.adopt(this, last);
    }

    /// The node of a message. "If two or more messages have the same Message ID, then only use that Message ID in the
    /// first (lowest sequence number) message"; the others, and those without one, get one of their own, that is,
    /// none that could be found.
    fn enter(&mut self, letter: &Letter<'_>, id: Option<&[u8]>) -> NodeId {
        let known = id.and_then(|id| self.ids.get(id));
        let node = match known.filter(|node| self.nodes[*node].message.is_none()) {
            Some(stranger) => {
                self.strangers_left = self.strangers_left.saturating_add(1);
                stranger
            }
            None => self.plant(),
        };
        if let (Some(id), None) = (id, known) {
            self.ids.insert(id, node);
        }
        let subject = self.subject(letter.subject);
        let dated = Dated { node, uid: letter.uid, sent: letter.sent };
        self.nodes[node].message = Some(Message { dated, subject, standing: letter.standing });
        node
    }

    /// The node of a reference. "If no message can be found with a given Message ID, create a dummy message with this
    /// ID. Use this dummy message for all subsequent references to this ID."
    fn referred(&mut self, id: &[u8]) -> Option<NodeId> {
        if let Some(node) = self.ids.get(id) {
            return Some(node);
        }
        self.strangers_left = self.strangers_left.checked_sub(1)?;
        let node = self.plant();
        self.ids.insert(id, node);
        Some(node)
    }

    fn plant(&mut self) -> NodeId {
        self.nodes.push(Node { parent: None, message: None });
        self.forest.plant()
    }

    fn subject(&mut self, text: &str) -> Option<u32> {
        self.collated.clear();
        casemap(text, &mut self.collated);
        let new = u32::try_from(self.subjects.len()).unwrap_or(u32::MAX);
        (!self.collated.is_empty()).then(|| self.subjects.get_or(&self.collated, || new))
    }

    /// Step 1.A: "If a message already has a parent, don't change the existing link."
    fn link_orphan(&mut self, node: NodeId, parent: NodeId) {
        if self.nodes[node].parent.is_none() {
            self.link(node, parent);
        }
    }

    /// Step 1.B: the last reference is the parent, whatever was thought before. "Note that if this message has no
    /// references, it will now have no parent."
    fn adopt(&mut self, node: NodeId, parent: Option<NodeId>) {
        if self.nodes[node].parent == parent {
            return;
        }
        if self.nodes[node].parent.take().is_some() {
            self.forest.cut(node);
        }
        if let Some(parent) = parent {
            self.link(node, parent);
        }
    }

    /// "Do not create a parent/child link if creating that link would introduce a loop." The node has no parent: the
    /// would-be parent descends from it if it is the root over it.
    fn link(&mut self, node: NodeId, parent: NodeId) {
        if self.forest.root(parent) != node {
            self.forest.link(node, parent);
            self.nodes[node].parent = Some(parent);
        }
    }

    /// Steps 2 and 3: what has no parent begins a thread, and dummies go.
    #[must_use]
    pub fn gather(self) -> Unpruned {
        let messages = self.nodes.iter().filter_map(|(_, node)| node.message.map(|message| message.dated));
        let mut messages: Vec<_> = messages.collect();
        let sorting = sort(&mut messages);
        let (places, walking) = places(&self.nodes);
        let work = self.work() + self.nodes.len() as u64 + sorting + walking;
        Unpruned { nodes: self.nodes, subjects: self.subjects.len(), messages, places, work }
    }
}

/// Step 3: where each node stands once the dummies between messages are gone. "If it is a dummy message with
/// children, delete it, but promote its children to the current level"; "do not promote the children if doing so
/// would make them children of the root": such a dummy stays for now. With how many steps it took.
fn places(nodes: &Arena<Node>) -> (Arena<Place>, u64) {
    let mut places: Arena<Option<Place>> = Arena::filled(nodes.len(), None);
    let (mut way, mut steps) = (Vec::new(), 0);
    for node in nodes.ids() {
        let mut at = node;
        let place = loop {
            steps += 1;
            if let Some(place) = places[at] {
                break place;
            }
            way.push(at);
            match nodes[at].parent {
                None => break Place::Top,
                Some(parent) if stays(nodes, parent) => break Place::Under(parent),
                Some(dummy) => at = dummy,
            }
        };
        for passed in way.drain(..) {
            steps += 1;
            places[passed] = Some(place);
        }
    }
    let mut settled = Arena::default();
    for (_, place) in places.iter() {
        steps += 1;
        settled.push(place.unwrap_or(Place::Top));
    }
    (settled, steps)
}

/// Messages stay, and dummies under the root.
fn stays(nodes: &Arena<Node>, node: NodeId) -> bool {
    nodes[node].message.is_some() || nodes[node].parent.is_none()
}

/// Messages in trees, in which dummies are left that have one child or none.
#[derive(Debug)]
pub struct Unpruned {
    nodes: Arena<Node>,
    subjects: usize,
    messages: Vec<Dated>,
    places: Arena<Place>,
    work: u64,
}

impl Unpruned {
    /// Steps 4 to 6: prunes the last dummies, gathers threads of one subject, and sorts them.
    #[must_use]
    pub fn finish(mut self) -> Threads {
        self.promote_only_children();
        let tops = self.tops();
        let table = self.subject_table(&tops);
        self.merge(&tops, table);
        Threads::new(&self.messages, &self.places, self.work)
    }

    /// "... unless there is only one child."
    fn promote_only_children(&mut self) {
        let mut children = Arena::filled(self.nodes.len(), 0_u32);
        self.work += self.nodes.len() as u64;
        for message in &self.messages {
            self.work += 2; // and once more below
            if let Place::Under(parent) = self.places[message.node] {
                children[parent] = children[parent].saturating_add(1);
            }
        }
        for message in &self.messages {
            if let Place::Under(parent) = self.places[message.node]
                && self.nodes[parent].message.is_none()
                && children[parent] == 1
            {
                self.places[message.node] = Place::Top;
            }
        }
    }

    /// Step 4: what is under the root, in the order of their dates: "in the case of a dummy message, sort its children
    /// by sent date and then use the first child for the top-level sort". With the thread subject (step 5.B.i), which
    /// is that child's too.
    fn tops(&mut self) -> Vec<Top> {
        let mut seen = Arena::filled(self.nodes.len(), false);
        self.work += self.nodes.len() as u64;
        let mut tops = Vec::new();
        for dated in &self.messages {
            self.work += 1;
            let Some(message) = self.nodes[dated.node].message else { continue };
            let (node, standing) = match self.places[dated.node] {
                Place::Top => (dated.node, Some(message.standing)),
                Place::Under(parent) if self.nodes[parent].message.is_none() => (parent, None),
                Place::Under(_) => continue,
            };
            if !std::mem::replace(&mut seen[node], true) {
                tops.push(Top { node, standing, subject: message.subject });
            }
        }
        tops
    }

    /// Steps 5.A and 5.B: one thread for each subject that is not empty.
    fn subject_table(&mut self, tops: &[Top]) -> Vec<Option<Top>> {
        let mut table: Vec<Option<Top>> = vec![None; self.subjects];
        self.work += self.subjects as u64;
        for top in tops {
            self.work += 1;
            if let Some(entry) = top.entry(&mut table)
                && entry.is_none_or(|known| top.represents_better_than(&known))
            {
                *entry = Some(*top);
            }
        }
        table
    }

    /// Step 5.C.
    fn merge(&mut self, tops: &[Top], mut table: Vec<Option<Top>>) {
        let mut merged_into: Arena<Option<NodeId>> = Arena::filled(self.nodes.len(), None);
        self.work += self.nodes.len() as u64;
        for current in tops {
            self.work += 1;
            let Some(entry) = current.entry(&mut table) else { continue };
            let Some(known) = entry.filter(|known| known.node != current.node) else { continue };
            // It stood for its subject, and was put under a new dummy: it is no child of the root any more.
            if current.standing.is_some() && self.places[current.node] != Place::Top {
                continue;
            }
            match (known.standing, current.standing) {
                // "Append the current message's children to the children of the message in the subject table."
                (None, None) => merged_into[current.node] = Some(known.node),
                (None, Some(_)) | (Some(Standing::Original), Some(Standing::Answer)) => {
                    self.places[current.node] = Place::Under(known.node);
                }
                // "Otherwise, create a new dummy message and make both ... children of the dummy. Then replace the
                // message in the subject table with the dummy message."
                _ => {
                    let dummy = self.nodes.push(Node { parent: None, message: None });
                    self.places.push(Place::Top);
                    merged_into.push(None);
                    self.places[current.node] = Place::Under(dummy);
                    self.places[known.node] = Place::Under(dummy);
                    *entry = Some(Top { node: dummy, standing: None, ..known });
                }
            }
        }
        self.move_children(&merged_into);
    }

    fn move_children(&mut self, merged_into: &Arena<Option<NodeId>>) {
        for message in &self.messages {
            self.work += 1;
            if let Place::Under(parent) = self.places[message.node]
                && let Some(other) = merged_into[parent]
            {
                self.places[message.node] = Place::Under(other);
            }
        }
    }
}

/// A thread, by what is under the root.
#[derive(Clone, Copy, Debug)]
struct Top {
    node: NodeId,
    /// `None` for a dummy.
    standing: Option<Standing>,
    subject: Option<u32>,
}

impl Top {
    /// Its subject's place in the table; "if the thread subject is empty, skip this message".
    fn entry<'t>(&self, table: &'t mut [Option<Self>]) -> Option<&'t mut Option<Self>> {
        table.get_mut(usize::try_from(self.subject?).ok()?)
    }

    /// Step 5.B.iv: "if the message in the subject table is not a dummy, AND either of the following criteria are
    /// true: The current message is a dummy, OR the message in the subject table is a reply or forward and the current
    /// message is not".
    const fn represents_better_than(&self, known: &Self) -> bool {
        match (known.standing, self.standing) {
            (None, _) | (Some(Standing::Original), Some(_)) => false,
            (Some(_), None) => true,
            (Some(Standing::Answer), Some(standing)) => matches!(standing, Standing::Original),
        }
    }
}
