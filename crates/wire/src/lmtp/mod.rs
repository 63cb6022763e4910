//! LMTP (RFC 2033): what a mail server says that hands in mail, and what it is told.
//!
//! LMTP is SMTP (RFC 5321) with three changes: LHLO instead of EHLO, one reply for each recipient behind a message, and
//! no queue behind it. The extensions are those of SMTP: PIPELINING (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152),
//! SMTPUTF8 (RFC 6531) and ENHANCEDSTATUSCODES (RFC 2034).
//!
//! > **Promise.** A line ends in CRLF and a message in CRLF `.` CRLF, and in nothing that only looks like it (threat
//! > T-6). Every octet is looked at once, however the stream is cut; nothing is allocated by a length that the peer
//! > announced, and nothing of a message is held that has been handed on.

pub mod address;
pub mod command;
pub mod data;
pub mod framer;
pub mod heading;
pub mod reply;
pub mod return_path;

pub use address::{Address, Alphabet};
pub use command::{BadCommand, Body, Command, MailFrom};
pub use framer::{Event, Framer, Misframed};
pub use reply::{Enhanced, Reply};
