//! The reader that every command's grammar is written in.
//!
//! One pass, left to right: a byte is looked at a constant number of times. Recursion is the caller's, and
//! bounded there by [`MAX_NESTING`].

use super::error::{Fault, Reason};
use super::mailbox_name::{self, NameForm, SpeltName};
use std::borrow::Cow;
use terms::MailboxName;

/// How deep parentheses, NOT and OR may nest (threat T-12).
pub(crate) const MAX_NESTING: usize = 32;
/// How many members a parenthesised list may have.
pub(crate) const MAX_LIST_MEMBERS: usize = 4_096;

/// A command's bytes and how far they are read.
#[derive(Clone)]
pub(crate) struct Input<'a> {
    all: &'a [u8],
    at: usize,
    names: NameForm,
}

impl<'a> Input<'a> {
    pub(crate) const fn new(all: &'a [u8]) -> Self {
        Self::with_names(all, NameForm::Utf7)
    }

    /// Of a client that writes mailbox names in this form.
    pub(crate) const fn with_names(all: &'a [u8], names: NameForm) -> Self {
        Self { all, at: 0, names }
    }

    pub(crate) const fn names(&self) -> NameForm {
        self.names
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.at >= self.all.len()
    }

    /// Whether nothing stands at this place or behind it.
    pub(crate) const fn ends_at(&self, at: usize) -> bool {
        at >= self.all.len()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.all.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    /// Passes over all that is left.
    pub(crate) const fn skip(&mut self) {
        self.at = self.all.len();
    }

    fn advance(&mut self, octets: usize) -> &'a [u8] {
        let taken = self.rest().get(..octets).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    // Faults.

    pub(crate) fn fault(&self, what: &'static str) -> Fault {
        self.fault_at(self.at, what)
    }

    pub(crate) fn fault_at(&self, at: usize, what: &'static str) -> Fault {
        Fault { at, reason: Reason::Grammar(Cow::Borrowed(what)) }
    }

    pub(crate) fn not_offered(&self, what: &'static str) -> Fault {
        Fault { at: self.at, reason: Reason::NotOffered(what) }
    }

    pub(crate) fn limit(&self, what: &'static str) -> Fault {
        Fault { at: self.at, reason: Reason::Limit(what) }
    }

    // Single octets.

    /// Takes `octet` if it is next.
    pub(crate) fn take(&mut self, octet: u8) -> bool {
        let next = self.peek() == Some(octet);
        self.at += usize::from(next);
        next
    }

    pub(crate) fn expect(&mut self, octet: u8, what: &'static str) -> Result<(), Fault> {
        if self.take(octet) { Ok(()) } else { Err(self.fault(what)) }
    }

    /// RFC 9051, 9: SP is exactly one space.
    pub(crate) fn space(&mut self) -> Result<(), Fault> {
        self.expect(b' ', "Expected a space and another argument")
    }

    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.is_done() { Ok(()) } else { Err(self.fault("Expected the end of the command")) }
    }

    // Words.

    pub(crate) fn while_matches(&mut self, matches: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&octet| !matches(octet)).unwrap_or(rest.len());
        self.advance(length)
    }

    /// Octets that `matches` and that are ASCII, as text.
    pub(crate) fn word(&mut self, matches: impl Fn(u8) -> bool) -> &'a str {
        std::str::from_utf8(self.while_matches(|octet| octet.is_ascii() && matches(octet)))
            .unwrap_or_default()
    }

    pub(crate) fn atom(&mut self, what: &'static str) -> Result<&'a str, Fault> {
        let at = self.at;
        match self.word(is_atom_char) {
            "" => Err(self.fault_at(at, what)),
            atom => Ok(atom),
        }
    }

    /// Takes `word` if it is next, in any case, and is not the start of a longer atom.
    pub(crate) fn keyword(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let matches = rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
        let ends = !rest.get(word.len()).is_some_and(|&octet| is_atom_char(octet));
        if matches && ends {
            self.at += word.len();
        }
        matches && ends
    }

    // Numbers.

    /// A run of digits, `None` when there is none or it does not fit 64 bits.
    pub(crate) fn digits(&mut self) -> Option<u64> {
        let digits = self.while_matches(|octet| octet.is_ascii_digit());
        let add = |n: u64, &digit: &u8| n.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
        if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
    }

    /// RFC 9051, 9: number64 is 63 bits wide.
    pub(crate) fn number64(&mut self, what: &'static str) -> Result<u64, Fault> {
        let at = self.at;
        self.digits().filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| self.fault_at(at, what))
    }

    // Strings.

    /// `1*ASTRING-CHAR / string`
    pub(crate) fn astring(&mut self, what: &'static str) -> Result<Cow<'a, [u8]>, Fault> {
        self.string_or(is_astring_char, what)
    }

    /// A string, or a bare word made of what `matches`.
    pub(crate) fn string_or(
        &mut self,
        matches: impl Fn(u8) -> bool,
        what: &'static str,
    ) -> Result<Cow<'a, [u8]>, Fault> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(what),
            _ => match self.while_matches(matches) {
                [] => Err(self.fault(what)),
                word => Ok(Cow::Borrowed(word)),
            },
        }
    }

    /// `quoted / literal`
    pub(crate) fn string(&mut self, what: &'static str) -> Result<Cow<'a, [u8]>, Fault> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(Cow::Borrowed),
            _ => Err(self.fault(what)),
        }
    }

    /// A quoted string. RFC 3501 forbids octets above 127, RFC 9051 and RFC 9755 have UTF-8 here, and neomutt sends
    /// that to all. RFC 9755, 3: "the server MUST reject, with a "BAD" response, any octet sequences with the high bit
    /// set that fail to comply with the formal syntax requirements of UTF-8".
    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Fault> {
        let at = self.at;
        let text = self.quoted_octets(at)?;
        match std::str::from_utf8(&text) {
            Ok(_) => Ok(text),
            Err(_) => Err(self.fault_at(at, "A quoted string can hold octets above 127 only as UTF-8")),
        }
    }

    fn quoted_octets(&mut self, at: usize) -> Result<Cow<'a, [u8]>, Fault> {
        self.at += 1;
        let mut text = Cow::Borrowed(self.quoted_run());
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.to_mut().push(self.escaped()?),
                Some(_) => return Err(self.fault("A quoted string cannot hold NUL or a line end")),
                None => return Err(self.fault_at(at, "This quoted string has no end")),
            }
            text.to_mut().extend_from_slice(self.quoted_run());
        }
    }

    fn quoted_run(&mut self) -> &'a [u8] {
        self.while_matches(|octet| !matches!(octet, b'"' | b'\\' | b'\r' | b'\n' | 0))
    }

    fn escaped(&mut self) -> Result<u8, Fault> {
        self.at += 1;
        match self.peek() {
            Some(octet @ (b'"' | b'\\')) => {
                self.at += 1;
                Ok(octet)
            }
            _ => Err(self.fault("Only '\"' and '\\' can follow a backslash in a quoted string")),
        }
    }

    /// A literal whose octets the framer has put behind its announcement.
    fn literal(&mut self) -> Result<&'a [u8], Fault> {
        let octets = self.literal_announcement()?;
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        if octets > self.rest().len() {
            return Err(self.fault("This literal is not complete"));
        }
        let at = self.at;
        let literal = self.advance(octets);
        // RFC 9051, 9: CHAR8 is any octet but NUL; NUL needs a literal8.
        match literal.contains(&0) {
            true => Err(self.fault_at(at, "A literal cannot hold NUL")),
            false => Ok(literal),
        }
    }

    /// `"{" number64 ["+"] "}" CRLF`, giving the number.
    pub(crate) fn literal_announcement(&mut self) -> Result<u64, Fault> {
        const WHAT: &str = "Expected a literal such as {42}";
        self.expect(b'{', WHAT)?;
        let octets = self.number64(WHAT)?;
        self.take(b'+');
        self.expect(b'}', WHAT)?;
        self.take(b'\r'); // The framer decides whether a bare LF ends a line.
        self.expect(b'\n', WHAT)?;
        Ok(octets)
    }

    /// An astring that must be UTF-8.
    pub(crate) fn text(&mut self, what: &'static str) -> Result<Cow<'a, str>, Fault> {
        let at = self.at;
        let octets = self.astring(what)?;
        utf8(octets).ok_or_else(|| self.fault_at(at, "This argument is not UTF-8"))
    }

    /// A mailbox name, decoded and normalised.
    pub(crate) fn mailbox(&mut self) -> Result<MailboxName, Fault> {
        let octets = self.astring("Expected a mailbox name")?;
        mailbox_name::decode(&octets, self.names)
            .map_err(|bad| Fault { at: self.at, reason: Reason::Name(bad) })
    }

    /// A mailbox name, decoded and normalised, that remembers how it was written.
    pub(crate) fn spelt_mailbox(&mut self) -> Result<SpeltName, Fault> {
        let octets = self.astring("Expected a mailbox name")?;
        mailbox_name::decode_spelt(&octets, self.names)
            .map_err(|bad| Fault { at: self.at, reason: Reason::Name(bad) })
    }

    // Lists.

    /// `"(" member *(SP member) ")"`, or `()` too.
    pub(crate) fn list<T>(
        &mut self,
        what: &'static str,
        mut member: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        self.expect(b'(', what)?;
        let mut members = Vec::new();
        if self.take(b')') {
            return Ok(members);
        }
        loop {
            if members.len() == MAX_LIST_MEMBERS {
                return Err(self.limit("This list has too many members"));
            }
            members.push(member(self)?);
            if self.take(b')') {
                return Ok(members);
            }
            self.expect(b' ', "Expected a space or ')'")?;
        }
    }

    /// A list that must not be empty.
    pub(crate) fn filled_list<T>(
        &mut self,
        what: &'static str,
        member: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let at = self.at;
        let members = self.list(what, member)?;
        if members.is_empty() { Err(self.fault_at(at, what)) } else { Ok(members) }
    }
}

/// UTF-8 text without copying what is borrowed.
pub(crate) fn utf8(octets: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match octets {
        Cow::Borrowed(octets) => std::str::from_utf8(octets).ok().map(Cow::Borrowed),
        Cow::Owned(octets) => String::from_utf8(octets).ok().map(Cow::Owned),
    }
}

/// RFC 9051, 9: ATOM-CHAR.
pub(crate) const fn is_atom_char(octet: u8) -> bool {
    is_astring_char(octet) && octet != b']'
}

/// RFC 9051, 9: ASTRING-CHAR.
pub(crate) const fn is_astring_char(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\')
}

/// RFC 9051, 9: list-char.
pub(crate) const fn is_list_char(octet: u8) -> bool {
    is_astring_char(octet) || matches!(octet, b'%' | b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_quoted_as_literals_and_bare() {
        for (text, want) in [
            ("\"a\\\"b\\\\\"", "a\"b\\"),
            ("\"\"", ""),
            ("{3}\r\na\"b", "a\"b"),
            ("{0+}\r\n", ""),
            ("{2}\nhi", "hi"),
            ("abc]", "abc]"),
            ("\"grün\"", "grün"),
        ] {
            let mut input = Input::new(text.as_bytes());
            assert_eq!(&*input.astring("").unwrap(), want.as_bytes(), "{text:?}");
            assert!(input.is_done(), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_string_is_refused_where_it_goes_wrong() {
        for (text, at) in [
            ("", 0),
            ("\"abc", 0),
            ("\"a\\n\"", 3),
            ("\"a\r\"", 2),
            ("{3}\r\nab", 5),
            ("{1}\r\n\0", 5),
            ("{9223372036854775808}\r\n", 1),
            ("{4294967295}\r\n", 14),
            ("{3}ab", 3),
            ("(", 0),
        ] {
            assert_eq!(Input::new(text.as_bytes()).astring("").unwrap_err().at, at, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_escaped_is_not_copied() {
        assert!(matches!(Input::new(b"\"abc\"").astring(""), Ok(Cow::Borrowed(_))));
        assert!(matches!(Input::new(b"{3}\r\nabc").astring(""), Ok(Cow::Borrowed(_))));
    }
}
