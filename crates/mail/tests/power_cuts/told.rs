//! What an account has told anybody, and whether what it tells now can be true beside that.

use crate::shelf::{FlagBits, bits};
use mailbox::MailboxState;
use std::collections::BTreeMap;
use terms::Uid;

/// A mailbox as a session may announce it: UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ and its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) highest_mod_seq: u64,
    pub(crate) messages: BTreeMap<u32, Message>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) mod_seq: u64,
    pub(crate) flags: FlagBits,
}

/// Everything that was told of an account since it was made, over all cuts.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Mailboxes by their streams, as they were told last; those that are deleted too.
    mailboxes: BTreeMap<u32, Seen>,
    /// Every stream there ever was, with its UIDVALIDITY.
    streams: BTreeMap<u32, u32>,
    /// Whose each UID is: mailbox, UID, letter.
    given: BTreeMap<(u32, u32), u32>,
}

impl Seen {
    pub(crate) fn of(state: &MailboxState) -> Self {
        let reader = state.reader(state.owner());
        let uids = state.uids(Uid::MIN);
        let message = |row: mailbox::Row| {
            (row.uid.get(), Message { mod_seq: row.modseq.get(), flags: bits(state, &row.flags) })
        };
        Self {
            uid_validity: state.uid_validity().get(),
            uid_next: state.uid_next().get(),
            highest_mod_seq: reader.highest_modseq().get(),
            messages: reader.rows(&uids).map(message).collect(),
        }
    }

    /// Whether this can follow `before`: no number went back, and none that was given is given again.
    fn check_after(&self, before: &Self) -> Result<(), String> {
        if self.uid_validity != before.uid_validity {
            return Err("UIDVALIDITY has changed".to_owned());
        }
        if self.uid_next < before.uid_next || self.highest_mod_seq < before.highest_mod_seq {
            return Err("UIDNEXT or HIGHESTMODSEQ went back".to_owned());
        }
        if self.highest_mod_seq == before.highest_mod_seq && self != before {
            return Err("it changed, and HIGHESTMODSEQ did not".to_owned());
        }
        self.messages.iter().try_for_each(|(uid, message)| self.check_message(*uid, *message, before))
    }

    fn check_message(&self, uid: u32, message: Message, before: &Self) -> Result<(), String> {
        if uid >= self.uid_next || message.mod_seq > self.highest_mod_seq {
            return Err(format!("UID {uid} is beyond the mailbox's own numbers"));
        }
        match before.messages.get(&uid) {
            Some(known) if *known == message => Ok(()),
            None if uid < before.uid_next => Err(format!("UID {uid} came below UIDNEXT")),
            _ if message.mod_seq <= before.highest_mod_seq => {
                Err(format!("UID {uid} has a MODSEQ from before"))
            }
            _ => Ok(()),
        }
    }
}

impl Told {
    /// A mailbox shows itself.
    pub(crate) fn see(&mut self, mailbox: u32, seen: Seen) -> Result<(), String> {
        if let Some(before) = self.mailboxes.get(&mailbox) {
            let wrong = |why| format!("mailbox {mailbox}: {why}\n  before: {before:?}\n  now: {seen:?}");
            seen.check_after(before).map_err(wrong)?;
        }
        self.mailboxes.insert(mailbox, seen);
        Ok(())
    }

    /// The mailboxes that have names, by stream, each with its UIDVALIDITY: neither is given to another mailbox, ever
    /// (RFC 9051, 2.3.1.1; RFC 8474, 4).
    pub(crate) fn see_streams(&mut self, streams: BTreeMap<u32, u32>) -> Result<(), String> {
        let last = self.streams.keys().max().copied().unwrap_or_default();
        let last_uid_validity = self.streams.values().max().copied().unwrap_or_default();
        for (stream, uid_validity) in &streams {
            match self.streams.get(stream) {
                Some(known) if known == uid_validity => {}
                None if *stream > last && *uid_validity > last_uid_validity => {}
                known => return Err(format!("mailbox {stream} has {uid_validity}, and there was {known:?}")),
            }
        }
        self.streams.extend(streams);
        Ok(())
    }

    /// A letter is said to have this UID, or found under it.
    pub(crate) fn give(&mut self, mailbox: u32, uid: u32, letter: u32) -> Result<(), String> {
        match self.given.insert((mailbox, uid), letter) {
            Some(other) if other != letter => {
                Err(format!("UID {uid} of mailbox {mailbox} was given to {other}, and to {letter}"))
            }
            _ => Ok(()),
        }
    }
}
