//! Mailbox names.

use std::borrow::{Borrow, Cow};
use std::fmt;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Between the levels of a hierarchy.
pub const SEPARATOR: char = '/';

/// Longest mailbox name, in octets of UTF-8.
pub const MAX_NAME_OCTETS: usize = 1_000;

/// The name of a mailbox: UTF-8 in normalisation form C, levels separated by `/`, INBOX in capitals.
///
/// A name is what a user reads. It is never part of a path: mailboxes are stored under ids (threat T-41).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Box<str>);

impl MailboxName {
    /// The name that SELECT, STATUS, RENAME and DELETE look up: any form of an existing name is accepted, so
    /// old mailboxes with odd names stay reachable. For a name that is to be *made*, ask [`Self::check_new`] too.
    ///
    /// Normalises to NFC (RFC 9051, 5.1), folds the first level's `inbox` in any case to `INBOX` (children
    /// included: clients write `Inbox/x`), drops one trailing separator (Thunderbird sends it).
    ///
    /// # Errors
    /// An empty or too long name, an empty level, or a control character.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let text = text.strip_suffix(SEPARATOR).unwrap_or(text);
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if text.len() > MAX_NAME_OCTETS {
            return Err(BadName::TooLong);
        }
        let text = to_nfc(text);
        if text.len() > MAX_NAME_OCTETS {
            return Err(BadName::TooLong);
        }
        // RFC 9755, 3: nor line and paragraph separators.
        if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(BadName::Control);
        }
        if text.split(SEPARATOR).any(str::is_empty) {
            return Err(BadName::EmptyLevel);
        }
        let (first, rest) = match text.split_once(SEPARATOR) {
            Some((first, rest)) => (first, Some(rest)),
            None => (&*text, None),
        };
        if !first.eq_ignore_ascii_case("INBOX") {
            return Ok(Self(text.into()));
        }
        Ok(Self(rest.map_or_else(|| "INBOX".into(), |rest| format!("INBOX/{rest}").into())))
    }

    /// INBOX, which every account has.
    #[must_use]
    pub fn inbox() -> Self {
        Self("INBOX".into())
    }

    /// Whether this is INBOX itself, not a child of it.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }

    /// Whether CREATE and RENAME may make this name.
    ///
    /// # Errors
    /// Names that are known to break clients: spaces at a level's ends (Outlook synchronises for ever), the
    /// wildcards `*` and `%` (no LIST could name it), and `INBOX/INBOX` (Apple Mail makes it by mistake).
    pub fn check_new(&self) -> Result<(), BadName> {
        for level in self.levels() {
            if level.trim_matches(char::is_whitespace) != level {
                return Err(BadName::SpaceAtEnd);
            }
            if level.contains(['*', '%']) {
                return Err(BadName::Wildcard);
            }
        }
        let mut levels = self.levels();
        if levels.next() == Some("INBOX") && levels.next().is_some_and(|l| l.eq_ignore_ascii_case("INBOX")) {
            return Err(BadName::InboxInInbox);
        }
        Ok(())
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its levels, outermost first.
    pub fn levels(&self) -> impl Iterator<Item = &str> {
        self.0.split(SEPARATOR)
    }

    /// The name one level up, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once(SEPARATOR).map(|(parent, _)| Self(parent.into()))
    }

    /// The names above this one, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// Whether this lies below `other`, at any depth.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.starts_with(SEPARATOR))
    }

    /// The name that this one gets when its ancestor (or itself) `from` is renamed `to`; `None` if unaffected.
    ///
    /// # Errors
    /// [`BadName::TooLong`] when the new name would not fit.
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Result<Self, BadName>> {
        if self == from {
            return Some(Ok(to.clone()));
        }
        self.is_below(from).then(|| {
            let rest = self.0.strip_prefix(&*from.0).unwrap_or_default();
            Self::new(&format!("{}{rest}", to.0))
        })
    }
}

/// A name orders, equals and hashes as its text does, so that maps by name can be asked for a text.
impl Borrow<str> for MailboxName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// `text` in normalisation form C, the form in which names are kept and texts are compared.
#[must_use]
pub fn to_nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { text.into() } else { text.nfc().collect() }
}

/// Whether `text` is in normalisation form KC: no full-width letters, ligatures or superscripts, which are what
/// look-alike names are made of.
#[must_use]
pub fn is_nfkc(text: &str) -> bool {
    unicode_normalization::is_nfkc(text)
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text is not a mailbox name, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// Nothing at all.
    Empty,
    /// More than [`MAX_NAME_OCTETS`].
    TooLong,
    /// Two separators in a row, or one at the start.
    EmptyLevel,
    /// A control character, line ends included.
    Control,
    /// A level that starts or ends with a space.
    SpaceAtEnd,
    /// `*` or `%`.
    Wildcard,
    /// `INBOX/INBOX`.
    InboxInInbox,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("A mailbox name cannot be empty"),
            Self::TooLong => write!(f, "A mailbox name has at most {MAX_NAME_OCTETS} octets"),
            Self::EmptyLevel => write!(f, "A mailbox name cannot have an empty level around '{SEPARATOR}'"),
            Self::Control => f.write_str("A mailbox name cannot hold control characters"),
            Self::SpaceAtEnd => f.write_str("A mailbox name cannot start or end with a space"),
            Self::Wildcard => f.write_str("A mailbox name cannot hold '*' or '%'"),
            Self::InboxInInbox => f.write_str("INBOX cannot hold another INBOX"),
        }
    }
}

impl std::error::Error for BadName {}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MailboxName {
        MailboxName::new(text).unwrap()
    }

    #[test]
    fn inbox_is_one_name_in_every_case_and_so_are_its_children() {
        assert_eq!(name("iNbOx"), MailboxName::inbox());
        assert_eq!(name("Inbox/x").as_str(), "INBOX/x");
        assert_eq!(name("Inboxes").as_str(), "Inboxes");
        assert_eq!(name("a/inbox").as_str(), "a/inbox");
    }

    #[test]
    fn names_are_compared_in_normalisation_form_c() {
        assert_eq!(name("u\u{308}ber"), name("über"));
    }

    #[test]
    fn one_trailing_separator_is_dropped() {
        assert_eq!(name("a/"), name("a"));
        assert_eq!(MailboxName::new("a//"), Err(BadName::EmptyLevel));
        assert_eq!(MailboxName::new("/a"), Err(BadName::EmptyLevel));
    }

    #[test]
    fn names_that_break_clients_are_not_made_but_stay_reachable() {
        for (text, why) in [
            (" a", BadName::SpaceAtEnd),
            ("a /b", BadName::SpaceAtEnd),
            ("a*", BadName::Wildcard),
            ("INBOX/Inbox", BadName::InboxInInbox),
            ("inbox/inbox/x", BadName::InboxInInbox),
        ] {
            assert_eq!(name(text).check_new(), Err(why), "{text}");
        }
        assert_eq!(MailboxName::new("a\nb"), Err(BadName::Control));
        assert_eq!(MailboxName::new("a\u{2028}b"), Err(BadName::Control));
    }

    #[test]
    fn moving_an_ancestor_moves_its_children_only() {
        let (from, to) = (name("a"), name("b/c"));
        assert_eq!(name("a/x").moved(&from, &to), Some(Ok(name("b/c/x"))));
        assert_eq!(name("ab").moved(&from, &to), None);
    }
}
