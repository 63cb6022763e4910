//! What tests of several crates share: a disk that fails on demand, and dice that a seed throws.

#![expect(clippy::indexing_slicing, reason = "for tests, which may panic")]

pub mod dice;
pub mod disk;
