//! The state of a mailbox: what its events come to.
//!
//! A value that shares what does not change: applying an event copies one path of a shallow tree, and whoever
//! holds the state from before has it still. What a flag or a MODSEQ *is* depends on who looks, so messages are
//! read through [`MailboxState::reader`] alone.

mod apply;
mod apply_all;
mod part;
mod reader;
mod salvage;
mod same;
mod snapshot;

pub use apply::Misfit;
pub use part::Part;
pub use reader::{Changed, FlagsLookup, Reader, RowLookup, Rows};
pub use salvage::{Foundling, GoingOn, Salvage};

use crate::expunges::Expunges;
use crate::graves::Graves;
use crate::private::Private;
use crate::row::MessageLeaf;
use crate::tree::{Leaf, Tree, Wanted};
use crate::{Created, FlagSet, Head, Keywords, SystemFlags};
use std::collections::BTreeMap;
use std::sync::Arc;
use terms::{AccountId, ModSeq, SeqNum, Uid, UidSet, UidValidity};

/// A mailbox at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MailboxState {
    stream: u32,
    owner: AccountId,
    uid_validity: UidValidity,
    uid_next: Uid,
    /// How many events it is the fold of.
    seq: u64,
    modseq_base: ModSeq,
    /// The highest MODSEQ that everybody sees.
    highest_shared: ModSeq,
    keywords: Arc<Keywords>,
    messages: Tree<MessageLeaf>,
    privates: Arc<BTreeMap<AccountId, Private>>,
    expunges: Expunges,
    /// The MODSEQ of the last skip: what clients heard before may be of commits that are lost.
    skipped: ModSeq,
    graves: Graves<MessageLeaf>,
    part: Option<Part>,
}

impl MailboxState {
    /// The state after its first event.
    ///
    /// # Errors
    /// When no MODSEQ is left for a second one.
    pub fn create(created: &Created) -> Result<Self, Misfit> {
        let highest_shared = created.modseq_base.plus(1).ok_or(Misfit::ModSeq)?;
        Ok(Self {
            stream: created.stream,
            owner: created.owner,
            uid_validity: created.uid_validity,
            uid_next: created.uid_next,
            seq: 1,
            modseq_base: created.modseq_base,
            highest_shared,
            keywords: Arc::default(),
            messages: Tree::default(),
            privates: Arc::default(),
            expunges: Expunges::from_horizon(created.modseq_base),
            skipped: ModSeq::ZERO,
            graves: Graves::default(),
            part: None,
        })
    }

    /// The number of its last event.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The MODSEQ of its last event, whoever may see it.
    #[must_use]
    pub fn last_modseq(&self) -> ModSeq {
        self.modseq_in(0).unwrap_or(self.highest_shared)
    }

    /// The number of its stream within the account.
    #[must_use]
    pub const fn stream(&self) -> u32 {
        self.stream
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(&self) -> AccountId {
        self.owner
    }

    /// UIDVALIDITY
    #[must_use]
    pub const fn uid_validity(&self) -> UidValidity {
        self.uid_validity
    }

    /// UIDNEXT. The highest UID of all is never given, so that there is always a next one.
    #[must_use]
    pub const fn uid_next(&self) -> Uid {
        self.uid_next
    }

    /// The keywords that FLAGS lists.
    #[must_use]
    pub fn keywords(&self) -> &Keywords {
        &self.keywords
    }

    /// How many messages there are.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.messages.summary().rows
    }

    /// How many of them have `\Deleted`.
    #[must_use]
    pub fn deleted(&self) -> u32 {
        self.messages.summary().marked
    }

    /// The sum of their sizes.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.messages.summary().octets
    }

    /// Whether the message is there.
    #[must_use]
    pub fn contains(&self, uid: Uid) -> bool {
        self.messages.contains(uid)
    }

    /// The UIDs of its messages, from `from` on.
    #[must_use]
    pub fn uids(&self, from: Uid) -> UidSet {
        self.messages.uids(from)
    }

    /// The UID of the nth message.
    #[must_use]
    pub fn uid_at(&self, n: SeqNum) -> Option<Uid> {
        self.messages.select(n.get())
    }

    /// The messages as this account sees them.
    #[must_use]
    pub fn reader(&self, account: AccountId) -> Reader<'_> {
        Reader::new(self, account)
    }

    /// The mailbox in a few octets.
    #[must_use]
    pub fn head(&self) -> Head {
        let owner = self.reader(self.owner);
        Head {
            messages: self.messages(),
            unseen: owner.unseen(),
            deleted: self.deleted(),
            octets: self.octets(),
            uid_next: self.uid_next,
            uid_validity: self.uid_validity,
            highest_modseq: owner.highest_modseq(),
        }
    }

    /// The UIDs of the messages with `\Deleted`. Visits only the parts of the mailbox that have some.
    #[must_use]
    pub fn deleted_uids(&self) -> UidSet {
        let mut deleted = UidSet::new();
        for leaf in self.messages.leaves_with(Wanted::Marked, Uid::MIN) {
            let is_deleted = |flags: &FlagSet| flags.system.contains(SystemFlags::DELETED);
            let wanted: Vec<bool> = leaf.combinations().iter().map(is_deleted).collect();
            leaf.name_some(0..leaf.len(), &wanted, &mut deleted);
        }
        deleted
    }

    /// The sum of their sizes: what an expunge would give back. Visits the same parts.
    #[must_use]
    pub fn deleted_octets(&self) -> u64 {
        self.messages.walk(Wanted::Marked, Uid::MIN).map(|row| row.size).fold(0, u64::saturating_add)
    }

    /// The last UID of a message, for `*` in a set.
    #[must_use]
    pub fn last_uid(&self) -> Option<Uid> {
        self.messages.select(self.messages())
    }

    /// What it keeps in memory, in octets. What it shares with other states is counted in each. As quickly said of a
    /// million messages as of one.
    #[must_use]
    pub fn resident_octets(&self) -> usize {
        let private = |p: &Private| p.marks.heap_octets() + p.graves.heap_octets();
        let keywords: usize = self.keywords.iter().map(|k| k.as_str().len() + size_of::<usize>() * 3).sum();
        size_of::<Self>()
            + self.messages.heap_octets()
            + self.graves.heap_octets()
            + self.privates.values().map(private).sum::<usize>()
            + self.expunges.heap_octets()
            + keywords
    }

    pub(crate) const fn expunges(&self) -> &Expunges {
        &self.expunges
    }

    pub(crate) const fn modseq_base(&self) -> ModSeq {
        self.modseq_base
    }

    /// The MODSEQ of the `n`th event from now, if there is one left.
    pub(crate) fn modseq_in(&self, n: u64) -> Option<ModSeq> {
        self.modseq_base.plus(self.seq.checked_add(n)?)
    }

    pub(crate) fn knows_reader(&self, account: AccountId) -> bool {
        self.privates.contains_key(&account)
    }

    pub(crate) fn readers(&self) -> usize {
        self.privates.len()
    }

    /// Whether a client that knows the mailbox up to `modseq` can rely on what it knows: not from before a skip.
    ///
    /// It is not enough to look whether its MODSEQ is one of those that are lost: a client may have heard a lost
    /// change, and dropped before a HIGHESTMODSEQ confirmed it.
    pub(crate) fn is_reliable(&self, modseq: ModSeq) -> bool {
        modseq >= self.skipped
    }
}
