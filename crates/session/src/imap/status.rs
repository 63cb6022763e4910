//! STATUS (RFC 3501, 6.3.10), with HIGHESTMODSEQ (RFC 7162, 3.1.7) and SIZE (RFC 8438).

use super::announce::Deleted;
use super::done::{Done, Outcome};
use super::hall::{Hall, existing};
use crate::port::{Mail, Mailbox, Recency};
use crate::refusal::{Denial, Refusal};
use mailbox::account::MailboxId;
use mailbox::{Dialect, Head};
use wire::imap::command::{Status, StatusItem};
use wire::imap::reply::{self, StatusValue};

/// Answered from the mailbox's summary: a mailbox is opened for \Recent alone.
pub(super) async fn run<M: Mail>(status: &Status, hall: &mut Hall<M>, out: &mut Vec<u8>) -> Outcome {
    if status.items.contains(&StatusItem::HighestModSeq) {
        hall.enable(Dialect::Condstore);
    }
    let account = hall.mail.account().await?;
    let id = existing(&account, &status.mailbox)?.id;
    let head = hall.mail.heads(&[id]).await?.into_iter().next().flatten().ok_or(Deleted)?;
    let mut values = Vec::with_capacity(status.items.len());
    for item in &status.items {
        values.push(match item {
            StatusItem::Recent => StatusValue::Recent(recent(&hall.mail, id).await?),
            item => value(*item, &head)?,
        });
    }
    reply::status_data(out, &status.mailbox, &values);
    Ok(Done::ok("STATUS completed"))
}

fn value(item: StatusItem, head: &Head) -> Result<StatusValue, Refusal> {
    Ok(match item {
        StatusItem::Messages => StatusValue::Messages(head.messages),
        StatusItem::UidNext => StatusValue::UidNext(head.uid_next),
        StatusItem::UidValidity => StatusValue::UidValidity(head.uid_validity),
        StatusItem::Unseen => StatusValue::Unseen(head.unseen),
        StatusItem::Deleted => StatusValue::Deleted(head.deleted),
        StatusItem::Size => StatusValue::Size(head.octets),
        StatusItem::HighestModSeq => StatusValue::HighestModSeq(head.highest_modseq),
        StatusItem::Recent | StatusItem::MailboxId => return Err(not_offered()),
    })
}

fn not_offered() -> Refusal {
    Refusal::Denied(Denial { code: None, why: "MAILBOXID is not available on this server".into() })
}

/// STATUS looks and takes nothing: what it counts is recent still for who selects the mailbox.
async fn recent<M: Mail>(mail: &M, id: MailboxId) -> Result<u32, Refusal> {
    let mailbox = mail.open(id).await?;
    let state = mailbox.current().await?.ok_or(Deleted)?;
    let from = mailbox.recent(Recency::Look, state.uid_next()).await?;
    Ok(u32::try_from(state.uids(from).len()).unwrap_or(u32::MAX))
}
