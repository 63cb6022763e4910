//! Gatepost, the IMAP server.

fn main() {}
