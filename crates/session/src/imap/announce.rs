//! Untagged replies that nobody asked for: what changed, told after each command and while a client idles.
//!
//! *What* is told is `mailbox`'s business ([`View::announce`](mailbox::View::announce)); this is *how*, and, in
//! [`permit`], *when* (RFC 9051, 7.5.1).

use super::done::Stop;
use super::hall::Selected;
use super::session::Ending;
use super::talk::Talk;
use crate::port::{Mailbox, Peer};
use crate::refusal::Refusal;
use mailbox::{BATCH_ITEMS, FlagSet, Item, MailboxState, Permit, SystemFlags};
use std::sync::Arc;
use wire::imap::reply::{self, Code, Condition, Era, FetchLine, FlagName, untagged};
use wire::imap::{Command, Numbering};

/// The open mailbox is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deleted;

impl From<Deleted> for Refusal {
    fn from(_: Deleted) -> Self {
        Self::denied(Code::NonExistent, "This mailbox has been deleted")
    }
}

/// Tells what changed, and gives the state up to which it is told; `None` where the mailbox was deleted, which is
/// told too.
pub(super) async fn announce<B: Mailbox, P: Peer>(
    selected: &mut Selected<B>,
    permit: Permit,
    talk: &mut Talk<P>,
) -> Result<Option<Arc<MailboxState>>, Stop> {
    let Some(state) = selected.mailbox.current().await? else {
        untagged(talk.text(), Condition::Ok, Some(&Code::Closed), "Mailbox has been deleted");
        return Ok(None);
    };
    let recent = selected.recent(&state).await?;
    loop {
        let told = selected.view.announce(&state, permit, Some(recent), BATCH_ITEMS);
        let told = told.map_err(|_| Ending::FellBehind)?;
        for item in &told.items {
            tell(item, &state, talk.text());
        }
        talk.flow().await?;
        if told.is_complete() {
            return Ok(Some(state));
        }
    }
}

/// Whether expunges may be told with the reply to a command.
///
/// Not with FETCH, STORE and SEARCH (RFC 9051, 7.5.1), whose numbers they would move. The UID forms could tell
/// them; a UID SEARCH may have message numbers in it (RFC 7162, 3.2.10.2), so it does not.
pub(super) const fn permit(command: &Command<'_>) -> Permit {
    match command {
        Command::Fetch(fetch) => by(fetch.numbering),
        Command::Store(store) => by(store.numbering),
        Command::Search(_) => Permit::KeepNumbers,
        _ => Permit::Renumber,
    }
}

const fn by(numbering: Numbering) -> Permit {
    match numbering {
        Numbering::Sequence => Permit::KeepNumbers,
        Numbering::Uid => Permit::Renumber,
    }
}

fn tell(item: &Item, state: &MailboxState, out: &mut Vec<u8>) {
    match item {
        Item::Expunge(position) => reply::expunge(out, *position),
        Item::Vanished(uids) => reply::vanished(out, Era::Now, uids),
        Item::Exists(messages) => reply::exists(out, *messages),
        Item::Recent(messages) => reply::recent(out, u32::try_from(*messages).unwrap_or(u32::MAX)),
        Item::Keywords => tell_flags(state, out),
        Item::Fetch(fetched) => {
            let mut line = FetchLine::begin(out, fetched.seq);
            if let Some(mod_seq) = fetched.modseq {
                line.uid(out, fetched.uid);
                line.mod_seq(out, mod_seq);
            }
            if let Some(flags) = &fetched.flags {
                line.flags(out, flag_names(state, flags, fetched.recent));
            }
            line.end(out);
        }
    }
}

/// FLAGS: the system flags and the mailbox's keywords.
pub(super) fn tell_flags(state: &MailboxState, out: &mut Vec<u8>) {
    reply::flags(out, mailbox_flags(state));
}

/// The flags that a mailbox knows.
pub(super) fn mailbox_flags(state: &MailboxState) -> impl Iterator<Item = FlagName<'_>> {
    SYSTEM.iter().map(|(_, name)| *name).chain(state.keywords().iter().map(FlagName::Keyword))
}

const SYSTEM: [(SystemFlags, FlagName<'static>); 5] = [
    (SystemFlags::ANSWERED, FlagName::Answered),
    (SystemFlags::FLAGGED, FlagName::Flagged),
    (SystemFlags::DELETED, FlagName::Deleted),
    (SystemFlags::SEEN, FlagName::Seen),
    (SystemFlags::DRAFT, FlagName::Draft),
];

/// A message's flags.
pub(super) fn flag_names<'a>(
    state: &'a MailboxState,
    flags: &'a FlagSet,
    is_recent: bool,
) -> impl Iterator<Item = FlagName<'a>> {
    let system = SYSTEM.iter().filter(|(flag, _)| flags.system.contains(*flag)).map(|(_, name)| *name);
    let keywords = flags.keywords().iter().filter_map(|number| state.keywords().get(*number));
    let recent = is_recent.then_some(FlagName::Recent);
    system.chain(keywords.map(FlagName::Keyword)).chain(recent)
}
