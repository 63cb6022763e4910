//! Why somebody stays outside.

use policy::TooManySessions;

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
    /// The account has all the sessions that it may have: `[LIMIT]`.
    #[error("{0}")]
    TooManySessions(#[from] TooManySessions),
    /// The account's mail cannot be had: as the store says.
    #[error("{0}")]
    Mail(#[from] mail::Error),
}
