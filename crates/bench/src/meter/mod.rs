//! What the server's processes cost: the CPU that they use, and the memory that they hold.

mod cgroup;
mod kernel;
mod process;

use crate::trouble::Trouble;
use cgroup::Cgroup;
use process::{Processes, Used};
use rustix::time::{ClockId, clock_gettime};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is watched while a workload runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Nothing: the server is elsewhere, or nobody said where it is.
    Nothing,
    /// These processes, and all that they began.
    Processes(Vec<u32>),
    /// A control group, by its directory: `cpuacct.usage` of version 1 or `cpu.stat` of version 2. It counts processes
    /// that are gone as well, and is exact to the microsecond.
    Cgroup(PathBuf),
}

/// Memory of all processes together, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// How many processes hold it.
    pub(crate) processes: u64,
    /// What is shared counts by the share of each (`proc(5)`, `smaps`).
    pub(crate) pss_kib: u64,
    /// What is resident, shared pages once for each process.
    pub(crate) rss_kib: u64,
}

/// Reads counters of the kernel.
pub(crate) struct Meter {
    server: Server,
}

enum Server {
    Unknown,
    Processes(Processes),
    Cgroup(Cgroup),
}

/// Where the kernel shows processes.
const PROC: &str = "/proc";

impl Meter {
    /// # Errors
    /// What is to be watched is not there, or may not be read.
    pub(crate) fn new(watched: &Watched) -> Result<Self, Trouble> {
        let server = match watched {
            Watched::Nothing => Server::Unknown,
            Watched::Processes(roots) => Server::Processes(Processes::new(PROC.into(), roots.clone())),
            Watched::Cgroup(directory) => Server::Cgroup(Cgroup::open(directory, PROC.into())?),
        };
        let meter = Self { server };
        meter.cpu()?;
        meter.memory()?;
        Ok(meter)
    }

    fn cpu(&self) -> Result<Count, Trouble> {
        match &self.server {
            Server::Unknown => Ok(Count::Nothing),
            Server::Processes(processes) => processes.cpu().map(Count::Processes),
            Server::Cgroup(group) => group.cpu().map(Count::Cgroup),
        }
    }

    /// What the server holds now.
    pub(crate) fn memory(&self) -> Result<Option<Memory>, Trouble> {
        match &self.server {
            Server::Unknown => Ok(None),
            Server::Processes(processes) => processes.memory().map(Some),
            Server::Cgroup(group) => group.memory().map(Some),
        }
    }

    /// What the kernel of this machine holds now for sockets and whatever else, in KiB; `None` where the server is elsewhere.
    pub(crate) fn kernel_kib(&self) -> Option<u64> {
        match &self.server {
            Server::Unknown => None,
            Server::Processes(_) | Server::Cgroup(_) => kernel::kib(Path::new(PROC)),
        }
    }

    /// Begins to measure.
    pub(crate) fn begin(&self) -> Result<Measuring<'_>, Trouble> {
        Ok(Measuring { meter: self, server: self.cpu()?, own: own_cpu(), began: Instant::now() })
    }
}

/// What a counter of CPU said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Nothing,
    Processes(Used),
    Cgroup(Duration),
}

impl Count {
    fn since(self, then: Self) -> Option<Duration> {
        match (self, then) {
            (Self::Processes(now), Self::Processes(then)) => Some(now.since(then)),
            (Self::Cgroup(now), Self::Cgroup(then)) => Some(now.saturating_sub(then)),
            _ => None,
        }
    }
}

/// CPU that this process has used.
fn own_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// A measurement that has begun.
pub(crate) struct Measuring<'a> {
    meter: &'a Meter,
    server: Count,
    own: Duration,
    began: Instant,
}

/// What a measurement came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    pub(crate) server_cpu: Option<Duration>,
    pub(crate) client_cpu: Duration,
    pub(crate) memory: Option<Memory>,
}

impl Measured {
    /// Adds a measurement of the same that came later.
    pub(crate) fn add(&mut self, later: Self) {
        self.wall += later.wall;
        self.client_cpu += later.client_cpu;
        self.memory = later.memory.or(self.memory);
        if let Some(cpu) = later.server_cpu {
            self.server_cpu = Some(self.server_cpu.unwrap_or_default() + cpu);
        }
    }
}

impl Measuring<'_> {
    /// Ends it.
    pub(crate) fn end(self) -> Result<Measured, Trouble> {
        let wall = self.began.elapsed();
        let server_cpu = self.meter.cpu()?.since(self.server);
        let client_cpu = own_cpu().saturating_sub(self.own);
        Ok(Measured { wall, server_cpu, client_cpu, memory: self.meter.memory()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen_and_memory_too() {
        let meter = Meter::new(&Watched::Processes(vec![std::process::id()])).unwrap();
        let measuring = meter.begin().unwrap();
        let (start, mut sum) = (own_cpu(), 0_u64);
        while own_cpu() - start < Duration::from_millis(50) {
            sum = (0..100_000).fold(sum, |sum, next| sum.rotate_left(3) ^ next);
        }
        let measured = measuring.end().unwrap();
        assert!(measured.server_cpu.unwrap() >= Duration::from_millis(30), "{measured:?} {sum}");
        assert!(measured.client_cpu >= Duration::from_millis(50));
        assert!(measured.memory.unwrap().pss_kib > 500);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Meter::new(&Watched::Processes(vec![u32::MAX])).is_err());
        assert!(Meter::new(&Watched::Cgroup("/nowhere".into())).is_err());
        assert_eq!(Meter::new(&Watched::Nothing).unwrap().cpu().unwrap(), Count::Nothing);
    }
}
