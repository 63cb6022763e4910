//! What much mail costs, on this machine and its disk: a mailbox of a million messages, an account of ten thousand
//! mailboxes, and, with `--recovery GIB`, a store that has to be opened again after a SIGKILL.
//!
//! `cargo bench -p gatepost --bench big -- --messages 1000000 --mailboxes 10000 --recovery 5`
//!
//! It prints a table, such as stands in `docs/big.md`. That no work grows as it must not is tested by counting, in
//! `crates/mail/tests/growth.rs`. The store lies below `target/tmp`, and goes in the end.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench may panic, and this one prints a table"
)]

mod scale;
mod source;
mod steps;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::str::FromStr;

const MESSAGES: u64 = 1_000_000;
const MAILBOXES: u64 = 10_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // Whoever runs all targets as tests does not mean this one.
    if !words.iter().any(|word| word == "--bench") {
        return;
    }
    let messages = number(&words, "--messages").unwrap_or(MESSAGES);
    let mailboxes = number(&words, "--mailboxes").unwrap_or(MAILBOXES);
    if messages > 0 {
        steps::print(&format!("a mailbox of {messages} messages"), &scale::of_messages(messages));
    }
    if mailboxes > 0 {
        steps::print(&format!("an account of {mailboxes} mailboxes"), &scale::of_mailboxes(mailboxes));
    }
    if let Some(gib) = number::<f64>(&words, "--recovery") {
        let octets = (gib * f64::from(1 << 30)) as u64;
        steps::print(&format!("recovery of a store of {gib} GiB"), &scale::of_recovery(octets));
    }
}

fn number<N: FromStr>(words: &[String], name: &str) -> Option<N> {
    let at = words.iter().position(|word| word == name)?;
    let number = words.get(at + 1).and_then(|word| word.parse().ok());
    Some(number.unwrap_or_else(|| panic!("{name} wants a number behind it")))
}
