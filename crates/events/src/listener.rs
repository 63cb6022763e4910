//! Who hears of every event besides the log.
//!
//! Not a subscriber of `tracing`: the level of the log hides events from those, and what they are given of a field is text.

use crate::Event;
use std::sync::OnceLock;

type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// One for the process, as the log's subscriber is.
static LISTENER: OnceLock<Listener> = OnceLock::new();

/// From now on `listener` hears of every event, whatever the level of the log, on the thread that says it: so it must not
/// wait.
///
/// # Errors
/// Somebody listens already: then it stays so.
pub fn listen(listener: impl Fn(&Event) + Send + Sync + 'static) -> Result<(), Occupied> {
    LISTENER.set(Box::new(listener)).map_err(|_| Occupied)
}

/// There is one listener for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupied;

impl std::fmt::Display for Occupied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("somebody listens to the events already")
    }
}

impl std::error::Error for Occupied {}

pub(crate) fn tell(event: &Event) {
    if let Some(listener) = LISTENER.get() {
        listener(event);
    }
}
