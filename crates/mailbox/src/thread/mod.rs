//! THREAD: which messages belong together (RFC 5256, 3).
//!
//! Messages are added in the order of the mailbox, and become [`Threads`], which are told by walking over them.
//! [`OrderedSubject`] and [`References`] are the two algorithms of the RFC.
//!
//! > **Bounds.** Both are `n log n` in the messages and their references, whatever these say: no loop is looked for
//! > by walking (`forest`), siblings are sorted once and all together (`threads`), names are compared as hashes
//! > (`names`). Nothing recurses. A message costs some 100 octets, however long its subject and its ids; and
//! > messages that are referred to and not there are limited ([`STRANGERS_PER_MESSAGE`]).
//!
//! Left to others: base subjects, Message IDs and dates (`message`), and numbers.

mod arena;
mod forest;
mod names;
mod ordered_subject;
mod references;
mod threads;

pub use ordered_subject::OrderedSubject;
pub use references::{References, STRANGERS_PER_MESSAGE, Unpruned};
pub use threads::{Threads, Token, Walk};

use terms::Uid;

/// A message to be threaded.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Which one.
    pub uid: Uid,
    /// Its sent date (RFC 5256, 2.2), in Unix seconds.
    pub sent: i64,
    /// Its base subject (2.1), decoded.
    pub subject: &'a str,
    /// Whether the subject says that it answers another.
    pub standing: Standing,
}

/// Whether a message is "a reply or forward" (RFC 5256, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It begins something.
    Original,
    /// It is a reply or forward.
    Answer,
}
