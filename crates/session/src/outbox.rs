//! What is to be sent: one bounded buffer, whatever was asked for.

use bytes::Bytes;
use std::collections::VecDeque;

/// Where a command stops to let the peer read unless told otherwise, in octets. What waits can be larger by one reply or one piece of a
/// body, which are bounded themselves.
pub const HIGH_WATER: usize = 192 << 10;
/// Largest piece of a body that is asked for at once, in octets.
pub const PIECE: usize = 64 << 10;
/// Pieces smaller than this are copied, larger ones are sent from where they lie.
const WORTH_A_HANDLE: usize = 4 << 10;

/// Replies in order, and among them pieces of bodies that nobody copies.
#[derive(Debug)]
pub struct Outbox {
    /// In front of `text`.
    sealed: VecDeque<Bytes>,
    sealed_octets: usize,
    text: Vec<u8>,
    high_water: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new(HIGH_WATER)
    }
}

impl Outbox {
    /// One that is full with so many octets.
    #[must_use]
    pub const fn new(high_water: usize) -> Self {
        Self { sealed: VecDeque::new(), sealed_octets: 0, text: Vec::new(), high_water }
    }

    /// Where replies are written, behind all that is there already.
    pub const fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Adds a piece of a body.
    pub fn push(&mut self, piece: Bytes) {
        if piece.len() < WORTH_A_HANDLE {
            self.text.extend_from_slice(&piece);
            return;
        }
        self.seal();
        self.sealed_octets += piece.len();
        self.sealed.push_back(piece);
    }

    /// How many octets wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.sealed_octets + self.text.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is time to let the peer read.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len() >= self.high_water
    }

    /// The next octets to be written, in order; `None` when nothing is left. An idle session keeps no buffer.
    pub fn pop(&mut self) -> Option<Bytes> {
        self.seal();
        let piece = self.sealed.pop_front()?;
        self.sealed_octets -= piece.len();
        if self.sealed.is_empty() {
            self.sealed = VecDeque::new();
        }
        Some(piece)
    }

    fn seal(&mut self) {
        if !self.text.is_empty() {
            self.sealed_octets += self.text.len();
            self.sealed.push_back(std::mem::take(&mut self.text).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_and_large_pieces_are_not_copied() {
        let mut outbox = Outbox::default();
        let large = Bytes::from(vec![b'x'; WORTH_A_HANDLE]);
        outbox.text().extend_from_slice(b"{4096}\r\n");
        outbox.push(large.clone());
        outbox.push(Bytes::from_static(b"small"));
        outbox.text().extend_from_slice(b")\r\n");
        assert_eq!(outbox.len(), 8 + WORTH_A_HANDLE + 5 + 3);
        assert_eq!(outbox.pop().unwrap(), "{4096}\r\n");
        assert_eq!(outbox.pop().unwrap().as_ptr(), large.as_ptr());
        assert_eq!(outbox.pop().unwrap(), "small)\r\n");
        assert!(outbox.pop().is_none() && outbox.is_empty());
    }
}
