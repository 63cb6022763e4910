//! Accounts, the directory and SEARCH, through their public face.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod account;
mod directory;
mod keyrings;
mod listing;
mod model;
mod search;
