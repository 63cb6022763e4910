//! What SORT and THREAD want of an ENVELOPE (RFC 5256, 3; RFC 5957), read from its wire form.
//!
//! All string criteria are defined on it: "[IMAP] addr-mailbox of the first "From" address" and so on. What comes
//! from here is decoded text (RFC 5255, 4.6: encoded words are decoded before strings are compared); comparing
//! is `mailbox`'s business.

use crate::bodystructure::value_length;
use crate::charset::Charset;
use crate::header::first_line;
use crate::subject::{BaseSubject, base_subject};
use crate::words::decode_header;
use std::borrow::Cow;

/// An ENVELOPE that this crate wrote.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeView<'a> {
    subject: &'a [u8],
    from: &'a [u8],
    to: &'a [u8],
    cc: &'a [u8],
}

/// Whose first address is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// env-from
    From,
    /// env-to
    To,
    /// env-cc
    Cc,
}

impl<'a> EnvelopeView<'a> {
    /// Finds the members; what is missing in a damaged one is NIL.
    #[must_use]
    pub fn new(envelope: &'a [u8]) -> Self {
        let mut members = Values { rest: envelope.get(1..).unwrap_or_default() };
        let [_date, subject, from, _sender, _reply_to, to, cc] = std::array::from_fn(|_| members.next());
        Self { subject, from, to, cc }
    }

    /// SUBJECT: the base subject; that of the empty string where there is none.
    #[must_use]
    pub fn base_subject(&self) -> BaseSubject {
        base_subject(&string(self.subject).map(|subject| decode_header(&subject)).unwrap_or_default())
    }

    /// FROM, TO, CC: addr-mailbox of the first address, which is a group's name if the first one is a group (RFC
    /// 3501, 7.4.2); the empty string where there is none.
    #[must_use]
    pub fn mailbox(&self, party: Party) -> String {
        let mailbox = self.first(party).and_then(|first| first.mailbox);
        mailbox.map(|mailbox| plain(&mailbox)).unwrap_or_default()
    }

    /// DISPLAYFROM, DISPLAYTO: "the DISPLAY sort value of the first address" (RFC 5957, 3 and 4).
    #[must_use]
    pub fn display(&self, party: Party) -> String {
        self.first(party).map(|first| first.display()).unwrap_or_default()
    }

    fn first(&self, party: Party) -> Option<FirstAddress<'a>> {
        let list = match party {
            Party::From => self.from,
            Party::To => self.to,
            Party::Cc => self.cc,
        };
        let mut members = Values { rest: list.strip_prefix(b"((")? };
        let [name, _route, mailbox, host] = std::array::from_fn(|_| string(members.next()));
        Some(FirstAddress { name, mailbox, host })
    }
}

/// An address structure.
struct FirstAddress<'a> {
    name: Option<Cow<'a, [u8]>>,
    mailbox: Option<Cow<'a, [u8]>>,
    host: Option<Cow<'a, [u8]>>,
}

impl FirstAddress<'_> {
    /// RFC 5957, 3: the decoded addr-name if that is not empty; else the address, or what there is of it.
    fn display(&self) -> String {
        let name = self.name.as_ref().map(|name| decode_header(name)).unwrap_or_default();
        match (&self.mailbox, &self.host) {
            _ if !name.is_empty() => name,
            (Some(mailbox), Some(host)) => format!("{}@{}", plain(mailbox), plain(host)),
            (Some(mailbox), None) => plain(mailbox),
            (None, _) => String::new(),
        }
    }
}

/// Addresses have no encoded words, but octets that are not ASCII.
fn plain(octets: &[u8]) -> String {
    Charset::default().decode(octets)
}

/// The values of a parenthesised list, from behind its parenthesis.
struct Values<'a> {
    rest: &'a [u8],
}

impl<'a> Values<'a> {
    fn next(&mut self) -> &'a [u8] {
        let (value, rest) = self.rest.split_at_checked(value_length(self.rest)).unwrap_or_default();
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        value
    }
}

/// The string that an `nstring` means; `None` is NIL.
pub(crate) fn string(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    match value.first()? {
        b'"' => Some(unquoted(value.get(1..value.len() - 1)?)),
        b'{' => value.get(first_line(value).len()..).map(Cow::Borrowed),
        _ => None,
    }
}

fn unquoted(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut octets = text.iter().copied();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(octet) = octets.next() {
        plain.push(if octet == b'\\' { octets.next().unwrap_or(octet) } else { octet });
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::parse;

    fn check(header: &str, told: impl Fn(&EnvelopeView<'_>) -> String, expected: &str) {
        let parsed = parse(format!("{header}\r\n\r\n").as_bytes());
        assert_eq!(told(&EnvelopeView::new(&parsed.envelope)), expected, "{header}");
    }

    #[test]
    fn an_address_is_told_by_its_mailbox() {
        check("From: Änne <a.b@x>, c@y", |envelope| envelope.mailbox(Party::From), "a.b");
        check("To: \"q \\\" r\"@x", |envelope| envelope.mailbox(Party::To), "q \" r");
        check("Cc: ü@x", |envelope| envelope.mailbox(Party::Cc), "ü");
        check("Cc: friends: a@b;", |envelope| envelope.mailbox(Party::Cc), "friends");
        check("Cc:", |envelope| envelope.mailbox(Party::Cc), "");
        check("Subject: \"(x\r\nTo: a@b\r\nCc: c@d", |envelope| envelope.mailbox(Party::Cc), "c");
    }

    #[test]
    fn a_display_value_is_a_name_if_there_is_one() {
        check("From: =?utf-8?q?=C3=84nne?= <a@x>", |envelope| envelope.display(Party::From), "Änne");
        check("From: \"\" <a@x>", |envelope| envelope.display(Party::From), "a@x");
        check("From: =?utf-8?q??= <a@x>", |envelope| envelope.display(Party::From), "a@x");
        check("To: friends: a@b;", |envelope| envelope.display(Party::To), "friends");
        check("From: a@b", |envelope| envelope.display(Party::To), "");
    }

    #[test]
    fn a_base_subject_is_decoded_first() {
        let base = |envelope: &EnvelopeView<'_>| envelope.base_subject().text;
        check("Subject: =?utf-8?q?Re=3A_?= [list]\r\n =?utf-8?b?w7xiZXI=?=", base, "über");
        check("Subject: Gr\u{fc}n", base, "Grün");
        check("From: a@b", base, "");
    }

    #[test]
    fn a_damaged_envelope_is_nil() {
        for damaged in [&b""[..], b"(", b"NIL", b"(\"", b"(NIL {99}\r\nx", b"(NIL NIL ((", b"(NIL \""] {
            let view = EnvelopeView::new(damaged);
            assert_eq!(view.mailbox(Party::From), "");
            assert_eq!(view.display(Party::To), "");
            let _ = view.base_subject();
        }
    }
}
