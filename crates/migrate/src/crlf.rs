//! Line ends.

/// Ends each line in CRLF. What is no line end, a lone CR, stays. `None` where nothing had to be done.
pub(crate) fn with_crlf(octets: &[u8]) -> Option<Vec<u8>> {
    let lone =
        octets.iter().zip(std::iter::once(&0).chain(octets)).filter(|(b, before)| is_lone(**b, **before));
    let more = lone.count();
    if more == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(octets.len() + more);
    let mut before = 0;
    for &b in octets {
        if is_lone(b, before) {
            out.push(b'\r');
        }
        out.push(b);
        before = b;
    }
    Some(out)
}

const fn is_lone(octet: u8, before: u8) -> bool {
    octet == b'\n' && before != b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lone_line_feed_is_given_its_carriage_return() {
        assert_eq!(with_crlf(b"a\nb\r\n\rc\n").as_deref(), Some(b"a\r\nb\r\n\rc\r\n".as_slice()));
        assert_eq!(with_crlf(b"a\r\n"), None);
        assert_eq!(with_crlf(b"\n").as_deref(), Some(b"\r\n".as_slice()));
    }
}
