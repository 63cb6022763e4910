//! Folding many events at once, as whoever opens a mailbox does.
//!
//! What a mailbox lives through is mostly one flag after another, of messages that lie together. Each costs a new leaf
//! and a new path to it; in a row they cost one for all that fall into the leaf.

use super::MailboxState;
use super::apply::{Misfit, private_change};
use crate::private::Seen;
use crate::{Event, FlagSet, FlagsChanged, Scope};
use std::collections::BTreeMap;
use terms::{AccountId, ModSeq, Uid, UidSet};

/// Most messages named by changes that are folded in together: each takes some octets meanwhile.
const MAX_NAMED: u64 = 1 << 16;

/// Changes of flags behind each other.
#[derive(Default)]
struct Changes {
    shared: Vec<(Uid, SharedChange)>,
    private: BTreeMap<AccountId, Marks>,
}

#[derive(Clone)]
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
                    let change =
                        |uid| (uid, SharedChange { add: add.clone(), remove: remove.clone(), modseq });
                    changes.shared.extend(changed.uids.iter().map(change));
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
        self.change_rows(changes.shared);
        for (account, Marks { marks, highest }) in changes.private {
            let private = self.reader_of(account)?;
            *private = private.marked_each(&marks, highest);
        }
        Ok(())
    }

    fn change_rows(&mut self, mut changes: Vec<(Uid, SharedChange)>) {
        // Those of one message stay in their order.
        changes.sort_by_key(|(uid, _)| *uid);
        let uids: UidSet = changes.iter().map(|(uid, _)| *uid).collect();
        let mut changes = changes.as_slice();
        self.messages = self.messages.edit_rows(&uids, |mut rows, _| {
            for row in &mut rows {
                let before = changes.partition_point(|(uid, _)| *uid < row.uid);
                let through = changes.partition_point(|(uid, _)| *uid <= row.uid);
                for (_, SharedChange { add, remove, modseq }) in
                    changes.get(before..through).unwrap_or_default()
                {
                    row.flags = row.flags.without(remove).with(add);
                    row.modseq = *modseq;
                }
                changes = changes.get(through..).unwrap_or_default();
            }
            rows
        });
    }
}

/// How many events from the first on change flags and nothing else, and not of too many messages.
fn first_changes(events: &[Event]) -> usize {
    let mut named = 0;
    let is_one_more = |event: &&Event| {
        named += as_change(event).map_or(MAX_NAMED, |changed| changed.uids.len());
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
