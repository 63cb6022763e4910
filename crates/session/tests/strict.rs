//! What the server says in every conversation of `transcripts/`, read again by the letter of the grammar, and by
//! `imap-codec`, which forgives nothing here: each response must be one that another implementation can take apart.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod heard;
mod machine;

use heard::Listener;
use machine::Machine;
use session::imap::capability::TABLE;
use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use transcript::{Disk, Pipe, Port, Transcript, World};

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

    fn disk(&mut self, disk: Disk) -> io::Result<()> {
        self.machine.disk(disk)
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
fn every_response_of_every_conversation_can_be_read_again() {
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
            match Listener::default().conversation(&said.borrow()) {
                Ok(responses) => read += responses,
                Err(why) => complaints.push(format!("{}: {why}", path.display())),
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(read > 1_000, "only {read} responses were heard");
}

/// One octet or word away from what is right.
#[test]
fn what_no_standard_has_is_not_waved_through() {
    let read = |line: &str| Listener::default().responses(format!("{line}\r\n").as_bytes());
    for (right, wrong) in [
        ("* ESEARCH (TAG \"a\") UID ALL 1:3 COUNT 3", "* ESEARCH (TAG \"a\") UID ALL 1:3 COUNTS 3"),
        ("* ESEARCH (TAG \"a\") PARTIAL (-1:-10 NIL)", "* ESEARCH (TAG \"a\") PARTIAL (-1:10 NIL)"),
        ("* ESEARCH (TAG \"a\") MIN 1", "* ESEARCH (TAG \"a\") MIN 0"),
        ("* 1 FETCH (EMAILID (a_-1) UID 1)", "* 1 FETCH (EMAILID (a.1) UID 1)"),
        (
            "* 1 FETCH (SAVEDATE \" 7-Feb-1994 21:52:25 -0800\")",
            "* 1 FETCH (SAVEDATE \"7-Feb-1994 21:52:25 -0800\")",
        ),
        ("* 1 FETCH (PREVIEW \"so\")", "* 1 FETCH (PREVIEW so)"),
        ("* 1 FETCH (PREVIEW \"so\")", "* 1 FETCH (PREVIEW \"so\") "),
        ("* 1 FETCH (PREVIEW \"\")", "* 1 FETCH (PREVIEW {0}\r\n)"),
        ("* 1 FETCH (BINARY[1.2]<0> ~{1}\r\n\0)", "* 1 FETCH (BINARY[1.2]<0> {1}\r\n\0)"),
        ("* 1 FETCH (BINARY.SIZE[1] 7)", "* 1 FETCH (BINARY.SIZE[1] NIL)"),
        ("* 7 UIDFETCH (FLAGS (\\Seen))", "* 7 UIDFETCH ()"),
        ("* STATUS a (SIZE 7 MAILBOXID (x))", "* STATUS a (SIZE 07 MAILBOXID (x))"),
        ("* STATUS a (APPENDLIMIT NIL)", "* STATUS a (APPENDLIMITS NIL)"),
        (
            "* LIST (\\Subscribed) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))",
            "* LIST (\\Subscribed) \"/\" a (\"CHILDINFO\" ())",
        ),
        ("* LIST () \"/\" a (\"OLDNAME\" (b))", "* LIST () \"/\" a (\"OLDNAMES\" (b))"),
        ("* LIST (\\Sent) \"/\" a", "* LIST (\\Gone) \"/\" a"),
        ("* LIST () \"/\" \"&AOQ-\"", "* LIST () \"/\" \"ä\""),
        ("* QUOTA \"\" (STORAGE 1 2)", "* QUOTA \"\" (STORAGE 1)"),
        ("* VANISHED (EARLIER) 1:3,5", "* VANISHED (EARLIER) 1:*"),
        ("* THREAD (1 2 (3)(4))", "* THREAD (1 2 (3))"),
        ("a OK [COPYUID 1 2 3] so", "a OK [COPYUID 1 2] so"),
        ("* OK [INPROGRESS (\"a\" 0 NIL)] so", "* OK [INPROGRESS (a 0 NIL)] so"),
        ("* OK [MAILBOXID (x)] so", "* OK [MAILBOXES (x)] so"),
        ("a NO [EXPUNGEISSUED] so", "a NO [EXPUNGEISSUED]so"),
        ("+ ", "+"),
        ("* SEARCH 1 2 (MODSEQ 3)", "* SEARCH 1 2 (MODSEQ 3) 4"),
    ] {
        assert_eq!(read(right), Ok(1), "{right}");
        assert!(read(wrong).is_err(), "{wrong}");
    }
    // What is cut off, even behind what is whole.
    assert!(Listener::default().responses(b"* 1 EXISTS\r\n* 2 EXI").is_err());
    assert!(Listener::default().responses(b"* 1 FETCH (BODY[] {7}\r\nabc)\r\n").is_err());
}
