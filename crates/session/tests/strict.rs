//! What the server says in every conversation of `transcripts/`, read again by `imap-codec`, which forgives nothing
//! here: each response must be one that another implementation can take apart (clients.md R3).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod heard;
mod machine;

use heard::read_conversation;
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
            match read_conversation(&said.borrow()) {
                Ok(responses) => read += responses,
                Err(why) => complaints.push(format!("{}: {why}", path.display())),
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(read > 1_000, "only {read} responses were heard");
}
