//! A mailbox of whose events some cannot be read: what it was before the first of them.
//!
//! Nothing can happen to it, for nobody knows to what. What its owner was told of numbers stays true: none is shown that is
//! lower. And nobody is told that a message is gone of which nothing can be known.

use super::MailboxState;
use crate::Head;
use terms::{ModSeq, Uid, UidSet};

/// What is known of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// UIDNEXT of the whole, as far as that is known.
    pub uid_next: Uid,
    /// HIGHESTMODSEQ of the whole, as far as that is known.
    pub highest_modseq: ModSeq,
}

impl MailboxState {
    /// This is not all: what came behind its last event cannot be read. `head` is the last summary of the whole, if that
    /// is left.
    #[must_use]
    pub fn in_part(self, head: Option<&Head>) -> Self {
        let known = self.head();
        let part = Part {
            uid_next: head.map_or(known.uid_next, |head| head.uid_next.max(known.uid_next)),
            highest_modseq: head
                .map_or(known.highest_modseq, |head| head.highest_modseq.max(known.highest_modseq)),
        };
        Self { part: Some(part), ..self }
    }

    /// What is known of the rest, where this is not all.
    #[must_use]
    pub const fn part(&self) -> Option<&Part> {
        self.part.as_ref()
    }

    /// Those of `uids` of which it can be told whether they are there.
    pub(crate) fn known_among(&self, uids: UidSet) -> UidSet {
        match (self.part, Uid::new(self.uid_next.get() - 1)) {
            (None, _) => uids,
            (Some(_), Some(last)) => uids.intersection(&UidSet::range(Uid::MIN, last)),
            (Some(_), None) => UidSet::new(),
        }
    }
}
