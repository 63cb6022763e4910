//! Words, lines of them, and base64: each to the octet as long as it is asked for.

use crate::dice::Dice;

/// Octets of a line of prose, without its end.
const LINE: usize = 72;
/// Octets of a line of base64, without its end (RFC 2045, 6.8).
const BASE64_LINE: usize = 76;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// No syllable has a `z` or a `y`, so no text has the words that searches look for.
const SYLLABLES: [&str; 24] = [
    "an", "be", "con", "del", "es", "fin", "ga", "hol", "in", "jo", "ka", "lun", "mar", "no", "or", "pre",
    "qua", "ren", "sta", "ter", "un", "vel", "war", "xi",
];
const WORDS: usize = 4_096;
/// Octets of the words' text, padded so that a word is copied in one go.
const PADDED: usize = 16;

/// Words, of which the first are the most common.
pub(super) struct Words(Vec<(usize, [u8; PADDED])>);

impl Words {
    pub(super) fn new(seed: u64) -> Self {
        let word = |index| {
            let mut dice = Dice::of(seed, index);
            let mut word = String::new();
            // Common words are short.
            for _ in 0..=dice.below(if index < 100 { 2 } else { 4 }) {
                word.push_str(SYLLABLES.get(dice.place(SYLLABLES.len())).copied().unwrap_or_default());
            }
            let mut padded = [b' '; PADDED];
            padded.iter_mut().zip(word.bytes()).for_each(|(to, octet)| *to = octet);
            (word.len().min(PADDED), padded)
        };
        Self((0..WORDS as u64).map(word).collect())
    }

    /// A word; those in front come more often, roughly as in a language.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of the words")]
    #[expect(clippy::cast_precision_loss, reason = "there are few words")]
    pub(super) fn any(&self, dice: &mut Dice) -> &[u8] {
        let fraction = dice.fraction();
        let place = (fraction * fraction * fraction * self.0.len() as f64) as usize;
        self.0.get(place).and_then(|(length, word)| word.get(..*length)).unwrap_or_default()
    }

    /// Prose of exactly `length` octets in lines that end in CRLF, with `mark` among its words. Shorter than a line with
    /// the mark, it is the mark or what fits of it.
    pub(super) fn prose(&self, dice: &mut Dice, length: usize, mark: Option<&str>, to: &mut Vec<u8>) {
        let end = to.len() + length;
        let mut mark = mark.map(str::as_bytes);
        while end - to.len() > 2 * (LINE + 2) {
            let start = to.len();
            // About the middle, on a line of its own where it cannot be broken.
            if let Some(word) = mark.take_if(|_| end - to.len() <= length / 2 + LINE) {
                to.extend_from_slice(word);
            } else {
                to.extend_from_slice(self.any(dice));
            }
            loop {
                let word = self.any(dice);
                if to.len() - start + 1 + word.len() > LINE {
                    break;
                }
                to.push(b' ');
                to.extend_from_slice(word);
            }
            to.extend_from_slice(b"\r\n");
        }
        last_lines(end, mark.unwrap_or_default(), to);
    }
}

/// Fills up to `end`, with `word` first.
fn last_lines(end: usize, word: &[u8], to: &mut Vec<u8>) {
    let mut word = word;
    while to.len() < end {
        let rest = end - to.len();
        // What is left behind a line must have room for an end of line of its own.
        let line = if rest <= LINE + 2 { rest } else { (rest / 2).max(4) };
        let text = line.saturating_sub(2);
        let start = to.len();
        to.extend(word.iter().take(text));
        word = &[];
        to.resize(start + text, b'.');
        // In a message no line begins with a dot unless one is wanted.
        if let Some(first) = to.get_mut(start).filter(|first| **first == b'.') {
            *first = b'-';
        }
        to.extend(b"\r\n".iter().skip(2_usize.saturating_sub(line)));
    }
}

/// How many octets of base64 in lines fit into `room`, and how many these lines have.
pub(super) const fn base64_that_fits(room: usize) -> (usize, usize) {
    let mut digits = room / (BASE64_LINE + 2) * BASE64_LINE;
    let rest = room % (BASE64_LINE + 2);
    if rest >= 6 {
        digits += (rest - 2) / 4 * 4;
    }
    (digits, digits + digits.div_ceil(BASE64_LINE) * 2)
}

/// So many digits of base64 in lines, of octets that do not compress.
pub(super) fn base64(dice: &mut Dice, digits: usize, to: &mut Vec<u8>) {
    let mut left = digits;
    while left > 0 {
        let line = left.min(BASE64_LINE);
        digits_of(dice, line, to);
        to.extend_from_slice(b"\r\n");
        left -= line;
    }
}

/// So many digits of base64, without an end of line.
pub(super) fn digits_of(dice: &mut Dice, count: usize, to: &mut Vec<u8>) {
    let end = to.len() + count;
    while to.len() < end {
        let mut bits = dice.any();
        for _ in 0..10.min(end - to.len()) {
            to.push(BASE64.get(usize::from(bits.to_le_bytes()[0] & 63)).copied().unwrap_or(b'A'));
            bits >>= 6;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_the_length_it_was_asked_for_and_its_mark() {
        let words = Words::new(3);
        for length in (2..400).chain([1_000, 5_003, 70_001]) {
            let mut text = Vec::new();
            words.prose(&mut Dice::of(1, length as u64), length, Some("zyzzyva"), &mut text);
            assert_eq!(text.len(), length);
            assert!(text.ends_with(b"\r\n"), "{length}");
            assert!(text.split(|octet| *octet == b'\n').all(|line| line.len() <= LINE + 20));
            let found = memchr::memmem::find_iter(&text, b"zyzzyva").count();
            assert_eq!(found, usize::from(length >= 9), "{length}");
        }
    }

    #[test]
    fn base64_has_whole_groups_and_fits() {
        for room in 0..1_000 {
            let (digits, octets) = base64_that_fits(room);
            let mut text = Vec::new();
            base64(&mut Dice::of(1, 1), digits, &mut text);
            assert_eq!((digits % 4, text.len()), (0, octets));
            assert!(octets <= room && room - octets < 8, "{room} {octets}");
        }
    }

    #[test]
    fn no_word_has_a_letter_of_the_marks() {
        let words = Words::new(9);
        assert!(words.0.iter().all(|(_, word)| !word.contains(&b'z') && !word.contains(&b'y')));
    }
}
