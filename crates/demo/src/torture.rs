//! Difficult messages of other projects' test suites; see `demo/NOTICES.md`.

use crate::calendar::{HOUR, TODAY, at};
use crate::{DemoMessage, folder, with_crlf};

/// The files, in the order of their names.
const FILES: &[&[u8]] = include!(concat!(env!("OUT_DIR"), "/torture.rs"));

/// One an hour, the last one today.
pub(crate) fn messages() -> impl Iterator<Item = DemoMessage> {
    let hours_ago = (0..FILES.len()).rev();
    FILES.iter().zip(hours_ago).map(|(file, hours)| DemoMessage {
        mailbox: folder("Torture"),
        flags: Vec::new(),
        date: at(TODAY - i64::try_from(hours).unwrap_or_default() * HOUR, 0),
        bytes: with_crlf(file),
    })
}
