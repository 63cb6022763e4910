//! Login names.

use crate::name::{SEPARATOR, is_nfkc, to_nfc};
use std::fmt;

/// Longest login name, in octets of UTF-8: the longest mail address (RFC 5321, 4.5.3.1) is shorter.
pub const MAX_LOGIN_OCTETS: usize = 255;

/// The name that an account signs in with, normalised: `Ann@Example.ORG` and `ann@example.org` are one.
///
/// A small PRECIS (RFC 8265, 3.3, UsernameCaseMapped), decided so:
/// - Letters are lower-cased, all of them and not only the domain's: people type their address with a capital,
///   and two accounts that differ by case alone would be a trap.
/// - The result is in normalisation form C.
/// - What RFC 8265 maps by width we refuse, as all that compatibility normalisation would change: a name has one
///   spelling, and nobody's name looks like somebody else's in full-width letters.
/// - Refused too: spaces, control characters, invisible and direction-changing characters, and the separator `/`,
///   so that a login can be a level of a mailbox name (`Other Users/ann`).
/// - With an `@` it is an address: something before, labels without a gap behind, and no second `@`.
///
/// Full case folding, bidi rules and unassigned code points are left out: they need tables that change every year,
/// and names are made by an admin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Login(Box<str>);

impl Login {
    /// Normalises a name.
    ///
    /// # Errors
    /// What is wrong with it. Where a stranger signs in, that is an unknown account like any other.
    pub fn new(text: &str) -> Result<Self, BadLogin> {
        if text.is_empty() {
            return Err(BadLogin::Empty);
        }
        if text.len() > MAX_LOGIN_OCTETS {
            return Err(BadLogin::TooLong);
        }
        let login = to_nfc(&text.to_lowercase()).into_owned();
        if login.len() > MAX_LOGIN_OCTETS {
            return Err(BadLogin::TooLong);
        }
        if login.chars().any(is_refused) || !is_nfkc(&login) {
            return Err(BadLogin::Character);
        }
        check_address(&login)?;
        Ok(Self(login.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_refused(c: char) -> bool {
    c.is_control() || c.is_whitespace() || c == SEPARATOR || is_invisible(c)
}

/// Joiners, direction marks, variation selectors and other characters that leave no ink.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

fn check_address(login: &str) -> Result<(), BadLogin> {
    let Some((local, domain)) = login.split_once('@') else { return Ok(()) };
    let fine = !local.is_empty() && !domain.contains('@') && !domain.split('.').any(str::is_empty);
    if fine { Ok(()) } else { Err(BadLogin::Address) }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text is no login name, for the admin who would make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLogin {
    /// Nothing at all.
    Empty,
    /// More than [`MAX_LOGIN_OCTETS`].
    TooLong,
    /// A space, a slash, or a character that has another spelling or none to see.
    Character,
    /// An `@` with nothing sensible around it.
    Address,
}

impl fmt::Display for BadLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("A login name cannot be empty"),
            Self::TooLong => write!(f, "A login name has at most {MAX_LOGIN_OCTETS} octets"),
            Self::Character => {
                f.write_str("A login name cannot hold spaces, slashes or look-alike characters")
            }
            Self::Address => {
                f.write_str("A login name with an @ has to be an address, as in ann@example.org")
            }
        }
    }
}

impl std::error::Error for BadLogin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_one_name_however_it_is_typed() {
        let ann = Login::new("ann@example.org").unwrap();
        assert_eq!(Login::new("Ann@Example.ORG"), Ok(ann));
        assert_eq!(Login::new("JU\u{308}RGEN"), Login::new("jürgen"));
        assert_eq!(
            Login::new("İ").unwrap().as_str(),
            Login::new(Login::new("İ").unwrap().as_str()).unwrap().as_str()
        );
    }

    #[test]
    fn what_could_be_taken_for_another_name_is_no_login() {
        for (text, why) in [
            ("", BadLogin::Empty),
            ("a b", BadLogin::Character),
            ("a\0", BadLogin::Character),
            ("../a", BadLogin::Character),
            ("a\u{200d}nn", BadLogin::Character),
            ("\u{ff41}nn", BadLogin::Character),
            ("@example.org", BadLogin::Address),
            ("a@b@c", BadLogin::Address),
            ("a@..", BadLogin::Address),
            ("a@", BadLogin::Address),
        ] {
            assert_eq!(Login::new(text), Err(why), "{text:?}");
        }
        assert_eq!(Login::new(&"a".repeat(MAX_LOGIN_OCTETS + 1)), Err(BadLogin::TooLong));
    }
}
