//! SEARCH beside the answers of another server, which decoded charsets and transfer encodings too.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod corpus;

use message::search::{Needle, Scope, Search, readings};
use message::{HeaderValue, RecordView, parse, record};
use std::collections::BTreeSet;

/// Numbers of messages on which we differ, and why.
const EXPLAINED: [(&str, &str, &[usize], &str); 4] = [
    (
        "spamassassin",
        "search-sentbefore.txt",
        &[1927, 1929],
        "no date (`2002/09/14 Sat`) is before any; there it is 1970",
    ),
    ("osst-users", "search-subject-re.txt", &[347, 348], "they decompose: the full-width colon is a colon"),
    (
        "spamassassin",
        "search-utf8-umlaut.txt",
        &[599, 1615, 1697, 1938, 1946],
        "8-bit text without a charset: we read it as windows-1252",
    ),
    ("osst-users", "search-utf8-umlaut.txt", &[82], "8-bit text that calls itself us-ascii: likewise"),
];

#[test]
fn texts_are_found_where_another_server_finds_them() {
    check_all(
        [
            "search-body-patch.txt",
            "search-body-german.txt",
            "search-text-linux.txt",
            "search-utf8-umlaut.txt",
        ],
        |message| {
            let bodies = finds(message, Scope::Body, ["patch", "grüße"]);
            let texts = finds(message, Scope::Text, ["linux", "é"]);
            [bodies[0], bodies[1], texts[0], texts[1]]
        },
    );
}

#[test]
fn header_values_are_found_where_another_server_finds_them() {
    check_all(
        [
            "search-subject-re.txt",
            "search-from-com.txt",
            "search-cc.txt",
            "search-header-msgid.txt",
            "search-header-nonempty-listid.txt",
        ],
        |message| {
            let parsed = parse(message);
            let record = record(&parsed, [0; 32]);
            let view = RecordView::new(&record).unwrap();
            let block = parsed.table.get(0).unwrap().header.of(message);
            let has = |name: &[u8], text: &str| has(view, block, name, text);
            [
                has(b"subject", "re:"),
                has(b"from", ".com"),
                has(b"cc", "@") && has(b"to", "@"),
                has(b"message-id", "@"),
                has(b"list-id", ""),
            ]
        },
    );
}

#[test]
fn sent_dates_are_compared_as_another_server_does() {
    check_all(["search-sentbefore.txt", "search-sentsince.txt"], |message| {
        // Days since 1970 of 2003-01-01 and 2019-01-01.
        let day = parse(message).summary.sent.map(|sent| sent.local_day());
        [day.is_some_and(|day| day < 12_053), day.is_some_and(|day| day >= 17_897)]
    });
}

/// Asks several questions of each message, and compares the answers with those in the files.
fn check_all<const N: usize>(files: [&str; N], finds: impl Fn(&[u8]) -> [bool; N]) {
    let Some(folder) = corpus::folder("expected/dovecot-2.3.19/real") else { return };
    for set in ["spamassassin", "linux-mips", "usrp-users", "osst-users"] {
        let found: Vec<[bool; N]> = corpus::real(set).iter().map(|message| finds(message)).collect();
        for (question, file) in files.iter().enumerate() {
            let answer = String::from_utf8(corpus::read(&folder.join(set).join(file)).unwrap()).unwrap();
            let theirs = answer.lines().find_map(numbers).unwrap();
            let ours = (1..)
                .zip(&found)
                .filter(|(_, answers)| answers[question])
                .map(|(number, _)| number)
                .collect();
            compare(&format!("{set}/{file}"), &theirs, &ours);
        }
    }
}

fn compare(name: &str, theirs: &BTreeSet<usize>, ours: &BTreeSet<usize>) {
    println!("{name}: {} theirs, {} ours", theirs.len(), ours.len());
    let differ: Vec<usize> = ours.symmetric_difference(theirs).copied().collect();
    let explained = EXPLAINED.iter().find(|(set, file, ..)| format!("{set}/{file}") == name);
    assert_eq!(differ, explained.map_or(&[][..], |(_, _, numbers, _)| *numbers), "{name}");
}

fn numbers(line: &str) -> Option<BTreeSet<usize>> {
    let numbers = line.strip_prefix("S: * SEARCH")?;
    Some(numbers.split_whitespace().map(|number| number.parse().unwrap()).collect())
}

fn finds(message: &[u8], scope: Scope, texts: [&str; 2]) -> [bool; 2] {
    let needles = texts.map(Needle::new);
    let mut search = Search::new(&needles);
    for reading in readings(&parse(message).table, scope) {
        search.begin(&reading);
        reading.span.of(message).chunks(4096).for_each(|piece| search.push(piece));
        search.end();
    }
    [search.has_found(0), search.has_found(1)]
}

/// As a session does: the record first, the header block where that does not tell.
fn has(view: RecordView<'_>, block: &[u8], name: &[u8], text: &str) -> bool {
    let needle = Needle::new(text);
    let read = needle.is_in_header(block, name);
    let kept = match view.header(name) {
        HeaderValue::Absent => false,
        HeaderValue::Text(value) => needle.is_in(value),
        HeaderValue::ReadHeader => read,
    };
    assert_eq!(kept, read, "the record says what the header says");
    kept
}
