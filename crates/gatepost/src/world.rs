//! The machine's clock and chance.

use mail::World;
use std::time::{Duration, SystemTime};

/// The machine we run on.
#[derive(Debug)]
pub(crate) struct Machine;

impl World for Machine {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn random(&self, into: &mut [u8]) {
        getrandom::fill(into)
            .expect("a system without chance cannot run TLS either, and has said so at the start");
    }
}
