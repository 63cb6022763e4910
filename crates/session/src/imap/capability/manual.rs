//! What the documentation says of capabilities, made from the table. `cargo xtask manual` writes it down.

use super::{Capability, Stage, TABLE};

const STAGES: [(Stage, &str); 3] = [
    (Stage::Cleartext, "before TLS"),
    (Stage::Greeted, "before a login"),
    (Stage::SignedIn, "after a login"),
];

const HEADING: &str = "\
# Capabilities

What is advertised, when, and the conversations that prove it. Made from the table in
`crates/session/src/imap/capability.rs` by `cargo xtask manual`.

| capability | RFC | before TLS | before a login | after a login | proven by |
|---|---|---|---|---|---|
";

/// The page of the guide: a line for each capability.
#[must_use]
pub fn manual() -> String {
    HEADING.to_owned() + &TABLE.iter().map(line).collect::<String>()
}

fn line(row: &Capability) -> String {
    let when = STAGES.map(|(stage, _)| if row.told.contains(&stage) { "yes" } else { "" }).join(" | ");
    let link = |name: &&str| format!("[{name}](../../transcripts/{name}.imap)");
    let proof = row.transcripts.iter().map(link).collect::<Vec<_>>().join(", ");
    let rfc = row.rfc;
    format!("| {} | [{rfc}](https://www.rfc-editor.org/rfc/rfc{rfc}) | {when} | {proof} |\n", title(row))
}

/// For the README: a line for each stage.
#[must_use]
pub fn summary() -> String {
    let told = |stage| {
        let rows = TABLE.iter().filter(move |row| row.told.contains(&stage));
        rows.map(title).collect::<Vec<_>>().join(" ")
    };
    let line = |(stage, name): (Stage, &str)| format!("| {name} | {} |\n", told(stage));
    "| when | capabilities |\n|---|---|\n".to_owned() + &STAGES.map(line).concat()
}

/// With a value, if it has one: which, depends on the account. With the setting that it depends on.
fn title(row: &Capability) -> String {
    let value = if row.value.is_some() { "=…" } else { "" };
    let setting = row.setting.map(|setting| format!(" (with `{setting}`)")).unwrap_or_default();
    format!("`{}{value}`{setting}", row.name)
}
