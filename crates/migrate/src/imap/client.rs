//! Commands and their answers.

use super::lines::{Lines, Part};
use super::response::{Response, Status, Told, Value, parse};
use crate::pour::Stream;
use crate::trouble::Trouble;
use zeroize::Zeroizing;

/// Responses to one command that nobody counted on: EXISTS, flags of other messages, alerts.
pub(super) const MAX_UNASKED: u64 = 50_000;

/// Longest response code that is kept, in octets, and how many: those that are wanted hold a number.
const MAX_CODE: usize = 100;
const MAX_CODES: usize = 100;

/// A connection behind TLS.
pub(super) struct Client {
    pub(super) lines: Lines<Box<dyn Stream>>,
    sent: u64,
    capabilities: Vec<String>,
}

impl Client {
    pub(super) fn new(lines: Lines<Box<dyn Stream>>) -> Self {
        Self { lines, sent: 0, capabilities: Vec::new() }
    }

    /// Whether the server has a capability, as it said last.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|own| own.eq_ignore_ascii_case(capability))
    }

    /// Asks anew what the server can: what it said before a handshake or a login does not count (RFC 9051, 6.2.1).
    pub(super) async fn ask_capabilities(&mut self) -> Result<(), Trouble> {
        let mut found = Vec::new();
        let each = |values: &[Value]| {
            if values.first().is_some_and(|first| first.is("CAPABILITY")) {
                found = values.iter().skip(1).filter_map(Value::word).map(str::to_owned).collect();
            }
            Ok(())
        };
        self.ask("CAPABILITY", MAX_UNASKED, each).await?;
        self.capabilities = found;
        Ok(())
    }

    /// Sends a command, and hands back its tag.
    pub(super) async fn send(&mut self, command: &str) -> Result<String, Trouble> {
        self.sent += 1;
        let tag = format!("g{}", self.sent);
        // It may hold a password.
        let line = Zeroizing::new(format!("{tag} {command}\r\n"));
        self.lines.send(line.as_bytes()).await?;
        Ok(tag)
    }

    /// Sends a command that has to be answered with OK. `each` sees the data that comes before, of which there may be
    /// as many as `most`.
    pub(super) async fn ask(
        &mut self,
        command: &str,
        most: u64,
        each: impl FnMut(&[Value]) -> Result<(), Trouble>,
    ) -> Result<Answer, Trouble> {
        let answer = self.try_ask(command, most, each).await?;
        match answer.told.status {
            Status::Ok => Ok(answer),
            _ => {
                let verb = command.split(' ').next().unwrap_or_default();
                Err(Trouble::Source(format!("the server refuses {verb}: {}", answer.told.text)))
            }
        }
    }

    /// Sends a command, and waits for its answer, whatever it is.
    pub(super) async fn try_ask(
        &mut self,
        command: &str,
        most: u64,
        each: impl FnMut(&[Value]) -> Result<(), Trouble>,
    ) -> Result<Answer, Trouble> {
        let tag = self.send(command).await?;
        self.answer(&tag, most, each).await
    }

    /// Waits for the answer of a command that was sent.
    pub(super) async fn answer(
        &mut self,
        tag: &str,
        most: u64,
        mut each: impl FnMut(&[Value]) -> Result<(), Trouble>,
    ) -> Result<Answer, Trouble> {
        let mut codes = Vec::new();
        for _ in 0..most.saturating_add(MAX_UNASKED) {
            match self.next().await? {
                Response::Tagged(own, told) if own == tag => {
                    codes.extend(Some(told.code.clone()).filter(|code| code.len() <= MAX_CODE));
                    return Ok(Answer { told, codes });
                }
                Response::Tagged(own, _) => return Err(foreign_tag(&own)),
                Response::Data(values) => each(&values)?,
                Response::Status(told) => {
                    codes
                        .extend(keep(told)?.filter(|code| code.len() <= MAX_CODE && codes.len() < MAX_CODES));
                }
                Response::Continue => {}
            }
        }
        Err(Trouble::Hostile("the server does not stop to answer one command".into()))
    }

    /// The next response, in which no message may be.
    pub(super) async fn next(&mut self) -> Result<Response, Trouble> {
        match self.lines.next().await? {
            Part::Whole(response) => read(&response),
            Part::UpToBody(_) => {
                Err(Trouble::Hostile("the server sends a message that was not asked for".into()))
            }
        }
    }

    /// Ends it. Whether the server hears that does not matter.
    pub(super) async fn log_out(mut self) {
        let _ = self.send("LOGOUT").await;
    }
}

/// How a command came out.
pub(super) struct Answer {
    pub(super) told: Told,
    /// Response codes that came with it and before it.
    codes: Vec<String>,
}

impl Answer {
    /// The number in the last code of this name.
    pub(super) fn number(&self, code: &str) -> Option<u32> {
        let number = |own: &String| {
            let (name, number) = own.split_once(' ')?;
            name.eq_ignore_ascii_case(code).then(|| number.trim().parse().ok())?
        };
        self.codes.iter().rev().find_map(number)
    }
}

/// The code of a status response that belongs to no command.
pub(super) fn keep(told: Told) -> Result<Option<String>, Trouble> {
    match told.status {
        Status::Bye => Err(Trouble::Lost(format!("the server ended it: {}", told.text))),
        _ => Ok(Some(told.code).filter(|code| !code.is_empty())),
    }
}

/// Reads a response. One that does not read is passed over where it may be a thing that we do not know; a list or a
/// message that does not read is not: it would be missing without a word.
pub(super) fn read(response: &[u8]) -> Result<Response, Trouble> {
    if let Some(response) = parse(response) {
        return Ok(response);
    }
    let text = String::from_utf8_lossy(response);
    let mut words = text.split(' ');
    let is_untagged = words.next() == Some("*");
    let needed = |word: &str| ["LIST", "LSUB", "FETCH"].iter().any(|known| known.eq_ignore_ascii_case(word));
    if is_untagged && !words.take(2).any(needed) {
        return Ok(Response::Data(Vec::new()));
    }
    let start: String = text.chars().take(60).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    Err(Trouble::Hostile(format!("the server says what is no IMAP: {start:?}")))
}

pub(super) fn foreign_tag(tag: &str) -> Trouble {
    Trouble::Hostile(format!("the server answers a command that was not sent: {:?}", short(tag)))
}

fn short(text: &str) -> String {
    text.chars().take(30).collect()
}
