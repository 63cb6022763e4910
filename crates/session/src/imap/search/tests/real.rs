//! Real mail beside the answers of another server, Dovecot 2.3.19, which decoded charsets and transfer encodings too.

use super::shelf::{Shelf, ask};
use mailbox::Flags;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use terms::InternalDate;

/// Messages on which we differ, and why.
const EXPLAINED: [(&str, &str, &[u32], &str); 6] = [
    (
        "spamassassin",
        "sentbefore",
        &[1927, 1929],
        "no date (`2002/09/14 Sat`) is before any; there it is 1970",
    ),
    (
        "spamassassin",
        "utf8-umlaut",
        &[599, 1615, 1697, 1938, 1946],
        "8-bit text without a charset: windows-1252",
    ),
    ("osst-users", "utf8-umlaut", &[82], "8-bit text that calls itself us-ascii: likewise"),
    ("osst-users", "or-not", &[208], "`From: \"Server\"` has no address; there it has one, MISSING_MAILBOX"),
    ("osst-users", "seqset", &[64], "they decompose: \"a\" is found in \"\u{e4}\""),
    ("osst-users", "subject-re", &[347, 348], "they decompose: the full-width colon is a colon"),
];

const QUESTIONS: [&str; 15] = [
    "body-german",
    "body-patch",
    "cc",
    "from-com",
    "header-msgid",
    "header-nonempty-listid",
    "larger",
    "or-not",
    "sentbefore",
    "sentsince",
    "seqset",
    "smaller",
    "subject-re",
    "text-linux",
    "utf8-umlaut",
];

/// A folder of the corpus; `None`, with a line that says so, where there is no corpus. CI must have one.
fn folder(name: &str) -> Option<PathBuf> {
    let given = std::env::var_os("GATEPOST_TEST_DATA").map(PathBuf::from);
    let root = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"));
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "CI needs the corpus: no {}",
        folder.display()
    );
    println!("skipped: there is no {} (set GATEPOST_TEST_DATA)", folder.display());
    None
}

#[expect(clippy::disallowed_methods, reason = "tests read files, the crate does not")]
fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap()
}

/// A mailbox with the messages of a set in their order, with CRLF.
fn shelf(set: &Path) -> Shelf {
    let archive = zstd::decode_all(&read(set)[..]).unwrap();
    let mut archive = tar::Archive::new(&archive[..]);
    let shelf = Shelf::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut message = Vec::new();
            entry.read_to_end(&mut message).unwrap();
            shelf.put(with_crlf(&message), Flags::NONE, InternalDate::new(0, 0).unwrap());
        }
    }
    shelf
}

fn with_crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 30);
    for octet in message {
        if *octet == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*octet);
    }
    out
}

fn numbers(answer: &str) -> BTreeSet<u32> {
    let numbers = answer.strip_prefix("* SEARCH").unwrap().split_whitespace();
    numbers.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn searches_of_real_mail_find_what_another_server_finds() {
    let Some((real, answers)) = folder("real").zip(folder("expected/dovecot-2.3.19/real")) else { return };
    let mut unexplained = Vec::new();
    for set in ["spamassassin", "linux-mips", "usrp-users", "osst-users"] {
        let mut selected = shelf(&real.join(format!("{set}.tar.zst"))).select();
        for question in QUESTIONS {
            let file = read(&answers.join(set).join(format!("search-{question}.txt")));
            let file = String::from_utf8(file).unwrap();
            let mut lines = file.lines();
            let command = lines.next().unwrap().replacen("C:", "a", 1);
            let theirs = numbers(lines.next().unwrap().strip_prefix("S: ").unwrap());
            let ours = numbers(&ask(&mut selected, &command).unwrap());
            let differ: Vec<u32> = ours.symmetric_difference(&theirs).copied().collect();
            println!("{set}: {command}: {} theirs, {} ours", theirs.len(), ours.len());
            let explained = EXPLAINED.iter().find(|(where_, what, ..)| (*where_, *what) == (set, question));
            if differ != explained.map_or(&[][..], |(_, _, numbers, _)| *numbers) {
                unexplained.push(format!("{set} {question}: {differ:?}"));
            }
        }
    }
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}
