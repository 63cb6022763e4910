//! What is wrong with a command, in words for the person whose client sent it.

use super::command::Tag;
use super::mailbox_name::BadMailboxName;
use std::borrow::Cow;
use std::fmt;

/// A command that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCommand {
    /// The tag to answer with, if one could be read; else the answer is untagged.
    pub tag: Option<Tag<'static>>,
    /// Where reading stopped: octets from the start of the command.
    pub at: usize,
    /// Why.
    pub reason: Reason,
}

/// Why a command could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An empty line between commands. Some clients send one; nothing needs to be answered.
    EmptyLine,
    /// No such command, in any RFC that we know. Answer BAD.
    Unknown(String),
    /// A command or an option of an extension that we do not offer. Answer NO: clients that use it without
    /// looking at the capabilities carry on after a NO and give up on a BAD.
    NotOffered(&'static str),
    /// A mailbox name that cannot exist. Answer NO.
    Name(BadMailboxName),
    /// A limit of ours, not of the grammar: too deep, too many. Answer NO with `[LIMIT]`.
    Limit(&'static str),
    /// Not what the grammar wants here. Answer BAD.
    Grammar(Cow<'static, str>),
}

impl Reason {
    /// Whether the answer is a NO: what was said is a command, and is not done.
    pub(crate) const fn is_no(&self) -> bool {
        match self {
            Self::NotOffered(_) | Self::Name(_) | Self::Limit(_) => true,
            Self::EmptyLine | Self::Unknown(_) | Self::Grammar(_) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyLine => f.write_str("Empty line"),
            Self::Unknown(name) => write!(f, "Unknown command {name}"),
            Self::NotOffered(name) => write!(f, "{name} is not available on this server"),
            Self::Name(name) => fmt::Display::fmt(name, f),
            Self::Limit(what) => f.write_str(what),
            Self::Grammar(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for BadCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Grammar(_) => write!(f, "{} (at octet {})", self.reason, self.at),
            _ => fmt::Display::fmt(&self.reason, f),
        }
    }
}

impl std::error::Error for BadCommand {}

/// A [`BadCommand`] before its tag is known to the reader that met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) reason: Reason,
}

impl Fault {
    pub(crate) fn tagged(self, tag: Option<Tag<'static>>) -> BadCommand {
        BadCommand { tag, at: self.at, reason: self.reason }
    }
}
