//! MAIL (RFC 5321, 4.1.1.2), with SIZE (RFC 1870), BODY (RFC 6152) and SMTPUTF8 (RFC 6531).

use super::{BadCommand, behind, parameters};
use crate::lmtp::address::{Address, Alphabet, read_path};

/// Where a message comes from, and what is said of it before it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFrom {
    /// Who is told when it cannot be delivered; `None` for the null path: nobody.
    pub sender: Option<Address>,
    /// About how large it will be, in octets.
    pub size: Option<u64>,
    /// What its lines may hold.
    pub body: Body,
    /// Whether its addresses and headers may be in UTF-8.
    pub alphabet: Alphabet,
}

/// The BODY parameter. It changes nothing here: a message is kept as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// ASCII.
    #[default]
    SevenBit,
    /// Octets above 127.
    EightBitMime,
}

/// The sender and the parameters.
pub(super) fn read(arguments: &[u8]) -> Result<MailFrom, BadCommand> {
    const WHY: BadCommand = BadCommand::Syntax("Messages begin with MAIL FROM:<address>");
    let path = behind(arguments, b"FROM:").ok_or(WHY)?;
    let (sender, rest) = read_path(path)?;
    let mut mail = MailFrom { sender, size: None, body: Body::SevenBit, alphabet: Alphabet::Ascii };
    for (keyword, value) in parameters(rest)? {
        mail.take(&keyword, value)?;
    }
    Ok(mail)
}

impl MailFrom {
    fn take(&mut self, keyword: &str, value: Option<&str>) -> Result<(), BadCommand> {
        match (keyword, value) {
            ("SIZE", Some(size)) => self.size = Some(octets(size)?),
            ("BODY", Some(body)) if body.eq_ignore_ascii_case("7BIT") => self.body = Body::SevenBit,
            ("BODY", Some(body)) if body.eq_ignore_ascii_case("8BITMIME") => self.body = Body::EightBitMime,
            ("SMTPUTF8", None) => self.alphabet = Alphabet::Utf8,
            (keyword, None) => return Err(BadCommand::Parameter(keyword.into())),
            (keyword, Some(value)) => return Err(BadCommand::Parameter(format!("{keyword}={value}").into())),
        }
        Ok(())
    }
}

/// `1*20DIGIT` (RFC 1870, 6). What is more than we can count to is more than we take.
fn octets(size: &str) -> Result<u64, BadCommand> {
    match size.len() <= 20 && size.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(size.parse().unwrap_or(u64::MAX)),
        false => Err(BadCommand::Syntax("SIZE is a number of octets")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_sender_and_may_say_more() {
        let mail = read(b"FROM:<ann@example.org> SIZE=1000 body=8bitmime SMTPUTF8").unwrap();
        assert_eq!(mail.sender.unwrap().as_str(), "ann@example.org");
        assert_eq!((mail.size, mail.body, mail.alphabet), (Some(1_000), Body::EightBitMime, Alphabet::Utf8));
        let bounce = read(b"from:<>").unwrap();
        assert_eq!((bounce.sender, bounce.size, bounce.alphabet), (None, None, Alphabet::Ascii));
        assert_eq!(read(b"FROM:<> SIZE=99999999999999999999").unwrap().size, Some(u64::MAX));
    }

    #[test]
    fn what_is_not_offered_is_named() {
        for (line, which) in [
            ("FROM:<> BODY=BINARYMIME", "BODY=BINARYMIME"),
            ("FROM:<> AUTH=<>", "AUTH=<>"),
            ("FROM:<> RET=HDRS", "RET=HDRS"),
            ("FROM:<> SIZE", "SIZE"),
            ("FROM:<> SMTPUTF8=1", "SMTPUTF8=1"),
        ] {
            assert_eq!(read(line.as_bytes()), Err(BadCommand::Parameter(which.into())), "{line}");
        }
        for line in ["FROM:<> SIZE=1k", "FROM:<> SIZE=", "FROM:<> =1", "FROM:<>SIZE=1", "ann@example.org", ""]
        {
            assert!(matches!(read(line.as_bytes()), Err(BadCommand::Syntax(_))), "{line}");
        }
    }
}
