//! The door: where a name and a password become somebody, whatever is spoken outside.
//!
//! A [`Doorkeeper`] is asked with what a SASL exchange or a LOGIN command came to, a [`Claim`], and with who stands outside,
//! a [`Visitor`]. Whoever is let in gets an [`Entered`]; whoever is not hears one of the few words of [`NotLetIn`], and the
//! log hears why.
//!
//! > **Promises.** A right password never waits. A wrong one waits for its answer, the longer the more often; a name that
//! > nobody has costs what a wrong password costs, and hears the same words (threat T-38). The same holds for a proof: SCRAM
//! > shows everybody a salt, and those of names that nobody has stay the same for ever. What cannot be known now is never
//! > called wrong.
//!
//! Left to others: sockets, and the proof that the line is private, without which there is no claim (`session`); the words of
//! a protocol (`net`).

mod doorkeeper;
mod elsewhere;
mod entered;
mod judge;
mod not_let_in;
mod visitor;

pub use doorkeeper::{Doorkeeper, Rules};
pub use elsewhere::{Elsewhere, Manners};
pub use entered::{Entered, Place};
pub use not_let_in::NotLetIn;
pub use sasl::Claim;
pub use visitor::Visitor;
