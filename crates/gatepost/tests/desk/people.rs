//! What a directory of accounts holds beside mail, in a fixture: who signs in with what, and what is listed of whom.

use crate::directories::FIRST;
use crate::home::{Gatepost, Home};
use crate::keyrings::expose;
use crate::signs_in;
use serde_json::Value;
use std::fmt::Write;
use std::fs;

const SIGNS_IN: &str = "signs in: ";
const STAYS_OUT: &str = "stays out: ";
const LISTED: &str = "listed: ";
/// What is asked at the desk, and must be answered as it was.
const QUESTIONS: [&str; 4] = [
    "account list --json",
    "account app-password list ann@example.org --json",
    "account app-password list dan@example.org --json",
    "account app-password list cid@example.org --json",
];

/// Adds what an account can have since format 3, and says what is true from then on, line by line. `None` where the
/// version that makes the fixture knows nothing of it.
pub(crate) fn make(home: &Home) -> Option<String> {
    let asked = Gatepost::new("account app-password list ann@example.org").config(home).output("");
    if !asked.status.success() {
        return None;
    }
    let hashes = home.folder.join("hashes");
    fs::write(&hashes, format!("cid@example.org:{FIRST}\n")).unwrap();
    home.ok(&format!("account import {}", hashes.display()), "");
    home.ok("account add dan@example.org --password-stdin", "secret\n");
    let add = |words: &str| {
        let said = home.ok(&format!("account app-password add {words}"), "");
        said.lines().nth(1).unwrap().to_owned()
    };
    let phone = add("ann@example.org --name phone --network 127.0.0.0/8 --network 2001:db8::/32");
    let tablet = add("ann@example.org --name tablet --expires 2400-01-02T03:04:05Z");
    let (of_cid, of_dan) = (add("cid@example.org --name cids"), add("dan@example.org --name dans"));
    home.ok("account app-password revoke ann@example.org tablet", "");
    home.ok("account policy dan@example.org --own-password refused", "");
    let server = home.serve();
    expose(server.imap, "bob@example.org");
    // It is written in the background.
    let is_listed = || !home.ok("account list --exposed", "").is_empty();
    assert!((0..1_000).any(|_| is_listed()));
    server.stop();

    let mut told = String::new();
    for question in QUESTIONS {
        writeln!(told, "{LISTED}{question}: {}", home.ok(question, "").trim_end()).unwrap();
    }
    for (name, password) in
        [("ann", "secret"), ("ann", &phone), ("cid", "first"), ("cid", &of_cid), ("dan", &of_dan)]
    {
        writeln!(told, "{SIGNS_IN}{name}@example.org {password}").unwrap();
    }
    for (name, password) in [("ann", tablet.as_str()), ("cid", FIRST), ("dan", "secret"), ("bob", "secret")] {
        writeln!(told, "{STAYS_OUT}{name}@example.org {password}").unwrap();
    }
    Some(told)
}

/// Holds an installation against what was true when its fixture was made.
pub(crate) fn are_as(home: &Home, expected: &str) {
    for line in expected.lines().filter_map(|line| line.strip_prefix(LISTED)) {
        let (question, answer) = line.split_once(": ").unwrap();
        let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
        let told = parsed(&home.ok(question, ""));
        assert!(is_within(&parsed(answer), &told), "{question}: {told} instead of {answer}");
    }
    let server = home.serve();
    for (word, is_let_in) in [(SIGNS_IN, true), (STAYS_OUT, false)] {
        for line in expected.lines().filter_map(|line| line.strip_prefix(word)) {
            let (name, password) = line.split_once(' ').unwrap();
            // The second time nothing may have changed, also where a hash was made anew.
            for _ in 0..2 {
                assert_eq!(signs_in(&server, home, name, password), is_let_in, "{line}");
            }
        }
    }
    server.stop();
}

/// Whether all that was told is told still, whatever a later version tells besides.
fn is_within(expected: &Value, told: &Value) -> bool {
    match (expected, told) {
        (Value::Object(expected), Value::Object(told)) => {
            expected.iter().all(|(key, value)| told.get(key).is_some_and(|told| is_within(value, told)))
        }
        (Value::Array(expected), Value::Array(told)) => {
            expected.len() == told.len()
                && expected.iter().zip(told).all(|(one, other)| is_within(one, other))
        }
        (expected, told) => expected == told,
    }
}
