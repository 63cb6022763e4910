//! Which messages an account has, or could bring back.

use std::collections::BTreeMap;
use store::EmailId;
use terms::{Uid, UidSet};

/// Messages by where they were born, as ranges: a million that lie in order take no more room than one.
#[derive(Debug, Default)]
pub(crate) struct Restorable {
    born: BTreeMap<u32, UidSet>,
    /// UIDNEXT of each mailbox: what has it or a higher UID came in since.
    uid_next: BTreeMap<u32, Uid>,
    /// The last mailbox there was: what was born in a later one came in since. `None`: nothing can come in.
    last_mailbox: Option<u32>,
}

/// Messages on their way into [`Restorable`].
#[derive(Debug, Default)]
pub(crate) struct Births(BTreeMap<u32, Vec<(Uid, Uid)>>);

impl Births {
    pub(crate) fn push(&mut self, email: EmailId) {
        // There is no UID 0, so no message either.
        let Some(uid) = Uid::new(email.uid) else { return };
        let spans = self.0.entry(email.mailbox).or_default();
        match spans.last_mut() {
            Some((_, last)) if last.next() == Some(uid) => *last = uid,
            _ => spans.push((uid, uid)),
        }
    }
}

impl Restorable {
    /// What an account is to keep of which nothing can be brought back.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// Of an account whose last mailbox is this one so far.
    pub(crate) const fn up_to(last_mailbox: u32) -> Self {
        Self { born: BTreeMap::new(), uid_next: BTreeMap::new(), last_mailbox: Some(last_mailbox) }
    }

    /// The messages of one mailbox, whose UIDNEXT is this.
    pub(crate) fn add(&mut self, mailbox: u32, uid_next: Uid, births: Births) {
        self.uid_next.insert(mailbox, uid_next);
        for (mailbox, spans) in births.0 {
            let born = self.born.entry(mailbox).or_default();
            *born = born.union(&UidSet::from_ranges(spans));
        }
    }

    /// How many messages are known to be there, or could be brought back: each has a record.
    pub(crate) fn known(&self) -> u64 {
        self.born.values().map(UidSet::len).sum()
    }

    /// Whether a message is one of those.
    pub(crate) fn knows(&self, email: EmailId) -> bool {
        let born = self.born.get(&email.mailbox);
        Uid::new(email.uid).is_some_and(|uid| born.is_some_and(|born| born.contains(uid)))
    }

    /// Whether a message's record is to stay.
    pub(crate) fn holds(&self, email: EmailId) -> bool {
        let (Some(last_mailbox), Some(uid)) = (self.last_mailbox, Uid::new(email.uid)) else { return false };
        let is_newer = self.uid_next.get(&email.mailbox).is_some_and(|next| uid >= *next);
        email.mailbox > last_mailbox || is_newer || self.knows(email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn email(mailbox: u32, uid: u32) -> EmailId {
        EmailId { mailbox, uid }
    }

    #[test]
    fn what_is_known_or_came_in_since_stays_and_all_else_goes() {
        let mut restorable = Restorable::up_to(4);
        let mut births = Births::default();
        [email(1, 3), email(1, 4), email(3, 9), email(1, 2)].into_iter().for_each(|email| births.push(email));
        restorable.add(1, Uid::new(7).unwrap(), births);
        for stays in [(1, 2), (1, 3), (1, 4), (3, 9), (1, 7), (1, u32::MAX), (5, 1)] {
            assert!(restorable.holds(email(stays.0, stays.1)), "{stays:?}");
        }
        for goes in [(1, 1), (1, 5), (1, 6), (3, 8), (2, 1), (4, u32::MAX)] {
            assert!(!restorable.holds(email(goes.0, goes.1)), "{goes:?}");
        }
    }

    #[test]
    fn of_an_account_that_is_no_more_nothing_stays() {
        assert!(!Restorable::nothing().holds(email(1, 1)));
        assert!(!Restorable::nothing().holds(email(u32::MAX, u32::MAX)));
    }
}
