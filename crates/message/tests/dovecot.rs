//! ENVELOPE, BODY and BODYSTRUCTURE beside those of another server, which most clients were tested with.
//!
//! Values are compared, not their spelling: a quoted string equals a literal. Differences that occur all over are
//! [`HABITS`]; those of single messages are [`EXPLAINED`], each with its reason. An entry that explains nothing fails
//! too.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

mod corpus;

use corpus::Value;
use message::{RecordView, Standard, parse, record};
use std::collections::BTreeMap;
use std::path::Path;

/// Why we differ, and what makes the difference go away.
type Habit = (&'static str, fn(Value) -> Value);

/// What we do otherwise throughout, and why. Both sides pass through all of these before they are compared.
const HABITS: [Habit; 4] = [
    (
        "letter case: we write type, encoding and 7BIT as the sender or the RFC does; the other way lowers some",
        lower,
    ),
    (
        "folding: we take out line ends alone (RFC 5322, 2.2.3), the other server also joins the blanks",
        one_blank,
    ),
    (
        "charset us-ascii: we say it where RFC 2045, 5.2 gives the whole default, not where a sender named a type \
      without a charset: it would often be a lie",
        no_default_charset,
    ),
    (
        "MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR: we leave empty what is missing; a client can tell that from an \
      address",
        no_missing,
    ),
];

/// Torture messages that differ beyond our habits.
const EXPLAINED: [(&str, &str); 21] = [
    (
        "enmime-parts__missing-closing-param-quote",
        "a quoted value without its end: we take it to the end, they drop it",
    ),
    (
        "flanker__enclosed-global",
        "we look into message/global (RFC 9051, 7.5.2): a line end behind its last delimiter is its own, as in \
         message/rfc822",
    ),
    (
        "james__oneAttachmentWithEmptyContentType",
        "an empty Content-Type: text/plain (RFC 2045, 5.2), not \"\" \"\"",
    ),
    ("jsmime__bug505221", "`From: aaa bbb`: we keep both words as a name, they stop at the first"),
    ("mailparser-legacy__049", "they drop a bare CR at the very end; we count every octet"),
    (
        "mailparser-malformed__017",
        "no usable Content-Type parameters: multipart without a boundary, not \"\" \"\"",
    ),
    ("mailparser-malformed__019", "two Date fields: the first counts with us, the last with them"),
    ("mailparser-malformed__022", "the line end before a delimiter is the delimiter's even behind a header"),
    ("mailparser-rfc__008", "likewise; Cyrus counts as we do"),
    ("mimetools__testin_multi-digest", "likewise"),
    ("mime4j-mimetools__double-semicolon", "`; ;` in Content-Type: we read on to the boundary"),
    ("rubymail__error_emails_missing_body", "`<name:@host;>`: we keep what is there"),
    ("spamassassin-t__nice_cjk_big5-base64.1", "two Date fields: the first counts with us"),
    ("spamassassin-t__nice_mime8", "an unreadable Content-Type: text/plain, not \"\" \"\""),
    ("spamassassin-t__spam_utf16", "a boundary with = and without quotes: we take all of it"),
    ("synthetic__address-abuse", "a quoted string without its end: we show it as a name, they drop it"),
    (
        "synthetic__deep-multipart",
        "the opaque leaf at the depth limit: they leave it the parameters of the multipart",
    ),
    ("synthetic__long-line-header", "strings of an ENVELOPE end after 8 KiB"),
    ("synthetic__param-abuse", "a quoted value without its end: we take it to the end, they drop it"),
    ("synthetic__rfc2231-abuse", "a broken series of continuations: we leave it in its order, they sort it"),
    ("wildduck__fix3", "a boundary with = and without quotes: we take all of it"),
];

/// Kinds of difference in real mail, with the numbers of the messages.
const EXPLAINED_REAL: [(&str, &[usize], &str); 5] = [
    ("spamassassin", &[1600, 1624, 1721, 1758], "`<undisclosed-recipients:;>`: we keep what is there"),
    ("spamassassin", &[1921, 1922, 1976, 1993, 1998], "`<C:x@host>`: the colon is part of the local part"),
    ("linux-mips", &[195], "a control character in a local part: we keep what is there"),
    (
        "linux-mips",
        &[735, 737, 738, 739, 740, 762, 763, 764],
        "Content-Disposition without MIME-Version: we tell it, they do not",
    ),
    ("linux-mips", &[1183, 1184], "two In-Reply-To fields: the first counts with us, the last with them"),
];

#[test]
fn torture_messages_agree_but_for_what_is_explained() {
    let Some(folder) = corpus::folder("expected/dovecot-2.3.19/torture") else { return };
    let explained: BTreeMap<&str, &str> = EXPLAINED.into_iter().collect();
    let mut tally = Tally::default();
    for (name, message) in corpus::torture() {
        let Some(expected) = corpus::read(&folder.join(format!("{name}.fetch"))) else { continue };
        let expected = Value::read(&mut &expected[..]);
        let differs = differences(&expected, &corpus::with_crlf(&message));
        tally.count(&name, &differs, explained.contains_key(name.as_str()));
    }
    tally.settle("torture");
}

#[test]
fn real_messages_agree_but_for_what_is_explained() {
    let Some(folder) = corpus::folder("expected/dovecot-2.3.19/real") else { return };
    for set in ["spamassassin", "linux-mips", "usrp-users", "osst-users"] {
        let explained =
            |number| EXPLAINED_REAL.iter().any(|(of, numbers, _)| *of == set && numbers.contains(&number));
        let text = corpus::read_zstd(&folder.join(set).join("fetch-all.txt.zst")).unwrap();
        let mut rest = &text[..];
        let mut tally = Tally::default();
        for (number, message) in (1..).zip(corpus::real(set)) {
            let expected = next_fetch(&mut rest);
            let differs = differences(&expected, &message);
            tally.count(&format!("{set}/{number}"), &differs, explained(number));
        }
        tally.settle(set);
    }
}

#[test]
fn vectors_of_its_own_tests_agree() {
    for (folder, item) in
        [("expected/dovecot-envelope", "envelope"), ("expected/dovecot-bodystructure", "body")]
    {
        let Some(folder) = corpus::folder(folder) else { return };
        for number in ["01", "02", "04", "05", "07", "08"] {
            check_vector(&folder, number, item);
        }
    }
}

#[test]
fn where_two_other_servers_agree_we_agree() {
    let Some(folder) = corpus::folder("expected/four-servers") else { return };
    let agreement = String::from_utf8(corpus::read(&folder.join("AGREEMENT.tsv")).unwrap()).unwrap();
    let mut tally = Tally::default();
    for row in agreement.lines().filter(|row| row.split('\t').nth(1) == Some("same")) {
        let name = row.split('\t').next().unwrap();
        let message = corpus::read(&folder.join(name)).unwrap();
        let expected = corpus::read(&folder.join(name.replace(".eml", ".cyrus.bodystructure"))).unwrap();
        let expected = Value::read(&mut &expected[..]);
        let ours = Ours::of(&corpus::with_crlf(&message));
        let differs =
            difference("BODYSTRUCTURE", expected.item("BODYSTRUCTURE").unwrap(), &ours.bodystructure);
        tally.count(name, &differs, false);
    }
    tally.settle("four servers");
}

/// What this crate says of a message.
struct Ours {
    size: u64,
    envelope: Value,
    body: Value,
    bodystructure: Value,
}

impl Ours {
    fn of(message: &[u8]) -> Self {
        let record = record(&parse(message), [0; 32]);
        let view = RecordView::new(&record).unwrap();
        let mut body = Vec::new();
        view.write_body(Standard::Rfc3501, &mut body);
        Self {
            size: view.size(),
            envelope: Value::read(&mut view.envelope()),
            body: Value::read(&mut &body[..]),
            bodystructure: Value::read(&mut &*view.bodystructure(Standard::Rfc3501)),
        }
    }
}

fn differences(expected: &Value, message: &[u8]) -> Vec<String> {
    let ours = Ours::of(message);
    let mut found = Vec::new();
    for (name, value) in
        [("ENVELOPE", &ours.envelope), ("BODY", &ours.body), ("BODYSTRUCTURE", &ours.bodystructure)]
    {
        found.extend(expected.item(name).into_iter().flat_map(|expected| difference(name, expected, value)));
    }
    // Whether sizes agree is another question where the other server has changed octets.
    if found.is_empty()
        && expected.item("RFC822.SIZE").is_some_and(|size| size.to_string() != ours.size.to_string())
    {
        println!("size {} here, {:?} there", ours.size, expected.item("RFC822.SIZE"));
    }
    found
}

fn difference(name: &str, expected: &Value, ours: &Value) -> Vec<String> {
    let through = |value: &Value| HABITS.iter().fold(value.clone(), |value, (_, habit)| habit(value));
    let (expected, ours) = (through(expected), through(ours));
    if expected == ours { Vec::new() } else { vec![format!("{name}\n  theirs {expected}\n  ours   {ours}")] }
}

fn check_vector(folder: &Path, number: &str, item: &str) {
    let Some(message) = corpus::read(&folder.join(format!("{number}.eml"))) else { return };
    let ours = Ours::of(&corpus::with_crlf(&message));
    for (item, value) in [
        (item, if item == "envelope" { &ours.envelope } else { &ours.body }),
        ("bodystructure", &ours.bodystructure),
    ] {
        let Some(expected) = corpus::read(&folder.join(format!("{number}.{item}"))) else { continue };
        let expected = Value::List(Value::read_all(expected.trim_ascii_end()));
        assert_eq!(difference(item, &expected, value), Vec::<String>::new(), "{number}.{item}");
    }
}

/// How many agree.
#[derive(Default)]
struct Tally {
    same: usize,
    all: usize,
    unexplained: Vec<String>,
    stale: Vec<String>,
}

impl Tally {
    fn count(&mut self, name: &str, differences: &[String], is_explained: bool) {
        self.all += 1;
        self.same += usize::from(differences.is_empty());
        if !differences.is_empty() && !is_explained {
            self.unexplained.push(format!("{name}: {}", differences.join("\n")));
        }
        if differences.is_empty() && is_explained {
            self.stale.push(name.to_owned());
        }
    }

    fn settle(self, what: &str) {
        println!("{what}: {} of {} agree", self.same, self.all);
        assert!(self.unexplained.is_empty(), "{}", self.unexplained.join("\n"));
        assert!(self.stale.is_empty(), "explained, but they agree: {:?}", self.stale);
    }
}

fn next_fetch(rest: &mut &[u8]) -> Value {
    let start = rest.windows(7).position(|octets| octets == b"FETCH (").unwrap() + 6;
    *rest = &rest[start..];
    Value::read(rest)
}

fn each(value: Value, change: fn(Value) -> Value) -> Value {
    match value {
        Value::List(values) => Value::List(values.into_iter().map(change).collect()),
        other => other,
    }
}

fn lower(value: Value) -> Value {
    match value {
        Value::Text(text) if !text.starts_with(b"MISSING_") && text != b"SYNTAX_ERROR" => {
            Value::Text(text.to_ascii_lowercase())
        }
        other => each(other, lower),
    }
}

fn one_blank(value: Value) -> Value {
    match value {
        Value::Text(text) => {
            let words: Vec<&[u8]> =
                text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
            Value::Text(words.join(&b' '))
        }
        other => each(other, one_blank),
    }
}

fn no_default_charset(value: Value) -> Value {
    let Value::List(values) = each(value.clone(), no_default_charset) else { return value };
    let default = [Value::Text(b"charset".to_vec()), Value::Text(b"us-ascii".to_vec())];
    let place = values.windows(2).position(|pair| pair == default);
    let Some(place) = place else { return Value::List(values) };
    let rest: Vec<Value> = [&values[..place], &values[place + 2..]].concat();
    if rest.is_empty() { Value::Nil } else { Value::List(rest) }
}

fn no_missing(value: Value) -> Value {
    match value {
        Value::Text(text) if text.starts_with(b"MISSING_") || text == b"SYNTAX_ERROR" => {
            Value::Text(Vec::new())
        }
        other => each(other, no_missing),
    }
}
