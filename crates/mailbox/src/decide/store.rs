//! STORE: RFC 9051, 6.4.6 and RFC 7162, 3.1.3.

use super::{check_modseqs, pieces};
use crate::{Event, FlagSet, Flags, FlagsChanged, Keywords, LimitReached, MAX_KEYWORDS, MAX_READERS};
use crate::{MailboxState, Reader, Scope, SystemFlags};
use terms::{AccountId, ModSeq, UidSet};

/// What STORE does with the flags that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
    /// `FLAGS`
    Replace,
}

/// A STORE command, with its messages by UID.
#[derive(Clone, Debug)]
pub struct Store<'a> {
    /// Who asks: whose `\Seen` it is.
    pub account: AccountId,
    /// Which messages: what the session's view makes of the command's set.
    pub uids: &'a UidSet,
    /// What to do.
    pub change: Change,
    /// With which flags.
    pub flags: &'a Flags,
    /// UNCHANGEDSINCE
    pub unchanged_since: Option<ModSeq>,
}

/// What a STORE comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// To be committed behind the state that was asked; none when nothing changes (RFC 7162, 3.1.11).
    pub events: Vec<Event>,
    /// Messages whose flags these events change.
    pub changed: UidSet,
    /// Messages that are as asked afterwards, whether or not they had to change.
    pub passed: UidSet,
    /// Messages that were changed since UNCHANGEDSINCE: the MODIFIED response code.
    ///
    /// We keep one MODSEQ a message, and do not tell apart which flag was changed (3.1.12 describes how one
    /// might, with a copy of all flags in each session): a client asks again with the new MODSEQ.
    pub modified: UidSet,
    /// Messages that are no longer there.
    pub absent: UidSet,
}

/// Changes flags. An event names only messages that really change, each in its scope: `\Seen` is private.
///
/// # Errors
/// The limit that the mailbox would overstep.
pub fn store(state: &MailboxState, request: &Store<'_>) -> Result<Stored, LimitReached> {
    let keywords = keywords_after(state, request)?;
    let named = keywords.known(request.flags);
    let reader = state.reader(request.account);
    let present = state.present(request.uids);
    let absent = request.uids.difference(&present);
    // RFC 7162, 3.1.3: "equal to or less than the specified UNCHANGEDSINCE value".
    let modified = request.unchanged_since.map(|since| reader.changed_among(&present, since));
    let modified = modified.unwrap_or_default();
    let passed = if modified.is_empty() { present } else { present.difference(&modified) };
    let (shared, dropped) = shared_changes(state, &passed, |flags| request.change.apply(flags, &named));
    let private = private_changes(reader, &passed, request.change, is_seen(&named));
    let mut events: Vec<_> = shared_events(request, &shared, named_flags(&keywords, &dropped)).collect();
    events.extend(private_events(request, &private));
    if !private.is_empty() && !state.knows_reader(request.account) && state.readers() >= MAX_READERS {
        return Err(LimitReached::Readers);
    }
    check_modseqs(state, events.len())?;
    Ok(Stored { events, changed: shared.union(&private), passed, modified, absent })
}

/// Messages whose shared flags become others, and all flags that one of them loses.
fn shared_changes(
    state: &MailboxState,
    passed: &UidSet,
    change: impl Fn(&FlagSet) -> FlagSet,
) -> (UidSet, FlagSet) {
    let shared = state.flagged(passed, |flags| shared_part(&change(flags)) != shared_part(flags));
    let mut dropped = FlagSet::default();
    state.each_combination(&shared, |flags| dropped = dropped.with(&flags.without(&change(flags))));
    (shared, dropped)
}

/// Messages whose `\Seen` becomes another.
fn private_changes(reader: Reader<'_>, passed: &UidSet, change: Change, names_seen: bool) -> UidSet {
    match (change, names_seen) {
        (Change::Add | Change::Remove, false) => UidSet::new(),
        (Change::Add | Change::Replace, true) => passed.difference(&reader.seen_among(passed)),
        (Change::Remove, true) | (Change::Replace, false) => reader.seen_among(passed),
    }
}

impl Change {
    fn apply(self, flags: &FlagSet, named: &FlagSet) -> FlagSet {
        match self {
            Self::Add => flags.with(named),
            Self::Remove => flags.without(named),
            Self::Replace => named.clone(),
        }
    }
}

/// The mailbox's keywords with those that the request brings.
fn keywords_after(state: &MailboxState, request: &Store<'_>) -> Result<Keywords, LimitReached> {
    let mut keywords = state.keywords().clone();
    if request.change != Change::Remove {
        if keywords.len() + keywords.unknown([request.flags]) > MAX_KEYWORDS {
            return Err(LimitReached::Keywords);
        }
        for keyword in request.flags.keywords() {
            keywords.meet(keyword);
        }
    }
    Ok(keywords)
}

const fn is_seen(flags: &FlagSet) -> bool {
    flags.system.contains(SystemFlags::SEEN)
}

fn shared_part(flags: &FlagSet) -> (SystemFlags, &[u16]) {
    (flags.system.without(SystemFlags::SEEN), flags.keywords())
}

/// A message's flags by name.
pub(super) fn named_flags(keywords: &Keywords, flags: &FlagSet) -> Flags {
    let names = flags.keywords().iter().filter_map(|number| keywords.get(*number).cloned());
    Flags::distinct(flags.system, names.collect())
}

fn shared_events(request: &Store<'_>, uids: &UidSet, dropped: Flags) -> impl Iterator<Item = Event> {
    let named = request.flags.without(SystemFlags::SEEN);
    let add = if request.change == Change::Remove { Flags::NONE } else { named };
    let remove = dropped.without(SystemFlags::SEEN);
    pieces(uids).map(move |uids| {
        Event::FlagsChanged(FlagsChanged {
            scope: Scope::Shared,
            uids,
            add: add.clone(),
            remove: remove.clone(),
        })
    })
}

fn private_events(request: &Store<'_>, uids: &UidSet) -> impl Iterator<Item = Event> {
    let seen = Flags::system(SystemFlags::SEEN);
    let sets = request.change != Change::Remove && request.flags.system.contains(SystemFlags::SEEN);
    let (add, remove) = if sets { (seen, Flags::NONE) } else { (Flags::NONE, seen) };
    let scope = Scope::Private(request.account);
    pieces(uids).map(move |uids| {
        Event::FlagsChanged(FlagsChanged { scope, uids, add: add.clone(), remove: remove.clone() })
    })
}
