//! What may be said, and when: the conversations, free of sockets and clocks.
//!
//! A conversation is handed everything it needs: bytes, moments, the mail of an account. It cannot open a
//! socket, read a clock or name a runtime, so any of it can be replayed in a unit test.
//!
//! > **Promise.** No function of this crate takes a credential from a peer whose line is not private. Before TLS
//! > there is only [`imap::gate::Cleartext`], which has no method that signs anybody in; the way on is
//! > [`imap::gate::Cleartext::finish_handshake`], and that asks for an [`encrypted::Encrypted`].
//!
//! Left to others: what bytes mean (`wire`), what mail is (`mailbox`), where it lies (`mail`), sockets, TLS and
//! time (`net`).

mod breath;
pub mod encrypted;
pub mod imap;
pub mod lmtp;
pub mod outbox;
pub mod port;
mod race;
pub mod refusal;
mod rules;
mod signpost;

pub use rules::{Rules, Unasked};
pub use signpost::Signpost;
