//! Events as octets: version, kind, then columns. A thousand deliveries of one import cost little more than
//! their sizes and dates; a STORE on `1:100000` costs a dozen octets.

use super::{Appended, Birth, Created, Event, FlagsChanged, NewMessage, Scope};
use crate::codec::Writer;
use crate::{Flags, Keywords};
use bytes::Bytes;

/// The version of the form below. A new field or kind is a new version; old ones stay readable.
pub(super) const VERSION: u8 = 1;

pub(super) mod kind {
    pub(in crate::event) const CREATED: u8 = 1;
    pub(in crate::event) const APPENDED: u8 = 2;
    pub(in crate::event) const FLAGS_CHANGED: u8 = 3;
    pub(in crate::event) const EXPUNGED: u8 = 4;
    pub(in crate::event) const SKIPPED: u8 = 5;
}

impl Event {
    /// As it is stored: at most [`crate::MAX_EVENT_OCTETS`] if a decision of this crate made it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::default();
        w.u8(VERSION);
        match self {
            Self::Created(created) => write_created(&mut w, created),
            Self::Appended(appended) => write_appended(&mut w, appended),
            Self::FlagsChanged(changed) => write_flags_changed(&mut w, changed),
            Self::Expunged { uids } => {
                w.u8(kind::EXPUNGED);
                w.uids(uids);
            }
            Self::Skipped { uid_next, modseq_base } => {
                w.u8(kind::SKIPPED);
                w.uid(*uid_next);
                w.number(modseq_base.get());
            }
        }
        w.octets.into()
    }
}

fn write_created(w: &mut Writer, created: &Created) {
    w.u8(kind::CREATED);
    w.number(u64::from(created.stream));
    w.number(created.owner.0);
    w.number(u64::from(created.uid_validity.get()));
    w.uid(created.uid_next);
    w.number(created.modseq_base.get());
}

fn write_flags_changed(w: &mut Writer, changed: &FlagsChanged) {
    w.u8(kind::FLAGS_CHANGED);
    match changed.scope {
        Scope::Shared => w.u8(0),
        Scope::Private(account) => {
            w.u8(1);
            w.number(account.0);
        }
    }
    w.uids(&changed.uids);
    write_flags(w, &changed.add);
    write_flags(w, &changed.remove);
}

fn write_flags(w: &mut Writer, flags: &Flags) {
    w.u8(flags.system.bits());
    w.number(flags.keywords().len() as u64);
    for keyword in flags.keywords() {
        w.text(keyword.as_str());
    }
}

/// `first reader count`, a table of keywords, a table of flag combinations, then the columns as runs.
fn write_appended(w: &mut Writer, appended: &Appended) {
    let messages = &appended.messages;
    w.u8(kind::APPENDED);
    w.uid(appended.first);
    w.number(appended.reader.0);
    w.number(messages.len() as u64);
    let combinations = write_combinations(w, messages);
    runs(w, combinations, |w, index| w.number(index as u64));
    runs(w, births(appended), |w, (mailbox, shift)| {
        w.number(mailbox);
        w.signed(shift);
    });
    runs(w, messages.iter().map(|m| m.internal_date.zone_minutes()), |w, zone| w.signed(i64::from(zone)));
    let mut before = 0;
    for message in messages {
        let seconds = message.internal_date.seconds();
        w.signed(seconds.wrapping_sub(before));
        before = seconds;
    }
    let age = |m: &NewMessage| m.save_date.wrapping_sub(m.internal_date.seconds());
    runs(w, messages.iter().map(age), Writer::signed);
    messages.iter().for_each(|m| w.number(m.size));
}

/// Where each was born: 0 for here; else the mailbox's number and one, and how far its UID of birth lies from
/// the UID that it gets. What is copied in order is one run.
fn births(appended: &Appended) -> impl Iterator<Item = (u64, i64)> {
    let uids = i64::from(appended.first.get())..;
    appended.messages.iter().zip(uids).map(|(message, uid)| match message.birth {
        Birth::Here => (0, 0),
        Birth::Elsewhere(email) => (u64::from(email.mailbox) + 1, i64::from(email.uid) - uid),
    })
}

/// Writes the tables; answers each message's place in the second.
fn write_combinations(w: &mut Writer, messages: &[NewMessage]) -> Vec<usize> {
    let mut keywords = Keywords::default();
    let mut combinations: Vec<&Flags> = Vec::new();
    let mut places = Vec::with_capacity(messages.len());
    for message in messages {
        let known = combinations.iter().position(|flags| **flags == message.flags);
        places.push(known.unwrap_or_else(|| {
            for keyword in message.flags.keywords() {
                keywords.meet(keyword);
            }
            combinations.push(&message.flags);
            combinations.len() - 1
        }));
    }
    w.number(keywords.len() as u64);
    keywords.iter().for_each(|k| w.text(k.as_str()));
    w.number(combinations.len() as u64);
    for flags in combinations {
        w.u8(flags.system.bits());
        w.number(flags.keywords().len() as u64);
        flags.keywords().iter().filter_map(|k| keywords.find(k)).for_each(|k| w.number(u64::from(k)));
    }
    places
}

/// A column as (length, value) pairs until all are said.
fn runs<T: PartialEq + Copy>(
    w: &mut Writer,
    column: impl IntoIterator<Item = T>,
    write: impl Fn(&mut Writer, T),
) {
    let mut column = column.into_iter().peekable();
    while let Some(value) = column.next() {
        let mut length = 1;
        while column.next_if_eq(&value).is_some() {
            length += 1;
        }
        w.number(length);
        write(w, value);
    }
}
