//! The manual's page of events, from the list.

use crate::declare::{Entry, EntryField};
use crate::list::LIST;
use std::fmt::Write;

const OPENING: &str = "\
# Events

What Gatepost says of what happens. The name is the message of the log line, and fields have the same names in the
human and the JSON format (`log.format`). Names and fields keep their meaning from release to release. A field that has
nothing to say is left out. No event holds a password, a token or mail.

Text from outside is at most 256 octets long; controls and other invisible characters in it are shown by number, as
`<U+000A>`, and octets that are not UTF-8 as `<FF>`.

This page is written by `cargo xtask manual` from `crates/events/src/list.rs`.
";

/// `docs/guide/events.md`.
#[must_use]
pub fn manual() -> String {
    let mut page = OPENING.to_owned();
    for (index, entry) in LIST.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|index| LIST.get(index));
        if previous.map(area) != Some(area(entry)) {
            page += &format!("\n## {}\n", area(entry));
        }
        page += &section(entry);
    }
    page
}

/// The part of a name before the point.
fn area(entry: &Entry) -> &'static str {
    entry.name.split_once('.').map_or(entry.name, |(area, _)| area)
}

fn section(entry: &Entry) -> String {
    let says: Vec<_> = entry.says.iter().map(|line| line.trim()).collect();
    let mut section =
        format!("\n### `{}` ({})\n\n{}\n\n", entry.name, entry.level.to_lowercase(), says.join("\n"));
    section += "| field | value | |\n|---|---|---|\n";
    entry.fields.iter().for_each(|field| row(&mut section, field));
    section
}

fn row(section: &mut String, field: &EntryField) {
    let row = writeln!(section, "| `{}` | {} | {} |", field.name, field.kind, field.says.trim());
    row.expect("a string takes all that is written to it");
}
