//! A mailbox in memory that counts what is read of it, and a peer that may go away.

use crate::Rules;
use crate::imap::done::Stop;
use crate::imap::hall::Selected;
use crate::imap::revision::Revision;
use crate::imap::search::{Asked, Form, keys};
use crate::imap::talk::Talk;
use crate::outbox::Outbox;
use crate::port::{BodyName, Change, Gone, Mailbox, Peer, Received, Recency};
use crate::refusal::Refusal;
use bytes::Bytes;
use mailbox::{Birth, Created, Dialect, Event, Flags, MailboxState, NewMessage};
use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use terms::{AccountId, EmailId, InternalDate, ModSeq, Moment, Uid, UidSet, UidValidity};
use wire::imap::command::{Access, SearchKey};
use wire::imap::{Command, Tag, Tagged, parse};

pub(super) const READER: AccountId = AccountId(1);

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub records: usize,
    pub octets: usize,
    /// The largest piece of a body that was asked for.
    pub largest: usize,
}

/// A mailbox.
#[derive(Clone)]
pub(super) struct Shelf(Arc<Mutex<Contents>>);

struct Contents {
    state: Arc<MailboxState>,
    recent: Uid,
    records: BTreeMap<EmailId, Bytes>,
    bodies: Vec<Body>,
    work: Work,
}

/// Gives the octets from some place on, at most so many.
pub(super) type Body = Box<dyn Fn(usize, usize) -> Option<Bytes> + Send + Sync>;

impl Shelf {
    pub(super) fn new() -> Self {
        let created = Created {
            stream: 7,
            owner: READER,
            uid_validity: UidValidity::new(1).unwrap(),
            uid_next: Uid::new(101).unwrap(),
            modseq_base: ModSeq::ZERO,
        };
        let state = Arc::new(MailboxState::create(&created).unwrap());
        let (records, bodies) = (BTreeMap::new(), Vec::new());
        Self(Arc::new(Mutex::new(Contents {
            state,
            recent: Uid::MAX,
            records,
            bodies,
            work: Work::default(),
        })))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    pub(super) fn state(&self) -> Arc<MailboxState> {
        Arc::clone(&self.contents().state)
    }

    pub(super) fn set_recent(&self, from: Uid) {
        self.contents().recent = from;
    }

    pub(super) fn apply(&self, events: &[Event]) {
        let mut contents = self.contents();
        for event in events {
            contents.state = Arc::new(contents.state.apply(event).unwrap());
        }
    }

    /// Puts a message in.
    pub(super) fn put(&self, raw: Vec<u8>, flags: Flags, date: InternalDate) -> Uid {
        let (parsed, size) = (message::parse(&raw), raw.len() as u64);
        let raw = Bytes::from(raw);
        let body = move |from: usize, most: usize| {
            let from = from.min(raw.len());
            Some(raw.slice(from..from.saturating_add(most).min(raw.len())))
        };
        self.put_parsed(&parsed, size, Box::new(body), flags, date)
    }

    /// Puts a message in whose octets are made when they are asked for.
    pub(super) fn put_parsed(
        &self,
        parsed: &message::Parsed,
        size: u64,
        body: Body,
        flags: Flags,
        internal_date: InternalDate,
    ) -> Uid {
        let message = NewMessage { birth: Birth::Here, flags, internal_date, size, save_date: 0 };
        let appending = mailbox::append(&self.state(), READER, vec![message]).unwrap();
        self.apply(&appending.events);
        let uid = appending.uids.first().unwrap();
        let mut contents = self.contents();
        let mut name = [0; 32];
        name[..8].copy_from_slice(&contents.bodies.len().to_le_bytes());
        contents.bodies.push(body);
        let record = message::record(parsed, name).into();
        contents.records.insert(EmailId { mailbox: 7, uid: uid.get() }, record);
        uid
    }

    /// What was read since this was asked last.
    pub(super) fn work(&self) -> Work {
        std::mem::take(&mut self.contents().work)
    }

    /// Opens it, as SELECT does.
    pub(super) fn select(&self) -> Selected<Self> {
        let state = self.state();
        let open = Selected::open(self.clone(), &state, READER, Access::ReadWrite, Dialect::Plain);
        complete(open).0.unwrap()
    }
}

impl Mailbox for Shelf {
    async fn current(&self) -> Result<Option<Arc<MailboxState>>, Refusal> {
        Ok(Some(self.state()))
    }

    async fn changed(&self, _: u64) {}

    async fn change<T: Send>(
        &self,
        _: impl Fn(&MailboxState) -> Result<(Vec<Event>, T), Refusal> + Send + Sync,
    ) -> Result<Change<T>, Refusal> {
        Err(Refusal::misspoken("A search changes nothing"))
    }

    async fn recent(&self, _: Recency, until: Uid) -> Result<Uid, Refusal> {
        Ok(self.contents().recent.min(until))
    }

    async fn records(&self, emails: &[EmailId]) -> Result<Vec<Option<Bytes>>, Refusal> {
        let mut contents = self.contents();
        let records: Vec<_> =
            emails.iter().take(3).map(|email| contents.records.get(email).cloned()).collect();
        contents.work.records += records.len();
        Ok(records)
    }

    async fn octets(&self, body: BodyName, offset: u64, most: usize) -> Result<Option<Bytes>, Refusal> {
        let mut contents = self.contents();
        let number = usize::from_le_bytes(*body.first_chunk().unwrap());
        let octets = contents.bodies[number](usize::try_from(offset).unwrap(), most);
        contents.work.octets += octets.as_ref().map_or(0, Bytes::len);
        contents.work.largest = contents.work.largest.max(most);
        Ok(octets)
    }
}

/// The far end: it says nothing, and its clock goes on by a step whenever it is looked at.
#[derive(Clone, Default)]
pub(super) struct Far(Arc<Mutex<Line>>);

#[derive(Default)]
pub(super) struct Line {
    pub now: Moment,
    pub step: Duration,
    /// What was sent.
    pub heard: Vec<u8>,
    /// Whether it has gone: what is sent then is lost.
    pub gone: bool,
}

impl Far {
    pub(super) fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap()
    }
}

impl Peer for Far {
    fn now(&self) -> Moment {
        let mut line = self.line();
        line.now = line.now.plus(line.step);
        line.now
    }

    async fn receive(&mut self, _: &mut Vec<u8>, _: Moment) -> Result<Received, Gone> {
        pending().await
    }

    async fn wait(&self, _: Moment) {
        pending().await
    }

    fn look(&mut self) -> Result<(), Gone> {
        if self.line().gone { Err(Gone) } else { Ok(()) }
    }

    async fn send(&mut self, outbox: &mut Outbox) -> Result<(), Gone> {
        let mut line = self.line();
        while let Some(piece) = outbox.pop() {
            line.heard.extend_from_slice(&piece);
        }
        if line.gone { Err(Gone) } else { Ok(()) }
    }

    fn is_signed_out(&self) -> bool {
        false
    }

    fn compress(&mut self) {}
}

/// Runs a future to its end; how often it was polled.
pub(super) fn complete<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for polls in 1..10_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (output, polls);
        }
    }
    panic!("it never ends");
}

/// The keys of a command.
pub(super) fn read(command: &str) -> Vec<SearchKey<'_>> {
    match parse(command.as_bytes()).unwrap_or_else(|bad| panic!("{command}: {bad}")).command {
        Command::Search(search) => search.keys.unwrap(),
        other => panic!("no SEARCH: {other:?}"),
    }
}

/// The moment of all searches, in Unix seconds: 2026-03-03 12:00 UTC.
pub(super) const NOW: i64 = 1_772_539_200;

/// What a command asks for here.
fn asked<'a>(
    command: &'a Tagged<Command<'a>, Tag<'a>>,
    selected: &Selected<Shelf>,
) -> Result<Asked<'a>, Stop> {
    let Command::Search(search) = &command.command else { panic!("no SEARCH: {command:?}") };
    let program = keys::program(search.charset.as_deref(), &search.keys, selected, NOW)?;
    let form = Form::of(search.results.as_ref(), Revision::Rev1);
    Ok(Asked { tag: &command.tag, numbering: search.numbering, form, program })
}

/// The line that answers a command.
pub(super) fn ask(selected: &mut Selected<Shelf>, command: &str) -> Result<String, Stop> {
    let (command, mut talk) = (parse(command.as_bytes()).unwrap(), talk(&Far::default()));
    let asked = asked(&command, selected)?;
    complete(asked.answer(selected, &mut talk)).0?;
    Ok(String::from_utf8(talk.text().clone()).unwrap().trim_end().to_owned())
}

/// Searches for a peer; how often the search had to be asked to go on.
pub(super) fn hunt(selected: &Selected<Shelf>, command: &str, far: &Far) -> (Result<UidSet, Stop>, usize) {
    let (command, mut talk) = (parse(command.as_bytes()).unwrap(), talk(far));
    let asked = asked(&command, selected).unwrap();
    complete(asked.find(selected, &selected.mailbox.state(), &mut talk))
}

fn talk(far: &Far) -> Talk<Far> {
    Talk::new(far.clone(), &Rules::default())
}
