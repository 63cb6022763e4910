//! Bytes to typed commands and typed replies to bytes.
//!
//! Nothing here does IO, reads a clock or knows what a mailbox holds: a codec is told bytes and tells what they
//! mean, or is told what to say and writes it. What may be said when is `session`'s business.

pub mod imap;
pub mod lmtp;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
