//! The door: where a name and a password become somebody, whatever is spoken outside.
//!
//! A [`Doorkeeper`] is asked with what a SASL exchange or a LOGIN command came to, a [`Claim`], and with who stands outside,
//! a [`Visitor`]. Whoever is let in gets an [`Entered`]; whoever is not hears one of the few words of [`NotLetIn`], and the
//! log hears why.
//!
//! > **Promises.** Limits are asked before anything is spent, and told what came of it. A known device with a right password
//! > neither waits nor is refused for what strangers do. A wrong password waits for its answer, the longer the more often; a
//! > name that nobody has costs what a wrong password costs, and hears the same words (threat T-38). The same holds for a proof: SCRAM
//! > shows everybody a salt, and those of names that nobody has stay the same for ever. What cannot be known now is never
//! > called wrong.
//!
//! Left to others: sockets, and the proof that the line is private, without which there is no claim (`session`); the words of
//! a protocol (`net`).

mod by_word;
mod certificate;
mod doorkeeper;
mod elsewhere;
mod entered;
mod judge;
mod limits;
mod not_let_in;
mod presence;
mod try_at;
mod turned_away;
mod visitor;

pub use certificate::ShownCertificate;
pub use doorkeeper::{Doorkeeper, Rules};
pub use elsewhere::{Elsewhere, Expected, Manners};
pub use entered::{Entered, Place};
pub use limits::{Failures, Limits};
pub use not_let_in::NotLetIn;
pub use sasl::Claim;
pub use visitor::Visitor;
