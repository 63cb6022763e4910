//! The sweep of each day, while a server runs.

use crate::office::Office;
use events::{Event, Sentence};
use mail::{LeftAlone, Pace, SweepReport};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store::AccountId;

/// From one sweep to the next.
const DAY: Duration = Duration::from_hours(24);
/// A start has enough to do.
const FIRST_PAUSE: Duration = Duration::from_mins(2);
/// After a sweep that could not come to its end.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_hours(1);

/// Sweeps once a day, for ever.
pub(crate) async fn run(office: Arc<Office>) {
    let mut told = BTreeSet::new();
    let mut pause = first_pause(&office).await;
    loop {
        tokio::time::sleep(pause).await;
        pause = match office.accounts.sweep(office.retention, Pace::Cautious).await {
            Ok(report) => {
                tell(&report, &mut told);
                DAY
            }
            Err(why) => {
                tracing::warn!(%why, "the sweep could not come to its end; it is tried again in an hour");
                PAUSE_AFTER_FAILURE
            }
        };
    }
}

/// What is left of a day since the last sweep. By a clock that was set back nobody knows how much that is.
async fn first_pause(office: &Office) -> Duration {
    let last = office.accounts.last_sweep().await.ok().flatten();
    let Some(ran_ms) = last.and_then(|last| u64::try_from(last.ran_ms).ok()) else { return FIRST_PAUSE };
    let ran = SystemTime::UNIX_EPOCH + Duration::from_millis(ran_ms);
    match SystemTime::now().duration_since(ran) {
        Ok(since) => DAY.saturating_sub(since).max(FIRST_PAUSE),
        Err(_) => DAY,
    }
}

/// Writes down what a sweep came to. An account that is left alone is told of once, as long as that is so.
pub(crate) fn tell(report: &SweepReport, told: &mut BTreeSet<AccountId>) {
    if let Some(behind_ms) = report.behind_ms {
        Event::StoreSwept {
            accounts: report.accounts,
            messages: report.swept.records,
            octets: report.swept.octets,
            mailboxes: report.swept.mailboxes,
            removed_accounts: report.swept.accounts,
            behind_hours: u64::try_from(behind_ms / 3_600_000).unwrap_or(0),
        }
        .log();
    }
    let left: BTreeSet<AccountId> = report.left.iter().map(|left| left.id).collect();
    report.left.iter().filter(|left| !told.contains(&left.id)).for_each(tell_left);
    *told = left;
}

fn tell_left(left: &LeftAlone) {
    let account = events::Account::new(left.login.as_str());
    Event::SweepLeft { account, problem: Sentence::new(&left.why) }.log();
}
