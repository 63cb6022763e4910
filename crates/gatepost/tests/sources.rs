//! Threats that are kept out by what the sources and the dependency tree do not have.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every line of the crates' own sources, tests in files of their own aside, with the file that it is in.
fn lines() -> Vec<(PathBuf, String)> {
    let mut lines = Vec::new();
    for path in rust_files().into_iter().filter(|path| path.iter().any(|part| part == "src")) {
        let text = fs::read_to_string(&path).unwrap();
        lines.extend(text.lines().map(|line| (path.clone(), line.to_owned())));
    }
    assert!(lines.len() > 10_000, "these are not all of the sources");
    lines
}

fn check_absent(words: &[&str]) {
    for (path, line) in lines() {
        for word in words {
            assert!(!line.contains(word), "{word} in {}: {line}", path.display());
        }
    }
}

/// The crates that the server is built from, others' included.
fn locked() -> Vec<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.map(str::to_owned).collect()
}

/// T-27: keywords, names and addresses are chosen by strangers. A map of them is sorted, or std's, whose seed is
/// random: one with a seed that is known, or none, can be made slow by choice of keys.
#[test]
fn t_27_no_map_has_a_hasher_whose_seed_is_known() {
    check_absent(&[
        "BuildHasherDefault",
        "DefaultHasher",
        "with_hasher",
        "FxHash",
        "FnvHash",
        "SipHasher",
        "ahash::",
        "hashbrown::",
        "foldhash::",
    ]);
}

/// T-28: what looks for patterns here takes linear time. No expression engine is given anything of a peer's; the one
/// in the tree serves the log's filter, and does not backtrack.
#[test]
fn t_28_no_regular_expression_backtracks_on_what_a_peer_sends() {
    check_absent(&["regex::", "Regex", "fancy_regex", "pcre", "onig"]);
    let backtracking = ["fancy-regex", "onig", "onig_sys", "pcre", "pcre2", "pcre2-sys", "regress"];
    for name in locked() {
        assert!(!backtracking.contains(&name.as_str()), "{name}");
    }
}

/// What is listed happens: the manual tells of no event that nobody says.
#[test]
fn every_event_of_the_list_is_said_somewhere() {
    let list = fs::read_to_string(root().join("crates/events/src/list.rs")).unwrap();
    let declared = |line: &str| {
        let mut words = line.strip_prefix("    \"")?.split_whitespace();
        let (_, level, event) = (words.next()?, words.next()?, words.next()?);
        level.chars().all(|c| c.is_ascii_uppercase()).then(|| event.to_owned())
    };
    let listed: Vec<_> = list.lines().filter_map(declared).collect();
    assert_eq!(listed.len(), events::Event::NAMES.len());
    let only_list = ["crates/events", "crates/metrics"].map(|folder| root().join(folder));
    let mut lines = lines();
    lines.retain(|(path, _)| !only_list.iter().any(|folder| path.starts_with(folder)));
    let said: String = lines.into_iter().map(|(_, line)| line).collect();
    for event in listed {
        assert!(said.contains(&format!("Event::{event} {{")), "nobody says {event}");
    }
}

/// What a Markdown text has in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Every Rust file of the crates, tests included.
fn rust_files() -> Vec<PathBuf> {
    let mut folders = vec![root().join("crates")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files
}

#[test]
fn every_test_that_the_list_of_threats_names_is_there() {
    let list = fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let tests: String = rust_files().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for name in quoted(&list).filter(|name| !name.contains(' ')) {
        match name.contains('/') {
            true => assert!(root().join(name).exists(), "{name}"),
            false if name.contains('_') => assert!(tests.contains(&format!("fn {name}()")), "{name}"),
            false => {}
        }
    }
}

/// Threats to the door: before TLS, what a stranger can make us hold, and who somebody is.
/// `==` stops at the first octet that differs, and tells by its time how much of a guess was right.
#[test]
fn t_36_no_secret_can_be_compared_by_an_equals_sign() {
    const SECRETS: [&str; 4] = ["Secret", "Password", "Token", "Typed"];
    let declares = |line: &str| {
        let name =
            line.split_once("struct ").map(|(_, rest)| rest.split(|c: char| !c.is_alphanumeric()).next());
        !line.contains('"') && name.flatten().is_some_and(|name| SECRETS.contains(&name))
    };
    let mut seen = 0;
    for path in rust_files() {
        let source = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = source.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| declares(line)) {
            let above = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with(['#', '/']));
            assert!(!above.into_iter().any(|line| line.contains("PartialEq")), "{}: {line}", path.display());
            seen += 1;
        }
        for name in SECRETS {
            assert!(!source.contains(&format!("PartialEq {} {name}", "for")), "{}: {name}", path.display());
        }
    }
    assert!(seen > 5, "{seen} were looked at");
}

#[test]
fn every_threat_to_the_door_has_a_test_of_its_number_or_is_noted_with_what_it_comes_with() {
    let list = fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let (_, noted) = list.split_once("## Noted for what is not there yet").unwrap();
    let tests: String = rust_files().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for number in (1..=5).chain([7, 8]).chain(10..=19).chain(30..=38) {
        let is_tested = tests.contains(&format!("fn t_{number}_"));
        let is_noted = noted.split(['|', ',', ' ', ';']).any(|word| word == format!("T-{number}"));
        assert!(is_tested || is_noted, "T-{number} has neither a test nor a reason");
        assert!(
            !is_tested || list.contains(&format!("`t_{number}_")),
            "the test of T-{number} is not in the list"
        );
    }
}
