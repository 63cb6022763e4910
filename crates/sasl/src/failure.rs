//! Why signing in did not work.

use std::fmt;

/// Why an exchange ended without a claim that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The client does not speak the mechanism: `BAD`, and what is wrong with its words.
    Malformed(&'static str),
    /// The client gave up.
    Aborted,
    /// It asked to act as somebody else: `NO [AUTHORIZATIONFAILED]`.
    NotAuthorized,
    /// Name or proof do not fit, and we do not say which: `NO [AUTHENTICATIONFAILED]`.
    WrongCredentials,
    /// The client thinks that we cannot bind the channel, and we offered to: it was told another offer than ours by
    /// somebody in between, or it does not keep to RFC 5802, 6.
    Downgraded,
    /// It binds the channel to something that we do not have: `NO [CANNOT]`.
    UnknownBinding,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => f.write_str(what),
            Self::Aborted => f.write_str("Authentication was cancelled"),
            Self::NotAuthorized => f.write_str("You cannot act for another account"),
            Self::WrongCredentials => f.write_str("The name or the password is wrong"),
            Self::Downgraded => f.write_str(
                "Channel binding was offered, and your program was not told so: somebody may be between us",
            ),
            Self::UnknownBinding => f.write_str("This kind of channel binding is not offered"),
        }
    }
}

impl std::error::Error for Failure {}
