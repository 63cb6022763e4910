//! Why somebody stays outside.

use policy::TooManySessions;
use std::fmt;
use std::time::Duration;

/// What a visitor who is not let in may be told. It says less than the log does: who is told that a password is wrong does
/// not hear whether there is such an account.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotLetIn {
    /// Name or proof do not fit: `[AUTHENTICATIONFAILED]`.
    #[error("The name or the password is wrong")]
    Wrong,
    /// Part of the list of accounts is lost: `[UNAVAILABLE]`. Nobody is told that a password is wrong which may be right, nor
    /// of which accounts all is known.
    #[error(
        "Part of the server's list of accounts cannot be read just now, so that it is not known whether this is right; try \
         again once your administrator has mended it"
    )]
    Unknowable,
    /// They are somebody, and asked to act as somebody else: `[AUTHORIZATIONFAILED]`.
    #[error("You cannot act for another account")]
    NotAuthorized,
    /// A directory elsewhere cannot be asked: `[UNAVAILABLE]`. It says nothing of name and password.
    #[error("Passwords of this domain cannot be checked just now; try again in a moment")]
    DirectoryDown,
    /// Too many wait: `[UNAVAILABLE]`.
    #[error("Too many are signing in just now; try again in a moment")]
    Busy,
    /// Too much has failed, here or there: `[LIMIT]`. It was not looked at, so this says nothing of name and password.
    #[error("Too many logins have failed; try again in {0}")]
    Limited(TryAgain),
    /// The account has all the sessions that it may have: `[LIMIT]`.
    #[error("{0}")]
    TooManySessions(#[from] TooManySessions),
    /// The account's mail cannot be had: as the store says.
    #[error("{0}")]
    Mail(#[from] mail::Error),
}

/// When it may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryAgain(pub Duration);

impl fmt::Display for TryAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs().div_ceil(60) {
            0 | 1 => f.write_str("a minute"),
            minutes @ 2..100 => write!(f, "{minutes} minutes"),
            minutes => write!(f, "{} hours", minutes.div_ceil(60)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_minutes_and_never_too_short() {
        let told = |seconds| NotLetIn::Limited(TryAgain(Duration::from_secs(seconds))).to_string();
        assert_eq!(told(1), "Too many logins have failed; try again in a minute");
        assert_eq!(told(61), "Too many logins have failed; try again in 2 minutes");
        assert_eq!(told(3 * 3_600 + 1), "Too many logins have failed; try again in 4 hours");
    }
}
