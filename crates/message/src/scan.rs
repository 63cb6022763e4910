//! Finds the parts of a message while it streams by.
//!
//! [`Scanner::push`] takes the octets as they arrive, in pieces of any size; how they are cut changes nothing in
//! the outcome. Held in memory are one header block, the beginning of one line, and what the parts say about
//! themselves: all of it bounded by [`limits`](crate::limits), none of it growing with the bodies. Whatever the
//! octets are, the outcome is a tree ([`PartTable`]) whose spans are exact for the octets as stored; lines end in LF
//! or CRLF, and a line end in front of a delimiter belongs to the delimiter (RFC 2046, 5.1.1).

use crate::charset::Charset;
use crate::envelope::{self, Envelope};
use crate::header;
use crate::limits::{
    MAX_BOUNDARY_OCTETS, MAX_DEPTH, MAX_DETAILS_OCTETS, MAX_HEADER_OCTETS, MAX_HEADERS_OCTETS, MAX_PARTS,
};
use crate::mime::{Description, MediaType, Unsaid};
use crate::part::{Encoding, Kind, Part, PartTable, Span};
use crate::preview::Previewer;
use crate::summary::Summary;

/// A message being scanned.
#[derive(Debug)]
pub struct Scanner {
    parts: Vec<Part>,
    details: Vec<Details>,
    /// From the message itself to the innermost part.
    open: Vec<Open>,
    phase: Phase,
    header: Header,
    cursor: Cursor,
    line: Line,
    details_left: usize,
    summary: Summary,
    envelope: Vec<u8>,
    preview: Previewer,
    steps: u64,
}

/// What was found in a message.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Where the parts are.
    pub table: PartTable,
    /// What they say about themselves, one for each part.
    pub details: Vec<Details>,
    /// ENVELOPE in wire form.
    pub envelope: Vec<u8>,
    /// What SEARCH and THREADID want of the header.
    pub summary: Summary,
    /// PREVIEW: the beginning of what the message says.
    pub preview: String,
    /// RFC822.SIZE.
    pub size: u64,
    /// How much work it was: lines looked at and boundaries compared. Linear in the size.
    pub steps: u64,
}

/// What BODYSTRUCTURE says about a part besides where it is.
#[derive(Clone, Debug)]
pub struct Details {
    /// The Content-* fields; absent where they were too much.
    pub description: Option<Box<Description>>,
    /// Lines of the body: as many as it has line feeds.
    pub lines: u64,
    /// ENVELOPE of an enclosed message; empty for anything else.
    pub envelope: Box<[u8]>,
}

/// A part that may still grow.
#[derive(Debug)]
struct Open {
    part: usize,
    /// Of a multipart whose closing delimiter has not come.
    boundary: Option<Box<[u8]>>,
    /// What its parts are when they do not say.
    parts_unsaid: Unsaid,
    /// Line feeds in front of its body.
    line_feeds_before: u64,
}

/// What the innermost part is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Header,
    Body,
}

/// The header block being read, as far as it is looked into.
#[derive(Debug, Default)]
struct Header {
    block: Vec<u8>,
    octets_before: usize,
}

/// Where we are.
#[derive(Debug, Default)]
struct Cursor {
    position: u64,
    line_start: u64,
    line_feeds: u64,
    /// Length of the line end in front of the line.
    line_end_before: u64,
    last_is_cr: Cr,
    /// Where the innermost part's current text began: no part ends before it.
    floor: u64,
}

/// Whether the octet just read was a CR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cr {
    Yes,
    #[default]
    No,
}

/// What the line at hand is.
#[derive(Debug)]
enum Line {
    /// Too short so far to tell.
    Beginning(Vec<u8>),
    Text,
    Blank,
    Delimiter(After),
}

/// What comes behind a delimiter's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    NextPart,
    Epilogue,
}

/// With so many octets of a line it is certain whether it is a delimiter: two dashes, a boundary, two dashes.
const PEEK: usize = MAX_BOUNDARY_OCTETS + 4;

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// At the beginning of a message.
    #[must_use]
    pub fn new() -> Self {
        let mut scanner = Self {
            parts: Vec::new(),
            details: Vec::new(),
            open: Vec::new(),
            phase: Phase::Header,
            header: Header::default(),
            cursor: Cursor::default(),
            line: Line::Beginning(Vec::new()),
            details_left: MAX_DETAILS_OCTETS,
            summary: Summary::default(),
            envelope: Vec::new(),
            preview: Previewer::default(),
            steps: 0,
        };
        scanner.open_part();
        scanner
    }

    /// Takes the next octets.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (line, behind) = rest.split_at(header::first_line(rest).len());
            self.take(line);
            rest = behind;
        }
    }

    /// There is no more.
    #[must_use]
    pub fn finish(mut self) -> Parsed {
        self.end_last_line();
        let end = self.cursor.position;
        while self.phase == Phase::Header {
            self.end_header(end, self.cursor.line_feeds);
        }
        self.close_down_to(0, end, self.cursor.line_feeds);
        Parsed {
            table: PartTable::new(self.parts),
            details: self.details,
            envelope: self.envelope,
            summary: self.summary,
            preview: self.preview.finish(),
            size: end,
            steps: self.steps,
        }
    }

    /// Takes a line or a piece of one.
    fn take(&mut self, piece: &[u8]) {
        self.steps += 1;
        self.cursor.position += piece.len() as u64;
        let ends = piece.ends_with(b"\n");
        match &mut self.line {
            Line::Beginning(read) if read.is_empty() && (ends || piece.len() >= PEEK) => self.decide(piece),
            Line::Beginning(_) => self.read_on(piece, ends),
            Line::Text => self.keep(piece),
            Line::Blank | Line::Delimiter(_) => {}
        }
        if ends {
            self.end_line(self.cursor.line_end(piece));
        }
        self.cursor.last_is_cr = if piece.ends_with(b"\r") { Cr::Yes } else { Cr::No };
    }

    /// Adds to the beginning of a line until it can be told what it is.
    fn read_on(&mut self, piece: &[u8], ends: bool) {
        let Line::Beginning(mut read) = std::mem::replace(&mut self.line, Line::Text) else { return };
        let missing = PEEK.saturating_sub(read.len()).min(piece.len());
        let (wanted, rest) = piece.split_at(missing);
        read.extend_from_slice(wanted);
        if ends || read.len() >= PEEK {
            self.decide(&read);
            if matches!(self.line, Line::Text) {
                self.keep(rest);
            }
        } else {
            self.line = Line::Beginning(read);
        }
    }

    /// Tells what a line is by its beginning: all of it, or [`PEEK`] octets at least.
    fn decide(&mut self, line: &[u8]) {
        if let Some((level, after)) = self.delimiter(line) {
            self.end_parts_inside(level, after);
            self.line = Line::Delimiter(after);
        } else {
            self.keep(line);
            let blank = self.phase == Phase::Header && header::is_blank(line);
            self.line = if blank { Line::Blank } else { Line::Text };
        }
    }

    /// Keeps a piece of a header block, or of a text, as far as we look into it.
    fn keep(&mut self, piece: &[u8]) {
        match self.phase {
            Phase::Header => self.header.keep(piece),
            Phase::Body => self.preview.push(piece),
        }
    }

    fn end_line(&mut self, line_end: u64) {
        self.cursor.line_feeds += 1;
        self.cursor.line_start = self.cursor.position;
        self.cursor.line_end_before = line_end;
        let line = std::mem::replace(&mut self.line, Line::Beginning(Vec::new()));
        self.act_on(&line);
    }

    /// The last line may have no line end.
    fn end_last_line(&mut self) {
        if let Line::Beginning(read) = std::mem::replace(&mut self.line, Line::Text) {
            self.decide(&read);
        }
        let line = std::mem::replace(&mut self.line, Line::Text);
        self.act_on(&line);
    }

    fn act_on(&mut self, line: &Line) {
        match line {
            Line::Blank => self.end_header(self.cursor.position, self.cursor.line_feeds),
            Line::Delimiter(After::NextPart) => self.open_next_part(),
            Line::Delimiter(After::Epilogue) => self.cursor.floor = self.cursor.position,
            Line::Beginning(_) | Line::Text => {}
        }
    }

    /// The open multipart whose delimiter the line is, by its level, and what follows.
    ///
    /// "It is sufficient that the boundary appear in its entirety following the CRLF" (RFC 2046, 5.1.1): the rest
    /// of the line is not looked at. Of several that fit the longest is meant, of equals the innermost.
    fn delimiter(&mut self, line: &[u8]) -> Option<(usize, After)> {
        let text = line.strip_prefix(b"--").filter(|_| !self.is_full())?;
        let mut best: Option<(usize, &[u8])> = None;
        for (level, open) in self.open.iter().enumerate() {
            let Some(boundary) = open.boundary.as_deref() else { continue };
            self.steps += 1;
            if text.starts_with(boundary) && best.is_none_or(|(_, other)| boundary.len() >= other.len()) {
                best = Some((level, boundary));
            }
        }
        let (level, boundary) = best?;
        let closing = text.get(boundary.len()..).is_some_and(|rest| rest.starts_with(b"--"));
        Some((level, if closing { After::Epilogue } else { After::NextPart }))
    }

    /// A delimiter of the multipart at `level`: what is inside ends in front of the line end before it.
    fn end_parts_inside(&mut self, level: usize, after: After) {
        let in_front = self.cursor.line_start.saturating_sub(self.cursor.line_end_before);
        let (end, line_feeds) = if in_front >= self.cursor.floor {
            (in_front, self.cursor.line_feeds.saturating_sub(self.cursor.line_end_before.min(1)))
        } else {
            (self.cursor.line_start, self.cursor.line_feeds)
        };
        while self.phase == Phase::Header {
            self.end_header(end, line_feeds);
        }
        self.close_down_to(level + 1, end, line_feeds);
        if let (Some(open), After::Epilogue) = (self.open.get_mut(level), after) {
            open.boundary = None;
        }
    }

    fn open_next_part(&mut self) {
        self.cursor.floor = self.cursor.position;
        self.open_part();
    }

    /// A new innermost part begins here.
    fn open_part(&mut self) {
        self.open_part_at(self.cursor.position);
    }

    fn open_part_at(&mut self, at: u64) {
        self.push_part(Span { start: at, end: at });
        let part = self.parts.len() - 1;
        self.open.push(Open { part, boundary: None, parts_unsaid: Unsaid::Text, line_feeds_before: 0 });
        self.phase = Phase::Header;
    }

    fn push_part(&mut self, here: Span) {
        self.parts.push(Part {
            // At most MAX_DEPTH parts are ever open.
            depth: u8::try_from(self.open.len()).unwrap_or(u8::MAX),
            kind: Kind::Leaf,
            encoding: Encoding::Identity,
            charset: Charset::default(),
            header: here,
            body: here,
        });
        self.details.push(Details { description: None, lines: 0, envelope: Box::default() });
    }

    /// The innermost part's header ends at `end`; what is behind it depends on what the header says.
    fn end_header(&mut self, end: u64, line_feeds: u64) {
        self.phase = Phase::Body;
        self.cursor.floor = end;
        let block = self.header.finish();
        let Some(index) = self.open.last().map(|open| open.part) else { return };
        self.describe_message(index, &block);
        let description = Description::parse(&block, self.unsaid());
        let content = Content::of(&description);
        let kind = self.describe(index, description);
        self.begin_body(index, end);
        if let Some(open) = self.open.last_mut() {
            open.line_feeds_before = line_feeds;
            open.boundary = content.boundary.filter(|_| kind == Kind::Multipart);
            open.parts_unsaid = content.parts_unsaid;
        }
        if kind == Kind::Message {
            self.open_part_at(end);
        }
    }

    /// What the innermost part is when it does not say.
    fn unsaid(&self) -> Unsaid {
        self.open.iter().rev().nth(1).map_or(Unsaid::Text, |parent| parent.parts_unsaid)
    }

    fn begin_body(&mut self, index: usize, at: u64) {
        if let Some(part) = self.parts.get_mut(index) {
            part.header.end = at;
            part.body = Span { start: at, end: at };
        }
    }

    /// The message itself and enclosed messages have an envelope.
    fn describe_message(&mut self, index: usize, block: &[u8]) {
        let around = index.checked_sub(1).and_then(|around| self.parts.get(around));
        let depth = self.parts.get(index).map_or(0, |part| part.depth);
        if index == 0 {
            Envelope::parse(block).write(&mut self.envelope);
            self.summary = Summary::parse(block);
        } else if around.is_some_and(|around| around.kind == Kind::Message && around.depth < depth) {
            let mut envelope = Vec::new();
            Envelope::parse(block).write(&mut envelope);
            let kept = self.afford(envelope.len()).then_some(envelope);
            if let Some(details) = self.details.get_mut(index) {
                details.envelope = kept.unwrap_or_else(|| envelope::EMPTY.to_vec()).into();
            }
        }
    }

    /// Keeps what a part says about itself, and answers with what it is.
    fn describe(&mut self, index: usize, mut description: Description) -> Kind {
        let mut kind = kind(&description);
        if self.is_full() || (is_container(kind) && self.open.len() >= MAX_DEPTH) {
            description.media_type = MediaType::opaque();
            kind = Kind::Leaf;
        }
        let affordable = self.afford(description.cost());
        if let Some(part) = self.parts.get_mut(index) {
            part.kind = kind;
            part.encoding = description.transfer_encoding();
            part.charset = description.charset();
            self.preview.begin(part, &description);
        }
        if let Some(details) = self.details.get_mut(index) {
            details.description = affordable.then(|| Box::new(description));
        }
        kind
    }

    /// No part may be opened any more; each open one may yet be a multipart that needs a part.
    fn is_full(&self) -> bool {
        self.parts.len() + self.open.len() >= MAX_PARTS
    }

    fn afford(&mut self, octets: usize) -> bool {
        let left = self.details_left.checked_sub(octets);
        self.details_left = left.unwrap_or(self.details_left);
        left.is_some()
    }

    /// Ends the parts at `level` and inside.
    fn close_down_to(&mut self, level: usize, end: u64, line_feeds: u64) {
        self.preview.end();
        while self.open.len() > level {
            self.give_a_part(end);
            let Some(open) = self.open.pop() else { return };
            if let Some(part) = self.parts.get_mut(open.part) {
                part.body.end = end;
            }
            if let Some(details) = self.details.get_mut(open.part) {
                details.lines = line_feeds.saturating_sub(open.line_feeds_before);
            }
        }
    }

    /// The innermost part, if it is a multipart in which none was found, gets an empty one: IMAP knows no multipart
    /// without. Nothing behind it has been opened, so it is the last.
    fn give_a_part(&mut self, end: u64) {
        let last = self.parts.last().map(|part| part.kind);
        let innermost = self.open.last().map(|open| open.part);
        if last == Some(Kind::Multipart) && innermost == Some(self.parts.len() - 1) {
            self.push_part(Span { start: end, end });
            self.describe(self.parts.len() - 1, Description::parse(b"", Unsaid::Text));
        }
    }
}

impl Cursor {
    /// The length of the line end that `piece` ends with; its CR may have come with the piece before.
    fn line_end(&self, piece: &[u8]) -> u64 {
        let is_crlf = piece.ends_with(b"\r\n") || (piece == b"\n" && self.last_is_cr == Cr::Yes);
        if is_crlf { 2 } else { 1 }
    }
}

impl Header {
    fn keep(&mut self, piece: &[u8]) {
        let limit = MAX_HEADER_OCTETS.min(MAX_HEADERS_OCTETS.saturating_sub(self.octets_before));
        let room = limit.saturating_sub(self.block.len()).min(piece.len());
        self.block.extend_from_slice(piece.get(..room).unwrap_or_default());
    }

    fn finish(&mut self) -> Vec<u8> {
        self.octets_before += self.block.len();
        std::mem::take(&mut self.block)
    }
}

/// Scans a message that is in memory.
#[must_use]
pub fn parse(message: &[u8]) -> Parsed {
    let mut scanner = Scanner::new();
    scanner.push(message);
    scanner.finish()
}

fn kind(description: &Description) -> Kind {
    let media_type = &description.media_type;
    match () {
        () if media_type.is_a("text") => Kind::Text,
        () if media_type.is_a("multipart") => Kind::Multipart,
        () if media_type.is("message", "rfc822") || media_type.is("message", "global") => Kind::Message,
        () => Kind::Leaf,
    }
}

const fn is_container(kind: Kind) -> bool {
    matches!(kind, Kind::Multipart | Kind::Message)
}

/// What a description says about what is inside.
struct Content {
    boundary: Option<Box<[u8]>>,
    parts_unsaid: Unsaid,
}

impl Content {
    fn of(description: &Description) -> Self {
        let media_type = &description.media_type;
        let boundary = media_type.parameter("boundary").filter(|boundary| !boundary.is_empty());
        let cut = |boundary: &[u8]| boundary.get(..MAX_BOUNDARY_OCTETS).unwrap_or(boundary).into();
        let digest = media_type.is("multipart", "digest");
        Self {
            boundary: boundary.map(cut),
            // RFC 2046, 5.1.5.
            parts_unsaid: if digest { Unsaid::Message } else { Unsaid::Text },
        }
    }
}
