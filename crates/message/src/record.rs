//! The record: what a store keeps of a parsed message, to be read a million times.
//!
//! Little-endian, flat, and versioned; a [`RecordView`] slices it without copying.
//!
//! ```text
//!   0  version                                  1 octet
//!   1  flags: 1 = a sent date is there;          1
//!      2 = a message/global is in it
//!   2  zone of the sent date, minutes east      2
//!   4  name of the body (BLAKE3)               32
//!  36  RFC822.SIZE                              8
//!  44  sent, Unix seconds                       8
//!  52  octets of the header block               4
//!  56  where each field ends, behind 104       12 x 4
//! 104  ENVELOPE · BODYSTRUCTURE · part table · thread root · references · preview ·
//!      From · To · Cc · Bcc · Subject · Message-ID, decoded, each with one octet in front that says
//!      whether it is there (1), or is there but too long to keep (2); no octet at all: there is none
//! ```
//!
//! It is at most [`MAX_RECORD_OCTETS`] long. When the format changes, the version does, and a record of
//! another version is no [`RecordView`]: the message is parsed again. Of every version that there was and will be,
//! the first octet tells which, and the name of the body stands where it stands here: [`body_of`].

use crate::bodystructure::{self, Extension, Standard, Telling, has_extended_parameter, is_global, rewrite};
use crate::ids::message_ids;
use crate::limits::MAX_RECORD_OCTETS;
use crate::part::PartTable;
use crate::scan::Parsed;
use crate::summary::{KEPT_FIELDS, Kept, Summary, place};
use std::borrow::Cow;
use terms::InternalDate;

/// The version that this crate writes and reads.
pub const RECORD_VERSION: u8 = 4;

const FIELDS: usize = 6 + KEPT_FIELDS.len();
const ENDS: usize = 56;
const FIXED: usize = ENDS + 4 * FIELDS;

const ENVELOPE: usize = 0;
const BODYSTRUCTURE: usize = 1;
const PARTS: usize = 2;
const THREAD_ROOT: usize = 3;
const REFERENCES: usize = 4;
const PREVIEW: usize = 5;
const FIRST_KEPT: usize = 6;

const IS_DATED: u8 = 1;
const HAS_GLOBAL: u8 = 2;
const IS_KEPT: u8 = 1;
const IS_TOO_LONG: u8 = 2;

/// Writes the record of a parsed message whose octets are stored under the name `body`.
#[must_use]
pub fn record(parsed: &Parsed, body: [u8; 32]) -> Vec<u8> {
    let full = write(parsed, body, Telling::Everything);
    if full.len() <= MAX_RECORD_OCTETS { full } else { write(parsed, body, Telling::Bones) }
}

fn write(parsed: &Parsed, body: [u8; 32], telling: Telling) -> Vec<u8> {
    let mut out = fixed(parsed, body);
    let mut ends = Vec::with_capacity(4 * FIELDS);
    let mut field = |out: &mut Vec<u8>, write: &dyn Fn(&mut Vec<u8>)| {
        write(out);
        let end = u32::try_from(out.len() - FIXED).unwrap_or(u32::MAX);
        ends.extend_from_slice(&end.to_le_bytes());
    };
    field(&mut out, &|out| out.extend_from_slice(&parsed.envelope));
    field(&mut out, &|out| bodystructure::write(parsed, telling, out));
    field(&mut out, &|out| parsed.table.encode(out));
    field(&mut out, &|out| out.extend_from_slice(&parsed.summary.thread_root));
    field(&mut out, &|out| out.extend_from_slice(&parsed.summary.references));
    field(&mut out, &|out| out.extend_from_slice(parsed.preview.as_bytes()));
    for kept in &parsed.summary.kept {
        field(&mut out, &|out| put_kept(out, kept));
    }
    out.splice(ENDS..FIXED, ends);
    out
}

fn fixed(parsed: &Parsed, body: [u8; 32]) -> Vec<u8> {
    let Summary { sent, .. } = parsed.summary;
    let header = parsed.table.get(0).map_or(0, |message| message.header.len());
    let mut out = Vec::with_capacity(1024);
    let mut described = parsed.table.parts().iter().zip(&parsed.details);
    let has_global = described.any(|(part, details)| is_global(part, details));
    let dated = if sent.is_some() { IS_DATED } else { 0 };
    out.extend_from_slice(&[RECORD_VERSION, dated | if has_global { HAS_GLOBAL } else { 0 }]);
    out.extend_from_slice(&sent.map_or(0, InternalDate::zone_minutes).to_le_bytes());
    out.extend_from_slice(&body);
    out.extend_from_slice(&parsed.size.to_le_bytes());
    out.extend_from_slice(&sent.map_or(0, InternalDate::seconds).to_le_bytes());
    out.extend_from_slice(&u32::try_from(header).unwrap_or(u32::MAX).to_le_bytes());
    out.resize(FIXED, 0);
    out
}

fn put_kept(out: &mut Vec<u8>, kept: &Kept) {
    match kept {
        Kept::Absent => {}
        Kept::TooLong => out.push(IS_TOO_LONG),
        Kept::Text(text) => {
            out.push(IS_KEPT);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Where the name of the body stands, in every version.
const BODY: std::ops::Range<usize> = 4..36;

/// The name of the body that a record of any version speaks of; `None` for what is too short to be one.
#[must_use]
pub fn body_of(record: &[u8]) -> Option<[u8; 32]> {
    record.get(BODY)?.try_into().ok()
}

/// A record, read in place.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    fixed: &'a [u8; FIXED],
    fields: &'a [u8],
}

/// What a record knows about a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// The message has none.
    Absent,
    /// The decoded values of all fields of the name, one a line.
    Text(&'a str),
    /// Not kept: the header block tells.
    ReadHeader,
}

impl<'a> RecordView<'a> {
    /// `None` for what is not a whole record of this version: parse the message again.
    #[must_use]
    pub fn new(record: &'a [u8]) -> Option<Self> {
        let (fixed, fields) = record.split_first_chunk::<FIXED>()?;
        let view = Self { fixed, fields };
        let whole = view.end(FIELDS - 1)? == fields.len();
        (fixed.first() == Some(&RECORD_VERSION) && whole).then_some(view)
    }

    /// The name of the message's octets in the store.
    #[must_use]
    pub fn body(&self) -> [u8; 32] {
        self.number_at(BODY.start)
    }

    /// RFC822.SIZE.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::from_le_bytes(self.number_at(36))
    }

    /// Octets of the message's header block, the blank line included.
    #[must_use]
    pub fn header_octets(&self) -> u32 {
        u32::from_le_bytes(self.number_at(52))
    }

    /// When the Date field says that it was sent.
    #[must_use]
    pub fn sent(&self) -> Option<InternalDate> {
        let [flags] = self.number_at(1);
        let zone = i16::from_le_bytes(self.number_at(2));
        let seconds = i64::from_le_bytes(self.number_at(44));
        if flags & IS_DATED == 0 { None } else { InternalDate::new(seconds, zone) }
    }

    /// ENVELOPE in wire form.
    #[must_use]
    pub fn envelope(&self) -> &'a [u8] {
        self.field(ENVELOPE)
    }

    /// BODYSTRUCTURE in wire form.
    #[must_use]
    pub fn bodystructure(&self, standard: Standard) -> Cow<'a, [u8]> {
        let [flags] = self.number_at(1);
        let kept = self.field(BODYSTRUCTURE);
        let is_told_as_kept = match standard {
            Standard::Rfc3501 => flags & HAS_GLOBAL == 0,
            Standard::Rfc9051 => !has_extended_parameter(kept),
        };
        if is_told_as_kept {
            return kept.into();
        }
        let mut out = Vec::with_capacity(kept.len());
        rewrite(kept, Extension::Told, standard, &mut out);
        out.into()
    }

    /// Appends BODY in wire form.
    pub fn write_body(&self, standard: Standard, out: &mut Vec<u8>) {
        rewrite(self.field(BODYSTRUCTURE), Extension::Untold, standard, out);
    }

    /// Where the parts are. Empty if the record is damaged.
    #[must_use]
    pub fn parts(&self) -> PartTable {
        PartTable::decode(self.field(PARTS)).unwrap_or_default()
    }

    /// What THREADID is made of; empty if the message has no ids.
    #[must_use]
    pub fn thread_root(&self) -> &'a [u8] {
        self.field(THREAD_ROOT)
    }

    /// The message's own Message ID as THREAD compares it, if it has a valid one.
    #[must_use]
    pub fn message_id(&self) -> Option<Vec<u8>> {
        match self.header(b"message-id") {
            HeaderValue::Text(lines) => message_ids(lines.lines().next()?.as_bytes()).next(),
            // Longer than an id can be.
            HeaderValue::Absent | HeaderValue::ReadHeader => None,
        }
    }

    /// The ids that THREAD links the message to (RFC 5256, 3), the oldest first.
    pub fn references(&self) -> impl Iterator<Item = &'a [u8]> {
        self.field(REFERENCES).split(|octet| *octet == b'\n').filter(|id| !id.is_empty())
    }

    /// PREVIEW; empty where the message says nothing.
    #[must_use]
    pub fn preview(&self) -> &'a str {
        std::str::from_utf8(self.field(PREVIEW)).unwrap_or_default()
    }

    /// A header field's value, by name in any letter case.
    #[must_use]
    pub fn header(&self, name: &[u8]) -> HeaderValue<'a> {
        let Some(place) = place(name) else { return HeaderValue::ReadHeader };
        match self.field(FIRST_KEPT + place).split_first() {
            None => HeaderValue::Absent,
            Some((&IS_KEPT, text)) => {
                std::str::from_utf8(text).map_or(HeaderValue::ReadHeader, HeaderValue::Text)
            }
            Some(_) => HeaderValue::ReadHeader,
        }
    }

    fn field(&self, index: usize) -> &'a [u8] {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.end(before));
        let range = start.zip(self.end(index));
        range.and_then(|(start, end)| self.fields.get(start..end)).unwrap_or_default()
    }

    fn end(&self, index: usize) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.number_at(ENDS + 4 * index))).ok()
    }

    fn number_at<const N: usize>(&self, at: usize) -> [u8; N] {
        let octets = self.fixed.get(at..).and_then(|rest| rest.first_chunk());
        octets.copied().unwrap_or([0; N])
    }
}
