//! A mailbox to look at: a few hundred messages in folders, threads, languages and charsets.
//!
//! [`messages`] makes them from a seed and from the texts in `demo/`; the same seed makes the same bytes. All
//! people, places and addresses are invented (`example.org` and its siblings). The folder *Torture* holds
//! difficult messages of other projects' test suites, under the licences that `demo/NOTICES.md` names.
//!
//! Lines end in CRLF, no message is empty and none holds a NUL. Putting them into an account is left to the caller.

mod calendar;
mod files;
mod header;
mod letter;
mod mime;
mod people;
mod room;
mod scenes;
mod seed;
mod texts;
mod torture;

use terms::{Flag, InternalDate, MailboxName};

/// A message and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoMessage {
    /// In which folder.
    pub mailbox: MailboxName,
    /// What the owner has done with it.
    pub flags: Vec<Flag>,
    /// When it came.
    pub date: InternalDate,
    /// Header and body; lines end in CRLF.
    pub bytes: Vec<u8>,
}

/// The name of the account that the mail is written to.
pub const OWNER: &str = people::OWNER_ADDRESS;

/// The whole mailbox, folder by folder, oldest first, so that UIDs rise with the dates.
pub fn messages(seed: u64) -> impl Iterator<Item = DemoMessage> {
    let mut all = scenes::play(seed);
    all.extend(torture::messages());
    // The sort is stable: what a scene wrote within one second stays in its order.
    all.sort_by(|a, b| (&a.mailbox, a.date.seconds()).cmp(&(&b.mailbox, b.date.seconds())));
    all.into_iter()
}

/// The name of one of the folders that this crate writes down itself.
fn folder(name: &str) -> MailboxName {
    MailboxName::new(name).expect("the folders in the texts have good names; a test reads them all")
}

/// Ends each line in CRLF. What is no line end, a lone CR, stays.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut before = 0;
    for &b in bytes {
        if b == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(b);
        before = b;
    }
    out
}
