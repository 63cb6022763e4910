//! IMAP4rev1 and IMAP4rev2 (RFC 3501, RFC 9051, errata included).
//!
//! Two steps, in this order. The [`Framer`] cuts the stream into commands and knows every limit; it does not
//! know the grammar, so a bad command ends itself and never the connection's synchronisation. Then [`parse`]
//! reads one command, literals included, out of one slice without copying what need not be copied.
//!
//! The other way, [`reply`] writes responses into a buffer and keeps them strict: what a picky client could
//! misread is not written, whatever the caller says.

pub mod command;
pub(crate) mod date;
mod error;
pub mod framer;
mod input;
pub mod mailbox_name;
pub mod reply;
mod secret;
mod section;
mod sequence_set;

pub use command::{Command, CommandName, Numbering, Tag, Tagged, parse, parse_with, tag_of};
pub use date::Day;
pub use error::{BadCommand, Reason};
pub use framer::{Framer, Limits};
pub use mailbox_name::NameForm;
pub use secret::Secret;
pub use section::{PartNumber, Section, SectionText};
pub use sequence_set::{MessageSet, SequenceSet, SetNumber};
