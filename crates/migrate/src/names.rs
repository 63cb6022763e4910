//! Names of other servers, made into names that are good here.

use mailbox::account::Pattern;
use terms::{MAX_NAME_OCTETS, MailboxName, SEPARATOR};

/// Octets that are left of a name that is too long, before a hash of the whole.
const SHORTENED_OCTETS: usize = 900;
/// Most levels of a name; deeper ones are joined to the last.
const MAX_LEVELS: usize = 32;

/// A name that can be made here, from the levels that it has elsewhere; and what was changed, in a sentence.
pub(crate) fn fitting(levels: &[String]) -> (MailboxName, Option<String>) {
    let plain = levels.join("/");
    if levels.len() <= MAX_LEVELS
        && !levels.iter().any(|level| level.contains(SEPARATOR))
        && let Ok(name) = MailboxName::new(&plain)
        && name.check_new().is_ok()
    {
        return (name, None);
    }
    let name = changed(levels);
    let note = format!("its name {plain:?} cannot be had here; it is {name}");
    (name, Some(note))
}

fn changed(levels: &[String]) -> MailboxName {
    let mut good: Vec<String> = levels.iter().map(|level| good_level(level)).collect();
    let deep = good.split_off(good.len().min(MAX_LEVELS));
    if let Some(last) = good.last_mut() {
        deep.iter().for_each(|level| *last = format!("{last}_{level}"));
    }
    let is_inbox = |level: Option<&String>| level.is_some_and(|level| level.eq_ignore_ascii_case("INBOX"));
    if is_inbox(good.first())
        && is_inbox(good.get(1))
        && let Some(second) = good.get_mut(1)
    {
        second.push('_');
    }
    let hash: String = blake3::hash(levels.join("\0").as_bytes()).to_hex().chars().take(8).collect();
    let mut text = good.join("/");
    if text.len() > MAX_NAME_OCTETS {
        text.truncate(text.floor_char_boundary(SHORTENED_OCTETS));
        text = format!("{}_{hash}", text.trim_end_matches(|c: char| c.is_whitespace() || c == SEPARATOR));
    }
    let made = |text: &str| MailboxName::new(text).ok().filter(|name| name.check_new().is_ok());
    // Whatever normalisation has made of it, a name with eight digits behind it is one.
    made(&text).or_else(|| made(&format!("Renamed {hash}"))).unwrap_or_else(MailboxName::inbox)
}

fn good_level(level: &str) -> String {
    let good = |c: char| match c {
        SEPARATOR | '*' | '%' | '\u{2028}' | '\u{2029}' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    let level: String = level.chars().map(good).collect();
    match level.trim_matches(char::is_whitespace) {
        "" => "_".into(),
        level => level.into(),
    }
}

/// Which folders are brought, and where to.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Only these, where there are any: patterns with `*` and `%`, as LIST has them.
    pub only: Vec<String>,
    /// Not these.
    pub except: Vec<String>,
    /// Names, and what they are here instead; folders below them go along.
    pub map: Vec<(String, MailboxName)>,
}

impl Choice {
    /// Whether a folder was asked for by its name.
    pub(crate) fn names(&self, name: &MailboxName, at_source: &str) -> bool {
        matches(&self.only, name, at_source) && !matches(&self.except, name, at_source)
    }

    /// Whether a folder is to be brought.
    pub(crate) fn takes(&self, name: &MailboxName, at_source: &str) -> bool {
        self.only.is_empty() && !matches(&self.except, name, at_source) || self.names(name, at_source)
    }

    /// What a folder is called here, where that was said; the longest name that was said counts.
    pub(crate) fn mapped(&self, name: &MailboxName, at_source: &str) -> Option<MailboxName> {
        let mapped = |(from, to): &(String, MailboxName)| {
            if from == at_source || from == name.as_str() {
                return Some((from.len(), to.clone()));
            }
            let from_name = MailboxName::new(from).ok()?;
            Some((from.len(), name.moved(&from_name, to)?.ok()?))
        };
        self.map.iter().filter_map(mapped).max_by_key(|(length, _)| *length).map(|(_, to)| to)
    }
}

fn matches(patterns: &[String], name: &MailboxName, at_source: &str) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| at_source == pattern || Pattern::new("", pattern).matches(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn levels(text: &str) -> Vec<String> {
        text.split('|').map(Into::into).collect()
    }

    fn name(text: &str) -> MailboxName {
        MailboxName::new(text).unwrap()
    }

    #[test]
    fn a_name_that_is_good_stays_and_others_change_as_little_as_can_be() {
        for (from, to) in [
            ("Lists|Tides", "Lists/Tides"),
            ("inbox|x", "INBOX/x"),
            ("a/b|c", "a_b/c"),
            (" a |b*", "a/b_"),
            ("a||b", "a/_/b"),
            ("INBOX|Inbox", "INBOX/Inbox_"),
            ("a\nb", "a_b"),
        ] {
            let (name, note) = fitting(&levels(from));
            assert_eq!(name.as_str(), to, "{from:?}");
            assert_eq!(note.is_some(), !["Lists|Tides", "inbox|x"].contains(&from), "{from:?}");
        }
        let (long, _) = fitting(&["ä".repeat(600)]);
        assert!(long.as_str().len() < MAX_NAME_OCTETS && long.as_str().starts_with('ä'));
        let (deep, _) = fitting(&vec!["x".to_owned(); 100]);
        assert_eq!(deep.levels().count(), MAX_LEVELS);
    }

    proptest! {
        #[test]
        fn whatever_a_folder_is_called_it_can_be_made(levels in prop::collection::vec(".{0,40}", 1..50)) {
            let (name, _) = fitting(&levels);
            prop_assert!(name.check_new().is_ok());
            prop_assert!(name.levels().count() <= MAX_LEVELS);
        }
    }

    #[test]
    fn a_choice_takes_by_pattern_and_maps_the_longest_name() {
        let only = vec!["Lists/*".into(), "[Gmail]/All Mail".into()];
        let map = vec![("Lists".to_owned(), name("Old")), ("Lists/a".to_owned(), name("A"))];
        let choice = Choice { only, except: vec!["Lists/b".into()], map };
        assert!(choice.takes(&name("Lists/a/b"), "Lists.a.b"));
        assert!(!choice.takes(&name("Lists/b"), "Lists.b"));
        assert!(!choice.takes(&name("Work"), "Work"));
        assert_eq!(choice.mapped(&name("Lists/c"), "Lists.c"), Some(name("Old/c")));
        assert_eq!(choice.mapped(&name("Lists/a/x"), "Lists.a.x"), Some(name("A/x")));
        assert_eq!(choice.mapped(&name("Work"), "Work"), None);
        assert!(Choice::default().takes(&name("Work"), "Work"));
    }
}
