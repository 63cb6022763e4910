//! Folding many events at once, as whoever opens a mailbox does.
//!
//! What a mailbox lives through is mostly one flag after another, of messages that lie together. Each costs a new leaf
//! and a new path to it; in a row they cost one for all that fall into the leaf. What happens to a great many messages at
//! once costs little for each, and stays by itself.

use super::MailboxState;
use super::apply::{Misfit, private_change};
use crate::private::Seen;
use crate::row::MessageLeaf;
use crate::tree::{Counted, Leaf};
use crate::{Event, FlagSet, FlagsChanged, Scope};
use std::collections::BTreeMap;
use terms::{AccountId, ModSeq, Uid, UidSet};

/// An event that changes flags of more messages than this, a leaf of them, is folded in by itself: leaves are changed as
/// wholes then, and nothing is written down for each message.
const FEW: u64 = 256;
/// Most messages named by changes that are folded in together: each takes eight octets meanwhile.
const MAX_NAMED: u64 = 1 << 14;

/// Changes of flags behind each other.
#[derive(Default)]
struct Changes {
    shared: Vec<SharedChange>,
    /// Which of those changes which message.
    named: Vec<(Uid, u32)>,
    private: BTreeMap<AccountId, Marks>,
}

struct SharedChange {
    add: FlagSet,
    remove: FlagSet,
    modseq: ModSeq,
}

/// The last word on each message, and the last of all.
#[derive(Default)]
struct Marks {
    marks: BTreeMap<Uid, (Seen, ModSeq)>,
    highest: ModSeq,
}

impl MailboxState {
    /// The state after all of these events, as [`Self::apply`] makes it of one after the other.
    ///
    /// # Errors
    /// The first event that does not fit.
    pub fn apply_all(&self, events: &[Event]) -> Result<Self, Misfit> {
        let mut state = self.clone();
        let mut left = events;
        while let Some((first, others)) = left.split_first() {
            let changes = first_changes(left);
            if changes > 1 {
                let (together, behind) = left.split_at(changes);
                state.change_all(together.iter().filter_map(as_change))?;
                left = behind;
            } else {
                state = state.apply(first)?;
                left = others;
            }
        }
        Ok(state)
    }

    fn change_all<'e>(&mut self, changed: impl Iterator<Item = &'e FlagsChanged>) -> Result<(), Misfit> {
        if self.part.is_some() {
            return Err(Misfit::Part);
        }
        let mut changes = Changes::default();
        for changed in changed {
            let modseq = self.modseq_in(1).ok_or(Misfit::ModSeq)?;
            self.seq += 1;
            self.must_hold(&changed.uids)?;
            match changed.scope {
                Scope::Shared => {
                    let (add, remove) = self.shared_change(changed)?;
                    self.highest_shared = modseq;
                    let number = changes.shared.len() as u32;
                    changes.shared.push(SharedChange { add, remove, modseq });
                    changes.named.extend(changed.uids.iter().map(|uid| (uid, number)));
                }
                Scope::Private(account) => {
                    let seen = private_change(&changed.add, &changed.remove)?;
                    self.reader_of(account)?;
                    let of_account = changes.private.entry(account).or_default();
                    of_account.marks.extend(changed.uids.iter().map(|uid| (uid, (seen, modseq))));
                    of_account.highest = modseq;
                }
            }
        }
        self.change_rows(&changes.shared, changes.named);
        for (account, Marks { marks, highest }) in changes.private {
            let private = self.reader_of(account)?;
            *private = private.marked_each(&marks, highest);
        }
        Ok(())
    }

    fn change_rows(&mut self, changes: &[SharedChange], mut named: Vec<(Uid, u32)>) {
        // Those of one message stay in their order: they are numbered by it.
        named.sort_unstable();
        let uids: UidSet = named.iter().map(|(uid, _)| *uid).collect();
        let change = |flags: &FlagSet, of_one: &[(Uid, u32)]| {
            let changes = of_one.iter().filter_map(|(_, number)| changes.get(*number as usize));
            changes.fold((flags.clone(), ModSeq::default()), |(flags, _), change| {
                (flags.without(&change.remove).with(&change.add), change.modseq)
            })
        };
        let mut left = named.as_slice();
        self.messages = self.messages.edit(&uids, |leaf, _| {
            let changed = |leaf: &MessageLeaf| {
                let here = left.partition_point(|(uid, _)| Some(*uid) <= leaf.last());
                let (here, behind) = left.split_at(here);
                left = behind;
                let by_message = here.chunk_by(|(one, _), (next, _)| one == next);
                let by_message = by_message.filter_map(|of_one| Some((of_one.first()?.0, of_one)));
                Counted::new(leaf.each_changed(by_message, change))
            };
            leaf.map(Counted::leaf).map(changed).into_iter().collect()
        });
    }
}

/// How many events from the first on change flags of a few messages and nothing else, and not of too many together.
fn first_changes(events: &[Event]) -> usize {
    let mut named = 0;
    let is_one_more = |event: &&Event| {
        let messages = as_change(event).map(|changed| changed.uids.len()).filter(|messages| *messages <= FEW);
        named += messages.unwrap_or(MAX_NAMED);
        named < MAX_NAMED
    };
    events.iter().take_while(is_one_more).count()
}

const fn as_change(event: &Event) -> Option<&FlagsChanged> {
    match event {
        Event::FlagsChanged(changed) => Some(changed),
        _ => None,
    }
}
