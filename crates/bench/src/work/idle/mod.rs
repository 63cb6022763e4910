//! Sessions that do nothing: what each costs in memory, and all of them in CPU; how soon some hear of mail in the midst of
//! the others; and how they come back when the server is started anew.

mod crowd;
mod storm;
mod waking;

use crate::bench::Bench;
use crate::client::{Session, Tag};
use crate::latency::Latencies;
use crate::meter::{Measured, Memory};
use crate::report::{Row, Wrongs, float, rounded};
use crate::trouble::Trouble;
use crate::workload::Workload;
use crowd::{Crowd, Turned};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Sessions, usually.
const SESSIONS: u32 = 1_000;
/// How many sign in at the same time, usually.
const OPENING: u32 = 16;
/// Files that we need for ourselves.
const OWN_FILES: u64 = 100;
/// How long a server is given to settle and is then watched, where nobody says so.
const WATCHED: Duration = Duration::from_secs(2);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// A session in IDLE.
struct Idler {
    /// Which of them.
    number: u32,
    session: Session,
    tag: Tag,
}

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let sessions = bench.connections(SESSIONS);
    allow_files(u64::from(sessions) + OWN_FILES)?;
    let plan = &bench.plan.idling;
    let crowd = Arc::new(Crowd::new(bench, sessions, plan.wake.min(sessions)).await?);
    let (row, held) = gather(bench, &crowd).await?;
    let mut rows = vec![row];
    let left = go_on(bench, &crowd, held, &mut rows).await;
    // Whoever is lost in the end was lost somewhere: none of the figures is one.
    let (wrongs, ended) = match left {
        Ok(held) => (wake(held).await, Ok(())),
        Err(why) => (Wrongs::default(), Err(why)),
    };
    rows.into_iter().for_each(|row| bench.tell(&row.wrong(wrongs.clone())));
    ended
}

/// What is done with the sessions besides; and those that are there then.
async fn go_on(
    bench: &Bench,
    crowd: &Arc<Crowd>,
    mut held: Vec<Idler>,
    rows: &mut Vec<Row>,
) -> Result<Vec<Idler>, Trouble> {
    let plan = &bench.plan.idling;
    if plan.wake > 0 {
        let (row, back) = waking::measure(bench, crowd, held).await?;
        rows.push(row);
        held = back;
    }
    if let Some(command) = &plan.restart {
        let (row, back) = storm::measure(bench, crowd, held, command).await?;
        rows.push(row);
        held = back;
    }
    Ok(held)
}

/// Opens all sessions, in two halves: what the second adds is what one more costs, without what a server takes but once.
async fn gather(bench: &Bench, crowd: &Arc<Crowd>) -> Result<(Row, Vec<Idler>), Trouble> {
    let watched = match bench.plan.bound {
        crate::plan::Bound::Time(time) => time,
        crate::plan::Bound::Count(_) => WATCHED,
    };
    let (sessions, at_once) = (crowd.sessions, bench.plan.idling.at_once.unwrap_or(OPENING));
    let (mut latencies, mut held) = (Latencies::default(), Vec::new());
    let (mut measured, mut looks) = (Measured::default(), vec![Held::now(bench)?]);
    for part in [0..sessions / 2, sessions / 2..sessions] {
        let measuring = bench.begin()?;
        let (opened, took) = crowd.open(part, at_once, Turned::Fails).await?;
        measured.add(measuring.end()?);
        latencies.merge(&took);
        held.extend(opened);
        wait(bench, "settle", watched).await;
        looks.push(Held::now(bench)?);
    }
    let resting = bench.begin()?;
    wait(bench, "idle", watched).await;
    let rested = resting.end()?;

    let row = Row::new(Workload::Idle, format!("{sessions} sessions")).took(&latencies);
    let mut row = row.measured(measured, latencies.count(), 0);
    if let [before, half, after] = *looks {
        row = after.note(row, before, half, sessions);
    }
    if let Some(cpu) = rested.server_cpu {
        let share = cpu.as_secs_f64() / rested.wall.as_secs_f64().max(1e-9);
        row = row.note("resting_cpu_ms_per_s", rounded(share * 1e3));
    }
    Ok((row, held))
}

/// What is held at a moment.
#[derive(Clone, Copy)]
struct Held {
    server: Option<Memory>,
    /// By the kernel, in KiB.
    kernel_kib: Option<u64>,
}

impl Held {
    fn now(bench: &Bench) -> Result<Self, Trouble> {
        Ok(Self { server: bench.meter.memory()?, kernel_kib: bench.meter.kernel_kib() })
    }

    /// What a session costs, where there were none, half of them and all.
    fn note(self, mut row: Row, before: Self, half: Self, sessions: u32) -> Row {
        let each =
            |then: u64, now: u64, of: u32| rounded(float(now.saturating_sub(then)) / f64::from(of.max(1)));
        if let (Some(before), Some(half), Some(after)) = (before.server, half.server, self.server) {
            let further = each(half.pss_kib, after.pss_kib, sessions - sessions / 2);
            row = row.note("pss_kib_per_session", each(before.pss_kib, after.pss_kib, sessions));
            row = row.note("rss_kib_per_session", each(before.rss_kib, after.rss_kib, sessions));
            row = row.note("pss_kib_per_further_session", further);
        }
        if let Some((before, after)) = before.kernel_kib.zip(self.kernel_kib) {
            row = row.note("kernel_kib_per_session", each(before, after, sessions));
        }
        row
    }
}

/// Lets time pass, and shows that it does.
async fn wait(bench: &Bench, what: &str, time: Duration) {
    let (start, mut shown) = (Instant::now(), 0);
    bench.watcher.begins(what, time.as_secs());
    while start.elapsed() < time {
        sleep(LOOK.min(time.saturating_sub(start.elapsed()))).await;
        let passed = start.elapsed().as_secs().min(time.as_secs());
        bench.watcher.moves(what, passed.saturating_sub(shown));
        shown = passed;
    }
    bench.watcher.ends(what);
}

/// Whether each is still there, and says so.
async fn wake(held: Vec<Idler>) -> Wrongs {
    let mut wrongs = Wrongs::default();
    for Idler { number, mut session, tag } in held {
        let done = session.done(tag, |_| Ok(())).await;
        wrongs.check(done.is_ok(), || {
            let why = done.as_ref().err().map(ToString::to_string).unwrap_or_default();
            format!("session {number} is not there any more: {why}")
        });
    }
    wrongs
}

/// Lets this process open so many files, if the system lets us.
fn allow_files(files: u64) -> Result<(), Trouble> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    if maximum.is_some_and(|maximum| maximum < files) {
        let most = maximum.unwrap_or_default();
        return Err(Trouble::Asked(format!(
            "{files} open files are needed, and the system allows {most} (ulimit -n)"
        )));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum })
        .map_err(|why| Trouble::Asked(format!("{files} open files are needed: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_costs_what_the_second_half_added() {
        let held = |pss_kib, kernel_kib| Held {
            server: Some(Memory { processes: 1, pss_kib, rss_kib: 2 * pss_kib }),
            kernel_kib: Some(kernel_kib),
        };
        let row = Row::new(Workload::Idle, "");
        let row = held(2_600, 900).note(row, held(1_000, 100), held(2_000, 500), 100);
        let note = |name: &str| row.notes.get(name).and_then(serde_json::Value::as_f64);
        assert_eq!(note("pss_kib_per_session"), Some(16.0));
        assert_eq!(note("rss_kib_per_session"), Some(32.0));
        assert_eq!(note("pss_kib_per_further_session"), Some(12.0));
        assert_eq!(note("kernel_kib_per_session"), Some(8.0));
    }
}
