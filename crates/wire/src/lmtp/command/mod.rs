//! Commands: a file for each that has something to read.

mod lhlo;
mod mail;
mod rcpt;

pub use mail::{Body, MailFrom};

use super::address::{Address, BadAddress};
use std::fmt;

/// What a client may say between messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// LHLO: who it is.
    Lhlo(Box<str>),
    /// MAIL: a message from this sender begins.
    Mail(MailFrom),
    /// RCPT: the message is for this one too.
    Rcpt(Address),
    /// DATA: the message follows.
    Data,
    /// RSET: forget the message.
    Rset,
    /// NOOP
    Noop,
    /// VRFY
    Vrfy,
    /// QUIT
    Quit,
}

/// Why a line is no command that is obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadCommand {
    /// Nobody knows it.
    Unknown,
    /// It is one of SMTP, and not offered here.
    NotOffered,
    /// HELO or EHLO: SMTP is meant, and LMTP is spoken.
    Smtp,
    /// It is not said like this.
    Syntax(&'static str),
    /// Its address is none.
    Address(BadAddress),
    /// A parameter that is not offered, or not with this value.
    Parameter(Box<str>),
}

impl Command {
    /// Reads a line, without its end.
    ///
    /// # Errors
    /// Why it is no command.
    pub fn parse(line: &[u8]) -> Result<Self, BadCommand> {
        let end = line.iter().position(|octet| *octet == b' ').unwrap_or(line.len());
        let (verb, rest) = line.split_at_checked(end).unwrap_or((line, b""));
        let arguments = rest.trim_ascii();
        match &*verb.to_ascii_uppercase() {
            b"LHLO" => lhlo::read(arguments).map(Self::Lhlo),
            b"MAIL" => mail::read(arguments).map(Self::Mail),
            b"RCPT" => rcpt::read(arguments).map(Self::Rcpt),
            b"DATA" => alone(arguments, Self::Data),
            b"RSET" => alone(arguments, Self::Rset),
            b"QUIT" => alone(arguments, Self::Quit),
            b"NOOP" => Ok(Self::Noop), // RFC 5321, 4.1.1.9: the parameter string "SHOULD be ignored"
            b"VRFY" => Ok(Self::Vrfy),
            b"HELO" | b"EHLO" => Err(BadCommand::Smtp),
            b"AUTH" | b"BDAT" | b"BURL" | b"ETRN" | b"EXPN" | b"HELP" | b"SAML" | b"SEND" | b"SOML"
            | b"STARTTLS" | b"TURN" | b"XCLIENT" | b"XFORWARD" => Err(BadCommand::NotOffered),
            _ => Err(BadCommand::Unknown),
        }
    }
}

fn alone(arguments: &[u8], command: Command) -> Result<Command, BadCommand> {
    if arguments.is_empty() {
        Ok(command)
    } else {
        Err(BadCommand::Syntax("Nothing stands behind this command"))
    }
}

impl From<BadAddress> for BadCommand {
    fn from(why: BadAddress) -> Self {
        Self::Address(why)
    }
}

impl fmt::Display for BadCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("Unknown command"),
            Self::NotOffered => f.write_str("This command is not offered here"),
            Self::Smtp => f.write_str("This is LMTP, not SMTP: say LHLO"),
            Self::Syntax(why) => f.write_str(why),
            Self::Address(why) => fmt::Display::fmt(why, f),
            Self::Parameter(which) => write!(f, "The parameter {which} is not offered here"),
        }
    }
}

/// What stands behind `keyword`, whose case does not matter. Blanks behind it are no mistake worth a bounce.
fn behind<'a>(arguments: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = arguments.split_at_checked(keyword.len())?;
    start.eq_ignore_ascii_case(keyword).then(|| rest.trim_ascii_start())
}

/// The parameters behind a path, each with its value: `esmtp-param *(SP esmtp-param)` (RFC 5321, 4.1.2).
fn parameters(text: &[u8]) -> Result<Vec<(String, Option<&str>)>, BadCommand> {
    const WHY: BadCommand = BadCommand::Syntax("Parameters are written KEYWORD or KEYWORD=value");
    let text = std::str::from_utf8(text).map_err(|_| WHY)?;
    if !text.is_empty() && !text.starts_with(' ') {
        return Err(WHY);
    }
    let words = text.split(' ').filter(|word| !word.is_empty());
    words.map(|word| parameter(word).ok_or(WHY)).collect()
}

fn parameter(word: &str) -> Option<(String, Option<&str>)> {
    let (keyword, value) = match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    };
    let is_keyword = !keyword.is_empty() && keyword.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_value =
        |value: &str| !value.is_empty() && !value.contains('=') && !value.chars().any(char::is_control);
    (is_keyword && value.is_none_or(is_value)).then(|| (keyword.to_ascii_uppercase(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, read: Result<Command, BadCommand>) {
        assert_eq!(Command::parse(line.as_bytes()), read, "{line}");
    }

    #[test]
    fn verbs_have_no_case_and_most_stand_alone() {
        check("data", Ok(Command::Data));
        check("RSET ", Ok(Command::Rset));
        check("QuIt", Ok(Command::Quit));
        check("NOOP whatever", Ok(Command::Noop));
        check("VRFY ann", Ok(Command::Vrfy));
        check("LHLO client.example", Ok(Command::Lhlo("client.example".into())));
        assert!(matches!(Command::parse(b"DATA now"), Err(BadCommand::Syntax(_))));
    }

    #[test]
    fn what_is_not_obeyed_is_sorted_by_who_can_tell() {
        check("EHLO client.example", Err(BadCommand::Smtp));
        check("helo x", Err(BadCommand::Smtp));
        check("STARTTLS", Err(BadCommand::NotOffered));
        check("XYZZY", Err(BadCommand::Unknown));
        check("", Err(BadCommand::Unknown));
        assert_eq!(Command::parse(b"\xff\0"), Err(BadCommand::Unknown));
    }
}
