//! The words between the half that gives and the half that takes.
//!
//! An ask gets one answer; [`Ask::Folder`] is answered by messages until [`Given::End`]. A message is followed by its
//! octets in pieces, an empty frame, and [`Behind`].

use serde::{Deserialize, Serialize};

/// What the taking half asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ask {
    /// Which mailboxes are there?
    List,
    /// All of this one.
    Folder(u32),
}

/// A mailbox as it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mailbox {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) subscribed: bool,
    pub(super) special_uses: Vec<String>,
}

/// What the giving half answers to [`Ask::List`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) mailboxes: Vec<Mailbox>,
    /// Subscribed names that no mailbox has.
    pub(super) other_subscriptions: Vec<String>,
}

/// What the giving half answers to [`Ask::Folder`], in this order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Given {
    /// What it is, and how many messages come.
    Folder(Opened),
    /// A message; its octets follow.
    Message(Message),
    /// A message that cannot be read, and why.
    Bad { uid: u32, why: String },
    /// That was all.
    End,
    /// It cannot be had, and why.
    Failed(String),
}

/// A mailbox at the moment in which it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) messages: u32,
    /// All keywords of its messages.
    pub(super) keywords: Vec<String>,
}

/// A message, but for its octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) uid: u32,
    /// System flags and keywords, as FETCH prints them.
    pub(super) flags: Vec<String>,
    /// Unix seconds, and the zone in minutes east.
    pub(super) date: (i64, i16),
    pub(super) octets: u64,
}

/// What comes behind a message's octets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Behind {
    /// They are whole: this is their BLAKE3.
    Whole([u8; 32]),
    /// They cannot be read to their end, and why: forget them.
    Broken(String),
}
