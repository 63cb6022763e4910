//! Each SASL mechanism as a small machine, and the credential records they check.
//!
//! An [`Offer`] says what may be used here and now, and an exchange begins with what it has and with nothing else. Bytes
//! in, a [`Step`] out: a challenge to send, verifiers to look up, a [`Claim`] to judge, or a [`Failure`]. A machine
//! does no IO, knows no directory and draws no random numbers: nonces and salts are arguments. It does not know
//! its protocol either: IMAP, SMTP and POP3 carry the same base64, which [`response`] reads.
//!
//! > **Promises.** Nothing is offered before TLS, and no channel binding that is not real. A password is a [`Secret`], which prints as `…` and is wiped when dropped. Secrets are compared
//! > in constant time. A client that asks to act as somebody else is refused before its password is looked at
//! > (threat T-30). An unknown name costs what a known one does and looks like it (threat T-38), provided that the
//! > caller takes [`CredentialRecord::decoy`] for it. Nobody hears that a proof was right who is not [let in](Pending::accepted) by it.
//!
//! Left to others: whether the connection is encrypted (no caller may get here without that proof), hashing in a
//! pool of bounded memory, delays, and what a name means: [`Claim`] carries it as it was typed, but for SASLprep.

mod app;
mod bearer;
mod binding;
mod credential;
mod exchange;
mod external;
mod failure;
mod gs2;
mod login;
mod mechanism;
mod offer;
mod plain;
mod prep;
pub mod response;
mod scram;
mod secret;

pub use app::{APP_PASSWORD_CHARACTERS, AppPassword, AppRecord, DamagedAppRecord};
pub use binding::Bindings;
pub use credential::{
    Cost, CostMix, CredentialRecord, DamagedRecord, DecoyKey, ForeignHash, MAX_FOREIGN_HASH_OCTETS,
    MAX_MEMORY_KIB, MAX_PASSES, MAX_SCRAM_ITERATIONS, MAX_VERIFIERS, MIN_SCRAM_ITERATIONS, Mark, MarkKey,
    Salts, ScramVerifier, Verdict, Verifiers, Workspace,
};
pub use exchange::{
    Accepted, Assent, Claim, Disproof, Exchange, Lookup, Nonce, Pending, Refused, Step, Typed,
};
pub use failure::Failure;
pub use mechanism::{Mechanism, Mechanisms};
pub use offer::{Abilities, Ability, BearerHint, Channel, Chosen, ClientCertificate, Offer, Policy, State};
pub use prep::BadText;
pub use secret::{MAX_PASSWORD_OCTETS, Secret};
