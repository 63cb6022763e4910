//! SEARCH, SORT and ESEARCH (RFC 3501, 7.2.5; RFC 5256, BASE.7.2.SORT; RFC 9051, 7.3.4; RFC 7162, 3.1.5 and 3.1.10;
//! RFC 9394, 3.1).

use super::super::command::{Numbering, PartialRange, Tag};
use super::text::{number, string};
use std::io::Write as _;
use terms::ModSeq;

/// A `* SEARCH 2 84 882 (MODSEQ 917162500)` being written, or the same with SORT.
///
/// It keeps no hold of the buffer: between two numbers the buffer may be sent and emptied, since a search may find
/// every message of a large mailbox.
#[derive(Debug)]
#[must_use = "a SEARCH without its end leaves the client waiting"]
pub struct SearchLine {
    empty: bool,
}

impl SearchLine {
    /// Writes `* SEARCH`.
    pub fn begin(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(b"* SEARCH");
        Self { empty: true }
    }

    /// Writes `* SORT`, which goes on as a SEARCH does (RFC 7162, 3.1.9).
    pub fn begin_sort(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(b"* SORT");
        Self { empty: true }
    }

    /// A message that was found.
    pub fn number(&mut self, out: &mut Vec<u8>, found: u32) {
        out.push(b' ');
        number(out, u64::from(found));
        self.empty = false;
    }

    /// Ends the line. The MODSEQ is the highest of those found, and absent where none is (RFC 7162, 3.1.5).
    pub fn end(self, out: &mut Vec<u8>, mod_seq: Option<ModSeq>) {
        if let Some(mod_seq) = mod_seq.filter(|_| !self.empty) {
            // Writing to a Vec cannot fail.
            let _ = write!(out, " (MODSEQ {mod_seq})");
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// A `* ESEARCH (TAG "a") UID MIN 2 COUNT 17 ALL 2,10:15 MODSEQ 5` being written.
///
/// It keeps no hold of the buffer either. What there is none of is not written: MIN, MAX and ALL of an empty result
/// (RFC 4731, 3.1).
#[derive(Debug)]
#[must_use = "an ESEARCH without its end leaves the client waiting"]
pub struct EsearchLine {
    set: Set,
}

/// The numbers that are being told, if some are.
#[derive(Clone, Copy, Debug)]
enum Set {
    Closed,
    All(Run),
    Partial(Run),
}

/// The last of a set's numbers.
#[derive(Clone, Copy, Debug)]
enum Run {
    /// There are none.
    Empty,
    /// They follow each other; the first is written.
    Open { first: u32, last: u32 },
}

impl EsearchLine {
    /// Writes `* ESEARCH (TAG "a")`: for the command with this tag, whose numbers mean that.
    pub fn begin(out: &mut Vec<u8>, tag: &Tag<'_>, numbering: Numbering) -> Self {
        out.extend_from_slice(b"* ESEARCH (TAG ");
        string(out, tag.as_str().as_bytes());
        out.push(b')');
        if numbering == Numbering::Uid {
            out.extend_from_slice(b" UID");
        }
        Self { set: Set::Closed }
    }

    /// `MIN`: the lowest.
    pub fn min(&mut self, out: &mut Vec<u8>, found: u32) {
        self.item(out, " MIN ", u64::from(found));
    }

    /// `MAX`: the highest.
    pub fn max(&mut self, out: &mut Vec<u8>, found: u32) {
        self.item(out, " MAX ", u64::from(found));
    }

    /// `COUNT`: how many.
    pub fn count(&mut self, out: &mut Vec<u8>, found: u32) {
        self.item(out, " COUNT ", u64::from(found));
    }

    /// `MODSEQ`: the highest of what is told (RFC 4731, 3.2).
    pub fn mod_seq(&mut self, out: &mut Vec<u8>, highest: ModSeq) {
        self.item(out, " MODSEQ ", highest.get());
    }

    fn item(&mut self, out: &mut Vec<u8>, name: &str, value: u64) {
        self.close(out);
        out.extend_from_slice(name.as_bytes());
        number(out, value);
    }

    /// From here on [`Self::number`]s are those of `ALL`.
    pub fn all(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        self.set = Set::All(Run::Empty);
    }

    /// From here on [`Self::number`]s are those of `PARTIAL`; `NIL` if none come (RFC 9394, 3.1).
    pub fn partial(&mut self, out: &mut Vec<u8>, range: PartialRange) {
        self.close(out);
        // Writing to a Vec cannot fail.
        let _ = write!(out, " PARTIAL ({range} ");
        self.set = Set::Partial(Run::Empty);
    }

    /// A message that was found: in the order of the result, which of a SORT need not be ascending.
    pub fn number(&mut self, out: &mut Vec<u8>, found: u32) {
        match &mut self.set {
            Set::Closed => {}
            Set::All(run) => run.number(out, " ALL ", found),
            Set::Partial(run) => run.number(out, "", found),
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.set, Set::Closed) {
            Set::Closed => {}
            Set::All(run) => run.close(out, ""),
            Set::Partial(run) => {
                run.close(out, "NIL");
                out.push(b')');
            }
        }
    }

    /// Ends the line.
    pub fn end(mut self, out: &mut Vec<u8>) {
        self.close(out);
        out.extend_from_slice(b"\r\n");
    }
}

impl Run {
    /// Writes what cannot become part of a longer range any more, and `name` in front of the first number.
    fn number(&mut self, out: &mut Vec<u8>, name: &str, found: u32) {
        match self {
            Self::Open { last, .. } if last.checked_add(1) == Some(found) => {
                *last = found;
                return;
            }
            Self::Open { .. } => {
                self.close(out, "");
                out.push(b',');
            }
            Self::Empty => out.extend_from_slice(name.as_bytes()),
        }
        number(out, u64::from(found));
        *self = Self::Open { first: found, last: found };
    }

    fn close(self, out: &mut Vec<u8>, nothing: &str) {
        match self {
            Self::Empty => out.extend_from_slice(nothing.as_bytes()),
            Self::Open { first, last } if first == last => {}
            Self::Open { last, .. } => {
                out.push(b':');
                number(out, u64::from(last));
            }
        }
    }
}
