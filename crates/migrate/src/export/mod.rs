//! Mail taken out: an account as a Maildir or as mbox files that any other server reads.
//!
//! Two halves again, since only one process has a data directory open: whoever has it gives ([`give`]), the command line
//! takes and writes ([`take`]). Nothing is changed by it, and what cannot be read is told and passed over: one damaged
//! message keeps nobody here.

mod frames;
mod giving;
mod maildir;
mod mbox;
mod taking;

pub use giving::give;
pub use maildir::MaildirShelf;
pub use mbox::MboxShelf;
pub use taking::{ExportReport, ExportedFolder, FolderToWrite, MessageToWrite, Shelf, take};
