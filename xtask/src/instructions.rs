//! `cargo xtask instructions`: what the operations of `crates/operations` cost, counted and not timed.
//!
//! Each operation runs under callgrind, N times and then 2N times; the difference is what N runs cost, whatever was
//! needed to prepare them. A count is the same on a busy machine and on an idle one. It depends on the compiler, and a
//! little on the C library, so a ceiling leaves room: a count is refused where it is above, and a hint is given where it
//! is far below.

use crate::ceilings::{self, Ceilings};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// How often an operation runs, and twice that.
const RUNS: u64 = 10;

/// What becomes of the ceilings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are held against the counts.
    Check,
    /// They are written anew, from the counts.
    Write,
}

/// Counts all operations, and checks or writes the ceilings.
///
/// # Errors
/// What is too much, in words for whoever changed it; or why nothing could be counted.
pub(crate) fn run(mode: Mode) -> Result<(), Box<dyn Error>> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        eprintln!("instructions: not counted; the ceilings are for Linux on x86-64");
        return Ok(());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/operations/ceilings.toml");
    let program = build()?;
    let names = names(&program)?;
    let counts = count_all(&program, &names)?;
    let compiler = compiler()?;
    if mode == Mode::Write {
        std::fs::write(&path, ceilings::write(&counts, &compiler))?;
        eprintln!("instructions: {} ceilings written", counts.len());
        return Ok(());
    }
    let ceilings = Ceilings::read(&std::fs::read_to_string(&path)?)?;
    let report = ceilings.hold_against(&counts);
    eprint!("{}", report.table());
    report.verdict(&ceilings, &compiler).map_err(Into::into)
}

/// The program, with the artefacts of the release: of one command with `gatepost`, so that the features of what both
/// borrow are the same, and nothing is built twice.
fn build() -> Result<PathBuf, Box<dyn Error>> {
    let packages = ["--package", "gatepost", "--package", "operations"];
    let built = Command::new(cargo()).args(["build", "--release", "--locked"]).args(packages).status()?;
    if !built.success() {
        return Err("the operations do not build".into());
    }
    let asked =
        Command::new(cargo()).args(["metadata", "--format-version=1", "--no-deps", "--locked"]).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&checked(asked, "cargo metadata")?.stdout)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(Path::new(target.ok_or("cargo metadata names no target directory")?).join("release/operations"))
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn compiler() -> Result<String, Box<dyn Error>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = checked(Command::new(rustc).arg("--version").output()?, "rustc")?;
    let version = String::from_utf8_lossy(&asked.stdout).split(' ').nth(1).map(str::to_owned);
    version.ok_or_else(|| "rustc does not say its version".into())
}

fn names(program: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let asked = checked(Command::new(program).output()?, "operations")?;
    Ok(String::from_utf8_lossy(&asked.stdout).lines().map(str::to_owned).collect())
}

/// What one run of each operation costs, in instructions. As many are counted at a time as there are processors.
fn count_all(program: &Path, names: &[String]) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let (queue, counts) = (Mutex::new(names.iter().enumerate()), Mutex::new(BTreeMap::new()));
    let work = || {
        let next = || lock(&queue).next();
        while let Some((at, name)) = next() {
            let counted = count(program, name).map_err(|why| format!("{name}: {why}"));
            lock(&counts).insert(at, counted.map(|count| (name.clone(), count)));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(counts.into_values().collect::<Result<_, _>>()?)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(program: &Path, name: &str) -> Result<u64, Box<dyn Error>> {
    let (once, twice) = (collect(program, name, RUNS)?, collect(program, name, 2 * RUNS)?);
    Ok(twice.saturating_sub(once) / RUNS)
}

fn collect(program: &Path, name: &str, times: u64) -> Result<u64, Box<dyn Error>> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let ran = valgrind.arg(program).arg(name).arg(times.to_string()).output();
    let ran =
        ran.map_err(|why| format!("valgrind does not start ({why}); on Debian: apt-get install valgrind"))?;
    let told = checked(ran, "valgrind")?.stderr;
    let told = String::from_utf8_lossy(&told);
    collected(&told).ok_or_else(|| format!("callgrind told no count: {told}").into())
}

/// The count that callgrind ends with: `==7== Collected : 224075`.
fn collected(told: &str) -> Option<u64> {
    told.lines().rev().find_map(|line| line.split_once(" Collected : ")?.1.trim().parse().ok())
}

fn checked(ran: Output, what: &str) -> Result<Output, Box<dyn Error>> {
    if ran.status.success() {
        return Ok(ran);
    }
    Err(format!("{what} failed: {}", String::from_utf8_lossy(&ran.stderr)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callgrind_collected_is_read() {
        let told = "==7== Callgrind, a call-graph generating cache profiler\n==7== \n==7== Events    : Ir\n\
            ==7== Collected : 224075\n==7== \n==7== I   refs:      224,075\n";
        assert_eq!(collected(told), Some(224_075));
    }

    #[test]
    fn where_callgrind_tells_no_count_there_is_none() {
        for told in ["", "==7== Collected : many\n", "valgrind: no such file\n", "==7== Collected :\n"] {
            assert_eq!(collected(told), None, "{told}");
        }
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_words() {
        let ran = Command::new("sh").args(["-c", "echo lazy >&2; exit 1"]).output().unwrap();
        let why = checked(ran, "valgrind").map(|_| ()).map_err(|why| why.to_string());
        assert_eq!(why, Err("valgrind failed: lazy\n".into()));
    }
}
