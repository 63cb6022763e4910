//! Bytes in, bytes out: every message of the torture corpus through APPEND and back through FETCH.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test reads files, and says when it cannot"
)]

mod heard;
mod machine;

use heard::Listener;
use machine::{Machine, Wire};
use message::{Content, Encoding, TransferDecoder};
use std::fs;
use std::path::{Path, PathBuf};
use transcript::{NAME, PASSWORD, Pipe, Port, World};

/// A length that no message is a multiple of, but by chance.
const PARTIAL: usize = 4_093;

/// The corpus; `None`, with a line that says so, where there is none. CI must have one.
fn torture() -> Option<Vec<PathBuf>> {
    let given = std::env::var_os("GATEPOST_TEST_DATA").map(PathBuf::from);
    let root = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"));
    let folder = root.join("torture");
    let Ok(entries) = fs::read_dir(&folder) else {
        let ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!ci, "CI needs the corpus: no {}", folder.display());
        println!("skipped: there is no {} (set GATEPOST_TEST_DATA)", folder.display());
        return None;
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "eml"));
    files.sort();
    Some(files)
}

/// Whatever it is told must be what the standards have, to the letter.
struct Client(Wire, Listener);

impl Client {
    fn of(world: &mut Machine) -> Self {
        let mut client = Self(world.connect(Port::Imaps).unwrap(), Listener::default());
        client.ask(format!("LOGIN {NAME} {PASSWORD}").as_bytes());
        client.ask(b"SELECT INBOX");
        client
    }

    /// What is said to a command, its completion included.
    fn ask(&mut self, command: &[u8]) -> Vec<u8> {
        self.0.send(&[b"a ", command, b"\r\n"].concat()).unwrap();
        let mut said = Vec::new();
        while let Ok(octets) = self.0.receive() {
            assert!(!octets.is_empty(), "closed behind {:?}", String::from_utf8_lossy(&said));
            said.extend(octets);
        }
        self.1.responses(&said).unwrap_or_else(|why| panic!("{}: {why}", command.escape_ascii()));
        said
    }

    /// What a FETCH of one section of the last message has between its braces' end and its closing parenthesis.
    fn section(&mut self, section: &str) -> Vec<u8> {
        self.value("BODY.PEEK", section)
    }

    fn value(&mut self, item: &str, section: &str) -> Vec<u8> {
        let said = self.ask(format!("FETCH * {item}{section}").as_bytes());
        let value = &said[said.iter().position(|&b| b == b']').unwrap() + 1..];
        let value = &value[value.iter().position(|&b| b == b' ').unwrap() + 1..];
        if value.starts_with(b"\"\"") {
            return Vec::new();
        }
        let end = value.iter().position(|&b| b == b'\n').unwrap() + 1;
        let start = if value.starts_with(b"~") { 1 } else { 0 };
        let length =
            value[start..end].strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}\r\n")).unwrap();
        let length: usize = std::str::from_utf8(length).unwrap().parse().unwrap();
        assert_eq!(&value[end + length..], b")\r\na OK FETCH completed\r\n");
        value[end..end + length].to_vec()
    }
}

/// Every part that can be decoded is told as `message` decodes it, and is as long as was said.
fn check_parts(name: &str, message: &[u8], client: &mut Client) {
    let table = message::parse(message).table;
    for number in 1..=table.parts().len().min(5) as u32 {
        let Some(content) = Content::find(&table, &[number]) else { return };
        if content.encoding == Encoding::Unknown {
            continue;
        }
        let (mut decoder, mut expected) = (TransferDecoder::new(content.encoding), Vec::new());
        decoder.push(content.span.of(message), &mut expected);
        decoder.finish(&mut expected);
        assert!(client.value("BINARY.PEEK", &format!("[{number}]")) == expected, "{name}: BINARY[{number}]");
        let size = client.ask(format!("FETCH * BINARY.SIZE[{number}]").as_bytes());
        let size = String::from_utf8(size).unwrap();
        assert!(size.contains(&format!("[{number}] {})\r\n", expected.len())), "{name}: {size}");
    }
}

/// What is told of a message without its octets.
const FACTS: &[u8] = b"FETCH * (FLAGS UID EMAILID THREADID INTERNALDATE SAVEDATE PREVIEW ENVELOPE BODY BODYSTRUCTURE RFC822.SIZE)";

fn check(path: &Path, client: &mut Client, modern: &mut Client) {
    let message = fs::read(path).unwrap();
    let append = [format!("APPEND INBOX {{{}}}\r\n", message.len()).as_bytes(), &message].concat();
    let said = String::from_utf8_lossy(&client.ask(&append)).into_owned();
    let name = path.display();
    if message.is_empty() || message.contains(&0) {
        assert!(said.contains("a NO [CANNOT] "), "{name}: {said}");
        return;
    }
    assert!(said.contains("a OK [APPENDUID "), "{name}: {said}");
    assert!(client.section("[]") == message, "{name}: BODY[] is another");
    let halves = [client.section("[HEADER]"), client.section("[TEXT]")].concat();
    assert!(halves == message, "{name}: HEADER and TEXT are not the whole");
    let pieces = (0..=message.len() / PARTIAL).map(|n| n * PARTIAL);
    let pieces: Vec<u8> = pieces.flat_map(|at| client.section(&format!("[]<{at}.{PARTIAL}>"))).collect();
    assert!(pieces == message, "{name}: the pieces are not the whole");
    check_parts(&name.to_string(), &message, client);
    client.ask(b"FETCH * (BODY.PEEK[HEADER.FIELDS (Subject From)] BODY.PEEK[HEADER.FIELDS.NOT (To)])");
    client.ask(
        b"FETCH * (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[1.1] BODY.PEEK[2.HEADER] BODY.PEEK[1]<3.5>)",
    );
    modern.ask(b"NOOP");
    assert!(modern.ask(FACTS).ends_with(b"a OK FETCH completed\r\n"), "{name}");
    let described = client.ask(FACTS);
    let size = format!("RFC822.SIZE {})\r\na OK FETCH completed\r\n", message.len());
    assert!(described.ends_with(size.as_bytes()), "{name}: {}", String::from_utf8_lossy(&described));
}

#[test]
fn every_message_that_can_come_in_comes_out_as_it_was() {
    let Some(files) = torture() else { return };
    assert!(files.len() > 100);
    let mut world = Machine::new();
    let (mut client, mut modern) = (Client::of(&mut world), Client::of(&mut world));
    modern.ask(b"ENABLE IMAP4rev2 UTF8=ACCEPT");
    files.iter().for_each(|file| check(file, &mut client, &mut modern));
    println!("{} messages", files.len());
}
