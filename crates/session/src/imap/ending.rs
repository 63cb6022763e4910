//! Why a session ends, and what the client hears of it.

use super::talk::Silence;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client said LOGOUT.
    LoggedOut,
    /// The peer is gone.
    Gone,
    /// The peer is gone in the middle of a command.
    HalfSaid,
    /// The peer has ended its line in the middle of a command, and of its own will.
    Unended,
    /// The peer did not sign in within [`Rules::sign_in_time`](crate::Rules::sign_in_time).
    NotSignedIn,
    /// The client was silent for [`SILENCE_TIME`](super::SILENCE_TIME).
    TimedOut,
    /// The server is stopping.
    Stopping,
    /// Others wait outside, and nobody has signed in here.
    Crowded,
    /// The account may not be signed in to any more.
    SignedOut,
    /// More than [`MAX_MISTAKES`](super::MAX_MISTAKES) commands in a row were BAD.
    TooManyMistakes,
    /// What the client sends cannot be told apart into commands any more.
    Unsynchronised,
    /// More is expunged than the session can be told of.
    FellBehind,
}

impl Ending {
    /// What silence means before a login.
    pub(super) fn of_stranger(silence: Silence) -> Self {
        match silence {
            Silence::TimedOut => Self::NotSignedIn,
            silence => silence.into(),
        }
    }

    /// What the client is told, unless it is gone or has said goodbye itself.
    pub(super) const fn words(self) -> Option<&'static str> {
        match self {
            Self::LoggedOut | Self::Gone | Self::HalfSaid | Self::Unended => None,
            Self::NotSignedIn => Some("You took too long to sign in"),
            Self::TimedOut => Some("You were silent for too long"),
            Self::Stopping => Some("The server is stopping; try again in a moment"),
            Self::Crowded => Some("Too many connections have not signed in, and yours is the oldest"),
            Self::SignedOut => Some("You were signed out by whoever runs this server"),
            Self::TooManyMistakes => Some("Too many bad commands"),
            Self::Unsynchronised => Some("What you send cannot be understood any more"),
            Self::FellBehind => {
                Some("More messages were expunged than you could be told of; please reconnect")
            }
        }
    }
}

impl From<Silence> for Ending {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Gone => Self::Gone,
            Silence::HalfSaid => Self::HalfSaid,
            Silence::Unended => Self::Unended,
            Silence::Garbled => Self::Unsynchronised,
            Silence::TimedOut => Self::TimedOut,
            Silence::Stopping => Self::Stopping,
            Silence::Crowded => Self::Crowded,
            Silence::SignedOut => Self::SignedOut,
        }
    }
}
