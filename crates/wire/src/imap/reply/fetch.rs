//! FETCH, item by item (RFC 9051, 7.5.2).

use super::super::date::write_date_time;
use super::super::section::{Section, write_part};
use super::mailbox::{FlagName, flag_names};
use super::text::{literal_header, number, string};
use std::fmt::Display;
use std::io::Write as _;
use std::num::NonZeroU32;
use terms::{InternalDate, ModSeq, SeqNum, Uid};

/// What a literal has to be for its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    /// `{n}`: there is no NUL in it.
    Plain,
    /// `~{n}`: literal8 (RFC 3516, 7), for any octets.
    Binary,
}

/// A `* 12 FETCH (...)` being written.
///
/// It keeps no hold of the buffer: between two items the buffer may be sent and emptied, so a message's octets
/// can be streamed behind [`FetchLine::section`].
#[derive(Debug)]
#[must_use = "a FETCH without its end leaves the client waiting"]
pub struct FetchLine {
    empty: bool,
}

impl FetchLine {
    /// Writes `* 12 FETCH (`.
    #[inline]
    pub fn begin(out: &mut Vec<u8>, position: SeqNum) -> Self {
        Self::of(out, position.get(), b" FETCH (")
    }

    /// Writes `* 25996 UIDFETCH (` (RFC 9586, 3.3).
    pub fn begin_uid(out: &mut Vec<u8>, uid: Uid) -> Self {
        Self::of(out, uid.get(), b" UIDFETCH (")
    }

    #[inline]
    fn of(out: &mut Vec<u8>, message: u32, name: &[u8]) -> Self {
        out.extend_from_slice(b"* ");
        number(out, u64::from(message));
        out.extend_from_slice(name);
        Self { empty: true }
    }

    /// `UID 7`
    pub fn uid(&mut self, out: &mut Vec<u8>, uid: Uid) {
        self.numbered(out, b"UID ", u64::from(uid.get()));
    }

    /// `FLAGS (...)`
    pub fn flags<'a>(&mut self, out: &mut Vec<u8>, flags: impl IntoIterator<Item = FlagName<'a>>) {
        self.name(out, b"FLAGS ");
        flag_names(out, flags);
    }

    /// `MODSEQ (7)`
    pub fn mod_seq(&mut self, out: &mut Vec<u8>, mod_seq: ModSeq) {
        self.numbered(out, b"MODSEQ (", mod_seq.get());
        out.push(b')');
    }

    /// `INTERNALDATE "..."`
    pub fn internal_date(&mut self, out: &mut Vec<u8>, date: InternalDate) {
        self.name(out, b"INTERNALDATE ");
        write_date_time(out, date);
    }

    /// `PREVIEW "..."` (RFC 8970), in UTF-8
    pub fn preview(&mut self, out: &mut Vec<u8>, text: &str) {
        self.name(out, b"PREVIEW ");
        string(out, text.as_bytes());
    }

    /// `SAVEDATE "..."` (RFC 8514)
    pub fn save_date(&mut self, out: &mut Vec<u8>, date: InternalDate) {
        self.name(out, b"SAVEDATE ");
        write_date_time(out, date);
    }

    /// `EMAILID (M12)` (RFC 8474). An object id is letters, digits, `_` and `-`, 255 at most.
    pub fn email_id(&mut self, out: &mut Vec<u8>, id: impl Display) {
        self.name(out, b"EMAILID ");
        object_id(out, id);
    }

    /// `THREADID (T12)` (RFC 8474)
    pub fn thread_id(&mut self, out: &mut Vec<u8>, id: impl Display) {
        self.name(out, b"THREADID ");
        object_id(out, id);
    }

    /// `RFC822.SIZE 7`
    pub fn rfc822_size(&mut self, out: &mut Vec<u8>, octets: u64) {
        self.numbered(out, b"RFC822.SIZE ", octets);
    }

    /// `ENVELOPE`, from its wire form.
    pub fn envelope(&mut self, out: &mut Vec<u8>, wire_form: &[u8]) {
        self.name(out, b"ENVELOPE ");
        out.extend_from_slice(wire_form);
    }

    /// `BODY` without extension data, from its wire form.
    pub fn body(&mut self, out: &mut Vec<u8>, wire_form: &[u8]) {
        self.name(out, b"BODY ");
        out.extend_from_slice(wire_form);
    }

    /// `BODYSTRUCTURE`, from its wire form.
    pub fn body_structure(&mut self, out: &mut Vec<u8>, wire_form: &[u8]) {
        self.name(out, b"BODYSTRUCTURE ");
        out.extend_from_slice(wire_form);
    }

    /// `BODY[...]<origin> {octets}`: exactly so many octets must follow, by the caller. Where they are none the
    /// value is complete: `""`.
    ///
    /// `origin` is the offset of a partial fetch, told back without its length.
    pub fn section(&mut self, out: &mut Vec<u8>, section: &Section<'_>, origin: Option<u64>, octets: u64) {
        self.section_name(out, section, origin);
        value_header(out, octets);
    }

    /// `BODY[...] NIL`: there is no such part.
    pub fn section_absent(&mut self, out: &mut Vec<u8>, section: &Section<'_>, origin: Option<u64>) {
        self.section_name(out, section, origin);
        out.extend_from_slice(b"NIL");
    }

    /// `BINARY[...]<origin> {octets}`, as for [`FetchLine::section`].
    ///
    /// RFC 9051, 9 has no place for the origin, its 7.5.2 and RFC 3516, 4.3 have: erratum 8217 puts it into the
    /// grammar, and other servers send it.
    pub fn binary(
        &mut self,
        out: &mut Vec<u8>,
        part: &[NonZeroU32],
        origin: Option<u64>,
        octets: u64,
        kind: LiteralKind,
    ) {
        self.binary_name(out, part, origin);
        if kind == LiteralKind::Binary && octets > 0 {
            out.push(b'~');
        }
        value_header(out, octets);
    }

    /// `BINARY[...] NIL`: there is no such part.
    pub fn binary_absent(&mut self, out: &mut Vec<u8>, part: &[NonZeroU32], origin: Option<u64>) {
        self.binary_name(out, part, origin);
        out.extend_from_slice(b"NIL");
    }

    /// `BINARY.SIZE[...] 7`
    pub fn binary_size(&mut self, out: &mut Vec<u8>, part: &[NonZeroU32], octets: u64) {
        self.name(out, b"BINARY.SIZE");
        write_part(out, part);
        out.push(b' ');
        number(out, octets);
    }

    /// `RFC822 {octets}`, as for [`FetchLine::section`].
    pub fn rfc822(&mut self, out: &mut Vec<u8>, octets: u64) {
        self.name(out, b"RFC822 ");
        value_header(out, octets);
    }

    /// `RFC822.HEADER {octets}`
    pub fn rfc822_header(&mut self, out: &mut Vec<u8>, octets: u64) {
        self.name(out, b"RFC822.HEADER ");
        value_header(out, octets);
    }

    /// `RFC822.TEXT {octets}`
    pub fn rfc822_text(&mut self, out: &mut Vec<u8>, octets: u64) {
        self.name(out, b"RFC822.TEXT ");
        value_header(out, octets);
    }

    /// Writes the closing parenthesis and the line end.
    #[inline]
    pub fn end(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b")\r\n");
    }

    #[inline]
    fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        if !self.empty {
            out.push(b' ');
        }
        self.empty = false;
        out.extend_from_slice(name);
    }

    fn numbered(&mut self, out: &mut Vec<u8>, name: &[u8], value: u64) {
        self.name(out, name);
        number(out, value);
    }

    fn section_name(&mut self, out: &mut Vec<u8>, section: &Section<'_>, origin: Option<u64>) {
        self.name(out, b"BODY");
        section.write(out);
        write_origin(out, origin);
    }

    fn binary_name(&mut self, out: &mut Vec<u8>, part: &[NonZeroU32], origin: Option<u64>) {
        self.name(out, b"BINARY");
        write_part(out, part);
        write_origin(out, origin);
    }
}

fn write_origin(out: &mut Vec<u8>, origin: Option<u64>) {
    if let Some(origin) = origin {
        out.push(b'<');
        number(out, origin);
        out.push(b'>');
    }
    out.push(b' ');
}

fn object_id(out: &mut Vec<u8>, id: impl Display) {
    // Writing into memory does not fail.
    let _ = write!(out, "({id})");
}

fn value_header(out: &mut Vec<u8>, octets: u64) {
    match octets {
        0 => out.extend_from_slice(b"\"\""),
        octets => literal_header(out, octets),
    }
}
