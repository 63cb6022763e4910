//! A sentence that no macro lists would be true of no backend.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn conformance() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/conformance")
}

/// `topic::sentence` for every public function of the suite.
fn written() -> BTreeSet<String> {
    let files = fs::read_dir(conformance()).unwrap().map(|entry| entry.unwrap().path());
    let topics = files.filter(|path| !path.ends_with("mod.rs"));
    topics
        .flat_map(|path| {
            let topic = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let names = text
                .lines()
                .filter_map(|line| line.strip_prefix("pub fn ")?.split('(').next().map(str::to_owned));
            names.map(|name| format!("{topic}::{name}")).collect::<Vec<_>>()
        })
        .collect()
}

/// The same from the lists of the macros.
fn listed() -> BTreeSet<String> {
    let text = fs::read_to_string(conformance().join("mod.rs")).unwrap();
    let mut topic = "durability".to_owned();
    let mut listed = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" {").filter(|name| is_name(name)) {
            name.clone_into(&mut topic);
        } else if line.contains("macro_rules! durability_tests") {
            "durability".clone_into(&mut topic);
        } else if is_name(line) && line.contains('_') {
            listed.insert(format!("{topic}::{line}"));
        }
    }
    listed
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn every_sentence_of_the_suite_is_listed() {
    assert_eq!(written(), listed());
    assert!(listed().len() > 80);
}
