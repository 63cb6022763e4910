//! CLOSE (RFC 3501, 6.4.2) and UNSELECT (RFC 3691).

use super::done::{Done, Outcome};
use super::expunge::expunge;
use super::hall::Hall;
use super::pace::patiently;
use super::talk::Talk;
use crate::port::{Mail, Mailbox, Peer};
use mailbox::Doomed;
use wire::imap::Tag;

/// Expunges without telling, as far as the mailbox was opened for changes, and closes. RFC 7162, 3.2.8: the reply
/// MUST NOT carry a HIGHESTMODSEQ.
pub(super) async fn run<M: Mail, P: Peer>(tag: &Tag<'_>, hall: &mut Hall<M>, talk: &mut Talk<P>) -> Outcome {
    let selected = hall.selected()?;
    // A mailbox that somebody has deleted has nothing left to expunge; to close it is as good as done.
    let is_there = selected.mailbox.current().await?.is_some();
    if let (true, Ok(writable)) = (is_there, selected.writable()) {
        patiently(expunge(&selected.mailbox, writable, Doomed::Deleted), 0, tag, talk).await??;
    }
    hall.selected = None;
    Ok(Done::ok("CLOSE completed"))
}

/// Closes, and expunges nothing.
pub(super) fn unselect<M: Mail>(hall: &mut Hall<M>) -> Outcome {
    hall.selected()?;
    hall.selected = None;
    Ok(Done::ok("UNSELECT completed"))
}
