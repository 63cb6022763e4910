//! The crate under test, and the ways in which it could be wrong: each must be caught.

use crate::client::Reply;
use crate::truth::{SYSTEM, bit, mask_of};
use mailbox::{Announcement, Dialect, Item, Known, MailboxState, MessageName, Naming, Permit, Stored, View};
use terms::{ModSeq, Uid, UidSet};

/// What is wrong today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// HIGHESTMODSEQ is not held below an expunge that is still to be told.
    HighestIgnoresGhosts,
    /// EXPUNGE goes out during FETCH and without a command.
    PermitIgnored,
    /// A silent STORE takes somebody else's change for its own.
    SilentSwallows,
    /// VANISHED lacks its last UID.
    VanishedOffByOne,
    /// UNCHANGEDSINCE lets a message pass that was changed one later.
    UnchangedSinceOffByOne,
    /// Beyond the horizon, only what is remembered is told.
    HorizonIgnored,
    /// A private change raises the MODSEQ that others see.
    PrivateLeaks,
    /// A decision is committed behind another state than it was made from.
    Stale(Command),
    /// RENAME INBOX leaves behind what arrived after it was asked for.
    RenameLeavesNewcomers,
    /// Numbers of later EXPUNGEs do not count the earlier ones.
    ExpungeNotShifted,
    /// Two sessions show a message as \Recent.
    RecentTwice,
    /// New keywords are not listed before they are used.
    KeywordsUnlisted,
    /// A MODSEQ of a commit that was lost is trusted.
    LostTrusted,
    /// The events behind a snapshot are forgotten.
    TailForgotten,
    /// A client that has given message numbers up is told them.
    NumbersAllTheSame,
}

pub(crate) const BUGS: [Bug; 21] = [
    Bug::HighestIgnoresGhosts,
    Bug::PermitIgnored,
    Bug::SilentSwallows,
    Bug::VanishedOffByOne,
    Bug::UnchangedSinceOffByOne,
    Bug::HorizonIgnored,
    Bug::PrivateLeaks,
    Bug::Stale(Command::Append),
    Bug::Stale(Command::Store),
    Bug::Stale(Command::Expunge),
    Bug::Stale(Command::Copy),
    Bug::Stale(Command::Move),
    Bug::Stale(Command::Replace),
    Bug::Stale(Command::RenameInbox),
    Bug::RenameLeavesNewcomers,
    Bug::ExpungeNotShifted,
    Bug::RecentTwice,
    Bug::KeywordsUnlisted,
    Bug::LostTrusted,
    Bug::TailForgotten,
    Bug::NumbersAllTheSame,
];

/// What decides upon a state, and again upon a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Append,
    Store,
    Expunge,
    Copy,
    Move,
    Replace,
    RenameInbox,
}

/// The crate under test.
#[derive(Clone, Copy)]
pub(crate) struct Sut {
    pub(crate) bug: Option<Bug>,
}

impl Sut {
    pub(crate) fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub(crate) fn announce(
        self,
        view: &mut View,
        state: &MailboxState,
        permit: Permit,
        recent: Option<Uid>,
        most: usize,
    ) -> Result<(Announcement, Vec<Reply>), String> {
        let permit = if self.has(Bug::PermitIgnored) { Permit::Renumber } else { permit };
        let numbers: Vec<u32> = view.uids().iter().map(Uid::get).collect();
        let mut told =
            view.announce(state, permit, recent, most).map_err(|error| format!("announce: {error}"))?;
        if self.has(Bug::KeywordsUnlisted) {
            told.items.retain(|item| *item != Item::Keywords);
        }
        let mut replies: Vec<Reply> = told.items.iter().map(|item| self.render(item, view, state)).collect();
        if self.has(Bug::ExpungeNotShifted) {
            for (shift, reply) in (0..).zip(&mut replies) {
                if let Reply::Expunge(seq) = reply {
                    *seq = (*seq + shift).min(numbers.len() as u32);
                }
            }
        }
        Ok((told, replies))
    }

    fn render(self, item: &Item, view: &View, state: &MailboxState) -> Reply {
        match item {
            Item::Expunge(seq) => Reply::Expunge(seq.get()),
            Item::Vanished(uids) => {
                let mut uids: Vec<u32> = uids.iter().map(Uid::get).collect();
                if self.has(Bug::VanishedOffByOne) {
                    uids.pop();
                }
                Reply::Vanished(uids)
            }
            Item::Exists(count) => Reply::Exists(*count),
            Item::Recent(count) => Reply::Recent(*count),
            Item::Keywords => {
                Reply::Keywords(state.keywords().iter().map(|k| bit(k.as_str())).fold(SYSTEM, |a, b| a | b))
            }
            Item::Fetch(fetched) => {
                let leaked = state.seq() + state.reader(view.account()).highest_modseq().get();
                let modseq =
                    fetched.modseq.map(|m| if self.has(Bug::PrivateLeaks) { leaked } else { m.get() });
                let flags = fetched.flags.as_ref().map(|flags| mask_of(state, flags));
                match fetched.name {
                    MessageName::Number(seq) => {
                        let uid = modseq.map(|_| fetched.uid.get());
                        Reply::Fetch { seq: seq.get(), uid, flags, modseq }
                    }
                    MessageName::Uid(uid) => Reply::UidFetch { uid: uid.get(), flags, modseq },
                }
            }
        }
    }

    pub(crate) fn use_naming(self, view: &mut View, naming: Naming) {
        if !self.has(Bug::NumbersAllTheSame) {
            view.use_naming(naming);
        }
    }

    pub(crate) fn highest(self, view: &mut View, state: &MailboxState) -> Option<u64> {
        let right = view.highest_modseq(state);
        let wrong = state.reader(view.account()).highest_modseq();
        right.map(|right| if self.has(Bug::HighestIgnoresGhosts) { wrong } else { right }.get())
    }

    pub(crate) fn stored(
        self,
        view: &mut View,
        base: &MailboxState,
        after: &MailboxState,
        stored: &Stored,
        reply: mailbox::Reply,
        before: &MailboxState,
    ) {
        if self.has(Bug::SilentSwallows) {
            let stored = Stored { changed: view.uids().clone(), ..stored.clone() };
            view.stored(before, after, &stored, reply);
        } else {
            view.stored(base, after, stored, reply);
        }
    }

    pub(crate) fn unchanged_since(self, since: Option<u64>) -> Option<ModSeq> {
        let more = u64::from(self.has(Bug::UnchangedSinceOffByOne));
        since.and_then(|since| ModSeq::new(since + more))
    }

    pub(crate) fn resync(self, view: &mut View, state: &MailboxState, known: &Known, skipped: u64) -> UidSet {
        let skipped = ModSeq::new(skipped).unwrap();
        let nearer = Known { modseq: known.modseq.max(skipped), ..known.clone() };
        if self.has(Bug::LostTrusted) {
            return view.resync(state, &nearer);
        }
        let right = view.resync(state, known);
        if self.has(Bug::HorizonIgnored) { state.vanished(&nearer) } else { right }
    }

    /// How a client wants its changes told while a bug hides in one dialect alone.
    pub(crate) fn dialects(self) -> [Dialect; 4] {
        match self.bug {
            Some(Bug::ExpungeNotShifted) => {
                [Dialect::Plain, Dialect::Plain, Dialect::Condstore, Dialect::Qresync]
            }
            _ => [Dialect::Plain, Dialect::Condstore, Dialect::Qresync, Dialect::Qresync],
        }
    }
}
