//! `imap-codec` as an independent opinion on commands.
//!
//! Where both take a command, they must mean the same by it: what `imap-codec` understood, it writes out in its
//! own spelling, and that must read to us like the original. Every command where the two disagree on whether it
//! is one stands in a list here, with its reason.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use imap_codec::CommandCodec;
use imap_codec::decode::Decoder as _;
use imap_codec::encode::Encoder as _;
use proptest::prelude::*;
use proptest::sample::select;
use support::for_all;
use wire::imap::{BadCommand, parse};

/// What we read, in words. Flags that a set holds twice and the like are left as they are.
fn ours(frame: &[u8]) -> Result<String, BadCommand> {
    parse(frame).map(|tagged| format!("{} {:?}", tagged.tag, tagged.command))
}

/// The command as `imap-codec` would have sent it, without the last line end; `None` where it takes none.
fn respelled(frame: &[u8]) -> Option<Vec<u8>> {
    let line = [frame, b"\r\n"].concat();
    let (rest, command) = CommandCodec::default().decode(&line).ok()?;
    assert!(rest.is_empty(), "{:?}", frame.escape_ascii().to_string());
    let mut bytes = CommandCodec::default().encode(&command).dump();
    bytes.truncate(bytes.len() - 2);
    Some(bytes)
}

fn check_agreement(frame: &[u8]) {
    let shown = frame.escape_ascii().to_string();
    let read = ours(frame).unwrap_or_else(|bad| panic!("{shown}: we refuse it: {bad}"));
    let respelled = respelled(frame).unwrap_or_else(|| panic!("{shown}: imap-codec refuses it"));
    assert_eq!(ours(&respelled).unwrap(), read, "{shown} and {}", respelled.escape_ascii());
}

/// The shapes of commands that mail programs send: their arguments, quoting and order.
const SHAPES: &[&str] = &[
    "1 CAPABILITY",
    "a001 LOGIN mrc secret",
    "a LOGIN \"user@example.org\" \"with \\\" and \\\\\"",
    "a LOGIN {11}\r\nFRED FOOBAR {7+}\r\nfat man",
    "a AUTHENTICATE PLAIN",
    "a AUTHENTICATE PLAIN AGEAYg==",
    "a AUTHENTICATE XOAUTH2 dXNlcj1hAQE=",
    "DLMA ID NIL",
    "a ID (\"name\" \"Thunderbird\" \"version\" \"153.0\")",
    "a ID (\"name\" \"x\" \"vendor\" NIL)",
    "a ENABLE CONDSTORE",
    "a ENABLE UTF8=ACCEPT",
    "a STARTTLS",
    "a NAMESPACE",
    "a SELECT INBOX",
    "a SELECT \"INBOX\" (CONDSTORE)",
    "a SELECT \"Entw&APw-rfe/&2D3eAA-\"",
    "a SELECT INBOX (QRESYNC (67890007 90060115194045000))",
    "a SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541))",
    "a SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1:3 4:6)))",
    "a EXAMINE Archive/2026",
    "a CREATE \"Mailspring.Snoozed\"",
    "a DELETE foo",
    "a RENAME foo \"bar baz\"",
    "a SUBSCRIBE Sent",
    "a UNSUBSCRIBE \"Sent Items\"",
    "a LIST \"\" \"*\"",
    "a LIST \"\" %",
    "a LIST \"\" \"\"",
    "a LIST \"INBOX/\" \"%\"",
    "a LSUB \"\" *",
    "a STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)",
    "a STATUS \"Sent Items\" (UIDNEXT HIGHESTMODSEQ)",
    "a STATUS x (DELETED SIZE)",
    "a IDLE",
    "a CHECK",
    "a CLOSE",
    "a UNSELECT",
    "a EXPUNGE",
    "a UID EXPUNGE 3000:3002",
    "a SEARCH ALL",
    "a SEARCH UNSEEN",
    "a UID SEARCH 1:* NOT DELETED",
    "a UID SEARCH UID 4100:* UNDELETED",
    "a SEARCH UID 1:500",
    "a SEARCH 2,4:7,9,12:*",
    "a UID SEARCH SINCE 1-Feb-1994 NOT FROM \"Smith\"",
    "a SEARCH CHARSET UTF-8 TEXT {6}\r\nSmiths",
    "a SEARCH CHARSET UTF-8 SUBJECT {4}\r\ngr\u{fc}n",
    "a SEARCH OR (FROM a TO b) (CC c BCC d)",
    "a SEARCH OR SEEN OR FLAGGED ANSWERED",
    "a SEARCH NOT NOT (NOT DRAFT)",
    "a UID SEARCH HEADER \"Message-ID\" \"<x@y>\"",
    "a SEARCH HEADER X-Flag \"\"",
    "a SEARCH BEFORE 17-Jul-1996 ON \"1-Jan-2026\" SINCE 31-Dec-1999",
    "a SEARCH SENTBEFORE 1-Mar-2024 SENTON 29-Feb-2024 SENTSINCE 1-Feb-2024",
    "a SEARCH LARGER 1000 SMALLER 4294967295",
    "a SEARCH KEYWORD $Forwarded UNKEYWORD NonJunk",
    "a SEARCH NEW OLD RECENT UNANSWERED UNDRAFT UNFLAGGED",
    "a SEARCH BODY x TEXT y",
    "a SEARCH MODSEQ 620162338",
    "a SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338",
    "a SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994",
    "a UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL",
    "a SORT (ARRIVAL CC FROM SIZE TO) US-ASCII TEXT \"not in mailbox\"",
    "a UID SORT (REVERSE DISPLAYFROM DISPLAYTO) UTF-8 1:*",
    "a THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000",
    "a UID THREAD REFERENCES UTF-8 SINCE 5-MAR-2000",
    "a FETCH 1 FLAGS",
    "a FETCH 1:* (FLAGS)",
    "a FETCH 1:4 FULL",
    "a UID FETCH 1:* (FLAGS)",
    "a UID FETCH 5:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date)])",
    "a UID FETCH 12 (UID BODY.PEEK[1]<0.393216>)",
    "a UID FETCH 7 (BODY.PEEK[])",
    "a FETCH 1 BODY[]",
    "a FETCH 1,3 (BODY[TEXT] BODY.PEEK[HEADER] BODY[1.2.MIME] BODY[4.1.HEADER])",
    "a FETCH 1 BODY[HEADER.FIELDS.NOT (\"Received\" X-Spam)]<10.20>",
    "a FETCH 1 (ENVELOPE INTERNALDATE BODYSTRUCTURE BODY RFC822 RFC822.HEADER RFC822.TEXT)",
    "a FETCH 12:13 (INTERNALDATE UID RFC822.SIZE FLAGS MODSEQ BODY.PEEK[HEADER])",
    "a FETCH *:5 (UID ENVELOPE BODY.PEEK[HEADER.FIELDS (References)])",
    "a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)",
    "a UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)",
    "a STORE 2:4 +FLAGS (\\Deleted)",
    "a STORE 1 -FLAGS.SILENT (\\Seen $Junk)",
    "a STORE 1 FLAGS ()",
    "a STORE 1 FLAGS \\Seen \\Answered",
    "a UID STORE 5 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Draft)",
    "a UID STORE 5 (UNCHANGEDSINCE 0) FLAGS (\\Flagged)",
    "a COPY 2:4 MEETING",
    "a UID COPY 4294967295 \"Sent Items\"",
    "a MOVE 1 Trash",
    "a UID MOVE 1:* Archive",
];

#[test]
fn both_mean_the_same_by_what_mail_programs_send() {
    for shape in SHAPES {
        // Latin-1 in a literal cannot stand in a Rust string.
        let frame: Vec<u8> = shape.chars().flat_map(|c| u8::try_from(c).ok()).collect();
        check_agreement(&frame);
    }
}

/// Taken by us and refused by `imap-codec`, each for a reason.
const FORGIVEN: &[(&str, &str)] = &[
    ("a ID ()", "clients send it for NIL"),
    ("a UID FETCH 1 FLAGS (CHANGEDSINCE 0)", "iOS; the grammar begins at 1"),
    ("a SEARCH SUBJECT \"gr\u{fc}n\"", "neomutt; RFC 9051 allows UTF-8 here"),
    ("a STORE 1 +FLAGS (\\Recent)", "clients copy a message's flags; the flag is dropped"),
    ("a SEARCH LARGER 4294967296", "number64 since RFC 9051"),
    ("a FETCH 1 BODY[]<4294967296.1>", "number64 since RFC 9051"),
    ("a SEARCH RETURN (COUNT) ALL", "RFC 4731, which imap-codec does not know"),
    ("a LIST (SUBSCRIBED) \"\" *", "RFC 5258, which imap-codec knows by a feature"),
    ("a XLIST \"\" *", "not an RFC's"),
    ("a STATUS x (MAILBOXID)", "RFC 8474"),
];

#[test]
fn what_we_forgive_is_listed_here() {
    for (frame, why) in FORGIVEN {
        assert!(ours(frame.as_bytes()).is_ok(), "{frame}: {why}");
    }
}

#[test]
fn both_refuse_what_is_no_command() {
    for frame in [
        "",
        "a",
        "a ",
        " NOOP",
        "+ NOOP",
        "a NOOP x",
        "a SELECT",
        "a SELECT  x",
        "a LOGIN x",
        "a LOGIN x \"y",
        "a FETCH 0 FLAGS",
        "a FETCH 1 FLAGS UID",
        "a FETCH 1 (ALL)",
        "a FETCH 1 BODY[MIME]",
        "a FETCH 1 BODY[]<1.0>",
        "a SEARCH",
        "a SEARCH OR SEEN",
        "a SEARCH ON 32-Jan-2026",
        "a SEARCH ON 30-Feb-2026",
        "a STORE 1 FLAGS",
        "a UID NOOP",
        "a UID EXPUNGE",
        "a COPY 1",
        "a LOGIN {3}\r\nab",
    ] {
        assert!(ours(frame.as_bytes()).is_err(), "we take {frame:?}");
        assert!(respelled(frame.as_bytes()).is_none(), "imap-codec takes {frame:?}");
    }
}

// Generated commands.

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9@._+-]{1,12}",
        "[ -~]{0,12}".prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
        "[ -~\r\n]{0,12}".prop_map(|text| format!("{{{}}}\r\n{text}", text.len())),
        "[ -~]{0,12}".prop_map(|text| format!("{{{}+}}\r\n{text}", text.len())),
    ]
}

fn mailbox() -> impl Strategy<Value = String> {
    select(&["INBOX", "inbox", "\"a b\"", "Sent", "&AOk-/x", "{5}\r\nDra/f", "\"x\\\"y\""][..])
        .prop_map(Into::into)
}

fn set() -> impl Strategy<Value = String> {
    let number = prop_oneof![4 => (1u32..).prop_map(|n| n.to_string()), 1 => Just("*".to_owned())];
    let range = proptest::collection::vec(number, 1..=2).prop_map(|ends| ends.join(":"));
    proptest::collection::vec(range, 1..5).prop_map(|ranges| ranges.join(","))
}

fn date() -> impl Strategy<Value = String> {
    let month = select(&["Jan", "feb", "MAR", "Apr", "Dec"][..]);
    (1u32..=28, month, 1970u32..2100).prop_map(|(day, month, year)| format!("{day}-{month}-{year}"))
}

fn search_key() -> impl Strategy<Value = String> {
    let plain =
        select(&["ALL", "new", "OLD", "Recent", "SEEN", "UNSEEN", "DELETED", "UNDRAFT", "FLAGGED"][..]);
    let text = select(&["FROM", "TO", "CC", "BCC", "SUBJECT", "BODY", "TEXT", "HEADER x"][..]);
    let day = select(&["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"][..]);
    let leaf = prop_oneof![
        plain.prop_map(str::to_owned),
        (text, string()).prop_map(|(key, text)| format!("{key} {text}")),
        (day, date()).prop_map(|(key, date)| format!("{key} {date}")),
        set(),
        set().prop_map(|set| format!("UID {set}")),
        any::<u32>().prop_map(|size| format!("LARGER {size}")),
        (0..=i64::MAX).prop_map(|mod_seq| format!("MODSEQ {mod_seq}")),
        "[a-z$]{1,8}".prop_map(|keyword| format!("KEYWORD {keyword}")),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|key| format!("NOT {key}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("OR {a} {b}")),
            proptest::collection::vec(inner, 1..4).prop_map(|keys| format!("({})", keys.join(" "))),
        ]
    })
}

fn fetch_item() -> impl Strategy<Value = String> {
    let plain = select(&["FLAGS", "uid", "ENVELOPE", "Body", "BODYSTRUCTURE", "RFC822.SIZE", "MODSEQ"][..]);
    let section = select(
        &[
            "",
            "TEXT",
            "HEADER",
            "1",
            "1.2.3",
            "2.TEXT",
            "3.MIME",
            "HEADER.FIELDS (a B)",
            "1.header.fields.not (c)",
        ][..],
    );
    let partial = prop_oneof![
        Just(String::new()),
        (any::<u32>(), 1u32..).prop_map(|(offset, length)| format!("<{offset}.{length}>"))
    ];
    let peek = select(&["BODY", "BODY.PEEK"][..]);
    prop_oneof![
        plain.prop_map(str::to_owned),
        (peek, section, partial).prop_map(|(peek, section, partial)| format!("{peek}[{section}]{partial}")),
    ]
}

fn flags() -> impl Strategy<Value = String> {
    let flag = select(&["\\Seen", "\\answered", "\\DELETED", "$Junk", "NonJunk", "x-y"][..]);
    proptest::collection::vec(flag, 0..4).prop_map(|flags| format!("({})", flags.join(" ")))
}

fn commands() -> impl Strategy<Value = String> {
    let names = select(&["SELECT", "examine", "CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE"][..]);
    let uid = || select(&["", "UID "][..]);
    let store = select(&["FLAGS", "+FLAGS", "-flags.SILENT"][..]);
    let transfer = select(&["COPY", "move"][..]);
    prop_oneof![
        1 => (names, mailbox()).prop_map(|(name, mailbox)| format!("{name} {mailbox}")),
        1 => (mailbox(), mailbox()).prop_map(|(from, to)| format!("RENAME {from} {to}")),
        1 => (string(), string()).prop_map(|(user, password)| format!("LOGIN {user} {password}")),
        4 => (uid(), proptest::collection::vec(search_key(), 1..4))
            .prop_map(|(uid, keys)| format!("{uid}SEARCH {}", keys.join(" "))),
        4 => (uid(), set(), proptest::collection::vec(fetch_item(), 1..5))
            .prop_map(|(uid, set, items)| format!("{uid}FETCH {set} ({})", items.join(" "))),
        2 => (uid(), set(), store, flags())
            .prop_map(|(uid, set, store, flags)| format!("{uid}STORE {set} {store} {flags}")),
        1 => (uid(), transfer, set(), mailbox())
            .prop_map(|(uid, name, set, mailbox)| format!("{uid}{name} {set} {mailbox}")),
    ]
}

#[test]
fn both_mean_the_same_by_generated_commands() {
    for_all(21, 3_000, commands(), |command| check_agreement(format!("t {command}").as_bytes()));
}
