//! Takes Return-Path fields out of a message's header.
//!
//! The delivery puts its own in front, and "exactly one return path SHOULD be present when the message is delivered"
//! (RFC 5321, 4.4): a bounce must not go where the message's author would like it to. It is the one field that is
//! taken out, and no signature that is made as RFC 6376, 5.4.1 says covers it. All other octets pass as they are.

use bytes::Bytes;

const NAME: &[u8] = b"return-path";
/// Octets of a line that are held back until it is known what the line is: the name, a few blanks, the colon.
const MAX_HELD: usize = NAME.len() + 8;

/// The filter. It is told a message whose lines end in CRLF.
#[derive(Debug, Default)]
pub struct WithoutReturnPath {
    place: Place,
    /// The start of a line of which it is not known yet what it is.
    held: Vec<u8>,
    /// What became of the line before.
    before: Fate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    Within(Fate),
    Body,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Kept,
    Dropped,
}

/// What a line is, by its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Unknown,
    ReturnPath,
    Continued,
    EndOfHeader,
    Other,
}

impl WithoutReturnPath {
    /// Passes on what came next, but for what goes and what may have to go.
    pub fn pass(&mut self, octets: Bytes) -> Bytes {
        if self.place == Place::Body {
            return octets;
        }
        let mut out = Vec::with_capacity(self.held.len() + octets.len());
        let mut rest = &octets[..];
        while !rest.is_empty() {
            rest = match self.place {
                Place::Body => {
                    out.extend_from_slice(rest);
                    b""
                }
                Place::Within(fate) => self.line(fate, rest, &mut out),
                Place::LineStart => self.start(rest, &mut out),
            };
        }
        out.into()
    }

    /// The message has ended: what was held back.
    pub fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).into()
    }

    /// Goes on within a line whose fate is known.
    fn line<'a>(&mut self, fate: Fate, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let end = memchr::memchr(b'\n', rest).map(|at| at + 1);
        let (line, behind) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, b""));
        if fate == Fate::Kept {
            out.extend_from_slice(line);
        }
        if end.is_some() {
            self.before = fate;
            self.place = Place::LineStart;
        }
        behind
    }

    /// Takes one more octet of a line's start.
    fn start<'a>(&mut self, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (first, behind) = rest.split_at_checked(1).unwrap_or((rest, b""));
        self.held.extend_from_slice(first);
        self.place = match what_is(&self.held) {
            Start::Unknown => return behind,
            Start::EndOfHeader => Place::Body,
            Start::ReturnPath => Place::Within(Fate::Dropped),
            Start::Continued => Place::Within(self.before),
            Start::Other => Place::Within(Fate::Kept),
        };
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Within(Fate::Dropped) => {}
            _ => out.extend_from_slice(&held),
        }
        behind
    }
}

fn what_is(start: &[u8]) -> Start {
    match start {
        [] | [b'\r'] => return Start::Unknown,
        [b'\r', b'\n'] => return Start::EndOfHeader,
        [b' ' | b'\t', ..] => return Start::Continued,
        _ => {}
    }
    let (name, rest) = start.split_at_checked(NAME.len()).unwrap_or((start, b""));
    let is_name = NAME.get(..name.len()).is_some_and(|expected| name.eq_ignore_ascii_case(expected));
    match rest.trim_ascii_start() {
        _ if !is_name || start.len() > MAX_HELD => Start::Other,
        [] if rest.ends_with(b"\n") => Start::Other,
        [] => Start::Unknown,
        [b':', ..] => Start::ReturnPath,
        _ => Start::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut filter = WithoutReturnPath::default();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(filter.pass(Bytes::copy_from_slice(piece)));
        }
        out.extend(filter.finish());
        String::from_utf8(out).unwrap()
    }

    fn check(message: &str, expected: &str) {
        for cut in 1..=message.len() + 1 {
            assert_eq!(passed(message.as_bytes().chunks(cut)), expected, "cut at {cut}");
        }
    }

    #[test]
    fn return_paths_go_with_their_folded_lines() {
        check(
            "Return-Path: <forged@example.org>\r\nSubject: one\r\nRETURN-PATH  :\r\n <a@b>\r\n\t(c)\r\n d\r\nX: y\r\n\r\nText\r\n",
            "Subject: one\r\nX: y\r\n\r\nText\r\n",
        );
    }

    #[test]
    fn everything_else_stays() {
        for message in [
            "",
            "\r\n",
            "Return-Pat",
            "Return-Path-X: y\r\n folded\r\nReturn-Pat: z\r\n\r\n",
            "Subject: x\r\n Return-Path: <a@b>\r\n\r\nReturn-Path: <in the text>\r\n",
            "\r\nReturn-Path: <in the text>\r\n",
            "\r\r\nno header at all",
            "Return-Path\r\n",
            "Return-Path                    : so many blanks\r\n",
        ] {
            check(message, message);
        }
    }
}
