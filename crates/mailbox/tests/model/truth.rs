//! The independent truth: a mailbox as a list of messages, in the fewest words that say what the standard says.

use crate::ensure;
use mailbox::{Change, Flags, MailboxState};
use std::collections::BTreeMap;
use terms::{AccountId, Flag, Keyword, Uid, UidSet};

/// The two accounts: the owner, and another to whom the mailbox is shared.
pub(crate) const ACCOUNTS: [AccountId; 2] = [AccountId(7), AccountId(8)];

/// Flags as bits: five system flags, then keywords.
pub(crate) type Mask = u16;
pub(crate) const NAMES: [&str; 10] =
    ["\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Seen", "$Junk", "$Forwarded", "a", "b", "c"];
pub(crate) const DELETED: Mask = 4;
pub(crate) const SEEN: Mask = 16;
pub(crate) const SYSTEM: Mask = 31;

pub(crate) fn bit(name: &str) -> Mask {
    let at = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)).expect("a name of ours");
    1 << at
}

pub(crate) fn flags(mask: Mask) -> Flags {
    let flag = |at: usize| match at {
        0 => Flag::Answered,
        1 => Flag::Flagged,
        2 => Flag::Deleted,
        3 => Flag::Draft,
        4 => Flag::Seen,
        _ => Flag::Keyword(Keyword::new(NAMES[at]).unwrap()),
    };
    let flags: Vec<Flag> = (0..NAMES.len()).filter(|at| mask >> at & 1 == 1).map(flag).collect();
    flags.iter().collect()
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) email: (u32, u32),
    pub(crate) shared: Mask,
    pub(crate) seen: [bool; 2],
    pub(crate) size: u64,
    shared_modseq: u64,
    private_modseq: [u64; 2],
}

impl Message {
    pub(crate) fn flags(&self, account: usize) -> Mask {
        self.shared | if self.seen[account] { SEEN } else { 0 }
    }

    pub(crate) fn modseq(&self, account: usize) -> u64 {
        self.shared_modseq.max(self.private_modseq[account])
    }
}

/// A message on its way in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) email: Option<(u32, u32)>,
    pub(crate) mask: Mask,
    pub(crate) size: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Truth {
    stream: u32,
    pub(crate) messages: Vec<Message>,
    pub(crate) uid_next: u32,
    pub(crate) seq: u64,
    base: u64,
    highest_shared: u64,
    highest_private: [u64; 2],
    /// When it went, and as it was.
    pub(crate) expunged: BTreeMap<u32, (u64, Message)>,
}

impl Truth {
    pub(crate) fn new(stream: u32, base: u64) -> Self {
        let (messages, expunged) = Default::default();
        let highest_shared = base + 1;
        Self {
            stream,
            messages,
            uid_next: 1,
            seq: 1,
            base,
            highest_shared,
            highest_private: [0; 2],
            expunged,
        }
    }

    pub(crate) fn highest(&self, account: usize) -> u64 {
        self.highest_shared.max(self.highest_private[account])
    }

    pub(crate) fn get(&self, uid: u32) -> Option<&Message> {
        let at = self.messages.binary_search_by_key(&uid, |m| m.uid).ok()?;
        self.messages.get(at)
    }

    pub(crate) fn uids(&self) -> Vec<u32> {
        self.messages.iter().map(|m| m.uid).collect()
    }

    /// The MODSEQ of the last event.
    pub(crate) fn now(&self) -> u64 {
        self.base + self.seq
    }

    fn step(&mut self) -> u64 {
        self.seq += 1;
        self.now()
    }

    /// Answers with the UIDs that they get.
    pub(crate) fn append(&mut self, account: usize, arrivals: &[Arrival]) -> Vec<u32> {
        if arrivals.is_empty() {
            return Vec::new();
        }
        let first = self.uid_next;
        let modseq = self.step();
        self.highest_shared = modseq;
        for arrival in arrivals {
            let uid = self.uid_next;
            self.uid_next += 1;
            let mut message = Message {
                uid,
                email: arrival.email.unwrap_or((self.stream, uid)),
                shared: arrival.mask & !SEEN,
                seen: [false; 2],
                size: arrival.size,
                shared_modseq: modseq,
                private_modseq: [0; 2],
            };
            if arrival.mask & SEEN != 0 {
                message.seen[account] = true;
                message.private_modseq[account] = modseq;
                self.highest_private[account] = modseq;
            }
            self.messages.push(message);
        }
        (first..self.uid_next).collect()
    }

    /// Answers with the messages that failed UNCHANGEDSINCE.
    pub(crate) fn store(
        &mut self,
        account: usize,
        uids: &[u32],
        change: Change,
        mask: Mask,
        since: Option<u64>,
    ) -> Vec<u32> {
        let wanted = |old: Mask| match change {
            Change::Add => old | mask,
            Change::Remove => old & !mask,
            Change::Replace => mask,
        };
        let named = |m: &&mut Message| uids.contains(&m.uid);
        let fails = |m: &Message| since.is_some_and(|since| m.modseq(account) > since);
        let failed: Vec<u32> =
            self.messages.iter().filter(|m| uids.contains(&m.uid) && fails(m)).map(|m| m.uid).collect();
        let seq = self.seq;
        let mut modseq = self.base + seq + 1;
        for scope in [!SEEN, SEEN] {
            let mut changed = false;
            for m in self.messages.iter_mut().filter(named) {
                // The test was made once, before anything changed.
                let old = m.flags(account);
                let difference = (wanted(old) ^ old) & scope;
                if failed.contains(&m.uid) || difference == 0 {
                    continue;
                }
                changed = true;
                if scope == SEEN {
                    m.seen[account] = !m.seen[account];
                    m.private_modseq[account] = modseq;
                } else {
                    m.shared ^= difference;
                    m.shared_modseq = modseq;
                }
            }
            if changed {
                self.seq += 1;
                if scope == SEEN {
                    self.highest_private[account] = modseq
                } else {
                    self.highest_shared = modseq
                }
                modseq += 1;
            }
        }
        failed
    }

    pub(crate) fn expunge(&mut self, uids: &[u32]) {
        let (gone, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.messages).into_iter().partition(|m| uids.contains(&m.uid));
        self.messages = kept;
        if gone.is_empty() {
            return;
        }
        let modseq = self.step();
        self.highest_shared = modseq;
        self.expunged.extend(gone.into_iter().map(|m| (m.uid, (modseq, m))));
    }

    pub(crate) fn skip(&mut self, uids: u32, modseqs: u64) {
        self.uid_next += uids;
        self.base += modseqs;
        self.highest_shared = self.step();
    }

    /// Whether the state says the same, to both accounts.
    pub(crate) fn check(&self, state: &MailboxState) -> Result<(), String> {
        ensure!(state.seq() == self.seq, "{} events, not {}", state.seq(), self.seq);
        ensure!(state.uid_next().get() == self.uid_next, "UIDNEXT");
        let uids: UidSet = self.messages.iter().filter_map(|m| Uid::new(m.uid)).collect();
        ensure!(state.uids(Uid::MIN) == uids, "UIDs {:?}, not {uids:?}", state.uids(Uid::MIN));
        let count = |f: &dyn Fn(&Message) -> bool| self.messages.iter().filter(|m| f(m)).count();
        ensure!(state.deleted() as usize == count(&|m| m.shared & DELETED != 0), "the count of \\Deleted");
        ensure!(state.octets() == self.messages.iter().map(|m| m.size).sum::<u64>(), "the size");
        for (account, id) in ACCOUNTS.into_iter().enumerate() {
            let reader = state.reader(id);
            ensure!(reader.highest_modseq().get() == self.highest(account), "HIGHESTMODSEQ of {account}");
            ensure!(reader.unseen() as usize == count(&|m| !m.seen[account]), "UNSEEN of {account}");
            let first = self.messages.iter().position(|m| !m.seen[account]).map(|at| at as u32 + 1);
            ensure!(reader.first_unseen().map(|n| n.get()) == first, "the first unseen of {account}");
            for (row, message) in reader.rows(&uids).zip(&self.messages) {
                let same = (row.uid.get(), (row.email.mailbox, row.email.uid), row.modseq.get(), row.size)
                    == (message.uid, message.email, message.modseq(account), message.size);
                ensure!(same, "{row:?} is not {message:?} for {account}");
                let told = mask_of(state, &row.flags);
                ensure!(told == message.flags(account), "{told:b} are not the flags of {message:?}");
            }
        }
        let head = state.head();
        ensure!(mailbox::Head::decode(&head.encode()) == Ok(head), "the head");
        ensure!(head.unseen as usize == count(&|m| !m.seen[0]), "the head's unseen");
        Ok(())
    }
}

pub(crate) fn mask_of(state: &MailboxState, flags: &mailbox::FlagSet) -> Mask {
    state.keywords().names(flags).map(bit).fold(0, |all, one| all | one)
}
