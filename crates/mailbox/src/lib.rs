//! What is true of a mailbox: events, state, views and what may be announced.

pub mod account;
pub mod search;
