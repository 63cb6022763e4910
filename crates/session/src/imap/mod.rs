//! IMAP (RFC 3501, on the way to RFC 9051): one file for each command, one table for all capabilities.

pub mod capability;
pub mod gate;
