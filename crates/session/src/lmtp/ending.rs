//! Why a conversation ends, and what the client hears of it.

use super::talk::Silence;
use wire::lmtp::{Enhanced, Misframed, Reply};

/// Why a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client said QUIT.
    Quit,
    /// The client is gone.
    Gone,
    /// The client was silent for [`SILENCE_TIME`](super::SILENCE_TIME).
    TimedOut,
    /// The server is stopping.
    Stopping,
    /// More than [`MAX_MISTAKES`](super::MAX_MISTAKES) bad commands in a row.
    TooManyMistakes,
    /// A message without end.
    Endless,
    /// Lines that are none: the client reads them otherwise than we do (threat T-6).
    Misframed(Misframed),
}

impl Ending {
    /// What the client is told, unless it is gone or has said goodbye itself.
    pub(super) fn words(self, host: &str) -> Option<Reply> {
        let (code, enhanced, why) = match self {
            Self::Quit | Self::Gone => return None,
            Self::TimedOut => (421, Enhanced(4, 2), "You were silent for too long"),
            Self::Stopping => (421, Enhanced(3, 2), "The server is restarting; try again in a moment"),
            Self::TooManyMistakes => (421, Enhanced(7, 0), "Too many bad commands"),
            Self::Endless => (421, Enhanced(3, 4), "This message does not end"),
            Self::Misframed(Misframed::BareLf) => (521, Enhanced(5, 2), "A line ended in LF without CR"),
            Self::Misframed(Misframed::BareCr) => (521, Enhanced(5, 2), "A line had a CR without LF"),
            Self::Misframed(Misframed::Endless) => (521, Enhanced(5, 2), "A line did not end"),
        };
        Some(Reply::new(code, enhanced, format!("{host} {why}")))
    }
}

impl From<Silence> for Ending {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Gone => Self::Gone,
            Silence::TimedOut => Self::TimedOut,
            Silence::Stopping => Self::Stopping,
            Silence::Endless => Self::Endless,
        }
    }
}
