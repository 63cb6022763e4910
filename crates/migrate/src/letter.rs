//! A message as it was elsewhere, with what was said of it there.

use mailbox::Flags;
use terms::{Flag, InternalDate, Keyword};

/// Octets of the flags of one message, with what goes between them on the link. All flags that are asked about at once
/// fit into a frame, and those of a message into a line of the memory.
const MAX_FLAGS_OCTETS: usize = 8 << 10;
/// What a word takes beside its letters: quotes and a comma.
const AROUND_WORD: usize = 3;
/// Words that are no flags, of one message, that are named.
const MAX_REFUSED: usize = 16;
/// Characters of such a word that are kept.
const MAX_REFUSED_CHARS: usize = 100;

/// What goes with a message's octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its flags.
    pub flags: Vec<Flag>,
    /// The first words that stood among the flags and are no flags of ours. `\Recent` is not among them.
    pub refused: Vec<String>,
    /// How many words more there were than are kept.
    pub cut: u64,
    /// How many keywords it bears that its file does not know.
    pub unnamed: u64,
    /// INTERNALDATE; `None` is the moment at which it is stored.
    pub date: Option<InternalDate>,
    /// The UID that it has there.
    pub uid: Option<u32>,
}

impl Marks {
    /// Adds what a source calls a flag: a system flag, a keyword, or nothing that can be kept.
    pub fn push(&mut self, word: &str) {
        if word.eq_ignore_ascii_case("\\Recent") {
            return;
        }
        match flag(word) {
            Some(flag) if self.flags.contains(&flag) => {}
            Some(flag) if self.flags_octets() + word.len() + AROUND_WORD <= MAX_FLAGS_OCTETS => {
                self.flags.push(flag);
            }
            None if self.refused.len() < MAX_REFUSED => {
                self.refused.push(word.chars().take(MAX_REFUSED_CHARS).collect());
            }
            _ => self.cut += 1,
        }
    }

    fn flags_octets(&self) -> usize {
        self.flags.iter().map(|flag| flag_octets(flag) + AROUND_WORD).sum()
    }

    /// What is to be said of words that were not kept. `what` names the message.
    pub(crate) fn remarks<'a>(&'a self, what: &'a str) -> impl Iterator<Item = String> + use<'a> {
        let refused = self.refused.iter().map(|word| format!("{word:?} is no keyword and was left out"));
        let cut = (self.cut > 0).then(|| {
            let (cut, most) = (self.cut, MAX_FLAGS_OCTETS);
            format!(
                "{what}: {cut} of its flags were left out; those of one message have at most {most} octets"
            )
        });
        let unnamed = (self.unnamed > 0).then(|| {
            let unnamed = self.unnamed;
            format!("{what}: {unnamed} keywords were left out, which the file has no list of; a sender may have written them")
        });
        refused.chain(cut).chain(unnamed)
    }

    /// Octets of all its flags.
    pub(crate) fn octets(&self) -> usize {
        let flags: usize = self.flags.iter().map(|flag| size_of::<Flag>() + flag_octets(flag)).sum();
        flags + self.refused.iter().map(|word| size_of::<String>() + word.len()).sum::<usize>()
    }

    /// The flags as words.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.flags.iter().map(ToString::to_string).collect()
    }
}

fn flag_octets(flag: &Flag) -> usize {
    match flag {
        Flag::Keyword(keyword) => keyword.as_str().len(),
        // `\Answered` and `\Flagged` are the longest.
        _ => 9,
    }
}

/// A flag that can be kept.
pub(crate) fn flag(word: &str) -> Option<Flag> {
    let system = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];
    match system.into_iter().find(|flag| flag.to_string().eq_ignore_ascii_case(word)) {
        Some(flag) => Some(flag),
        None => Keyword::new(word).ok().map(Flag::Keyword),
    }
}

/// Flags that two messages share if and only if these texts are equal.
pub(crate) fn alike<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut words: Vec<_> = words.map(str::to_ascii_lowercase).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" ")
}

/// Flags by their words; what is none is left out.
pub(crate) fn flags(words: &[String]) -> Flags {
    words.iter().filter_map(|word| flag(word)).collect::<Vec<_>>().iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_flag_is_told_and_recent_is_dropped() {
        let mut marks = Marks::default();
        for word in ["\\seen", "\\Recent", "$Forwarded", "$forwarded", "two words", "\\Important", "a]b"] {
            marks.push(word);
        }
        assert_eq!(marks.words(), ["\\Seen", "$Forwarded"]);
        assert_eq!(marks.refused, ["two words", "\\Important", "a]b"]);
    }

    #[test]
    fn flags_without_end_are_cut_and_counted() {
        let mut marks = Marks::default();
        for number in 0..2_000 {
            marks.push(&format!("keyword-{number:07}"));
            marks.push(&format!("no keyword {number}"));
        }
        marks.push("keyword-0000000");
        let kept = MAX_FLAGS_OCTETS / ("keyword-0000000".len() + AROUND_WORD);
        assert_eq!((marks.flags.len(), marks.refused.len()), (kept, MAX_REFUSED));
        assert_eq!(usize::try_from(marks.cut).unwrap(), 4_000 - kept - MAX_REFUSED);
        assert!(serde_json::to_string(&marks.words()).unwrap().len() <= MAX_FLAGS_OCTETS + 2);
        let last = marks.remarks("UID 7").last().unwrap();
        assert!(last.starts_with("UID 7: ") && last.contains("at most 8192 octets"), "{last}");
    }

    #[test]
    fn neither_order_nor_case_tells_flags_apart() {
        let some = alike(["\\Seen", "Work", "\\Draft"].into_iter());
        assert_eq!(some, alike(["work", "\\Draft", "\\SEEN", "Work"].into_iter()));
        assert_ne!(some, alike(["\\Seen"].into_iter()));
    }
}
