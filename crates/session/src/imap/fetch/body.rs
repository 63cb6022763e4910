//! Reading sections of a stored message.
//!
//! The URLs of CATENATE (RFC 4469) and URL-PARTIAL (RFC 5550) name a section and a range of it, as FETCH does: what they
//! take from a message will be read by the same [`Body`].

use super::plan::Section;
use crate::outbox::PIECE;
use crate::port::{BodyName, Mailbox};
use crate::refusal::Refusal;
use bytes::{Bytes, BytesMut};
use message::limits::MAX_HEADER_OCTETS;
use message::{PartTable, RecordView, SectionText, Span};
use wire::imap::command::Partial;

/// The octets of one message. It holds the piece that was read last: sections that lie in one piece cost one
/// read, and so does the look whether the body is there.
pub(super) struct Body<'a, B> {
    mailbox: &'a B,
    name: BodyName,
    table: PartTable,
    held: Bytes,
    held_from: u64,
}

/// What a section comes to.
pub(super) enum Value {
    /// There is no such part: NIL.
    Absent,
    /// Octets as they are stored.
    Stored(Span),
    /// Octets that are stored nowhere as they are: chosen header fields.
    Made(Bytes),
}

impl<'a, B: Mailbox> Body<'a, B> {
    pub(super) fn new(record: &RecordView<'_>, mailbox: &'a B) -> Self {
        Self { mailbox, name: record.body(), table: record.parts(), held: Bytes::new(), held_from: 0 }
    }

    pub(super) const fn name(&self) -> BodyName {
        self.name
    }

    pub(super) const fn table(&self) -> &PartTable {
        &self.table
    }

    /// Whether the body can be read: asked where the first octets lie, so that the answer is not read in vain.
    pub(super) async fn is_there(&mut self, first: Span) -> Result<bool, Refusal> {
        Ok(self.read(first.start, first.end).await?.is_some())
    }

    /// What the section comes to, cut to the part of it that is wanted.
    pub(super) async fn value(&mut self, section: &Section<'_>) -> Result<Value, Refusal> {
        let Some(span) = section.octets.resolve(&self.table) else { return Ok(Value::Absent) };
        let SectionText::Fields(fields) = &section.octets.text else {
            return Ok(Value::Stored(wanted(section, span)));
        };
        let chosen = Bytes::from(fields.filter(&self.header(span).await?));
        let cut = cut(section.partial, Span { start: 0, end: chosen.len() as u64 });
        let place = |at: u64| usize::try_from(at).unwrap_or(chosen.len());
        Ok(Value::Made(chosen.slice(place(cut.start)..place(cut.end))))
    }

    /// A header block, for choosing fields from: no more of it than a parser would look at.
    async fn header(&mut self, span: Span) -> Result<Bytes, Refusal> {
        let end = span.end.min(span.start.saturating_add(MAX_HEADER_OCTETS as u64));
        let mut block = BytesMut::new();
        let mut at = span.start;
        while at < end {
            let piece = self.piece(at, end).await?;
            at += piece.len() as u64;
            block.extend_from_slice(&piece);
        }
        Ok(block.freeze())
    }

    /// The next octets from `from`, none behind `end`. At least one: a message whose length was told has to be
    /// told whole, so where it ends before its time there is nothing left but to hang up.
    pub(super) async fn piece(&mut self, from: u64, end: u64) -> Result<Bytes, Refusal> {
        match self.read(from, end).await? {
            Some(piece) if !piece.is_empty() => Ok(piece),
            _ => Err(Refusal::Hangup),
        }
    }

    async fn read(&mut self, from: u64, end: u64) -> Result<Option<Bytes>, Refusal> {
        if let Some(piece) = self.held_piece(from, end) {
            return Ok(Some(piece));
        }
        let most = usize::try_from(end - from).unwrap_or(PIECE).min(PIECE);
        let read = self.mailbox.octets(self.name, from, most).await?;
        if let Some(piece) = &read {
            self.held = piece.clone();
            self.held_from = from;
        }
        Ok(read)
    }

    fn held_piece(&self, from: u64, end: u64) -> Option<Bytes> {
        let skip = usize::try_from(from.checked_sub(self.held_from)?).ok()?;
        let rest = self.held.len().checked_sub(skip).filter(|rest| *rest > 0)?;
        let length = usize::try_from(end.checked_sub(from)?).map_or(rest, |most| most.min(rest));
        Some(self.held.slice(skip..skip + length))
    }
}

/// What is wanted of a section; of one that is filtered, all: it is cut afterwards.
pub(super) fn wanted(section: &Section<'_>, span: Span) -> Span {
    match section.octets.text {
        SectionText::Fields(_) => span,
        _ => cut(section.partial, span),
    }
}

/// RFC 3501, 6.4.5: `<offset.length>` beyond the end is cut short, down to nothing.
fn cut(partial: Option<Partial>, span: Span) -> Span {
    let Some(partial) = partial else { return span };
    let end = span.start.saturating_add(partial.end(span.len()));
    let start = span.start.saturating_add(partial.offset).min(end);
    Span { start, end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU64;

    #[test]
    fn a_partial_is_cut_to_what_is_there() {
        let section = Span { start: 100, end: 110 };
        let cut_to = |offset, length| {
            let partial = Partial { offset, length: NonZeroU64::new(length).unwrap() };
            let span = cut(Some(partial), section);
            (span.start, span.end)
        };
        assert_eq!(cut(None, section), section);
        assert_eq!(cut_to(0, 4), (100, 104));
        assert_eq!(cut_to(7, 100), (107, 110));
        assert_eq!(cut_to(0, u64::MAX), (100, 110));
        // Behind the end there is nothing, wherever it is.
        for offset in [10, 11, u64::MAX] {
            let (start, end) = cut_to(offset, u64::MAX);
            assert!(start == end && section.start <= start && end <= section.end, "{offset}");
        }
    }
}
