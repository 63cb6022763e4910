//! What to tell next.

use super::{Dialect, Naming, Sweep, View};
use crate::{FlagSet, MAX_GHOSTS, MailboxState, Row};
use std::fmt;
use terms::{ModSeq, SeqNum, Uid, UidSet};

/// As many items as a session asks for at once: it writes them out before it asks for more.
pub const BATCH_ITEMS: usize = 1_000;

/// Whether message numbers may move now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// A command is in progress, and it is none of those below: expunges may be told.
    Renumber,
    /// No command is in progress, or FETCH, STORE or SEARCH (RFC 9051, 7.5.1), or a UID SEARCH with message
    /// numbers in it (RFC 7162, 3.2.10.2). Arrivals and flags may be told all the same.
    KeepNumbers,
}

/// One untagged reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// EXPUNGE: numbers behind it move up by one at once.
    Expunge(SeqNum),
    /// VANISHED, without EARLIER: for clients of QRESYNC or UIDONLY.
    Vanished(UidSet),
    /// EXISTS
    Exists(u32),
    /// RECENT
    Recent(u64),
    /// FLAGS and PERMANENTFLAGS: there are new keywords, to be told before a message has them.
    Keywords,
    /// FETCH
    Fetch(Fetched),
}

/// What a message goes by in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageName {
    /// FETCH
    Number(SeqNum),
    /// UIDFETCH (RFC 9586, 3.3)
    Uid(Uid),
}

/// A FETCH that the client did not ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What it goes by: UIDFETCH where it is the UID (RFC 9586, 3.6).
    pub name: MessageName,
    /// Its UID, for clients that know MODSEQs (RFC 7162, 3.2.4).
    pub uid: Uid,
    /// All its flags but `\Recent`; `None` if they are not told.
    pub flags: Option<FlagSet>,
    /// Whether `\Recent` belongs to the flags.
    pub recent: bool,
    /// Its MODSEQ, for clients that know them.
    pub modseq: Option<ModSeq>,
}

/// What to tell, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Not many more than were asked for.
    pub items: Vec<Item>,
    most: usize,
    /// Set when a batch was cut off.
    more: bool,
    /// How many nodes of the mailbox were looked into: work, for those who count it.
    pub visits: usize,
}

impl Announcement {
    /// Whether there is nothing more to tell than this, as far as the permit goes.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        !self.more
    }

    const fn room(&self) -> usize {
        self.most.saturating_sub(self.items.len())
    }
}

/// More than [`MAX_GHOSTS`] messages are expunged that the session could not be told of: BYE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyGhosts;

impl fmt::Display for TooManyGhosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "More than {MAX_GHOSTS} messages were expunged while you could not be told; please reconnect"
        )
    }
}

impl std::error::Error for TooManyGhosts {}

impl View {
    /// The next untagged replies that bring the client up to `current`, and are taken as told. States must come
    /// in order. `recent`: arrivals are shown as `\Recent` from this UID on, the mailbox's watermark, which a
    /// read-write session claims before it asks; `None` for sessions without `\Recent`. A batch ends behind
    /// `most` items, of which [`BATCH_ITEMS`] are a good number.
    ///
    /// # Errors
    /// When the session has fallen too far behind.
    pub fn announce(
        &mut self,
        current: &MailboxState,
        permit: Permit,
        recent: Option<Uid>,
        most: usize,
    ) -> Result<Announcement, TooManyGhosts> {
        let mut out = Announcement { most: most.max(1), ..Announcement::default() };
        self.notice_expunges(current)?;
        if permit == Permit::Renumber {
            self.tell_expunges(&mut out);
        }
        if out.room() > 0 {
            // What arrives only now is not in this walk: a client asks for new messages' flags itself.
            let sweep = self.sweep.unwrap_or(Sweep {
                from: Uid::MIN,
                end: self.next,
                target: current.reader(self.account).highest_modseq(),
            });
            self.tell_arrivals(current, recent, &mut out);
            if self.learn_keywords(current) {
                out.items.push(Item::Keywords);
            }
            self.tell_owed(current, &mut out);
            if self.owed.is_empty() {
                self.tell_changes(current, sweep, &mut out);
            }
        }
        out.more = self.has_more(current, permit);
        Ok(out)
    }

    fn has_more(&self, current: &MailboxState, permit: Permit) -> bool {
        let expunges = permit == Permit::Renumber && !self.ghosts.uids.is_empty();
        let arrivals = self.next < current.uid_next();
        let changes = self.told < current.reader(self.account).highest_modseq();
        expunges || arrivals || changes || !self.owed.is_empty()
    }

    /// Messages that went become ghosts, if the client knows them at all.
    fn notice_expunges(&mut self, current: &MailboxState) -> Result<(), TooManyGhosts> {
        let (gone, floor) = self.gone_since(current, self.ghosts.noticed);
        if self.ghosts.uids.is_empty() {
            self.ghosts.floor = floor;
        }
        if !gone.is_empty() {
            self.ghosts.uids = self.ghosts.uids.union(&gone);
        }
        self.ghosts.noticed = current.reader(self.account).highest_modseq();
        if self.ghosts.uids.len() > MAX_GHOSTS as u64 { Err(TooManyGhosts) } else { Ok(()) }
    }

    /// What went of that which was announced, and the MODSEQ below the first of it.
    fn gone_since(&self, current: &MailboxState, since: ModSeq) -> (UidSet, ModSeq) {
        let Some(newest_first) = current.expunges().behind(since) else {
            return (self.index.uids().difference(&current.uids(Uid::MIN)), since);
        };
        let (mut gone, mut floor) = (UidSet::new(), since);
        for expunge in newest_first {
            let known = expunge.uids.intersection(self.index.uids());
            if !known.is_empty() {
                gone = gone.union(&known);
                floor = expunge.modseq.before();
            }
        }
        (gone, floor)
    }

    fn tell_expunges(&mut self, out: &mut Announcement) {
        if self.ghosts.uids.is_empty() {
            return;
        }
        // RFC 7162, 3.2.10; RFC 9586, 3.4.
        let told = if self.dialect == Dialect::Qresync || self.naming == Naming::Uids {
            out.items.push(Item::Vanished(self.ghosts.uids.clone()));
            self.ghosts.uids.clone()
        } else {
            let told: UidSet = self.ghosts.uids.iter().take(out.room()).collect();
            // Lowest first: each finds its number one lower for every one before it.
            for (earlier, seq) in (0..).zip(told.iter().filter_map(|uid| self.index.seq(uid))) {
                out.items.extend(SeqNum::new(seq.get() - earlier).map(Item::Expunge));
            }
            told
        };
        self.index.remove(&told);
        self.forget_recent(&told, out);
        self.ghosts.uids = self.ghosts.uids.difference(&told);
    }

    /// RFC 3501, erratum 261: "if any messages with the \Recent flag set are expunged, an untagged RECENT response is
    /// sent after the untagged EXPUNGE(s)".
    fn forget_recent(&mut self, gone: &UidSet, out: &mut Announcement) {
        let left = self.recent.difference(gone);
        if left.len() < self.recent.len() {
            out.items.push(Item::Recent(left.len()));
        }
        self.recent = left;
    }

    fn tell_arrivals(&mut self, current: &MailboxState, recent: Option<Uid>, out: &mut Announcement) {
        if self.next == current.uid_next() {
            return;
        }
        let new = current.uids(self.next);
        self.next = current.uid_next();
        if new.is_empty() {
            return;
        }
        self.index.extend(&new);
        out.items.push(Item::Exists(self.index.len()));
        if let Some(from) = recent {
            self.recent = self.recent.union(&new.intersection(&UidSet::range(from, Uid::MAX)));
            out.items.push(Item::Recent(self.recent.len()));
        }
    }

    /// The answer to a STORE.
    fn tell_owed(&mut self, current: &MailboxState, out: &mut Announcement) {
        let reader = current.reader(self.account);
        let now: UidSet = self.owed.flags.iter().take(out.room()).collect();
        out.items.extend(reader.rows(&now).filter_map(|row| self.fetched(row)).map(Item::Fetch));
        self.owed.flags = self.owed.flags.difference(&now);
        let now: UidSet = self.owed.modseqs.iter().take(out.room()).collect();
        // Where somebody else has changed it since, its flags and MODSEQ are told together, as a change.
        let ours = reader.rows(&now).filter(|row| row.modseq <= self.settled.through);
        let silent =
            ours.filter_map(|row| self.fetched(row)).map(|fetched| Fetched { flags: None, ..fetched });
        out.items.extend(silent.map(Item::Fetch));
        self.owed.modseqs = self.owed.modseqs.difference(&now);
    }

    fn tell_changes(&mut self, current: &MailboxState, sweep: Sweep, out: &mut Announcement) {
        let settled = (&self.settled.uids, self.settled.through);
        let mut changed = current.reader(self.account).changed_but(self.told, settled, sweep.from);
        self.sweep = None;
        for row in changed.by_ref() {
            if row.uid >= sweep.end {
                break;
            }
            if out.room() == 0 {
                self.sweep = Some(Sweep { from: row.uid, ..sweep });
                break;
            }
            out.items.extend(self.fetched(row).map(Item::Fetch));
        }
        out.visits += changed.visits();
        if self.sweep.is_none() {
            self.told = sweep.target;
        }
        if self.told >= self.settled.through {
            self.settled = super::Settled::default();
        }
    }

    /// What a message goes by; `None` for one that the client does not know of.
    #[must_use]
    pub fn name(&self, uid: Uid) -> Option<MessageName> {
        match self.naming {
            Naming::Numbers => self.index.seq(uid).map(MessageName::Number),
            Naming::Uids => self.index.uids().contains(uid).then_some(MessageName::Uid(uid)),
        }
    }

    /// `None` for a message that the client does not know of.
    fn fetched(&self, row: Row) -> Option<Fetched> {
        Some(Fetched {
            name: self.name(row.uid)?,
            uid: row.uid,
            flags: Some(row.flags),
            recent: self.recent.contains(row.uid),
            modseq: (self.dialect >= Dialect::Condstore).then_some(row.modseq),
        })
    }
}
