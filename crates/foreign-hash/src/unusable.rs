//! Why a hash is of no use.

use std::fmt;

/// Why a stored hash cannot be used, for whoever runs the server. Of the hash it shows nothing but its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The kind is known, and not read here.
    NotSupported(&'static str),
    /// No kind that is known.
    Unknown,
    /// It has the mark of a kind, and not its form.
    Malformed(&'static str),
    /// A comparison would cost more than is allowed.
    TooCostly {
        /// What is too high.
        what: &'static str,
        /// What it is.
        is: u64,
        /// What it may be.
        may_be: u64,
    },
    /// It is the password itself.
    InTheClear,
    /// Whoever manages the accounts there has locked this one (`!` or `*` in front, as in `/etc/shadow`).
    Locked,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSupported(kind) => write!(f, "{kind} is too weak or too rare to be supported; set a new password"),
            Self::Unknown => f.write_str(
                "It is no hash of a known kind; those known are bcrypt, SHA-CRYPT, Argon2, PBKDF2 and (S)SHA; set a new password",
            ),
            Self::Malformed(kind) => {
                write!(f, "It looks like {kind} and is not in its form; was it cut off, or quoted by a shell?")
            }
            Self::TooCostly { what, is, may_be } => write!(
                f,
                "Its {what} is {is} and may be {may_be} at most, or each guess would keep the server busy; set a new password",
            ),
            Self::InTheClear => f.write_str("It is a password in the clear, which nothing here reads; set a new password"),
            Self::Locked => f.write_str("The account is locked where it comes from (its hash begins with ! or *)"),
        }
    }
}

impl std::error::Error for Unusable {}
