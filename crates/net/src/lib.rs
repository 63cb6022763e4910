//! Sockets, TLS and timeouts; drives sessions.
//!
//! The outermost ring: the only crate that accepts a connection. It decides nothing about mail and nothing about
//! who may read it; it carries bytes, keeps time, and makes the one value that lets a conversation go on: the
//! proof that a TLS handshake finished.
//!
//! ```text
//!  listen ─► server ─► reception (may it come in?) ─► connection ─┬─ gate (before TLS) ─┐
//!                                                                 ├─────────────────────┴► handshake ─► peer ─► Service
//!                                                                 └ (LMTP) ───────────────────────────► peer ─► Service
//! ```
//!
//! > **Promise.** What came before the handshake is not in memory after it. Every wait for a peer has a deadline, every
//! > buffer a bound, and every connection leaves one line in the log, whatever ended it.
//!
//! Apart from all that there is an [`Endpoint`], where programs read over HTTP how the server is.
//!
//! Left to others: what is said (`session`), signals (the caller has a [`Remote`]), and the log's format.

mod bindings;
mod chronicle;
mod clock;
mod connection;
mod deflate;
mod door;
mod edge;
mod endpoint;
mod gate;
mod hall;
mod handshake;
mod hello;
mod hush;
mod imap;
mod inflate;
mod inspection;
mod leaving;
mod listen;
mod lmtp;
mod octets;
mod peer;
mod prompt;
mod protocols;
mod reception;
mod server;
mod socket_file;
pub mod tls;
mod unix_door;
mod validation;
mod visit;

pub use clock::Clock;
pub use connection::Service;
pub use endpoint::{Condition, Endpoint, Page, Pages};
pub use imap::{Imap, trusted_networks};
pub use listen::ListenError;
pub use lmtp::Lmtp;
pub use protocols::Protocols;
pub use reception::Present;
pub use server::{Awaited, Gauge, Remote, Server, StartError, Stopped, certificate_files};
pub use socket_file::{SocketFile, SocketName};
pub use visit::{Farewell, Visit};
