//! APPEND (RFC 3501, 6.3.11). The message passes through memory in pieces, whatever its size.

use super::done::{Done, Note, Outcome, Stop};
use super::hall::target;
use super::talk::{Talk, too_big};
use crate::port::{self, Draft, Mail, Peer};
use crate::refusal::Refusal;
use bytes::Bytes;
use std::time::Duration;
use terms::UidSet;
use wire::imap::Tag;
use wire::imap::command::{Append, append_end};
use wire::imap::framer::{Event, Refused};
use wire::imap::reply::Code;

/// How long a client may pause within a message.
const PAUSE_TIME: Duration = Duration::from_secs(5 * 60);

/// What can be refused is refused before the message comes: a client that waits with its literal is spared
/// sending it.
pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    append: Append,
    mail: &M,
    octets: u64,
    talk: &mut Talk<P>,
) -> Outcome {
    let (mailbox, draft) = match prepare(&append, mail, octets).await {
        Ok(prepared) => prepared,
        Err(refusal) => {
            talk.refuse_literal();
            return Err(refusal.into());
        }
    };
    talk.stream_literal().map_err(too_large)?;
    let taken = take_message(draft, talk).await?;
    append_end(&rest(talk).await?, tag)?;
    let flags = append.item.flags.iter().collect();
    let port::Appended { uid_validity, uid } = mail.append(mailbox, taken?, flags, append.item.date).await?;
    Ok(Done::noting(Note::AppendUid(uid_validity, UidSet::one(uid)), "APPEND completed"))
}

/// A message that is too large is the user's, and so are the words.
fn too_large(why: Refused) -> Refusal {
    let Refused::TooBig(limit) = why else { return too_big(why) };
    let limit = match limit >> 20 {
        0 => format!("{limit} octets"),
        mebibytes => format!("{mebibytes} MiB"),
    };
    Refusal::denied(Code::TooBig, format!("This message is too large; one can have at most {limit}"))
}

async fn prepare<M: Mail>(
    append: &Append,
    mail: &M,
    octets: u64,
) -> Result<(mailbox::account::MailboxId, M::Draft), Refusal> {
    let account = mail.account().await?;
    let mailbox = target(&account, &append.mailbox)?;
    // RFC 3502 lets a client cancel with an empty literal, and some do without MULTIAPPEND: no message has no
    // octets.
    if octets == 0 {
        return Err(Refusal::denied(Code::Cannot, "An empty message is not stored"));
    }
    Ok((mailbox.id, mail.draft(octets).await?))
}

/// Takes the whole literal, come what may: a client that sends one sends all of it. The outer error ends the
/// session, the inner one refuses the message.
async fn take_message<D: Draft, P: Peer>(draft: D, talk: &mut Talk<P>) -> Result<Result<D, Refusal>, Stop> {
    let mut taken = Ok(draft);
    loop {
        let until = talk.now().plus(PAUSE_TIME);
        let Event::Octets { octets, left } = talk.next_event(until).await? else {
            return Err(Refusal::Hangup.into());
        };
        if let Ok(draft) = &mut taken
            && let Err(refusal) = take_piece(draft, octets).await
        {
            taken = Err(refusal);
        }
        if left == 0 {
            return Ok(taken);
        }
    }
}

async fn take_piece<D: Draft>(draft: &mut D, octets: Bytes) -> Result<(), Refusal> {
    // RFC 3501, 9: a literal holds CHAR8, any octet but NUL. Dropping it would alter the message.
    if octets.contains(&0) {
        return Err(Refusal::denied(
            Code::Cannot,
            "A message with NUL octets is not stored, as it could not be fetched",
        ));
    }
    draft.write(octets).await
}

/// What stands behind the message: the line end, as a rule.
async fn rest<P: Peer>(talk: &mut Talk<P>) -> Result<Bytes, Stop> {
    let until = talk.now().plus(PAUSE_TIME);
    match talk.next_event(until).await? {
        Event::Rest(rest) => Ok(rest),
        Event::Literal(_) => {
            talk.refuse_literal();
            Err(Refusal::misspoken("One message an APPEND").into())
        }
        _ => Err(Refusal::misspoken("Expected the end of the command behind the message").into()),
    }
}
