//! The values of the index, each behind a checksum of its own: the map beneath has none on its way to us. Whoever reads
//! the map tests it ([`fits`]), so that a value that has rotted is found out before anybody believes it.

use super::kv::Value;
use crate::log::format::RECORD_HEADER;
use crate::log::octets::{checked, push_checksum, u32_at, u64_at};
use bytes::Bytes;
use store::{BodyPrefix, Head, Seq};
use xxhash_rust::xxh3::xxh3_64;

/// Where a record lies in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The segment.
    pub(crate) segment: u64,
    /// Where the record's header starts in it.
    pub(crate) offset: u64,
    /// Octets of the payload as stored.
    pub(crate) stored_length: u32,
    /// The record's number.
    pub(crate) log_number: u64,
}

/// Octets that are read for nothing rather than reading twice.
const SMALL_GAP: u64 = 1 << 10;

impl Place {
    /// One behind the record's last octet.
    pub(crate) const fn end(&self) -> u64 {
        self.offset + RECORD_HEADER as u64 + self.stored_length as u64
    }

    /// Whether `other` comes so soon behind that they are better read together.
    pub(crate) fn is_just_before(&self, other: &Self) -> bool {
        let gap = other.offset.checked_sub(self.end());
        self.segment == other.segment && gap.is_some_and(|gap| gap <= SMALL_GAP)
    }
}

/// Where a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyPlace {
    /// In the log, with this many octets once decoded.
    Log(Place, u64),
    /// In a file of its own.
    File {
        /// The file's number.
        file: u64,
        /// Its octets.
        length: u64,
    },
}

/// What a snapshot consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// Which attempt wrote them.
    pub(crate) writing: u64,
    /// How many.
    pub(crate) count: u32,
}

const PLACE: usize = 28;
const IN_LOG: u8 = 0;
const IN_FILE: u8 = 1;

pub(crate) fn of_place(key: &[u8], place: Place) -> Value {
    seal(key, place_octets(place))
}

pub(crate) fn place(key: &[u8], value: &[u8]) -> Option<Place> {
    read_place(open(key, value)?)
}

/// A place, and behind it the body that the record names, where one is known.
pub(crate) fn of_record(key: &[u8], place: Place, names: Option<BodyPrefix>) -> Value {
    let mut out = place_octets(place);
    if let Some(BodyPrefix(name)) = names {
        out.extend_from_slice(&name);
    }
    seal(key, out)
}

/// The body that the record at an entry's place names; `Some(None)` where that is not known.
pub(crate) fn names(key: &[u8], value: &[u8]) -> Option<Option<BodyPrefix>> {
    let name = open(key, value)?.get(PLACE..)?;
    if name.is_empty() {
        return Some(None);
    }
    name.try_into().ok().map(|name| Some(BodyPrefix(name)))
}

pub(crate) fn of_head(key: &[u8], seq: Seq, head: &[u8]) -> Value {
    let mut out = seq.0.to_le_bytes().to_vec();
    out.extend_from_slice(head);
    seal(key, out)
}

pub(crate) fn head(key: &[u8], value: &[u8]) -> Option<(Seq, Head)> {
    let (seq, head) = open(key, value)?.split_first_chunk()?;
    Some((Seq(u64::from_le_bytes(*seq)), Head(Bytes::copy_from_slice(head))))
}

pub(crate) fn of_seq(key: &[u8], seq: Seq) -> Value {
    seal(key, seq.0.to_le_bytes().to_vec())
}

pub(crate) fn seq(key: &[u8], value: &[u8]) -> Option<Seq> {
    u64_at(open(key, value)?, 0).map(Seq)
}

pub(crate) fn of_blob(key: &[u8], blob: &[u8]) -> Value {
    seal(key, blob.to_vec())
}

pub(crate) fn blob(key: &[u8], value: &[u8]) -> Option<Bytes> {
    open(key, value).map(Bytes::copy_from_slice)
}

pub(crate) fn of_pieces(key: &[u8], pieces: Pieces) -> Value {
    let mut out = pieces.writing.to_le_bytes().to_vec();
    out.extend_from_slice(&pieces.count.to_le_bytes());
    seal(key, out)
}

pub(crate) fn pieces(key: &[u8], value: &[u8]) -> Option<Pieces> {
    let content = open(key, value)?;
    Some(Pieces { writing: u64_at(content, 0)?, count: u32_at(content, 8)? })
}

pub(crate) fn of_body(key: &[u8], body: BodyPlace) -> Value {
    let mut out = Vec::with_capacity(PLACE + 9);
    match body {
        BodyPlace::Log(place, length) => {
            out.push(IN_LOG);
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&place_octets(place));
        }
        BodyPlace::File { file, length } => {
            out.push(IN_FILE);
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(&file.to_le_bytes());
        }
    }
    seal(key, out)
}

pub(crate) fn body(key: &[u8], value: &[u8]) -> Option<BodyPlace> {
    let (kind, content) = open(key, value)?.split_first()?;
    let length = u64_at(content, 0)?;
    match *kind {
        IN_LOG => Some(BodyPlace::Log(read_place(content.get(8..)?)?, length)),
        IN_FILE => Some(BodyPlace::File { file: u64_at(content, 8)?, length }),
        _ => None,
    }
}

fn place_octets(place: Place) -> Vec<u8> {
    let mut out = Vec::with_capacity(PLACE + 24 + 8);
    out.extend_from_slice(&place.segment.to_le_bytes());
    out.extend_from_slice(&place.offset.to_le_bytes());
    out.extend_from_slice(&place.log_number.to_le_bytes());
    out.extend_from_slice(&place.stored_length.to_le_bytes());
    out
}

fn read_place(content: &[u8]) -> Option<Place> {
    Some(Place {
        segment: u64_at(content, 0)?,
        offset: u64_at(content, 8)?,
        log_number: u64_at(content, 16)?,
        stored_length: u32_at(content, 24)?,
    })
}

/// The key is in the checksum: a value that was put under another key by mistake is found out too.
fn seal(key: &[u8], mut content: Vec<u8>) -> Value {
    push_checksum(&mut content, 0, xxh3_64(key));
    content
}

/// Whether it is what was put under this key.
pub(crate) fn fits(key: &[u8], value: &[u8]) -> bool {
    open(key, value).is_some()
}

fn open<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    checked(value, xxh3_64(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key";
    const PLACE_OF_ONE: Place = Place { segment: 1, offset: 96, stored_length: 7, log_number: 5 };

    #[test]
    fn a_record_has_its_place_and_may_name_its_body() {
        let body = BodyPrefix([9; 24]);
        for names in [None, Some(body)] {
            let value = of_record(KEY, PLACE_OF_ONE, names);
            assert_eq!((place(KEY, &value), super::names(KEY, &value)), (Some(PLACE_OF_ONE), Some(names)));
            assert_eq!(super::names(b"another", &value), None);
        }
    }

    #[test]
    fn an_entry_of_an_earlier_version_names_no_body() {
        assert_eq!(names(KEY, &of_place(KEY, PLACE_OF_ONE)), Some(None));
        assert_eq!(names(KEY, &of_record(KEY, PLACE_OF_ONE, None)), Some(None));
    }
}
