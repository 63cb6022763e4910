//! APPEND (RFC 9051, 6.3.12; RFC 3501, 6.3.11), of one message or of several that are stored together or not
//! at all (MULTIAPPEND, RFC 3502), as literal or as literal8 (BINARY, RFC 3516, 4.4).

use super::done::{Done, Note, Outcome};
use super::hall::{Hall, target};
use super::old_name;
use super::pace::patiently;
use super::talk::Talk;
use super::upload::{Announced, Bringing, Intake};
use crate::port::{Appended, Mail, Peer};
use crate::refusal::Refusal;
use mailbox::account::{MailboxId, Usage};
use terms::MailboxName;
use wire::imap::Tag;
use wire::imap::command::Append;
use wire::imap::mailbox_name::SpeltName;

pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    append: Append,
    octets: u64,
    hall: &Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let (mail, SpeltName { name, spelling }) = (&hall.mail, append.mailbox);
    let mailbox = match open_target(mail, &name).await {
        Ok(mailbox) => mailbox,
        Err(refusal) => {
            talk.refuse_literal();
            return Err(refusal.into());
        }
    };
    let intake =
        Intake { talk: &mut *talk, tag, bringing: Bringing::Many, draft: mail.draft(Usage::default()) };
    let draft = intake.take(Announced { item: append.item, octets }).await?;
    let Appended { uid_validity, uids } = patiently(mail.append(mailbox, draft), 0, tag, talk).await??;
    old_name::tell(&name, spelling.as_deref(), hall, talk.text()).await;
    Ok(Done::noting(Note::AppendUid(uid_validity, uids), "APPEND completed"))
}

/// The mailbox that messages go to.
pub(super) async fn open_target<M: Mail>(mail: &M, name: &MailboxName) -> Result<MailboxId, Refusal> {
    Ok(target(&*mail.account().await?, name)?.id)
}
