//! Reading what clients send, and writing what they are sent.

use crate::{Operation, Work};
use std::hint::black_box;
use terms::{Keyword, ModSeq, SeqNum, Uid};
use wire::imap::command::{AtLiteral, upload_at_literal};
use wire::imap::framer::Event;
use wire::imap::reply::{FetchLine, FlagName};
use wire::imap::{Command, Framer, Limits, NameForm, parse};

pub(crate) const ALL: &[Operation] = &[
    Operation { name: "wire/parse-uid-fetch", yields: 8, prepare: parse_uid_fetch },
    Operation { name: "wire/parse-login", yields: 5, prepare: parse_login },
    Operation { name: "wire/parse-append", yields: 1, prepare: parse_append },
    Operation { name: "wire/frame-commands", yields: 100, prepare: frame_commands },
    Operation { name: "wire/write-fetch-flags", yields: 67_236, prepare: write_fetch_flags },
];

/// A client that comes back from a week without network asks so for what has changed.
fn parse_uid_fetch() -> Work {
    let set: Vec<_> = (0..200_u32).map(|n| format!("{}:{}", n * 1_000 + 1, n * 1_000 + 1 + n % 7)).collect();
    let frame = format!(
        "a7 UID FETCH {} (UID FLAGS MODSEQ INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE \
         BODY.PEEK[HEADER.FIELDS (REFERENCES LIST-ID X-PRIORITY)]) (CHANGEDSINCE 715194045007)",
        set.join(",")
    );
    Box::new(move || match parse(black_box(frame.as_bytes())).unwrap().command {
        Command::Fetch(fetch) => fetch.items.len() as u64,
        other => panic!("no FETCH but {other:?}"),
    })
}

fn parse_login() -> Work {
    Box::new(|| {
        match parse(black_box(b"a1 LOGIN alice \"correct horse \\\"battery\\\" staple\"")).unwrap().command {
            Command::Login(login) => login.user.len() as u64,
            other => panic!("no LOGIN but {other:?}"),
        }
    })
}

/// Up to the message: its octets are not read here.
fn parse_append() -> Work {
    let start =
        b"a9 APPEND \"Entw&APw-rfe\" (\\Seen \\Draft $Forwarded) \" 7-Feb-1994 21:52:25 -0800\" {310+}\r\n";
    Box::new(move || match upload_at_literal(black_box(start), NameForm::Utf7) {
        AtLiteral::Message(_) => 1,
        other => panic!("no message but {other:?}"),
    })
}

/// A hundred commands that came in one read.
fn frame_commands() -> Work {
    let read: Vec<u8> = (0..100)
        .flat_map(|n| format!("t{n} UID STORE {n}:* +FLAGS.SILENT (\\Seen)\r\n").into_bytes())
        .collect();
    let mut framer = Framer::new(Limits::after_login(64 << 20));
    Box::new(move || {
        framer.push(black_box(&read));
        let commands = std::iter::from_fn(|| match framer.next_event() {
            Event::Command(command) => Some(command),
            _ => None,
        });
        commands.map(black_box).count() as u64
    })
}

/// `FETCH 1:1000 (UID FLAGS MODSEQ)`, as mail clients look for what has changed.
fn write_fetch_flags() -> Work {
    let keyword = Keyword::new("$Forwarded").unwrap();
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        for n in 1..=1_000 {
            let flags = [FlagName::Answered, FlagName::Seen, FlagName::Keyword(&keyword)];
            let mut line = FetchLine::begin(&mut out, SeqNum::new(n).unwrap());
            line.uid(&mut out, Uid::new(n * 7).unwrap());
            line.flags(&mut out, flags.into_iter().take(n as usize % 4));
            line.mod_seq(&mut out, ModSeq::new(u64::from(n) + 715_194_045_007).unwrap());
            line.end(&mut out);
        }
        black_box(&out).len() as u64
    })
}
