//! Why a database gave no answer.

use directory::Trouble;

/// Why a database gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The settings, or what the database holds, have to change: in words for who writes them.
    #[error("{0}")]
    Wrong(Trouble),
    /// It cannot be asked now.
    #[error("{0}")]
    Unavailable(Trouble),
}

impl Fault {
    pub(crate) fn wrong(why: impl std::fmt::Display) -> Self {
        Self::Wrong(Trouble::new(why))
    }

    pub(crate) fn unavailable(why: impl std::fmt::Display) -> Self {
        Self::Unavailable(Trouble::new(why))
    }

    /// To whoever wants to sign in it is one: tables can be put right while the server runs.
    pub(crate) fn into_trouble(self) -> Trouble {
        match self {
            Self::Wrong(why) | Self::Unavailable(why) => why,
        }
    }
}
