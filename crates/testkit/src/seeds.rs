//! How many seeds a test tries: the one place for all of them.
//!
//! `GATEPOST_SEEDS=2000 cargo test -p store-local --test power_cut` tries two thousand instead of the few that CI has
//! the time for; `GATEPOST_SEED=17` tries seed 17 alone, as a failure says it.
use std::env;
use std::ops::Range;

/// The seeds to try: `usually` so many.
///
/// # Panics
/// When a variable is not a number: a slip must not pass for a short run that found nothing.
#[must_use]
pub fn to_try(usually: u64) -> Range<u64> {
    match number("GATEPOST_SEED") {
        Some(only) => only..only + 1,
        None => 0..number("GATEPOST_SEEDS").unwrap_or(usually),
    }
}

fn number(name: &str) -> Option<u64> {
    let given = env::var(name).ok()?;
    Some(given.parse().unwrap_or_else(|_| panic!("{name} is a number, not {given:?}")))
}
