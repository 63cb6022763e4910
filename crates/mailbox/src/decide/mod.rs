//! Decisions: from a state and a request to the events that grant it.
//!
//! They are pure, and nothing comes of them until their events are committed behind the very state that they
//! looked at. Where another commit came first they are made again, with all their tests: an UNCHANGEDSINCE that
//! held a moment ago may not hold now.

mod append;
mod expunge;
mod rebuild;
mod store;
mod transfer;

pub use append::{Appending, append, bring, restate, skip, skip_to};
pub use expunge::{Doomed, Expunging, expunge};
pub use rebuild::{Given, rebuild};
pub use store::{Change, Store, Stored, store};
pub use transfer::{Copying, Moving, copies, copy, move_messages};

use crate::{LimitReached, MailboxState};
use terms::UidSet;

/// Most UID ranges in one event: with two lists of [`crate::MAX_KEYWORDS`] keywords beside them it stays below
/// [`crate::MAX_EVENT_OCTETS`].
pub(crate) const MAX_RANGES_IN_EVENT: usize = 32_768;

/// Pieces of a set that fit into an event each.
fn pieces(uids: &UidSet) -> impl Iterator<Item = UidSet> {
    uids.spans().chunks(MAX_RANGES_IN_EVENT).map(|spans| UidSet::from_ranges(spans.iter().copied()))
}

fn check_modseqs(state: &MailboxState, events: usize) -> Result<(), LimitReached> {
    state.modseq_in(events as u64).map(drop).ok_or(LimitReached::ModSeqs)
}
