//! APPEND (RFC 9051, 6.3.12).
//!
//! An APPEND never arrives whole: its message is streamed, and can be larger than memory. So it is read in two
//! steps: [`append_at_literal`] when a literal is announced, before its octets come, and [`append_end`] when
//! the line behind the message has come.

use super::super::date::read_date_time;
use super::super::error::{BadCommand, Fault};
use super::super::input::Input;
use super::{Command, Tag, Tagged, flags, read_tag};
use terms::{Flag, InternalDate, MailboxName};

/// An APPEND whose message is about to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub mailbox: MailboxName,
    /// How.
    pub item: AppendItem,
}

/// What goes with a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppendItem {
    /// Its flags; `\Recent` is dropped, as no client can set it.
    pub flags: Vec<Flag>,
    /// Its INTERNALDATE; `None` for now.
    pub date: Option<InternalDate>,
}

/// What an announced literal is.
#[derive(Clone, Debug)]
pub enum AtLiteral {
    /// An argument of some other command.
    OtherCommand,
    /// The mailbox name of an APPEND: keep it and wait for the next literal.
    MailboxName,
    /// The message: stream it.
    Message(Tagged<Append>),
    /// An APPEND that is wrong already: refuse the literal.
    Bad(BadCommand),
}

/// Reads the start of a command up to and including a literal's announcement.
///
/// Costs a look at the tag and the name for any other command, so that many literals stay linear (threat T-19);
/// an APPEND is read at most twice, as only its mailbox name can be a literal in front of the message.
#[must_use]
pub fn append_at_literal(start: &[u8]) -> AtLiteral {
    let mut input = Input::new(start);
    let Ok(tag) = read_tag(&mut input) else { return AtLiteral::OtherCommand };
    if !(input.take(b' ') && input.keyword("APPEND")) {
        return AtLiteral::OtherCommand;
    }
    if is_announcement(input.clone()) {
        return AtLiteral::MailboxName;
    }
    let tag = tag.into_owned();
    match append(&mut input) {
        Ok(command) => AtLiteral::Message(Tagged { tag, command }),
        Err(fault) => AtLiteral::Bad(fault.tagged(Some(tag))),
    }
}

/// Checks what follows the message: nothing, as long as MULTIAPPEND is not offered.
///
/// # Errors
/// When there is more.
pub fn append_end(rest: &[u8], tag: &Tag<'_>) -> Result<(), BadCommand> {
    let ends = Input::new(rest).end();
    ends.map_err(|fault| fault.tagged(Some(tag.clone().into_owned())))
}

/// Whether all that is left is a space and the announcement of a literal.
fn is_announcement(mut input: Input<'_>) -> bool {
    input.take(b' ') && input.literal_announcement().is_ok() && input.is_done()
}

fn append(input: &mut Input<'_>) -> Result<Append, Fault> {
    input.space()?;
    let mailbox = input.mailbox()?;
    input.space()?;
    let item = item(input)?;
    if input.peek() == Some(b'~') {
        return Err(input.not_offered("APPEND of a literal8 (BINARY)"));
    }
    input.literal_announcement()?;
    input.end()?;
    Ok(Append { mailbox, item })
}

fn item(input: &mut Input<'_>) -> Result<AppendItem, Fault> {
    let mut item = AppendItem::default();
    if input.peek() == Some(b'(') {
        item.flags = flags::list(input)?;
        input.space()?;
    }
    if input.peek() == Some(b'"') {
        item.date = Some(read_date_time(input)?);
        input.space()?;
    }
    Ok(item)
}

/// An APPEND that came whole is one without its message.
pub(super) fn without_literal<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    input.mailbox()?;
    input.space()?;
    item(input)?;
    Err(input.fault("Expected the message as a literal, such as {310}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(start: &str) -> Append {
        match append_at_literal(start.as_bytes()) {
            AtLiteral::Message(tagged) => tagged.command,
            other => panic!("{start:?}: {other:?}"),
        }
    }

    #[test]
    fn flags_and_date_are_known_before_the_message_comes() {
        let append = message("a APPEND Sent (\\Seen $Forwarded) \"17-Jul-1996 02:44:25 -0700\" {310}\r\n");
        assert_eq!(append.mailbox.as_str(), "Sent");
        assert_eq!(append.item.flags.len(), 2);
        assert_eq!(append.item.date.unwrap().zone_minutes(), -420);
        assert_eq!(message("a append inbox {1+}\r\n").item, AppendItem::default());
        assert_eq!(message("a APPEND \"a {3}\" () {1}\r\n").mailbox.as_str(), "a {3}");
    }

    #[test]
    fn a_mailbox_name_may_be_a_literal_too() {
        assert!(matches!(append_at_literal(b"a APPEND {4}\r\n"), AtLiteral::MailboxName));
        assert_eq!(message("a APPEND {4}\r\nSent (\\Seen) {3}\r\n").mailbox.as_str(), "Sent");
    }

    #[test]
    fn other_commands_keep_their_literals() {
        for start in
            ["a LOGIN {5}\r\n", "a APPENDX INBOX {3}\r\n", "{3}\r\n", "a{3}\r\n", "a  APPEND x {3}\r\n"]
        {
            assert!(matches!(append_at_literal(start.as_bytes()), AtLiteral::OtherCommand), "{start:?}");
        }
    }

    #[test]
    fn a_wrong_append_is_refused_before_its_message_comes() {
        for start in [
            "a APPEND INBOX(\\Seen) {3}\r\n",
            "a APPEND INBOX \"yesterday\" {3}\r\n",
            "a APPEND & {3}\r\n",
            "a APPEND INBOX ~{3}\r\n",
            "a APPEND INBOX (\\Foo) {3}\r\n",
            "a APPEND INBOX {3}\r\nabc {3}\r\n",
        ] {
            assert!(matches!(append_at_literal(start.as_bytes()), AtLiteral::Bad(_)), "{start:?}");
        }
    }

    #[test]
    fn nothing_follows_the_message() {
        let tag = super::super::tag_of(b"a x").unwrap();
        assert!(append_end(b"", &tag).is_ok());
        assert_eq!(append_end(b" (\\Seen) {3}\r\n", &tag).unwrap_err().tag, Some(tag));
    }
}
