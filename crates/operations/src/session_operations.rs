//! Whole conversations, from the client's octets to ours, without a socket: the machine of the session's own tests. It
//! hands out records two at a time, so that what is told of them costs somewhat more here than over a store.

use crate::{Operation, Work};
use machine::{Machine, Wire};
use std::hint::black_box;
use transcript::{NAME, PASSWORD, Pipe as _, Port, World as _};

#[path = "../../session/tests/machine/mod.rs"]
mod machine;

pub(crate) const ALL: &[Operation] = &[
    Operation { name: "session/fetch-flags", yields: 19_238, prepare: fetch_flags },
    Operation { name: "session/fetch-envelopes", yields: 238_706, prepare: fetch_envelopes },
    Operation { name: "session/search-unseen", yields: 665, prepare: search_unseen },
    Operation { name: "session/search-subject", yields: 58, prepare: search_subject },
    Operation { name: "session/sort-subject", yields: 1_921, prepare: sort_subject },
    Operation { name: "session/noop", yields: 21, prepare: noop },
];

const MESSAGES: u32 = 500;

fn fetch_flags() -> Work {
    asking("FETCH 1:* (FLAGS)")
}

fn fetch_envelopes() -> Work {
    asking("UID FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE)")
}

fn search_unseen() -> Work {
    asking("UID SEARCH UNSEEN")
}

/// Answered from records.
fn search_subject() -> Work {
    asking("UID SEARCH RETURN (COUNT) HEADER SUBJECT garden")
}

fn sort_subject() -> Work {
    asking("UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL")
}

fn noop() -> Work {
    asking("NOOP")
}

/// The same command again and again; a run yields as many octets as the answer has.
fn asking(command: &str) -> Work {
    let mut wire = with_mail();
    let line = format!("t {command}\r\n");
    Box::new(move || black_box(answer(&mut wire, black_box(&line))).len() as u64)
}

fn answer(wire: &mut Wire, line: &str) -> Vec<u8> {
    wire.send(line.as_bytes()).unwrap();
    let mut said = Vec::new();
    while let Ok(octets) = wire.receive() {
        said.extend(octets);
    }
    said
}

/// A session that has a mailbox selected.
fn with_mail() -> Wire {
    let mut world = Machine::new();
    world.lift_quota();
    let mut wire = world.connect(Port::Imaps).unwrap();
    answer(&mut wire, &format!("a LOGIN {NAME} {PASSWORD}\r\n"));
    for n in 0..MESSAGES {
        let flags = ["()", "(\\Seen)", "(\\Seen $Forwarded)"].into_iter().cycle().nth(n as usize % 3);
        let letter = letter(n);
        let length = letter.len();
        answer(
            &mut wire,
            &format!("b APPEND INBOX {} {{{length}+}}\r\n{letter}\r\n", flags.unwrap_or_default()),
        );
    }
    let selected = answer(&mut wire, "c SELECT INBOX\r\n");
    assert!(String::from_utf8(selected).unwrap().contains(&format!("* {MESSAGES} EXISTS\r\n")));
    wire
}

fn letter(n: u32) -> String {
    let about =
        ["garden", "cake", "the roof", "Sunday"].into_iter().cycle().nth(n as usize % 4).unwrap_or_default();
    format!(
        "Date: Mon, 02 Mar 2026 {:02}:{:02}:00 +0100\r\nFrom: Person {n} <person{n}@example.org>\r\n\
         To: Änne <anne@example.org>, bob@example.org\r\nSubject: Re: {about}, number {n}\r\n\
         Message-ID: <{n}@example.org>\r\nIn-Reply-To: <{}@example.org>\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nIt is about {about}.\r\n",
        n / 60 % 24,
        n % 60,
        n / 2
    )
}
