//! Transfer encodings (RFC 2045, 6), read as leniently as they are written.
//!
//! For searching: what cannot be decoded is passed over or shown as it is, and nothing is refused.

use crate::part::Encoding;
use memchr::memchr;

/// Decodes a body that streams by; how it is cut changes nothing.
pub(crate) struct Decoder {
    encoding: Encoding,
    /// base64: the sextets of an unfinished group, the newest lowest. quoted-printable: unused.
    bits: u32,
    sextets: u8,
    /// quoted-printable: an escape that is not complete: `=`, `=4` or `=` CR.
    escape: Vec<u8>,
}

impl Decoder {
    pub(crate) const fn new(encoding: Encoding) -> Self {
        Self { encoding, bits: 0, sextets: 0, escape: Vec::new() }
    }

    /// Appends the content of the next octets.
    pub(crate) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Identity => out.extend_from_slice(octets),
            Encoding::Base64 => octets.iter().for_each(|octet| self.base64(*octet, out)),
            Encoding::QuotedPrintable => self.quoted_printable(octets, out),
            Encoding::Unknown => {}
        }
    }

    /// Appends what was held back.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        self.end_group(out);
        out.append(&mut self.escape);
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
            if self.escape.is_empty() {
                let (plain, behind) = rest.split_at(memchr(b'=', rest).unwrap_or(rest.len()));
                out.extend_from_slice(plain);
                rest = behind;
            }
            if let Some((octet, behind)) = rest.split_first() {
                self.escaped(*octet, out);
                rest = behind;
            }
        }
    }

    /// An octet that begins or continues an escape.
    fn escaped(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.escape.push(octet);
        match self.escape.as_slice() {
            [b'='] | [b'=', b'\r'] => {}
            // A soft line break.
            [b'=', b'\n'] | [b'=', b'\r', b'\n'] => self.escape.clear(),
            [b'=', high] if high.is_ascii_hexdigit() => {}
            [b'=', high, low] if hex(*high).is_some() && hex(*low).is_some() => {
                out.extend(hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low));
                self.escape.clear();
            }
            _ => self.give_up(out),
        }
    }

    /// No escape after all: it is text, except that its last octet may begin another.
    fn give_up(&mut self, out: &mut Vec<u8>) {
        let last = self.escape.pop();
        out.append(&mut self.escape);
        match last {
            Some(b'=') => self.escape.push(b'='),
            last => out.extend(last),
        }
    }
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
            let mut decoder = Decoder::new(encoding);
            let mut out = Vec::new();
            octets.chunks(size).for_each(|piece| decoder.push(piece, &mut out));
            decoder.finish(&mut out);
            assert_eq!(out, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn base64_ignores_what_is_none() {
        check(Encoding::Base64, b"SGVs\r\nbG8s !IHdv\r\ncmxk", b"Hello, world");
        check(Encoding::Base64, b"SGk=SGk=", b"HiHi");
        check(Encoding::Base64, b"SGVsbG", b"Hell");
    }

    #[test]
    fn quoted_printable_shows_what_is_none() {
        check(Encoding::QuotedPrintable, b"a=C3=BC=\r\nb=\nc", "aübc".as_bytes());
        check(Encoding::QuotedPrintable, b"1=2 =zz ==41 =", b"1=2 =zz =A =");
    }
}
