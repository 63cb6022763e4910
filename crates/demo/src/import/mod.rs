//! Your own mail instead of ours: a Maildir or an mbox file, message by message.
//!
//! One message is in memory at a time, and none of more than [`MAX_MESSAGE_OCTETS`]. Lone LFs become CRLF,
//! nothing else is altered. Whether a mailbox takes a message (it may be empty, or hold a NUL) is left to it.

mod maildir;
mod mbox;

use crate::DemoMessage;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

pub use maildir::maildir;
pub use mbox::mbox;

/// Largest message that is read; a larger one is passed over with an error.
pub const MAX_MESSAGE_OCTETS: u64 = 50 << 20;

/// Messages, or why one of them could not be read; the next may still come.
pub type Messages = Box<dyn Iterator<Item = Result<DemoMessage, ImportError>>>;

/// Opens whichever of the two `path` is.
///
/// # Errors
/// When it cannot be opened, or is a folder that is no Maildir.
pub fn open(path: &Path) -> Result<Messages, ImportError> {
    let about = fs::metadata(path).map_err(|error| ImportError::io(path, error))?;
    if about.is_dir() {
        return maildir(path);
    }
    let file = fs::File::open(path).map_err(|error| ImportError::io(path, error))?;
    let fallback = modified(&about);
    Ok(Box::new(mbox(io::BufReader::new(file), fallback).map({
        let path = path.to_owned();
        move |message| message.map_err(|error| error.within(&path))
    })))
}

/// When a file was last changed; in a Maildir that is when the message came.
fn modified(about: &fs::Metadata) -> i64 {
    let since = about.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}

/// Why something could not be read.
#[derive(Debug)]
pub struct ImportError {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Io(io::Error),
    NoMaildir,
    BadName(terms::BadName),
    /// The message with this number, counted from 1.
    TooLarge(u64),
}

impl ImportError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self { path: path.into(), why: Why::Io(error) }
    }

    fn within(self, path: &Path) -> Self {
        Self { path: path.into(), ..self }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Io(error) => write!(f, "{path}: {error}"),
            Why::NoMaildir => {
                write!(f, "{path}: a folder without `cur` is no Maildir; give a Maildir or an mbox file")
            }
            Why::BadName(why) => write!(f, "{path}: {why}"),
            Why::TooLarge(number) => {
                write!(f, "{path}: message {number} has more than {MAX_MESSAGE_OCTETS} octets")
            }
        }
    }
}

impl std::error::Error for ImportError {}
