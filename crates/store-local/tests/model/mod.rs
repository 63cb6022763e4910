//! A store as the tests that break its disk see it: what writers want done, and what is there afterwards.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod plan;
pub(crate) mod state;
