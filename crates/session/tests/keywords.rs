//! A mailbox has many keywords, and no more than that: what comes in beyond them is refused, and said why.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod machine;

use machine::{Machine, Wire};
use std::ops::Range;
use transcript::{NAME, PASSWORD, Pipe, Port, World};

const REFUSED: &str = "NO [LIMIT] This mailbox can have at most 1024 different keywords";

/// A client with one message in a selected mailbox.
fn client() -> Wire {
    let mut wire = Machine::new().connect(Port::Imaps).unwrap();
    let begin = format!(
        "x LOGIN {NAME} {PASSWORD}\r\nx CREATE Full\r\nx CREATE Other\r\nx SELECT Full\r\nx APPEND Full {{3+}}\r\nx:y\r\n"
    );
    wire.send(begin.as_bytes()).unwrap();
    assert_eq!(said(&mut wire).matches("\r\nx OK ").count(), 5);
    wire
}

fn said(wire: &mut Wire) -> String {
    let pieces = std::iter::from_fn(|| wire.receive().ok().filter(|octets| !octets.is_empty()));
    String::from_utf8(pieces.flatten().collect()).unwrap()
}

/// The tagged reply to a command, and what came before it.
fn ask(wire: &mut Wire, command: &str) -> (String, String) {
    wire.send(format!("t {command}\r\n").as_bytes()).unwrap();
    let said = said(wire);
    let (before, tagged) = said.trim_end().rsplit_once("\r\n").unwrap_or(("", said.trim_end()));
    (tagged.strip_prefix("t ").unwrap().into(), before.into())
}

fn check(wire: &mut Wire, command: &str, tagged: &str) {
    let (told, _) = ask(wire, command);
    assert!(told.starts_with(tagged), "{command:.60}: {told}");
}

fn keywords(numbers: Range<usize>) -> String {
    numbers.map(|n| format!("k{n}")).collect::<Vec<_>>().join(" ")
}

fn store(numbers: Range<usize>) -> String {
    format!("STORE 1 +FLAGS.SILENT ({})", keywords(numbers))
}

/// How many keywords the FLAGS response of a SELECT lists.
fn listed(wire: &mut Wire) -> usize {
    let (_, said) = ask(wire, "SELECT Full");
    let flags = said.lines().find(|line| line.starts_with("* FLAGS (")).unwrap();
    flags.split([' ', '(', ')']).filter(|flag| flag.starts_with('k')).count()
}

#[test]
fn a_mailbox_has_1024_keywords_and_one_more_is_refused_whole_and_with_the_reason() {
    let mut wire = client();
    check(&mut wire, &store(0..600), "OK STORE completed");
    check(&mut wire, &store(600..1_025), REFUSED);
    assert_eq!(listed(&mut wire), 600, "a STORE that is refused brings no keyword");
    check(&mut wire, &store(600..1_024), "OK STORE completed");
    assert_eq!(listed(&mut wire), 1_024);
    check(&mut wire, &store(1_024..1_025), REFUSED);
    check(&mut wire, "APPEND Full (k1024) {3+}\r\nx:y", REFUSED);
    // A keyword is the same in any case of its letters, and stays known when no message has it.
    check(&mut wire, "STORE 1 FLAGS.SILENT (K7)", "OK STORE completed");
    check(&mut wire, &store(1_024..1_025), REFUSED);
    assert_eq!(ask(&mut wire, "FETCH 1 FLAGS").1, "* 1 FETCH (FLAGS (k7))");
}

#[test]
fn a_copy_into_a_mailbox_that_is_full_of_keywords_is_refused_if_it_brings_one() {
    let mut wire = client();
    check(&mut wire, &store(0..1_024), "OK STORE completed");
    check(&mut wire, "APPEND Other (k5) {3+}\r\nx:y", "OK [APPENDUID");
    check(&mut wire, "APPEND Other (other) {3+}\r\nx:y", "OK [APPENDUID");
    ask(&mut wire, "SELECT Other");
    check(&mut wire, "COPY 1 Full", "OK [COPYUID");
    check(&mut wire, "COPY 2 Full", REFUSED);
    check(&mut wire, "MOVE 1:2 Full", REFUSED);
    check(&mut wire, "FETCH 1:2 FLAGS", "OK FETCH completed");
}
