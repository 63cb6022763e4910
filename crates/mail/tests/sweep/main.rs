//! The sweep and the purge, over the store in memory and the one on a disk, by a clock that a test moves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(unreachable_pub, reason = "nobody takes anything from a test")]

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod interrupted;
mod meanwhile;
mod power;
mod purge;
mod retention;
mod scene;
mod trims;
