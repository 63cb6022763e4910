//! EXPUNGE (RFC 3501, 6.4.3) and UID EXPUNGE (RFC 4315, 2.1).

use super::done::{Done, Outcome};
use super::hall::{Hall, Writable};
use super::pace::patiently;
use super::talk::Talk;
use crate::port::{Mail, Mailbox, Peer};
use crate::refusal::Refusal;
use mailbox::Doomed;
use wire::imap::{MessageSet, Numbering, Tag};

/// What goes is told with the changes behind the command, as EXPUNGE or VANISHED, and so is the HIGHESTMODSEQ that
/// RFC 7162, 3.2.7 wants in the reply.
pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    set: Option<&MessageSet>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let selected = hall.selected()?;
    let writable = selected.writable()?;
    let named = set.map(|set| selected.named(Numbering::Uid, set)).transpose()?;
    let doomed = named.as_ref().map_or(Doomed::Deleted, Doomed::DeletedAmong);
    patiently(expunge(&selected.mailbox, writable, doomed), 0, tag, talk).await??;
    Ok(Done::ok("EXPUNGE completed"))
}

/// Messages with `\Deleted` go, whoever set it.
pub(super) async fn expunge<B: Mailbox>(
    mailbox: &B,
    _writable: Writable,
    doomed: Doomed<'_>,
) -> Result<(), Refusal> {
    let plan = |state: &mailbox::MailboxState| Ok((mailbox::expunge(state, doomed)?.events, ()));
    mailbox.change(plan).await.map(drop)
}
