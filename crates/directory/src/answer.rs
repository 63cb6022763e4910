//! What a directory answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// An answer that is on its way.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Answer<T>> + Send + 'a>>;

/// What came of a question. There is no `Result`: that nobody has a name is no failure of anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Answer<T> {
    /// So it is.
    Yes(T),
    /// Nobody here has that name, and no token like this one is made here.
    NoSuch,
    /// The name is known, and the password is not its own; or the token is one of ours and does not hold.
    Wrong,
    /// The password is right, and its owner may not sign in.
    Disabled,
    /// Not known now. Whoever asks may ask again; it says nothing of name and password.
    Unavailable(Trouble),
}

impl<T> Answer<T> {
    /// The same, with what `change` makes of a yes.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        self.and_then(|yes| Answer::Yes(change(yes)))
    }

    /// The same, with what `next` answers to a yes.
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Answer<U>) -> Answer<U> {
        match self {
            Self::Yes(yes) => next(yes),
            Self::NoSuch => Answer::NoSuch,
            Self::Wrong => Answer::Wrong,
            Self::Disabled => Answer::Disabled,
            Self::Unavailable(why) => Answer::Unavailable(why),
        }
    }
}

/// Why a directory could not answer, for the log: what it was, and what an admin might do. Never a name or a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Trouble {
    words: Box<str>,
    is_passing: bool,
}

/// Most octets of it: a server elsewhere may have written it.
const MAX_TROUBLE: usize = 400;

impl Trouble {
    /// In words. What is too long is cut, and what cannot be printed is taken out.
    #[must_use]
    pub fn new(why: impl fmt::Display) -> Self {
        let mut words = String::new();
        for c in why.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }) {
            if words.len() + c.len_utf8() > MAX_TROUBLE {
                break;
            }
            words.push(c);
        }
        Self { words: words.into(), is_passing: false }
    }

    /// The same, of this question alone: it says nothing of how the directory does. Whoever counts failures, or tells when a
    /// directory is down and when it is back, passes it over; strangers may bring it about.
    #[must_use]
    pub fn passing(why: impl fmt::Display) -> Self {
        Self { is_passing: true, ..Self::new(why) }
    }

    /// Whether it is of one question alone.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.is_passing
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.words, f)
    }
}

impl std::error::Error for Trouble {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_elsewhere_says_is_bounded_and_has_no_lines() {
        assert_eq!(Trouble::new("no\r\nroute").to_string(), "no  route");
        assert_eq!(Trouble::new("ü".repeat(10_000)).to_string().len(), MAX_TROUBLE);
    }
}
