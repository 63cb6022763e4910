//! CREATE (RFC 9051, 6.3.4), with USE (RFC 6154, 3) and MAILBOXID (RFC 8474, 4.1).

use super::done::{Done, Note, Outcome};
use super::hall::Hall;
use super::object_id::FolderName;
use super::old_name;
use crate::port::Mail;
use crate::refusal::Refusal;
use mailbox::account::{AccountEvent, Plan, SpecialUse, SpecialUses};
use terms::AccountId;
use wire::imap::command::Create;
use wire::imap::reply::Code;

pub(super) async fn run<M: Mail>(create: &Create<'_>, hall: &Hall<M>, out: &mut Vec<u8>) -> Outcome {
    let uses = special_uses(&create.uses)?;
    let name = &create.mailbox.name;
    let plan = hall.mail.change(|account, now| account.create(name, uses, now.unix_s, &now.limits)).await?;
    old_name::tell(name, create.mailbox.spelling.as_deref(), hall, out).await;
    Ok(Done { note: created(&plan, hall.mail.reader()), text: "CREATE completed" })
}

/// A use that we do not have: "the server MUST NOT create the mailbox" (RFC 6154, 3).
fn special_uses(words: &[&str]) -> Result<SpecialUses, Refusal> {
    words.iter().map(|word| SpecialUse::named(word).ok_or_else(|| no_such_use(word))).collect()
}

fn no_such_use(word: &str) -> Refusal {
    let known: Vec<_> = SpecialUse::ALL.iter().map(|one| one.attribute()).collect();
    let why = format!("No mailbox here can serve as \\{word}; they can as {}", known.join(", "));
    Refusal::denied(Code::UseAttr, why)
}

/// RFC 8474, 4.1: "MUST include the MAILBOXID response code in the tagged OK response to all successful CREATE
/// commands".
fn created(plan: &Plan, owner: AccountId) -> Option<Note> {
    plan.events.iter().find_map(|event| match event {
        AccountEvent::Created { id, uid_validity, .. } => {
            Some(Note::MailboxId(FolderName::new(owner, *id, *uid_validity).to_string()))
        }
        _ => None,
    })
}
