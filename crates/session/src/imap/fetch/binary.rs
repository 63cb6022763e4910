//! BINARY (RFC 3516, 4.2 and 4.3; RFC 9051, 6.4.5): a part without its transfer encoding.
//!
//! A literal tells its length before its octets, so what is wanted is decoded twice, piece by piece: to learn how long
//! it is and whether a NUL is in it, and to tell it. No more than a piece is held, however large the part. Nothing can
//! be decoded from the middle; a client that fetches a part bit by bit goes on where it was ([`Bookmark`]), and ranges
//! of one part within one FETCH are told in the order in which they lie, whatever order they are asked for in: else n
//! ranges would be n times the work (threat T-19).
//!
//! Octets are told as they were encoded. Line ends within them are content: what a sender encoded with bare LFs is not
//! changed, or it would not be what was signed. ("Textual line-oriented sections" have CRLF, RFC 3516, 6, "regardless of
//! the underlying storage": ours stores what came.)

use super::body::Body;
use crate::breath::breath;
use crate::imap::done::Stop;
use crate::imap::talk::Talk;
use crate::port::{BodyName, Mailbox, Peer};
use crate::refusal::Refusal;
use bytes::Bytes;
use message::{Content, Encoding, PartTable, TransferDecoder};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use wire::imap::command::Partial;
use wire::imap::reply::{FetchLine, LiteralKind};

/// A part to be told decoded, or a range of what is decoded.
#[derive(Clone)]
pub(super) struct Binary<'a> {
    name: &'a [NonZeroU32],
    path: Vec<u32>,
    partial: Option<Partial>,
}

impl<'a> Binary<'a> {
    pub(super) fn new(name: &'a [NonZeroU32], partial: Option<Partial>) -> Self {
        Self { name, path: name.iter().copied().map(NonZeroU32::get).collect(), partial }
    }

    /// The octets to decode; nothing where there is no such part.
    pub(super) fn content(&self, table: &PartTable) -> Option<Content> {
        Content::find(table, &self.path)
    }

    /// `BINARY[...]`
    pub(super) async fn tell<B: Mailbox, P: Peer>(
        &self,
        body: &mut Body<'_, B>,
        line: &mut FetchLine,
        talk: &mut Talk<P>,
        bookmark: &mut Option<Box<Bookmark>>,
    ) -> Result<(), Stop> {
        let origin = self.partial.map(|partial| partial.offset);
        let Some(content) = self.content(body.table()) else {
            line.binary_absent(talk.text(), self.name, origin);
            return Ok(());
        };
        let reading = self.reading(content, body, bookmark.take());
        let measured = reading.measure(body, talk).await?;
        line.binary(talk.text(), self.name, origin, measured.octets, measured.kind);
        let (first, last) = (measured.first.decoding.clone(), measured.last);
        *bookmark = Some(Box::new(Bookmark { body: body.name(), first, last }));
        measured.first.tell(measured.octets, body, talk).await
    }

    /// Puts the ranges of one part beside each other, in the order in which they lie in it. The parts stay in the
    /// client's order.
    pub(super) fn sort(items: &mut [Self]) {
        let mut first = HashMap::new();
        for (at, item) in items.iter().enumerate() {
            first.entry(item.name).or_insert(at);
        }
        let range = |item: &Self| item.partial.map(|partial| (partial.offset, partial.length));
        items.sort_by_key(|item| (first.get(item.name).copied(), range(item)));
    }

    /// `BINARY.SIZE[...]`: of a part that is not there, 0, as NIL has.
    pub(super) async fn tell_size<B: Mailbox, P: Peer>(
        &self,
        body: &mut Body<'_, B>,
        line: &mut FetchLine,
        talk: &mut Talk<P>,
    ) -> Result<(), Stop> {
        let octets = match self.content(body.table()) {
            None => 0,
            Some(Content { span, encoding: Encoding::Identity }) => span.len(),
            Some(content) => self.reading(content, body, None).measure(body, talk).await?.octets,
        };
        line.binary_size(talk.text(), self.name, octets);
        Ok(())
    }

    fn reading<B: Mailbox>(
        &self,
        content: Content,
        body: &Body<'_, B>,
        known: Option<Box<Bookmark>>,
    ) -> Reading {
        let wanted = self.partial.map_or(0..u64::MAX, |partial| partial.offset..partial.end(u64::MAX));
        let fits = |mark: &Decoding| mark.content == content && mark.before <= wanted.start;
        let known = known.filter(|mark| mark.body == body.name());
        let known = known.and_then(|mark| [mark.last, mark.first].into_iter().find(fits));
        Reading { decoding: known.unwrap_or_else(|| Decoding::new(content)), wanted }
    }
}

/// What is wanted, measured.
struct Measured {
    octets: u64,
    kind: LiteralKind,
    /// In front of the first piece in which something is wanted; where nothing is, in front of the last.
    first: Reading,
    /// In front of the last piece.
    last: Decoding,
}

/// Where a client that fetches a part bit by bit will want to go on: mostly where it has stopped. Of ranges that overlap
/// the next begins before that, but not before the one that was told. Kept on the heap: most who wait fetch no bits.
pub(in crate::imap) struct Bookmark {
    body: BodyName,
    first: Decoding,
    last: Decoding,
}

/// A part being decoded.
#[derive(Clone)]
struct Decoding {
    content: Content,
    /// The next of the message's octets.
    at: u64,
    /// How many decoded octets came before.
    before: u64,
    decoder: TransferDecoder,
}

impl Decoding {
    const fn new(content: Content) -> Self {
        let decoder = TransferDecoder::new(content.encoding);
        Self { content, at: content.span.start, before: 0, decoder }
    }

    /// What the next of the message's octets come to, perhaps nothing; `None` behind the last.
    async fn next<B: Mailbox>(&mut self, body: &mut Body<'_, B>) -> Result<Option<Vec<u8>>, Refusal> {
        let end = self.content.span.end;
        if self.at >= end {
            return Ok(None);
        }
        let piece = body.piece(self.at, end).await?;
        let mut decoded = Vec::with_capacity(piece.len());
        self.decoder.push(&piece, &mut decoded);
        self.at += piece.len() as u64;
        if self.at >= end {
            self.decoder.finish(&mut decoded);
        }
        self.before += decoded.len() as u64;
        Ok(Some(decoded))
    }
}

/// A part being decoded as far as it is wanted.
#[derive(Clone)]
struct Reading {
    decoding: Decoding,
    wanted: Range<u64>,
}

impl Reading {
    async fn measure<B: Mailbox, P: Peer>(
        mut self,
        body: &mut Body<'_, B>,
        talk: &mut Talk<P>,
    ) -> Result<Measured, Stop> {
        let (mut first, mut last) = (self.clone(), self.decoding.clone());
        let (mut octets, mut kind) = (0, LiteralKind::Plain);
        loop {
            let here = self.decoding.clone();
            let Some(piece) = self.next(body).await? else { break };
            last = here;
            if octets == 0 {
                first.decoding.clone_from(&last);
            }
            octets += piece.len() as u64;
            if piece.contains(&0) {
                kind = LiteralKind::Binary;
            }
            // Long, and nothing to say meanwhile: others have their turn, and nobody decodes for a peer that has gone.
            talk.look()?;
            breath().await;
        }
        Ok(Measured { octets, kind, first, last })
    }

    /// As many octets as were measured.
    async fn tell<B: Mailbox, P: Peer>(
        mut self,
        octets: u64,
        body: &mut Body<'_, B>,
        talk: &mut Talk<P>,
    ) -> Result<(), Stop> {
        let mut left = octets;
        while left > 0 {
            // The octets are those that were measured; if they end before, the line cannot be ended.
            let piece = self.next(body).await?.ok_or(Refusal::Hangup)?;
            left = left.saturating_sub(piece.len() as u64);
            talk.push(piece).await?;
        }
        Ok(())
    }

    /// What is wanted of what comes next, perhaps nothing; `None` where nothing more is wanted.
    async fn next<B: Mailbox>(&mut self, body: &mut Body<'_, B>) -> Result<Option<Bytes>, Refusal> {
        let from = self.decoding.before;
        if from >= self.wanted.end {
            return Ok(None);
        }
        let Some(decoded) = self.decoding.next(body).await? else { return Ok(None) };
        let place = |at: u64| {
            usize::try_from(at.saturating_sub(from)).map_or(decoded.len(), |at| at.min(decoded.len()))
        };
        let (start, end) = (place(self.wanted.start), place(self.wanted.end));
        Ok(Some(Bytes::from(decoded).slice(start..end)))
    }
}
