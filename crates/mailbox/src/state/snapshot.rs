//! A state as octets and back: leaf by leaf, packed as they are in memory.
//!
//! A piece is a version and then sections, each a kind and its content; a section never spans two pieces. What a
//! session alone needs, the graves, is left out. Whether the octets are those that were written is for the store
//! to check; what is checked here is that they make sense, so that a state which was read is as good as one
//! which was folded.

use super::MailboxState;
use crate::codec::{DecodeError, Reader, Writer};
use crate::decide::MAX_RANGES_IN_EVENT;
use crate::event::read_keyword;
use crate::expunges::Expunges;
use crate::graves::Graves;
use crate::private::{MarkLeaf, Private};
use crate::row::MessageLeaf;
use crate::tree::{Leaf, Tree};
use crate::{Keywords, MAX_KEYWORDS, MAX_READERS};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use terms::{AccountId, ModSeq, Uid, UidSet, UidValidity};

/// The version of the form below.
const VERSION: u8 = 1;
/// Longest piece, in octets: as `store` has it. The longest section, a leaf with a thousand keywords on each
/// message, is half as long.
const MAX_PIECE_OCTETS: usize = 1 << 20;

mod kind {
    pub(super) const MAILBOX: u8 = 1;
    pub(super) const KEYWORD: u8 = 2;
    pub(super) const EXPUNGE: u8 = 3;
    pub(super) const MESSAGES: u8 = 4;
    /// An account; the marks behind it are its own.
    pub(super) const PRIVATE: u8 = 5;
    pub(super) const MARKS: u8 = 6;
    pub(super) const END: u8 = 7;
}

impl MailboxState {
    /// The state in pieces of at most a mebioctet.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Bytes> {
        let mut out = Pieces::with_room_for(self.resident_octets());
        out.section(kind::MAILBOX, |w| self.write_mailbox(w));
        for keyword in self.keywords.iter() {
            out.section(kind::KEYWORD, |w| w.text(keyword.as_str()));
        }
        for expunge in self.expunges.iter() {
            for spans in expunge.uids.spans().chunks(MAX_RANGES_IN_EVENT) {
                out.section(kind::EXPUNGE, |w| {
                    w.number(expunge.modseq.get());
                    w.uids(&UidSet::from_ranges(spans.iter().copied()));
                });
            }
        }
        for leaf in self.messages.leaves() {
            out.section(kind::MESSAGES, |w| leaf.encode(w));
        }
        for (account, private) in self.privates.iter() {
            out.section(kind::PRIVATE, |w| {
                w.number(account.0);
                w.number(private.highest.get());
            });
            for leaf in private.marks.leaves() {
                out.section(kind::MARKS, |w| leaf.encode(w));
            }
        }
        out.section(kind::END, |_| ());
        out.finish()
    }

    fn write_mailbox(&self, w: &mut Writer) {
        w.number(u64::from(self.stream));
        w.number(self.owner.0);
        w.number(u64::from(self.uid_validity.get()));
        w.uid(self.uid_next);
        w.number(self.seq);
        w.number(self.modseq_base.get());
        w.number(self.highest_shared.get());
        w.number(self.expunges.horizon().get());
        w.number(self.skipped.get());
    }

    /// Reads what [`Self::snapshot`] wrote.
    ///
    /// # Errors
    /// What is wrong with the octets.
    pub fn restore<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, DecodeError> {
        let mut parts = Parts::default();
        for piece in pieces {
            let mut r = Reader::new(piece);
            if r.u8()? != VERSION {
                return Err(DecodeError::Unknown);
            }
            while r.left() > 0 {
                parts.read_section(&mut r)?;
            }
        }
        parts.assemble()
    }
}

/// Pieces as they fill up.
#[derive(Default)]
struct Pieces {
    done: Vec<Bytes>,
    open: Writer,
}

impl Pieces {
    /// The first piece grows without being copied, if all take so many octets.
    fn with_room_for(octets: usize) -> Self {
        let open = Writer { octets: Vec::with_capacity(octets.min(MAX_PIECE_OCTETS)) };
        Self { done: Vec::new(), open }
    }

    fn section(&mut self, kind: u8, write: impl FnOnce(&mut Writer)) {
        let mut section = Writer::default();
        section.u8(kind);
        write(&mut section);
        if self.open.octets.len() + section.octets.len() > MAX_PIECE_OCTETS {
            self.close();
        }
        if self.open.octets.is_empty() {
            self.open.u8(VERSION);
        }
        self.open.octets.append(&mut section.octets);
    }

    fn close(&mut self) {
        let full = std::mem::take(&mut self.open);
        self.done.push(full.octets.into());
    }

    fn finish(mut self) -> Vec<Bytes> {
        self.close();
        self.done
    }
}

/// What has been read so far.
#[derive(Default)]
struct Parts {
    mailbox: Option<MailboxState>,
    keywords: Keywords,
    messages: Vec<MessageLeaf>,
    privates: Vec<(AccountId, ModSeq, Vec<MarkLeaf>)>,
    has_ended: bool,
}

impl Parts {
    fn read_section(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let kind = r.u8()?;
        if self.has_ended || self.mailbox.is_some() == (kind == kind::MAILBOX) {
            return Err(DecodeError::Invalid("the order of sections"));
        }
        match kind {
            kind::MAILBOX => self.mailbox = Some(read_mailbox(r)?),
            kind::KEYWORD => self.read_keyword(r)?,
            kind::EXPUNGE => self.read_expunge(r)?,
            kind::MESSAGES => read_leaf(&mut self.messages, MessageLeaf::decode(r, self.keywords.len())?)?,
            kind::PRIVATE => self.read_private(r)?,
            kind::MARKS => {
                let (_, _, marks) = self.privates.last_mut().ok_or(DecodeError::Invalid("a private mark"))?;
                read_leaf(marks, MarkLeaf::decode(r)?)?;
            }
            kind::END => self.has_ended = true,
            _ => return Err(DecodeError::Unknown),
        }
        Ok(())
    }

    fn read_keyword(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let keyword = read_keyword(r)?;
        let number = self.keywords.len();
        let is_new = usize::from(self.keywords.meet(&keyword)) == number && number < MAX_KEYWORDS;
        if is_new { Ok(()) } else { Err(DecodeError::Invalid("a keyword")) }
    }

    fn read_expunge(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let (modseq, uids) = (r.modseq()?, r.uids()?);
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.expunges.push(modseq, uids);
        }
        Ok(())
    }

    fn read_private(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let (account, highest) = (AccountId(r.number()?), r.modseq()?);
        let ascends = self.privates.last().is_none_or(|before| before.0 < account);
        if !ascends || self.privates.len() == MAX_READERS {
            return Err(DecodeError::Invalid("an account"));
        }
        self.privates.push((account, highest, Vec::new()));
        Ok(())
    }

    fn assemble(self) -> Result<MailboxState, DecodeError> {
        let mut mailbox = self.mailbox.filter(|_| self.has_ended).ok_or(DecodeError::Short)?;
        mailbox.keywords = Arc::new(self.keywords);
        mailbox.messages = Tree::from_leaves(self.messages);
        let private = |(account, highest, marks)| {
            (account, Private { marks: Tree::from_leaves(marks), highest, graves: Graves::default() })
        };
        mailbox.privates = Arc::new(self.privates.into_iter().map(private).collect::<BTreeMap<_, _>>());
        let below = |last: Option<Uid>| last.is_none_or(|last| last < mailbox.uid_next);
        if below(mailbox.last_uid()) { Ok(mailbox) } else { Err(DecodeError::Invalid("UIDNEXT")) }
    }
}

/// Takes a leaf whose rows ascend, behind those of the leaf before it.
fn read_leaf<L: Leaf>(leaves: &mut Vec<L>, leaf: L) -> Result<(), DecodeError> {
    let mut before = leaves.last().and_then(|last| last.uid(last.len().checked_sub(1)?));
    for at in 0..leaf.len() {
        let uid = leaf.uid(at);
        if uid <= before {
            return Err(DecodeError::Invalid("the order of messages"));
        }
        before = uid;
    }
    leaves.push(leaf);
    Ok(())
}

fn read_mailbox(r: &mut Reader<'_>) -> Result<MailboxState, DecodeError> {
    let (stream, owner) = (r.u32()?, AccountId(r.number()?));
    let uid_validity = UidValidity::new(r.u32()?).ok_or(DecodeError::Invalid("UIDVALIDITY"))?;
    let (uid_next, seq, modseq_base, highest_shared) = (r.uid()?, r.number()?, r.modseq()?, r.modseq()?);
    if seq == 0 || modseq_base.plus(seq).is_none_or(|newest| highest_shared > newest) {
        return Err(DecodeError::Invalid("the number of events"));
    }
    let expunges = Expunges::from_horizon(r.modseq()?);
    Ok(MailboxState {
        stream,
        owner,
        uid_validity,
        uid_next,
        seq,
        modseq_base,
        highest_shared,
        keywords: Arc::default(),
        messages: Tree::default(),
        privates: Arc::default(),
        expunges,
        skipped: r.modseq()?,
        graves: Graves::default(),
        part: None,
    })
}
