//! Messages of one size, each with a number of its own: what APPEND and LMTP put in, made fast enough that a run measures
//! the server.

use super::Corpus;
use crate::dice::Dice;

/// How many texts there are; messages with the same text differ in their numbers.
const TEXTS: u64 = 64;
/// Digits of the number.
const DIGITS: usize = 12;
const BEFORE: &[u8] = b"Message-ID: <";

/// Messages of one size.
pub(crate) struct Stamped {
    texts: Vec<Vec<u8>>,
}

impl Stamped {
    /// Messages of `size` octets, at least 300, of a run. Those of another have other Message-IDs, for a server may remember
    /// one and drop what comes with it again.
    pub(crate) fn new(corpus: &Corpus, size: usize, run: u64) -> Self {
        let text = |index| {
            let mut dice = Dice::of(corpus.recipe.seed ^ 4, index);
            let mut text = BEFORE.to_vec();
            text.extend_from_slice(&[b'0'; DIGITS]);
            let date = corpus.date(u32::try_from(index).unwrap_or_default()).field();
            text.extend_from_slice(
                format!(
                    ".{run}@stamp.example.org>\r\nDate: {date}\r\nFrom: sender{index}@example.net\r\nTo: reader@example.org\r\n\
                     Subject: stamped {index}\r\n\r\n.a line that begins with a dot\r\n"
                )
                .as_bytes(),
            );
            corpus.words.prose(&mut dice, size.saturating_sub(text.len()), None, &mut text);
            text
        };
        Self { texts: (0..TEXTS).map(text).collect() }
    }

    /// Writes message `number` behind what is in `to`.
    pub(crate) fn write(&self, number: u64, to: &mut Vec<u8>) {
        let start = to.len() + BEFORE.len();
        to.extend_from_slice(self.text(number));
        let digits = to.iter_mut().skip(start).take(DIGITS).rev();
        let mut left = number;
        for digit in digits {
            *digit = b'0' + u8::try_from(left % 10).unwrap_or_default();
            left /= 10;
        }
    }

    fn text(&self, number: u64) -> &[u8] {
        let place = usize::try_from(number % TEXTS).unwrap_or_default();
        self.texts.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    /// The number of a message, if `octets` are one of these to the last.
    pub(crate) fn number(&self, octets: &[u8]) -> Option<u64> {
        let digits = octets.strip_prefix(BEFORE)?.get(..DIGITS)?;
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let behind = BEFORE.len() + DIGITS;
        (octets.get(behind..) == self.text(number).get(behind..)).then_some(number)
    }

    /// The same behind lines that a server put in front.
    pub(crate) fn number_behind(&self, octets: &[u8]) -> Option<u64> {
        let size = self.texts.first()?.len();
        self.number(octets.get(octets.len().checked_sub(size)?..)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Sizes;
    use crate::corpus::tests::corpus;

    #[test]
    fn a_stamped_message_is_known_again_and_an_altered_one_is_not() {
        let stamped = Stamped::new(&corpus(Sizes::Small, 1), 4_096, 7);
        for number in [0, 1, 64, 999_999_999_999] {
            let mut message = Vec::new();
            stamped.write(number, &mut message);
            assert_eq!((message.len(), stamped.number(&message)), (4_096, Some(number)));
            for place in [0, 13, 40, 4_095] {
                message[place] ^= 1;
                assert_ne!(stamped.number(&message), Some(number), "{place}");
                message[place] ^= 1;
            }
            let mut delivered = b"Return-Path: <>\r\n".to_vec();
            delivered.extend_from_slice(&message);
            assert_eq!(stamped.number_behind(&delivered), Some(number));
            delivered.push(b'x');
            assert_eq!(stamped.number_behind(&delivered), None);
        }
    }

    #[test]
    fn two_runs_have_no_message_id_in_common() {
        let id = |run| {
            let stamped = Stamped::new(&corpus(Sizes::Small, 1), 4_096, run);
            let mut message = Vec::new();
            stamped.write(5, &mut message);
            assert_eq!((message.len(), stamped.number(&message)), (4_096, Some(5)));
            message.split(|octet| *octet == b'\r').next().unwrap().to_vec()
        };
        assert_eq!(
            id(1_700_000_000_000_000),
            b"Message-ID: <000000000005.1700000000000000@stamp.example.org>"
        );
        assert_ne!(id(1), id(2));
    }
}
