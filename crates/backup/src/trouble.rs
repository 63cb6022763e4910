//! What can go wrong.

use std::io;
use std::path::Path;

/// Why a backup was not taken, brought back or found good, for whoever runs the command.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The other half speaks otherwise, or not at all.
    #[error("the server stopped, or is of another version ({0}); run the backup again")]
    Link(String),
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// It cannot be done as asked; a sentence.
    #[error("{0}")]
    Refused(String),
    /// Something is not as it was written; a sentence.
    #[error("{0}")]
    Damaged(String),
    /// What was brought back cannot be used.
    #[error("{0}")]
    Mail(#[from] mail::Error),
    /// The same, of who there is.
    #[error("{0}")]
    Directory(#[from] mail::DirectoryError),
    /// The same, of the store beneath.
    #[error("{0}")]
    Store(#[from] store::StoreError),
    /// What was brought back cannot be opened.
    #[error("{0}")]
    Open(#[from] store_local::OpenError),
}

impl Trouble {
    /// For `map_err`: which file it is about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let place = path.display().to_string();
        move |why| Self::File(place, why)
    }

    pub(crate) fn link(why: impl std::fmt::Display) -> Self {
        Self::Link(why.to_string())
    }
}
