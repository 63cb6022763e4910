//! Finding the messages that fit a program.

use super::found::Found;
use super::letter::{Letter, Unread};
use crate::imap::done::Stop;
use crate::imap::hall::Selected;
use crate::imap::object_id::EmailName;
use crate::imap::pace::Pace;
use crate::port::{Mailbox, Peer};
use mailbox::search::{Answers, Narrowed, Program, Searchable, Verdict};
use mailbox::{MailboxState, Row, SystemFlags, View};
use message::RecordView;
use terms::{EmailId, Flag, InternalDate, ModSeq, Uid, UidSet};
use wire::imap::command::{ListEnd, ResultOption, ResultOptions};

/// How many messages are looked up at once.
pub(super) const CHUNK: usize = 256;
/// The same where a few that are found are enough: what is looked at beyond them is looked at for nothing.
const SHORT_CHUNK: usize = 16;
/// What it costs to judge a message by its columns, in octets of text.
pub(super) const ROW_WORK: usize = 64;
/// How many messages are held against flags at once.
const BLOCK: u64 = 64 << 10;
/// What that costs for each, in octets of text.
const FLAG_WORK: usize = 4;

/// How much of what there is to find is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Enough {
    /// All of it.
    All,
    /// So many with the lowest UIDs, and so many with the highest.
    Ends(u64, u64),
}

impl Enough {
    /// RFC 4731, 3.1: "when a single MIN or a single MAX result option is specified, servers can optimize"; and of a
    /// PARTIAL no more is looked for than it reaches.
    pub(in crate::imap) fn to_tell(options: &ResultOptions) -> Self {
        let asked = |option| options.ask_for(option);
        if tell_all(options) {
            return Self::All;
        }
        let (first, last) = match options.partial().map(|range| (range.from, u64::from(range.reach()))) {
            Some((ListEnd::First, reach)) => (reach, 0),
            Some((ListEnd::Last, reach)) => (0, reach),
            None => (0, 0),
        };
        Self::Ends(first.max(asked(ResultOption::Min).into()), last.max(asked(ResultOption::Max).into()))
    }
}

/// Whether all that is found counts as told: with ALL, with COUNT, and with no more than SAVE (RFC 5182, 2.4).
fn tell_all(options: &ResultOptions) -> bool {
    let all = options.ask_for(ResultOption::All) || options.ask_for(ResultOption::Count);
    all || !options.ask_to_be_told()
}

/// The messages that an answer with these options is about: what `$` holds behind it (RFC 5182, 2.4; RFC 9394,
/// table 1), and whose highest MODSEQ it tells (RFC 4731, 3.2).
pub(in crate::imap) fn told(options: &ResultOptions, found: &Found) -> UidSet {
    if tell_all(options) {
        return found.to_set();
    }
    let min = found.first().filter(|_| options.ask_for(ResultOption::Min));
    let max = found.last().filter(|_| options.ask_for(ResultOption::Max));
    let partial = options.partial().map(|range| found.slice(range.of(found.len())).to_set());
    partial.unwrap_or_default().union(&min.into_iter().chain(max).collect())
}

/// The messages among which those that fit are.
pub(in crate::imap) fn candidates(program: &Program, view: &View) -> UidSet {
    program.candidates().map_or_else(|| view.uids().clone(), |uids| uids.intersection(view.uids()))
}

/// Finds what is enough, and maybe some more.
pub(in crate::imap) async fn find<B: Mailbox, P: Peer>(
    program: &Program,
    among: &UidSet,
    enough: Enough,
    selected: &Selected<B>,
    state: &MailboxState,
    pace: &mut Pace<'_, P>,
) -> Result<UidSet, Stop> {
    let answers = program.answers();
    let mut searching = Searching { program, selected, state, answers, pace };
    Ok(match enough {
        Enough::All => searching.all(among).await?,
        Enough::Ends(first, last) => {
            let mut uids = among.iter();
            let lowest = searching.along(uids.by_ref(), SHORT_CHUNK, first).await?;
            let highest = searching.along(uids.by_ref().rev(), SHORT_CHUNK, last).await?;
            lowest.union(&highest)
        }
    })
}

/// A SEARCH under way.
struct Searching<'a, 't, B, P> {
    program: &'a Program,
    selected: &'a Selected<B>,
    state: &'a MailboxState,
    answers: Answers,
    pace: &'a mut Pace<'t, P>,
}

impl<'a, B: Mailbox, P: Peer> Searching<'a, '_, B, P> {
    /// Finds all that there is: by flags first, and looks at no message that those rule out or let in.
    async fn all(&mut self, among: &UidSet) -> Result<UidSet, Stop> {
        let reader = self.state.reader(self.selected.view.account());
        let (mut found, mut place) = (Vec::new(), 0);
        while place < among.len() {
            let block = among.slice(place..place + BLOCK);
            place += BLOCK;
            let fitting = match self.program.narrow(reader, &block) {
                Narrowed::Fit(uids) => {
                    self.pace.done(block.len());
                    uids
                }
                Narrowed::May(uids) => {
                    self.pace.done(block.len() - uids.len());
                    self.along(uids.iter(), CHUNK, u64::MAX).await?
                }
            };
            found.extend_from_slice(fitting.spans());
            self.pace.worked(block.len() as usize * FLAG_WORK).await?;
        }
        Ok(UidSet::from_ranges(found))
    }

    /// Goes along messages, in one direction, until enough are found.
    async fn along(
        &mut self,
        mut uids: impl Iterator<Item = Uid>,
        chunk: usize,
        enough: u64,
    ) -> Result<UidSet, Stop> {
        let reader = self.state.reader(self.selected.view.account());
        let (mut found, mut count) = (Vec::new(), 0);
        while count < enough {
            let chunk: UidSet = uids.by_ref().take(chunk).collect();
            if chunk.is_empty() {
                break;
            }
            let rows: Vec<Row> = reader.rows(&chunk).collect();
            let fitting: UidSet = self.fitting(&rows).await?.into_iter().map(|row| row.uid).collect();
            count += fitting.len();
            found.extend_from_slice(fitting.spans());
            self.pace.done(chunk.len());
            self.pace.worked(rows.len() * ROW_WORK).await?;
        }
        Ok(UidSet::from_ranges(found))
    }

    async fn fitting<'r>(&mut self, rows: &'r [Row]) -> Result<Vec<&'r Row>, Stop> {
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
                Verdict::Asks(question) => letter.read(question.need(), &open, self.pace).await?,
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
        match SystemFlags::of(flag) {
            Ok(system) => self.row.flags.system.contains(system),
            Err(keyword) => {
                let mut keywords = self.row.flags.keywords().iter();
                keywords.any(|number| self.state.keywords().get(*number) == Some(keyword))
            }
        }
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
