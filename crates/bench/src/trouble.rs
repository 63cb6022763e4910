//! Why a workload could not be measured.

use std::fmt::Display;

/// Sorted by whose it is. Each reads as a sentence for the person at the command line.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// What was asked for cannot be done as it was asked.
    #[error("{0}")]
    Asked(String),
    /// There is mail that is not ours to touch.
    #[error("{0}")]
    NotOurs(String),
    /// The server has not what a workload measures. Nothing is wrong with that.
    #[error("the server has no {0}")]
    Lacking(&'static str),
    /// The server refused what it has to do.
    #[error("{what}: the server refuses: {answer}")]
    Refused {
        /// What was asked of it.
        what: String,
        /// What it said.
        answer: String,
    },
    /// The server says what is no IMAP, or not what was asked for.
    #[error("{0}")]
    Garbled(String),
    /// The connection broke, or nothing came for too long.
    #[error("{0}")]
    Lost(String),
    /// Whoever began the run has ended it.
    #[error("stopped; what the run had made is taken away again")]
    Stopped,
    /// The server's processes cannot be measured.
    #[error("{0}")]
    Meter(String),
}

impl Trouble {
    pub(crate) fn refused(what: &str, answer: &[u8]) -> Self {
        Self::Refused { what: visible(what.as_bytes()), answer: visible(answer) }
    }

    pub(crate) fn garbled(what: &str, octets: &[u8]) -> Self {
        Self::Garbled(format!("{what}: {}", visible(octets)))
    }

    pub(crate) fn lost(what: &str, why: &dyn Display) -> Self {
        Self::Lost(format!("{what}: {why}"))
    }
}

/// Longest text of a server that is repeated, in octets.
const SHOWN: usize = 160;

/// A server's words, short, and without what a terminal would obey.
pub(crate) fn visible(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets.get(..SHOWN).unwrap_or(octets));
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
