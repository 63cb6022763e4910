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

    /// The use that a client wrote, in any case, with its backslash.
    #[must_use]
    pub fn from_attribute(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.attribute().eq_ignore_ascii_case(text))
    }

    /// The name of the mailbox that a new account gets for it: the attribute's own word.
    pub(super) fn standard_name(self) -> Option<MailboxName> {
        MailboxName::new(self.attribute().trim_start_matches('\\')).ok()
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Archive => 1,
            Self::Drafts => 2,
            Self::Junk => 3,
            Self::Sent => 4,
            Self::Trash => 5,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }
}

impl fmt::Display for SpecialUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.attribute())
    }
}
