//! How octets are written down: base64 of two alphabets, hexadecimal, and the letters of `crypt(3)`.

use base64::Engine;
use base64::alphabet::{BCRYPT, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Some write padding and some do not, and some leave bits behind the last octet that mean nothing (old versions of
/// several bcrypt libraries do); all of them are taken as meant.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BCRYPT64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, LENIENT);

/// The letters of SHA-CRYPT, worth 0 to 63.
const CRYPT64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    BASE64.decode(text).ok().map(Zeroizing::new)
}

pub(crate) fn bcrypt64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    BCRYPT64.decode(text).ok().map(Zeroizing::new)
}

/// Hexadecimal of either case.
pub(crate) fn hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for [high, low] in pairs {
        octets.push(nibble(*high)? << 4 | nibble(*low)?);
    }
    Some(octets)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Some octets of a digest as `crypt(3)` writes them: a group of three is a number of 24 bits, the first octet on top, and
/// is written from its lowest six bits on.
pub(crate) fn crypt64(groups: impl Iterator<Item = [u8; 3]>, letters: usize) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(letters + 3));
    for [high, middle, low] in groups {
        let group = u32::from_be_bytes([0, high, middle, low]);
        for shift in [0, 6, 12, 18] {
            let letter = CRYPT64.get((group >> shift & 0x3f) as usize);
            text.extend(letter);
        }
    }
    text.truncate(letters);
    text
}

/// A number as it is written without signs, spaces or leading zeros.
pub(crate) fn number(text: &str) -> Option<u32> {
    let is_plain =
        text.bytes().all(|digit| digit.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_comes_in_pairs_of_digits() {
        assert_eq!(hex("00fFa0").unwrap().as_slice(), [0, 0xff, 0xa0]);
        for bad in ["0", "0g", "+1", "é"] {
            assert!(hex(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn base64_may_have_its_padding_or_not() {
        assert_eq!(base64("aGk=").unwrap().as_slice(), b"hi");
        assert_eq!(base64("aGk").unwrap().as_slice(), b"hi");
        assert!(base64("a*k").is_none());
    }

    #[test]
    fn a_number_is_digits_alone() {
        assert_eq!(number("5000"), Some(5_000));
        for bad in ["", "+1", "05", " 5", "4294967296", "-1"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
