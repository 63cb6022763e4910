//! What is known of a certificate beside the certificate: it has to outlive the process.

use crate::plan::Window;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// What happened, and what is planned. Times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Failures in a row.
    pub failures: u32,
    /// What was wrong the last time.
    pub problem: Option<String>,
    /// Before this no attempt is made.
    pub not_before: Option<u64>,
    /// What the authority wishes, and for which certificate (RFC 9773, 4.1).
    pub hint: Option<Hint>,
    /// When to ask for that again.
    pub ask_again: Option<u64>,
}

/// An authority's wish, and what we made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// Whom it is for.
    pub certificate: String,
    /// The window's begin.
    pub start: u64,
    /// And its end.
    pub end: u64,
    /// The moment in it that was chosen: once, or waiting would never end.
    pub moment: u64,
    /// Where the authority explains itself.
    pub explanation: Option<String>,
}

impl Hint {
    pub(crate) fn window(&self) -> Window {
        Window { start: time(self.start), end: time(self.end) }
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time that a file or an authority gave: none is beyond the year 9999.
pub(crate) fn time(seconds: u64) -> SystemTime {
    const YEAR_9999: u64 = 253_402_300_799;
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(YEAR_9999))
}
