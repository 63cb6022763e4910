//! Sessions that do nothing: what each costs in memory, and what all of them in CPU.

use crate::bench::{Bench, all};
use crate::client::{Session, Tag};
use crate::latency::Latencies;
use crate::report::{Row, Wrongs, float, rounded};
use crate::trouble::Trouble;
use crate::workload::Workload;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Sessions, usually.
const SESSIONS: u32 = 1_000;
/// How many are opened at the same time.
const OPENING: u32 = 16;
/// Files that we need for ourselves.
const OWN_FILES: u64 = 100;
/// How long a server is given to settle and is then watched, where nobody says so.
const WATCHED: Duration = Duration::from_secs(2);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// Sessions that were opened, and how long that took.
type Opened = (Vec<(Session, Tag)>, Latencies);

pub(super) async fn run(bench: &Arc<Bench>) -> Result<(), Trouble> {
    let sessions = bench.connections(SESSIONS);
    allow_files(u64::from(sessions) + OWN_FILES)?;
    let before = bench.meter.memory()?;
    let measuring = bench.begin()?;
    let parts = open(bench, sessions).await?;
    let measured = measuring.end()?;
    let (mut latencies, mut held) = (Latencies::default(), Vec::new());
    for (part, took) in parts {
        latencies.merge(&took);
        held.extend(part);
    }

    let watched = match bench.plan.bound {
        crate::plan::Bound::Time(time) => time,
        crate::plan::Bound::Count(_) => WATCHED,
    };
    wait(bench, "settle", watched).await;
    let after = bench.meter.memory()?;
    let resting = bench.begin()?;
    wait(bench, "idle", watched).await;
    let rested = resting.end()?;

    let mut row = Row::new(Workload::Idle, format!("{sessions} sessions")).took(&latencies);
    row = row.measured(measured, latencies.count(), 0);
    if let Some((before, after)) = before.zip(after) {
        let each = |then: u64, now: u64| rounded(float(now.saturating_sub(then)) / f64::from(sessions));
        row = row.note("pss_kib_per_session", each(before.pss_kib, after.pss_kib));
        row = row.note("rss_kib_per_session", each(before.rss_kib, after.rss_kib));
    }
    if let Some(cpu) = rested.server_cpu {
        let share = cpu.as_secs_f64() / rested.wall.as_secs_f64().max(1e-9);
        row = row.note("resting_cpu_ms_per_s", rounded(share * 1e3));
    }
    bench.tell(&row.wrong(wake(held).await));
    Ok(())
}

async fn open(bench: &Arc<Bench>, sessions: u32) -> Result<Vec<Opened>, Trouble> {
    let what = "sessions";
    bench.watcher.begins(what, u64::from(sessions));
    let (next, mut set) = (Arc::new(AtomicU32::new(0)), JoinSet::new());
    for _ in 0..OPENING.min(sessions) {
        let (bench, next) = (Arc::clone(bench), Arc::clone(&next));
        set.spawn(async move {
            let (mut held, mut took) = (Vec::new(), Latencies::default());
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= sessions {
                    return Ok((held, took));
                }
                let start = Instant::now();
                // From the second source address on: the first is left to those who measure.
                let mut session = bench.session(number, number.saturating_add(1)).await?;
                session.examine("INBOX").await?;
                let tag = session.idle().await?;
                took.add(start.elapsed());
                held.push((session, tag));
                bench.watcher.moves(what, 1);
            }
        });
    }
    let opened = all(set).await;
    bench.watcher.ends(what);
    opened
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
async fn wake(held: Vec<(Session, Tag)>) -> Wrongs {
    let mut wrongs = Wrongs::default();
    for (number, (mut session, tag)) in held.into_iter().enumerate() {
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
