//! Where parts begin and end, beside the offsets that MimeKit found: of every part, of those in enclosed messages too,
//! in the files as they are, with LF, and with CRLF. Where a message begins and ends is what MimeKit's reader of mboxes
//! says; a reader of our own is not asked.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod corpus;

use message::{Kind, Part, parse};
use serde_json::Value;

/// Where we differ by one line end: file, message (from 1), part (in the order of the bytes), and why.
const EXPLAINED: [(&str, usize, usize, &str); 2] = [
    (
        "issue1189",
        2,
        1,
        "a delimiter right behind a close delimiter: the line end between them ends the line that it ends. By the \
         grammar (RFC 2046, 5.1.1) it is the second delimiter's; Dovecot counts as we do where it tells sizes, in \
         message/rfc822 (`dovecot.rs`)",
    ),
    (
        "issue1189",
        2,
        4,
        "a delimiter right behind the blank line of a header: the blank line is the header's (RFC 9051, 6.4.5: MIME \
         comes with it), and the body is empty for both",
    ),
];

/// A part: its top-level type as far as it matters where it ends, how deep it lies, where its header and its body
/// begin, and where it ends.
#[derive(Debug, PartialEq)]
struct Place {
    kind: Option<Kind>,
    depth: u8,
    offsets: [u64; 3],
}

#[test]
fn parts_lie_where_mimekit_finds_them_but_for_what_is_explained() {
    let Some(folder) = corpus::folder("expected/mimekit-mbox") else { return };
    for (name, messages, parts) in [("content-length", 29, 105), ("issue1189", 4, 14)] {
        let text = corpus::read(&folder.join(format!("{name}.mbox"))).unwrap();
        for (line_ends, text) in [("unix", text.clone()), ("dos", corpus::with_crlf(&text))] {
            let found = corpus::read(&folder.join(format!("{name}.{line_ends}-offsets.json"))).unwrap();
            let found: Value = serde_json::from_slice(&found).unwrap();
            let found = found.as_array().unwrap();
            let compared = (1..).zip(found).map(|(number, message)| compare(name, number, message, &text));
            assert_eq!((found.len(), compared.sum()), (messages, parts), "{name}, {line_ends}");
        }
    }
}

/// How many parts there were to compare.
fn compare(name: &str, number: usize, message: &Value, text: &[u8]) -> usize {
    let (begin, end) = (offset(message, "beginOffset"), offset(message, "endOffset"));
    let ours: Vec<Place> =
        parse(&text[begin as usize..end as usize]).table.parts().iter().map(Place::of).collect();
    let mut theirs = Vec::new();
    read_tree(&message["body"], 0, begin, &mut theirs);
    assert_eq!(ours.len(), theirs.len(), "{name}, message {number}");
    let line_end = if text.contains(&b'\r') { 2 } else { 1 };
    for (part, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let is_explained = EXPLAINED.iter().any(|row| (row.0, row.1, row.2) == (name, number, part));
        let beyond: [u64; 3] = std::array::from_fn(|at| ours.offsets[at].abs_diff(theirs.offsets[at]));
        let expected = (theirs.kind, theirs.depth, is_explained);
        let differs = beyond.contains(&line_end);
        assert_eq!((ours.kind, ours.depth, differs), expected, "{name} {number}: {ours:?}, {theirs:?}");
        assert!(beyond.iter().all(|n| [0, line_end].contains(n)), "{name} {number}: {ours:?}, {theirs:?}");
    }
    theirs.len()
}

impl Place {
    fn of(part: &Part) -> Self {
        let kind = matches!(part.kind, Kind::Multipart | Kind::Message).then_some(part.kind);
        Self { kind, depth: part.depth, offsets: [part.header.start, part.body.start, part.body.end] }
    }
}

/// Flattens their tree. An enclosed message is the only child of the part that encloses it.
fn read_tree(part: &Value, depth: u8, message: u64, places: &mut Vec<Place>) {
    let offsets = ["beginOffset", "headersEndOffset", "endOffset"].map(|name| offset(part, name) - message);
    let kind = match part["mimeType"].as_str().unwrap() {
        "message/rfc822" => Some(Kind::Message),
        name => name.starts_with("multipart/").then_some(Kind::Multipart),
    };
    places.push(Place { kind, depth, offsets });
    let children = part["children"].as_array().into_iter().flatten();
    let enclosed = part.get("message").map(|message| &message["body"]);
    children.chain(enclosed).for_each(|child| read_tree(child, depth + 1, message, places));
}

fn offset(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap()
}

/// Each of these messages draws in its text where the text lies.
#[test]
fn a_boundary_that_begins_with_another_or_is_the_same_is_told_apart_as_the_message_says() {
    const MULTIPART: Kind = Kind::Multipart;
    let Some(folder) = corpus::folder("expected/mimekit-mbox") else { return };
    let nested = vec![(0, MULTIPART), (1, MULTIPART), (2, MULTIPART), (3, Kind::Text)];
    // The third draws the same for empty boundaries. A boundary has one character at least (RFC 2046, 5.1.1): what
    // looks like delimiters is text.
    let text = vec![(0, MULTIPART), (1, Kind::Text)];
    for name in ["simple", "substring"] {
        let file = corpus::with_crlf(&corpus::read(&folder.join(format!("{name}.mbox"))).unwrap());
        let file = String::from_utf8(file).unwrap();
        let messages = file.split("From - \r\n").skip(1).map(|message| {
            let table = parse(message.as_bytes()).table;
            table.parts().iter().map(|part| (part.depth, part.kind)).collect::<Vec<_>>()
        });
        assert_eq!(messages.collect::<Vec<_>>(), [nested.clone(), nested.clone(), text.clone()], "{name}");
    }
}
