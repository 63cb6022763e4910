//! Limits on what a stranger may cost us: delays, connection counts.
//!
//! Every table is bounded in memory whoever fills it, and hashes with a random seed, so that nobody can choose keys
//! that collide (threat T-27). Time is a [`Moment`](terms::Moment) and an argument.
//!
//! A *permit* is the proof that something was counted. Who takes one gives it back, by value, to the table that
//! made it; there is nothing to clone and no way to give it back twice.
//!
//! Left to others: waiting out a delay, closing connections, and exempting an address.

mod attempts;
mod connections;
mod network;
mod sessions;
mod tally;

pub use attempts::{
    Asked, Attempt, Attempts, Begun, Charge, Damaged, FIRST_DELAY, Failure, Fingerprint, KNOWN_FOR, Keys,
    LONGEST_DELAY, Listed, MAX_KNOWN_DEVICES, MAX_LISTED, MAX_PIECE_OCTETS, MAX_REMEMBERED, MAX_STATE_OCTETS,
    MAX_UNDER_WAY, SAME_PASSWORD_FOR, Scope, Subject, Verdict,
};
pub use connections::{ConnectionLimits, ConnectionPermit, Connections, Crowded};
pub use network::Network;
pub use sessions::{DEFAULT_SESSIONS, SessionPermit, Sessions, TooManySessions};
pub use tally::Tally;
