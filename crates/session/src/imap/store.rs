//! STORE and UID STORE (RFC 3501, 6.4.6), with UNCHANGEDSINCE (RFC 7162, 3.1.3).

use super::done::{Done, Note, Outcome};
use super::hall::{Hall, Selected, Writable};
use super::pace::patiently;
use super::talk::Talk;
use crate::port::{Change, Mail, Mailbox, Peer};
use crate::refusal::Refusal;
use mailbox::{Dialect, Flags, Reply, Stored};
use terms::UidSet;
use wire::imap::command::{Silence, Store, StoreAction};
use wire::imap::reply::Code;
use wire::imap::{Numbering, Tag};

/// The new flags are told with the changes behind the command: only the view knows which of them the client has
/// heard of already.
pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    store: &Store,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    if store.unchanged_since.is_some() {
        hall.enable(Dialect::Condstore);
    }
    let selected = hall.selected()?;
    let writable = selected.writable()?;
    let uids = selected.named(store.numbering, &store.set)?;
    let changing = commit(store, &uids, selected, writable);
    let Change { before, after, outcome } = patiently(changing, uids.len(), tag, talk).await??;
    selected.view.stored(&before, &after, &outcome, reply(store.silence));
    answer(store, selected, &outcome)
}

async fn commit<B: Mailbox>(
    store: &Store,
    uids: &UidSet,
    selected: &Selected<B>,
    _writable: Writable,
) -> Result<Change<Stored>, Refusal> {
    let flags: Flags = store.flags.iter().collect();
    let request = mailbox::Store {
        account: selected.view.account(),
        uids,
        change: change(store.action),
        flags: &flags,
        unchanged_since: store.unchanged_since,
    };
    let plan = |state: &mailbox::MailboxState| {
        let stored = mailbox::store(state, &request)?;
        Ok((stored.events.clone(), stored))
    };
    selected.mailbox.change(plan).await
}

const fn change(action: StoreAction) -> mailbox::Change {
    match action {
        StoreAction::Replace => mailbox::Change::Replace,
        StoreAction::Add => mailbox::Change::Add,
        StoreAction::Remove => mailbox::Change::Remove,
    }
}

const fn reply(silence: Silence) -> Reply {
    match silence {
        Silence::Told => Reply::Flags,
        Silence::Silent => Reply::Silent,
    }
}

fn answer<B: Mailbox>(store: &Store, selected: &Selected<B>, stored: &Stored) -> Outcome {
    if let Some(failed) = selected.as_numbers(store.numbering, &stored.modified) {
        return Ok(Done::noting(
            Note::Modified(failed),
            "These messages have changed since, and were left as they are",
        ));
    }
    // RFC 2180, 4.2: a silent STORE of messages that are gone is as good as done. A UID that is gone is one that
    // does not exist (RFC 3501, 6.4.8).
    let tells = store.silence == Silence::Told && store.numbering == Numbering::Sequence;
    if tells && !stored.absent.is_empty() {
        let why = "Some of these messages have been expunged; the others are as you wanted";
        return Err(Refusal::denied(Code::ExpungeIssued, why).into());
    }
    Ok(Done::ok("STORE completed"))
}
