//! A control group.

use super::Memory;
use crate::trouble::Trouble;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A control group with its subgroups.
pub(super) struct Cgroup {
    directory: PathBuf,
    version: Version,
    proc: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    /// `cpuacct.usage`, in nanoseconds.
    One,
    /// `cpu.stat`, in microseconds.
    Two,
}

impl Cgroup {
    pub(super) fn open(directory: &Path, proc: PathBuf) -> Result<Self, Trouble> {
        let version = match () {
            () if directory.join("cpuacct.usage").exists() => Version::One,
            () if directory.join("cpu.stat").exists() => Version::Two,
            () => {
                let why = "no control group that counts CPU: it has neither cpuacct.usage nor cpu.stat";
                return Err(Trouble::Meter(format!("{}: {why}", directory.display())));
            }
        };
        Ok(Self { directory: directory.to_owned(), version, proc })
    }

    pub(super) fn cpu(&self) -> Result<Duration, Trouble> {
        let (name, parse): (_, fn(&str) -> Option<Duration>) = match self.version {
            Version::One => ("cpuacct.usage", |text| Some(Duration::from_nanos(text.trim().parse().ok()?))),
            Version::Two => ("cpu.stat", |text| {
                let usage = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
                Some(Duration::from_micros(usage.trim().parse().ok()?))
            }),
        };
        let text = read(&self.directory.join(name))?;
        parse(&text).ok_or_else(|| Trouble::Meter(format!("{name} says {text:?}")))
    }

    pub(super) fn memory(&self) -> Result<Memory, Trouble> {
        let mut processes = BTreeSet::new();
        collect(&self.directory, &mut processes)?;
        let mut sum = Memory::default();
        for process in processes {
            sum.add(self.proc.join(process))?;
        }
        Ok(sum)
    }
}

/// The processes of a group and of those in it.
fn collect(directory: &Path, to: &mut BTreeSet<String>) -> Result<(), Trouble> {
    to.extend(read(&directory.join("cgroup.procs"))?.split_ascii_whitespace().map(str::to_owned));
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        collect(&entry.path(), to)?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Trouble> {
    fs::read_to_string(file).map_err(|why| Trouble::Meter(format!("{}: {why}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("bench-{name}-{}", std::process::id()));
        for (file, text) in files {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    #[test]
    fn both_versions_are_read() {
        let one = group("one", &[("cpuacct.usage", "1500000000\n")]);
        assert_eq!(Cgroup::open(&one, "/".into()).unwrap().cpu().unwrap(), Duration::from_millis(1_500));
        let two = group("two", &[("cpu.stat", "usage_usec 1500000\nuser_usec 7\n")]);
        assert_eq!(Cgroup::open(&two, "/".into()).unwrap().cpu().unwrap(), Duration::from_millis(1_500));
        let wrong = group("wrong", &[("cpu.stat", "usage_usec many\n")]);
        assert!(Cgroup::open(&wrong, "/".into()).unwrap().cpu().is_err());
        [one, two, wrong].iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
    }

    #[test]
    fn processes_of_subgroups_count_too() {
        let files = [
            ("cpu.stat", "usage_usec 0\n"),
            ("cgroup.procs", "10\n11\n"),
            ("below/cgroup.procs", "12\n"),
            ("proc/10/smaps_rollup", "Rss: 1 kB\nPss: 2 kB\n"),
            ("proc/12/smaps_rollup", "Rss: 10 kB\nPss: 20 kB\n"),
            // A folder of the test that is no group.
            ("proc/cgroup.procs", ""),
            ("proc/10/cgroup.procs", ""),
            ("proc/12/cgroup.procs", ""),
        ];
        let folder = group("below", &files);
        let group = Cgroup::open(&folder, folder.join("proc")).unwrap();
        // Number 11 has ended meanwhile.
        assert_eq!(group.memory().unwrap(), Memory { processes: 2, pss_kib: 22, rss_kib: 11 });
        fs::remove_dir_all(&folder).unwrap();
    }
}
