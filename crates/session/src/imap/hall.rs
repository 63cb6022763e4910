//! Whoever is here has signed in; and what they have open.

use super::fetch::Bookmark;
use super::revision::Revision;
use super::saved::Saved;
use super::sort::Order;
use super::utf8::Utf8;
use crate::port::{Mail, Mailbox, Recency};
use crate::refusal::Refusal;
use mailbox::account::{self, Account};
use mailbox::{Dialect, MailboxState, Naming, View};
use std::sync::Arc;
use terms::{AccountId, MailboxName, SeqNum, Uid, UidSet};
use wire::imap::command::Access;
use wire::imap::reply::Code;
use wire::imap::{MessageSet, NameForm, Numbering, SequenceSet};

/// Somebody who signed in, and the mailbox that is open, if one is. A command that asks for a `Hall` cannot be
/// given before a login.
pub(super) struct Hall<M: Mail> {
    pub mail: M,
    /// How changes are told: CONDSTORE and QRESYNC, once enabled, stay.
    pub dialect: Dialect,
    /// What the client has enabled of RFC 9051.
    pub revision: Revision,
    /// Whether messages have numbers: UIDONLY, once enabled, stays.
    pub naming: Naming,
    /// Whether the client has enabled UTF8=ACCEPT.
    pub utf8: Utf8,
    pub selected: Option<Selected<M::Mailbox>>,
}

impl<M: Mail> Hall<M> {
    pub(super) const fn new(mail: M) -> Self {
        Self {
            mail,
            dialect: Dialect::Plain,
            revision: Revision::Rev1,
            naming: Naming::Numbers,
            utf8: Utf8::Unasked,
            selected: None,
        }
    }

    /// The open mailbox.
    pub(super) fn selected(&mut self) -> Result<&mut Selected<M::Mailbox>, Refusal> {
        self.selected.as_mut().ok_or_else(|| Refusal::misspoken("Select a mailbox first"))
    }

    /// A client that uses MODSEQs without ENABLE has enabled CONDSTORE by it (RFC 7162, 3.1: "CONDSTORE enabling
    /// command").
    pub(super) fn enable(&mut self, dialect: Dialect) {
        self.dialect = self.dialect.max(dialect);
        if let Some(selected) = &mut self.selected {
            selected.view.enable(dialect);
        }
    }

    /// How mailbox names are written, by the client and to it: as they are once it has enabled UTF8=ACCEPT (RFC 9755, 3)
    /// or IMAP4rev2 (RFC 9051, 5.1).
    pub(super) const fn names(&self) -> NameForm {
        match (self.utf8, self.revision) {
            (Utf8::Unasked, Revision::Rev1) => NameForm::Utf7,
            (Utf8::Accepted, _) | (_, Revision::Rev2) => NameForm::Utf8,
        }
    }

    /// From now on this revision is spoken. There is no way back, so what an open mailbox had as `\Recent` is gone.
    pub(super) fn speak(&mut self, revision: Revision) {
        self.revision = revision;
        if let Some(selected) = &mut self.selected {
            selected.speak(revision);
        }
    }

    /// From now on messages are named in this way.
    pub(super) fn use_naming(&mut self, naming: Naming) {
        self.naming = naming;
        if let Some(selected) = &mut self.selected {
            selected.view.use_naming(naming);
        }
    }
}

/// An open mailbox, and what its session has been told of it.
pub(super) struct Selected<B> {
    pub mailbox: B,
    pub view: View,
    pub access: Access,
    /// Whether the rest of it cannot be read.
    pub extent: Extent,
    /// In which revision it is spoken of.
    pub revision: Revision,
    /// Whose mailbox it is.
    pub owner: AccountId,
    /// Where in a part the last FETCH BINARY ended.
    pub bookmark: Option<Box<Bookmark>>,
    /// What `$` stands for.
    pub saved: Saved,
    /// The last order that a page was told of.
    pub order: Option<Box<Order>>,
    /// Up to where `\Recent` was asked for.
    asked: Uid,
    /// From where messages are `\Recent` to this session.
    recent: Uid,
}

/// How much of a mailbox is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// What is before a hole.
    Part,
}

/// Proof that the open mailbox was opened by SELECT and not by EXAMINE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writable(());

impl<B: Mailbox> Selected<B> {
    /// Opens a view for IMAP4rev1. What is `\Recent` is claimed by SELECT and looked at by EXAMINE.
    pub(super) async fn open(
        mailbox: B,
        state: &MailboxState,
        reader: AccountId,
        access: Access,
        dialect: Dialect,
    ) -> Result<Self, Refusal> {
        let asked = state.uid_next();
        let recent = mailbox.recent(recency(access), asked).await?;
        let view = View::open(state, reader, dialect, Some(recent));
        let (owner, saved, revision) = (state.owner(), Saved::default(), Revision::Rev1);
        let extent = if state.part().is_some() { Extent::Part } else { Extent::Whole };
        Ok(Self {
            mailbox,
            view,
            access,
            extent,
            revision,
            owner,
            bookmark: None,
            saved,
            order: None,
            asked,
            recent,
        })
    }

    /// RFC 9051, appendix E, 12: `\Recent` is IMAP4rev1's.
    pub(super) fn speak(&mut self, revision: Revision) {
        self.revision = revision;
        if revision == Revision::Rev2 {
            self.view.give_up_recent();
        }
    }

    /// The mailbox as it is now. A session whose mailbox was closed is told so with its next command, and that
    /// command is refused if it needs the mailbox.
    pub(super) async fn current(&self) -> Result<Arc<MailboxState>, Refusal> {
        self.mailbox.current().await?.ok_or_else(|| self.mailbox.closed().into())
    }

    /// From where arrivals are shown as `\Recent`, claimed before they are told. IMAP4rev2 shows none and claims them
    /// all the same: to a session of IMAP4rev1 a message is recent if no other was notified before (RFC 3501, 2.3.2).
    pub(super) async fn recent(&mut self, state: &MailboxState) -> Result<Option<Uid>, Refusal> {
        if self.asked < state.uid_next() {
            self.recent = self.mailbox.recent(recency(self.access), state.uid_next()).await?;
            self.asked = state.uid_next();
        }
        Ok((self.revision == Revision::Rev1).then_some(self.recent))
    }

    /// The proof that flags and messages may be changed here.
    pub(super) fn writable(&self) -> Result<Writable, Refusal> {
        match (self.access, self.extent) {
            (_, Extent::Part) => Err(Refusal::denied(Code::ReadOnly, IN_PART)),
            (Access::ReadWrite, Extent::Whole) => Ok(Writable(())),
            (Access::ReadOnly, Extent::Whole) => {
                let why = "This mailbox was opened by EXAMINE, which changes nothing; SELECT it first";
                Err(Refusal::denied(Code::ReadOnly, why))
            }
        }
    }

    /// The messages that a command names, as far as the client has been told of them: ghosts included.
    pub(super) fn named(&self, numbering: Numbering, set: &MessageSet) -> Result<UidSet, Refusal> {
        match (set, numbering) {
            // RFC 5182, 2.1: "a valid, but non-matching list" where it is empty.
            (MessageSet::Saved, _) => Ok(self.saved.among(self.view.uids())),
            // RFC 3501, 6.4.8: a UID that does not exist is ignored, without an error.
            (MessageSet::Written(set), Numbering::Uid) => {
                Ok(set.uids(self.view.uids().last()).intersection(self.view.uids()))
            }
            (MessageSet::Written(set), Numbering::Sequence) => self.numbered(set),
        }
    }

    /// RFC 9051, 9, seq-number: one beyond the last message is BAD, "*" in an empty mailbox included. A set can have
    /// as many ranges as fit into a command, so each costs no more than finding its ends.
    fn numbered(&self, set: &SequenceSet) -> Result<UidSet, Refusal> {
        let at = |number| SeqNum::new(number).and_then(|number| self.view.uid(number));
        let ends = set.resolve(self.view.messages()).into_iter().map(|(first, last)| at(first).zip(at(last)));
        match ends.collect::<Option<Vec<_>>>() {
            Some(ends) if !ends.is_empty() => Ok(UidSet::from_ranges(ends).intersection(self.view.uids())),
            _ => Err(self.no_such_number()),
        }
    }

    fn no_such_number(&self) -> Refusal {
        Refusal::misspoken(match self.view.messages() {
            0 => "There are no messages in this mailbox".into(),
            1 => "There is one message in this mailbox".into(),
            messages => format!("There are {messages} messages in this mailbox"),
        })
    }

    /// Some messages in a command's own numbering, for MODIFIED and SEARCH.
    pub(super) fn as_numbers(&self, numbering: Numbering, uids: &UidSet) -> Option<SequenceSet> {
        match numbering {
            Numbering::Uid => SequenceSet::of_uids(uids),
            Numbering::Sequence => {
                let numbers = uids.iter().filter_map(|uid| self.view.seq(uid));
                SequenceSet::of_positions(ranges(numbers))
            }
        }
    }
}

/// Why nothing changes in a mailbox with a hole.
pub const IN_PART: &str = "Part of this mailbox cannot be read, and nothing is changed in it until your administrator has mended it";

const fn recency(access: Access) -> Recency {
    match access {
        Access::ReadWrite => Recency::Claim,
        Access::ReadOnly => Recency::Look,
    }
}

/// Joins ascending numbers that follow each other.
fn ranges(numbers: impl Iterator<Item = SeqNum>) -> Vec<(SeqNum, SeqNum)> {
    let mut ranges: Vec<(SeqNum, SeqNum)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.next() == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

/// A mailbox by its name, where nothing else will do.
pub(super) fn existing(account: &Account, name: &MailboxName) -> Result<account::Mailbox, Refusal> {
    let nonexistent = || account::Refusal::NonExistent(name.clone()).into();
    account.mailbox(name).copied().ok_or_else(nonexistent)
}

/// The target of APPEND, COPY or MOVE. RFC 3501, 6.3.11: `[TRYCREATE]` "as a hint to the client that it can
/// attempt a CREATE command and retry", and only if that would work.
pub(super) fn target(account: &Account, name: &MailboxName) -> Result<account::Mailbox, Refusal> {
    let missing = || match name.check_new() {
        Ok(()) => Refusal::denied(Code::TryCreate, account::Refusal::NonExistent(name.clone()).to_string()),
        Err(why) => why.into(),
    };
    account.mailbox(name).copied().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_one_range() {
        let number = |n| SeqNum::new(n).unwrap();
        let joined = ranges([1, 2, 3, 5, 7, 8].map(number).into_iter());
        assert_eq!(joined, [(1, 3), (5, 5), (7, 8)].map(|(first, last)| (number(first), number(last))));
        assert_eq!(ranges(std::iter::empty()), []);
    }
}
