//! A mailbox of whose events some cannot be read: what it was before the first of them.
//!
//! Nothing can happen to it, for nobody knows to what. What its owner was told of numbers stays true: none is shown that is
//! lower. And nobody is told that a message is gone of which nothing can be known.

use super::MailboxState;
use crate::Head;
use terms::{ModSeq, Uid, UidSet};

/// What is known of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// UIDNEXT of the whole, as far as that is known.
    pub uid_next: Uid,
    /// HIGHESTMODSEQ of the whole, as far as that is known.
    pub highest_modseq: ModSeq,
}

impl MailboxState {
    /// This is not all: what came behind its last event cannot be read. `head` is the last summary of the whole, if that
    /// is left.
    #[must_use]
    pub fn in_part(self, head: Option<&Head>) -> Self {
        let known = self.head();
        let part = Part {
            uid_next: head.map_or(known.uid_next, |head| head.uid_next.max(known.uid_next)),
            highest_modseq: head
                .map_or(known.highest_modseq, |head| head.highest_modseq.max(known.highest_modseq)),
        };
        Self { part: Some(part), ..self }
    }

    /// What is known of the rest, where this is not all.
    #[must_use]
    pub const fn part(&self) -> Option<&Part> {
        self.part.as_ref()
    }

    /// Those of `uids` of which it can be told whether they are there.
    pub(crate) fn known_among(&self, uids: UidSet) -> UidSet {
        match (self.part, Uid::new(self.uid_next.get() - 1)) {
            (None, _) => uids,
            (Some(_), Some(last)) => uids.intersection(&UidSet::range(Uid::MIN, last)),
            (Some(_), None) => UidSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Appended, Birth, Created, Dialect, Event, Flags, FlagsChanged, Known, Misfit, NewMessage, Permit,
        Scope, SystemFlags, View,
    };
    use terms::{AccountId, InternalDate, UidValidity};

    const ANN: AccountId = AccountId(1);

    fn modseq(n: u64) -> ModSeq {
        ModSeq::new(n).unwrap()
    }

    fn uids(numbers: &[u32]) -> UidSet {
        numbers.iter().filter_map(|n| Uid::new(*n)).collect()
    }

    fn appended(first: u32) -> Event {
        let message = NewMessage {
            birth: Birth::Here,
            flags: Flags::NONE,
            internal_date: InternalDate::new(1_700_000_000, 0).unwrap(),
            size: 10,
            save_date: 1_700_000_000,
        };
        Event::Appended(Appended { first: Uid::new(first).unwrap(), reader: ANN, messages: vec![message] })
    }

    fn flagged(numbers: &[u32]) -> Event {
        Event::FlagsChanged(FlagsChanged {
            scope: Scope::Shared,
            uids: uids(numbers),
            add: Flags::system(SystemFlags::FLAGGED),
            remove: Flags::NONE,
        })
    }

    /// Seven events, of which the sixth cannot be read: three messages, the first of which is gone, and two more.
    fn part() -> MailboxState {
        let created = Event::Created(Created {
            stream: 9,
            owner: ANN,
            uid_validity: UidValidity::new(7).unwrap(),
            uid_next: Uid::MIN,
            modseq_base: ModSeq::ZERO,
        });
        let gone = Event::Expunged { uids: uids(&[1]) };
        let all = [created, appended(1), appended(2), appended(3), gone, appended(4), appended(5)];
        let whole = MailboxState::fold(&all).unwrap();
        MailboxState::fold(&all[..5]).unwrap().in_part(Some(&whole.head()))
    }

    fn known(at: u64, numbers: Option<&[u32]>) -> Known {
        Known { modseq: modseq(at), uids: numbers.map(uids), matched: None }
    }

    #[test]
    fn nothing_can_happen_to_a_part() {
        for event in [appended(4), appended(6), flagged(&[2]), Event::Expunged { uids: uids(&[2]) }] {
            assert_eq!(part().apply(&event).unwrap_err(), Misfit::Part);
        }
    }

    #[test]
    fn it_knows_the_numbers_of_the_whole_where_a_summary_tells_them() {
        let told =
            |state: &MailboxState| state.part().map(|part| (part.uid_next.get(), part.highest_modseq.get()));
        assert_eq!(told(&part()), Some((6, 7)));
        assert_eq!(told(&part().in_part(None)), Some((4, 5)));
    }

    #[test]
    fn nothing_behind_the_hole_has_vanished() {
        let part = part();
        assert_eq!(part.vanished(&known(7, Some(&[2, 3, 4, 5]))), uids(&[]));
        assert_eq!(part.vanished(&known(4, Some(&[1, 2, 3]))), uids(&[1]));
        assert_eq!(part.vanished(&known(4, None)), uids(&[1]));
        // Where expunges are not remembered, all that is absent would be told.
        let mut forgetful = part;
        forgetful.expunges.forget(modseq(5));
        assert_eq!(forgetful.vanished(&known(1, Some(&[1, 2, 3, 4, 5]))), uids(&[1]));
        assert_eq!(forgetful.vanished(&known(1, None)), uids(&[1]));
    }

    /// What SELECT says, what is told behind it, and what HIGHESTMODSEQ is told at the end.
    fn resynced(at: u64) -> (u64, usize, Option<ModSeq>) {
        let part = part();
        let mut view = View::open(&part, ANN, Dialect::Qresync, None);
        view.believe(&part, modseq(at));
        let first = view.first_highest_modseq().get();
        let _ = view.resync(&part, &known(at, None));
        let told = view.announce(&part, Permit::Renumber, None, 99).unwrap();
        (first, told.items.len(), view.highest_modseq(&part))
    }

    #[test]
    fn a_client_is_told_to_know_what_it_knows_and_no_more() {
        assert_eq!(resynced(7), (7, 0, None), "it knows everything");
        assert_eq!(resynced(6), (6, 0, None), "it would miss the last one, should it be read again");
        assert_eq!(resynced(3), (5, 1, None), "it has been told all that there is");
        assert_eq!(resynced(99), (7, 0, None), "nobody knows so much");
    }

    #[test]
    fn a_client_that_does_not_say_what_it_knows_is_told_no_less_than_before() {
        let part = part();
        let mut view = View::open(&part, ANN, Dialect::Plain, None);
        assert_eq!((view.first_highest_modseq(), view.highest_modseq(&part)), (modseq(7), None));
        view.enable(Dialect::Condstore);
        assert_eq!(view.highest_modseq(&part), Some(modseq(7)));
    }
}
