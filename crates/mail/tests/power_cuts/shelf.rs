//! What a client has in its account, and what its deeds do to that: the truth that the account is held to.

use crate::support;
use mail::{Account, Error, Origin, Proposal, Transfer};
use mailbox::account::{Limits, MailboxId};
use mailbox::{Change, Doomed, FlagSet, Flags, MailboxState};
use std::collections::BTreeMap;
use terms::{Flag, Keyword, MailboxName, Uid, UidSet};
use testkit::dice::Dice;

/// Every so many letters one is too large for the log and lies in a file of its own.
const LARGE_EVERY: u32 = 40;
/// How large that one is, in octets.
const LARGE: usize = 260 << 10;
/// Flags that are set; the MODSEQs of `\Seen` are private.
const SYSTEM: [Flag; 3] = [Flag::Seen, Flag::Flagged, Flag::Answered];
const KEYWORDS: [&str; 2] = ["$Forwarded", "project"];

/// Flags, a bit each: [`SYSTEM`], then [`KEYWORDS`].
pub(crate) type FlagBits = u8;

/// Where a letter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lying {
    pub(crate) mailbox: u32,
    /// `None` as long as nobody has said it.
    pub(crate) uid: Option<u32>,
    pub(crate) flags: FlagBits,
}

/// Everything that a client has: letters by number, and mailboxes of its own by name, with their streams where those
/// are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shelf {
    pub(crate) letters: BTreeMap<u32, Lying>,
    pub(crate) mailboxes: BTreeMap<String, Option<u32>>,
}

/// A change of the account.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Append { letter: u32, mailbox: u32 },
    Store { letter: u32, at: (u32, u32), flags: FlagBits },
    Move { letter: u32, at: (u32, u32), to: u32 },
    Expunge { letter: u32, at: (u32, u32) },
    Create { name: String },
    Rename { from: String, to: String },
    Delete { name: String },
}

/// What the account has answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer {
    /// APPENDUID or COPYUID.
    pub(crate) uid: Option<u32>,
    /// The stream of a new mailbox.
    pub(crate) mailbox: Option<u32>,
}

impl Shelf {
    /// What is there once `deed` is done.
    pub(crate) fn after(mut self, deed: &Deed, answer: Answer) -> Self {
        match deed {
            Deed::Append { letter, mailbox } => {
                self.letters.insert(*letter, Lying { mailbox: *mailbox, uid: answer.uid, flags: 0 });
            }
            Deed::Store { letter, flags, .. } => self.change(*letter, |lying| lying.flags = *flags),
            Deed::Move { letter, to, .. } => {
                self.change(*letter, |lying| (lying.mailbox, lying.uid) = (*to, answer.uid));
            }
            Deed::Expunge { letter, .. } => drop(self.letters.remove(letter)),
            Deed::Create { name } => drop(self.mailboxes.insert(name.clone(), answer.mailbox)),
            Deed::Rename { from, to } => {
                let moved = self.mailboxes.remove(from).flatten();
                self.mailboxes.insert(to.clone(), moved);
            }
            Deed::Delete { name } => {
                let gone = self.mailboxes.remove(name).flatten();
                self.letters.retain(|_, lying| Some(lying.mailbox) != gone);
            }
        }
        self
    }

    fn change(&mut self, letter: u32, change: impl FnMut(&mut Lying)) {
        self.letters.get_mut(&letter).into_iter().for_each(change);
    }

    /// Whether this is what was found: what nobody was told may be any.
    pub(crate) fn is(&self, found: &Self) -> bool {
        let same_letter = |(letter, ours): (&u32, &Lying)| {
            found
                .letters
                .get(letter)
                .is_some_and(|there| Lying { uid: ours.uid.or(there.uid), ..*ours } == *there)
        };
        let same_mailbox = |(name, id): (&String, &Option<u32>)| {
            found.mailboxes.get(name).is_some_and(|there| id.is_none() || id == there)
        };
        self.letters.len() == found.letters.len()
            && self.mailboxes.len() == found.mailboxes.len()
            && self.letters.iter().all(same_letter)
            && self.mailboxes.iter().all(same_mailbox)
    }
}

impl Deed {
    /// Asks the account for it.
    pub(crate) async fn perform(&self, account: &Account) -> Result<Answer, Error> {
        match self {
            Self::Append { letter, mailbox } => {
                let placed = support::append(account, number(*mailbox), &text(*letter)).await?;
                Ok(Answer { uid: Some(placed.uid.get()), mailbox: None })
            }
            Self::Store { at, flags, .. } => store(account, *at, *flags).await,
            Self::Move { at: (mailbox, uid), to, .. } => {
                let (uids, to) = (one(*uid), number(*to));
                let from = (number(*mailbox), &uids);
                let moved = account.transfer(&Origin::desk(), Transfer::Move, account.id(), from, to).await?;
                Ok(Answer { uid: moved.target.first().map(Uid::get), mailbox: None })
            }
            Self::Expunge { at, .. } => expunge(account, *at).await,
            Self::Create { name } => {
                let made = account.ensure_mailbox(&Origin::desk(), &named(name)).await?;
                Ok(Answer { uid: None, mailbox: Some(made.get()) })
            }
            Self::Rename { from, to } => rename(account, &named(from), &named(to)).await,
            Self::Delete { name } => support::delete(account, &named(name)).await.map(|()| Answer::default()),
        }
    }
}

async fn store(account: &Account, (mailbox, uid): (u32, u32), bits: FlagBits) -> Result<Answer, Error> {
    let (mailbox, uids, flags) = (number(mailbox), one(uid), flags(bits));
    let store = |proposal: &mut Proposal| {
        let state = proposal.mailbox(mailbox)?;
        let request = mailbox::Store {
            account: state.owner(),
            uids: &uids,
            change: Change::Replace,
            flags: &flags,
            unchanged_since: None,
        };
        let stored = mailbox::store(state, &request)?;
        stored.events.iter().try_for_each(|event| proposal.push(mailbox, event))
    };
    account.change(&Origin::desk(), store).await.map(|()| Answer::default())
}

async fn expunge(account: &Account, (mailbox, uid): (u32, u32)) -> Result<Answer, Error> {
    let (mailbox, uids) = (number(mailbox), one(uid));
    let expunge = |proposal: &mut Proposal| {
        let expunging = mailbox::expunge(proposal.mailbox(mailbox)?, Doomed::These(&uids))?;
        expunging.events.iter().try_for_each(|event| proposal.push(mailbox, event))
    };
    account.change(&Origin::desk(), expunge).await.map(|()| Answer::default())
}

async fn rename(account: &Account, from: &MailboxName, to: &MailboxName) -> Result<Answer, Error> {
    let rename = |proposal: &mut Proposal| {
        let plan = proposal.account().rename(from, to, proposal.now_s(), &Limits::default());
        proposal.follow(&plan.map_err(Error::from)?)
    };
    account.change(&Origin::desk(), rename).await.map(|()| Answer::default())
}

/// A letter, always the same, no two alike.
pub(crate) fn text(letter: u32) -> String {
    let octets = if letter % LARGE_EVERY == LARGE_EVERY - 1 { LARGE } else { 64 };
    let mut dice = Dice::new(letter.into());
    let mut text = format!("Subject: {letter}\r\n\r\n");
    while text.len() < octets {
        text += &format!("{:016x}\r\n", dice.any());
    }
    text
}

/// Which letter says that it is this one.
pub(crate) fn letter_of(text: &str) -> Option<u32> {
    text.strip_prefix("Subject: ")?.split_once("\r\n")?.0.parse().ok()
}

pub(crate) fn any_flags(dice: &mut Dice) -> FlagBits {
    FlagBits::try_from(dice.below(1_u64 << (SYSTEM.len() + KEYWORDS.len()))).unwrap()
}

/// The flags that have a bit, of a message.
pub(crate) fn bits(state: &MailboxState, flags: &FlagSet) -> FlagBits {
    let names: Vec<&str> = state.keywords().names(flags).collect();
    let is_set = |(_, flag): &(usize, Flag)| names.iter().any(|name| *name == flag.to_string());
    all_flags().enumerate().filter(is_set).fold(0, |bits, (n, _)| bits | 1 << n)
}

fn flags(bits: FlagBits) -> Flags {
    let set: Vec<Flag> =
        all_flags().enumerate().filter(|(n, _)| bits & 1 << n != 0).map(|(_, flag)| flag).collect();
    set.iter().collect()
}

fn all_flags() -> impl Iterator<Item = Flag> {
    let keyword = |name| Flag::Keyword(Keyword::new(name).unwrap());
    SYSTEM.into_iter().chain(KEYWORDS.map(keyword))
}

fn number(mailbox: u32) -> MailboxId {
    MailboxId::new(mailbox).unwrap()
}

fn one(uid: u32) -> UidSet {
    UidSet::one(Uid::new(uid).unwrap())
}

fn named(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}
