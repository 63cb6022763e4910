//! THREAD (RFC 5256, BASE.7.2.THREAD).

use super::text::number;

/// A `* THREAD (2)(3 6 (4 23)(44 7 96))` being written.
///
/// It keeps no hold of the buffer: between two pieces the buffer may be sent and emptied. That parentheses match is
/// the caller's business, who knows the threads.
#[derive(Debug)]
#[must_use = "a THREAD without its end leaves the client waiting"]
pub struct ThreadLine {
    last: Last,
}

#[derive(Debug, PartialEq, Eq)]
enum Last {
    Word,
    Open,
    Close,
}

impl ThreadLine {
    /// Writes `* THREAD`.
    pub fn begin(out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(b"* THREAD");
        Self { last: Last::Word }
    }

    /// Begins a thread, or one of those that a thread splits into.
    pub fn open(&mut self, out: &mut Vec<u8>) {
        // `thread-data = "THREAD" [SP 1*thread-list]`, `thread-members = nz-number ... [SP thread-nested]`
        self.put(out, Last::Open);
        out.push(b'(');
    }

    /// A message, the child of the one in front of it.
    pub fn member(&mut self, out: &mut Vec<u8>, found: u32) {
        self.put(out, Last::Word);
        number(out, u64::from(found));
    }

    /// Ends what was opened last.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        self.last = Last::Close;
        out.push(b')');
    }

    /// Ends the line.
    pub fn end(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
    }

    /// A space goes behind a word, and nowhere else.
    fn put(&mut self, out: &mut Vec<u8>, next: Last) {
        if std::mem::replace(&mut self.last, next) == Last::Word {
            out.push(b' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The RFC's example, `(`, `)` and numbers.
    fn check(pieces: &str, expected: &str) {
        let mut out = Vec::new();
        let mut line = ThreadLine::begin(&mut out);
        for piece in pieces.split_whitespace() {
            match piece {
                "(" => line.open(&mut out),
                ")" => line.close(&mut out),
                number => line.member(&mut out, number.parse().unwrap()),
            }
        }
        line.end(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn spaces_stand_where_the_grammar_has_them() {
        check("( 2 ) ( 3 6 ( 4 23 ) ( 44 7 96 ) )", "* THREAD (2)(3 6 (4 23)(44 7 96))\r\n");
        check("( ( 3 ) ( 5 ) )", "* THREAD ((3)(5))\r\n");
        check("", "* THREAD\r\n");
    }
}
