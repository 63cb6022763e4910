//! A client: all that it knows it has from untagged replies.

use crate::ensure;
use crate::truth::Mask;
use mailbox::{Change, Dialect, Naming};

/// An untagged reply as it stands on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Expunge(u32),
    Vanished(Vec<u32>),
    Exists(u32),
    Recent(u64),
    Keywords(Mask),
    Fetch { seq: u32, uid: Option<u32>, flags: Option<Mask>, modseq: Option<u64> },
    UidFetch { uid: u32, flags: Option<Mask>, modseq: Option<u64> },
    HighestModSeq(u64),
}

/// What is going on while a reply comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum During {
    Nothing,
    /// FETCH, STORE or SEARCH.
    Numbered,
    Another,
}

/// A message as far as the client knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) uid: Option<u32>,
    pub(crate) flags: Option<Mask>,
    pub(crate) modseq: Option<u64>,
}

/// What a client keeps when its connection is gone.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    pub(crate) highest: u64,
    /// From the first on without a gap: UID and flags.
    pub(crate) messages: Vec<(u32, Mask)>,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) dialect: Dialect,
    /// With [`Naming::Uids`] the entries without a UID have no places: there are so many messages more.
    pub(crate) naming: Naming,
    pub(crate) entries: Vec<Entry>,
    pub(crate) highest: u64,
    pub(crate) recent: u64,
    keywords: Mask,
    /// After a restore a message may be back that was seen to vanish.
    pub(crate) expects_revenants: bool,
    /// HIGHESTMODSEQ and the highest MODSEQ in FETCH since the last tagged reply.
    given: Option<u64>,
    seen: u64,
}

impl Client {
    pub(crate) fn new(dialect: Dialect, messages: u32, highest: u64, keywords: Mask, recent: u64) -> Self {
        let entries = vec![Entry::default(); messages as usize];
        Self {
            dialect,
            naming: Naming::Numbers,
            entries,
            highest,
            recent,
            keywords,
            expects_revenants: false,
            given: None,
            seen: 0,
        }
    }

    /// Puts what it remembers, without what vanished, in the first places (RFC 7162, 3.2.5).
    pub(crate) fn remember(&mut self, cache: &Cache, vanished: &[u32]) -> Result<(), String> {
        let kept: Vec<_> = cache.messages.iter().filter(|(uid, _)| !vanished.contains(uid)).collect();
        ensure!(kept.len() <= self.entries.len(), "the client remembers more messages than there are");
        for (entry, (uid, flags)) in self.entries.iter_mut().zip(kept) {
            *entry = Entry { uid: Some(*uid), flags: Some(*flags), modseq: None };
        }
        Ok(())
    }

    pub(crate) fn cache(&self) -> Cache {
        let known = |e: &Entry| Some((e.uid?, e.flags?));
        // Who has no places for messages does not know where a gap would be.
        let has_gaps = self.naming == Naming::Uids && self.entries.iter().any(|e| known(e).is_none());
        let known = self.entries.iter().map_while(known).filter(|_| !has_gaps);
        Cache { highest: self.highest, messages: known.collect() }
    }

    pub(crate) fn receive(&mut self, reply: &Reply, during: During) -> Result<(), String> {
        match reply {
            Reply::Expunge(seq) => {
                ensure!(self.naming == Naming::Numbers, "EXPUNGE has a message number");
                ensure!(during == During::Another, "EXPUNGE during {during:?}");
                ensure!((1..=self.entries.len()).contains(&(*seq as usize)), "EXPUNGE of no message");
                self.entries.remove(*seq as usize - 1);
            }
            Reply::Vanished(uids) => {
                ensure!(during == During::Another, "VANISHED during {during:?}");
                uids.iter().try_for_each(|uid| self.vanish(*uid))?;
            }
            Reply::Exists(count) => {
                ensure!(*count as usize >= self.entries.len(), "EXISTS goes down");
                self.entries.resize(*count as usize, Entry::default());
            }
            Reply::Recent(count) => self.recent = *count,
            Reply::Keywords(all) => self.keywords = *all,
            Reply::Fetch { seq, uid, flags, modseq } => {
                ensure!(self.naming == Naming::Numbers, "FETCH has a message number");
                self.check_listed(*flags)?;
                if let Some(uid) = uid.filter(|_| self.expects_revenants) {
                    self.make_room(*seq as usize - 1, uid);
                }
                let entry = self.entries.get_mut(*seq as usize - 1).ok_or("FETCH of no message")?;
                ensure!(entry.uid.is_none() || uid.is_none() || entry.uid == *uid, "{uid:?} for {entry:?}");
                entry.uid = uid.or(entry.uid);
                entry.flags = flags.or(entry.flags);
                entry.modseq = modseq.or(entry.modseq);
                self.seen = self.seen.max(modseq.unwrap_or(0));
            }
            Reply::UidFetch { uid, flags, modseq } => {
                ensure!(self.naming == Naming::Uids, "UIDFETCH was not enabled");
                self.check_listed(*flags)?;
                let entry = self.entry_of(*uid)?;
                entry.flags = flags.or(entry.flags);
                entry.modseq = modseq.or(entry.modseq);
                self.seen = self.seen.max(modseq.unwrap_or(0));
            }
            Reply::HighestModSeq(modseq) => self.given = Some(*modseq),
        }
        Ok(())
    }

    fn check_listed(&self, flags: Option<Mask>) -> Result<(), String> {
        ensure!(flags.is_none_or(|f| f & !self.keywords == 0), "a keyword that FLAGS did not list");
        Ok(())
    }

    /// By its UID. One that it has not met is one of those that EXISTS counted.
    fn entry_of(&mut self, uid: u32) -> Result<&mut Entry, String> {
        let at = match self.entries.iter().position(|e| e.uid == Some(uid)) {
            Some(at) => at,
            None => {
                let unknown = self.entries.iter().rposition(|e| e.uid.is_none());
                self.entries
                    .remove(unknown.ok_or_else(|| format!("UIDFETCH {uid} of one message too many"))?);
                let behind = self.entries.iter().rposition(|e| e.uid.is_some_and(|known| known < uid));
                let at = behind.map_or(0, |at| at + 1);
                self.entries.insert(at, Entry { uid: Some(uid), ..Entry::default() });
                at
            }
        };
        Ok(&mut self.entries[at])
    }

    /// A UID that it does not know belongs to a message whose UID it does not know, behind all lower ones.
    fn vanish(&mut self, uid: u32) -> Result<(), String> {
        let known = self.entries.iter().position(|e| e.uid == Some(uid));
        let lower = self.entries.iter().rposition(|e| e.uid.is_some_and(|known| known < uid));
        let behind = if self.naming == Naming::Uids { 0 } else { lower.map_or(0, |at| at + 1) };
        let unknown = || self.entries.iter().skip(behind).position(|e| e.uid.is_none()).map(|at| at + behind);
        let at =
            known.or_else(unknown).ok_or_else(|| format!("VANISHED {uid}, which was never announced"))?;
        self.entries.remove(at);
        Ok(())
    }

    /// Where another message is remembered at this place, it and those behind it belong one further on.
    fn make_room(&mut self, at: usize, uid: u32) {
        let is_other = |e: &Entry| e.uid.is_some_and(|known| known != uid);
        let unknown = self.entries.iter().rposition(|e| e.uid.is_none());
        if let Some(unknown) = unknown.filter(|_| self.entries.get(at).is_some_and(is_other)) {
            self.entries.remove(unknown);
            self.entries.insert(at, Entry::default());
        }
    }

    /// A STORE is taken as done when it is sent: replies to it say more.
    pub(crate) fn stored(&mut self, seqs: &[u32], uids: &[u32], change: Change, mask: Mask) {
        for at in 0..self.entries.len() {
            let entry = &mut self.entries[at];
            let is_named = match self.naming {
                Naming::Numbers => seqs.contains(&(at as u32 + 1)),
                Naming::Uids => entry.uid.is_some_and(|uid| uids.contains(&uid)),
            };
            if !is_named {
                continue;
            }
            entry.flags = entry.flags.map(|old| match change {
                Change::Add => old | mask,
                Change::Remove => old & !mask,
                Change::Replace => mask,
            });
        }
    }

    /// RFC 7162, 6: a HIGHESTMODSEQ that was given counts, even a lower one; else the highest MODSEQ seen.
    pub(crate) fn tagged(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        self.highest = self.given.take().unwrap_or_else(|| self.highest.max(seen));
    }

    pub(crate) fn unknown(&self) -> Vec<u32> {
        let lacks = |e: &Entry| e.uid.is_none() || e.flags.is_none();
        (1..).zip(&self.entries).filter(|(_, e)| lacks(e)).map(|(seq, _)| seq).collect()
    }
}
