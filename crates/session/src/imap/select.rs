//! SELECT and EXAMINE (RFC 9051, 6.3.2 and 6.3.3; RFC 3501, 6.3.1 and 6.3.2), with CONDSTORE and QRESYNC
//! (RFC 7162, 3.1.8 and 3.2.5).

use super::announce::{tell_flags, tell_permanent_flags};
use super::done::{Done, Note, Outcome};
use super::hall::{Hall, Selected, existing};
use super::list;
use super::object_id::FolderName;
use super::revision::Revision;
use super::talk::Talk;
use crate::port::{Mail, Mailbox, Peer};
use crate::refusal::Refusal;
use mailbox::{Dialect, Known, MailboxState, Naming, View};
use terms::{ModSeq, SeqNum, Uid};
use wire::imap::Reason;
use wire::imap::command::{Access, KnownMessages, QResync, Select};
use wire::imap::reply::{self, Code, Condition, Era, untagged};

pub(super) async fn run<M: Mail, P: Peer>(
    select: &Select,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    // RFC 7162, 3.2.5: QRESYNC as a parameter without ENABLE QRESYNC is BAD.
    if select.qresync.is_some() && hall.dialect < Dialect::Qresync {
        return Err(Refusal::misspoken("Say ENABLE QRESYNC first").into());
    }
    // RFC 3501, 6.3.1: what was open is closed even if the new one cannot be opened.
    if hall.selected.take().is_some() {
        untagged(talk.text(), Condition::Ok, Some(&Code::Closed), "The mailbox before is closed");
    }
    if select.condstore {
        hall.enable(Dialect::Condstore);
    }
    let account = hall.mail.account().await?;
    let spelt = select.mailbox.as_ref().map_err(|bad| Refusal::from(Reason::Name(*bad)))?;
    let mailbox = hall.mail.open(existing(&account, &spelt.name)?.id).await?;
    let state = mailbox.current().await?.ok_or_else(|| mailbox.closed())?;
    // RFC 9051, 6.3.2: "If the client is not permitted to modify the mailbox but is permitted read access, the mailbox is
    // selected as read-only".
    let access = if state.part().is_some() { Access::ReadOnly } else { select.access };
    let mut selected = Selected::open(mailbox, &state, hall.mail.reader(), access, hall.dialect).await?;
    if hall.dialect == Dialect::Qresync {
        let known = select.qresync.as_ref().filter(|known| known.uid_validity == state.uid_validity());
        selected.view.believe(&state, known.map_or(ModSeq::ZERO, |known| known.mod_seq));
    }
    if hall.revision == Revision::Rev2 {
        // RFC 9051, 6.3.2: "MUST return a LIST response", "with the OLDNAME extended data item" where it goes with it.
        list::tell_unasked(
            &account.listed(&spelt.name),
            spelt.spelling.as_deref(),
            hall.names(),
            talk.text(),
        );
    }
    let selected = hall.selected.insert(selected);
    selected.speak(hall.revision);
    selected.view.use_naming(hall.naming);
    tell_mailbox(&state, &selected.view, access, hall.revision, talk.text());
    if let Some(known) = &select.qresync {
        resync(known, &state, &mut selected.view, talk.text());
    }
    let note = match access {
        Access::ReadWrite => Note::ReadWrite,
        Access::ReadOnly => Note::ReadOnly,
    };
    Ok(match select.access {
        Access::ReadWrite => Done::noting(note, "SELECT completed"),
        Access::ReadOnly => Done::noting(note, "EXAMINE completed"),
    })
}

/// What a client has to know first (RFC 3501, 6.3.1; RFC 7162, 3.1.2.1).
fn tell_mailbox(state: &MailboxState, view: &View, access: Access, revision: Revision, out: &mut Vec<u8>) {
    let reader = state.reader(view.account());
    tell_flags(state, out);
    reply::exists(out, view.messages());
    if revision == Revision::Rev1 {
        // RFC 9586, 3: "the server MUST NOT return message sequence numbers in any response".
        let first_unseen = reader.first_unseen().filter(|_| view.naming() == Naming::Numbers);
        tell_what_is_new(view, first_unseen, out);
    }
    tell_permanent_flags(state, access, out);
    let uid_next = state.part().map_or(state.uid_next(), |part| part.uid_next);
    let told = [
        (Code::UidNext(uid_next), "The next message's UID"),
        (Code::UidValidity(state.uid_validity()), "UIDs are valid"),
        (Code::HighestModSeq(view.first_highest_modseq()), "The latest change"),
        (Code::MailboxId(&FolderName::of(state).to_string()), "The mailbox, whatever its name"),
    ];
    for (code, text) in told {
        untagged(out, Condition::Ok, Some(&code), text);
    }
    if state.part().is_some() {
        untagged(out, Condition::Ok, Some(&Code::Alert), ONLY_PART);
    }
}

/// What whoever looks at a mailbox with a hole has to know: that a message which is not shown is not deleted.
const ONLY_PART: &str = "Part of this mailbox cannot be read: what came in or was changed later is not shown, but not \
     deleted, and nothing can be changed here until your administrator has mended it";

/// RECENT and UNSEEN, which IMAP4rev2 has no more (RFC 9051, appendix E, 11 and 12).
fn tell_what_is_new(view: &View, first_unseen: Option<SeqNum>, out: &mut Vec<u8>) {
    reply::recent(out, u32::try_from(view.recent()).unwrap_or(u32::MAX));
    if let Some(first) = first_unseen {
        untagged(out, Condition::Ok, Some(&Code::Unseen(first)), "The first message not seen");
    }
}

/// Tells what a client that comes back has missed: expunges here, flags with what is announced next.
fn resync(known: &QResync, state: &MailboxState, view: &mut View, out: &mut Vec<u8>) {
    // RFC 7162, 3.2.5: with another UIDVALIDITY the parameter is ignored; the client starts anew.
    if known.uid_validity != state.uid_validity() {
        return;
    }
    let matched = known.known_messages.as_ref().and_then(|messages| state.last_match(pairs(messages)));
    let known = Known { modseq: known.mod_seq, uids: known.known_uids.clone(), matched };
    reply::vanished(out, Era::Earlier, &view.resync(state, &known));
}

/// Numbers and UIDs of the sequence match data, side by side (RFC 7162, 3.2.5.2).
fn pairs(known: &KnownMessages) -> impl Iterator<Item = (SeqNum, Uid)> {
    let numbers = known.sequence.iter().flat_map(|(first, last)| first.get()..=last.get());
    numbers.filter_map(SeqNum::new).zip(known.uids.iter())
}
