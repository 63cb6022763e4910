//! IMAP (RFC 3501 and RFC 9051): one file for each command, one table for all capabilities.
//!
//! > **A command is a file.** It holds the command's rules, cites its clauses, and has a function `run` that asks for
//! > what it needs and no more: [`Mail`](crate::port::Mail) is the proof of a login, `Selected` of an open mailbox,
//! > `Writable` of one that may be changed. It writes its untagged replies and gives back how it came out; the
//! > session tells what else changed, and then the tagged reply. To add one: the file, a line in
//! > `session::execute_signed_in`, a row in [`capability::TABLE`] if it is one, and a transcript.

pub mod capability;
pub mod gate;

// The conversation.
mod announce;
mod done;
mod ending;
mod hall;
mod object_id;
mod old_name;
mod pace;
mod revision;
mod saved;
mod session;
mod talk;
mod uid_only;
mod upload;
mod utf8;

// The commands.
mod append;
mod authenticate;
mod close;
mod compress;
mod create;
mod delete;
mod enable;
mod expunge;
mod fetch;
mod id;
mod idle;
mod list;
mod login;
mod namespace;
mod quota;
mod rename;
mod replace;
mod search;
mod select;
mod sort;
mod status;
mod store;
mod subscribe;
mod thread;
mod transfer;

pub use ending::Ending;
pub use hall::IN_PART;
pub use revision::Revision;
pub use session::{Ended, MAX_MISTAKES, SILENCE_TIME, serve};
pub use talk::Compression;
pub(crate) use upload::MAX_OCTETS_TOGETHER;
