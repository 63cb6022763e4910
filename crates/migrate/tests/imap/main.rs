//! Other IMAP servers, made up: what they may say, and what ends the conversation.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod at_once;
mod failing;
mod here;
mod hostile;
mod peer;
mod refused;
mod strange;
mod uids;
