//! Where the parts are, beside the offsets that mail-parser found: a second opinion on the octets themselves.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod corpus;

use message::{Kind, PartTable, parse};
use serde_json::Value;

/// Where the two differ. All but one are messages made to be malformed: multiparts without parts, parts without a
/// blank line. On the first eight but 017 Dovecot sees what we see (`dovecot.rs`).
const DIFFERENT: [&str; 10] = [
    "malformed/000",
    "malformed/001",
    "malformed/004",
    "malformed/008",
    "malformed/014",
    "malformed/017",
    "malformed/020",
    "malformed/021",
    // The line end before a delimiter is the delimiter's, even behind a header.
    "malformed/022",
    // A last part without a delimiter: we keep its last line end.
    "thirdparty/007",
];

#[test]
fn parts_lie_where_another_parser_finds_them() {
    let Some(folder) = corpus::folder("expected/mail-parser-json") else { return };
    for group in ["legacy", "malformed", "rfc", "thirdparty"] {
        let read = |number: u32, suffix: &str| {
            corpus::read(&folder.join(group).join(format!("{number:03}{suffix}")))
        };
        let pairs =
            (0..100).filter_map(|number| Some((number, read(number, ".eml")?, read(number, ".crlf.json")?)));
        for (number, message, expected) in pairs {
            let name = format!("{group}/{number:03}");
            let ours = ours(&parse(&corpus::with_crlf(&message)).table);
            let theirs = theirs(&serde_json::from_slice(&expected).unwrap());
            let is_explained = DIFFERENT.contains(&name.as_str());
            assert_eq!(ours != theirs, is_explained, "{name}: ours {ours:?}, theirs {theirs:?}");
        }
    }
}

/// Header, body and end of each leaf that lies in no enclosed message.
fn ours(table: &PartTable) -> Vec<(u64, u64, u64)> {
    let mut found = Vec::new();
    let mut enclosed = u8::MAX;
    for part in table.parts() {
        if part.depth > enclosed {
            continue;
        }
        enclosed = if part.kind == Kind::Message { part.depth } else { u8::MAX };
        if part.kind != Kind::Multipart {
            found.push((part.header.start, part.body.start, part.body.end));
        }
    }
    found
}

fn theirs(message: &Value) -> Vec<(u64, u64, u64)> {
    let offset = |part: &Value, name: &str| part[name].as_u64().unwrap();
    let parts = message["parts"].as_array().unwrap();
    let leaves = parts.iter().filter(|part| part["body"].get("Multipart").is_none());
    leaves
        .map(|part| (offset(part, "offset_header"), offset(part, "offset_body"), offset(part, "offset_end")))
        .collect()
}
