//! Certificates from an authority by ACME (RFC 8555): ordered, proved, renewed in time, and kept in files.
//!
//! A [`Steward`] has the certificates that are wanted and knows for each what is next. Whoever runs it calls
//! [`Steward::tend`] with the time that it is, and is told when to come again: there is no clock in here, and no
//! chance either but what the caller gives.
//!
//! > **Promise.** Never more than one order at a time. What comes from the authority is shown only once its key fits and
//! > all names are in it. A failure waits longer each time, across restarts, so that no limit of the authority is run
//! > into. Each renewal has a key of its own.
//!
//! Left to others: listening (the proofs lie in [`certificates::Validations`], for whoever has the ports), showing (the
//! files are read again when they change), and what is said of it.

mod asker;
mod hint;
mod hook;
mod order;
mod plan;
mod record;
mod shelf;
mod steward;

pub use hint::identifier;
pub use hook::{Hook, HookError};
pub use order::OrderError;
pub use plan::{Life, Window, moment_in, pause_after, usual_renewal};
pub use record::Record;
pub use steward::{Authority, ExternalAccount, OpenError, Outcome, Proof, Status, Steward, Wanted};
