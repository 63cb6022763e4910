//! What the server says in every conversation of `transcripts/`, read again by `imap-codec`, which forgives nothing
//! here: each response must be one that another implementation can take apart (clients.md R3).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod machine;

use imap_codec::decode::{Decoder as _, GreetingDecodeError, ResponseDecodeError};
use imap_codec::{GreetingCodec, ResponseCodec};
use machine::Machine;
use session::imap::capability::TABLE;
use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use transcript::{Pipe, Port, Transcript, World};

/// Responses that `imap-codec` does not know, by how they begin.
const UNKNOWN: [(&[u8], &str); 3] = [
    (b"* XLIST ", "not an RFC's"),
    (b"* ESEARCH ", "RFC 4731"),
    (b"+ \r\n", "an empty challenge: a quirk to it, base64 to RFC 9051"),
];

/// Items that it does not know, of a response that it knows without them.
const UNKNOWN_ITEMS: [(&str, &str, &str); 7] = [
    (" FETCH (", "EMAILID (", "RFC 8474"),
    (" FETCH (", "THREADID (", "RFC 8474"),
    (" FETCH (", "SAVEDATE ", "RFC 8514"),
    (" FETCH (", "PREVIEW ", "RFC 8970"),
    (" STATUS ", "MAILBOXID (", "RFC 8474"),
    (" STATUS ", "APPENDLIMIT ", "RFC 7889"),
    (" LIST (", "(\"CHILDINFO\" (", "RFC 5258"),
];

type Said = Rc<RefCell<Vec<u8>>>;

/// The machine alone, and what each of its connections says.
struct Overheard {
    machine: Machine,
    connections: Vec<Said>,
}

struct Ear<P> {
    pipe: P,
    said: Said,
}

impl World for Overheard {
    type Pipe = Ear<<Machine as World>::Pipe>;

    fn connect(&mut self, port: Port) -> io::Result<Self::Pipe> {
        let (pipe, said) = (self.machine.connect(port)?, Said::default());
        self.connections.push(Rc::clone(&said));
        Ok(Ear { pipe, said })
    }

    fn pass(&mut self, time: Duration) -> io::Result<()> {
        self.machine.pass(time)
    }
}

impl<P: Pipe> Pipe for Ear<P> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pipe.send(bytes)
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let heard = self.pipe.receive()?;
        self.said.borrow_mut().extend_from_slice(&heard);
        Ok(heard)
    }

    fn start_tls(&mut self) -> io::Result<()> {
        self.pipe.start_tls()
    }

    fn deflate(&mut self) -> io::Result<()> {
        self.pipe.deflate()
    }
}

/// The first response that cannot be read, and how many could.
fn read_all(said: &[u8]) -> Result<usize, String> {
    let mut rest = match GreetingCodec::default().decode(said) {
        Ok((rest, _)) => rest,
        // The runner stops listening where its file ends.
        Err(GreetingDecodeError::Incomplete) => return Ok(0),
        Err(why) => return Err(complaint(said, &why)),
    };
    let mut read = 1;
    while !rest.is_empty() {
        rest = match ResponseCodec::default().decode(rest) {
            Ok((behind, _)) => behind,
            Err(ResponseDecodeError::Incomplete | ResponseDecodeError::LiteralFound { .. }) => {
                return Ok(read);
            }
            Err(_) if is_unknown(rest) => behind_response(rest),
            Err(why) => return Err(complaint(rest, &why)),
        };
        read += 1;
    }
    Ok(read)
}

/// UIDFETCH as FETCH: RFC 9586 gives them the same items.
fn with_numbers(said: &[u8]) -> Vec<u8> {
    const UIDFETCH: &[u8] = b" UIDFETCH (";
    let mut plain = Vec::with_capacity(said.len());
    let mut rest = said;
    while let Some(at) = rest.windows(UIDFETCH.len()).position(|octets| octets == UIDFETCH) {
        let (before, behind) = rest.split_at(at);
        plain.extend_from_slice(before);
        plain.extend_from_slice(b" FETCH (");
        rest = behind.strip_prefix(UIDFETCH).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    plain
}

fn is_unknown(response: &[u8]) -> bool {
    let line = String::from_utf8_lossy(response.split(|&octet| octet == b'\n').next().unwrap_or_default());
    let has = |(kind, item, _): &(&str, &str, &str)| line.contains(kind) && line.contains(item);
    UNKNOWN.iter().any(|(begin, _)| response.starts_with(begin))
        || (line.starts_with("* ") && (UNKNOWN_ITEMS.iter().any(has) || has_binary_origin(&line)))
}

/// `BINARY[1]<0>`, as erratum 8217 of RFC 3516 has it.
fn has_binary_origin(line: &str) -> bool {
    let mut behind = line.split("BINARY[").skip(1).filter_map(|part| part.split_once(']'));
    behind.any(|(_, behind)| behind.starts_with('<'))
}

/// What comes behind the response at the front: a line, and further ones as long as literals join them.
fn behind_response(text: &[u8]) -> &[u8] {
    let Some(end) = text.windows(2).position(|octets| octets == b"\r\n") else { return b"" };
    let (line, rest) = text.split_at(end + 2);
    let announced = line.strip_suffix(b"}\r\n").and_then(|line| line.rsplit(|&octet| octet == b'{').next());
    match announced.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok()) {
        Some(octets) => behind_response(rest.get(octets..).unwrap_or_default()),
        None => rest,
    }
}

fn complaint(text: &[u8], why: &dyn std::fmt::Debug) -> String {
    let line = text.split(|&octet| octet == b'\n').next().unwrap_or_default();
    format!("{why:?} at {}", line.escape_ascii())
}

/// What is said to be possible, and is not in the table.
fn beyond_the_table(said: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(said);
    let known = |told: &str| {
        TABLE.iter().any(|row| match row.value {
            None => row.name == told,
            Some(_) => told.split_once('=').is_some_and(|(name, _)| name == row.name),
        })
    };
    let lists = text.lines().filter_map(|line| {
        let (_, list) = line.split_once("* CAPABILITY ").or_else(|| line.split_once(" OK [CAPABILITY "))?;
        list.split(']').next()
    });
    lists.flat_map(str::split_whitespace).filter(|told| !known(told)).map(str::to_owned).collect()
}

#[test]
fn another_implementation_reads_every_response_of_every_conversation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../transcripts");
    let mut read = 0;
    let mut complaints = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "imap") {
            continue;
        }
        let transcript = Transcript::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut world = Overheard { machine: Machine::new(), connections: Vec::new() };
        transcript::run(&transcript, &mut world)
            .unwrap_or_else(|failure| panic!("{}: {failure}", path.display()));
        for said in &world.connections {
            assert_eq!(beyond_the_table(&said.borrow()), [""; 0], "{}", path.display());
            match read_all(&with_numbers(&said.borrow())) {
                Ok(responses) => read += responses,
                Err(why) => complaints.push(format!("{}: {why}", path.display())),
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(read > 1_000, "only {read} responses were heard");
}
