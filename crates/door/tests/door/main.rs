//! What a doorkeeper does, whatever is spoken outside.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod certificate;
mod elsewhere;
mod house;
mod in_doubt;
mod outage;
mod presence;
mod proven;
mod prover;
mod rotten;
