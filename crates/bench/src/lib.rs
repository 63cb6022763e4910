//! A load generator for any IMAP server: it measures what mail programs do, and checks every answer.
//!
//! [`run`] signs in at a server, measures the workloads of a [`Plan`] one after the other, and hands a [`Row`] to a
//! [`Watcher`] for each measurement. A server's answer that is not what it has to be stands in the row's
//! [`wrong`](field@Row::wrong): its figures are none then.
//!
//! The mail comes from a seed, so what a server has to say of it is known. The client is of this crate, and so is its
//! parser: nothing is shared with a server.
#![forbid(unsafe_code)]

mod bench;
mod client;
mod corpus;
mod dice;
mod hits;
mod large;
mod latency;
mod lmtp;
mod meter;
mod ours;
mod plan;
mod report;
mod trouble;
mod work;
mod workload;

pub use client::{KeyExchange, Security, Verification, Way};
pub use corpus::{Recipe, SMALLEST, Sizes};
pub use meter::Watched;
pub use plan::{Bound, Idling, Leaving, LmtpPlace, MOST_OPERATIONS, OURS, Plan, RATES, Users, Watcher};
pub use report::{FORM, Row};
pub use trouble::Trouble;
pub use workload::{About, Workload};

use bench::Bench;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a run came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All answers were right.
    Right,
    /// Some were wrong, or did not come; the rows say which.
    Wrong,
}

/// Measures. A workload in which the server fails is told as a row with what was wrong, and the next one is tried. When
/// `stop` is done the run ends at once. In any case what it made is deleted, unless the plan says that it stays.
///
/// # Errors
/// The server cannot be reached, or nobody can sign in; the plan asks for what cannot be; a mailbox with our name has mail
/// in it that is not ours; the server's processes cannot be watched; the run was stopped.
pub async fn run(
    plan: Plan,
    watcher: Arc<dyn Watcher>,
    stop: impl Future<Output = ()>,
) -> Result<Verdict, Trouble> {
    let workloads = plan.workloads.clone();
    let watcher = Arc::new(Judge { watcher, has_wrong: false.into() });
    let bench = Arc::new(Bench::open(plan, Arc::<Judge>::clone(&watcher)).await?);
    let done = tokio::select! {
        done = measure(&bench, &workloads) => done,
        () = stop => Err(Trouble::Stopped),
    };
    bench.stop();
    let cleaned = bench.clean().await;
    done?;
    cleaned?;
    let has_wrong = watcher.has_wrong.load(Ordering::Relaxed);
    Ok(if has_wrong { Verdict::Wrong } else { Verdict::Right })
}

async fn measure(bench: &Arc<Bench>, workloads: &[Workload]) -> Result<(), Trouble> {
    for workload in workloads {
        match work::run(bench, *workload).await {
            Ok(()) => {}
            Err(why @ Trouble::Lacking(_)) => {
                let mut row = Row::new(*workload, "");
                row.skipped = Some(why.to_string());
                bench.tell(&row);
            }
            Err(why @ (Trouble::Refused { .. } | Trouble::Garbled(_) | Trouble::Lost(_))) => {
                let mut row = Row::new(*workload, "");
                row.wrong.push(why.to_string());
                bench.tell(&row);
            }
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

/// Hands on what is watched, and remembers whether something was wrong.
struct Judge {
    watcher: Arc<dyn Watcher>,
    has_wrong: AtomicBool,
}

impl Watcher for Judge {
    fn begins(&self, what: &str, total: u64) {
        self.watcher.begins(what, total);
    }

    fn moves(&self, what: &str, steps: u64) {
        self.watcher.moves(what, steps);
    }

    fn ends(&self, what: &str) {
        self.watcher.ends(what);
    }

    fn measured(&self, row: &Row) {
        if !row.wrong.is_empty() {
            self.has_wrong.store(true, Ordering::Relaxed);
        }
        self.watcher.measured(row);
    }
}
