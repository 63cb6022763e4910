//! A mailbox in a few octets: what STATUS and LIST answer without opening it.

use crate::codec::{DecodeError, Reader, Writer};
use bytes::Bytes;
use terms::{ModSeq, Uid, UidValidity};

/// The summary that a commit leaves beside a mailbox's stream, for its owner's eyes: `unseen` and
/// `highest_modseq` of another account come from the opened state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// MESSAGES
    pub messages: u32,
    /// UNSEEN, by the owner's `\Seen`.
    pub unseen: u32,
    /// DELETED
    pub deleted: u32,
    /// SIZE: the sum of RFC822.SIZE, and the mailbox's part in the account's quota.
    pub octets: u64,
    /// UIDNEXT
    pub uid_next: Uid,
    /// UIDVALIDITY
    pub uid_validity: UidValidity,
    /// HIGHESTMODSEQ, the owner's private changes included.
    pub highest_modseq: ModSeq,
}

/// Says "a mailbox, version 1": the head of an account's own stream begins otherwise.
const FORM: [u8; 2] = [b'M', 1];

impl Head {
    /// As it is stored: at most 50 octets.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::default();
        FORM.iter().for_each(|octet| w.u8(*octet));
        for number in [self.messages, self.unseen, self.deleted] {
            w.number(u64::from(number));
        }
        w.number(self.octets);
        w.uid(self.uid_next);
        w.number(u64::from(self.uid_validity.get()));
        w.number(self.highest_modseq.get());
        w.octets.into()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with the octets.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        if r.take(FORM.len())? != FORM {
            return Err(DecodeError::Unknown);
        }
        let head = Self {
            messages: r.u32()?,
            unseen: r.u32()?,
            deleted: r.u32()?,
            octets: r.number()?,
            uid_next: r.uid()?,
            uid_validity: UidValidity::new(r.u32()?).ok_or(DecodeError::Invalid("UIDVALIDITY"))?,
            highest_modseq: r.modseq()?,
        };
        r.end()?;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_head_fits_and_comes_back() {
        let head = Head {
            messages: u32::MAX,
            unseen: u32::MAX,
            deleted: u32::MAX,
            octets: u64::MAX,
            uid_next: Uid::MAX,
            uid_validity: UidValidity::MAX,
            highest_modseq: ModSeq::MAX,
        };
        let octets = head.encode();
        assert!(octets.len() <= 50);
        assert_eq!(Head::decode(&octets), Ok(head));
        for length in 0..octets.len() {
            assert!(Head::decode(&octets[..length]).is_err());
        }
    }
}
