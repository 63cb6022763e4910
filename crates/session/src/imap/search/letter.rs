//! One message, read as far as a search needs it.

use super::hunt::Hunt;
use crate::imap::done::Stop;
use crate::imap::object_id::{EmailName, ThreadName};
use crate::imap::pace::Pace;
use crate::outbox::PIECE;
use crate::port::{Gone, Mailbox, Peer};
use crate::refusal::Refusal;
use bytes::Bytes;
use mailbox::search::{HeaderTest, Need};
use message::limits::MAX_HEADER_OCTETS;
use message::text::{Passage, passages};
use message::{HeaderValue, RecordView, Span, decode_header, header};

/// Why a message cannot be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is gone for good.
    Gone,
    /// The search ends here.
    Stopped(Stop),
}

impl From<Refusal> for Unread {
    fn from(refusal: Refusal) -> Self {
        Self::Stopped(refusal.into())
    }
}

impl From<Gone> for Unread {
    fn from(gone: Gone) -> Self {
        Self::Stopped(gone.into())
    }
}

/// A message whose record is there, and what was read of it beyond that.
pub(super) struct Letter<'a, 'p, B> {
    record: &'a RecordView<'a>,
    name: EmailName,
    octets: Octets<'a, B>,
    header: Option<Vec<u8>>,
    hunt: Option<Hunt<'p>>,
}

impl<'a, 'p, B: Mailbox> Letter<'a, 'p, B> {
    pub(super) fn new(record: &'a RecordView<'a>, name: EmailName, mailbox: &'a B) -> Self {
        let octets = Octets { mailbox, record, held: Bytes::new(), held_from: 0 };
        Self { record, name, octets, header: None, hunt: None }
    }

    /// What has been read already.
    pub(super) fn tell(&self, need: Need<'p>) -> Option<bool> {
        match need {
            Need::SentDate(test) => Some(test.holds(self.record.sent().map(terms::InternalDate::local_day))),
            Need::Thread(thread) => Some(ThreadName::of(self.record, self.name).0 == thread),
            Need::Header(test) => self.tell_header(test),
            Need::Body(_) | Need::Text(_) => self.hunt.as_ref()?.tell(need),
        }
    }

    /// A record keeps the fields that are mostly asked for; of the others the header block tells.
    fn tell_header(&self, test: &HeaderTest) -> Option<bool> {
        let name = test.field.as_str().as_bytes();
        match self.record.header(name) {
            HeaderValue::Absent => Some(false),
            HeaderValue::Text(lines) => Some(test.holds(lines.split('\n'))),
            HeaderValue::ReadHeader => {
                let fields = header::fields(self.header.as_ref()?);
                let named = fields.filter(|field| field.name.eq_ignore_ascii_case(name));
                let values: Vec<_> = named.map(|field| decode_header(field.value)).collect();
                Some(test.holds(values.iter().map(String::as_str)))
            }
        }
    }

    /// Reads what answers `need`, and of the other `open` ones those that the same octets answer.
    pub(super) async fn read<P: Peer>(
        &mut self,
        need: Need<'p>,
        open: &[Need<'p>],
        pace: &mut Pace<'_, P>,
    ) -> Result<(), Unread> {
        match need {
            Need::SentDate(_) | Need::Thread(_) | Need::Header(_) => self.read_header(pace).await,
            Need::Body(_) | Need::Text(_) => self.read_text(Hunt::new(open), pace).await,
        }
    }

    /// No more of it than a parser would look at.
    async fn read_header<P: Peer>(&mut self, pace: &mut Pace<'_, P>) -> Result<(), Unread> {
        let mut left =
            Span { start: 0, end: u64::from(self.record.header_octets()).min(MAX_HEADER_OCTETS as u64) };
        let mut block = Vec::new();
        while left.len() > 0 {
            block.extend_from_slice(&self.octets.next(&mut left, pace).await?);
        }
        self.header = Some(block);
        Ok(())
    }

    async fn read_text<P: Peer>(&mut self, mut hunt: Hunt<'p>, pace: &mut Pace<'_, P>) -> Result<(), Unread> {
        for passage in passages(&self.record.parts()) {
            if hunt.wants(passage.place) {
                self.follow(&mut hunt, &passage, pace).await?;
            }
        }
        self.hunt = Some(hunt);
        Ok(())
    }

    async fn follow<P: Peer>(
        &mut self,
        hunt: &mut Hunt<'p>,
        passage: &Passage,
        pace: &mut Pace<'_, P>,
    ) -> Result<(), Unread> {
        let mut trail = hunt.enter(passage);
        let mut left = passage.span;
        while left.len() > 0 && !trail.is_over() {
            trail.push(&self.octets.next(&mut left, pace).await?);
        }
        trail.finish();
        Ok(())
    }
}

/// The octets of a message. It holds the piece that was read last: a small message costs one read, however many
/// passages it has.
struct Octets<'a, B> {
    mailbox: &'a B,
    record: &'a RecordView<'a>,
    held: Bytes,
    held_from: u64,
}

impl<B: Mailbox> Octets<'_, B> {
    /// The octets at the front of what is left, at least one; they are left no more.
    async fn next<P: Peer>(&mut self, left: &mut Span, pace: &mut Pace<'_, P>) -> Result<Bytes, Unread> {
        if self.held(*left).is_empty() {
            self.read(left.start).await?;
            pace.worked(self.held.len()).await?;
        }
        let octets = self.held(*left);
        if octets.is_empty() {
            return Err(Unread::Gone);
        }
        left.start += octets.len() as u64;
        Ok(octets)
    }

    /// What is held of a span, from its beginning on.
    fn held(&self, span: Span) -> Bytes {
        let skip = span.start.checked_sub(self.held_from).and_then(|skip| usize::try_from(skip).ok());
        let Some(skip) = skip.filter(|skip| *skip < self.held.len()) else { return Bytes::new() };
        let most = usize::try_from(span.len()).unwrap_or(usize::MAX);
        self.held.slice(skip..skip.saturating_add(most).min(self.held.len()))
    }

    async fn read(&mut self, from: u64) -> Result<(), Unread> {
        let most = usize::try_from(self.record.size().saturating_sub(from)).unwrap_or(PIECE).min(PIECE);
        self.held = self.mailbox.octets(self.record.body(), from, most).await?.ok_or(Unread::Gone)?;
        self.held_from = from;
        Ok(())
    }
}
