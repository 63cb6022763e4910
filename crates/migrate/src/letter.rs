//! A message as it was elsewhere, with what was said of it there.

use mailbox::Flags;
use terms::{Flag, InternalDate, Keyword};

/// What goes with a message's octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its flags.
    pub flags: Vec<Flag>,
    /// Words that stood among the flags and are no flags of ours. `\Recent` is not among them.
    pub refused: Vec<String>,
    /// INTERNALDATE; `None` is the moment at which it is stored.
    pub date: Option<InternalDate>,
}

impl Marks {
    /// Adds what a source calls a flag: a system flag, a keyword, or nothing that can be kept.
    pub fn push(&mut self, word: &str) {
        if word.eq_ignore_ascii_case("\\Recent") {
            return;
        }
        match flag(word) {
            Some(flag) if self.flags.contains(&flag) => {}
            Some(flag) => self.flags.push(flag),
            None => self.refused.push(word.to_owned()),
        }
    }

    /// Octets of all its flags.
    pub(crate) fn octets(&self) -> usize {
        let keyword = |flag: &Flag| match flag {
            Flag::Keyword(keyword) => keyword.as_str().len(),
            _ => 0,
        };
        let flags: usize = self.flags.iter().map(|flag| size_of::<Flag>() + keyword(flag)).sum();
        flags + self.refused.iter().map(|word| size_of::<String>() + word.len()).sum::<usize>()
    }

    /// The flags as words.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.flags.iter().map(ToString::to_string).collect()
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
    fn neither_order_nor_case_tells_flags_apart() {
        let some = alike(["\\Seen", "Work", "\\Draft"].into_iter());
        assert_eq!(some, alike(["work", "\\Draft", "\\SEEN", "Work"].into_iter()));
        assert_ne!(some, alike(["\\Seen"].into_iter()));
    }
}
