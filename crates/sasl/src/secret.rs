//! Passwords.

use crate::prep::{BadText, prepare};
use std::fmt;
use zeroize::Zeroizing;

/// Longest password that is looked at, in octets of UTF-8.
pub const MAX_PASSWORD_OCTETS: usize = 1_000;

/// A password, prepared for comparing. It prints as `…` and is wiped when dropped.
///
/// There is no `==`: a password is compared by [`CredentialRecord::verify`](crate::CredentialRecord::verify).
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Prepares what was typed (see [`BadText`] for the rules), so that PLAIN and SCRAM agree on its bytes.
    ///
    /// # Errors
    /// It is empty, longer than [`MAX_PASSWORD_OCTETS`], or holds a control character.
    pub fn password(typed: &str) -> Result<Self, BadText> {
        prepare(typed, MAX_PASSWORD_OCTETS).map(Self)
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_an_ellipsis() {
        let secret = Secret::password("hunter2").unwrap();
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "… Some(\n    …,\n)");
    }
}
