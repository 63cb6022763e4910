//! An IMAP client that is there to be fast and to believe nothing: it counts octets, keeps no mail, and allocates nothing
//! for a message that passes.
//!
//! It shares no code with any server: a server that is measured with its own parser agrees with itself.

mod said;
mod scan;
mod session;
mod target;
mod tls;
mod wire;

pub use target::{Security, Way};
pub use tls::{KeyExchange, Verification};

pub(crate) use said::{Earlier, Said, code, number, numbers, split};
pub(crate) use scan::{Items, Scan, Value};
pub(crate) use session::{Capabilities, Letter, Selected, Session, Tag, before, quoted};
pub(crate) use target::Target;
pub(crate) use wire::{PATIENCE, Stream};
