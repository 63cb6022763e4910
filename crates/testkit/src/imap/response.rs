//! Reading what a server says, as far as tests want to know it.

use super::Tag;
use std::fmt;
use std::ops::RangeInclusive;

/// Neighbouring UIDs, from one to another.
pub type Span = RangeInclusive<u32>;

/// How a command came out (RFC 3501, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok,
    /// Refused.
    No,
    /// Not understood.
    Bad,
}

/// One response: a line, and the literals in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Response(Vec<u8>);

/// What a FETCH response tells of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Its sequence number.
    pub number: u32,
    /// Names and values, as they came.
    pub items: Vec<(String, Value)>,
}

/// The value of a data item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number or another word; NIL, too.
    Word(String),
    /// What stands between parentheses.
    List(String),
    /// A string, quoted or literal.
    Octets(Vec<u8>),
}

impl Response {
    pub(super) const fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// How many octets it has on the wire, its last line end aside.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.0.len()
    }

    /// Whether it asks for more: `+`.
    #[must_use]
    pub fn is_continuation(&self) -> bool {
        self.0.starts_with(b"+ ")
    }

    /// Whether it answers no command: `*`.
    #[must_use]
    pub fn is_untagged(&self) -> bool {
        self.0.starts_with(b"* ")
    }

    /// Which command it answers, and how.
    #[must_use]
    pub fn status(&self) -> Option<(Tag, Status)> {
        let mut words = std::str::from_utf8(self.0.strip_prefix(b"t")?).ok()?.split(' ');
        let tag = Tag(words.next()?.parse().ok()?);
        let status = match words.next()? {
            "OK" => Status::Ok,
            "NO" => Status::No,
            "BAD" => Status::Bad,
            _ => return None,
        };
        Some((tag, status))
    }

    /// What the response code `name` says: `4 5` of `[APPENDUID 4 5]`.
    #[must_use]
    pub fn code(&self, name: &str) -> Option<&str> {
        let text = std::str::from_utf8(&self.0).ok()?;
        let code = text.split_once('[')?.1.split_once(']')?.0;
        code.strip_prefix(name)?.strip_prefix(' ')
    }

    /// The UIDs of a VANISHED response (RFC 7162, 3.2.10).
    #[must_use]
    pub fn vanished(&self) -> Option<Vec<Span>> {
        let text = std::str::from_utf8(&self.0).ok()?.strip_prefix("* VANISHED ")?;
        Some(spans(text.strip_prefix("(EARLIER) ").unwrap_or(text)))
    }

    /// What a FETCH response tells.
    #[must_use]
    pub fn fetched(&self) -> Option<Fetched> {
        let line = self.0.strip_prefix(b"* ")?;
        let (number, rest) = line.split_at(line.iter().position(|octet| *octet == b' ')?);
        let mut rest = rest.strip_prefix(b" FETCH (")?;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        let mut items = Vec::new();
        while !rest.starts_with(b")") {
            let (name, behind) = item_name(rest)?;
            let (value, behind) = value(behind)?;
            items.push((name, value));
            rest = behind.strip_prefix(b" ").unwrap_or(behind);
        }
        Some(Fetched { number, items })
    }
}

impl Fetched {
    /// The value of an item.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<&Value> {
        self.items.iter().find(|(told, _)| told == name).map(|(_, value)| value)
    }

    /// The number that an item comes to; MODSEQ stands in parentheses.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.item(name)? {
            Value::Word(digits) | Value::List(digits) => digits.parse().ok(),
            Value::Octets(_) => None,
        }
    }

    /// The UID, if it was told.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.number("UID")?.try_into().ok()
    }

    /// The flags, if they were told.
    #[must_use]
    pub fn flags(&self) -> Option<impl Iterator<Item = &str>> {
        match self.item("FLAGS")? {
            Value::List(flags) => Some(flags.split_ascii_whitespace()),
            _ => None,
        }
    }

    /// The octets of a section.
    #[must_use]
    pub fn octets(&self, name: &str) -> Option<&[u8]> {
        match self.item(name)? {
            Value::Octets(octets) => Some(octets),
            _ => None,
        }
    }
}

/// The spans of a set, such as `1:4,7`.
#[must_use]
pub fn spans(set: &str) -> Vec<Span> {
    let span = |part: &str| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        Some(u32::min(first, last)..=first.max(last))
    };
    set.split(',').filter_map(span).collect()
}

/// A data item's name; a section in brackets has spaces of its own.
fn item_name(text: &[u8]) -> Option<(String, &[u8])> {
    let mut depth = 0_u32;
    let end = text.iter().position(|octet| {
        match octet {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        depth == 0 && *octet == b' '
    })?;
    Some((String::from_utf8(text[..end].to_vec()).ok()?, &text[end + 1..]))
}

fn value(text: &[u8]) -> Option<(Value, &[u8])> {
    match text.first()? {
        b'(' => list(text),
        b'{' => literal(text),
        b'"' => {
            let end = text[1..].iter().position(|octet| *octet == b'"')? + 1;
            Some((Value::Octets(text[1..end].to_vec()), &text[end + 1..]))
        }
        _ => {
            let end = text.iter().position(|octet| b" )".contains(octet))?;
            Some((Value::Word(String::from_utf8(text[..end].to_vec()).ok()?), &text[end..]))
        }
    }
}

fn list(text: &[u8]) -> Option<(Value, &[u8])> {
    let mut depth = 0_u32;
    let end = text.iter().position(|octet| {
        match octet {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some((Value::List(String::from_utf8(text[1..end].to_vec()).ok()?), &text[end + 1..]))
}

fn literal(text: &[u8]) -> Option<(Value, &[u8])> {
    let close = text.iter().position(|octet| *octet == b'}')?;
    let octets: usize = std::str::from_utf8(&text[1..close]).ok()?.parse().ok()?;
    let rest = text.get(close + 3..)?;
    Some((Value::Octets(rest.get(..octets)?.to_vec()), &rest[octets..]))
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0[..self.0.len().min(200)]))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_taken_apart_with_its_literals() {
        let line =
            b"* 3 FETCH (UID 7 FLAGS (\\Seen $A) MODSEQ (12) BODY[HEADER.FIELDS (TO)] {4}\r\n)} ( X \"y\")";
        let told = Response::new(line.to_vec()).fetched().unwrap();
        assert_eq!((told.number, told.uid(), told.number("MODSEQ")), (3, Some(7), Some(12)));
        assert_eq!(told.flags().unwrap().collect::<Vec<_>>(), ["\\Seen", "$A"]);
        assert_eq!(told.octets("BODY[HEADER.FIELDS (TO)]"), Some(&b")} ("[..]));
        assert_eq!(told.octets("X"), Some(&b"y"[..]));
    }

    #[test]
    fn an_answer_has_a_tag_a_status_and_a_code() {
        let line = Response::new(b"t12 OK [APPENDUID 4 5] done".to_vec());
        assert_eq!(line.status(), Some((Tag(12), Status::Ok)));
        assert_eq!(line.code("APPENDUID"), Some("4 5"));
    }

    #[test]
    fn what_vanished_is_a_set() {
        let line = Response::new(b"* VANISHED (EARLIER) 1:3,9".to_vec());
        assert_eq!(line.vanished(), Some(vec![1..=3, 9..=9]));
    }
}
