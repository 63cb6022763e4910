//! Numbers and texts as octets, for events, heads and snapshots.
//!
//! Reading never panics, never trusts a length that it was told (what is reserved is bounded by the octets that
//! are there), and takes only the one form that writing makes, so that decode(encode(x)) = x both ways.

use std::fmt;
use terms::{ModSeq, Uid, UidSet};

/// What was stored is not what this code, or an older version of it, writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// It ends too early.
    Short,
    /// Octets are left over.
    Long,
    /// A version or kind that this code does not know: written by a newer one.
    Unknown,
    /// A value outside its range, named.
    Invalid(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("it ends too early"),
            Self::Long => f.write_str("octets are left over at its end"),
            Self::Unknown => {
                f.write_str("its version or kind is not known here: a newer version has written it")
            }
            Self::Invalid(what) => write!(f, "{what} is outside its range"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Writes values one behind the other.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) octets: Vec<u8>,
}

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.octets.push(value);
    }

    /// Seven bits an octet, lowest first, the high bit says "more".
    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.octets.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.octets.push(value as u8);
    }

    /// Small magnitudes of either sign become short.
    pub(crate) fn signed(&mut self, value: i64) {
        self.number((value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned());
    }

    pub(crate) fn word(&mut self, value: u64) {
        self.octets.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.octets.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn uid(&mut self, uid: Uid) {
        self.number(u64::from(uid.get()));
    }

    /// Gaps and lengths: two octets for a range in a mailbox of any size.
    pub(crate) fn uids(&mut self, uids: &UidSet) {
        self.number(uids.spans().len() as u64);
        let mut at = 0;
        for &(first, last) in uids.spans() {
            self.number(u64::from(first.get() - at));
            self.number(u64::from(last.get() - first.get()));
            at = last.get();
        }
    }
}

/// Reads what [`Writer`] wrote.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

type Read<T> = Result<T, DecodeError>;

impl<'a> Reader<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn end(&self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Long) }
    }

    pub(crate) fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn number(&mut self) -> Read<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let octet = self.u8()?;
            let bits = u64::from(octet & 0x7f);
            value |= bits << shift;
            if octet < 0x80 {
                // One form only: no empty octets at the end, no bits beyond the sixty-fourth.
                let exact = (octet != 0 || shift == 0) && (bits << shift) >> shift == bits;
                return if exact { Ok(value) } else { Err(DecodeError::Invalid("a number's form")) };
            }
        }
        Err(DecodeError::Invalid("a number's length"))
    }

    pub(crate) fn signed(&mut self) -> Read<i64> {
        let folded = self.number()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| DecodeError::Invalid("a number"))
    }

    pub(crate) fn u16(&mut self) -> Read<u16> {
        u16::try_from(self.number()?).map_err(|_| DecodeError::Invalid("a number"))
    }

    /// A number of things of at least `least` octets each that are still to come: never more than fit.
    pub(crate) fn count(&mut self, least: usize) -> Read<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| DecodeError::Short)?;
        if count > self.left() / least.max(1) { Err(DecodeError::Short) } else { Ok(count) }
    }

    pub(crate) fn text(&mut self) -> Read<&'a str> {
        let length = self.count(1)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| DecodeError::Invalid("a text"))
    }

    pub(crate) fn uid(&mut self) -> Read<Uid> {
        Uid::new(self.u32()?).ok_or(DecodeError::Invalid("a UID"))
    }

    pub(crate) fn modseq(&mut self) -> Read<ModSeq> {
        ModSeq::new(self.number()?).ok_or(DecodeError::Invalid("a MODSEQ"))
    }

    pub(crate) fn uids(&mut self) -> Read<UidSet> {
        let bad = DecodeError::Invalid("a UID set");
        let count = self.count(2)?;
        let mut spans = Vec::with_capacity(count);
        let mut at = 0_u32;
        for _ in 0..count {
            let first = at.checked_add(self.u32()?).and_then(Uid::new).ok_or(bad)?;
            let last = first.get().checked_add(self.u32()?).and_then(Uid::new).ok_or(bad)?;
            spans.push((first, last));
            at = last.get();
        }
        let set = UidSet::from_ranges(spans.iter().copied());
        // Sorted, disjoint and not adjacent already, or it is not what we wrote.
        if set.spans() == spans { Ok(set) } else { Err(bad) }
    }
}
