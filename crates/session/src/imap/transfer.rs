//! COPY and MOVE (RFC 3501, 6.4.7; RFC 6851), with COPYUID (RFC 4315, 3).

use super::done::{Done, Note, Outcome, Stop};
use super::hall::{Hall, target};
use super::pace::patiently;
use super::talk::Talk;
use crate::port::{self, Mail, Peer, Transferred};
use crate::refusal::Refusal;
use wire::imap::Tag;
use wire::imap::command::Transfer;
use wire::imap::reply::{Code, Condition, untagged};

pub(super) async fn copy<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    transfer: &Transfer,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    hall.selected()?;
    Ok(match run(port::Transfer::Copy, tag, transfer, hall, talk).await? {
        Some(note) => Done::noting(note, "COPY completed"),
        None => Done::ok(NOTHING_THERE),
    })
}

/// RFC 6851, 4.3: COPYUID goes into an untagged OK, in front of the expunges, which are told with the changes
/// behind the command.
pub(super) async fn move_messages<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    transfer: &Transfer,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    hall.selected()?.writable()?;
    match run(port::Transfer::Move, tag, transfer, hall, talk).await? {
        Some(Note::CopyUid(validity, from, to)) => {
            let code = Code::CopyUid(validity, &from, &to);
            untagged(talk.text(), Condition::Ok, Some(&code), "Moved");
            Ok(Done::ok("MOVE completed"))
        }
        _ => Ok(Done::ok(NOTHING_THERE)),
    }
}

/// To move what is gone already is as good as done; clients repeat a NO for ever.
const NOTHING_THERE: &str = "There was nothing left to do";

async fn run<M: Mail, P: Peer>(
    what: port::Transfer,
    tag: &Tag<'_>,
    transfer: &Transfer,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Result<Option<Note>, Stop> {
    let account = hall.mail.account().await?;
    let to = target(&account, &transfer.mailbox)?.id;
    let selected = hall.selected.as_ref().ok_or_else(|| Refusal::misspoken("Select a mailbox first"))?;
    let uids = selected.named(transfer.numbering, &transfer.set)?;
    let transferring = hall.mail.transfer(what, &selected.mailbox, &uids, to);
    let Transferred { uid_validity, from, to } = patiently(transferring, uids.len(), tag, talk).await??;
    Ok((!from.is_empty()).then_some(Note::CopyUid(uid_validity, from, to)))
}
