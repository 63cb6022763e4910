//! SEARCH and UID SEARCH (RFC 3501, 6.4.4; RFC 9051, 6.4.4), with MODSEQ (RFC 7162, 3.1.5).
//!
//! Which messages fit is `mailbox::search`'s business; reading them is this module's. Messages are judged by what
//! the mailbox's state knows of them, a chunk at a time; of those that this leaves open the records are read, a
//! batch at a time; and only where a record does not tell, the message's octets, piece by piece. So what a search
//! holds in memory does not depend on how large messages are, and what it reads is what it cannot know otherwise.
//!
//! What is found are messages that the client has been told of. One that is expunged and not yet told keeps its
//! number and is found by nothing: "A server MAY simply not return a search response for messages that have been
//! expunged" (RFC 2180, 4.3). A FETCH of it would be refused.

mod hunt;
mod keys;
mod letter;
mod pace;
mod roll;
#[cfg(test)]
mod tests;

pub(super) use roll::Roll;

use super::done::{Done, Outcome, Stop};
use super::hall::{Hall, Selected};
use super::object_id::EmailName;
use super::talk::Talk;
use crate::port::{Gone, Mail, Mailbox, Peer};
use crate::refusal::Refusal;
use letter::{Letter, Unread};
use mailbox::search::{Answers, Program, Searchable, Verdict};
use mailbox::{Dialect, MailboxState, Row, SystemFlags, View};
use message::RecordView;
use pace::Pace;
use terms::{EmailId, Flag, InternalDate, ModSeq, SeqNum, Uid, UidSet};
use wire::imap::command::Search;
use wire::imap::reply::SearchLine;
use wire::imap::{Numbering, Reason};

/// How many messages are looked up at once.
const CHUNK: usize = 256;
/// What it costs to judge a message by its columns, in octets of text.
const ROW_WORK: usize = 64;

pub(super) async fn run<M: Mail, P: Peer>(
    search: &Search<'_>,
    hall: &mut Hall<M>,
    talk: &mut Talk<P>,
) -> Outcome {
    if search.returns.is_some() {
        return Err(Refusal::from(Reason::NotOffered("SEARCH RETURN")).into());
    }
    let program = keys::program(search, hall.selected()?)?;
    if program.names_mod_seq() {
        hall.enable(Dialect::Condstore);
    }
    let selected = hall.selected()?;
    let state = selected.current().await?;
    let found = find(&program, selected, &state, talk).await?;
    tell(&found, search.numbering, &program, &selected.view, talk).await?;
    Ok(Done::ok("SEARCH completed"))
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    uids: UidSet,
    /// The highest of them.
    mod_seq: Option<ModSeq>,
}

/// In ascending order, whatever the order of the sets that were asked for. The numbers of a million messages are
/// one line, but never one buffer.
async fn tell<P: Peer>(
    found: &Found,
    numbering: Numbering,
    program: &Program,
    view: &View,
    talk: &mut Talk<P>,
) -> Result<(), Gone> {
    let number = |uid: Uid| match numbering {
        Numbering::Uid => Some(uid.get()),
        Numbering::Sequence => view.seq(uid).map(SeqNum::get),
    };
    let mut line = SearchLine::begin(talk.text());
    for number in found.uids.iter().filter_map(number) {
        line.number(talk.text(), number);
        talk.flow().await?;
    }
    // RFC 7162, 3.1.5: only where a MODSEQ was asked for.
    line.end(talk.text(), found.mod_seq.filter(|_| program.names_mod_seq()));
    Ok(())
}

async fn find<B: Mailbox, P: Peer>(
    program: &Program,
    selected: &Selected<B>,
    state: &MailboxState,
    talk: &mut Talk<P>,
) -> Result<Found, Stop> {
    let told = selected.view.uids();
    let uids = program.candidates().map_or_else(|| told.clone(), |uids| uids.intersection(told));
    let mut rows = state.reader(selected.view.account()).rows(&uids);
    let (answers, pace) = (program.answers(), Pace::new(talk));
    let mut searching = Searching { program, selected, state, answers, pace };
    let mut found = Found::default();
    loop {
        let chunk: Vec<Row> = rows.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(found);
        }
        for row in searching.chunk(&chunk).await? {
            found.uids.push(row.uid);
            found.mod_seq = found.mod_seq.max(Some(row.modseq));
        }
        searching.pace.worked(chunk.len() * ROW_WORK).await?;
    }
}

/// A SEARCH under way.
struct Searching<'a, B, P> {
    program: &'a Program,
    selected: &'a Selected<B>,
    state: &'a MailboxState,
    answers: Answers,
    pace: Pace<'a, P>,
}

impl<'a, B: Mailbox, P: Peer> Searching<'a, B, P> {
    /// Those that fit, in the order of their UIDs.
    async fn chunk<'r>(&mut self, rows: &'r [Row]) -> Result<Vec<&'r Row>, Stop> {
        let (mut fitting, mut open) = (Vec::new(), Vec::new());
        for row in rows {
            let candidate = self.candidate(row);
            self.answers.clear();
            match self.program.judge(&candidate, &mut self.answers, |_| None) {
                Verdict::Fits => fitting.push(row),
                Verdict::Fails => {}
                Verdict::Asks(_) => open.push(row),
            }
        }
        self.records(&open, &mut fitting).await?;
        fitting.sort_unstable_by_key(|row| row.uid);
        Ok(fitting)
    }

    /// Reads the records of messages whose columns do not tell. Of a message that is gone nothing is known, so it
    /// fits nothing, not even a NOT.
    async fn records<'r>(&mut self, open: &[&'r Row], fitting: &mut Vec<&'r Row>) -> Result<(), Stop> {
        let mut left = open;
        while !left.is_empty() {
            let emails: Vec<_> = left.iter().map(|row| row.email).collect();
            let records = self.selected.mailbox.records(&emails).await?;
            for (row, record) in left.iter().zip(&records) {
                let record = record.as_ref().and_then(|record| RecordView::new(record));
                if let Some(record) = record
                    && self.fits(row, &record).await?
                {
                    fitting.push(row);
                }
            }
            self.pace.worked(records.iter().flatten().map(bytes::Bytes::len).sum()).await?;
            // The port promises at least one; one that gives none must not hold us here for ever.
            left = left.get(records.len().max(1)..).unwrap_or_default();
        }
        Ok(())
    }

    async fn fits(&mut self, row: &Row, record: &RecordView<'_>) -> Result<bool, Stop> {
        match self.read(row, record).await {
            Ok(fits) => Ok(fits),
            Err(Unread::Gone) => Ok(false),
            Err(Unread::Stopped(why)) => Err(why),
        }
    }

    /// Reads as much of a message as it takes. What is open is gathered while judging, so that one reading of the
    /// text looks for all strings at once.
    async fn read(&mut self, row: &Row, record: &RecordView<'_>) -> Result<bool, Unread> {
        let candidate = self.candidate(row);
        let name = EmailName { owner: self.selected.owner, email: row.email };
        let mut letter = Letter::new(record, name, &self.selected.mailbox);
        self.answers.clear();
        loop {
            let mut open = Vec::new();
            let tell = |need| {
                letter.tell(need).or_else(|| {
                    open.push(need);
                    None
                })
            };
            match self.program.judge(&candidate, &mut self.answers, tell) {
                Verdict::Fits => return Ok(true),
                Verdict::Fails => return Ok(false),
                Verdict::Asks(question) => letter.read(question.need(), &open, &mut self.pace).await?,
            }
        }
    }

    fn candidate<'r>(&self, row: &'r Row) -> Candidate<'r>
    where
        'a: 'r,
    {
        Candidate { row, state: self.state, view: &self.selected.view }
    }
}

/// A message, as far as its mailbox and the session know it.
struct Candidate<'a> {
    row: &'a Row,
    state: &'a MailboxState,
    view: &'a View,
}

impl Searchable for Candidate<'_> {
    fn uid(&self) -> Uid {
        self.row.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        let system = match flag {
            Flag::Answered => SystemFlags::ANSWERED,
            Flag::Flagged => SystemFlags::FLAGGED,
            Flag::Deleted => SystemFlags::DELETED,
            Flag::Seen => SystemFlags::SEEN,
            Flag::Draft => SystemFlags::DRAFT,
            Flag::Keyword(keyword) => {
                let mut keywords = self.row.flags.keywords().iter();
                return keywords.any(|number| self.state.keywords().get(*number) == Some(keyword));
            }
        };
        self.row.flags.system.contains(system)
    }

    fn is_recent(&self) -> bool {
        self.view.is_recent(self.row.uid)
    }

    fn email(&self) -> EmailId {
        self.row.email
    }

    fn internal_date(&self) -> InternalDate {
        self.row.internal_date
    }

    fn save_date(&self) -> InternalDate {
        self.row.saved()
    }

    fn size(&self) -> u64 {
        self.row.size
    }

    fn mod_seq(&self) -> ModSeq {
        self.row.modseq
    }
}
