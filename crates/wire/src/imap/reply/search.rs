//! SEARCH, SORT and ESEARCH (RFC 3501, 7.2.5; RFC 5256, BASE.7.2.SORT; RFC 9051, 7.3.4; RFC 7162, 3.1.5 and 3.1.10).

use super::super::command::{Numbering, Tag};
use super::super::sequence_set::SequenceSet;
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

/// What an ESEARCH tells; what is `None` was not asked for, or there is none (RFC 4731, 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Esearch<'a> {
    /// The tag of the command that asked.
    pub tag: &'a Tag<'a>,
    /// What the numbers mean.
    pub numbering: Numbering,
    /// The lowest.
    pub min: Option<u32>,
    /// The highest.
    pub max: Option<u32>,
    /// All.
    pub all: Option<&'a SequenceSet>,
    /// How many.
    pub count: Option<u32>,
    /// The highest MODSEQ of what is told.
    pub mod_seq: Option<ModSeq>,
}

/// `* ESEARCH (TAG "a") UID COUNT 17`
pub fn esearch(out: &mut Vec<u8>, result: &Esearch<'_>) {
    out.extend_from_slice(b"* ESEARCH (TAG ");
    string(out, result.tag.as_str().as_bytes());
    out.push(b')');
    if result.numbering == Numbering::Uid {
        out.extend_from_slice(b" UID");
    }
    for (name, value) in [("MIN", result.min), ("MAX", result.max), ("COUNT", result.count)] {
        if let Some(value) = value {
            // Writing to a Vec cannot fail.
            let _ = write!(out, " {name} {value}");
        }
    }
    if let Some(all) = result.all {
        let _ = write!(out, " ALL {all}");
    }
    if let Some(mod_seq) = result.mod_seq {
        let _ = write!(out, " MODSEQ {mod_seq}");
    }
    out.extend_from_slice(b"\r\n");
}
