//! Why a token does not hold.

/// Why a token of this provider lets nobody in, for the log. What is in the token is not in it: a stranger may have made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// RFC 7515, 4.1.11: what is critical has to be understood, and nothing of the kind is.
    #[error("its header has `crit`")]
    Critical,
    /// RFC 8725, 3.11: it is there to know who somebody is, or to get other tokens by.
    #[error("it says that it is a token of another kind")]
    Type,
    /// RFC 8725, 3.1.
    #[error("it is signed by an algorithm that is not taken")]
    Algorithm,
    /// It is no text, or too long to be one.
    #[error("its header names its key by what is no name (`kid`)")]
    KeyId,
    /// Among the keys that are known. Whoever brings it is told that it is wrong only where the provider has just been asked for
    /// its sake.
    #[error("the provider has no such key, as far as is known")]
    UnknownKey,
    /// It was changed, or somebody else made it.
    #[error("its signature is wrong")]
    Signature,
    /// Or it does not say when.
    #[error("it has expired")]
    Expired,
    /// Clocks may differ by so much as [`LEEWAY`](crate::LEEWAY).
    #[error("it does not hold yet")]
    NotYet,
    /// It was made for another service.
    #[error("it is made for somebody else (`aud`)")]
    Audience,
    /// It was made for a program that is not in the settings.
    #[error("it is made for a client that may not use it (`azp`)")]
    Client,
    /// RFC 9449, RFC 8705: it is of no use to whoever has it and no more.
    #[error("it is bound to a key that its holder has to prove (`cnf`)")]
    Bound,
    /// It does not allow what we do.
    #[error("it lacks a scope")]
    Scope,
    /// It does not say whose it is.
    #[error("it has no subject")]
    Subject,
    /// The claim that is to name the account is missing, or no name.
    #[error("it has no login")]
    Login,
    /// Whoever wrote it into a profile may not own it.
    #[error("its address is not verified (`email_verified`)")]
    Unverified,
    /// The provider was asked.
    #[error("the provider says that it is not active")]
    Inactive,
    /// What the provider says of a token is about one of somebody else.
    #[error("the provider says that another one made it")]
    Issuer,
}
