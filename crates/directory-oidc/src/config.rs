//! What the settings say of an OpenID provider.

use directory::{DirectoryName, Secret};

/// A directory that is an OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// What the directory is called.
    pub name: DirectoryName,
    /// The provider, as it writes itself in its tokens: `https://id.example.org/realms/staff`. Where its keys are, it tells below
    /// that (`/.well-known/openid-configuration`). It is part of who somebody is: another one means other people.
    pub issuer: String,
    /// For whom a token has to be made: one of its `aud` has to be one of these. There has to be at least one.
    pub audiences: Vec<String>,
    /// The programs that a token may have been made for, by their `client_id` at the provider (`azp`, `client_id` in the token);
    /// empty for all that the provider makes tokens for.
    pub clients: Vec<String>,
    /// The scopes that a token has to have, all of them. Clients are told to ask for them.
    pub scopes: Vec<String>,
    /// What in a token is the name of the account.
    pub login: LoginClaim,
    /// A claim that has to be `true` for whoever may sign in; `None` where everybody may that the provider makes a token for.
    pub enabled: Option<String>,
    /// Whether the provider is asked about tokens, and as whom; `None` where they are judged by its keys alone.
    pub introspection: Option<Introspection>,
    /// Who vouches for the provider's certificate.
    pub roots: fetch::Roots,
}

/// What in a token is the name of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginClaim {
    /// `email`, where `email_verified` is `true`: without it, whoever may write an address into a profile would be let into the
    /// account of that name.
    Email,
    /// `preferred_username`, for providers that let nobody choose it freely.
    PreferredUsername,
    /// A claim of the provider's own, which is a text.
    Named(String),
}

impl LoginClaim {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::PreferredUsername => "preferred_username",
            Self::Named(name) => name,
        }
    }
}

/// How the provider is asked about tokens (RFC 7662).
#[derive(Clone, Debug)]
pub struct Introspection {
    /// As whom we ask: a client that the provider lets introspect.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Which tokens it is asked about.
    pub tokens: Introspected,
}

/// Which tokens the provider is asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Introspected {
    /// Those that are none of its signed ones: a text that only the provider can read. Where several directories do that, each of
    /// them gets to see the tokens of the others.
    #[default]
    Opaque,
    /// Signed ones too, once they are found right: so that one that was revoked is known to be within a minute.
    All,
}
