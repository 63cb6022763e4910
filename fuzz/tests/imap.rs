//! IMAP: commands, framing, modified UTF-7.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use fuzz::fuzz;
use imap_codec::CommandCodec;
use imap_codec::decode::Decoder as _;
use imap_codec::encode::Encoder as _;
use wire::imap::command::{sasl_line, upload_at_literal};
use wire::imap::framer::{Announced, Event};
use wire::imap::{Framer, Limits, NameForm, mailbox_name, parse};

const COMMANDS: &[&[u8]] = &[
    b"a LOGIN \"user\" {6}\r\nsecret",
    b"a AUTHENTICATE PLAIN AGEAYg==",
    b"a ID (\"name\" \"x\" \"os\" NIL)",
    b"a SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1:3 4:6)) CONDSTORE)",
    b"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (\"*\" %) RETURN (CHILDREN STATUS (MESSAGES SIZE))",
    b"a STATUS &AOk- (MESSAGES HIGHESTMODSEQ)",
    b"a UID SEARCH RETURN (MIN) CHARSET UTF-8 OR (FROM a NOT TO \"b\") SINCE 1-Feb-1994 UID 1:* MODSEQ 5",
    b"a UID FETCH 1:*,5 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (To)]<0.4096>) (CHANGEDSINCE 7 VANISHED)",
    b"a UID STORE 1:4 (UNCHANGEDSINCE 3) +FLAGS.SILENT (\\Deleted $Junk)",
    b"a APPEND Sent (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {310}\r\n",
    b"a RENAME a {1}\r\nb",
    b"a MOVE 1 Trash",
    b"a ENABLE CONDSTORE",
];

const WORDS: &[&[u8]] = &[
    b" ",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"{3}\r\n",
    b"{0+}\r\n",
    b"~{1}\r\n",
    b"\r\n",
    b"\n",
    b"*",
    b":",
    b",",
    b"[",
    b"]",
    b"<",
    b">",
    b"NIL",
    b"UID ",
    b"NOT ",
    b"OR ",
    b"ALL",
    b"BODY[",
    b"HEADER.FIELDS",
    b".MIME",
    b"1.",
    b"$",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"0",
    b"\0",
    b"\xc3\xa9",
    b"\xff",
    b"&AOk-",
    b"&",
    b"=",
    b"1-Jan-2026",
    b"RETURN (",
    b"CHARSET ",
    b"MODSEQ \"/flags/\\\\seen\" all ",
];

/// What `imap-codec` understands, written as it would write it.
fn respelled(frame: &[u8]) -> Option<Vec<u8>> {
    let line = [frame, b"\r\n"].concat();
    let (rest, command) = CommandCodec::default().decode(&line).ok().filter(|(rest, _)| rest.is_empty())?;
    assert!(rest.is_empty());
    let mut bytes = CommandCodec::default().encode(&command).dump();
    bytes.truncate(bytes.len() - 2);
    Some(bytes)
}

fn meaning(frame: &[u8]) -> Option<String> {
    parse(frame).ok().map(|tagged| format!("{:?}", tagged.command))
}

#[test]
fn imap_command() {
    fuzz("imap_command", COMMANDS, WORDS, |frame| {
        drop(upload_at_literal(frame, NameForm::Utf7));
        drop(sasl_line(frame));
        match parse(frame) {
            Ok(tagged) => (frame.len(), format!("{:?}", tagged.command)),
            Err(bad) => {
                assert!(bad.at <= frame.len(), "{bad:?}");
                (bad.at, bad.reason.to_string())
            }
        }
    });
}

#[test]
fn imap_command_means_the_same_to_imap_codec() {
    fuzz("imap_command_means_the_same_to_imap_codec", COMMANDS, WORDS, |frame| {
        let read = meaning(frame);
        let theirs = if read.is_some() { respelled(frame) } else { None };
        if let Some(theirs) = &theirs {
            assert_eq!(meaning(theirs), read, "{}", theirs.escape_ascii());
        }
        (theirs.is_some(), read.map(|read| read.len()))
    });
}

/// What a framer makes of `stream` when it is pushed by pieces of `size`; streamed octets are joined.
fn frames(stream: &[u8], size: usize, limits: Limits) -> Vec<String> {
    let mut framer = Framer::new(limits);
    let mut seen = Vec::new();
    let mut streamed = Vec::new();
    for piece in stream.chunks(size) {
        framer.push(piece);
        loop {
            match framer.next_event() {
                Event::More => break,
                Event::Literal(announced) => seen.push(decide(&mut framer, announced)),
                Event::Octets { octets, left } => {
                    streamed.extend_from_slice(&octets);
                    if left == 0 {
                        seen.push(format!("{:?}", std::mem::take(&mut streamed)));
                    }
                }
                Event::Lost => {
                    seen.push("lost".into());
                    return seen;
                }
                other => seen.push(format!("{other:?}")),
            }
        }
    }
    seen
}

fn decide(framer: &mut Framer, announced: Announced) -> String {
    match announced.octets % 3 {
        0 => format!("{announced:?} {:?}", framer.keep()),
        1 => format!("{announced:?} {:?}", framer.stream()),
        _ => {
            framer.refuse();
            format!("{announced:?} refused")
        }
    }
}

#[test]
fn imap_framer() {
    let small = Limits { line_octets: 40, skipped_octets: 60, ..Limits::after_login(30) };
    let streams: &[&[u8]] = &[
        b"a NOOP\r\nb LOGIN {3}\r\nabc {3+}\r\ndef\r\n",
        b"a APPEND x {4}\r\nabcd\r\n",
        b"a X {5+}\r\nabcde\r\nb NOOP\r\n",
        b"a ~{4096+}\r\n",
    ];
    for limits in [small, Limits::BEFORE_TLS, Limits::BEFORE_LOGIN] {
        fuzz("imap_framer", streams, WORDS, |stream| {
            let at_once = frames(stream, stream.len().max(1), limits);
            let size = 1 + stream.len() % 5;
            assert_eq!(frames(stream, size, limits), at_once, "by {size}");
            at_once
        });
    }
}

#[test]
fn imap_mailbox_name() {
    let names: &[&[u8]] = &[b"INBOX", b"&AOk-", b"R&-D", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", b"&2D3eAA-"];
    fuzz("imap_mailbox_name", names, WORDS, |name| {
        let decoded = mailbox_name::decode_text(name, NameForm::Utf7).ok();
        let mut encoded = Vec::new();
        if let Some(text) = &decoded {
            mailbox_name::encode(&mut encoded, text, NameForm::Utf7);
            assert!(encoded == name || !name.is_ascii() || name.iter().any(u8::is_ascii_control), "{text:?}");
            assert_eq!(
                mailbox_name::decode_text(&encoded, NameForm::Utf7).ok().as_ref(),
                decoded.as_ref().filter(|t| !t.contains('\0'))
            );
        }
        (decoded.is_some(), name.len())
    });
}
