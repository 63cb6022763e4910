//! What SEARCH, THREAD and THREADID want of a message's own header, decoded once.

use crate::date::parse_date;
use crate::header;
use crate::ids::message_ids;
use crate::limits::{MAX_KEPT_VALUE_OCTETS, MAX_REFERENCES_OCTETS};
use crate::words::decode_header;
use terms::InternalDate;

/// The header fields whose decoded values are kept. SEARCH of any other reads the header block.
pub const KEPT_FIELDS: [&str; 6] = ["from", "to", "cc", "bcc", "subject", "message-id"];

/// The values kept of a header.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The Date field.
    pub sent: Option<InternalDate>,
    /// The first Message-ID in References, else in In-Reply-To, else the message's own; empty if there is none:
    /// messages that share it are a thread.
    pub thread_root: Vec<u8>,
    /// The message's references as THREAD wants them (RFC 5256, 3): the ids in References, if there are any, else
    /// the first one in In-Reply-To; normalised, one a line.
    pub references: Vec<u8>,
    /// For each of [`KEPT_FIELDS`]: the values of all fields of that name, one a line.
    pub kept: [Kept; KEPT_FIELDS.len()],
}

/// A kept value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// There is no such field.
    #[default]
    Absent,
    /// Its decoded text.
    Text(String),
    /// There is one, too long to keep: read the header block.
    TooLong,
}

/// Longest Message-ID that is told from others, in octets.
const MAX_ID_OCTETS: usize = 998;

impl Summary {
    pub(crate) fn parse(block: &[u8]) -> Self {
        let mut found = Self::default();
        let mut ids: [&[u8]; 3] = [b""; 3];
        let (mut references, mut in_reply_to) = (None, None);
        for field in header::fields(block) {
            match field.name.to_ascii_lowercase().as_slice() {
                b"date" => found.sent = found.sent.or_else(|| parse_date(field.value)),
                b"references" => {
                    keep_first(&mut ids, 0, field.value);
                    references = references.or(Some(field.value));
                }
                b"in-reply-to" => {
                    keep_first(&mut ids, 1, field.value);
                    in_reply_to = in_reply_to.or(Some(field.value));
                }
                b"message-id" => keep_first(&mut ids, 2, field.value),
                _ => {}
            }
            if let Some(kept) = place(field.name).and_then(|place| found.kept.get_mut(place)) {
                kept.add(field.value);
            }
        }
        found.references = kept_references(references, in_reply_to);
        found.thread_root = ids.into_iter().find(|id| !id.is_empty()).unwrap_or_default().to_vec();
        found
    }
}

impl Kept {
    fn add(&mut self, value: &[u8]) {
        let sum = self.octets() + value.len();
        *self = match std::mem::take(self) {
            Self::TooLong => Self::TooLong,
            _ if sum > MAX_KEPT_VALUE_OCTETS => Self::TooLong,
            Self::Absent => Self::of(decode_header(value)),
            Self::Text(before) => Self::of(before + "\n" + &decode_header(value)),
        };
    }

    /// Decoding may lengthen a value.
    fn of(text: String) -> Self {
        if text.len() > MAX_KEPT_VALUE_OCTETS { Self::TooLong } else { Self::Text(text) }
    }

    fn octets(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Absent | Self::TooLong => 0,
        }
    }
}

/// Which of the kept fields this is, letter case aside.
pub(crate) fn place(name: &[u8]) -> Option<usize> {
    KEPT_FIELDS.iter().position(|kept| kept.as_bytes().eq_ignore_ascii_case(name))
}

fn keep_first<'a>(ids: &mut [&'a [u8]; 3], place: usize, value: &'a [u8]) {
    if let Some(id) = ids.get_mut(place).filter(|id| id.is_empty()) {
        *id = first_id(value);
    }
}

/// A References field without a valid id counts as none; of In-Reply-To the first one alone is meant (RFC 5256, 3).
fn kept_references(references: Option<&[u8]>, in_reply_to: Option<&[u8]>) -> Vec<u8> {
    let ids = |value: Option<&[u8]>| decode_header(value.unwrap_or_default());
    let mut kept: Vec<_> = message_ids(ids(references).as_bytes()).collect();
    if kept.is_empty() {
        kept.extend(message_ids(ids(in_reply_to).as_bytes()).next());
    }
    shorten(&mut kept);
    kept.join(&b'\n')
}

/// Leaves out those behind the first, as mail clients do: what a message answers stands at the end.
fn shorten(ids: &mut Vec<Vec<u8>>) {
    ids.retain(|id| id.len() <= MAX_ID_OCTETS);
    let mut room = MAX_REFERENCES_OCTETS.saturating_sub(ids.first().map_or(0, Vec::len));
    let fits = |id: &&Vec<u8>| {
        let left = room.checked_sub(id.len() + 1);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let kept = ids.iter().skip(1).rev().take_while(fits).count();
    let behind_first = 1.min(ids.len());
    ids.drain(behind_first..ids.len() - kept);
}

/// The first `<...>` of a value, without blanks around; else its first word.
fn first_id(value: &[u8]) -> &[u8] {
    let start = value.iter().position(|octet| *octet == b'<');
    let id = start.and_then(|start| {
        let rest = value.get(start..)?;
        let end = rest.iter().position(|octet| *octet == b'>')?;
        rest.get(..=end)
    });
    let word = || value.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let id = id.unwrap_or_else(word);
    id.get(..MAX_ID_OCTETS).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_root(block: &str, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&Summary::parse(block.as_bytes()).thread_root), expected);
    }

    #[test]
    fn a_thread_is_named_by_its_first_message() {
        check_root("Message-ID: <c@x>\r\nIn-Reply-To: <b@x>\r\nReferences: <a@x>\r\n <b@x>\r\n\r\n", "<a@x>");
        check_root("Message-ID: <c@x>\r\nIn-Reply-To: your mail of today <b@x>\r\n\r\n", "<b@x>");
        check_root("message-id:c@x\r\n\r\n", "c@x");
        check_root("Subject: none\r\n\r\n", "");
    }

    fn check_references(block: &str, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&Summary::parse(block.as_bytes()).references), expected);
    }

    #[test]
    fn references_are_those_of_the_field_or_else_what_is_answered() {
        check_references("References: <a@x>\r\n <\"b\"@x>\r\nIn-Reply-To: <c@x>\r\n\r\n", "a@x\nb@x");
        check_references("References: yours\r\nIn-Reply-To: <b@x> of <c@x>\r\n\r\n", "b@x");
        check_references("References: =?utf-8?q?=3Ca=40x=3E?=\r\n\r\n", "a@x");
        check_references("Message-ID: <a@x>\r\n\r\n", "");
    }

    #[test]
    fn of_too_many_references_the_first_and_the_last_are_kept() {
        let ids = |numbers: std::ops::Range<u32>| numbers.map(|n| format!("<{n:07}@x>")).collect::<String>();
        let kept = Summary::parse(format!("References: {}\r\n\r\n", ids(0..5_000)).as_bytes()).references;
        assert!(kept.len() <= MAX_REFERENCES_OCTETS && kept.len() > MAX_REFERENCES_OCTETS - 20);
        assert!(kept.starts_with(b"0000000@x\n00045") && kept.ends_with(b"\n0004999@x"));
        let endless = format!("References: <a@x> <{}@x> <b@x>\r\n\r\n", "y".repeat(MAX_ID_OCTETS));
        assert_eq!(Summary::parse(endless.as_bytes()).references, b"a@x\nb@x");
    }

    #[test]
    fn values_are_decoded_and_repeated_fields_are_lines() {
        let found = Summary::parse(b"To: =?utf-8?q?=C3=84?= <a@b>\r\nTO: c@d\r\n\r\n");
        assert_eq!(found.kept[1], Kept::Text("Ä <a@b>\nc@d".to_owned()));
        assert_eq!(found.kept[2], Kept::Absent);
    }

    #[test]
    fn a_value_too_long_to_keep_is_not_absent() {
        let block = format!("Subject: {}\r\n\r\n", "x".repeat(MAX_KEPT_VALUE_OCTETS + 1));
        assert_eq!(Summary::parse(block.as_bytes()).kept[4], Kept::TooLong);
    }
}
