//! Limits as they are typed: sizes, numbers, and the words for none and for the usual.

use crate::desk::Allowed;

/// Letters behind a size, and how many powers of 1,024 they are.
const UNITS: [(&str, u32); 5] = [("KB", 10), ("MB", 20), ("GB", 30), ("TB", 40), ("B", 0)];

/// A number, or a word for none.
pub(super) fn number(text: &str) -> Result<Allowed, String> {
    match text {
        "usual" => Ok(Allowed::Usual),
        "none" => Ok(Allowed::Unlimited),
        number => number.parse().map(Allowed::AtMost).map_err(|_| "a number, none or usual".into()),
    }
}

/// Octets. A KB is 1,024 of them, as it is to IMAP.
pub(super) fn size(text: &str) -> Result<Allowed, String> {
    const WHAT: &str = "a size such as 500MB or 2GB, none or usual";
    let unit = UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let Some((digits, shift)) = unit else { return number(text).map_err(|_| WHAT.into()) };
    let octets = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    octets.map(Allowed::AtMost).ok_or_else(|| WHAT.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_limits_may_be_lifted() {
        assert_eq!(size("2GB"), Ok(Allowed::AtMost(2 << 30)));
        assert_eq!(size("512"), Ok(Allowed::AtMost(512)));
        assert_eq!(size("7B"), Ok(Allowed::AtMost(7)));
        assert_eq!(size("none"), Ok(Allowed::Unlimited));
        assert_eq!(number("usual"), Ok(Allowed::Usual));
        for nonsense in ["", "GB", "2 GB", "-1", "2gigs", "99999999999TB"] {
            assert!(size(nonsense).is_err(), "{nonsense}");
        }
        assert!(number("2GB").is_err());
    }
}
