//! The runner.

use crate::parse::{Begin, Disk, Given, Step, Transcript, Turn};
use crate::pattern::Names;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

/// Longest line that a server may say in a transcript, in octets.
const MAX_LINE: usize = 1 << 20;

/// The account that transcripts sign in to, new for each of them: its name.
pub const NAME: &str = "alice";
/// And its password.
pub const PASSWORD: &str = "tanstaaf";
/// The salts of its record, and 4,096 SCRAM iterations: what a client proves in a transcript is proven of these.
pub const SALTS: [u8; 32] = *b"salt for argon2.salt for scram..";
/// What chance gives to each exchange of a mechanism: every transcript's nonce is the same.
pub const NONCE: [u8; 18] = *b"drawn by no chance";

/// What its account may hold, in octets.
pub const MOST_OCTETS: u64 = 32 << 20;
/// How many messages.
pub const MOST_MESSAGES: u64 = 1_000;
/// How many mailboxes.
pub const MOST_MAILBOXES: u64 = 24;

/// Which listener a connection goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// STARTTLS first.
    Imap,
    /// TLS first.
    Imaps,
    /// LMTP, in the clear.
    Lmtp,
}

/// Something that can be talked to: a machine in memory, or a server behind sockets.
pub trait World {
    /// A connection in it.
    type Pipe: Pipe;

    /// Opens a connection; on [`Port::Imaps`] the handshake is done.
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn connect(&mut self, port: Port) -> io::Result<Self::Pipe>;

    /// Lets time go by. It stands still otherwise.
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn pass(&mut self, time: Duration) -> io::Result<()>;

    /// Lets the disk stand still, or go on.
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn disk(&mut self, disk: Disk) -> io::Result<()>;
}

/// A connection, from the client's side.
pub trait Pipe {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// What the server has said since; nothing means that it has closed.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] or [`io::ErrorKind::TimedOut`] when it says nothing and stays.
    fn receive(&mut self) -> io::Result<Vec<u8>>;

    /// Does the TLS handshake.
    ///
    /// # Errors
    /// Whatever stands in the way.
    fn start_tls(&mut self) -> io::Result<()>;

    /// Begins to compress what is sent, and to decompress what comes.
    ///
    /// # Errors
    /// Whatever stands in the way: the server did not begin.
    fn deflate(&mut self) -> io::Result<()>;
}

/// Where a conversation came out otherwise.
#[derive(Debug)]
pub struct Failure {
    /// The line of the transcript; 0 before its first.
    pub line: usize,
    /// What was expected.
    pub expected: String,
    /// What happened.
    pub got: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}\n  expected: {}\n       got: {}", self.line, self.expected, self.got)
    }
}

impl std::error::Error for Failure {}

/// Holds `world` to `transcript`.
///
/// # Errors
/// The first line that came out otherwise.
pub fn run<W: World>(transcript: &Transcript, world: &mut W) -> Result<(), Failure> {
    let mut stage = Stage { world, transcript, connections: BTreeMap::new(), names: Names::default() };
    stage.furnish(&transcript.given).map_err(|e| failure(0, "to furnish the mailboxes", &e))?;
    for turn in &transcript.turns {
        stage.play(turn).map_err(|trouble| trouble.at(turn))?;
    }
    Ok(())
}

struct Stage<'a, W: World> {
    world: &'a mut W,
    transcript: &'a Transcript,
    connections: BTreeMap<usize, Connection<W::Pipe>>,
    names: Names,
}

struct Connection<P> {
    pipe: P,
    unread: Vec<u8>,
}

enum Trouble {
    Io(io::Error),
    Otherwise { expected: String, got: String },
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Trouble {
    fn at(self, turn: &Turn) -> Failure {
        match self {
            Self::Io(error) => failure(turn.line, &format!("{:?}", turn.step), &error),
            Self::Otherwise { expected, got } => Failure { line: turn.line, expected, got },
        }
    }
}

fn failure(line: usize, expected: &str, error: &io::Error) -> Failure {
    Failure { line, expected: expected.into(), got: error.to_string() }
}

impl<W: World> Stage<'_, W> {
    fn play(&mut self, turn: &Turn) -> Result<(), Trouble> {
        match turn.step {
            Step::Pass(time) => return Ok(self.world.pass(time)?),
            Step::Disk(disk) => return Ok(self.world.disk(disk)?),
            _ => {}
        }
        if !self.connections.contains_key(&turn.connection) {
            let connection = self.begin(turn.connection)?;
            self.connections.insert(turn.connection, connection);
        }
        let Some(connection) = self.connections.get_mut(&turn.connection) else { return Ok(()) };
        match &turn.step {
            Step::Client(text) => Ok(connection.pipe.send(self.names.fill(text).as_bytes())?),
            Step::Server(pattern) => {
                let got = connection.line()?.unwrap_or_else(|| "(closed)".into());
                let matches = self.names.matches(pattern, &got);
                matches.then_some(()).ok_or_else(|| self.otherwise(pattern, got))
            }
            Step::Closed => match connection.line()? {
                None => Ok(()),
                Some(got) => Err(self.otherwise("(closed)", got)),
            },
            Step::Tls => Ok(connection.pipe.start_tls()?),
            Step::Deflate => Ok(connection.pipe.deflate()?),
            Step::Pass(_) | Step::Disk(_) => Ok(()),
        }
    }

    fn otherwise(&self, expected: &str, got: String) -> Trouble {
        Trouble::Otherwise { expected: self.names.fill(expected), got }
    }

    /// A connection where the transcript lets it begin.
    fn begin(&mut self, number: usize) -> io::Result<Connection<W::Pipe>> {
        match self.transcript.others.get(&number).unwrap_or(&self.transcript.begin) {
            Begin::Imap => self.connect(Port::Imap),
            Begin::Imaps => self.connect(Port::Imaps),
            Begin::Lmtp => self.connect(Port::Lmtp),
            Begin::SignedIn => self.sign_in(),
            Begin::Selected(name) => {
                let mut connection = self.sign_in()?;
                connection.command(&format!("SELECT \"{name}\""))?;
                Ok(connection)
            }
        }
    }

    fn connect(&mut self, port: Port) -> io::Result<Connection<W::Pipe>> {
        Ok(Connection { pipe: self.world.connect(port)?, unread: Vec::new() })
    }

    fn sign_in(&mut self) -> io::Result<Connection<W::Pipe>> {
        let mut connection = self.connect(Port::Imaps)?;
        connection.line()?;
        connection.command(&format!("LOGIN {NAME} {PASSWORD}"))?;
        Ok(connection)
    }

    fn furnish(&mut self, given: &[Given]) -> io::Result<()> {
        if given.is_empty() {
            return Ok(());
        }
        let mut connection = self.sign_in()?;
        for Given { mailbox, messages } in given {
            if !mailbox.eq_ignore_ascii_case("INBOX") {
                connection.command(&format!("CREATE \"{mailbox}\""))?;
            }
            for n in 1..=*messages {
                let text = given_message(n);
                connection.command(&format!("APPEND \"{mailbox}\" {{{}+}}\r\n{text}", text.len()))?;
            }
        }
        connection.command("LOGOUT")
    }
}

/// The `n`th message of a furnished mailbox.
fn given_message(n: u32) -> String {
    format!(
        "Date: Mon, 7 Feb 1994 21:52:{n:02} -0800\r\nFrom: Fred Foobar <foobar@Blurdybloop.example>\r\n\
         To: mooch@owatagu.example\r\nSubject: message {n}\r\nMessage-Id: <{n}@Blurdybloop.example>\r\n\r\n\
         Hello, this is message {n}.\r\n"
    )
}

impl<P: Pipe> Connection<P> {
    /// The next line without its end; `None` when the server has closed.
    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(at) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.unread.drain(..at + 2).collect::<Vec<_>>();
                return Ok(Some(String::from_utf8_lossy(line.get(..at).unwrap_or_default()).into_owned()));
            }
            let more = self.pipe.receive()?;
            if more.is_empty() {
                return Ok(None);
            }
            self.unread.extend(more);
            if self.unread.len() > MAX_LINE {
                return Err(io::Error::other("the server said a line without end"));
            }
        }
    }

    /// A command that has to succeed, behind the scenes.
    fn command(&mut self, text: &str) -> io::Result<()> {
        self.pipe.send(format!("runner {text}\r\n").as_bytes())?;
        while let Some(line) = self.line()? {
            if let Some(result) = line.strip_prefix("runner ") {
                let ok = result.starts_with("OK");
                return if ok { Ok(()) } else { Err(io::Error::other(format!("{text}: {line}"))) };
            }
        }
        Err(io::Error::other(format!("{text}: (closed)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that repeats what it hears, in capitals, and closes on "bye".
    struct Echo {
        answers: Vec<u8>,
        open: bool,
    }

    impl Pipe for Echo {
        fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.open &= bytes != b"bye\r\n";
            self.answers.extend(bytes.to_ascii_uppercase());
            Ok(())
        }

        fn receive(&mut self) -> io::Result<Vec<u8>> {
            match std::mem::take(&mut self.answers) {
                nothing if nothing.is_empty() && self.open => Err(io::ErrorKind::WouldBlock.into()),
                answers => Ok(answers),
            }
        }

        fn start_tls(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn deflate(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What happened in it besides.
    #[derive(Default)]
    struct Hall(Vec<Step>);

    impl World for Hall {
        type Pipe = Echo;

        fn connect(&mut self, _: Port) -> io::Result<Echo> {
            Ok(Echo { answers: Vec::new(), open: true })
        }

        fn pass(&mut self, time: Duration) -> io::Result<()> {
            self.0.push(Step::Pass(time));
            Ok(())
        }

        fn disk(&mut self, disk: Disk) -> io::Result<()> {
            self.0.push(Step::Disk(disk));
            Ok(())
        }
    }

    fn played(text: &str, hall: &mut Hall) -> Result<(), Failure> {
        run(&Transcript::parse(&format!("-- begin: imap\n{text}")).unwrap(), hall)
    }

    fn failing_line(text: &str) -> Option<usize> {
        played(text, &mut Hall::default()).err().map(|failure| failure.line)
    }

    #[test]
    fn a_conversation_that_comes_out_as_written_passes() {
        assert_eq!(
            failing_line("C: a 1 ⏎ b\nS: A ‹n›\nS: B\n2C: x\n2S: X\nC: ‹n›\nS: 1\nC: bye\nS: BYE\n-- closed"),
            None
        );
    }

    #[test]
    fn one_that_comes_out_otherwise_fails_at_its_line() {
        assert_eq!(failing_line("C: a\nS: B"), Some(3));
        assert_eq!(failing_line("C: a\nS: A\nS: more"), Some(4));
        assert_eq!(failing_line("C: a\n-- closed"), Some(3));
        assert_eq!(failing_line("C: bye\nS: BYE\nS: more"), Some(4));
    }

    #[test]
    fn time_and_the_disk_are_the_worlds() {
        let mut hall = Hall::default();
        played("C: a\n-- pass 1 hour\n-- disk stalls\nS: A", &mut hall).unwrap();
        assert_eq!(hall.0, [Step::Pass(Duration::from_secs(3_600)), Step::Disk(Disk::Stalls)]);
    }
}
