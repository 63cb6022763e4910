//! FETCH and UID FETCH (RFC 3501, 6.4.5), with CHANGEDSINCE and VANISHED (RFC 7162, 3.1.4 and 3.2.6), and PARTIAL
//! (RFC 9394, 3.3).
//!
//! Messages are told in the order of their UIDs, a chunk at a time, and bodies piece by piece: what a FETCH holds
//! in memory does not depend on what it asks for. Flags and sizes come from the mailbox's state, envelopes and
//! structures from records, and only sections of a message read its body.

mod binary;
mod body;
mod facts;
mod plan;

use super::announce::announce_keywords;
use super::done::{Done, Outcome, Stop};
use super::hall::{Hall, Selected};
use super::pace::patiently;
use super::revision::Revision;
use super::talk::Talk;
use super::uid_only::begin_line;
use crate::breath::breath;
use crate::port::{Gone, Mail, Mailbox, Peer};
use crate::refusal::Refusal;
pub(super) use binary::Bookmark;
use body::{Body, Value};
use bytes::Bytes;
use facts::{Changing, Facts};
use mailbox::{
    Change, Dialect, Flagged, Flags, Found, Known, MailboxState, MessageName, Row, Store, SystemFlags,
};
use message::{RecordView, Standard};
use plan::{Item, Plan, Section};
use terms::{Uid, UidSet};
use wire::imap::command::{ChangedSince, Fetch, Vanished};
use wire::imap::reply::{self, Code, Era, FetchLine};
use wire::imap::{MessageSet, Tag};

/// How many messages are looked up at once.
const CHUNK: usize = 256;

pub(super) async fn run<M: Mail, P: Peer>(
    tag: &Tag<'_>,
    fetch: &Fetch<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    let plan = Plan::of(fetch, hall.naming);
    if plan.tells_mod_seqs() {
        hall.enable(Dialect::Condstore);
    }
    // RFC 7162, 3.2.6: VANISHED is BAD where QRESYNC is not enabled.
    if wants_vanished(fetch) && hall.dialect < Dialect::Qresync {
        return Err(Refusal::misspoken("Say ENABLE QRESYNC first").into());
    }
    let standard = match hall.revision {
        Revision::Rev1 => Standard::Rfc3501,
        Revision::Rev2 => Standard::Rfc9051,
    };
    let selected = hall.selected()?;
    let mut uids = selected.named(fetch.numbering, &fetch.set)?;
    let state = selected.current().await?;
    if plan.tells_flags() {
        announce_keywords(selected, &state, talk.text());
    }
    if let Some(since) = fetch.changed_since {
        tell_vanished(&fetch.set, &uids, since, &state, talk.text());
    }
    // RFC 9394, 3.4: the last 30 messages are chosen first, and of those the ones that have changed.
    if let Some(range) = fetch.range {
        uids = uids.slice(range.of(uids.len()));
    }
    if let Some(since) = fetch.changed_since {
        uids = changed_since(since, &uids, selected, &state);
    }
    let bookmark = selected.bookmark.take();
    let mut fetching = Fetching {
        tag,
        plan,
        selected,
        state: &state,
        talk,
        told: UidSet::new(),
        standard,
        untold: None,
        bookmark,
    };
    fetching.messages(&uids).await?;
    let Fetching { untold, bookmark, .. } = fetching;
    selected.bookmark = bookmark;
    untold.map_or(Ok(Done::ok("FETCH completed")), |why| Err(Refusal::from(why).into()))
}

fn wants_vanished(fetch: &Fetch<'_>) -> bool {
    fetch.changed_since.is_some_and(|since| since.vanished == Vanished::Told)
}

/// RFC 7162, 3.2.6: which of the UIDs asked about are expunged since, announced here or not. PARTIAL makes no
/// difference: it counts messages that are there.
fn tell_vanished(
    set: &MessageSet,
    named: &UidSet,
    since: ChangedSince,
    state: &MailboxState,
    out: &mut Vec<u8>,
) {
    if since.vanished == Vanished::Told {
        // What is expunged may have been the last: "*" reaches up to the last UID that was ever given.
        let last_given = Uid::new(state.uid_next().get() - 1);
        let uids = match set {
            MessageSet::Written(set) => set.uids(last_given),
            MessageSet::Saved => named.clone(),
        };
        let known = Known { modseq: since.mod_seq, uids: Some(uids), matched: None };
        reply::vanished(out, Era::Earlier, &state.vanished(&known));
    }
}

fn changed_since<B: Mailbox>(
    since: ChangedSince,
    uids: &UidSet,
    selected: &Selected<B>,
    state: &MailboxState,
) -> UidSet {
    let from = uids.first().unwrap_or(Uid::MIN);
    let changed = state.reader(selected.view.account()).changed(since.mod_seq, from);
    changed.map(|row| row.uid).collect::<UidSet>().intersection(uids)
}

/// Why a message was left out. What is told of a message is told whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Untold {
    /// RFC 3516, 4.3: "If the server does not know how to decode the section's CTE, it MUST fail the request".
    UnknownEncoding,
    /// It is not there any more. Never NIL for what was there (RFC 5530, 3, EXPUNGEISSUED; RFC 2180, 4.1.2).
    Gone,
}

impl From<Untold> for Refusal {
    fn from(why: Untold) -> Self {
        match why {
            Untold::UnknownEncoding => {
                let why = "This is encoded in a way that is not known here; fetch BODY instead of BINARY";
                Self::denied(Code::UnknownCte, why)
            }
            Untold::Gone => Self::denied(Code::ExpungeIssued, "Some of these messages have been expunged"),
        }
    }
}

/// A FETCH under way.
struct Fetching<'a, B, P> {
    tag: &'a Tag<'a>,
    plan: Plan<'a>,
    selected: &'a Selected<B>,
    state: &'a MailboxState,
    talk: &'a mut Talk<P>,
    /// Those of the chunk that were written.
    told: UidSet,
    standard: Standard,
    untold: Option<Untold>,
    bookmark: Option<Box<Bookmark>>,
}

/// A message to be told.
struct Message {
    name: MessageName,
    row: Row,
}

impl<B: Mailbox, P: Peer> Fetching<'_, B, P> {
    async fn messages(&mut self, uids: &UidSet) -> Result<(), Stop> {
        let mut uids = uids.iter();
        loop {
            let chunk: Vec<Uid> = uids.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            if self.plan.reads_records() {
                let messages = self.find(&chunk);
                self.chunk(&messages).await?;
                self.mark_seen().await?;
            } else {
                self.rows(&chunk).await?;
            }
            breath().await;
        }
    }

    /// What rows alone can tell.
    async fn rows(&mut self, uids: &[Uid]) -> Result<(), Gone> {
        let mut left = uids;
        while !left.is_empty() {
            let told = self.tell_rows(left);
            self.talk.flow().await?;
            left = left.get(told..).unwrap_or_default();
        }
        Ok(())
    }

    /// Tells messages until the outbox is full, and gives how many of these it has passed, at least one.
    fn tell_rows(&mut self, uids: &[Uid]) -> usize {
        let (state, view) = (self.state, &self.selected.view);
        if self.plan.tells_changing_alone() {
            self.tell_each(view.find_flags(state, uids), Self::tell_changing)
        } else {
            self.tell_each(view.find_all(state, uids), Self::tell_row)
        }
    }

    fn tell_each<L>(
        &mut self,
        all: impl Iterator<Item = Option<(MessageName, Found<L>)>>,
        tell: impl Fn(&mut Self, MessageName, Found<L>),
    ) -> usize {
        let mut passed = 0;
        for found in all {
            passed += 1;
            match found {
                None | Some((_, Found::Gone)) => self.leave_out(Untold::Gone),
                Some((name, found)) => tell(self, name, found),
            }
            if self.talk.is_full() {
                break;
            }
        }
        passed
    }

    fn tell_changing(&mut self, name: MessageName, found: Found<Flagged<'_>>) {
        let flagged = match &found {
            Found::Live(flagged) => *flagged,
            Found::Ghost(row) => row.flagged(),
            Found::Gone => return,
        };
        let changing = Changing { flagged, state: self.state, selected: self.selected };
        changing.tell_all(name, self.plan.items(), self.talk.text());
    }

    fn tell_row(&mut self, name: MessageName, found: Found) {
        if let Found::Live(row) | Found::Ghost(row) = found {
            let (message, state, selected) = (Message { name, row }, self.state, self.selected);
            let facts = Facts { message: &message, record: None, state, selected, standard: self.standard };
            facts.tell_all(self.plan.items(), self.talk.text());
        }
    }

    /// The rows of messages that the client can name. A ghost's row is as it was.
    fn find(&mut self, uids: &[Uid]) -> Vec<Message> {
        let mut messages = Vec::with_capacity(uids.len());
        for found in self.selected.view.find_all(self.state, uids) {
            match found {
                Some((name, Found::Live(row) | Found::Ghost(row))) => messages.push(Message { name, row }),
                _ => self.untold = self.untold.max(Some(Untold::Gone)),
            }
        }
        messages
    }

    async fn chunk(&mut self, messages: &[Message]) -> Result<(), Stop> {
        let mut left = messages;
        while !left.is_empty() {
            let emails: Vec<_> = left.iter().map(|message| message.row.email).collect();
            let records = self.selected.mailbox.records(&emails).await?;
            for (message, record) in left.iter().zip(&records) {
                self.with_record(message, record.as_ref()).await?;
            }
            // The port promises at least one; one that gives none must not hold us here for ever.
            left = left.get(records.len().max(1)..).unwrap_or_default();
        }
        Ok(())
    }

    async fn with_record(&mut self, message: &Message, record: Option<&Bytes>) -> Result<(), Stop> {
        match record.and_then(|record| RecordView::new(record)) {
            Some(record) => self.message(message, &record).await,
            None => {
                self.leave_out(Untold::Gone);
                Ok(())
            }
        }
    }

    async fn message(&mut self, message: &Message, record: &RecordView<'_>) -> Result<(), Stop> {
        if !self.plan.reads_octets() {
            let (state, selected) = (self.state, self.selected);
            let facts = Facts { message, record: Some(record), state, selected, standard: self.standard };
            facts.tell_all(self.plan.items(), self.talk.text());
            return Ok(self.talk.flow().await?);
        }
        let mut body = Body::new(record, &self.selected.mailbox);
        // What stands in the way must be known before the line begins: there is no way to take a line back.
        if let Some(why) = self.obstacle(&mut body).await? {
            self.leave_out(why);
            return Ok(());
        }
        let mut line = begin_line(self.talk.text(), message.name);
        for at in 0..self.plan.items().len() {
            self.item(at, message, record, &mut body, &mut line).await?;
        }
        line.end(self.talk.text());
        self.told.push(message.row.uid);
        Ok(self.talk.flow().await?)
    }

    async fn obstacle(&self, body: &mut Body<'_, B>) -> Result<Option<Untold>, Refusal> {
        if self.plan.meets_unknown_encoding(body.table()) {
            return Ok(Some(Untold::UnknownEncoding));
        }
        let Some(first) = self.plan.first_octets(body.table()) else { return Ok(None) };
        let is_there = body.is_there(first).await?;
        Ok((!is_there).then_some(Untold::Gone))
    }

    fn leave_out(&mut self, why: Untold) {
        self.untold = self.untold.max(Some(why));
    }

    async fn item(
        &mut self,
        at: usize,
        message: &Message,
        record: &RecordView<'_>,
        body: &mut Body<'_, B>,
        line: &mut FetchLine,
    ) -> Result<(), Stop> {
        match self.plan.items().get(at) {
            None => Ok(()),
            Some(Item::Section(section)) => tell_section(section, body, line, self.talk).await,
            Some(Item::Binary(binary)) => binary.tell(body, line, self.talk, &mut self.bookmark).await,
            Some(Item::BinarySize(binary)) => binary.tell_size(body, line, self.talk).await,
            Some(item) => {
                let of = Facts {
                    message,
                    record: Some(record),
                    state: self.state,
                    selected: self.selected,
                    standard: self.standard,
                };
                of.tell(item, line, self.talk.text());
                Ok(())
            }
        }
    }

    /// RFC 3501, 6.4.5: BODY[...] sets \Seen, where the mailbox was opened for changes. It is set behind the
    /// messages that were written, so that none is marked as read that a client never got; the new flags are
    /// told with the changes behind the command.
    ///
    /// "The \Seen flag is implicitly set" whatever the section holds, also where it is empty or NIL: clients that want to
    /// look without reading have BODY.PEEK, and what they believe of the flag must not hang on a part being there.
    async fn mark_seen(&mut self) -> Result<(), Stop> {
        let uids = std::mem::take(&mut self.told);
        if !self.plan.sets_seen() || self.selected.writable().is_err() {
            return Ok(());
        }
        let seen = Flags::system(SystemFlags::SEEN);
        let request = Store {
            account: self.selected.view.account(),
            uids: &uids,
            change: Change::Add,
            flags: &seen,
            unchanged_since: None,
        };
        let plan = |state: &MailboxState| Ok((mailbox::store(state, &request)?.events, ()));
        // Nobody knows here how many messages are still to come.
        patiently(self.selected.mailbox.change(plan), 0, self.tag, self.talk).await??;
        Ok(())
    }
}

/// A section's name, its length, and then its octets, as many as were said.
async fn tell_section<B: Mailbox, P: Peer>(
    section: &Section<'_>,
    body: &mut Body<'_, B>,
    line: &mut FetchLine,
    talk: &mut Talk<P>,
) -> Result<(), Stop> {
    match body.value(section).await? {
        Value::Absent => section.tell_absence(line, talk.text()),
        Value::Made(octets) => {
            section.tell_length(line, talk.text(), octets.len() as u64);
            talk.push(octets).await?;
        }
        Value::Stored(span) => {
            section.tell_length(line, talk.text(), span.len());
            let mut at = span.start;
            while at < span.end {
                let piece = body.piece(at, span.end).await?;
                at += piece.len() as u64;
                talk.push(piece).await?;
            }
        }
    }
    Ok(())
}
