//! What an import reads: mbox files, the names of Maildir's files, another server's responses.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use fuzz::fuzz;
use migrate::imap::{Lines, Part, Response, parse};
use migrate::{Extent, Marks, maildir, mbox};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

const MBOXES: &[&[u8]] = &[
    b"From a@b Mon Nov 16 08:00:00 2026\nSubject: 1\nStatus: RO\nX-Status: AFTD\nX-Keywords: Work $Junk\nX-UID: 7\n\n\
      >From me\n>>From you\n\nFrom -\n\n\n",
    b"From -\nX-Account-Key: account1\nX-Mozilla-Status: 1007\nX-Mozilla-Keys: $label1\nReceived: x\n\nx\n",
    b"From MAILER-DAEMON Mon Nov 16 08:00 +0100 2026\r\nX-IMAP: 1234 0000000003 Work\r\nStatus: RO\r\n\r\nx\r\n\r\n\
      From x\r\nX-IMAPbase: 1 2 a\r\nX-Keywords: Work\r\n more\r\n\r\n",
];

const MBOX_WORDS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"From ",
    b">From ",
    b"\n\nFrom -\n",
    b": ",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"\nStatus: R",
    b"\nX-Status: D",
    b"\nX-Keywords: a b",
    b"\nX-IMAPbase: 1 2 ",
    b"\nX-Mozilla-Status: 0009",
    b"\nContent-Length: 99999999999999999999",
    b"\\Seen",
    b"]",
];

const NAMES: &[&[u8]] = &[
    b"1700000001.a.host,S=12,W=13:2,FSRTDPac\n0 $label1\n2 Work\n",
    b"1700000000.b.host;2,S\n26 one too many\n-1 x\n0\n18446744073709551616 y\n",
    b".:1,S\n0 a]b\n1 \\Deleted\n",
];

const NAME_WORDS: &[&[u8]] = &[
    b":2,",
    b";2,",
    b",S=",
    b"\n",
    b"\r\n",
    b" ",
    b"0 ",
    b"25 ",
    b"z",
    b"a",
    b"Z",
    b"\\Seen",
    b"\xff",
    b"\xc3\xa9",
];

const STREAMS: &[&[u8]] = &[
    b"* OK [CAPABILITY IMAP4rev1] ready {5}\r\n* LIST (\\Sent) \"/\" {3}\r\na}b\r\n+ go\r\ng1 NO [ALERT] x\r\n",
    b"* 1 FETCH (UID 7 FLAGS (\\Seen a]b {c) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 14)\r\n",
    b"* 1 FETCH (UID 5 BODY[] {14}\r\nSubject: a\r\n\r\n FLAGS ())\r\n* 2 FETCH (BODY[] \"b\\\"\" UID 6)\r\ng2 OK\r\n",
];

const STREAM_WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"* ",
    b"+ ",
    b"g1 ",
    b"(",
    b")",
    b"((((((((((((((((((",
    b"\"",
    b"\\",
    b"{3}\r\n",
    b"{3+}\r\n",
    b"{18446744073709551616}\r\n",
    b"{0}\r\n",
    b" BODY[] ",
    b"(BODY[] ",
    b"FETCH",
    b"LIST",
    b"OK ",
    b"[",
    b"]",
    b"NIL",
    b"\0",
    b"\xff",
    b" ",
];

/// The flags of one message have an end, whatever was said of it.
fn bounded(marks: &Marks) {
    let octets: usize = marks.words().iter().map(String::len).sum();
    assert!(octets <= 8 << 10 && marks.refused.len() <= 16, "{octets} octets of flags");
}

#[test]
fn import_mbox() {
    fuzz("import_mbox", MBOXES, MBOX_WORDS, |file| {
        let mut outcome = Vec::new();
        for found in mbox::messages(file, 0) {
            match found {
                Ok(found) => {
                    bounded(&found.marks);
                    let mut before = 0;
                    for octet in &found.octets {
                        assert!(*octet != b'\n' || before == b'\r', "a line without its CR");
                        before = *octet;
                    }
                    assert!(!is_noted(&found.octets), "a note of the file's is left in the message");
                    outcome.push(found.marks.words().join(" "));
                }
                Err(left) => {
                    assert_eq!(left.extent, Extent::Message, "memory can be read to its end");
                    outcome.push(left.why);
                }
            }
        }
        outcome
    });
}

/// Whether one of the fields stands in the header that mail programs write for themselves.
fn is_noted(message: &[u8]) -> bool {
    let header = message.split_inclusive(|b| *b == b'\n').take_while(|line| *line != b"\r\n");
    let notes: [&[u8]; 4] = [b"status:", b"x-status:", b"x-keywords:", b"x-mozilla-status:"];
    let mut lines = header.map(<[u8]>::to_ascii_lowercase);
    lines.any(|line| notes.iter().any(|note| line.starts_with(note)))
}

#[test]
fn import_maildir_name() {
    fuzz("import_maildir_name", NAMES, NAME_WORDS, |input| {
        let (name, keywords) = input.split_at(input.iter().position(|b| *b == b'\n').unwrap_or(input.len()));
        let name = String::from_utf8_lossy(name);
        let marks = maildir::marks_of(&name, keywords.get(1..).unwrap_or_default());
        bounded(&marks);
        assert!(marks.flags.len() + marks.refused.len() <= name.len(), "a letter is one flag");
        (marks.words(), marks.refused.len())
    });
}

/// A stream that comes in such pieces, and takes nothing.
struct Drip<'a> {
    left: &'a [u8],
    piece: usize,
}

impl AsyncRead for Drip<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, left) = self.left.split_at(self.piece.min(self.left.len()).min(into.remaining()));
        into.put_slice(now);
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

/// What is read of it, and what ends it.
async fn read(stream: &[u8], piece: usize) -> Vec<String> {
    let mut lines = Lines::new(tokio::io::join(Drip { left: stream, piece }, tokio::io::sink()));
    let mut told = Vec::new();
    loop {
        let response = match lines.next().await {
            Ok(Part::Whole(response)) => response,
            Ok(Part::UpToBody(octets)) => match through_body(&mut lines, octets).await {
                Ok((came, rest)) => {
                    assert_eq!(came, octets, "neither more nor less than was announced");
                    rest
                }
                Err(why) => return [told, vec![why.to_string()]].concat(),
            },
            Err(why) => return [told, vec![why.to_string()]].concat(),
        };
        assert!(response.len() <= stream.len() + 5, "nothing is made up");
        told.push(match parse(&response) {
            None => "nothing".into(),
            Some(Response::Data(values)) => format!("{} values", values.len()),
            Some(other) => format!("{:?}", std::mem::discriminant(&other)),
        });
    }
}

type Dripping<'a> = Lines<tokio::io::Join<Drip<'a>, tokio::io::Sink>>;

async fn through_body(lines: &mut Dripping<'_>, octets: u64) -> Result<(u64, Vec<u8>), migrate::Trouble> {
    let (mut left, mut came) = (octets, 0);
    while left > 0 {
        came += lines.body(&mut left).await?.len() as u64;
    }
    Ok((came, lines.rest().await?))
}

#[test]
fn import_imap_stream() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    fuzz("import_imap_stream", STREAMS, STREAM_WORDS, |stream| {
        let whole = runtime.block_on(read(stream, usize::MAX));
        assert_eq!(runtime.block_on(read(stream, 7)), whole, "in pieces");
        whole
    });
}
