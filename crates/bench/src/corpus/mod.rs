//! Mail made from a seed: message `index` of a recipe is the same on every machine, and what is true of it is known
//! without making it.
//!
//! 60 % are plain text, 25 % text and HTML (`multipart/alternative`), 15 %, the largest, have an attachment
//! (`multipart/mixed`, base64). Some bear words that a search has to find, and a tenth is unseen.

mod date;
mod message;
mod sizes;
mod stamped;
mod text;

pub(crate) use date::Date;
pub use sizes::{SMALLEST, Sizes};
pub(crate) use stamped::Stamped;

use crate::dice::Dice;
use serde::Serialize;
use text::Words;

/// What a corpus is made by: the same recipe, the same mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Recipe {
    /// All that looks random comes from it.
    pub seed: u64,
    /// How large messages are.
    pub sizes: Sizes,
    /// No message is larger, in octets; what would be is cut to it. At least [`SMALLEST`].
    pub largest: u32,
}

/// Messages, by their numbers.
pub(crate) struct Corpus {
    recipe: Recipe,
    words: Words,
}

/// What is true of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// RFC822.SIZE.
    pub(crate) size: u32,
    /// Its structure.
    pub(crate) kind: Kind,
    /// The flags that it is stored with.
    pub(crate) flags: Flags,
    /// Its INTERNALDATE.
    pub(crate) date: Date,
}

/// How a message is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `text/plain`.
    Plain,
    /// `multipart/alternative`: `text/plain` and `text/html`.
    Alternative,
    /// `multipart/mixed`: `text/plain` and an attachment.
    Mixed,
}

/// System flags, of which a message of the corpus has some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    /// `\Seen`.
    pub(crate) const SEEN: Self = Self(1);
    /// `\Answered`.
    pub(crate) const ANSWERED: Self = Self(2);
    /// `\Flagged`.
    pub(crate) const FLAGGED: Self = Self(4);
    /// Any flag that no message of the corpus has; `\Recent`, which a server gives by itself, is none.
    pub(crate) const OTHER: Self = Self(8);

    const NAMES: [(Self, &str); 3] =
        [(Self::SEEN, "\\Seen"), (Self::ANSWERED, "\\Answered"), (Self::FLAGGED, "\\Flagged")];

    /// These and those.
    pub(crate) const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// These but not those.
    pub(crate) const fn without(self, less: Self) -> Self {
        Self(self.0 & !less.0)
    }

    /// Whether all of `those` are among these.
    pub(crate) const fn has(self, those: Self) -> bool {
        self.0 & those.0 == those.0
    }

    /// As APPEND wants them, in parentheses.
    pub(crate) fn list(self) -> String {
        let named = Self::NAMES.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, name)| *name);
        format!("({})", named.collect::<Vec<_>>().join(" "))
    }

    /// Reads the inside of a list of flags.
    pub(crate) fn read(list: &[u8]) -> Self {
        let words = list.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
        words.fold(Self::default(), |sum, word| {
            let known = Self::NAMES.iter().find(|(_, name)| name.as_bytes().eq_ignore_ascii_case(word));
            match known {
                Some((flag, _)) => sum.with(*flag),
                None if word.eq_ignore_ascii_case(b"\\Recent") => sum,
                None => sum.with(Self::OTHER),
            }
        })
    }
}

/// A word that stands in some messages and in no other, so that a search has an answer that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// In the text of one message in 10,000.
    Body,
    /// In the subject of one in 100.
    Subject,
    /// The sender's name in one of 1,000.
    Sender,
}

impl Mark {
    /// The word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Body => "zyzzyvaceous",
            Self::Subject => "Quizzically",
            Self::Sender => "zenzizenzic",
        }
    }

    /// Whether a message bears it.
    pub(crate) const fn is_on(self, index: u32) -> bool {
        match self {
            Self::Body => index % 10_000 == 17,
            Self::Subject => index % 100 == 7,
            Self::Sender => index % 1_000 == 3,
        }
    }

    fn on(self, index: u32) -> Option<&'static str> {
        self.is_on(index).then(|| self.word())
    }
}

/// When the oldest message came in: 2018-01-01.
const OLDEST: u64 = 1_514_764_800;

impl Corpus {
    /// The mail of a recipe.
    pub(crate) fn new(recipe: Recipe) -> Self {
        let recipe = Recipe { largest: recipe.largest.max(SMALLEST), ..recipe };
        Self { words: Words::new(recipe.seed), recipe }
    }

    /// What is true of message `index`.
    pub(crate) fn facts(&self, index: u32) -> Facts {
        let (kind, share) = self.shape(index);
        let mut flags = Flags::default();
        for (flag, has) in [
            (Flags::SEEN, !index.is_multiple_of(10)),
            (Flags::ANSWERED, index.is_multiple_of(13)),
            (Flags::FLAGGED, index.is_multiple_of(37)),
        ] {
            flags = if has { flags.with(flag) } else { flags };
        }
        let size = self.recipe.sizes.at(share).min(self.recipe.largest);
        Facts { size, kind, flags, date: self.date(index) }
    }

    /// Some 40 minutes pass between two messages.
    fn date(&self, index: u32) -> Date {
        let apart = Dice::of(self.recipe.seed ^ 2, u64::from(index)).below(2_400);
        Date(OLDEST + u64::from(index) * 2_400 + apart)
    }

    /// The kind of a message, and the share of all that are smaller. The largest 15 in 100 have an attachment; HTML is in
    /// 15 of the 50 in the lower half, and in half of those between.
    fn shape(&self, index: u32) -> (Kind, f64) {
        let mut dice = Dice::of(self.recipe.seed ^ 1, u64::from(index));
        let share = dice.fraction();
        let has_html = match share {
            ..0.5 => dice.chance(15),
            ..0.85 => dice.chance(50),
            _ => return (Kind::Mixed, share),
        };
        (if has_html { Kind::Alternative } else { Kind::Plain }, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn corpus(sizes: Sizes, seed: u64) -> Corpus {
        Corpus::new(Recipe { seed, sizes, largest: 100_000 })
    }

    fn whole(corpus: &Corpus, index: u32) -> Vec<u8> {
        let mut message = Vec::new();
        corpus.write(index, &mut message);
        message
    }

    #[test]
    fn each_message_is_as_large_as_its_facts_say() {
        for (sizes, seed) in [(Sizes::People, 1), (Sizes::Small, 2), (Sizes::Small, 3)] {
            let corpus = corpus(sizes, seed);
            for index in 0..3_000 {
                assert_eq!(
                    whole(&corpus, index).len(),
                    corpus.facts(index).size as usize,
                    "{index} of {seed}"
                );
            }
        }
    }

    #[test]
    fn the_smallest_corpus_is_as_large_as_it_says() {
        let corpus = Corpus::new(Recipe { seed: 5, sizes: Sizes::People, largest: 0 });
        for index in 0..500 {
            assert_eq!(whole(&corpus, index).len(), SMALLEST as usize, "{index}");
        }
    }

    #[test]
    fn a_seed_gives_the_same_mail_on_every_machine() {
        let corpus = corpus(Sizes::Small, 1);
        let hashes = (0..1_000).map(|index| xxhash_rust::xxh3::xxh3_64(&whole(&corpus, index)));
        let sum = hashes.fold(0, |sum: u64, hash| sum.rotate_left(1) ^ hash);
        assert_eq!(
            sum, 8_646_024_833_029_289_464,
            "the mail of a seed has changed: figures of before cannot be compared any more"
        );
    }

    #[test]
    fn another_seed_gives_other_mail() {
        assert_ne!(whole(&corpus(Sizes::Small, 1), 7), whole(&corpus(Sizes::Small, 2), 7));
    }

    #[test]
    fn kinds_come_in_their_shares() {
        let corpus = corpus(Sizes::People, 4);
        let mut counts = [0_u32; 3];
        (0..20_000).for_each(|index| counts[corpus.facts(index).kind as usize] += 1);
        let near = |count: u32, percent: u32| count.abs_diff(percent * 200) < 200;
        assert!(near(counts[0], 60) && near(counts[1], 25) && near(counts[2], 15), "{counts:?}");
    }

    #[test]
    fn a_mark_stands_in_the_messages_that_bear_it_and_in_no_other() {
        let corpus = corpus(Sizes::Small, 6);
        for index in (0..1_500).chain(10_000..10_100) {
            let message = whole(&corpus, index);
            let lower = message.to_ascii_lowercase();
            for mark in [Mark::Body, Mark::Subject, Mark::Sender] {
                let word = mark.word().to_ascii_lowercase();
                let count = memchr::memmem::find_iter(&lower, word.as_bytes()).count();
                assert_eq!(count, usize::from(mark.is_on(index)), "{mark:?} in {index}");
            }
        }
    }

    #[test]
    fn flags_read_as_they_are_written() {
        for bits in 0..8 {
            let list = Flags(bits).list();
            assert_eq!(Flags::read(list.trim_matches(['(', ')']).as_bytes()), Flags(bits));
        }
        assert_eq!(Flags::read(b"\\Recent \\SEEN"), Flags::SEEN);
        assert_eq!(Flags::read(b"\\Deleted"), Flags::OTHER);
    }
}
