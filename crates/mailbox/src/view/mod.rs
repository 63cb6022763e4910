//! What one session has been told.
//!
//! A view is the UIDs that it has announced (message numbers are counted in them), the MODSEQ up to which it has
//! told flags, and the *ghosts*: messages that are expunged and not yet announced as such. It holds no state of
//! the mailbox, so a session that is stuck costs its own few octets. [`View::announce`] compares it with the
//! current state and says what to tell; what that costs depends on what changed, not on what is there.
//!
//! > **Promises.** Message numbers move only where a [`Permit`] lets them. A change is told at least once, and a
//! > QRESYNC client that drops at any moment finds what it was not told: the HIGHESTMODSEQ that it was given is
//! > never above a change that it has not seen (RFC 7162, 3.2). VANISHED names announced UIDs alone (3.2.10.2).
//!
//! The session decides *when*: it announces after each command, and while it idles; it announces until
//! [`Announcement::is_complete`] before it sends the tagged reply, and asks [`View::highest_modseq`] what the
//! reply must say.

mod announce;
mod index;

pub use announce::{Announcement, BATCH_ITEMS, Fetched, Item, MessageName, Permit, TooManyGhosts};

use crate::decide::Stored;
use crate::{Flagged, MailboxState, Row};
use index::Index;
use terms::{AccountId, ModSeq, SeqNum, Uid, UidSet};

/// How a client wants to hear of changes: each includes those before it, and none is ever taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// EXPUNGE, and FETCH with FLAGS.
    Plain,
    /// FETCH with UID and MODSEQ as well (RFC 7162, 3.1 and 3.2.4).
    Condstore,
    /// VANISHED in place of EXPUNGE (RFC 7162, 3.2.3).
    Qresync,
}

/// How messages are named to a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// By their numbers, in EXPUNGE and FETCH.
    #[default]
    Numbers,
    /// By their UIDs, in VANISHED and UIDFETCH (UIDONLY, RFC 9586).
    Uids,
}

/// How a STORE is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// With the flags of each message.
    Flags,
    /// `.SILENT`: with no flags; but a client that knows MODSEQs is told the new ones (RFC 7162, example 14).
    Silent,
}

/// What a client that comes back remembers: the QRESYNC parameter of SELECT (RFC 7162, 3.2.5), UIDVALIDITY
/// compared already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The HIGHESTMODSEQ that it was told.
    pub modseq: ModSeq,
    /// The UIDs that it knows; `None` means all that were ever given.
    pub uids: Option<UidSet>,
    /// From [`MailboxState::last_match`]: up to this UID it knows of every expunge.
    pub matched: Option<Uid>,
}

/// A message that a session can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<L = Row> {
    /// It is there.
    Live(L),
    /// It is expunged, and the session has not been told: as it was.
    Ghost(Row),
    /// The same, so long ago that nothing is remembered: `NO [EXPUNGEISSUED]`.
    Gone,
}

/// One session's knowledge of one mailbox.
#[derive(Clone, Debug)]
pub struct View {
    account: AccountId,
    dialect: Dialect,
    naming: Naming,
    index: Index,
    /// UIDNEXT when arrivals were announced last.
    next: Uid,
    told: ModSeq,
    ghosts: Ghosts,
    keywords: usize,
    recent: UidSet,
    owed: Owed,
    settled: Settled,
    sweep: Option<Sweep>,
    promised: ModSeq,
    /// Of a mailbox in part: what the client is told to know, though what was behind the hole is not told.
    believed: ModSeq,
}

/// Expunged, and not announced as such.
#[derive(Clone, Debug)]
struct Ghosts {
    uids: UidSet,
    /// Expunges up to this MODSEQ are in `uids`, or announced.
    noticed: ModSeq,
    /// While there are ghosts: below the MODSEQ of the oldest.
    floor: ModSeq,
}

/// Messages whose FETCH answers a STORE.
#[derive(Clone, Debug, Default)]
struct Owed {
    flags: UidSet,
    modseqs: UidSet,
}

impl Owed {
    fn is_empty(&self) -> bool {
        self.flags.is_empty() && self.modseqs.is_empty()
    }
}

/// Messages whose changes up to a MODSEQ the client knows: it made them, or is told of them another way.
#[derive(Clone, Debug, Default)]
struct Settled {
    uids: UidSet,
    through: ModSeq,
}

/// A walk along changed messages that was interrupted because a batch was full.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    /// It goes on here.
    from: Uid,
    /// Messages from here on were announced by EXISTS since it began: the client asks for their flags itself.
    end: Uid,
    /// When it is done, changes up to here are told.
    target: ModSeq,
}

impl View {
    /// The view of a session that selects the mailbox: SELECT's own replies tell what is there now. `recent` are
    /// the messages to be shown as `\Recent`, from this UID on; `None` for sessions without `\Recent`.
    #[must_use]
    pub fn open(state: &MailboxState, account: AccountId, dialect: Dialect, recent: Option<Uid>) -> Self {
        let now = state.reader(account).highest_modseq();
        let index = Index::new(state.uids(Uid::MIN));
        let believed = state.part().map_or(ModSeq::ZERO, |part| part.highest_modseq);
        let recent = recent.map(|from| index.uids().intersection(&UidSet::range(from, Uid::MAX)));
        Self {
            account,
            dialect,
            naming: Naming::Numbers,
            index,
            next: state.uid_next(),
            told: now,
            ghosts: Ghosts { uids: UidSet::new(), noticed: now, floor: now },
            keywords: state.keywords().len(),
            recent: recent.unwrap_or_default(),
            owed: Owed::default(),
            settled: Settled::default(),
            sweep: None,
            promised: now.max(believed),
            believed,
        }
    }

    /// Takes note, before anything is told, of what a client with QRESYNC knows. In a mailbox in part it is told to know
    /// that and no more: should the rest be read again, it is told what it has missed.
    pub fn believe(&mut self, state: &MailboxState, known: ModSeq) {
        if let Some(part) = state.part() {
            let now = state.reader(self.account).highest_modseq();
            self.believed = known.min(part.highest_modseq).max(now);
            self.promised = self.believed;
        }
    }

    /// HIGHESTMODSEQ, as SELECT tells it.
    #[must_use]
    pub const fn first_highest_modseq(&self) -> ModSeq {
        self.promised
    }

    /// Takes up where a QRESYNC client left: answers with the UIDs of VANISHED (EARLIER); what else changed comes
    /// with the next [`Self::announce`]. To be asked of a fresh view, with the state that opened it.
    #[must_use]
    pub fn resync(&mut self, state: &MailboxState, known: &Known) -> UidSet {
        let is_reliable = state.is_reliable(known.modseq);
        self.told = if is_reliable { known.modseq.min(self.told) } else { ModSeq::ZERO };
        if let Some(uids) = known.uids.as_ref().filter(|_| is_reliable) {
            // RFC 7162, 3.2.5.1: "the server should only report flag changes and expunges for the specified
            // messages". Behind a skip all are reported: one may be back that the client saw vanish.
            self.settled = Settled { uids: self.index.uids().difference(uids), through: self.promised };
        }
        state.vanished(known)
    }

    /// From now on changes are told in this way, too.
    ///
    /// The first time that a client shows that it knows MODSEQs, the next reply must carry HIGHESTMODSEQ
    /// (RFC 7162, 3.1): it was promised none yet.
    pub fn enable(&mut self, dialect: Dialect) {
        if self.dialect == Dialect::Plain && dialect != Dialect::Plain {
            self.promised = ModSeq::ZERO;
        }
        self.dialect = self.dialect.max(dialect);
    }

    /// From now on messages are named in this way.
    pub fn use_naming(&mut self, naming: Naming) {
        self.naming = naming;
    }

    /// How messages are named.
    #[must_use]
    pub const fn naming(&self) -> Naming {
        self.naming
    }

    /// The account whose view it is.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// How many messages the client counts: EXISTS.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.index.len()
    }

    /// The UIDs that the client was told of, ghosts included.
    #[must_use]
    pub const fn uids(&self) -> &UidSet {
        self.index.uids()
    }

    /// How many of its messages are `\Recent`.
    #[must_use]
    pub fn recent(&self) -> u64 {
        self.recent.len()
    }

    /// From now on no message is shown as `\Recent`; arrivals neither, if [`Self::announce`] is told so.
    pub fn give_up_recent(&mut self) {
        self.recent = UidSet::new();
    }

    /// Whether a message is shown as `\Recent`.
    #[must_use]
    pub fn is_recent(&self, uid: Uid) -> bool {
        self.recent.contains(uid)
    }

    /// Whether the client is to be told of new keywords, which are taken as told: before a message has them.
    #[must_use]
    pub fn learn_keywords(&mut self, current: &MailboxState) -> bool {
        let known = std::mem::replace(&mut self.keywords, current.keywords().len());
        known < self.keywords
    }

    /// The number of a message.
    #[must_use]
    pub fn seq(&self, uid: Uid) -> Option<SeqNum> {
        self.index.seq(uid)
    }

    /// The message of a number.
    #[must_use]
    pub fn uid(&self, seq: SeqNum) -> Option<Uid> {
        self.index.uid(seq)
    }

    /// The messages of these numbers; `None` if the last of them is not there (RFC 9051, 9: a number beyond the
    /// last message is an error of the client).
    #[must_use]
    pub fn numbered(&self, first: SeqNum, last: SeqNum) -> Option<UidSet> {
        let range = UidSet::range(self.uid(first)?, self.uid(last)?);
        Some(self.index.uids().intersection(&range))
    }

    /// A message that the client can name; `None` if it cannot.
    #[must_use]
    pub fn find(&self, current: &MailboxState, uid: Uid) -> Option<Found> {
        let reader = current.reader(self.account);
        self.index.seq(uid)?;
        let ghost = || reader.ghost(uid).map_or(Found::Gone, Found::Ghost);
        Some(reader.row(uid).map_or_else(ghost, Found::Live))
    }

    /// What the client may be told of messages whose UIDs ascend, each with what it goes by; `None` for one that the
    /// client cannot name.
    pub fn find_all<'v>(
        &'v self,
        current: &'v MailboxState,
        uids: &'v [Uid],
    ) -> impl Iterator<Item = Option<(MessageName, Found)>> + 'v {
        let mut rows = current.reader(self.account).lookup();
        self.find_each(current, uids, move |uid| rows.row(uid))
    }

    /// The same for whoever asks for flags and MODSEQs alone: of what is there nothing else is unpacked.
    pub fn find_flags<'v>(
        &'v self,
        current: &'v MailboxState,
        uids: &'v [Uid],
    ) -> impl Iterator<Item = Option<(MessageName, Found<Flagged<'v>>)>> + 'v {
        let mut flags = current.reader(self.account).flags_lookup();
        self.find_each(current, uids, move |uid| flags.find(uid))
    }

    fn find_each<'v, L: 'v>(
        &'v self,
        current: &'v MailboxState,
        uids: &'v [Uid],
        mut live: impl FnMut(Uid) -> Option<L> + 'v,
    ) -> impl Iterator<Item = Option<(MessageName, Found<L>)>> + 'v {
        let reader = current.reader(self.account);
        uids.iter().map(move |uid| {
            let name = self.name(*uid)?;
            let ghost = || reader.ghost(*uid).map_or(Found::Gone, Found::Ghost);
            Some((name, live(*uid).map_or_else(ghost, Found::Live)))
        })
    }

    /// Takes note of a STORE of this session: `base` is the state that the decision was made from, `after` the
    /// one behind its events. The FETCH replies come with the next [`Self::announce`].
    ///
    /// A silent STORE tells the client nothing that it did not do itself; a change by somebody else to the same
    /// message, of which it has not heard, is told all the same, whether it came before or after.
    pub fn stored(&mut self, base: &MailboxState, after: &MailboxState, stored: &Stored, reply: Reply) {
        let settled = match reply {
            Reply::Flags => {
                self.owed.flags = self.owed.flags.union(&stored.passed);
                stored.passed.union(&stored.modified)
            }
            Reply::Silent => {
                let before = base.reader(self.account).changed(self.told, Uid::MIN);
                stored.changed.difference(&before.map(|row| row.uid).collect())
            }
        };
        if reply == Reply::Silent && self.dialect >= Dialect::Condstore {
            self.owed.modseqs = self.owed.modseqs.union(&stored.passed);
        }
        // RFC 7162, 3.1.3: telling what became of them spares the client a FETCH.
        self.owed.flags = self.owed.flags.union(&stored.modified);
        let through = after.reader(self.account).highest_modseq();
        self.settled = Settled { uids: settled, through };
    }

    /// What the tagged reply must carry as HIGHESTMODSEQ, if anything: the highest MODSEQ below which the client
    /// has missed nothing. It goes back behind MODSEQs that were sent when an older expunge is still to be told
    /// (RFC 7162, 3.2 and the example in 6).
    #[must_use]
    pub fn highest_modseq(&mut self, current: &MailboxState) -> Option<ModSeq> {
        if self.dialect == Dialect::Plain {
            return None;
        }
        let safe = if self.ghosts.uids.is_empty() { self.told } else { self.told.min(self.ghosts.floor) };
        // Where the client may have seen higher ones, it would go by those (RFC 7162, 6).
        let newest = current.reader(self.account).highest_modseq().max(self.believed);
        let safe = safe.max(self.believed);
        (safe != self.promised || safe < newest).then(|| {
            self.promised = safe;
            safe
        })
    }

    /// What it keeps in memory, in octets.
    #[must_use]
    pub fn resident_octets(&self) -> usize {
        let sets =
            [&self.ghosts.uids, &self.recent, &self.owed.flags, &self.owed.modseqs, &self.settled.uids];
        let sets: usize = sets.into_iter().map(|set| size_of_val(set.spans())).sum();
        size_of::<Self>() + self.index.heap_octets() + sets
    }
}
