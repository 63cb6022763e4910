//! Sockets, TLS and timeouts; drives sessions.
//!
//! The outermost ring: the only crate that accepts a connection. It decides nothing about mail and nothing about
//! who may read it; it carries bytes, keeps time, and makes the one value that lets a conversation go on: the
//! proof that a TLS handshake finished.

pub mod tls;
