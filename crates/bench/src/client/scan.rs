//! Values inside a response, found where they lie.

/// A value (RFC 9051, 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Anything without a mark of its own: a word, a number, NIL.
    Atom(&'a [u8]),
    /// What stands between the quotes, as it stands there.
    Quoted(&'a [u8]),
    Literal(&'a [u8]),
    /// What stands between the parentheses.
    List(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The octets of a string. One in quotes with a backslash in it is given as it stands.
    pub(crate) const fn string(self) -> Option<&'a [u8]> {
        match self {
            Self::Quoted(octets) | Self::Literal(octets) => Some(octets),
            Self::Atom(_) | Self::List(_) => None,
        }
    }

    /// The octets of a string or a word.
    pub(crate) const fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Atom(octets) => Some(octets),
            _ => self.string(),
        }
    }

    pub(crate) const fn list(self) -> Option<&'a [u8]> {
        if let Self::List(inside) = self { Some(inside) } else { None }
    }

    pub(crate) fn number<N: std::str::FromStr>(self) -> Option<N> {
        if let Self::Atom(digits) = self { super::said::number(digits) } else { None }
    }
}

/// Values one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The next value; `None` at the end, and where there is none to be read.
    pub(crate) fn value(&mut self) -> Option<Value<'a>> {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.first()? {
            b'(' => {
                let end = end_of_list(self.rest)?;
                let inside = self.rest.get(1..end - 1)?;
                self.rest = self.rest.get(end..)?;
                Some(Value::List(inside))
            }
            b'"' => {
                let end = end_of_quoted(self.rest)?;
                let inside = self.rest.get(1..end - 1)?;
                self.rest = self.rest.get(end..)?;
                Some(Value::Quoted(inside))
            }
            b'{' => self.literal(),
            b'~' if self.rest.get(1) == Some(&b'{') => {
                self.rest = self.rest.get(1..)?;
                self.literal()
            }
            b')' => None,
            _ => Some(Value::Atom(self.word())),
        }
    }

    fn literal(&mut self) -> Option<Value<'a>> {
        let (start, end) = literal(self.rest)?;
        let octets = self.rest.get(start..end)?;
        self.rest = self.rest.get(end..)?;
        Some(Value::Literal(octets))
    }

    /// Up to the next space or parenthesis; what stands in brackets, such as the section of BODY, belongs to it.
    fn word(&mut self) -> &'a [u8] {
        let mut inside = false;
        let end = self.rest.iter().position(|octet| {
            match octet {
                b'[' => inside = true,
                b']' => inside = false,
                _ => {}
            }
            !inside && matches!(octet, b' ' | b'(' | b')')
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.value()
    }
}

/// Behind a list that begins with what is given.
fn end_of_list(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match text.get(at)? {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at + 1),
            b')' => depth -= 1,
            b'"' => at += end_of_quoted(text.get(at..)?)? - 1,
            b'{' => at += literal(text.get(at..)?)?.1 - 1,
            _ => {}
        }
        at += 1;
    }
}

fn end_of_quoted(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// From where to where the octets of a literal go, from its `{` on.
fn literal(text: &[u8]) -> Option<(usize, usize)> {
    let line = memchr::memchr(b'\n', text)? + 1;
    let digits = text.get(1..line)?.trim_ascii_end().strip_suffix(b"}")?;
    let octets: usize = super::said::number(digits)?;
    let end = line.checked_add(octets)?;
    (end <= text.len()).then_some((line, end))
}

/// The names and values of a FETCH response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Items<'a> {
    inside: Scan<'a>,
}

impl<'a> Items<'a> {
    /// Of a list, with its parentheses.
    pub(crate) const fn of(list: &'a [u8]) -> Self {
        let inside = match list {
            [b'(', inside @ .., b')'] => inside,
            _ => b"",
        };
        Self { inside: Scan::new(inside) }
    }

    /// Of what stands between the parentheses.
    pub(crate) const fn inside(list: &'a [u8]) -> Self {
        Self { inside: Scan::new(list) }
    }

    /// The value of an item.
    pub(crate) fn get(mut self, name: &str) -> Option<Value<'a>> {
        self.find(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    pub(crate) fn number<N: std::str::FromStr>(self, name: &str) -> Option<N> {
        self.get(name)?.number()
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.inside.value()?.text()?, self.inside.value()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn items_are_found_whatever_stands_before_them() {
        let list = b"(FLAGS (\\Seen) BODY[HEADER.FIELDS (X)] {5}\r\n(\") \" ENVELOPE (\"a\\\"(\" NIL ({2}\r\n)) 1)) UID 17 BINARY[1] ~{1}\r\nx)";
        let items = Items::of(list);
        assert_eq!(items.number::<u32>("uid"), Some(17));
        assert_eq!(items.get("FLAGS"), Some(Value::List(b"\\Seen")));
        assert_eq!(items.get("BODY[HEADER.FIELDS (X)]"), Some(Value::Literal(b"(\") \"")));
        assert_eq!(items.get("BINARY[1]"), Some(Value::Literal(b"x")));
        let mut envelope = Scan::new(items.get("ENVELOPE").unwrap().list().unwrap());
        assert_eq!(envelope.next(), Some(Value::Quoted(b"a\\\"(")));
        assert_eq!(envelope.next(), Some(Value::Atom(b"NIL")));
        assert_eq!(envelope.next().and_then(Value::list), Some(b"{2}\r\n)) 1".as_slice()));
        assert_eq!(items.get("MODSEQ"), None);
    }

    proptest! {
        #[test]
        fn nothing_that_comes_can_panic(octets in prop::collection::vec(
            prop::sample::select(b"()[]\"\\{}~1 \r\nab".to_vec()), 0..60,
        )) {
            let _ = Scan::new(&octets).count();
            let _ = Items::of(&octets).get("a");
        }
    }
}
