//! What tests of several crates share: a disk that fails on demand, dice that a seed throws, how many seeds, a client, an LDAP
//! server, and a reader of metrics with what fetches them.

#![expect(clippy::indexing_slicing, reason = "for tests, which may panic")]

pub mod dice;
#[cfg(feature = "disk")]
pub mod disk;
pub mod exposition;
pub mod http;
#[cfg(feature = "client")]
pub mod imap;
#[cfg(feature = "pebble")]
pub mod pebble;
pub mod seeds;
#[cfg(feature = "ldap")]
pub mod slapd;
