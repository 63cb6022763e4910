//! EXPUNGE, UID EXPUNGE and CLOSE; what REPLACE takes away.

use super::{check_modseqs, pieces};
use crate::{Event, LimitReached, MailboxState};
use terms::UidSet;

/// Which messages are to go.
#[derive(Clone, Copy, Debug)]
pub enum Doomed<'a> {
    /// All with `\Deleted`: EXPUNGE and CLOSE (RFC 9051, 6.4.3 and 6.4.1).
    Deleted,
    /// Those of these that have `\Deleted`: UID EXPUNGE (RFC 4315, 2.1).
    DeletedAmong(&'a UidSet),
    /// Those of these that are there, whatever their flags: REPLACE (RFC 8508, 3.4).
    These(&'a UidSet),
}

/// What an expunge comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expunging {
    /// To be committed behind the state that was asked; none when there is nothing to expunge.
    pub events: Vec<Event>,
    /// The messages that go.
    pub uids: UidSet,
}

/// Expunges messages.
///
/// # Errors
/// When no MODSEQ is left.
pub fn expunge(state: &MailboxState, doomed: Doomed<'_>) -> Result<Expunging, LimitReached> {
    let uids = match doomed {
        Doomed::Deleted => state.deleted_uids(),
        Doomed::DeletedAmong(uids) => state.deleted_uids().intersection(uids),
        Doomed::These(uids) => state.present(uids),
    };
    remove(state, uids)
}

/// Expunges messages that are there, whatever their flags.
pub(super) fn remove(state: &MailboxState, uids: UidSet) -> Result<Expunging, LimitReached> {
    let events: Vec<Event> = pieces(&uids).map(|uids| Event::Expunged { uids }).collect();
    check_modseqs(state, events.len())?;
    Ok(Expunging { events, uids })
}
