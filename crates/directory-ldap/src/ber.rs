//! As much of BER (ITU-T X.690) as LDAP uses of it (RFC 4511, 5.1), read without a copy.

/// What is left to read of an encoding.
#[derive(Clone, Copy)]
pub(crate) struct Ber<'a>(&'a [u8]);

impl<'a> Ber<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever it is: its tag and its content.
    pub(crate) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (more, rest) = rest.split_at_checked(more_length_octets(first)?)?;
        let (content, rest) = rest.split_at_checked(length(first, more))?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next element, if it has that tag; else nothing is read.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let (found, content) = ahead.next()?;
        (found == tag).then(|| {
            *self = ahead;
            content
        })
    }
}

/// How many octets of length come behind this first one. None for an indefinite length, which LDAP does not have
/// (RFC 4511, 5.1), and for one of more than four octets.
pub(crate) fn more_length_octets(first: u8) -> Option<usize> {
    match first {
        0..=0x7f => Some(0),
        0x81..=0x84 => Some(usize::from(first & 0x7f)),
        _ => None,
    }
}

/// The length that these octets say. It need not be the shortest way to say it: Active Directory always takes four.
pub(crate) fn length(first: u8, more: &[u8]) -> usize {
    if first < 0x80 {
        return usize::from(first);
    }
    more.iter().fold(0, |sum, octet| (sum << 8) | usize::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_however_its_length_is_written() {
        for encoded in [&b"\x04\x02ab"[..], b"\x04\x81\x02ab", b"\x04\x84\0\0\0\x02ab"] {
            let mut ber = Ber::new(encoded);
            assert_eq!(ber.take(0x30), None);
            assert_eq!(ber.take(0x04), Some(&b"ab"[..]));
            assert!(ber.is_empty());
        }
    }

    #[test]
    fn what_is_cut_off_or_has_no_length_is_no_element() {
        for encoded in
            [&b""[..], b"\x04", b"\x04\x03ab", b"\x30\x80\0\0", b"\x04\x82\x01", b"\x04\x85\0\0\0\0\x01a"]
        {
            assert_eq!(Ber::new(encoded).next(), None, "{encoded:?}");
        }
    }
}
