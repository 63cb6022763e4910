//! APPEND (RFC 9051, 6.3.12), with more than one message (MULTIAPPEND, RFC 3502), messages as literal8 (BINARY,
//! RFC 3516, 4.4) and in the wrapping that RFC 6855 had for them.
//!
//! An APPEND never arrives whole: its messages are streamed, and can be larger than memory. So it is read in
//! steps: its start with [`upload_at_literal`](super::upload_at_literal), and what stands behind each message with
//! [`append_next`] or [`append_end`].

use super::super::date::read_date_time;
use super::super::error::{BadCommand, Fault};
use super::super::input::Input;
use super::super::mailbox_name::SpeltName;
use super::{Command, Tag, flags};
use terms::{Flag, InternalDate};

/// An APPEND whose first message is about to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub mailbox: SpeltName,
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
    /// In which form it comes.
    pub form: MessageForm,
}

/// The form in which a message comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MessageForm {
    /// `{n}`: any octet but NUL.
    #[default]
    Literal,
    /// `~{n}`: any octet (RFC 3516).
    Literal8,
    /// `UTF8 (~{n}` and, behind the message, `)`: RFC 6855, 4. RFC 9755 has given it up, as it says nothing that the
    /// message does not; Thunderbird says it of all that it sends.
    Utf8,
}

/// Reads what stands between two messages of one APPEND, up to and including the next one's announcement. `before`
/// is the form in which the last one came.
///
/// # Errors
/// When it is wrong: refuse the literal.
pub fn append_next(rest: &[u8], before: MessageForm, tag: &Tag<'_>) -> Result<AppendItem, BadCommand> {
    let mut input = Input::new(rest);
    let next = close(&mut input, before).and_then(|()| message(&mut input));
    next.map_err(|fault| fault.tagged(Some(tag.clone().into_owned())))
}

/// Checks what follows the last message: nothing, but for what its form asks for.
///
/// # Errors
/// When there is more.
pub fn append_end(rest: &[u8], before: MessageForm, tag: &Tag<'_>) -> Result<(), BadCommand> {
    let mut input = Input::new(rest);
    let ends = close(&mut input, before).and_then(|()| input.end());
    ends.map_err(|fault| fault.tagged(Some(tag.clone().into_owned())))
}

/// The parenthesis that RFC 6855 has behind the message.
fn close(input: &mut Input<'_>, form: MessageForm) -> Result<(), Fault> {
    match form {
        MessageForm::Literal | MessageForm::Literal8 => Ok(()),
        MessageForm::Utf8 => input.expect(b')', "Expected ')' behind the message"),
    }
}

/// `SP mailbox append-message`, up to and including the announcement.
pub(super) fn read(input: &mut Input<'_>) -> Result<Append, Fault> {
    input.space()?;
    let mailbox = input.spelt_mailbox()?;
    let item = message(input)?;
    Ok(Append { mailbox, item })
}

/// `[SP flag-list] [SP date-time] SP literal`, up to and including the announcement.
fn message(input: &mut Input<'_>) -> Result<AppendItem, Fault> {
    let mut item = options(input)?;
    item.form = form(input)?;
    input.literal_announcement()?;
    input.end()?;
    Ok(item)
}

fn options(input: &mut Input<'_>) -> Result<AppendItem, Fault> {
    let mut item = AppendItem::default();
    input.space()?;
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

fn form(input: &mut Input<'_>) -> Result<MessageForm, Fault> {
    if input.keyword("UTF8") {
        input.space()?;
        input.expect(b'(', "Expected '(' and the message as a literal, such as ~{310}")?;
        input.expect(b'~', "Expected the message as a literal, such as ~{310}")?;
        return Ok(MessageForm::Utf8);
    }
    Ok(if input.take(b'~') { MessageForm::Literal8 } else { MessageForm::Literal })
}

/// An APPEND that came whole is one without its message.
pub(super) fn without_literal<'a>(input: &mut Input<'a>) -> Result<Command<'a>, Fault> {
    input.space()?;
    input.mailbox()?;
    options(input)?;
    form(input)?;
    Err(input.fault("Expected the message as a literal, such as {310}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use MessageForm::{Literal, Literal8, Utf8};

    fn next(rest: &str, before: MessageForm) -> Result<AppendItem, BadCommand> {
        append_next(rest.as_bytes(), before, &super::super::tag_of(b"a x").unwrap())
    }

    fn end(rest: &str, before: MessageForm) -> Result<(), BadCommand> {
        append_end(rest.as_bytes(), before, &super::super::tag_of(b"a x").unwrap())
    }

    #[test]
    fn behind_a_message_stands_another_or_nothing() {
        assert_eq!(next(" {3}\r\n", Literal).unwrap(), AppendItem::default());
        let item = next(" (\\Seen) \" 7-Feb-1994 22:43:04 -0800\" ~{295+}\r\n", Literal8).unwrap();
        assert_eq!((item.flags.len(), item.form), (1, Literal8));
        assert!(item.date.is_some());
        assert_eq!(next(") utf8 (~{5}\r\n", Utf8).unwrap().form, Utf8);
        assert!(end("", Literal).is_ok() && end("", Literal8).is_ok() && end(")", Utf8).is_ok());
    }

    #[test]
    fn nothing_else_stands_behind_a_message() {
        for (rest, before) in [
            ("{3}\r\n", Literal),
            (") {3}\r\n", Literal8),
            (" {3}\r\n", Utf8),
            (" (\\*) {3}\r\n", Literal),
            (" Drafts {3}\r\n", Literal),
            (" UTF8 ({3}\r\n", Literal),
            (" UTF8 ~{3}\r\n", Literal),
            (" UTF8(~{3}\r\n", Literal),
        ] {
            assert!(next(rest, before).is_err(), "{rest:?}");
        }
        for (rest, before) in
            [(" ", Literal), (")", Literal), ("", Utf8), (") ", Utf8), (" (\\Seen)", Literal8)]
        {
            assert_eq!(end(rest, before).unwrap_err().tag.unwrap().as_str(), "a", "{rest:?}");
        }
    }
}
