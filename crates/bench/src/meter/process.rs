//! Processes and those that they began, as `/proc` shows them.

use super::Memory;
use crate::trouble::Trouble;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Some processes, and all below them.
pub(super) struct Processes {
    proc: PathBuf,
    roots: Vec<u32>,
}

/// CPU, counted in two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// With all that has ended, to the tick of the kernel, usually 10 ms.
    in_ticks: Duration,
    /// To the nanosecond, without threads that have ended.
    by_threads: Duration,
}

impl Used {
    /// What was used since: to the nanosecond, unless so much more was used in ticks that a thread must have ended.
    pub(super) fn since(self, then: Self) -> Duration {
        let in_ticks = self.in_ticks.saturating_sub(then.in_ticks);
        let by_threads = self.by_threads.saturating_sub(then.by_threads);
        if by_threads + COARSE >= in_ticks { by_threads } else { in_ticks }
    }
}

/// What two counts of ticks may be wrong by together.
const COARSE: Duration = Duration::from_millis(20);

/// What `/proc/PID/stat` says (`proc(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time of itself and of children that are gone and waited for.
    ticks: u64,
}

impl Processes {
    pub(super) const fn new(proc: PathBuf, roots: Vec<u32>) -> Self {
        Self { proc, roots }
    }

    /// What they have used. A child that is gone counts with its parent, as long as that waits for it.
    pub(super) fn cpu(&self) -> Result<Used, Trouble> {
        let all = self.all()?;
        let ticks: u64 = all.values().map(|stat| stat.ticks).sum();
        let hertz = rustix::param::clock_ticks_per_second().max(1);
        let in_ticks = Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / hertz));
        let by_threads = all.keys().map(|id| self.threads(*id)).sum();
        Ok(Used { in_ticks, by_threads })
    }

    /// What the threads of a process have used that there are now.
    fn threads(&self, id: u32) -> Duration {
        let tasks = fs::read_dir(self.proc.join(id.to_string()).join("task")).into_iter().flatten().flatten();
        let used = |task: fs::DirEntry| {
            let schedstat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            schedstat.split_ascii_whitespace().next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.filter_map(used).sum())
    }

    /// What they hold.
    pub(super) fn memory(&self) -> Result<Memory, Trouble> {
        let mut sum = Memory::default();
        for id in self.all()?.keys() {
            sum.add(self.proc.join(id.to_string()))?;
        }
        Ok(sum)
    }

    fn all(&self) -> Result<HashMap<u32, Stat>, Trouble> {
        let mut found = HashMap::new();
        for root in &self.roots {
            let gone = || Trouble::Meter(format!("there is no process {root}"));
            found.insert(*root, self.stat(*root).ok_or_else(gone)?);
        }
        let others = self.everybody();
        loop {
            let more: Vec<_> = others
                .iter()
                .filter(|(id, stat)| !found.contains_key(*id) && found.contains_key(&stat.parent))
                .map(|(id, stat)| (*id, *stat))
                .collect();
            if more.is_empty() {
                return Ok(found);
            }
            found.extend(more);
        }
    }

    fn everybody(&self) -> HashMap<u32, Stat> {
        let entries = fs::read_dir(&self.proc).into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // One that ended meanwhile has none.
        ids.filter_map(|id| Some((id, self.stat(id)?))).collect()
    }

    fn stat(&self, id: u32) -> Option<Stat> {
        parse(&fs::read_to_string(self.proc.join(id.to_string()).join("stat")).ok()?)
    }
}

fn parse(stat: &str) -> Option<Stat> {
    // A program's name stands in parentheses and may have some itself.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let mut ticks = 0;
    for number in fields.skip(9).take(4) {
        ticks += number.parse::<u64>().ok()?;
    }
    Some(Stat { parent, ticks })
}

impl Memory {
    /// Adds a process, unless it has ended meanwhile.
    pub(super) fn add(&mut self, process: PathBuf) -> Result<(), Trouble> {
        let rollup = process.join("smaps_rollup");
        let text = match fs::read_to_string(&rollup) {
            Ok(text) => text,
            Err(_) if !process.exists() => return Ok(()),
            // A process that ends is there for a moment and has no memory any more (ESRCH).
            Err(why) if why.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => return Ok(()),
            Err(why) => return Err(Trouble::Meter(format!("{}: {why}", rollup.display()))),
        };
        self.processes += 1;
        self.pss_kib += kib(&text, "Pss:");
        self.rss_kib += kib(&text, "Rss:");
        Ok(())
    }
}

fn kib(rollup: &str, name: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_is_no_obstacle() {
        let stat = "7 (a b) (c) S 3 7 7 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 5 6 7";
        assert_eq!(parse(stat), Some(Stat { parent: 3, ticks: 100 }));
        assert_eq!(parse("7 (a) S 3"), Some(Stat { parent: 3, ticks: 0 }));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn threads_are_believed_until_one_must_have_ended() {
        let used = |ticks, threads| Used {
            in_ticks: Duration::from_millis(ticks),
            by_threads: Duration::from_millis(threads),
        };
        assert_eq!(used(110, 57).since(used(100, 50)), Duration::from_millis(7));
        assert_eq!(used(200, 57).since(used(100, 50)), Duration::from_millis(100));
        assert_eq!(used(200, 20).since(used(100, 50)), Duration::from_millis(100));
    }

    #[test]
    fn a_process_counts_with_all_below_it_and_nobody_else() {
        let proc = std::env::temp_dir().join(format!("bench-proc-{}", std::process::id()));
        for (id, parent, ticks) in [(10, 1, 1), (11, 10, 20), (12, 11, 300), (13, 1, 4_000)] {
            let folder = proc.join(id.to_string());
            fs::create_dir_all(&folder).unwrap();
            let stat = format!("{id} (x) S {parent} 0 0 0 0 0 0 0 0 0 {ticks} 0 0 0 0 0 0");
            fs::write(folder.join("stat"), stat).unwrap();
            fs::write(
                folder.join("smaps_rollup"),
                format!("Rss: {id} kB\nPss:   {ticks} kB\nPss_Anon: 1 kB\n"),
            )
            .unwrap();
        }
        let processes = Processes::new(proc.clone(), vec![10]);
        let hertz = u32::try_from(rustix::param::clock_ticks_per_second()).unwrap();
        assert_eq!(processes.cpu().unwrap().in_ticks, Duration::from_secs(321) / hertz);
        assert_eq!(processes.memory().unwrap(), Memory { processes: 3, pss_kib: 321, rss_kib: 33 });
        fs::remove_dir_all(&proc).unwrap();
        assert!(processes.cpu().is_err());
    }
}
