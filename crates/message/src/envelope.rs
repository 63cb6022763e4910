//! ENVELOPE (RFC 3501, 7.4.2; RFC 9051, 7.5.2): a header block as mail clients list it.
//!
//! Strings are as the sender wrote them, unfolded; encoded words are the client's business. Where an address has
//! no domain the host is `""`, not NIL, which would make it a group.

use crate::address::{Address, addresses};
use crate::header::{self, unfold};
use crate::limits::MAX_ENVELOPE_OCTETS;
use crate::nstring;
use std::borrow::Cow;

/// The fields of a header block that ENVELOPE shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelope<'a> {
    date: Option<&'a [u8]>,
    subject: Option<&'a [u8]>,
    from: Vec<&'a [u8]>,
    sender: Vec<&'a [u8]>,
    reply_to: Vec<&'a [u8]>,
    to: Vec<&'a [u8]>,
    cc: Vec<&'a [u8]>,
    bcc: Vec<&'a [u8]>,
    in_reply_to: Option<&'a [u8]>,
    message_id: Option<&'a [u8]>,
}

/// An envelope of which nothing is known.
pub(crate) const EMPTY: &[u8] = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";

/// Longest string of an envelope, in octets; a longer one is cut.
const MAX_STRING_OCTETS: usize = 8 << 10;
/// Fields of one name whose addresses are listed. RFC 5322, 3.6 allows one.
const MAX_REPEATED_FIELDS: usize = 100;

impl<'a> Envelope<'a> {
    /// Finds the fields. Of a repeated unstructured field the first counts; repeated address fields add up.
    pub(crate) fn parse(block: &'a [u8]) -> Self {
        let mut found = Self::default();
        for field in header::fields(block) {
            found.take(field);
        }
        found
    }

    fn take(&mut self, field: header::Field<'a>) {
        match field.name.to_ascii_lowercase().as_slice() {
            b"date" => self.date = self.date.or(Some(field.value)),
            b"subject" => self.subject = self.subject.or(Some(field.value)),
            b"in-reply-to" => self.in_reply_to = self.in_reply_to.or(Some(field.value)),
            b"message-id" => self.message_id = self.message_id.or(Some(field.value)),
            b"from" => add(&mut self.from, field.value),
            b"sender" => add(&mut self.sender, field.value),
            b"reply-to" => add(&mut self.reply_to, field.value),
            b"to" => add(&mut self.to, field.value),
            b"cc" => add(&mut self.cc, field.value),
            b"bcc" => add(&mut self.bcc, field.value),
            _ => {}
        }
    }

    /// Appends the wire form, at most [`MAX_ENVELOPE_OCTETS`] long: address lists end early where they must.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + MAX_ENVELOPE_OCTETS;
        let mut tail = Vec::new();
        for value in [self.in_reply_to, self.message_id] {
            tail.push(b' ');
            put_text(&mut tail, value);
        }
        out.push(b'(');
        put_text(out, self.date);
        out.push(b' ');
        put_text(out, self.subject);
        let room = end.saturating_sub(out.len() + tail.len() + 1);
        self.write_lists(out, room);
        out.extend_from_slice(&tail);
        out.push(b')');
    }

    /// "If the Sender or Reply-To lines are absent, or present but empty, the server sets the corresponding
    /// member to be the same value as the From" (RFC 3501, 7.4.2).
    fn write_lists(&self, out: &mut Vec<u8>, room: usize) {
        let start = out.len();
        let from = put_list(out, &self.from, room / 8).unwrap_or_else(|| put(out, b" NIL"));
        for list in [&self.sender, &self.reply_to] {
            if put_list(out, list, room / 8).is_none() {
                out.extend_from_within(from.clone());
            }
        }
        // To may take most of what is left: it is where the long lists are.
        for list in [&self.to, &self.cc, &self.bcc] {
            let left = room.saturating_sub(out.len() - start);
            if put_list(out, list, left / 8 * 7).is_none() {
                put(out, b" NIL");
            }
        }
    }
}

fn add<'a>(fields: &mut Vec<&'a [u8]>, value: &'a [u8]) {
    if fields.len() < MAX_REPEATED_FIELDS {
        fields.push(value);
    }
}

fn put(out: &mut Vec<u8>, octets: &[u8]) -> std::ops::Range<usize> {
    let start = out.len();
    out.extend_from_slice(octets);
    start..out.len()
}

/// Appends a blank and the addresses of all `fields`, as many as `room` has place for; nothing if there are none.
fn put_list(out: &mut Vec<u8>, fields: &[&[u8]], room: usize) -> Option<std::ops::Range<usize>> {
    let start = out.len();
    let limit = start + room;
    out.extend_from_slice(b" (");
    let opened = out.len();
    for address in fields.iter().flat_map(|value| addresses(value)) {
        let before = out.len();
        put_address(out, &address);
        if out.len() >= limit {
            out.truncate(before);
            break;
        }
    }
    if out.len() == opened {
        out.truncate(start);
        return None;
    }
    out.push(b')');
    Some(start..out.len())
}

fn put_address(out: &mut Vec<u8>, address: &Address<'_>) {
    match address {
        Address::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        Address::GroupStart(name) => {
            out.extend_from_slice(b"(NIL NIL ");
            put_cut(out, name);
            out.extend_from_slice(b" NIL)");
        }
        Address::Mailbox { name, route, local, domain } => {
            out.push(b'(');
            nstring::put_or_nil(out, name.as_deref().map(cut));
            out.push(b' ');
            nstring::put_or_nil(out, route.as_deref().map(cut));
            out.push(b' ');
            put_cut(out, local);
            out.push(b' ');
            put_cut(out, domain);
            out.push(b')');
        }
    }
}

fn put_text(out: &mut Vec<u8>, value: Option<&[u8]>) {
    let text: Option<Cow<'_, [u8]>> = value.map(unfold);
    nstring::put_or_nil(out, text.as_deref().map(cut));
}

fn put_cut(out: &mut Vec<u8>, string: &[u8]) {
    nstring::put(out, cut(string));
}

fn cut(string: &[u8]) -> &[u8] {
    string.get(..MAX_STRING_OCTETS).unwrap_or(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_list(value: &str, expected: &str) {
        let mut out = Vec::new();
        if put_list(&mut out, &[value.as_bytes()], MAX_ENVELOPE_OCTETS).is_none() {
            out.extend_from_slice(b" NIL");
        }
        assert_eq!(String::from_utf8_lossy(&out).trim_start(), expected);
    }

    #[test]
    fn plain_addresses_and_names() {
        check_list("a@b", r#"((NIL NIL "a" "b"))"#);
        check_list("A  B <a@b>,\r\n\t\"C, D\" <c@d>", r#"(("A B" NIL "a" "b")("C, D" NIL "c" "d"))"#);
        check_list("John Q. Public <j@x.y>", r#"(("John Q. Public" NIL "j" "x.y"))"#);
        check_list("a@b (Real Name)", r#"(("Real Name" NIL "a" "b"))"#);
    }

    #[test]
    fn groups_begin_and_end() {
        check_list(
            "g: x@y, z@w;, u@v",
            r#"((NIL NIL "g" NIL)(NIL NIL "x" "y")(NIL NIL "z" "w")(NIL NIL NIL NIL)(NIL NIL "u" "v"))"#,
        );
        check_list(
            "undisclosed-recipients:;",
            r#"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))"#,
        );
        check_list("open: a@b", r#"((NIL NIL "open" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))"#);
    }

    #[test]
    fn obsolete_forms_are_read() {
        check_list("\"a\\\"b\" <@r1,@r2:u@[192.0.2.1]>", r#"(("a\"b" "@r1,@r2" "u" "[192.0.2.1]"))"#);
        check_list("pete(his account)@silly.test(his host)", r#"(("his host" NIL "pete" "silly.test"))"#);
        check_list("john . doe @ example . org", r#"((NIL NIL "john.doe" "example.org"))"#);
        check_list("\"two words\"@x", r#"((NIL NIL "two words" "x"))"#);
    }

    #[test]
    fn broken_addresses_yield_what_can_be_made_of_them() {
        check_list("<>, bare, a@b@c", r#"((NIL NIL "" "")(NIL NIL "bare" "")(NIL NIL "a" "b"))"#);
        check_list("N <a@b", r#"(("N" NIL "a" "b"))"#);
        check_list("\"server\"", r#"(("server" NIL "" ""))"#);
        check_list("Mary Smith", r#"(("Mary Smith" NIL "" ""))"#);
        check_list(",,;", "NIL");
        check_list("(only comment)", "NIL");
        check_list("@", r#"((NIL NIL "" ""))"#);
    }

    #[test]
    fn half_a_million_addresses_make_a_bounded_list() {
        let value = "a@b,".repeat(500_000);
        let block = format!("From: a@b\r\nTo: {value}\r\n\r\n");
        let mut out = Vec::new();
        Envelope::parse(block.as_bytes()).write(&mut out);
        assert!(out.len() <= MAX_ENVELOPE_OCTETS);
        assert!(out.len() > MAX_ENVELOPE_OCTETS / 2);
    }
}
