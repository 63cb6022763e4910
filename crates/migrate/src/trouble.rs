//! Why an import, or a part of it, could not be done.

use std::path::Path;

/// Sorted by whose it is. Each reads as a sentence for the person at the command line.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// What is to be read cannot be read, or is not what it was said to be.
    #[error("{0}")]
    Source(String),
    /// The other server does what no honest server does. Nothing more is taken from this connection.
    #[error("{0}; the connection is given up")]
    Hostile(String),
    /// The connection to the other server broke.
    #[error("the connection to the other server broke: {0}")]
    Lost(String),
    /// Our own side cannot store now.
    #[error("{0}")]
    Ours(String),
}

impl Trouble {
    pub(crate) fn file(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Source(format!("{}: {why}", path.display()))
    }

    /// Whether another connection may do better.
    pub(crate) const fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}
