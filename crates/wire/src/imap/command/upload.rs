//! Commands that bring a message: APPEND, REPLACE and UID REPLACE.

use super::super::error::{BadCommand, Fault};
use super::super::input::Input;
use super::super::mailbox_name::NameForm;
use super::{Append, Numbering, Replace, Tagged, append, read_tag, replace};

/// A command whose message is about to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upload {
    /// RFC 9051, 6.3.12
    Append(Append),
    /// RFC 8508
    Replace(Replace),
}

impl Upload {
    /// What comes, and where to.
    #[must_use]
    pub const fn append(&self) -> &Append {
        match self {
            Self::Append(append) | Self::Replace(Replace { append, .. }) => append,
        }
    }
}

/// What an announced literal is.
#[derive(Clone, Debug)]
pub enum AtLiteral {
    /// An argument of some other command.
    OtherCommand,
    /// The mailbox name of an upload: keep it and wait for the next literal.
    MailboxName,
    /// The message: stream it.
    Message(Tagged<Upload>),
    /// An upload that is wrong already: refuse the literal.
    Bad(BadCommand),
}

/// Reads the start of a command up to and including a literal's announcement.
///
/// Costs a look at the tag and the name for any other command, so that many literals stay linear (threat T-19);
/// an upload is read at most twice, as only its mailbox name can be a literal in front of the message. `names` is how
/// the client writes mailbox names.
#[must_use]
pub fn upload_at_literal(start: &[u8], names: NameForm) -> AtLiteral {
    let mut input = Input::with_names(start, names);
    let Ok(tag) = read_tag(&mut input) else { return AtLiteral::OtherCommand };
    let Some(name) = Name::read(&mut input) else { return AtLiteral::OtherCommand };
    if name.waits_for_its_mailbox(input.clone()) {
        return AtLiteral::MailboxName;
    }
    let tag = tag.into_owned();
    match name.arguments(&mut input) {
        Ok(command) => AtLiteral::Message(Tagged { tag, command }),
        Err(fault) => AtLiteral::Bad(fault.tagged(Some(tag))),
    }
}

/// Which upload it is.
#[derive(Clone, Copy)]
enum Name {
    Append,
    Replace(Numbering),
}

impl Name {
    fn read(input: &mut Input<'_>) -> Option<Self> {
        if !input.take(b' ') {
            return None;
        }
        if input.keyword("APPEND") {
            return Some(Self::Append);
        }
        let numbering =
            if input.keyword("UID") && input.take(b' ') { Numbering::Uid } else { Numbering::Sequence };
        input.keyword("REPLACE").then_some(Self::Replace(numbering))
    }

    /// Whether all that is left is the announcement of a mailbox name.
    fn waits_for_its_mailbox(self, mut input: Input<'_>) -> bool {
        if matches!(self, Self::Replace(_)) && replace::message(&mut input).is_err() {
            return false;
        }
        input.take(b' ') && input.literal_announcement().is_ok() && input.is_done()
    }

    fn arguments(self, input: &mut Input<'_>) -> Result<Upload, Fault> {
        match self {
            Self::Append => append::read(input).map(Upload::Append),
            Self::Replace(numbering) => replace::read(input, numbering).map(Upload::Replace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sequence_set::SetNumber;
    use super::super::{AppendItem, MessageForm};
    use super::*;

    fn upload_at_literal(start: &[u8]) -> AtLiteral {
        super::upload_at_literal(start, NameForm::Utf7)
    }

    fn upload(start: &str) -> Upload {
        match upload_at_literal(start.as_bytes()) {
            AtLiteral::Message(tagged) => tagged.command,
            other => panic!("{start:?}: {other:?}"),
        }
    }

    fn message(start: &str) -> Append {
        match upload(start) {
            Upload::Append(append) => append,
            other => panic!("{start:?}: {other:?}"),
        }
    }

    #[test]
    fn flags_and_date_are_known_before_the_message_comes() {
        let append = message("a APPEND Sent (\\Seen $Forwarded) \"17-Jul-1996 02:44:25 -0700\" {310}\r\n");
        assert_eq!(append.mailbox.name.as_str(), "Sent");
        assert_eq!(append.item.flags.len(), 2);
        assert_eq!(append.item.date.unwrap().zone_minutes(), -420);
        assert_eq!(message("a append inbox {1+}\r\n").item, AppendItem::default());
        assert_eq!(message("a APPEND \"a {3}\" () {1}\r\n").mailbox.name.as_str(), "a {3}");
    }

    #[test]
    fn a_message_comes_in_one_of_three_forms() {
        for (announced, form) in [
            ("{3}", MessageForm::Literal),
            ("~{3}", MessageForm::Literal8),
            ("~{3+}", MessageForm::Literal8),
            ("UTF8 (~{3}", MessageForm::Utf8),
            ("(\\Seen) utf8 (~{3+}", MessageForm::Utf8),
        ] {
            assert_eq!(message(&format!("a APPEND x {announced}\r\n")).item.form, form, "{announced}");
        }
    }

    #[test]
    fn a_mailbox_name_may_be_a_literal_too() {
        assert!(matches!(upload_at_literal(b"a APPEND {4}\r\n"), AtLiteral::MailboxName));
        assert_eq!(message("a APPEND {4}\r\nSent (\\Seen) {3}\r\n").mailbox.name.as_str(), "Sent");
        assert!(matches!(upload_at_literal(b"a UID REPLACE 7 {4}\r\n"), AtLiteral::MailboxName));
    }

    #[test]
    fn a_replace_names_one_message() {
        let Upload::Replace(replace) = upload("a UID replace 2000 Drafts (\\Seen \\Draft) {350}\r\n") else {
            panic!("a REPLACE");
        };
        assert_eq!((replace.numbering, replace.append.item.flags.len()), (Numbering::Uid, 2));
        assert_eq!(replace.message.to_string(), "2000");
        let Upload::Replace(last) = upload("a REPLACE * {6}\r\nDrafts {3+}\r\n") else { panic!("a REPLACE") };
        assert_eq!((last.numbering, last.message), (Numbering::Sequence, SetNumber::Highest));
        for start in
            ["a REPLACE 1:2 Drafts {3}\r\n", "a REPLACE 0 Drafts {3}\r\n", "a REPLACE Drafts {3}\r\n"]
        {
            assert!(matches!(upload_at_literal(start.as_bytes()), AtLiteral::Bad(_)), "{start:?}");
        }
    }

    #[test]
    fn other_commands_keep_their_literals() {
        for start in [
            "a LOGIN {5}\r\n",
            "a APPENDX INBOX {3}\r\n",
            "{3}\r\n",
            "a{3}\r\n",
            "a  APPEND x {3}\r\n",
            "a UID APPEND x {3}\r\n",
            "a UID SEARCH TEXT {3}\r\n",
        ] {
            assert!(matches!(upload_at_literal(start.as_bytes()), AtLiteral::OtherCommand), "{start:?}");
        }
    }

    #[test]
    fn a_wrong_append_is_refused_before_its_message_comes() {
        for start in [
            "a APPEND INBOX(\\Seen) {3}\r\n",
            "a APPEND INBOX \"yesterday\" {3}\r\n",
            "a APPEND & {3}\r\n",
            "a APPEND INBOX UTF8 ({3}\r\n",
            "a APPEND INBOX (\\*) {3}\r\n",
            "a APPEND INBOX {3}\r\nabc {3}\r\n",
        ] {
            assert!(matches!(upload_at_literal(start.as_bytes()), AtLiteral::Bad(_)), "{start:?}");
        }
    }
}
