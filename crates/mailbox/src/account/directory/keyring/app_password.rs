//! App passwords as the directory knows them: of what they are made is `sasl`'s business.

use super::{Cidr, Label, Scopes};
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// Most networks that an app password is bound to.
pub const MAX_NETWORKS: usize = 16;
/// Longest record of an app password's secret, in octets.
pub const MAX_APP_SECRET_OCTETS: usize = 512;

/// Names an app password for ever: 64 random bits, so that none is given again after a restore either, which does not
/// know what was given since.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppPasswordId(NonZeroU64);

impl AppPasswordId {
    /// From random octets.
    #[must_use]
    pub fn new(random: [u8; 8]) -> Self {
        Self(NonZeroU64::new(u64::from_be_bytes(random)).unwrap_or(NonZeroU64::MIN))
    }

    /// As a number; never 0.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    pub(super) fn from_number(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }
}

/// As lists and logs show it: 16 hexadecimal digits.
impl fmt::Display for AppPasswordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for AppPasswordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As it is shown.
impl FromStr for AppPasswordId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = text.len() == 16 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
        let number = is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.and_then(Self::from_number).ok_or(())
    }
}

/// A password that a device has for itself.
#[derive(Clone, PartialEq, Eq)]
pub struct AppPassword {
    /// Given once, and never again.
    pub id: AppPasswordId,
    /// Whose it is, for people: of an account's app passwords each has another.
    pub label: Label,
    /// A record of `sasl`'s, at most [`MAX_APP_SECRET_OCTETS`].
    pub secret: Box<[u8]>,
    /// What it signs in to.
    pub scopes: Scopes,
    /// When it was made: Unix time in seconds.
    pub created_s: i64,
    /// From when on it is not taken any more: Unix time in seconds.
    pub expires_s: Option<i64>,
    /// From where it is taken, at most [`MAX_NETWORKS`]; from everywhere, where there are none.
    pub networks: Box<[Cidr]>,
}

/// Without the secret.
impl fmt::Debug for AppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppPassword({}, {:?}, …)", self.id, self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_it_is_shown_and_is_never_0() {
        let id = AppPasswordId::new([0, 1, 2, 3, 4, 5, 6, 0xff]);
        assert_eq!(id.to_string(), "00010203040506ff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(AppPasswordId::new([0; 8]).get(), 1);
        for text in ["", "0000000000000000", "+001020304050607", "1", "00010203040506fff"] {
            assert_eq!(text.parse::<AppPasswordId>(), Err(()), "{text}");
        }
    }
}
