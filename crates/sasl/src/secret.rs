//! Passwords and tokens.

use crate::prep::{BadText, prepare};
use std::fmt;
use zeroize::Zeroizing;

/// Longest password that is looked at, in octets of UTF-8.
pub const MAX_PASSWORD_OCTETS: usize = 1_000;

/// A password or a token. It prints as `…` and is wiped when dropped.
///
/// There is no `==`: a password is compared by [`CredentialRecord::verify`](crate::CredentialRecord::verify), and whoever
/// compares what [`Self::expose`] gives does it in constant time (threat T-36).
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Prepares what was typed (see [`BadText`] for the rules), so that PLAIN and SCRAM agree on its bytes.
    ///
    /// # Errors
    /// It is empty, longer than [`MAX_PASSWORD_OCTETS`], or holds a control character.
    pub fn password(typed: &str) -> Result<Self, BadText> {
        prepare(typed, MAX_PASSWORD_OCTETS).map(Self)
    }

    /// A password as it was typed, to be checked where nothing is prepared: a foreign hash, a directory of others.
    ///
    /// # Errors
    /// What would be no password if it were prepared.
    pub(crate) fn typed(text: &str) -> Result<Self, BadText> {
        Self::password(text)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// A bearer token, if it is one (RFC 6750, 2.1). Its length is bounded by that of a response.
    pub(crate) fn token(text: &str) -> Option<Self> {
        let bare = text.trim_end_matches('=');
        let is_token =
            !bare.is_empty() && bare.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~+/".contains(&c));
        is_token.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The octets, for whoever hands them on or hashes them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The same as text, for whoever has to say it to a server that knows whether it is right.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.0
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
