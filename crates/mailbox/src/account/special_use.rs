//! What a mailbox is for.

use std::fmt;
use terms::MailboxName;

/// A special use (RFC 6154, 2). `\All` and `\Flagged` are for virtual mailboxes, which we do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All of them, in the order in which a new account gets them.
    pub const ALL: [Self; 5] = [Self::Sent, Self::Drafts, Self::Junk, Self::Trash, Self::Archive];

    /// As LIST writes it.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }

    /// The use of this word, without its backslash, in any case: RFC 6154 shows capitals and says nothing of them
    /// (erratum 5265).
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.attribute().trim_start_matches('\\').eq_ignore_ascii_case(word))
    }

    /// The use that a client wrote, in any case, with its backslash.
    #[must_use]
    pub fn from_attribute(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.attribute().eq_ignore_ascii_case(text))
    }

    /// The name of the mailbox that a new account gets for it: the attribute's own word.
    pub(super) fn standard_name(self) -> Option<MailboxName> {
        MailboxName::new(self.attribute().trim_start_matches('\\')).ok()
    }

    const fn code(self) -> u8 {
        match self {
            Self::Archive => 1,
            Self::Drafts => 2,
            Self::Junk => 3,
            Self::Sent => 4,
            Self::Trash => 5,
        }
    }

    const fn bit(self) -> u8 {
        1 << (self.code() - 1)
    }
}

impl fmt::Display for SpecialUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.attribute())
    }
}

/// The special uses of one mailbox: "none, one, or more than one" (RFC 6154, 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpecialUses(u8);

impl SpecialUses {
    /// Of most mailboxes.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is one of them.
    #[must_use]
    pub const fn contains(self, special_use: SpecialUse) -> bool {
        self.0 & special_use.bit() != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = SpecialUse> {
        SpecialUse::ALL.into_iter().filter(move |one| self.contains(*one))
    }

    /// The code of the one; of several a bit each, and the highest.
    pub(super) fn code(self) -> u8 {
        match (self.iter().next(), self.0.count_ones()) {
            (Some(one), 1) => one.code(),
            (Some(_), _) => self.0 | SEVERAL,
            (None, _) => 0,
        }
    }

    /// What [`Self::code`] wrote, and nothing else.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        let alone = SpecialUse::ALL.into_iter().find(|one| one.code() == code).map(Self::from);
        let uses = alone.unwrap_or_else(|| {
            SpecialUse::ALL.into_iter().filter(|one| code & SEVERAL != 0 && code & one.bit() != 0).collect()
        });
        (uses.code() == code).then_some(uses)
    }
}

/// Says of a code that it is of several.
const SEVERAL: u8 = 0x80;

impl FromIterator<SpecialUse> for SpecialUses {
    fn from_iter<I: IntoIterator<Item = SpecialUse>>(uses: I) -> Self {
        Self(uses.into_iter().fold(0, |bits, one| bits | one.bit()))
    }
}

impl From<SpecialUse> for SpecialUses {
    fn from(one: SpecialUse) -> Self {
        Self(one.bit())
    }
}

impl From<Option<SpecialUse>> for SpecialUses {
    fn from(one: Option<SpecialUse>) -> Self {
        one.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_has_one_code_and_every_other_octet_is_none() {
        let mut codes = 0;
        for code in 0..=u8::MAX {
            if let Some(uses) = SpecialUses::from_code(code) {
                assert_eq!(uses.code(), code);
                assert_eq!(uses.iter().collect::<SpecialUses>(), uses);
                codes += 1;
            }
        }
        assert_eq!(codes, 32);
    }

    #[test]
    fn one_use_is_written_as_it_always_was() {
        for one in SpecialUse::ALL {
            assert_eq!(SpecialUses::from(one).code(), one.code());
        }
    }
}
