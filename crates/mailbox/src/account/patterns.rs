//! The patterns of one LIST.

use super::pattern::Pattern;
use std::collections::BTreeSet;
use terms::MailboxName;

/// Most patterns with wildcards that one command may have.
pub const MAX_WILD_PATTERNS: usize = 32;
/// Most octets that they may have together, the reference counted with each.
pub const MAX_WILD_OCTETS: usize = 4_000;

/// What LIST's names have to match: any of these (RFC 5258, 3).
///
/// A name is compared with all wildcards in at most as many steps as it has octets times
/// [`MAX_WILD_OCTETS`] / 64 + [`MAX_WILD_PATTERNS`]. Patterns that are names cost a look into a set, however many
/// they are: Nextcloud asks for the status of all mailboxes by naming each.
///
/// A pattern beyond the bounds is "silently ignored, i.e., it results in no LIST responses" (RFC 9051, 6.3.9).
#[derive(Clone, Debug)]
pub struct Patterns {
    names: BTreeSet<MailboxName>,
    wild: Vec<Pattern>,
}

impl Patterns {
    /// The canonical patterns: each behind the reference. An empty one matches nothing.
    pub fn new<'a>(reference: &str, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self { names: BTreeSet::new(), wild: Vec::new() };
        let mut room = MAX_WILD_OCTETS;
        for pattern in patterns.into_iter().filter(|pattern| !pattern.is_empty()) {
            let canonical = format!("{reference}{pattern}");
            match canonical.contains(['*', '%']) {
                false => all.names.extend(exactly(&canonical)),
                true => all.add_wild(&canonical, &mut room),
            }
        }
        all
    }

    fn add_wild(&mut self, canonical: &str, room: &mut usize) {
        if let Some(left) = room.checked_sub(canonical.len())
            && self.wild.len() < MAX_WILD_PATTERNS
        {
            *room = left;
            self.wild.push(Pattern::new("", canonical));
        }
    }

    /// Whether the whole of `name` matches one of them.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.names.contains(name) || self.wild.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether a level of this name is asked for: by a pattern that ends in `%` (RFC 9051, 6.3.9).
    pub(super) fn ask_for_level(&self, name: &str) -> bool {
        self.wild.iter().any(|pattern| pattern.asks_for_levels() && pattern.matches(name))
    }

    /// Whether levels are asked for at all.
    pub(super) fn ask_for_levels(&self) -> bool {
        self.wild.iter().any(Pattern::asks_for_levels)
    }
}

/// A pattern without wildcards is a name, or matches none: names do not end in a separator, though one may be typed.
fn exactly(pattern: &str) -> Option<MailboxName> {
    MailboxName::new(pattern).ok().filter(|_| !pattern.ends_with(terms::SEPARATOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        Patterns::new("", texts.iter().copied())
    }

    #[test]
    fn a_name_matches_several_patterns_if_it_matches_one() {
        let some = patterns(&["a/%", "", "inbox", "u\u{308}"]);
        for name in ["a/b", "INBOX", "\u{fc}"] {
            assert!(some.matches(name), "{name}");
        }
        for name in ["a", "a/b/c", "inbox", "b"] {
            assert!(!some.matches(name), "{name}");
        }
        assert!(!patterns(&[""]).matches("a"), "an empty pattern is ignored");
    }

    #[test]
    fn a_pattern_without_wildcards_matches_what_it_matches_by_itself() {
        for pattern in ["INBOX", "iNbOx", "inbox/x", "Inbox/INBOX", "a", "a/", "/a", "a//b", "A", "a/b"] {
            for name in ["INBOX", "INBOX/x", "INBOX/X", "INBOX/INBOX", "a", "A", "a/b", "INBOXES"] {
                let alone = Pattern::new("", pattern).matches(name);
                assert_eq!(patterns(&[pattern]).matches(name), alone, "{pattern} {name}");
            }
        }
    }

    #[test]
    fn the_reference_stands_in_front_of_each() {
        let some = Patterns::new("a/", ["%", "b/c"]);
        assert!(some.matches("a/b") && some.matches("a/b/c") && !some.matches("b/c"));
    }

    #[test]
    fn wildcards_beyond_the_bounds_are_ignored_and_names_are_not() {
        let many = vec!["*x".to_owned(); MAX_WILD_PATTERNS];
        let texts: Vec<&str> = many.iter().map(String::as_str).chain(["*y", "z"]).collect();
        let some = patterns(&texts);
        assert!(some.matches("ax") && !some.matches("ay") && some.matches("z"));
        let long = format!("{}*", "l".repeat(1_500));
        let some = patterns(&[&long, &long, &long, "*y"]);
        assert_eq!(some.wild.len(), 3, "the third long one has no room, a short one has");
        assert!(some.matches("ay"));
    }
}
