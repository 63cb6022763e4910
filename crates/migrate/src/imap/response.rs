//! Reading what an IMAP server says, as far as an import wants to know it.
//!
//! Servers are taken as they are: a keyword that is no atom is a word here and judged where it is kept, a response
//! that nobody asked for is passed over. What is asked for and does not read is an error.

use std::str;

/// How deep lists may be in each other.
const MAX_DEPTH: usize = 16;

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// `+`: go on.
    Continue,
    /// How a command came out.
    Tagged(String, Told),
    /// The same of no command, or a greeting.
    Status(Told),
    /// Anything else that begins with `*`.
    Data(Vec<Value>),
}

/// OK, NO, BAD, BYE or PREAUTH, and what was said with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which of them.
    pub status: Status,
    /// What stands in brackets.
    pub code: String,
    /// What stands behind it, without what a terminal would obey.
    pub text: String,
}

/// How a command came out, or how it stands (RFC 9051, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Ok,
    /// It failed.
    No,
    /// It was not understood.
    Bad,
    /// The server goes.
    Bye,
    /// Somebody is signed in already.
    PreAuth,
}

/// A value in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An atom, a number, NIL, a flag.
    Word(String),
    /// A string, quoted or literal.
    Octets(Vec<u8>),
    /// Values in parentheses.
    List(Vec<Self>),
}

impl Value {
    /// An atom, as it was sent.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it is this atom, in whatever case.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        self.word().is_some_and(|own| own.eq_ignore_ascii_case(word))
    }

    /// A number.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.word()?.parse().ok()
    }

    /// What is in a list.
    #[must_use]
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// A string, or an atom where a string may be one.
    #[must_use]
    pub fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Octets(octets) => Some(octets),
            Self::Word(word) => Some(word.as_bytes()),
            Self::List(_) => None,
        }
    }
}

/// Reads a response, without its line end; `None` where it does not read.
#[must_use]
pub fn parse(response: &[u8]) -> Option<Response> {
    if response == b"+" || response.starts_with(b"+ ") {
        return Some(Response::Continue);
    }
    let space = response.iter().position(|b| *b == b' ')?;
    let (tag, rest) = (response.get(..space)?, response.get(space + 1..)?);
    let told = told(rest);
    if tag != b"*" {
        return Some(Response::Tagged(String::from_utf8_lossy(tag).into_owned(), told?));
    }
    match told {
        Some(told) => Some(Response::Status(told)),
        None => Some(Response::Data(Values { left: rest }.all()?)),
    }
}

fn told(rest: &[u8]) -> Option<Told> {
    let text = String::from_utf8_lossy(rest);
    let (word, text) = text.split_once(' ').unwrap_or((&text, ""));
    let status = match &*word.to_ascii_uppercase() {
        "OK" => Status::Ok,
        "NO" => Status::No,
        "BAD" => Status::Bad,
        "BYE" => Status::Bye,
        "PREAUTH" => Status::PreAuth,
        _ => return None,
    };
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (code, text) = in_brackets.unwrap_or(("", text));
    // It may come to somebody's terminal.
    let text = text.trim().chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    Some(Told { status, code: code.to_owned(), text })
}

struct Values<'a> {
    left: &'a [u8],
}

impl Values<'_> {
    /// All values to the end.
    fn all(&mut self) -> Option<Vec<Value>> {
        let values = self.values(0)?;
        self.left.is_empty().then_some(values)
    }

    /// Values up to the end, or to a parenthesis that closes.
    fn values(&mut self, depth: usize) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        loop {
            match self.left.first() {
                None | Some(b')') => return Some(values),
                Some(b' ') => self.skip(1),
                Some(_) => values.push(self.value(depth)?),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.left.first()? {
            b'(' if depth >= MAX_DEPTH => None,
            b'(' => {
                self.skip(1);
                let list = self.values(depth + 1)?;
                let closes = self.left.first() == Some(&b')');
                self.skip(1);
                closes.then_some(Value::List(list))
            }
            b'"' => self.quoted(),
            first => {
                if *first == b'{'
                    && let Some(literal) = self.literal()
                {
                    return Some(literal);
                }
                let is_word = |b: &&u8| !matches!(b, b' ' | b'(' | b')' | b'"' | b'\r' | b'\n');
                let length = self.left.iter().take_while(is_word).count();
                let word = String::from_utf8_lossy(self.left.get(..length)?).into_owned();
                self.skip(length);
                (length > 0).then_some(Value::Word(word))
            }
        }
    }

    fn quoted(&mut self) -> Option<Value> {
        let mut octets = Vec::new();
        self.skip(1);
        loop {
            let (&octet, rest) = self.left.split_first()?;
            self.left = rest;
            match octet {
                b'"' => return Some(Value::Octets(octets)),
                b'\\' => {
                    let (&escaped, rest) = self.left.split_first()?;
                    self.left = rest;
                    octets.push(escaped);
                }
                octet => octets.push(octet),
            }
        }
    }

    fn literal(&mut self) -> Option<Value> {
        let end = self.left.iter().position(|b| *b == b'}')?;
        let digits = str::from_utf8(self.left.get(1..end)?).ok()?;
        let octets: usize = digits.strip_suffix('+').unwrap_or(digits).parse().ok()?;
        let rest = self.left.get(end..)?.strip_prefix(b"}\r\n")?;
        let (literal, rest) = rest.split_at_checked(octets)?;
        self.left = rest;
        Some(Value::Octets(literal.to_vec()))
    }

    fn skip(&mut self, octets: usize) {
        self.left = self.left.get(octets..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap_codec::encode::Encoder;
    use imap_codec::imap_types::core::{Atom, NString, QuotedChar, Vec1};
    use imap_codec::imap_types::fetch::MessageDataItem;
    use imap_codec::imap_types::flag::{Flag, FlagFetch, FlagNameAttribute};
    use imap_codec::imap_types::response::{Data, Response as Theirs};
    use proptest::prelude::*;

    fn word(text: &str) -> Value {
        Value::Word(text.into())
    }

    #[test]
    fn status_responses_have_codes_and_texts() {
        let Some(Response::Tagged(tag, told)) = parse(b"a7 no [UIDVALIDITY 5] not [now]") else { panic!() };
        assert_eq!((tag.as_str(), told.status), ("a7", Status::No));
        assert_eq!((told.code.as_str(), told.text.as_str()), ("UIDVALIDITY 5", "not [now]"));
        // Some servers leave the text out.
        assert!(matches!(parse(b"* OK"), Some(Response::Status(Told { status: Status::Ok, .. }))));
        assert_eq!(parse(b"+"), Some(Response::Continue));
    }

    #[test]
    fn keywords_are_taken_as_they_come() {
        let Some(Response::Data(values)) = parse(b"* 1 FETCH (FLAGS (\\Seen a]b {c) UID 9)") else {
            panic!()
        };
        let list = values[2].list().unwrap();
        assert_eq!(list[1].list().unwrap(), [word("\\Seen"), word("a]b"), word("{c")]);
    }

    #[test]
    fn what_does_not_read_is_told_apart() {
        for bad in ["* 1 FETCH (UID 7", "* LIST () \"/", "* LIST {5}\r\nabc", "", "x", "* a) b"] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad:?}");
        }
        let deep = format!("* X {}{}", "(".repeat(100), ")".repeat(100));
        assert_eq!(parse(deep.as_bytes()), None);
    }

    #[test]
    fn what_an_independent_codec_writes_is_read_as_it_means_it() {
        let items = vec![
            MessageDataItem::Uid(7.try_into().unwrap()),
            MessageDataItem::Flags(vec![
                FlagFetch::Flag(Flag::Seen),
                FlagFetch::Flag(Flag::Keyword(Atom::try_from("$Forwarded").unwrap())),
            ]),
            MessageDataItem::Rfc822Size(12),
            MessageDataItem::BodyExt {
                section: None,
                origin: None,
                data: NString::try_from("a\"b").unwrap(),
            },
        ];
        let fetch = Data::Fetch { seq: 3.try_into().unwrap(), items: Vec1::try_from(items).unwrap() };
        let list = Data::List {
            items: vec![FlagNameAttribute::Noselect],
            delimiter: Some(QuotedChar::try_from('/').unwrap()),
            mailbox: "a \\ b".try_into().unwrap(),
        };
        let read = |data| {
            let octets = imap_codec::ResponseCodec::default().encode(&Theirs::Data(data)).dump();
            match parse(octets.strip_suffix(b"\r\n").unwrap()) {
                Some(Response::Data(values)) => values,
                other => panic!("{other:?}"),
            }
        };
        let values = read(fetch);
        assert_eq!(values[0].number(), Some(3));
        let items = values[2].list().unwrap();
        assert_eq!(items[1].number(), Some(7));
        assert_eq!(items[3].list().unwrap(), [word("\\Seen"), word("$Forwarded")]);
        assert_eq!(items[5].number(), Some(12));
        assert_eq!((items[6].word(), items[7].octets()), (Some("BODY[]"), Some(&b"a\"b"[..])));
        let values = read(list);
        assert_eq!(values[3].octets(), Some(&b"a \\ b"[..]));
    }

    proptest! {
        #[test]
        fn no_response_panics(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&octets);
        }
    }
}
