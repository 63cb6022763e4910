//! Transfer encodings (RFC 2045, 6), read as leniently as they are written.
//!
//! Nothing is refused, and nothing is guessed. What that means where a sender erred:
//!
//! | in base64 | |
//! |---|---|
//! | an octet outside the alphabet | is passed over (RFC 2045, 6.8) |
//! | `=`, wherever it is | ends a group; what follows begins another, as where two encodings were joined |
//! | a group that ends early | gives the whole octets that it holds: of two sextets one, of three two, of one none |
//!
//! | in quoted-printable | |
//! |---|---|
//! | `=` and no two hexadecimal digits | is text, as it stands |
//! | small hexadecimal digits | are digits |
//! | `=` at the very end | is a soft line break, whose line end belongs to the delimiter behind it |
//! | blanks at the end of a line | are no content (6.7, rule 3); more than a line can have are |
//! | octets that should have been escaped; bare line ends | are content |

use crate::part::Encoding;
use memchr::memchr2;

/// Decodes a body that streams by; how it is cut changes nothing. It holds some few octets, a thousand at most.
#[derive(Clone, Debug)]
pub struct TransferDecoder {
    encoding: Encoding,
    /// base64: the sextets of an unfinished group, the newest lowest. quoted-printable: unused.
    bits: u32,
    sextets: u8,
    /// quoted-printable: an escape that is not complete, beginning with `=`; or what may be blanks at the end of a
    /// line, and their CR.
    held: Vec<u8>,
}

impl TransferDecoder {
    /// At the beginning of a body. Of an encoding that nobody knows it makes nothing.
    #[must_use]
    pub const fn new(encoding: Encoding) -> Self {
        Self { encoding, bits: 0, sextets: 0, held: Vec::new() }
    }

    /// Appends the content of the next octets.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Identity => out.extend_from_slice(octets),
            Encoding::Base64 => octets.iter().for_each(|octet| self.base64(*octet, out)),
            Encoding::QuotedPrintable => self.quoted_printable(octets, out),
            Encoding::Unknown => {}
        }
    }

    /// Appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end_group(out);
        let held = std::mem::take(&mut self.held);
        match held.strip_prefix(b"=") {
            Some(escape) if is_line_end(escape) => {}
            Some(_) => out.extend_from_slice(&held),
            None => out.extend_from_slice(held.get(without_line_end(&held)..).unwrap_or_default()),
        }
    }

    /// "All line breaks or other characters not found in Table 1 must be ignored" (RFC 2045, 6.8).
    fn base64(&mut self, octet: u8, out: &mut Vec<u8>) {
        if octet == b'=' {
            return self.end_group(out);
        }
        let Some(sextet) = sextet(octet) else { return };
        self.bits = self.bits << 6 | u32::from(sextet);
        self.sextets += 1;
        if self.sextets == 4 {
            self.end_group(out);
        }
    }

    /// Two sextets hold one octet, three hold two, four hold three.
    fn end_group(&mut self, out: &mut Vec<u8>) {
        let [_, first, second, third] =
            (self.bits << (6 * (4 - u32::from(self.sextets.min(4))))).to_be_bytes();
        match self.sextets {
            2 => out.push(first),
            3 => out.extend_from_slice(&[first, second]),
            4 => out.extend_from_slice(&[first, second, third]),
            _ => {}
        }
        (self.bits, self.sextets) = (0, 0);
    }

    fn quoted_printable(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let mut rest = octets;
        while !rest.is_empty() {
            if self.held.is_empty() {
                rest = self.plain(rest, out);
            }
            if let Some((octet, behind)) = rest.split_first() {
                self.go_on(*octet, out);
                rest = behind;
            }
        }
    }

    /// Takes the text in front, up to an escape or the end of a line. What may turn out to be blanks at the end of a
    /// line is held.
    fn plain<'a>(&mut self, octets: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (text, rest) = octets.split_at(memchr2(b'=', b'\n', octets).unwrap_or(octets.len()));
        match rest.split_first() {
            Some((b'\n', behind)) => {
                let (text, line_end) = text.split_at(without_line_end(text));
                out.extend_from_slice(text.get(..without_blanks(text)).unwrap_or_default());
                out.extend_from_slice(line_end);
                out.push(b'\n');
                behind
            }
            Some(_) => {
                out.extend_from_slice(text);
                rest
            }
            None => {
                let ends = without_blanks(text.get(..without_line_end(text)).unwrap_or_default());
                let (text, open) = text.split_at(ends);
                out.extend_from_slice(text);
                self.hold(open, out);
                rest
            }
        }
    }

    /// An octet that begins an escape, or that goes on with what is held.
    fn go_on(&mut self, octet: u8, out: &mut Vec<u8>) {
        let is_escape = self.held.first().is_none_or(|first| *first == b'=');
        if is_escape { self.escaped(octet, out) } else { self.behind_blanks(octet, out) }
    }

    fn escaped(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.held.push(octet);
        match self.held.as_slice() {
            [b'='] => {}
            [b'=', high] if high.is_ascii_hexdigit() => {}
            [b'=', high, low] if hex(*high).is_some() && hex(*low).is_some() => {
                out.extend(hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low));
                self.held.clear();
            }
            // A soft line break, with the blanks that transport may have added (RFC 2045, 6.7: transport-padding).
            [b'=', padding @ .., b'\n'] if is_line_end(padding) => self.held.clear(),
            [b'=', padding @ ..] if is_line_end(padding) && padding.len() < MAX_HELD_OCTETS => {}
            _ => self.give_up(out),
        }
    }

    /// No escape after all: it is text, except for its last octet, which is looked at anew.
    fn give_up(&mut self, out: &mut Vec<u8>) {
        let last = self.held.pop();
        out.append(&mut self.held);
        self.held.extend(last.filter(|octet| *octet == b'='));
        self.plain(last.filter(|octet| *octet != b'=').as_slice(), out);
    }

    /// "Any trailing white space on a Quoted-Printable line MUST be deleted" (RFC 2045, 6.7, rule 3, which also says
    /// why: only transport can have put it there).
    fn behind_blanks(&mut self, octet: u8, out: &mut Vec<u8>) {
        let has_cr = self.held.ends_with(b"\r");
        match octet {
            b'\n' => {
                self.held.clear();
                out.extend_from_slice(if has_cr { b"\r\n" } else { b"\n" });
            }
            b' ' | b'\t' | b'\r' if !has_cr && self.held.len() < MAX_HELD_OCTETS => self.held.push(octet),
            _ => {
                out.append(&mut self.held);
                if octet == b'=' {
                    self.held.push(octet);
                } else {
                    self.plain(&[octet], out);
                }
            }
        }
    }

    fn hold(&mut self, open: &[u8], out: &mut Vec<u8>) {
        if open.len() < MAX_HELD_OCTETS {
            self.held.extend_from_slice(open)
        } else {
            out.extend_from_slice(open)
        }
    }
}

/// How much of the end of a line is held until it is known whether the line ends there, in octets. No line is so long
/// (RFC 5322, 2.1.1).
const MAX_HELD_OCTETS: usize = 1_000;

/// Where a line's CR is, if it has one.
fn without_line_end(line: &[u8]) -> usize {
    line.strip_suffix(b"\r").unwrap_or(line).len()
}

/// Where a line's text ends.
fn without_blanks(line: &[u8]) -> usize {
    line.iter().rposition(|octet| !matches!(octet, b' ' | b'\t')).map_or(0, |last| last + 1)
}

/// Blanks, and then perhaps a CR.
fn is_line_end(octets: &[u8]) -> bool {
    without_blanks(octets.get(..without_line_end(octets)).unwrap_or_default()) == 0
}

const fn sextet(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

const fn hex(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: Encoding, octets: &[u8], expected: &[u8]) {
        for size in 1..=octets.len().max(1) {
            let mut decoder = TransferDecoder::new(encoding);
            let mut out = Vec::new();
            octets.chunks(size).for_each(|piece| decoder.push(piece, &mut out));
            decoder.finish(&mut out);
            assert_eq!(
                out.escape_ascii().to_string(),
                expected.escape_ascii().to_string(),
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn base64_ignores_what_is_none() {
        check(Encoding::Base64, b"SGVs\r\nbG8s !IHdv\r\ncmxk", b"Hello, world");
        check(Encoding::Base64, b"SGk=SGk=", b"HiHi");
        check(Encoding::Base64, b"SGVsbG", b"Hell");
        check(Encoding::Base64, b"SGVsb", b"Hel");
        check(Encoding::Base64, b"====", b"");
    }

    #[test]
    fn quoted_printable_shows_what_is_none() {
        check(Encoding::QuotedPrintable, b"a=C3=BC=\r\nb=\nc", "aübc".as_bytes());
        check(Encoding::QuotedPrintable, b"1=2 =zz ==41 =c3=4", b"1=2 =zz =A \xc3=4");
        check(Encoding::QuotedPrintable, b"1=\rx=\r\r\ny=4\r\nz", b"1=\rx=\r\r\ny=4\r\nz");
    }

    #[test]
    fn blanks_at_the_end_of_a_quoted_printable_line_are_no_content() {
        check(Encoding::QuotedPrintable, b"a \t \r\n \r\n\t\n b  c=20 \r\n", b"a\r\n\r\n\n b  c \r\n");
        check(Encoding::QuotedPrintable, b"a = \t\r\nb =  \nc  =3D", b"a b c  =");
        check(Encoding::QuotedPrintable, b"a \r b \r \r\n=x \r\n", b"a \r b \r\r\n=x\r\n");
        check(Encoding::QuotedPrintable, b"the end  ", b"the end");
    }

    #[test]
    fn a_last_equals_sign_is_a_soft_line_break() {
        check(Encoding::QuotedPrintable, b"cut here=", b"cut here");
        check(Encoding::QuotedPrintable, b"cut here= ", b"cut here");
    }

    #[test]
    fn what_is_held_back_is_bounded() {
        for endless in [&b"= "[..], b" "] {
            let mut decoder = TransferDecoder::new(Encoding::QuotedPrintable);
            let mut out = Vec::new();
            decoder.push(endless, &mut out);
            for _ in 0..10 * MAX_HELD_OCTETS {
                decoder.push(b" ", &mut out);
                assert!(decoder.held.len() <= MAX_HELD_OCTETS + 1);
            }
            decoder.push(b"x", &mut out);
            decoder.finish(&mut out);
            assert_eq!(out.len(), endless.len() + 10 * MAX_HELD_OCTETS + 1);
        }
    }
}
