//! One list of what happens: log lines and metrics now, the audit log later from the same source.
//!
//! An [`Event`] is made where something happened and said with [`Event::log`]. Its name and the names of its
//! fields are stable: human and JSON logs, the manual and later the audit log take them from the one list in
//! `list.rs`. Who listens ([`listen`]), and in which format it is written, is decided by the outermost ring.
//!
//! > **Promise.** No event holds a secret: each field has a type of its own, none is a plain string, and there
//! > is none for passwords, tokens or mail. What a peer wrote is bounded, and escaped so that it cannot end a
//! > line, forge a field or move a terminal's cursor ([`MAX_TEXT_OCTETS`]).
//!
//! ```compile_fail,E0308
//! let password = String::from("hunter2");
//! let claimed = Some(password);
//! # let (connection, peer) = (events::ConnectionId(1), events::Peer::UnixSocket);
//! // An account's claimed name is not a string that was lying about.
//! events::Event::ExposedCredential { connection, peer, claimed }.log();
//! ```

mod declare;
mod list;
mod listener;
mod manual;
mod text;
mod value;
mod word;

pub use list::Event;
pub use listener::{Occupied, listen};
pub use manual::manual;
pub use text::{
    Account, Alpn, Claimed, ClientId, Command, Directory, File, Label, Listener, MAX_TEXT_OCTETS,
    MailAddress, Mailbox, Problem, ResponseCode, Sentence, ServerName, Source,
};
pub use value::{Codes, ConnectionId, FaultId, MAX_CODES, Peer, Sha256};
pub use word::{
    Absence, AuthFailure, AuthLimit, DeliveryFailure, EndReason, ImportOutcome, Mechanism, PlaintextCommand,
    Protocol, Refusal, Refused, StopReason, TlsGroup, TlsVersion, Word,
};

/// The target of every event, for filters: `gatepost=debug`.
pub const TARGET: &str = "gatepost";
