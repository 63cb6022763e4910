//! Mail of elsewhere, brought in: a Maildir, mbox files, any IMAP server.
//!
//! A [`Source`] has folders and a reader that pours out their messages; [`run`] brings them into one account and tells
//! what became of each. It is two halves with a link between them, since only one process has a data directory
//! open: the reading half is the command line, the filing half ([`serve`]) is the running server, or the same process.
//!
//! > **Promise.** A message comes in once, octet by octet as it was read, or the report says why not. A run that was
//! > cut off is simply run again.
//!
//! Nothing is written to a source: mailboxes are opened read-only, files are read.

mod crlf;
pub mod export;
mod filing;
pub mod imap;
mod letter;
mod link;
mod local;
pub mod maildir;
pub mod mbox;
mod memory;
mod names;
mod pour;
mod report;
mod run;
mod source;
mod trouble;

pub use filing::{Ground, Who, serve};
pub use letter::Marks;
pub use link::{Checked, FlagsPolicy, Numbering, Uids};
pub use local::{Extent, Files, Found, Layout, LineEnds, Messages, Unreadable};
pub use names::Choice;
pub use pour::{Pour, Stream, Watcher};
pub use report::{FolderReport, MAX_NAMED, Report, Skipped, Verdict};
pub use run::{Ground as Filers, Plan, run};
pub use source::{Folder, Folders, LeftOut, Reader, Source};
pub use trouble::Trouble;

/// Largest message that is read from a file; what is larger is passed over and told.
pub const MAX_MESSAGE_OCTETS: u64 = 128 << 20;
