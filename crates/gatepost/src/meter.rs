//! What is measured of a running server, and who is asked for it.

use crate::office::Office;
use anyhow::{Context, Result, anyhow};
use events::Protocol;
use metrics::{Answer, By, Clients, Ends, Histogram, Instant, Memory, Need, Process, Store, Tally, Version};
use net::{Condition, Gauge, Page, Pages};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use store_local::{LocalStore, Times};

/// What a server counts, and its listeners once they are open.
pub(crate) struct Meter {
    tally: Arc<Tally>,
    gauge: OnceLock<Gauge>,
    started: SystemTime,
}

impl Meter {
    /// Counts events from now on.
    pub(crate) fn start() -> Self {
        let tally = Arc::new(Tally::new());
        let counts = Arc::clone(&tally);
        // There is one server in a process.
        if let Err(why) = events::listen(move |event| counts.count(event)) {
            tracing::warn!(%why, "events are not counted");
        }
        Self { tally, gauge: OnceLock::new(), started: SystemTime::now() }
    }

    /// Clients are counted there.
    pub(crate) fn connect(&self, gauge: Gauge) {
        // Whoever was connected first stays.
        let _ = self.gauge.set(gauge);
    }
}

/// Everything that is measured, as Prometheus reads it.
///
/// # Errors
/// No server runs here.
pub(crate) async fn page(office: &Office) -> Result<String> {
    let meter = office.meter.as_ref().context("no server runs here")?;
    let gauge = meter.gauge.get().ok_or_else(|| anyhow!("the server is not ready yet; try again"))?;
    let swept = office.accounts.last_sweep().await.ok().flatten();
    let (data, local, started) = (office.data.clone(), Arc::clone(&office.store), meter.started);
    // Disks and directories are asked, which may take their time.
    let asked = move || (store(&local, &data), process(started));
    let (mut store, process) = tokio::task::spawn_blocking(asked).await?;
    store.sweep_finished = swept.map(|swept| Instant { unix_ms: swept.ran_ms });
    Ok(metrics::page(&meter.tally, &store, &memory(office), &clients(gauge), &process))
}

/// What can still be written on the disk of a directory; `None` where the system does not say.
pub(crate) fn free_octets(directory: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(directory).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn store(store: &LocalStore, data: &Path) -> Store {
    let scrubs = store.scrubs();
    let disk = rustix::fs::statvfs(data).ok();
    Store {
        writable: answer(store.can_write().is_ok()),
        waiting: store.waiting() as u64,
        syncs: histogram(&store.syncs()),
        scrub_running: answer(scrubs.is_running),
        scrub_read: scrubs.octets_read,
        scrub_finished: scrubs.through_ms.and_then(|ms| Some(Instant { unix_ms: i64::try_from(ms).ok()? })),
        scrub_damages: scrubs
            .found
            .map(|found| By(vec![(Need::Needed, found.needed), (Need::Needless, found.needless)])),
        sweep_finished: None,
        disk_free: free_octets(data),
        disk_size: disk.as_ref().map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
    }
}

fn memory(office: &Office) -> Memory {
    let kept = office.accounts.kept();
    Memory {
        kept: kept.octets,
        most: kept.most_octets,
        accounts: kept.accounts,
        accounts_let_go: kept.accounts_let_go,
        mailboxes_let_go: kept.mailboxes_let_go,
    }
}

const fn answer(is_so: bool) -> Answer {
    if is_so { Answer::Yes } else { Answer::No }
}

fn histogram(times: &Times) -> Histogram {
    let buckets = store_local::BOUNDS.into_iter().zip(times.counts).collect();
    Histogram { buckets, longer: times.longer, sum: times.sum }
}

fn clients(gauge: &Gauge) -> Clients {
    let present = gauge.present();
    let imap = present.strangers + present.readers;
    let ends = gauge.certificates().ends();
    let ends = ends.into_iter().filter_map(|(name, end)| Some((name, instant(end)?)));
    Clients {
        connections: By(vec![(Protocol::Imap, imap), (Protocol::Lmtp, present.bringers)]),
        before_sign_in: present.strangers,
        panics: gauge.panics(),
        certificate_expiry: Ends::of(ends),
    }
}

fn process(started: SystemTime) -> Process {
    Process {
        version: Version(env!("CARGO_PKG_VERSION")),
        started: instant(started).unwrap_or(Instant { unix_ms: 0 }),
        processor_time: processor_time(),
        resident: resident(),
        open_files: open_files(),
        most_files: getrlimit(Resource::Nofile).current,
    }
}

fn instant(time: SystemTime) -> Option<Instant> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Instant { unix_ms: i64::try_from(since.as_millis()).ok()? })
}

fn processor_time() -> Option<Duration> {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(spent.tv_sec).ok()?, u32::try_from(spent.tv_nsec).ok()?))
}

/// `proc(5)`, `status`.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    kib.parse::<u64>().ok()?.checked_mul(1_024)
}

/// `proc(5)`, `fd`; the one that is open to look there is not counted.
fn open_files() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    (open as u64).checked_sub(1)
}

/// What an office shows to those who watch it.
pub(crate) struct Shown(pub(crate) Arc<Office>);

impl Pages for Shown {
    async fn page(&self, path: &str) -> Option<Page> {
        match path {
            "/metrics" => Some(match page(&self.0).await {
                Ok(text) => Page { condition: Condition::Fine, mime_type: metrics::MIME_TYPE, text },
                Err(why) => words(Condition::Unavailable, &why),
            }),
            "/health" => Some(match self.0.store.can_write() {
                Ok(()) => words(Condition::Fine, &"ok"),
                Err(why) => words(Condition::Unavailable, &why),
            }),
            _ => None,
        }
    }
}

fn words(condition: Condition, words: &impl ToString) -> Page {
    Page { condition, mime_type: "text/plain; charset=utf-8", text: words.to_string() + "\n" }
}
