//! Holding what is there after a kill against what was answered before it.

use crate::contents::{Contents, Found, Message};
use crate::letter::{Copy, LetterId, MAILBOXES, Made, Shelf};
use crate::writer::{Told, Writer};
use std::collections::{BTreeMap, BTreeSet};

/// What a mailbox has promised so far, over all kills.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    uid_validity: Option<u64>,
    uid_next: u32,
    mod_seq: u64,
    /// Every UID that there ever was, and whose it was.
    given: BTreeMap<u32, LetterId>,
    /// The latest modification sequence of each message, as told.
    changed: BTreeMap<u32, u64>,
}

/// An account's ledgers, by mailbox.
pub(crate) type Ledgers = [Ledger; MAILBOXES.len()];

impl Ledger {
    /// Writes down what a session was told of this mailbox. Complains of a UID that was given twice.
    fn enter(&mut self, mailbox: usize, told: &Told, complaints: &mut Vec<String>) {
        for &(_, uid, letter) in told.given.iter().filter(|given| given.0 == mailbox) {
            if let Some(other) = self.given.insert(uid, letter) {
                complaints.push(format!("UID {uid} was given to {letter:?}, and before to {other:?}"));
            }
        }
        for &(_, uid, number) in told.mod_seqs.iter().filter(|heard| heard.0 == mailbox) {
            self.mod_seq = self.mod_seq.max(number);
            if let Some(uid) = uid {
                let changed = self.changed.entry(uid).or_default();
                *changed = number.max(*changed);
            }
        }
    }

    /// What is wrong with what was found in the mailbox.
    pub(crate) fn check(&self, found: &Contents, complain: &mut impl FnMut(String)) {
        if self.uid_validity.is_some_and(|before| before != found.uid_validity) {
            complain(format!("UIDVALIDITY is {}, and was {:?}", found.uid_validity, self.uid_validity));
        }
        if found.highest_mod_seq < self.mod_seq {
            complain(format!("HIGHESTMODSEQ is {}, and was {}", found.highest_mod_seq, self.mod_seq));
        }
        let above = self.given.last_key_value().map_or(0, |(uid, _)| uid + 1).max(self.uid_next);
        if found.uid_next < above {
            complain(format!("UIDNEXT is {}, and {above} was promised", found.uid_next));
        }
        if found.exists != found.messages.len() {
            complain(format!("{} of {} messages can be fetched", found.messages.len(), found.exists));
        }
        found.messages.iter().for_each(|message| self.check_message(message, found, complain));
    }

    fn check_message(&self, message: &Message, found: &Contents, complain: &mut impl FnMut(String)) {
        let uid = message.uid;
        let letter = message.letter();
        if letter.is_none_or(|letter| letter.text() != message.text) {
            complain(format!("the text of UID {uid} is not whole: {letter:?}"));
        }
        match self.given.get(&uid) {
            Some(given) if Some(*given) != letter => {
                complain(format!("UID {uid} was {given:?}, is {letter:?}"))
            }
            None if uid < self.uid_next => {
                complain(format!("UID {uid} came below UIDNEXT {}", self.uid_next))
            }
            _ => {}
        }
        if uid >= found.uid_next || message.mod_seq > found.highest_mod_seq {
            complain(format!("UID {uid} with MODSEQ {} is beyond the mailbox's own", message.mod_seq));
        }
        if self.changed.get(&uid).is_some_and(|before| *before > message.mod_seq) {
            complain(format!("UID {uid} has MODSEQ {}, and had a higher one", message.mod_seq));
        }
    }

    /// Takes what was found as promised from now on.
    pub(crate) fn adopt(&mut self, found: &Contents) {
        self.uid_validity = Some(found.uid_validity);
        self.uid_next = found.uid_next;
        self.mod_seq = found.highest_mod_seq;
        self.changed = found.messages.iter().map(|message| (message.uid, message.mod_seq)).collect();
        self.given.extend(found.messages.iter().filter_map(|message| Some((message.uid, message.letter()?))));
    }
}

/// Everything that is wrong with what was found in an account.
pub(crate) fn judge(ledgers: &Ledgers, found: &Found, writers: &[(&Writer, &Told)]) -> Vec<String> {
    let mut complaints: Vec<String> = writers.iter().flat_map(|(_, told)| told.refusals.clone()).collect();
    for (mailbox, contents) in found.mailboxes.iter().enumerate() {
        let mut ledger = ledgers[mailbox].clone();
        writers.iter().for_each(|(_, told)| ledger.enter(mailbox, told, &mut complaints));
        ledger.check(contents, &mut |what| complaints.push(format!("{}: {what}", MAILBOXES[mailbox])));
    }
    let ids: BTreeSet<_> = found.folders.values().collect();
    if ids.len() < found.folders.len() {
        complaints.push(format!("a MAILBOXID is that of two mailboxes: {:?}", found.folders));
    }
    for (writer, told) in writers {
        let there = theirs(writer, found);
        if outcome(writer, told, &there).is_none() {
            complaints.push(format!(
                "answered:\n  {:?}\nunanswered:\n  {:?}\nthere:\n  {there:?}",
                writer.shelf, told.unanswered
            ));
        }
    }
    complaints
}

/// How many of the unanswered changes were done. A session's commands are done one after another: what is there
/// is what was answered, and then none, one, two of the others and so on, each of them whole. `None`: it is not.
pub(crate) fn outcome(writer: &Writer, told: &Told, there: &Shelf) -> Option<usize> {
    let mut shelf: Shelf = writer.shelf.clone();
    if shelf.is(there) {
        return Some(0);
    }
    told.unanswered.iter().enumerate().find_map(|(at, deed)| {
        shelf = std::mem::take(&mut shelf).after(deed, &Made::default());
        shelf.is(there).then_some(at + 1)
    })
}

/// What there is of a writer's.
pub(crate) fn theirs(writer: &Writer, found: &Found) -> Shelf {
    let copies = found.mailboxes.iter().enumerate().flat_map(|(mailbox, contents)| {
        contents.messages.iter().filter_map(move |message| {
            let letter = message.letter()?;
            Some(Copy { mailbox, uid: Some(message.uid), letter, flags: message.flags.clone() })
        })
    });
    let folders = found.folders.iter().filter(|(name, _)| writer.made(name));
    Shelf {
        copies: copies.filter(|copy| writer.owns(copy.letter)).collect(),
        folders: folders.map(|(name, id)| (name.clone(), Some(id.clone()))).collect(),
    }
}
