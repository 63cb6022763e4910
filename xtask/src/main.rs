//! Chores of this repository: `cargo xtask` and `licences`, `manual`, `performance` or `instructions`.

mod borrowed;
mod ceilings;
mod instructions;
mod licences;
mod marked;
mod performance;

use bench::Workload;
use instructions::Mode;
use session::imap::capability;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask <chore>
  licences   refuse dependencies whose licence is not on the list, or that docs/dependencies.md does not name
  manual     write what docs/guide and README.md take from the lists: settings, events, metrics, capabilities,
             workloads
  performance RESULT
             write docs/performance.md and its charts from what bench/compare.sh measured, with or without --scale
  instructions [--write]
             count what the operations of crates/operations cost, under valgrind, and refuse what is above its
             ceiling; or write the ceilings anew";

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let done = match *words {
        ["licences"] => check_licences(),
        ["manual"] => write_manual(),
        ["performance"] => Err("which result? It is a file that bench/compare.sh wrote".into()),
        ["performance", result] => write_performance(result),
        ["instructions"] => instructions::run(Mode::Check),
        ["instructions", "--write"] => instructions::run(Mode::Write),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn check_licences() -> Result<(), Box<dyn Error>> {
    let metadata = serde_json::from_slice(&ask_cargo(&["metadata", "--format-version=1", "--locked"])?)?;
    // The lock also names what a feature of a borrowed crate would bring that nobody has asked for (cargo's issue 10801).
    let built = ask_cargo(&[
        "tree",
        "--workspace",
        "--target=all",
        "--edges=normal,build,dev",
        "--prefix=none",
        "--format={p}",
        "--locked",
    ])?;
    let packages = licences::built(licences::packages(&metadata)?, &String::from_utf8_lossy(&built));
    let mut complaints: Vec<_> =
        packages.iter().filter_map(|package| licences::check(package).err()).collect();
    complaints.extend(borrowed::complaints(&metadata, borrowed::PAGE));
    if !complaints.is_empty() {
        return Err(complaints.join("\n").into());
    }
    eprintln!("licences: {} packages, all on the list of xtask/src/licences.rs", packages.len());
    Ok(())
}

fn ask_cargo(arguments: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let asked = Command::new(cargo).args(arguments).output()?;
    match asked.status.success() {
        true => Ok(asked.stdout),
        false => Err(String::from_utf8_lossy(&asked.stderr).into()),
    }
}

fn write_performance(result: &str) -> Result<(), Box<dyn Error>> {
    performance::write(Path::new(result), &Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"))
}

fn write_manual() -> Result<(), Box<dyn Error>> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide");
    std::fs::write(guide.join("events.md"), events::manual())?;
    std::fs::write(guide.join("metrics.md"), metrics::manual())?;
    std::fs::write(guide.join("capabilities.md"), capability::manual())?;
    std::fs::write(guide.join("settings.md"), settings::manual())?;
    std::fs::write(guide.join("gatepost.toml"), settings::Settings::default().to_toml())?;
    let readme = guide.join("../../README.md");
    let text = std::fs::read_to_string(&readme)?;
    std::fs::write(readme, marked::put(&text, "capabilities", &capability::summary())?)?;
    let page = guide.join("bench.md");
    let text = std::fs::read_to_string(&page)?;
    std::fs::write(page, marked::put(&text, "workloads", &Workload::manual())?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page))
            .unwrap_or_default()
    }

    #[test]
    fn the_pages_say_of_capabilities_what_the_table_says() {
        let current = "run cargo xtask manual";
        assert!(read("docs/guide/capabilities.md") == capability::manual(), "{current}");
        let readme = read("README.md");
        assert_eq!(
            marked::put(&readme, "capabilities", &capability::summary()).ok(),
            Some(readme),
            "{current}"
        );
    }

    #[test]
    fn the_page_on_bench_lists_the_workloads() {
        let page = read("docs/guide/bench.md");
        let current = "run cargo xtask manual";
        assert_eq!(marked::put(&page, "workloads", &Workload::manual()).ok(), Some(page), "{current}");
    }
}
