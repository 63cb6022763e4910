//! QRESYNC: what a client missed while it was away, from the state alone (RFC 7162, 3.2.5 and 3.2.6).

use crate::{Known, MailboxState};
use terms::{SeqNum, Uid, UidSet};

impl MailboxState {
    /// The UIDs of VANISHED (EARLIER): those of the messages known to the client that are expunged and that it
    /// has not heard of. Where the expunges are no longer remembered, every absent UID that it may know
    /// (RFC 7162, 3.2.6).
    #[must_use]
    pub fn vanished(&self, known: &Known) -> UidSet {
        let is_reliable = self.is_reliable(known.modseq);
        let all_given = Uid::new(self.uid_next().get() - 1).map(|last| UidSet::range(Uid::MIN, last));
        let uids = known.uids.clone().unwrap_or_else(|| all_given.unwrap_or_default());
        let uids = self.known_among(uids);
        if let Some(expunges) = self.expunges().behind(known.modseq).filter(|_| is_reliable) {
            let gone = expunges.flat_map(|expunge| expunge.uids.spans().iter().copied());
            return UidSet::from_ranges(gone).intersection(&uids);
        }
        let absent = uids.difference(&self.uids(Uid::MIN));
        // Behind a skip, what it lacks and what it has too much may even out.
        match known.matched.filter(|_| is_reliable) {
            // RFC 7162, 3.2.5.2: up to a message that has the same number with us, it knows of every expunge.
            Some(matched) => absent.difference(&UidSet::range(Uid::MIN, matched)),
            None => absent,
        }
    }

    /// The last of the client's pairs of number and UID that agrees with the mailbox as it is. Looks no further
    /// than the first that does not, so that its effort is bounded by the messages that are there.
    #[must_use]
    pub fn last_match(&self, pairs: impl IntoIterator<Item = (SeqNum, Uid)>) -> Option<Uid> {
        let agrees = |&(seq, uid): &(SeqNum, Uid)| self.uid_at(seq) == Some(uid);
        pairs.into_iter().take_while(agrees).last().map(|(_, uid)| uid)
    }
}
