//! UIDONLY (RFC 9586): messages have UIDs and no numbers.
//!
//! Which commands have message numbers in them is known here alone; that replies have none is the view's business,
//! which names each message ([`mailbox::MessageName`]).

use crate::refusal::{Denial, Refusal};
use mailbox::{MessageName, Naming};
use wire::imap::command::{SearchKey, Sort, Thread};
use wire::imap::reply::{Code, FetchLine};
use wire::imap::{Command, Numbering};

/// Refuses a command with message numbers in it once they are given up (RFC 9586, 3): "the server MUST return a tagged
/// BAD response ... The server MUST include the UIDREQUIRED response code".
pub(super) fn check(naming: Naming, command: &Command<'_>) -> Result<(), Refusal> {
    if uses_numbers(command) { check_numbering(naming, Numbering::Sequence) } else { Ok(()) }
}

/// The same for a command whose numbers mean this.
pub(super) fn check_numbering(naming: Naming, numbering: Numbering) -> Result<(), Refusal> {
    match (naming, numbering) {
        (Naming::Uids, Numbering::Sequence) => Err(Refusal::Misspoken(Denial {
            code: Some(Code::UidRequired),
            why: "Message numbers are not allowed once UIDONLY is enabled".into(),
        })),
        _ => Ok(()),
    }
}

/// RFC 9586, 3.2, 3.5, 3.7 and 3.8.
fn uses_numbers(command: &Command<'_>) -> bool {
    match command {
        Command::Copy(transfer) | Command::Move(transfer) => transfer.numbering == Numbering::Sequence,
        Command::Fetch(fetch) => fetch.numbering == Numbering::Sequence,
        Command::Store(store) => store.numbering == Numbering::Sequence,
        Command::Search(search)
        | Command::Sort(Sort { search, .. })
        | Command::Thread(Thread { search, .. }) => {
            search.numbering == Numbering::Sequence || search.keys.iter().flatten().any(seeks_numbers)
        }
        Command::Select(select) => {
            select.qresync.as_ref().is_some_and(|qresync| qresync.known_messages.is_some())
        }
        Command::Authenticate(_)
        | Command::Capability
        | Command::Check
        | Command::Close
        | Command::Compress
        | Command::Create(_)
        | Command::Delete(_)
        | Command::Enable(_)
        | Command::Expunge(_)
        | Command::GetQuota(_)
        | Command::GetQuotaRoot(_)
        | Command::Id(_)
        | Command::Idle
        | Command::List(_)
        | Command::Login(_)
        | Command::Logout
        | Command::Namespace
        | Command::Noop
        | Command::Rename(_)
        | Command::SetQuota(_)
        | Command::StartTls
        | Command::Status(_)
        | Command::Subscribe(_)
        | Command::Unselect
        | Command::Unsubscribe(_) => false,
    }
}

/// Whether a bare set stands somewhere among the keys.
fn seeks_numbers(key: &SearchKey<'_>) -> bool {
    match key {
        // RFC 9586, 3.5: "The "<sequence set>" UID SEARCH criterion is prohibited". RFC 5182, 5, makes "$" a sequence-set,
        // though no number is in it; "UID $" says the same (RFC 5182, 2.2, example 3) and is allowed.
        SearchKey::Sequence(_) => true,
        SearchKey::Not(key) => seeks_numbers(key),
        SearchKey::Or(keys) | SearchKey::And(keys) => keys.iter().any(seeks_numbers),
        _ => false,
    }
}

/// Begins the FETCH or UIDFETCH of a message.
pub(super) fn begin_line(out: &mut Vec<u8>, name: MessageName) -> FetchLine {
    match name {
        MessageName::Number(number) => FetchLine::begin(out, number),
        MessageName::Uid(uid) => FetchLine::begin_uid(out, uid),
    }
}
