//! How a command comes out.

use super::ending::Ending;
use super::talk::Silence;
use crate::refusal::Refusal;
use terms::{ModSeq, UidSet, UidValidity};
use wire::imap::reply::{Code, Condition, tagged};
use wire::imap::{SequenceSet, Tag};

/// How a command comes out.
pub(super) type Outcome = Result<Done, Stop>;

/// Why a command was not done.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is refused, and the session goes on.
    Refused(Refusal),
    /// The session ended in the middle of it.
    Over(Ending),
}

impl<R: Into<Refusal>> From<R> for Stop {
    fn from(refusal: R) -> Self {
        match refusal.into() {
            Refusal::Hangup => Self::Over(Ending::Gone),
            refusal => Self::Refused(refusal),
        }
    }
}

impl From<Ending> for Stop {
    fn from(ending: Ending) -> Self {
        Self::Over(ending)
    }
}

impl From<Silence> for Stop {
    fn from(silence: Silence) -> Self {
        Self::Over(silence.into())
    }
}

/// A command that was done: the text of its tagged OK, and what programs read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub note: Option<Note>,
    pub text: &'static str,
}

/// A response code that goes with an OK, owning what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    AppendUid(UidValidity, UidSet),
    CopyUid(UidValidity, UidSet, UidSet),
    Capability(String),
    HighestModSeq(ModSeq),
    MailboxId(String),
    Modified(SequenceSet),
    ReadOnly,
    ReadWrite,
}

impl Done {
    pub(super) const fn ok(text: &'static str) -> Self {
        Self { note: None, text }
    }

    pub(super) const fn noting(note: Note, text: &'static str) -> Self {
        Self { note: Some(note), text }
    }

    pub(super) fn tell(&self, tag: &Tag<'_>, out: &mut Vec<u8>) {
        let code = self.note.as_ref().map(Note::code);
        tagged(out, tag, Condition::Ok, code.as_ref(), self.text);
    }
}

impl Note {
    fn code(&self) -> Code<'_> {
        match self {
            Self::AppendUid(validity, uids) => Code::AppendUid(*validity, uids),
            Self::CopyUid(validity, from, to) => Code::CopyUid(*validity, from, to),
            Self::Capability(line) => Code::Capability(line),
            Self::HighestModSeq(mod_seq) => Code::HighestModSeq(*mod_seq),
            Self::MailboxId(id) => Code::MailboxId(id),
            Self::Modified(set) => Code::Modified(set),
            Self::ReadOnly => Code::ReadOnly,
            Self::ReadWrite => Code::ReadWrite,
        }
    }
}
