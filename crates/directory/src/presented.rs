//! What somebody presents, to be judged by a directory.

use std::fmt;

/// A password as it was typed: nothing is prepared or normalised, since whoever keeps it elsewhere did not do so either.
#[derive(Clone, Copy)]
pub struct Password<'a>(&'a str);

impl<'a> Password<'a> {
    /// As typed.
    #[must_use]
    pub const fn new(typed: &'a str) -> Self {
        Self(typed)
    }

    /// What was typed, for whoever has to say it to a server that knows whether it is right. To be compared with nothing.
    #[must_use]
    pub const fn expose(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A bearer token (RFC 6750, 2.1): whoever has it is let in.
#[derive(Clone, Copy)]
pub struct Token<'a>(&'a str);

impl<'a> Token<'a> {
    /// As it was sent.
    #[must_use]
    pub const fn new(sent: &'a str) -> Self {
        Self(sent)
    }

    /// What was sent.
    #[must_use]
    pub const fn expose(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
