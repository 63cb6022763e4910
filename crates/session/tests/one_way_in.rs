//! The wall around `Encrypted`, kept by a test because the language cannot.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

/// The files that may stand beside a TLS library, and the tests that play one.
const MAY_VOUCH: [&str; 3] =
    ["crates/net/src/tls.rs", "crates/session/src/imap/gate/tests.rs", "crates/session/tests/machine/mod.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn only_the_tls_driver_vouches_for_a_handshake() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    let vouchers: Vec<_> = files
        .iter()
        .filter(|file| fs::read_to_string(file).unwrap().contains(concat!("Handshake", " for ")))
        .map(|file| file.strip_prefix(&root).unwrap().to_str().unwrap())
        .filter(|file| !MAY_VOUCH.contains(file))
        .collect();
    assert_eq!(vouchers, [""; 0], "these files make an Encrypted without being the TLS driver");
}
