//! What each step took.

use crate::support::Server;
use std::time::{Duration, Instant};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) what: String,
    /// Messages or mailboxes that it was about.
    pub(crate) count: u64,
    pub(crate) took: Duration,
    /// The most that the server had resident at once meanwhile, in octets.
    pub(crate) peak: u64,
    /// What the server wrote meanwhile, in octets.
    pub(crate) written: u64,
}

/// Lets `work` be done, and says what it took of the server.
pub(crate) fn step(server: &Server, what: impl Into<String>, count: u64, work: impl FnOnce()) -> Step {
    server.forget_peak();
    let (began, before) = (Instant::now(), server.written());
    work();
    let took = began.elapsed();
    let written = server.written().saturating_sub(before);
    Step { what: what.into(), count, took, peak: server.memory().peak, written }
}

/// The same for the start of a server, from its beginning until it listens.
pub(crate) fn start(what: &str, count: u64, start: impl FnOnce() -> Server) -> (Server, Step) {
    let began = Instant::now();
    let server = start();
    let took = began.elapsed();
    let (peak, written) = (server.memory().peak, server.written());
    (server, Step { what: what.into(), count, took, peak, written })
}

/// The table, as Markdown has it.
pub(crate) fn print(title: &str, steps: &[Step]) {
    println!(
        "\n{title}\n\n| step | seconds | each, µs | peak RSS, MiB | written, MiB |\n|---|--:|--:|--:|--:|"
    );
    for Step { what, count, took, peak, written } in steps {
        let each = took.as_secs_f64() * 1e6 / (*count).max(1) as f64;
        let mib = |octets: &u64| *octets as f64 / f64::from(1 << 20);
        println!(
            "| {what} | {:.3} | {each:.1} | {:.0} | {:.1} |",
            took.as_secs_f64(),
            mib(peak),
            mib(written)
        );
    }
}
