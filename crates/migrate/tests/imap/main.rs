//! Other IMAP servers, made up: what they may say, and what ends the conversation.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod here;
mod hostile;
mod peer;
mod strange;
