//! Untagged replies that nobody asked for: what changed, told after each command and while a client idles.
//!
//! *What* is told is `mailbox`'s business ([`View::announce`](mailbox::View::announce)); this is *how*, and, in
//! [`Manner::behind`], *when* (RFC 9051, 7.5.1).

use super::done::Stop;
use super::ending::Ending;
use super::hall::Selected;
use super::revision::Revision;
use super::talk::Talk;
use super::uid_only::begin_line;
use crate::port::{Closed, Mailbox, Peer};
use crate::refusal::{Denial, Refusal};
use mailbox::{BATCH_ITEMS, Fetched, Item, MAX_KEYWORDS, MailboxState, MessageName, Permit, SystemFlags};
use std::sync::Arc;
use wire::imap::command::{Access, Sort, Thread};
use wire::imap::reply::{self, Code, Condition, Era, FlagName, untagged};
use wire::imap::{Command, Numbering};

impl From<Closed> for Refusal {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Deleted => Self::denied(Code::NonExistent, "This mailbox has been deleted"),
            // Not that it does not exist: whoever selects it again finds it.
            Closed::Mended => Self::Denied(Denial {
                code: None,
                why: "This mailbox has been mended; select it again".into(),
            }),
        }
    }
}

/// Tells what changed, and gives the state up to which it is told; `None` where the mailbox was closed, which is
/// told too.
pub(super) async fn announce<B: Mailbox, P: Peer>(
    selected: &mut Selected<B>,
    manner: Manner,
    talk: &mut Talk<P>,
) -> Result<Option<Arc<MailboxState>>, Stop> {
    let Some(state) = selected.mailbox.current().await? else {
        let why = match selected.mailbox.closed() {
            Closed::Deleted => "Mailbox has been deleted",
            Closed::Mended => "Mailbox has been mended; select it again",
        };
        untagged(talk.text(), Condition::Ok, Some(&Code::Closed), why);
        return Ok(None);
    };
    let recent = selected.recent(&state).await?;
    loop {
        let told = selected.view.announce(&state, manner.permit, recent, BATCH_ITEMS);
        let told = told.map_err(|_| Ending::FellBehind)?;
        for item in &told.items {
            tell(item, &state, selected, manner.numbering, talk.text());
        }
        talk.flow().await?;
        if told.is_complete() {
            return Ok(Some(state));
        }
    }
}

/// In which manner changes are told with the reply to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    permit: Permit,
    numbering: Numbering,
}

impl Manner {
    /// With all that there is: behind most commands, and while a client idles.
    pub(super) const FREE: Self = Self { permit: Permit::Renumber, numbering: Numbering::Sequence };

    /// Expunges are not told with FETCH, STORE and SEARCH (RFC 9051, 7.5.1), SORT and THREAD (RFC 5256, 3), whose
    /// numbers they would move. The UID forms could tell them; a UID SEARCH may have message numbers in it (RFC
    /// 7162, 3.2.10.2), and so may its kin, so they do not.
    pub(super) const fn behind(command: &Command<'_>) -> Self {
        let numbering = match command {
            Command::Fetch(fetch) => fetch.numbering,
            Command::Store(store) => store.numbering,
            Command::Search(search)
            | Command::Sort(Sort { search, .. })
            | Command::Thread(Thread { search, .. }) => {
                return Self { permit: Permit::KeepNumbers, numbering: search.numbering };
            }
            _ => return Self::FREE,
        };
        let permit = match numbering {
            Numbering::Sequence => Permit::KeepNumbers,
            Numbering::Uid => Permit::Renumber,
        };
        Self { permit, numbering }
    }
}

fn tell<B>(
    item: &Item,
    state: &MailboxState,
    selected: &Selected<B>,
    numbering: Numbering,
    out: &mut Vec<u8>,
) {
    match item {
        Item::Expunge(position) => reply::expunge(out, *position),
        Item::Vanished(uids) => reply::vanished(out, Era::Now, uids),
        Item::Exists(messages) => reply::exists(out, *messages),
        Item::Recent(messages) => reply::recent(out, u32::try_from(*messages).unwrap_or(u32::MAX)),
        Item::Keywords => tell_new_keywords(state, selected.access, out),
        Item::Fetch(fetched) => tell_fetched(fetched, state, (numbering, selected.revision), out),
    }
}

fn tell_fetched(fetched: &Fetched, state: &MailboxState, said: (Numbering, Revision), out: &mut Vec<u8>) {
    let mut line = begin_line(out, fetched.name);
    if has_uid(fetched, said) {
        line.uid(out, fetched.uid);
    }
    if let Some(mod_seq) = fetched.modseq {
        line.mod_seq(out, mod_seq);
    }
    if let Some(flags) = &fetched.flags {
        line.flags(out, flag_names(state, flags.system, flags.keywords(), fetched.recent));
    }
    line.end(out);
}

/// RFC 3501, 6.4.8: the UID is part of "any FETCH response caused by a UID command"; RFC 7162, 3.2.4 wants it beside a
/// MODSEQ, and RFC 9051, appendix E, 21 in all that was not asked for. A UIDFETCH begins with it (RFC 9586, 3.3).
const fn has_uid(fetched: &Fetched, said: (Numbering, Revision)) -> bool {
    let goes_by_number = matches!(fetched.name, MessageName::Number(_));
    goes_by_number && (matches!(said, (Numbering::Uid, _) | (_, Revision::Rev2)) || fetched.modseq.is_some())
}

/// What a FETCH tells is as it is now, not as it was announced: a keyword that came since has to be told first.
pub(super) fn announce_keywords<B>(selected: &mut Selected<B>, state: &MailboxState, out: &mut Vec<u8>) {
    if selected.view.learn_keywords(state) {
        tell_new_keywords(state, selected.access, out);
    }
}

/// RFC 3501, 7.1, PERMANENTFLAGS: a flag that is in FLAGS and not there "can not be set permanently", so the one is
/// not told without the other. Where nothing can be changed, that stays so.
fn tell_new_keywords(state: &MailboxState, access: Access, out: &mut Vec<u8>) {
    tell_flags(state, out);
    if access == Access::ReadWrite {
        tell_permanent_flags(state, access, out);
    }
}

/// PERMANENTFLAGS: what a client can change here, new keywords included as long as there is room for one: "if that
/// limit is reached, the server MUST send a new PERMANENTFLAGS response code without the special flag \*" (RFC 9051,
/// 7.1).
pub(super) fn tell_permanent_flags(state: &MailboxState, access: Access, out: &mut Vec<u8>) {
    let (flags, text): (Vec<_>, _) = match access {
        Access::ReadWrite => {
            let any = (state.keywords().len() < MAX_KEYWORDS).then_some(FlagName::AnyKeyword);
            (mailbox_flags(state).chain(any).collect(), "Flags that you can change")
        }
        Access::ReadOnly => (Vec::new(), "Nothing can be changed here"),
    };
    untagged(out, Condition::Ok, Some(&Code::PermanentFlags(&flags)), text);
}

/// FLAGS: the system flags and the mailbox's keywords.
pub(super) fn tell_flags(state: &MailboxState, out: &mut Vec<u8>) {
    reply::flags(out, mailbox_flags(state));
}

/// The flags that a mailbox knows.
fn mailbox_flags(state: &MailboxState) -> impl Iterator<Item = FlagName<'_>> {
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
    system: SystemFlags,
    keywords: &'a [u16],
    is_recent: bool,
) -> impl Iterator<Item = FlagName<'a>> {
    let system = SYSTEM.iter().filter(move |(flag, _)| system.contains(*flag)).map(|(_, name)| *name);
    let keywords = keywords.iter().filter_map(|number| state.keywords().get(*number));
    let recent = is_recent.then_some(FlagName::Recent);
    system.chain(keywords.map(FlagName::Keyword)).chain(recent)
}
