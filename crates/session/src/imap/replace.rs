//! REPLACE and UID REPLACE (RFC 8508): a message comes and another goes, in one commit.
//!
//! Nothing is inherited from the message that goes, and its `\Deleted` never shows (RFC 8508, 3.4). Where it cannot go
//! because somebody else was faster, nothing comes either: `NO [EXPUNGEISSUED]`, and the client can still append.

use super::append::open_target;
use super::done::{Done, Outcome};
use super::hall::Hall;
use super::old_name;
use super::pace::patiently;
use super::talk::Talk;
use super::uid_only;
use super::upload::{Announced, Bringing, Intake};
use crate::port::{Appended, Mail, Peer};
use crate::refusal::Refusal;
use mailbox::Found;
use mailbox::account::{MailboxId, Usage};
use terms::Uid;
use wire::imap::command::{Append, Replace};
use wire::imap::reply::{Code, Condition, untagged};
use wire::imap::{MessageSet, SequenceSet, Tag};

pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    replace: Replace,
    octets: u64,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let (replaced, going, target) = match prepare(&replace, hall).await {
        Ok(prepared) => prepared,
        Err(refusal) => {
            talk.refuse_literal();
            return Err(refusal.into());
        }
    };
    let intake = Intake { talk: &mut *talk, tag, bringing: Bringing::One, draft: hall.mail.draft(going) };
    let Append { mailbox: spelt, item } = replace.append;
    let draft = intake.take(Announced { item, octets }).await?;
    let mailbox = &hall.selected.as_ref().ok_or_else(gone)?.mailbox;
    let replacing = hall.mail.replace((mailbox, replaced), target, draft);
    let Appended { uid_validity, uids } = patiently(replacing, 0, tag, talk).await??;
    // RFC 8508, 4.3: "advised to send the APPENDUID response code in an untagged OK before sending the EXPUNGE", which
    // is told with the changes behind the command.
    let code = Code::AppendUid(uid_validity, &uids);
    untagged(talk.text(), Condition::Ok, Some(&code), "Replacement message ready");
    old_name::tell(&spelt.name, spelt.spelling.as_deref(), hall, talk.text()).await;
    Ok(Done::ok("REPLACE completed"))
}

/// The message that is to go, the room that it leaves, and the mailbox that the other one goes to.
async fn prepare<M: Mail>(replace: &Replace, hall: &mut Hall<M>) -> Result<(Uid, Usage, MailboxId), Refusal> {
    uid_only::check_numbering(hall.naming, replace.numbering)?;
    let selected = hall.selected()?;
    selected.writable()?;
    // A number that is not there is BAD already.
    let set = MessageSet::Written(SequenceSet::one(replace.message));
    let named = selected.named(replace.numbering, &set)?;
    let replaced = named.first().ok_or_else(no_such_uid)?;
    let state = selected.current().await?;
    let going = match selected.view.find(&state, replaced) {
        Some(Found::Live(row)) => Usage { octets: row.size, messages: 1 },
        Some(Found::Ghost(_) | Found::Gone) | None => return Err(gone()),
    };
    Ok((replaced, going, open_target(&hall.mail, &replace.append.mailbox.name).await?))
}

fn no_such_uid() -> Refusal {
    Refusal::denied(Code::NonExistent, "There is no message with this UID here; nothing was stored")
}

fn gone() -> Refusal {
    Refusal::denied(Code::ExpungeIssued, "The message to be replaced has been expunged; nothing was stored")
}
