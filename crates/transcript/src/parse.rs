//! From text to steps.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A conversation, read from its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Where each connection starts.
    pub begin: Begin,
    /// Where those start that start elsewhere, by their numbers.
    pub others: BTreeMap<usize, Begin>,
    /// The messages that are there already.
    pub given: Vec<Given>,
    /// What happens, in order.
    pub turns: Vec<Turn>,
}

/// Where a conversation starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// On the port where STARTTLS comes first; the greeting is the transcript's.
    Imap,
    /// On the port where TLS comes first; the greeting is the transcript's.
    Imaps,
    /// Where mail comes in by LMTP; the greeting is the transcript's.
    Lmtp,
    /// Greeted and signed in.
    SignedIn,
    /// Signed in, with this mailbox selected.
    Selected(String),
}

/// Messages that are there before the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The mailbox, made if it is not INBOX.
    pub mailbox: String,
    /// How many.
    pub messages: u32,
}

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its line in the file, for complaints.
    pub line: usize,
    /// The connection's number, from 1.
    pub connection: usize,
    /// What happens.
    pub step: Step,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The client writes this, line ends included.
    Client(String),
    /// The server's next line, without its end.
    Server(String),
    /// The server has closed.
    Closed,
    /// The TLS handshake.
    Tls,
    /// Both sides compress from here on.
    Deflate,
    /// Time goes by.
    Pass(Duration),
    /// The disk stands still, or goes on.
    Disk(Disk),
}

/// Whether what is to be stored can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disk {
    /// At once.
    #[default]
    Works,
    /// Not until it works again.
    Stalls,
}

/// A line that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Which.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for Malformed {}

impl Transcript {
    /// Reads a transcript.
    ///
    /// # Errors
    /// The first line that is none, and why.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut transcript =
            Self { begin: Begin::SignedIn, others: BTreeMap::new(), given: Vec::new(), turns: Vec::new() };
        for (line, text) in (1..).zip(text.lines()) {
            if !text.is_empty() && !text.starts_with('#') {
                transcript.take(line, text).map_err(|why| Malformed { line, why })?;
            }
        }
        Ok(transcript)
    }

    fn take(&mut self, line: usize, text: &str) -> Result<(), &'static str> {
        if let Some(directive) = text.strip_prefix("-- ") {
            return self.direct(line, directive);
        }
        let (connection, rest) = numbered(text);
        let step = said(rest)?;
        self.turns.push(Turn { line, connection, step });
        Ok(())
    }

    fn direct(&mut self, line: usize, directive: &str) -> Result<(), &'static str> {
        if let Some(place) = directive.strip_prefix("begin: ") {
            self.begin = begin(place)?;
            return Ok(());
        }
        if let Some(what) = directive.strip_prefix("given: ") {
            self.given.push(given(what)?);
            return Ok(());
        }
        let (connection, rest) = numbered(directive);
        if let Some(place) = rest.trim_start().strip_prefix("begin: ") {
            self.others.insert(connection, begin(place)?);
            return Ok(());
        }
        let step = happening(rest.trim_start())?;
        self.turns.push(Turn { line, connection, step });
        Ok(())
    }
}

/// The connection's number in front of `text`, or 1.
fn numbered(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.strip_suffix(rest).unwrap_or_default();
    (digits.parse().unwrap_or(1), rest)
}

fn said(text: &str) -> Result<Step, &'static str> {
    let (who, words) = text.split_at_checked(2).ok_or("expected C: or S:")?;
    let words = words.strip_prefix(' ').unwrap_or(words);
    match who {
        "C:" => Ok(Step::Client(controls(&words.replace(" ⏎ ", "\r\n")) + "\r\n")),
        "C-" => Ok(Step::Client(controls(words))),
        "S:" => Ok(Step::Server(controls(words))),
        _ => Err("expected C:, C-, S:, # or --"),
    }
}

fn happening(text: &str) -> Result<Step, &'static str> {
    let (word, rest) = text.split_once([' ', ',']).unwrap_or((text, ""));
    match word {
        "closed" => Ok(Step::Closed),
        "deflate" => Ok(Step::Deflate),
        "disk" if rest == "stalls" => Ok(Step::Disk(Disk::Stalls)),
        "disk" if rest == "works" => Ok(Step::Disk(Disk::Works)),
        "tls" => Ok(Step::Tls),
        "pass" => duration(rest).map(Step::Pass).ok_or("expected a number and a unit"),
        _ => Err("no such directive"),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn begin(place: &str) -> Result<Begin, &'static str> {
    match place {
        "imap" => Ok(Begin::Imap),
        "imaps" => Ok(Begin::Imaps),
        "lmtp" => Ok(Begin::Lmtp),
        "signed in" => Ok(Begin::SignedIn),
        _ => {
            let name = place.strip_prefix("selected ").ok_or("begins nowhere that is known")?;
            Ok(Begin::Selected(name.into()))
        }
    }
}

fn given(what: &str) -> Result<Given, &'static str> {
    let (mailbox, messages) = what.rsplit_once(' ').ok_or("expected a mailbox and a number")?;
    let messages = messages.parse().map_err(|_| "expected a number of messages")?;
    Ok(Given { mailbox: mailbox.into(), messages })
}

/// Pictures of control characters (U+2400 and following) become what they show.
fn controls(text: &str) -> String {
    let shown = |c: char| u32::from(c).checked_sub(0x2400).filter(|n| *n < 0x20).and_then(char::from_u32);
    text.chars().map(|c| shown(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(text: &str) -> Vec<(usize, Step)> {
        let turns = Transcript::parse(text).unwrap().turns;
        turns.into_iter().map(|turn| (turn.connection, turn.step)).collect()
    }

    #[test]
    fn lines_are_read_as_they_are_documented() {
        let read = turns(
            "# comment\n\nC: a ⏎ b\nC- x␀\nS: * OK\n2C: c\n2S:\n-- 2 closed, by the way\n-- tls\n-- deflate\n-- pass 29 minutes\n-- disk stalls\n-- disk works\n",
        );
        let expected = [
            (1, Step::Client("a\r\nb\r\n".into())),
            (1, Step::Client("x\0".into())),
            (1, Step::Server("* OK".into())),
            (2, Step::Client("c\r\n".into())),
            (2, Step::Server(String::new())),
            (2, Step::Closed),
            (1, Step::Tls),
            (1, Step::Deflate),
            (1, Step::Pass(Duration::from_secs(29 * 60))),
            (1, Step::Disk(Disk::Stalls)),
            (1, Step::Disk(Disk::Works)),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn the_beginning_is_signed_in_unless_it_is_said() {
        assert_eq!(Transcript::parse("").unwrap().begin, Begin::SignedIn);
        let transcript = Transcript::parse("-- begin: selected a b\n-- given: a b 3\n").unwrap();
        assert_eq!(transcript.begin, Begin::Selected("a b".into()));
        assert_eq!(transcript.given, [Given { mailbox: "a b".into(), messages: 3 }]);
    }

    #[test]
    fn a_connection_may_begin_elsewhere() {
        let transcript = Transcript::parse("-- begin: lmtp\n-- 2 begin: selected INBOX\n").unwrap();
        assert_eq!(transcript.begin, Begin::Lmtp);
        assert_eq!(transcript.others, BTreeMap::from([(2, Begin::Selected("INBOX".into()))]));
    }

    #[test]
    fn a_line_that_is_none_is_complained_about_by_its_number() {
        for text in
            ["\nX: a", "\n-- later", "\n-- begin: nowhere", "\n-- pass 3 weeks", "\n-- disk burns", "\nC"]
        {
            assert_eq!(Transcript::parse(text).unwrap_err().line, 2, "{text:?}");
        }
    }
}
