//! What a server may answer, to the last element.
//!
//! ldap3 takes a response to pieces by `expect` and by recursion: one that is made wrongly would end a task, and one that is
//! nested deeply the process. So nothing gets to it that is not exactly of one of these shapes (RFC 4511, 4.1 to 4.14).

use crate::ber::Ber;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const CONTROLS: u8 = 0xa0;
const REFERRAL: u8 = 0xa3;
const SASL_CREDENTIALS: u8 = 0x87;
const RESPONSE_NAME: u8 = 0x8a;
const RESPONSE_VALUE: u8 = 0x8b;

const BIND_RESPONSE: u8 = 0x61;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
const EXTENDED_RESPONSE: u8 = 0x78;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Bind,
    Search,
    Extended,
    /// The end of the connection: it has no answer (RFC 4511, 4.3).
    Unbind,
}

/// What an answer is to its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Entry,
    /// Where else to look, which nobody does.
    Reference,
    /// No more comes.
    Last,
}

/// The number of a request and what it asks. None for what this crate does not ask.
pub(crate) fn request(message: &[u8]) -> Option<(&[u8], Asked)> {
    let mut ber = Ber::new(message);
    let mut ber = Ber::new(ber.take(SEQUENCE)?);
    let number = ber.take(INTEGER)?;
    let asked = match ber.next()?.0 {
        0x60 => Asked::Bind,
        0x63 => Asked::Search,
        0x77 => Asked::Extended,
        0x42 => Asked::Unbind,
        _ => return None,
    };
    Some((number, asked))
}

/// What a message is, if it answers the request of that number, and is made as it should be.
pub(crate) fn response(message: &[u8], number: &[u8], asked: Asked) -> Option<Part> {
    let mut outer = Ber::new(message);
    let mut ber = Ber::new(outer.take(SEQUENCE)?);
    if !outer.is_empty() || significant(ber.take(INTEGER)?) != significant(number) {
        return None;
    }
    let (tag, content) = ber.next()?;
    let part = match (asked, tag) {
        (Asked::Bind, BIND_RESPONSE)
        | (Asked::Extended, EXTENDED_RESPONSE)
        | (Asked::Search, SEARCH_DONE) => result(Ber::new(content)).then_some(Part::Last)?,
        (Asked::Search, SEARCH_ENTRY) => entry(Ber::new(content)).map(|()| Part::Entry)?,
        (Asked::Search, SEARCH_REFERENCE) => texts(content).then_some(Part::Reference)?,
        _ => return None,
    };
    if let Some(content) = ber.take(CONTROLS) {
        all(content, SEQUENCE, |content| control(Ber::new(content)).is_some()).then_some(())?;
    }
    ber.is_empty().then_some(part)
}

/// A number without the octets that say nothing. Those that we give are positive.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// `LDAPResult`, with what BindResponse and ExtendedResponse have behind it.
fn result(mut ber: Ber<'_>) -> bool {
    let Some(code) = ber.take(ENUMERATED) else { return false };
    let begins = (1..=4).contains(&code.len()) && text(&mut ber).is_some() && text(&mut ber).is_some();
    let referral = ber.take(REFERRAL).is_none_or(texts);
    ber.take(SASL_CREDENTIALS);
    let name = ber.take(RESPONSE_NAME).is_none_or(|name| std::str::from_utf8(name).is_ok());
    ber.take(RESPONSE_VALUE);
    begins && referral && name && ber.is_empty()
}

/// `SearchResultEntry`: a name and attributes, each with values.
fn entry(mut ber: Ber<'_>) -> Option<()> {
    text(&mut ber)?;
    let attributes = ber.take(SEQUENCE)?;
    let attribute = |content: &[u8]| {
        let mut ber = Ber::new(content);
        let name = text(&mut ber).is_some();
        name && ber.take(SET).is_some_and(|values| all(values, OCTETS, |_| true)) && ber.is_empty()
    };
    (all(attributes, SEQUENCE, attribute) && ber.is_empty()).then_some(())
}

fn control(mut ber: Ber<'_>) -> Option<()> {
    text(&mut ber)?;
    if let Some(critical) = ber.take(BOOLEAN) {
        (critical.len() == 1).then_some(())?;
    }
    ber.take(OCTETS);
    ber.is_empty().then_some(())
}

fn text(ber: &mut Ber<'_>) -> Option<()> {
    std::str::from_utf8(ber.take(OCTETS)?).ok().map(drop)
}

fn texts(content: &[u8]) -> bool {
    all(content, OCTETS, |text| std::str::from_utf8(text).is_ok())
}

/// Whether there is nothing but elements of that tag, each as it should be.
fn all(content: &[u8], tag: u8, is_fine: impl Fn(&[u8]) -> bool) -> bool {
    let mut ber = Ber::new(content);
    while !ber.is_empty() {
        if !ber.take(tag).is_some_and(&is_fine) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each with what it answers.
    const SOUND: [(&[u8], Asked, Part); 5] = [
        (b"\x30\x0c\x02\x01\x07\x61\x07\x0a\x01\x00\x04\x00\x04\x00", Asked::Bind, Part::Last),
        (b"\x30\x0c\x02\x01\x07\x65\x07\x0a\x01\x20\x04\x00\x04\x00", Asked::Search, Part::Last),
        (b"\x30\x0d\x02\x02\x00\x07\x78\x07\x0a\x01\x02\x04\x00\x04\x00", Asked::Extended, Part::Last),
        (
            b"\x30\x13\x02\x01\x07\x64\x0e\x04\x03c=a\x30\x07\x30\x05\x04\x01m\x31\x00",
            Asked::Search,
            Part::Entry,
        ),
        (b"\x30\x0a\x02\x01\x07\x73\x05\x04\x03l:/", Asked::Search, Part::Reference),
    ];

    #[test]
    fn an_answer_has_the_number_and_the_kind_of_its_question() {
        for (message, asked, part) in SOUND {
            assert_eq!(response(message, b"\x07", asked), Some(part), "{message:?}");
            assert_eq!(response(message, b"\x08", asked), None);
            let other = if asked == Asked::Bind { Asked::Search } else { Asked::Bind };
            assert_eq!(response(message, b"\x07", other), None);
        }
    }

    #[test]
    fn nothing_behind_a_message_and_nothing_missing_passes() {
        for (message, asked, _) in SOUND {
            for end in 0..message.len() {
                assert_eq!(response(&message[..end], b"\x07", asked), None);
            }
            assert_eq!(response(&[message, b"\0"].concat(), b"\x07", asked), None);
        }
    }
}
