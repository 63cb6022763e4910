//! STATUS (RFC 9051, 6.3.11; RFC 3501, 6.3.10), with HIGHESTMODSEQ (RFC 7162, 3.1.7), SIZE (RFC 8438), MAILBOXID
//! (RFC 8474, 4.3), APPENDLIMIT (RFC 7889, 3.1) and DELETED-STORAGE (RFC 9208, 4.1.4).

use super::done::{Done, Outcome};
use super::hall::{Hall, existing};
use super::object_id::FolderName;
use super::revision::Revision;
use crate::port::{Closed, Mail, Mailbox as _, Recency};
use crate::refusal::Refusal;
use mailbox::account::{Mailbox, MailboxId};
use mailbox::{Dialect, Head};
use wire::imap::command::{Status, StatusItem};
use wire::imap::reply::{self, StatusValue};

pub(super) async fn run<M: Mail>(status: &Status, hall: &mut Hall<M>, out: &mut Vec<u8>) -> Outcome {
    begin(&status.items, hall)?;
    let account = hall.mail.account().await?;
    let mailbox = existing(&account, &status.mailbox)?;
    let head = hall.mail.heads(&[mailbox.id]).await?.into_iter().next().flatten().ok_or(Closed::Deleted)?;
    let values = values(&status.items, &mailbox, &head, &hall.mail).await?;
    reply::status_data(out, &status.mailbox, &values, hall.names());
    Ok(Done::ok("STATUS completed"))
}

/// RFC 7162, 3.1: to ask for HIGHESTMODSEQ is to enable CONDSTORE. RFC 9051, appendix E, 12: RECENT is IMAP4rev1's.
pub(super) fn begin<M: Mail>(items: &[StatusItem], hall: &mut Hall<M>) -> Result<(), Refusal> {
    if items.contains(&StatusItem::Recent) && hall.revision == Revision::Rev2 {
        return Err(Refusal::misspoken("RECENT is no status item of IMAP4rev2"));
    }
    if items.contains(&StatusItem::HighestModSeq) {
        hall.enable(Dialect::Condstore);
    }
    Ok(())
}

/// Answered from the mailbox's summary: a mailbox is opened only where something in it is `\Recent`, or deleted and to
/// be weighed.
pub(super) async fn values<M: Mail>(
    items: &[StatusItem],
    mailbox: &Mailbox,
    head: &Head,
    mail: &M,
) -> Result<Vec<StatusValue>, Refusal> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        values.push(match item {
            StatusItem::Messages => StatusValue::Messages(head.messages),
            StatusItem::Recent => StatusValue::Recent(recent(mail, mailbox.id, head).await?),
            StatusItem::UidNext => StatusValue::UidNext(head.uid_next),
            StatusItem::UidValidity => StatusValue::UidValidity(head.uid_validity),
            StatusItem::Unseen => StatusValue::Unseen(head.unseen),
            StatusItem::Deleted => StatusValue::Deleted(head.deleted),
            StatusItem::Size => StatusValue::Size(head.octets),
            StatusItem::HighestModSeq => StatusValue::HighestModSeq(head.highest_modseq),
            StatusItem::MailboxId => {
                let name = FolderName::new(mail.reader(), mailbox.id, mailbox.uid_validity);
                StatusValue::MailboxId(name.to_string())
            }
            StatusItem::AppendLimit => StatusValue::AppendLimit(mail.largest_message()),
            StatusItem::DeletedStorage => {
                StatusValue::DeletedStorage(deleted_octets(mail, mailbox.id, head).await?)
            }
        });
    }
    Ok(values)
}

/// STATUS looks and takes nothing: what it counts is recent still for who selects the mailbox.
async fn recent<M: Mail>(mail: &M, id: MailboxId, head: &Head) -> Result<u32, Refusal> {
    if head.messages == 0 {
        return Ok(0);
    }
    let mailbox = mail.open(id).await?;
    let state = mailbox.current().await?.ok_or_else(|| mailbox.closed())?;
    let from = mailbox.recent(Recency::Look, state.uid_next()).await?;
    Ok(u32::try_from(state.uids(from).len()).unwrap_or(u32::MAX))
}

/// "The sum of the RFC822.SIZE of the messages with the \Deleted flag set" (RFC 9208, 4.1.4), which here is exact.
async fn deleted_octets<M: Mail>(mail: &M, id: MailboxId, head: &Head) -> Result<u64, Refusal> {
    if head.deleted == 0 {
        return Ok(0);
    }
    let mailbox = mail.open(id).await?;
    Ok(mailbox.current().await?.ok_or_else(|| mailbox.closed())?.deleted_octets())
}
