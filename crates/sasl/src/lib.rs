//! Each SASL mechanism as a small machine, and the credential records they check.
//!
//! Bytes in, a [`Step`] out: a challenge to send, a verifier to look up, a [`Claim`], or a [`Failure`]. A machine
//! does no IO, knows no directory and draws no random numbers: nonces and salts are arguments. It does not know
//! its protocol either: IMAP, SMTP and POP3 carry the same base64, which [`response`] reads.
//!
//! > **Promises.** A password is a [`Secret`], which prints as `…` and is wiped when dropped. Secrets are compared
//! > in constant time. A client that asks to act as somebody else is refused before its password is looked at
//! > (threat T-30). An unknown name costs what a known one does and looks like it (threat T-38), provided that the
//! > caller takes [`CredentialRecord::decoy`] for it.
//!
//! Left to others: whether the connection is encrypted (no caller may get here without that proof), hashing in a
//! pool of bounded memory, delays, and what a name means: [`Claim`] carries it as it was typed, but for SASLprep.

mod credential;
mod exchange;
mod failure;
mod plain;
mod prep;
pub mod response;
mod scram;
mod secret;

pub use credential::{
    Cost, CostMix, CredentialRecord, DamagedRecord, DecoyKey, MAX_MEMORY_KIB, MAX_PASSES,
    MAX_SCRAM_ITERATIONS, MIN_SCRAM_ITERATIONS, Mark, MarkKey, Salts, ScramVerifier, Verdict, Workspace,
};
pub use exchange::{Claim, Exchange, Lookup, Mechanism, Nonce, Step};
pub use failure::Failure;
pub use prep::BadText;
pub use secret::{MAX_PASSWORD_OCTETS, Secret};
