//! What tests of several crates share: a disk that fails on demand, dice that a seed throws, how many seeds, and a client.

#![expect(clippy::indexing_slicing, reason = "for tests, which may panic")]

pub mod dice;
#[cfg(feature = "disk")]
pub mod disk;
#[cfg(feature = "client")]
pub mod imap;
pub mod seeds;
