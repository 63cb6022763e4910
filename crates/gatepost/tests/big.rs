//! The program that says what much mail costs (`benches/big`) runs, and finds in the store what it put there; its figures
//! are for a larger size, and for people.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../benches/big/scale.rs"]
mod scale;
#[path = "../benches/big/source.rs"]
mod source;
#[path = "../benches/big/steps.rs"]
mod steps;
mod support;

use steps::Step;

fn check(title: &str, steps: &[Step]) {
    steps::print(title, steps);
    assert!(steps.iter().all(|step| step.count > 0 && step.peak > 0), "a step did nothing");
}

#[test]
fn a_mailbox_has_after_a_kill_the_messages_that_it_had_before() {
    check("1,000 messages", &scale::of_messages(1_000));
}

#[test]
fn an_account_has_after_a_kill_the_mailboxes_that_it_had_before() {
    check("250 mailboxes", &scale::of_mailboxes(250));
}

#[test]
fn a_store_that_was_filled_and_killed_opens_with_its_index_and_without() {
    check("2 MiB", &scale::of_recovery(2 << 20));
}
