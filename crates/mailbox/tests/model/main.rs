//! Random histories of sessions, mailboxes and restarts, against a truth that is a list of messages.
//!
//! After every step each client, which knows only what untagged replies told it, knows the truth as far as it was
//! told; after a NOOP it knows it all. `GATEPOST_HISTORIES` sets how many are played, `GATEPOST_SEED` plays one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test may panic")]

mod bugs;
mod client;
mod server;
mod truth;
mod world;

use bugs::{BUGS, Bug, Sut};
use world::World;

const HISTORIES: u64 = 20_000;
const STEPS: usize = 60;
/// A planted bug must show within so many histories.
const HISTORIES_FOR_A_BUG: u64 = 5_000;

/// Ends a check with a reason where a condition does not hold.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err(format!($($reason)+));
        }
    };
}

fn play(seed: u64, bug: Option<Bug>) -> Result<(), String> {
    let mut world = World::new(seed, Sut { bug });
    for step in 0..STEPS {
        world.step().map_err(|reason| format!("seed {seed}, step {step}: {reason}"))?;
    }
    world.finish().map_err(|reason| format!("seed {seed}, at its end: {reason}"))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_client_knows_what_it_was_told_and_after_a_noop_knows_it_all() {
    if let Some(seed) = number("GATEPOST_SEED") {
        play(seed, None).unwrap();
        return;
    }
    let histories = number("GATEPOST_HISTORIES").unwrap_or(HISTORIES);
    for seed in 0..histories {
        if let Err(reason) = play(seed, None) {
            panic!("{reason}\nplay it again with GATEPOST_SEED={seed}");
        }
    }
    println!("{histories} histories of {STEPS} steps");
}

#[test]
fn every_planted_bug_is_caught() {
    for bug in BUGS {
        let caught = (0..HISTORIES_FOR_A_BUG).find_map(|seed| play(seed, Some(bug)).err());
        println!("{bug:?}: {}", caught.as_deref().unwrap_or("not caught"));
        assert!(caught.is_some(), "{bug:?} was not caught");
    }
}
