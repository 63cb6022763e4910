//! REFERENCES as RFC 5256, 3 has it, sentence by sentence, without a thought for time or the stack.

use super::Note;
use mailbox::thread::Standing;
use std::collections::HashMap;

#[derive(Clone, Debug, Default)]
struct Node<'n> {
    parent: Option<usize>,
    children: Vec<usize>,
    note: Option<&'n Note>,
}

const ROOT: usize = 0;

struct Tree<'n>(Vec<Node<'n>>);

impl<'n> Tree<'n> {
    fn add(&mut self, note: Option<&'n Note>) -> usize {
        self.0.push(Node { note, ..Node::default() });
        self.0.len() - 1
    }

    fn unlink(&mut self, child: usize) {
        if let Some(parent) = self.0[child].parent.take() {
            self.0[parent].children.retain(|one| *one != child);
        }
    }

    fn link(&mut self, child: usize, parent: usize) {
        self.unlink(child);
        self.0[child].parent = Some(parent);
        self.0[parent].children.push(child);
    }

    fn descends(&self, node: usize, from: usize) -> bool {
        node == from || self.0[node].parent.is_some_and(|parent| self.descends(parent, from))
    }

    /// Step 3.
    fn prune(&mut self, node: usize) {
        for child in self.0[node].children.clone() {
            self.prune(child);
        }
        if node == ROOT || self.0[node].note.is_some() {
            return;
        }
        let parent = self.0[node].parent.unwrap();
        let children = self.0[node].children.clone();
        if parent == ROOT && children.len() > 1 {
            return;
        }
        self.unlink(node);
        for child in children {
            self.link(child, parent);
        }
    }

    fn date(&self, node: usize) -> (i64, u32) {
        match self.0[node].note {
            Some(note) => (note.sent, note.uid),
            None => self.date(self.0[node].children[0]),
        }
    }

    /// Step 6, for all below a node.
    fn sort(&mut self, node: usize) {
        let mut children = self.0[node].children.clone();
        for child in &children {
            self.sort(*child);
        }
        children.sort_by_key(|child| self.date(*child));
        self.0[node].children = children;
    }

    /// Step 5.B.i.
    fn subject(&self, node: usize) -> String {
        let note = self.0[node].note.or_else(|| self.0[self.0[node].children[0]].note);
        note.unwrap().subject.to_uppercase()
    }

    fn is_dummy(&self, node: usize) -> bool {
        self.0[node].note.is_none()
    }

    fn is_answer(&self, node: usize) -> bool {
        self.0[node].note.is_some_and(|note| note.standing == Standing::Answer)
    }

    /// Step 5.
    fn merge(&mut self) {
        let mut table: HashMap<String, usize> = HashMap::new();
        for current in self.0[ROOT].children.clone() {
            let subject = self.subject(current);
            if subject.is_empty() {
                continue;
            }
            let Some(&known) = table.get(&subject) else {
                table.insert(subject, current);
                continue;
            };
            let better = self.is_dummy(current) || (self.is_answer(known) && !self.is_answer(current));
            if !self.is_dummy(known) && better {
                table.insert(subject, current);
            }
        }
        for current in self.0[ROOT].children.clone() {
            if self.0[current].parent != Some(ROOT) {
                continue;
            }
            let subject = self.subject(current);
            if subject.is_empty() || table[&subject] == current {
                continue;
            }
            let known = table[&subject];
            if self.is_dummy(known) && self.is_dummy(current) {
                for child in self.0[current].children.clone() {
                    self.link(child, known);
                }
                self.unlink(current);
            } else if self.is_dummy(known) || (self.is_answer(current) && !self.is_answer(known)) {
                self.link(current, known);
            } else {
                let dummy = self.add(None);
                self.link(dummy, ROOT);
                self.link(current, dummy);
                self.link(known, dummy);
                table.insert(subject, dummy);
            }
        }
    }

    fn tell(&self, node: usize, out: &mut String) {
        if let Some(note) = self.0[node].note {
            out.push_str(&note.uid.to_string());
        }
        let children = &self.0[node].children;
        if !children.is_empty() && out.ends_with(|c: char| c.is_ascii_digit()) {
            out.push(' ');
        }
        match &children[..] {
            [only] => self.tell(*only, out),
            several => several.iter().for_each(|child| self.list(*child, out)),
        }
    }

    fn list(&self, node: usize, out: &mut String) {
        out.push('(');
        self.tell(node, out);
        out.push(')');
    }
}

/// The THREAD response.
pub(super) fn references(notes: &[Note]) -> String {
    let mut tree = Tree(vec![Node::default()]);
    let mut ids: HashMap<&str, usize> = HashMap::new();
    for note in notes {
        let known = note.id.as_ref().and_then(|id| ids.get(id.as_str())).copied();
        let this = match known.filter(|node| tree.is_dummy(*node)) {
            Some(node) => {
                tree.0[node].note = Some(note);
                node
            }
            None => tree.add(Some(note)),
        };
        if let (Some(id), None) = (&note.id, known) {
            ids.insert(id, this);
        }
        let mut last = None;
        for id in &note.references {
            let node = *ids.entry(id).or_insert_with(|| tree.add(None));
            if let Some(parent) = last
                && tree.0[node].parent.is_none()
                && !tree.descends(parent, node)
            {
                tree.link(node, parent);
            }
            last = Some(node);
        }
        tree.unlink(this);
        if let Some(parent) = last
            && !tree.descends(parent, this)
        {
            tree.link(this, parent);
        }
    }
    for node in 1..tree.0.len() {
        if tree.0[node].parent.is_none() {
            tree.link(node, ROOT);
        }
    }
    tree.prune(ROOT);
    tree.sort(ROOT);
    tree.merge();
    tree.sort(ROOT);
    let mut out = String::new();
    tree.0[ROOT].children.iter().for_each(|child| tree.list(*child, &mut out));
    out
}
