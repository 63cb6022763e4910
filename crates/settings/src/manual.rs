//! The commented file and the manual, from the same list.

use crate::Settings;
use crate::declare::{Described, Entry, Range, Shown};
use std::fmt::Write;

/// The widest line of a comment, in characters.
const WIDTH: usize = 100;

const FILE_HEAD: &str = "\
# Settings of Gatepost. A setting that is commented out shows its default, or an example where
# the default is to leave it out. An unknown name is an error. Relative paths begin in the folder
# of this file.
# Check it with: gatepost check-config
";

const MANUAL_HEAD: &str = "\
# Settings

<!-- Written by `cargo xtask manual` from crates/settings/src/list.rs. Change it there. -->

One TOML file. What it does not name keeps its default; an unknown name is an error, and the server says what was
probably meant. Relative paths begin in the folder of the file. `gatepost check-config` reads it without starting.
[`gatepost.toml`](gatepost.toml) is the whole file with every default.
";

impl Settings {
    /// The commented file: what differs from the default is set, the rest is shown commented out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut file = FILE_HEAD.to_string();
        for section in self.describe() {
            write_section(&mut file, &section);
        }
        file
    }
}

fn write_section(file: &mut String, section: &Described) {
    file.push('\n');
    push_comment(file, &joined(section.doc));
    let in_force = section.shown == Shown::InForce;
    for line in section.above.iter().chain([&section.header]) {
        push_setting(file, line, in_force);
    }
    // What has neither a value nor an example is a table below this one.
    let has_line = |entry: &&Entry| entry.now.is_some() || entry.example.is_some();
    for entry in section.entries.iter().filter(has_line) {
        file.push('\n');
        push_comment(file, &sentence(entry));
        let line = format!("{} = {}", entry.name, shown(entry));
        push_setting(file, &line, in_force && entry.now != entry.default);
    }
}

/// In force, or commented out.
fn push_setting(file: &mut String, lines: &str, in_force: bool) {
    let mark = if in_force { "" } else { "# " };
    lines.lines().for_each(|line| push_line(file, &format!("{mark}{line}")));
}

/// The value that the file shows: what holds, else what could.
fn shown(entry: &Entry) -> &str {
    entry.now.as_deref().or(entry.example).unwrap_or_default()
}

/// What it means, and its range.
fn sentence(entry: &Entry) -> String {
    let doc = joined(entry.doc);
    match entry.range {
        Some(Range(low, high)) => format!("{doc} From {low} to {high}."),
        None => doc,
    }
}

fn joined(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// Wraps a text into comment lines.
fn push_comment(file: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > WIDTH {
            push_line(file, &line);
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    push_line(file, &line);
}

/// `docs/guide/settings.md`.
#[must_use]
pub fn manual() -> String {
    let mut page = MANUAL_HEAD.to_string();
    for section in Settings::default().describe() {
        let about = joined(section.doc);
        let _infallible = write!(page, "\n## {}\n\n{about}\n\n", section.header);
        page.push_str("| setting | default | what it means |\n|---|---|---|\n");
        for entry in &section.entries {
            let _infallible =
                writeln!(page, "| `{}` | {} | {} |", entry.name, default(entry), sentence(entry));
        }
    }
    page
}

fn default(entry: &Entry) -> String {
    match entry.default.as_deref() {
        None => "unset".into(),
        Some(value) => {
            format!("`{}`", value.replace("[\n    ", "[").replace(",\n]", "]").replace("\n    ", " "))
        }
    }
}
