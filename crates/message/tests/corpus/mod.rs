//! Finds the mail that tests are made of, and reads what another server said about it.

#![allow(
    dead_code,
    clippy::print_stdout,
    reason = "each test uses its part of this, and skipping is said aloud"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A folder of the corpus; `None`, with a line that says so, where there is no corpus. CI must have one.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("GATEPOST_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
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

/// What is in a file; `None` if there is no such file.
#[expect(clippy::disallowed_methods, reason = "tests read files, the crate does not")]
pub(crate) fn read(file: &Path) -> Option<Vec<u8>> {
    fs::read(file).ok()
}

/// What is in a file compressed by zstd.
pub(crate) fn read_zstd(file: &Path) -> Option<Vec<u8>> {
    Some(zstd::decode_all(&read(file)?[..]).unwrap())
}

/// The difficult messages by name, as they are.
pub(crate) fn torture() -> BTreeMap<String, Vec<u8>> {
    let files = folder("torture").into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), read(&path).unwrap()))
        .collect()
}

/// The sets of real mail.
pub(crate) const REAL_SETS: [&str; 5] = ["spamassassin", "linux-mips", "usrp-users", "osst-users", "bounces"];

/// The messages of a set of real mail, in order, with CRLF.
pub(crate) fn real(set: &str) -> Vec<Vec<u8>> {
    let Some(folder) = folder("real") else { return Vec::new() };
    let archive = read_zstd(&folder.join(format!("{set}.tar.zst"))).unwrap();
    let mut archive = tar::Archive::new(&archive[..]);
    let mut messages = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut message = Vec::new();
            entry.read_to_end(&mut message).unwrap();
            messages.push(with_crlf(&message));
        }
    }
    messages
}

/// Every LF that has no CR before it gets one.
pub(crate) fn with_crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 30);
    for octet in message {
        if *octet == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*octet);
    }
    out
}

/// A value of IMAP's data formats.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Nil,
    Atom(String),
    Text(Vec<u8>),
    List(Vec<Self>),
}

impl Value {
    /// The value at the front; what is behind it stays.
    pub(crate) fn read(wire: &mut &[u8]) -> Self {
        match wire[0] {
            b'(' => Self::read_list(wire),
            b'"' => Self::read_quoted(wire),
            b'{' => Self::read_literal(wire),
            _ => Self::read_atom(wire),
        }
    }

    /// All values in `wire`, which may lie side by side without a blank.
    pub(crate) fn read_all(mut wire: &[u8]) -> Vec<Self> {
        let mut values = Vec::new();
        while !wire.is_empty() {
            match wire[0] {
                b' ' => wire = &wire[1..],
                _ => values.push(Self::read(&mut wire)),
            }
        }
        values
    }

    fn read_list(wire: &mut &[u8]) -> Self {
        *wire = &wire[1..];
        let mut values = Vec::new();
        loop {
            match wire[0] {
                b')' => {
                    *wire = &wire[1..];
                    return Self::List(values);
                }
                b' ' => *wire = &wire[1..],
                _ => values.push(Self::read(wire)),
            }
        }
    }

    fn read_quoted(wire: &mut &[u8]) -> Self {
        let mut text = Vec::new();
        let mut at = 1;
        while wire[at] != b'"' {
            at += usize::from(wire[at] == b'\\');
            text.push(wire[at]);
            at += 1;
        }
        *wire = &wire[at + 1..];
        Self::Text(text)
    }

    fn read_literal(wire: &mut &[u8]) -> Self {
        let end = wire.iter().position(|octet| *octet == b'\n').unwrap() + 1;
        let digits: String =
            wire[1..end].iter().map(|o| char::from(*o)).filter(char::is_ascii_digit).collect();
        let length: usize = digits.parse().unwrap();
        let text = wire[end..end + length].to_vec();
        *wire = &wire[end + length..];
        Self::Text(text)
    }

    fn read_atom(wire: &mut &[u8]) -> Self {
        let end = wire.iter().position(|octet| matches!(octet, b' ' | b')')).unwrap_or(wire.len());
        let atom = String::from_utf8_lossy(&wire[..end]).to_ascii_uppercase();
        *wire = &wire[end..];
        if atom == "NIL" { Self::Nil } else { Self::Atom(atom) }
    }

    /// In a list of names and values: the value behind a name.
    pub(crate) fn item(&self, name: &str) -> Option<&Self> {
        let Self::List(values) = self else { return None };
        let place = values.iter().position(|value| *value == Self::Atom(name.to_owned()))?;
        values.get(place + 1)
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nil => write!(f, "NIL"),
            Self::Atom(atom) => write!(f, "{atom}"),
            Self::Text(text) => write!(f, "{:?}", String::from_utf8_lossy(text)),
            Self::List(values) => {
                write!(f, "(")?;
                values.iter().try_for_each(|value| write!(f, "{value} "))?;
                write!(f, ")")
            }
        }
    }
}
