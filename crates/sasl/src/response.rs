//! The base64 in which protocols carry SASL, strictly.
//!
//! No whitespace, no missing or superfluous padding, no stray bits in the last character: a response has one
//! spelling. Nothing is allocated before the length is known to be within [`MAX_RESPONSE_OCTETS`].

use crate::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Longest response before its encoding, in octets.
pub const MAX_RESPONSE_OCTETS: usize = 8 << 10;

/// Longest response in base64, in octets.
pub const MAX_ENCODED_OCTETS: usize = MAX_RESPONSE_OCTETS.div_ceil(3) * 4;

/// A challenge, as it is sent.
#[must_use]
pub fn encode(challenge: &[u8]) -> String {
    STANDARD.encode(challenge)
}

/// The line with which a client answers a challenge; `*` gives up (RFC 9051, 6.2.2; RFC 4954, 4).
///
/// # Errors
/// [`Failure::Aborted`], or [`Failure::Malformed`] for what is not base64 or too long.
pub fn decode(line: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if line == b"*" {
        return Err(Failure::Aborted);
    }
    if line.len() > MAX_ENCODED_OCTETS {
        return Err(Failure::Malformed("The response is too long"));
    }
    // Room for all of it at once: a vector that grows would leave copies of a password behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(line.len()));
    match STANDARD.decode_vec(line, &mut octets) {
        Ok(()) => Ok(octets),
        Err(_) => Err(Failure::Malformed("The response is not base64")),
    }
}

/// The initial response of AUTHENTICATE (RFC 4959) or AUTH: `=` stands for one of no octets.
///
/// # Errors
/// As [`decode`].
pub fn decode_initial(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if text == b"=" { Ok(Zeroizing::default()) } else { decode(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_BASE64: Result<Vec<u8>, Failure> = Err(Failure::Malformed("The response is not base64"));

    fn read(line: &str) -> Result<Vec<u8>, Failure> {
        decode(line.as_bytes()).map(|octets| octets.to_vec())
    }

    #[test]
    fn a_response_has_one_spelling() {
        assert_eq!(read("AGEAYg=="), Ok(b"\0a\0b".to_vec()));
        assert_eq!(read(""), Ok(Vec::new()));
        for line in
            ["AGEAYg", "AGEAYg=", "AGEAYh==", "AGEA Yg==", "AGEAYg==\r", "AGEAYg====", "=", "é", "A_-="]
        {
            assert_eq!(read(line), NOT_BASE64, "{line:?}");
        }
    }

    #[test]
    fn an_asterisk_gives_up_and_an_equals_sign_is_an_empty_initial_response() {
        assert_eq!(read("*"), Err(Failure::Aborted));
        assert_eq!(decode_initial(b"=").map(|octets| octets.len()), Ok(0));
        assert_eq!(decode_initial(b"*").map(|octets| octets.len()), Err(Failure::Aborted));
    }

    #[test]
    fn a_response_has_a_longest_length() {
        let longest = encode(&[7; MAX_RESPONSE_OCTETS]);
        assert_eq!(read(&longest).map(|octets| octets.len()), Ok(MAX_RESPONSE_OCTETS));
        assert!(matches!(read(&format!("{longest}AAAA")), Err(Failure::Malformed(_))));
    }
}
