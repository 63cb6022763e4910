//! One folder that is being brought: its mailbox, what is remembered of it, and the messages that wait.

use super::{flags, is_of_one, ours, special_uses};
use crate::letter::alike;
use crate::link::{Checked, Compared, Kept, Key, Numbering, Opening, Outcome, Uids};
use crate::memory::{self, Memory, Place};
use crate::trouble::Trouble;
use events::Event;
use mail::{Account, Arrival, Batch, Error, Made, Origin, Received};
use mailbox::account::{MailboxId, Subscription};
use mailbox::{Change, LimitReached, MAX_BROUGHT_UID, MailboxState, Store};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use terms::{MailboxName, Uid, UidSet, UidValidity};

/// Octets of a message that are read back at once.
const READ_OCTETS: usize = 256 << 10;

pub(super) struct Folder {
    pub(super) mailbox: MailboxId,
    pub(super) memory: Memory,
    /// Messages of the mailbox that no message of the source is known to be, by the names of their octets; `None` as
    /// long as nobody has asked.
    strangers: Option<HashMap<[u8; 32], Vec<Uid>>>,
    waiting: Vec<Waiting>,
    /// What became of the messages that were put, in their order; `None` for those that wait.
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// Messages that this run has stored, and the names of the octets that were read for them.
    pub(super) stored: Vec<(Uid, [u8; 32])>,
    pub(super) uids: Uids,
    /// Messages that got another UID than they have at the source, since the last flush.
    pub(super) other_uids: u64,
    opening: Opening,
}

/// A message that waits for its commit.
pub(super) struct Waiting {
    pub(super) received: Received,
    pub(super) kept: Kept,
    /// Its place among the outcomes.
    pub(super) place: usize,
}

/// Flags that a message gets.
pub(super) struct FlagsChange<'a> {
    /// Its place in what was asked.
    pub(super) place: usize,
    pub(super) key: Key,
    pub(super) uid: Uid,
    pub(super) words: &'a [String],
    /// The same, to be compared.
    pub(super) now: String,
    /// Whether it has others here.
    pub(super) is_change: bool,
}

impl Folder {
    pub(super) async fn open(
        account: &Arc<Account>,
        login: &str,
        memories: &Path,
        opening: Opening,
    ) -> Result<Self, Trouble> {
        let name = MailboxName::new(&opening.mailbox).map_err(|why| Trouble::Ours(why.to_string()))?;
        let subscription = if opening.subscribed { Subscription::Subscribed } else { Subscription::Not };
        let uses = special_uses(&opening.special_uses);
        let going_on = opening.numbering.and_then(uid_validity);
        let settled = account.settle_mailbox(&Origin::desk(), &name, uses, subscription, going_on).await;
        let (mailbox, made) = settled.map_err(of_the_folder)?;
        if made == Made::Now {
            let account = events::Account::new(login);
            Event::MailboxCreated { connection: None, account, mailbox: (&name).into() }.log();
        }
        let state = newest(account, mailbox).await?;
        let subject = format!("{} {} {}", mailbox.get(), state.uid_validity(), opening.generation);
        let mut memory = recall(memory::folder_of(memories, account.id()), &opening, subject).await?;
        // A data directory that was put back to an earlier day has not given these UIDs yet.
        memory.retain(|uid| uid < state.uid_next());
        let uids = opening.numbering.map_or(Uids::None, |numbering| uids(numbering, &state));
        let (strangers, waiting, outcomes, stored, other_uids) = Default::default();
        Ok(Self { mailbox, memory, strangers, waiting, outcomes, stored, uids, other_uids, opening })
    }

    /// Whether a message that has a UID at the source has another one here, although it could have that.
    pub(super) fn is_other(&self, here: Uid, at_source: Option<u32>) -> bool {
        self.uids == Uids::Kept && at_source.is_some_and(|at_source| at_source != here.get())
    }

    /// The UID that a message gets if it can. One that the source has not numbered yet comes behind all that it has.
    fn wanted_uid(&self, kept: &Kept) -> Option<Uid> {
        let kept_uid = || kept.uid().or_else(|| self.opening.numbering.and_then(uid_next));
        (self.uids == Uids::Kept).then(kept_uid).flatten()
    }

    /// Once all has come: no UID that the source has given, to a message that is gone there too, is given here again.
    pub(super) async fn skip_to_uid_next(&self, account: &Account) -> Result<(), Trouble> {
        match self.opening.numbering.and_then(uid_next) {
            Some(uid_next) if self.uids == Uids::Kept => {
                account.skip_to(&Origin::desk(), self.mailbox, uid_next).await.map_err(ours)
            }
            _ => Ok(()),
        }
    }

    /// What this run has stored, if the next folder is the same one.
    pub(super) fn stored_for(self, opening: &Opening) -> Vec<(Uid, [u8; 32])> {
        let place = |o: &Opening| [&o.source, &o.folder, &o.generation, &o.mailbox].map(String::clone);
        if place(&self.opening) == place(opening) { self.stored } else { Vec::new() }
    }

    /// Finds a message that has these octets and is no other message of the source; the one with the same UID first.
    pub(super) async fn find(
        &mut self,
        account: &Arc<Account>,
        name: [u8; 32],
        uid: Option<Uid>,
    ) -> Result<Option<Uid>, Trouble> {
        if self.strangers.is_none() {
            self.strangers = Some(self.look_for_strangers(account).await?);
        }
        let found = self.strangers.as_mut().and_then(|strangers| strangers.get_mut(&name));
        Ok(found.and_then(|found| match found.iter().position(|here| Some(*here) == uid) {
            Some(same) => Some(found.remove(same)),
            None => found.pop(),
        }))
    }

    async fn look_for_strangers(
        &self,
        account: &Arc<Account>,
    ) -> Result<HashMap<[u8; 32], Vec<Uid>>, Trouble> {
        let state = newest(account, self.mailbox).await?;
        let known: HashSet<Uid> = self.memory.uids().collect();
        let stored: HashSet<Uid> = self.stored.iter().map(|(uid, _)| *uid).collect();
        let is_strange = |uid: &Uid| !known.contains(uid) && !stored.contains(uid);
        let strange: UidSet = state.uids(Uid::MIN).iter().filter(is_strange).collect();
        let mut strangers: HashMap<_, Vec<_>> = HashMap::new();
        for (uid, name) in account.body_names(&state, &strange).await.map_err(ours)? {
            strangers.entry(name).or_default().push(uid);
        }
        // The lowest is taken first.
        strangers.values_mut().for_each(|uids| uids.sort_unstable_by(|a, b| b.cmp(a)));
        Ok(strangers)
    }

    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
    }

    pub(super) const fn waits(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn waiting_octets(&self) -> u64 {
        self.waiting.iter().map(|waiting| waiting.received.size()).sum()
    }

    /// Stores what waits, in one commit; where that is refused, one by one, so that each hears its own reason.
    pub(super) async fn file(&mut self, account: &Arc<Account>) -> Result<(), Trouble> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        // A server may send messages in any order, and UIDs are given in one.
        waiting.sort_by_key(|one| one.kept.uid.unwrap_or(u32::MAX));
        match self.file_all(account, &waiting).await {
            Ok(()) => Ok(()),
            Err(why) if is_of_one(&why) => {
                for one in waiting {
                    self.file_one(account, one).await?;
                }
                Ok(())
            }
            Err(why) => Err(ours(why)),
        }
    }

    /// Stores one message. For want of room for a keyword none is left out: it comes without its keywords then.
    async fn file_one(&mut self, account: &Arc<Account>, mut one: Waiting) -> Result<(), Trouble> {
        let mut filed = self.file_all(account, std::slice::from_ref(&one)).await;
        let mut outcome = None;
        if let Err(Error::Limit(LimitReached::Keywords)) = &filed {
            outcome = Some(Outcome::WithoutKeywords(LimitReached::Keywords.to_string()));
            one.kept.flags.retain(|word| word.starts_with('\\'));
            filed = self.file_all(account, std::slice::from_ref(&one)).await;
        }
        match filed {
            Ok(()) => {}
            Err(why) if is_of_one(&why) => outcome = Some(Outcome::Refused(why.to_string())),
            Err(why) => return Err(ours(why)),
        }
        if let Some(outcome) = outcome {
            self.settle(one.place, outcome);
        }
        Ok(())
    }

    async fn file_all(&mut self, account: &Arc<Account>, waiting: &[Waiting]) -> Result<(), Error> {
        let mut batch = Batch::default();
        for Waiting { received, kept, .. } in waiting {
            let (received, flags) = (received.clone(), flags(&kept.flags));
            account.add(&mut batch, &Origin::desk(), Arrival { received, flags, date: kept.date() }).await?;
        }
        let wanted: Vec<_> = waiting.iter().map(|one| self.wanted_uid(&one.kept)).collect();
        let filed = account.bring(&Origin::desk(), self.mailbox, batch, &wanted, account.id()).await?;
        let uids: Vec<_> = filed.uids.iter().collect();
        for (one, uid) in waiting.iter().zip(&uids) {
            self.settle(one.place, Outcome::Imported);
            self.other_uids += u64::from(self.is_other(*uid, one.kept.uid));
            self.stored.push((*uid, one.kept.name));
        }
        let noted = waiting.iter().zip(uids);
        let noted =
            noted.map(|(one, uid)| (one.kept.key, uid, alike(one.kept.flags.iter().map(String::as_str))));
        // What cannot be remembered now is found by its octets the next time.
        self.remember(noted).map_err(|why| Error::Unavailable(why.to_string()))
    }

    fn settle(&mut self, place: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    pub(super) fn remember(
        &mut self,
        messages: impl IntoIterator<Item = (Key, Uid, String)>,
    ) -> Result<(), Trouble> {
        let messages: Vec<_> = messages.into_iter().collect();
        let noted = self.memory.note(messages.iter().map(|(key, uid, flags)| (*key, *uid, flags.as_str())));
        noted.map_err(|why| Trouble::Ours(format!("cannot remember what was brought: {why}")))
    }

    /// Gives messages the flags that they have at the source, in one commit; where that is refused, one by one, so that
    /// each hears its own reason.
    pub(super) async fn change_flags(
        &mut self,
        account: &Arc<Account>,
        changes: &[FlagsChange<'_>],
        compared: &mut Compared,
    ) -> Result<(), Trouble> {
        if changes.is_empty() {
            return Ok(());
        }
        match self.change_all(account, changes).await {
            Ok(()) => self.remember_flags(changes, compared),
            Err(why) if is_of_one(&why) => {
                for one in changes.chunks(1) {
                    match self.change_all(account, one).await {
                        Ok(()) => self.remember_flags(one, compared)?,
                        Err(why) if is_of_one(&why) => {
                            let places = one.iter().map(|change| change.place);
                            compared.flags_refused.extend(places.map(|place| (place, why.to_string())));
                        }
                        Err(why) => return Err(ours(why)),
                    }
                }
                Ok(())
            }
            Err(why) => Err(ours(why)),
        }
    }

    async fn change_all(&self, account: &Arc<Account>, changes: &[FlagsChange<'_>]) -> Result<(), Error> {
        let mut groups: HashMap<&str, (&[String], Vec<Uid>)> = HashMap::new();
        for change in changes {
            groups.entry(&change.now).or_insert((change.words, Vec::new())).1.push(change.uid);
        }
        let group =
            |(words, uids): (&[String], Vec<Uid>)| (flags(words), uids.into_iter().collect::<UidSet>());
        let groups: Vec<_> = groups.into_values().map(group).collect();
        let (id, mailbox) = (account.id(), self.mailbox);
        let origin = Origin::desk();
        let changed = account.change(&origin, |proposal| {
            for (flags, uids) in &groups {
                let change = Change::Replace;
                let store = Store { account: id, uids, change, flags, unchanged_since: None };
                let stored = mailbox::store(proposal.mailbox(mailbox)?, &store)?;
                stored.events.iter().try_for_each(|event| proposal.push(mailbox, event))?;
            }
            Ok(())
        });
        changed.await
    }

    fn remember_flags(
        &mut self,
        changes: &[FlagsChange<'_>],
        compared: &mut Compared,
    ) -> Result<(), Trouble> {
        compared.flags_updated += changes.iter().filter(|change| change.is_change).count() as u64;
        self.remember(changes.iter().map(|change| (change.key, change.uid, change.now.clone())))
    }

    /// Reads back what this run has stored. What was removed since is left out: that is not the import's doing.
    pub(super) async fn check(&self, account: &Arc<Account>) -> Result<Checked, Trouble> {
        let state = newest(account, self.mailbox).await?;
        let read: HashMap<Uid, [u8; 32]> = self.stored.iter().copied().collect();
        let there = read.keys().copied().filter(|uid| state.contains(*uid)).collect();
        let mut checked = Checked { in_mailbox: state.messages().into(), ..Checked::default() };
        let names = account.body_names(&state, &there).await.map_err(ours)?;
        checked.wrong = there.len().saturating_sub(names.len() as u64);
        for (uid, name) in names {
            let is_right = read.get(&uid) == Some(&name) && hash(account, name).await? == Some(name);
            if is_right {
                checked.read_back += 1;
            } else {
                checked.wrong += 1;
            }
        }
        Ok(checked)
    }
}

/// The UIDVALIDITY that can be had here. Where the source has come near the end of its UIDs they are given anew.
fn uid_validity(numbering: Numbering) -> Option<UidValidity> {
    UidValidity::new(numbering.uid_validity).filter(|_| numbering.uid_next <= MAX_BROUGHT_UID)
}

fn uid_next(numbering: Numbering) -> Option<Uid> {
    Uid::new(numbering.uid_next)
}

/// Whether a mailbox goes on where the source's folder is, or why not.
fn uids(numbering: Numbering, state: &MailboxState) -> Uids {
    match uid_validity(numbering) {
        None if numbering.uid_validity == 0 => Uids::None,
        None => Uids::New("those at the source leave too little room for further ones".into()),
        Some(at_source) if at_source == state.uid_validity() => Uids::Kept,
        Some(_) if state.uid_next() > Uid::MIN => {
            Uids::New("this mailbox has, or had, messages under another UIDVALIDITY".into())
        }
        Some(_) => Uids::New(
            "this mailbox goes on where another one was; or another one has, or may have had, the source's UIDVALIDITY"
                .into(),
        ),
    }
}

/// A memory may be large, and its disk slow: others in the same process do not wait for it.
async fn recall(folder: PathBuf, opening: &Opening, subject: String) -> Result<Memory, Trouble> {
    let (source, name) = (opening.source.clone(), opening.folder.clone());
    let open = move || Memory::open(&Place { folder: &folder, source: &source, name: &name }, &subject);
    let opened = tokio::task::spawn_blocking(open).await.map_err(|why| Trouble::Ours(why.to_string()))?;
    opened.map_err(|why| Trouble::Source(why.to_string()))
}

/// One mailbox that cannot be made is no reason to leave the others out.
fn of_the_folder(why: Error) -> Trouble {
    match why {
        why if is_of_one(&why) => Trouble::Source(why.to_string()),
        why => ours(why),
    }
}

async fn newest(account: &Arc<Account>, mailbox: MailboxId) -> Result<Arc<MailboxState>, Trouble> {
    Ok(Arc::clone(account.open(mailbox).await.map_err(ours)?.newest().state()))
}

/// The BLAKE3 of what is stored under a name; `None` where nothing is.
async fn hash(account: &Account, name: [u8; 32]) -> Result<Option<[u8; 32]>, Trouble> {
    let (mut hasher, mut offset) = (blake3::Hasher::new(), 0);
    while let Some(piece) = account.body(name, offset, READ_OCTETS).await.map_err(ours)? {
        if piece.is_empty() {
            return Ok(Some(*hasher.finalize().as_bytes()));
        }
        hasher.update(&piece);
        offset += piece.len() as u64;
        // The store reads at once, so nothing here waits: others in the same process have their turn all the same.
        tokio::task::yield_now().await;
    }
    Ok(None)
}
