//! The mechanisms that we speak, by name.

use std::fmt;

/// A mechanism that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 7677, bound to the TLS connection.
    ScramSha256Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 5802, bound to the TLS connection.
    ScramSha1Plus,
    /// RFC 5802.
    ScramSha1,
    /// RFC 7628.
    OAuthBearer,
    /// Google's forerunner of it (developers.google.com, "The SASL XOAUTH2 mechanism"), which most clients speak.
    XOAuth2,
    /// RFC 4422, appendix A: by what TLS has shown.
    External,
    /// RFC 4616.
    Plain,
    /// draft-murchison-sasl-login: PLAIN in two steps, for clients that know no other.
    Login,
}

impl Mechanism {
    /// All of them, in the order in which they are advertised: those that give away least come first.
    pub const ALL: [Self; 9] = [
        Self::ScramSha256Plus,
        Self::ScramSha256,
        Self::ScramSha1Plus,
        Self::ScramSha1,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::External,
        Self::Plain,
        Self::Login,
    ];

    /// As it is advertised.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// The mechanism that a client asked for, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// The same with channel binding, where there is such a one.
    #[must_use]
    pub const fn plus(self) -> Option<Self> {
        match self {
            Self::ScramSha256 => Some(Self::ScramSha256Plus),
            Self::ScramSha1 => Some(Self::ScramSha1Plus),
            _ => None,
        }
    }
}

/// Some of the mechanisms.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Mechanisms(u16);

impl Mechanisms {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// These.
    #[must_use]
    pub fn of(mechanisms: &[Mechanism]) -> Self {
        mechanisms.iter().copied().collect()
    }

    /// Whether this is one of them.
    #[must_use]
    pub const fn has(self, mechanism: Mechanism) -> bool {
        self.0 & Self::bit(mechanism) != 0
    }

    /// In the order in which they are advertised.
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(move |mechanism| self.has(*mechanism))
    }

    const fn bit(mechanism: Mechanism) -> u16 {
        1 << mechanism as u16
    }
}

impl FromIterator<Mechanism> for Mechanisms {
    fn from_iter<I: IntoIterator<Item = Mechanism>>(mechanisms: I) -> Self {
        Self(mechanisms.into_iter().map(Self::bit).fold(0, |all, bit| all | bit))
    }
}

impl fmt::Debug for Mechanisms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
