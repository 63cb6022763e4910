//! Whether two states say the same of a mailbox, however they came about.

use super::MailboxState;
use crate::private::Private;
use crate::tree::{Leaf, Tree};
use std::collections::BTreeMap;
use terms::{ModSeq, UidSet};

impl MailboxState {
    /// Whether everything that a client can be told is the same in both: how rows lie in leaves, and what only sessions
    /// that are open need, do not count. Expunges count as far back as both remember them.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let numbers = |state: &Self| {
            (
                (state.stream, state.owner, state.uid_validity, state.uid_next),
                (state.seq, state.modseq_base, state.highest_shared, state.skipped),
            )
        };
        let horizon = self.expunges.horizon().max(other.expunges.horizon());
        numbers(self) == numbers(other)
            && self.keywords == other.keywords
            && same_rows(&self.messages, &other.messages)
            && self.expunged_behind(horizon) == other.expunged_behind(horizon)
            && same_privates(&self.privates, &other.privates)
    }

    /// A snapshot may have cut one expunge into several.
    fn expunged_behind(&self, horizon: ModSeq) -> BTreeMap<ModSeq, UidSet> {
        let mut expunged: BTreeMap<ModSeq, UidSet> = BTreeMap::new();
        for expunge in self.expunges.iter().filter(|expunge| expunge.modseq > horizon) {
            let uids = expunged.entry(expunge.modseq).or_default();
            *uids = uids.union(&expunge.uids);
        }
        expunged
    }
}

fn same_privates<K: Ord>(one: &BTreeMap<K, Private>, other: &BTreeMap<K, Private>) -> bool {
    let same =
        |one: &Private, other: &Private| one.highest == other.highest && same_rows(&one.marks, &other.marks);
    one.len() == other.len() && one.iter().zip(other).all(|((a, one), (b, other))| a == b && same(one, other))
}

fn same_rows<L: Leaf<Row: PartialEq>>(one: &Tree<L>, other: &Tree<L>) -> bool {
    rows(one).eq(rows(other))
}

fn rows<L: Leaf>(tree: &Tree<L>) -> impl Iterator<Item = L::Row> {
    tree.leaves().flat_map(|leaf| (0..leaf.len()).filter_map(|at| leaf.row(at)))
}

#[cfg(test)]
mod tests {
    use crate::{
        Appended, Birth, Created, Event, Flags, FlagsChanged, MailboxState, NewMessage, Scope, SystemFlags,
    };
    use terms::{AccountId, InternalDate, ModSeq, Uid, UidSet, UidValidity};

    const ANN: AccountId = AccountId(1);

    fn after(state: &MailboxState, event: &Event) -> MailboxState {
        state.apply(event).unwrap()
    }

    fn full() -> MailboxState {
        let created = Created {
            stream: 1,
            owner: ANN,
            uid_validity: UidValidity::MIN,
            uid_next: Uid::MIN,
            modseq_base: ModSeq::ZERO,
        };
        let message = NewMessage {
            birth: Birth::Here,
            flags: Flags::system(SystemFlags::SEEN),
            internal_date: InternalDate::EPOCH,
            size: 7,
            save_date: 0,
        };
        let state = MailboxState::create(&created).unwrap();
        let messages = vec![message; 700];
        after(&state, &Event::Appended(Appended { first: Uid::MIN, reader: ANN, messages }))
    }

    fn range(first: u32, last: u32) -> UidSet {
        UidSet::range(Uid::new(first).unwrap(), Uid::new(last).unwrap())
    }

    fn read_back(state: &MailboxState) -> MailboxState {
        let pieces = state.snapshot();
        MailboxState::restore(pieces.iter().map(|piece| &**piece)).unwrap()
    }

    fn flagged(scope: Scope, flags: SystemFlags) -> Event {
        let (add, remove) = (Flags::NONE, Flags::system(flags));
        Event::FlagsChanged(FlagsChanged { scope, uids: range(9, 9), add, remove })
    }

    #[test]
    fn a_state_that_was_read_back_says_the_same_and_goes_on_saying_it() {
        let expunged = Event::Expunged { uids: range(100, 400) };
        let state = after(&full(), &expunged);
        let back = read_back(&state);
        assert!(back.says_the_same_as(&state));
        let again = Event::Expunged { uids: range(1, 8) };
        assert!(after(&back, &again).says_the_same_as(&after(&state, &again)));
        assert!(after(&read_back(&full()), &expunged).says_the_same_as(&state));
    }

    #[test]
    fn whatever_differs_is_told() {
        let state = full();
        let seen = flagged(Scope::Private(ANN), SystemFlags::SEEN);
        let skipped = Event::Skipped { uid_next: Uid::MAX, modseq_base: ModSeq::new(1 << 20).unwrap() };
        for event in [Event::Expunged { uids: range(700, 700) }, seen, skipped] {
            assert!(!after(&state, &event).says_the_same_as(&state), "{event:?}");
        }
        let flagged = |uid| {
            let (add, remove) = (Flags::system(SystemFlags::FLAGGED), Flags::NONE);
            let changed = FlagsChanged { scope: Scope::Shared, uids: range(uid, uid), add, remove };
            after(&state, &Event::FlagsChanged(changed))
        };
        assert!(!flagged(1).says_the_same_as(&flagged(2)));
        let expunged = |uid| after(&state, &Event::Expunged { uids: range(uid, uid) });
        assert!(!expunged(1).says_the_same_as(&expunged(2)));
    }
}
