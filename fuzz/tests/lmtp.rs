//! LMTP: commands, and the framing of lines and messages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use bytes::Bytes;
use fuzz::fuzz;
use wire::lmtp::return_path::WithoutReturnPath;
use wire::lmtp::{Command, Event, Framer};

const STREAMS: &[&[u8]] = &[
    b"LHLO client.example\r\nMAIL FROM:<ann@example.org> SIZE=1000 BODY=8BITMIME SMTPUTF8\r\n",
    b"RCPT TO:<\"a b\\\"\"@[IPv6:2001:db8::1]>\r\nRCPT TO:<@relay.example:ann+x/y@example.org>\r\n",
    b"DATA\r\nReturn-Path: <a@b>\r\n c\r\nSubject: x\r\n\r\n..\r\ntext\r\n.\r\nRSET\r\nNOOP x\r\nVRFY y\r\nQUIT\r\n",
    b"DATA\r\n.\r\nDATA\r\na\n.\nb\r\n.\r\nEHLO x\r\n",
];

const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\r.\r",
    b"\n",
    b"\r",
    b".",
    b"\0",
    b" ",
    b"<",
    b">",
    b"@",
    b"\"",
    b"\\",
    b"+",
    b"=",
    b"DATA\r\n",
    b"RCPT TO:",
    b"SIZE=",
    b"18446744073709551616",
    b"\xc3\xa9",
    b"\xff",
    b"Return-Path",
    b":",
];

/// Everything that comes of a stream that is cut into such pieces; messages in one piece each.
fn events(stream: &[u8], piece: usize) -> Vec<Event> {
    let (mut framer, mut events) = (Framer::new(), Vec::new());
    for piece in stream.chunks(piece) {
        framer.push(piece);
        loop {
            match framer.next_event() {
                Event::More => break,
                Event::Data(more) => match events.last_mut() {
                    Some(Event::Data(before)) => *before = Bytes::from([&before[..], &more].concat()),
                    _ => events.push(Event::Data(more)),
                },
                lost @ Event::Lost(_) => {
                    events.push(lost);
                    return events;
                }
                event => {
                    if matches!(&event, Event::Line(line) if Command::parse(line) == Ok(Command::Data)) {
                        framer.begin_data();
                    }
                    events.push(event);
                }
            }
        }
    }
    events
}

/// A message without its Return-Path fields, passed in such pieces.
fn filtered(message: &[u8], piece: usize) -> Vec<u8> {
    let mut filter = WithoutReturnPath::default();
    let mut out = Vec::new();
    for piece in message.chunks(piece) {
        out.extend(filter.pass(Bytes::copy_from_slice(piece)));
    }
    out.extend(filter.finish());
    out
}

#[test]
fn lmtp_stream() {
    fuzz("lmtp_stream", STREAMS, WORDS, |stream| {
        let whole = events(stream, stream.len().max(1));
        for piece in [1, 2, 7] {
            assert_eq!(events(stream, piece), whole, "in pieces of {piece}");
        }
        for event in &whole {
            let Event::Data(message) = event else { continue };
            let kept = filtered(message, message.len().max(1));
            assert_eq!(filtered(message, 1), kept);
            assert!(kept.len() <= message.len());
            assert!(!kept.to_ascii_lowercase().starts_with(b"return-path:"));
        }
        format!("{:?}", whole.iter().map(std::mem::discriminant).collect::<Vec<_>>())
    });
}

/// What is read of an address may be written into a header line.
#[test]
fn lmtp_command() {
    let lines: Vec<&[u8]> =
        STREAMS.iter().map(|stream| stream.split(|o| *o == b'\r').next().unwrap()).collect();
    fuzz("lmtp_command", &lines, WORDS, |line| {
        let command = Command::parse(line);
        let written = match &command {
            Ok(Command::Rcpt(address)) => address.as_str(),
            Ok(Command::Mail(mail)) => mail.sender.as_ref().map_or("", |sender| sender.as_str()),
            Ok(Command::Lhlo(name)) => name,
            _ => "",
        };
        assert!(!written.chars().any(char::is_control), "{written:?}");
        match command {
            Ok(command) => format!("{:?}", std::mem::discriminant(&command)),
            Err(bad) => format!("{bad:?}").chars().take(12).collect(),
        }
    });
}
