//! What is done for those who come back, before a server stops.

use crate::Accounts;
use std::cmp::Reverse;
use store::StoreError;

/// Most snapshots that are taken before a stop: each waits for the disk twice.
const MOST: usize = 128;
/// Most octets that their mailboxes take in memory together.
const MOST_OCTETS: usize = 64 << 20;

impl Accounts {
    /// Takes a snapshot of mailboxes in memory behind whose last one something has happened, if not so much that one was
    /// due while the server ran; first of those where that is the most. Whoever opens them after the next start has
    /// nothing to fold in. To be asked when nobody changes anything any more.
    ///
    /// Nothing depends on it: where it is left out, or a snapshot cannot be written, opening takes longer.
    pub async fn take_last_snapshots(&self) {
        let accounts = self.room.all();
        let open = accounts
            .iter()
            .flat_map(|account| account.open_mailboxes().into_iter().map(move |mailbox| (account, mailbox)));
        let mut worth: Vec<_> = open
            .filter_map(|(account, mailbox)| Some((mailbox.worth_a_last_snapshot()?, account, mailbox)))
            .collect();
        worth.sort_by_key(|(weight, ..)| Reverse(*weight));
        let mut room = MOST_OCTETS;
        for (_, account, mailbox) in worth.into_iter().take(MOST) {
            let Some(left) = room.checked_sub(mailbox.octets()) else { continue };
            room = left;
            let taken = account.take_snapshot(&mailbox, mailbox.newest_at()).await;
            // Then it takes no other either.
            if matches!(taken, Err(StoreError::Unavailable { .. })) {
                return;
            }
        }
    }
}
