//! Framing: where a command ends.
//!
//! The framer knows line ends and literals and nothing of the grammar, so that whatever is wrong with a command
//! ends with that command. It promises:
//!
//! - Every octet is looked at once, however the stream is cut (threat T-19).
//! - It holds what one command may hold by [`Limits`], plus what was pushed; nothing is allocated by a length
//!   that the peer announced; between commands it holds nothing.
//! - A literal is announced before it comes. The session then says [`Framer::keep`], [`Framer::stream`] or
//!   [`Framer::refuse`]. A refused literal that comes anyway is skipped octet for octet, without memory.
//!
//! The session pushes what it read and calls [`Framer::next_event`] until that says [`Event::More`].

mod limits;

pub use limits::{Limits, LineEnd};

use bytes::{Buf as _, Bytes, BytesMut};

/// The longest announcement that we look for at the end of a line: `~{n+}`, its line end, and zeros to spare.
const MAX_ANNOUNCEMENT_OCTETS: usize = 48;
/// How much of a bad command is handed out: enough for its tag.
const MAX_START_OCTETS: usize = 256;
/// When a command of at least this size has gone, what came behind it moves to a buffer of its own.
const LARGE_FRAME_OCTETS: usize = 4_096;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing yet: push more.
    More,
    /// A whole command, its kept literals behind their announcements, without its last line end. A line of a
    /// SASL exchange and IDLE's `DONE` come as this too.
    Command(Bytes),
    /// A literal is announced. [`Framer::start`] is what came before. Until the session decides, this is all
    /// that comes.
    Literal(Announced),
    /// Octets of a streamed literal.
    Octets {
        /// The octets; empty where the literal is.
        octets: Bytes,
        /// How many are still to come: 0 for the last.
        left: u64,
    },
    /// What followed a streamed literal, without the line end: empty, as a rule.
    Rest(Bytes),
    /// A command that is not one. It has been, or is being, skipped.
    Bad {
        /// What is wrong.
        why: Misframed,
        /// Its first octets, for its tag. Empty behind a streamed literal.
        start: Bytes,
    },
    /// Synchronisation is given up: close the connection. This is all that comes from now on.
    Lost,
}

/// A literal that is about to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its length.
    pub octets: u64,
    /// Whether the client waits.
    pub sync: Sync,
    /// Whether it is a literal8 (RFC 3516), which may hold NUL.
    pub form: LiteralForm,
}

/// Whether a client waits before it sends a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sync {
    /// `{n}`: it waits for a continuation.
    Sync,
    /// `{n+}` (RFC 7888): it does not.
    NonSync,
}

/// What a literal may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiteralForm {
    /// Any octet but NUL.
    Literal,
    /// `~{n}`: any octet.
    Literal8,
}

/// What the session owes the client for a literal that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a client that waits for a continuation waits for ever"]
pub enum GoAhead {
    /// A continuation: the client waits for it.
    Continue,
    /// Nothing: the literal is on its way.
    Nothing,
}

/// Why a literal was not taken. The command is over: answer it and go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// It is longer than allowed here; the limit.
    TooBig(u64),
    /// The command's literals are longer than allowed together; the limit.
    TooBigTogether(u64),
    /// It came without asking and is longer than allowed for that; the limit.
    TooBigNonSync(u64),
}

/// Why a command is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Misframed {
    /// It is longer than allowed; the limit.
    TooLong(usize),
    /// A line ends in LF without CR.
    BareLf,
}

/// Cuts a stream into commands.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    /// The current command as far as it has come, and what was pushed behind it.
    buffer: BytesMut,
    /// How far the buffer is read.
    read: usize,
    /// Where in it the current line starts.
    line: usize,
    /// What is left of [`Limits::line_octets`] at the start of the current line.
    line_left: usize,
    /// What the command's kept literals have used of their limit.
    kept: u64,
    /// What the current bad command has used of [`Limits::skipped_octets`].
    skipped: u64,
    /// Whether the command began before the buffer, with a streamed literal.
    beginning: Beginning,
    state: State,
    #[cfg(test)]
    work: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    Here,
    Streamed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Looking for the end of a line.
    Line,
    /// A literal is announced.
    Deciding(Announced),
    /// So many octets of a kept literal are still to come.
    Keeping(u64),
    /// So many octets of a streamed literal are still to come.
    Streaming(u64),
    /// Looking for the end of a bad command's line.
    SkippingLine,
    /// So many octets of a bad command's literal are still to come.
    SkippingLiteral(u64),
    Lost,
}

impl Framer {
    /// At the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            read: 0,
            line: 0,
            line_left: limits.line_octets,
            kept: 0,
            skipped: 0,
            beginning: Beginning::Here,
            state: State::Line,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Changes the limits. A command that has begun keeps its limit on lines.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        if self.read == 0 && self.beginning == Beginning::Here {
            self.line_left = limits.line_octets;
        }
    }

    /// Takes what the peer sent. Push a bounded piece, and the next one only after [`Event::More`].
    pub fn push(&mut self, octets: &[u8]) {
        if self.state != State::Lost {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// What was pushed and has not been handed out: behind STARTTLS it must be nothing (CVE-2011-0411).
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.buffer
    }

    /// Whether all that came were whole commands.
    #[must_use]
    pub fn is_between_commands(&self) -> bool {
        self.state == State::Line && self.beginning == Beginning::Here && self.buffer.is_empty()
    }

    /// What has come of a line that has no end yet, where it is a whole command but for that: `None` behind or within a
    /// literal, and where the command is bad already.
    #[must_use]
    pub fn unended_line(&self) -> Option<&[u8]> {
        let is_first_line = self.state == State::Line && self.beginning == Beginning::Here && self.line == 0;
        is_first_line.then_some(&*self.buffer)
    }

    /// How many octets are allocated.
    #[must_use]
    pub fn allocated_octets(&self) -> usize {
        self.buffer.capacity()
    }

    /// The current command up to and including the literal's announcement; behind a streamed literal, from there.
    #[must_use]
    pub fn start(&self) -> &[u8] {
        self.buffer.get(..self.read).unwrap_or_default()
    }

    /// What comes next.
    pub fn next_event(&mut self) -> Event {
        loop {
            let step = match self.state {
                State::Line => self.read_line(),
                State::Deciding(announced) => return Event::Literal(announced),
                State::Keeping(left) => self.keep_octets(left),
                State::Streaming(left) => self.stream_octets(left),
                State::SkippingLine => self.skip_line(),
                State::SkippingLiteral(left) => self.skip_literal(left),
                State::Lost => return Event::Lost,
            };
            match step {
                Step::Event(event) => return event,
                Step::More => return Event::More,
                Step::Again => {}
            }
        }
    }

    /// Takes the announced literal into memory, as a part of the command.
    ///
    /// # Errors
    /// When a limit forbids it: the literal is refused.
    pub fn keep(&mut self) -> Result<GoAhead, Refused> {
        let State::Deciding(announced) = self.state else { return Ok(GoAhead::Nothing) };
        self.check_non_sync(announced)?;
        let together = self.kept.saturating_add(announced.octets);
        if announced.octets > self.limits.literal_octets {
            return Err(self.refuse_for(Refused::TooBig(self.limits.literal_octets)));
        }
        if together > self.limits.literals_per_command_octets {
            return Err(self.refuse_for(Refused::TooBigTogether(self.limits.literals_per_command_octets)));
        }
        self.kept = together;
        self.state = State::Keeping(announced.octets);
        Ok(go_ahead(announced))
    }

    /// Takes the announced literal as [`Event::Octets`], piece by piece, and forgets what came before it.
    ///
    /// # Errors
    /// When a limit forbids it: the literal is refused.
    pub fn stream(&mut self) -> Result<GoAhead, Refused> {
        let State::Deciding(announced) = self.state else { return Ok(GoAhead::Nothing) };
        self.check_non_sync(announced)?;
        if announced.octets > self.limits.streamed_octets {
            return Err(self.refuse_for(Refused::TooBig(self.limits.streamed_octets)));
        }
        self.drop_read();
        self.beginning = Beginning::Streamed;
        self.state = State::Streaming(announced.octets);
        Ok(go_ahead(announced))
    }

    /// Ends the command at its announced literal. A client that waits sends nothing more of it; what one that
    /// does not wait sends is skipped, to the end of the command.
    pub fn refuse(&mut self) {
        let State::Deciding(announced) = self.state else { return };
        self.skip_announced(Some(announced));
    }

    fn refuse_for(&mut self, why: Refused) -> Refused {
        self.refuse();
        why
    }

    fn check_non_sync(&mut self, announced: Announced) -> Result<(), Refused> {
        let limit = self.limits.non_sync_octets;
        match announced.sync {
            Sync::NonSync if announced.octets > limit => Err(self.refuse_for(Refused::TooBigNonSync(limit))),
            _ => Ok(()),
        }
    }

    // Reading lines.

    fn read_line(&mut self) -> Step {
        let limit = self.line.saturating_add(self.line_left);
        let until = self.buffer.len().min(limit);
        let Some(end) = self.find_line_end(until) else {
            return if self.buffer.len() > limit { self.too_long() } else { Step::More };
        };
        let line = self.buffer.get(self.line..end).unwrap_or_default();
        let (announced, bare_lf) = (announcement(line), !line.ends_with(b"\r\n"));
        self.line_left -= end - self.line;
        self.line = end;
        if bare_lf && self.limits.line_end == LineEnd::CrLf {
            return self.bare_lf(announced);
        }
        match announced {
            Some(announced) => {
                self.state = State::Deciding(announced);
                Step::Again
            }
            None => Step::Event(self.complete()),
        }
    }

    /// Reads up to `until` for a line end; gives the place behind it.
    fn find_line_end(&mut self, until: usize) -> Option<usize> {
        let unread = self.buffer.get(self.read..until).unwrap_or_default();
        let found = memchr::memchr(b'\n', unread);
        let octets = found.map_or(unread.len(), |at| at + 1);
        self.count_work(octets);
        self.read += octets;
        found.map(|_| self.read)
    }

    fn complete(&mut self) -> Event {
        let mut frame = self.buffer.split_to(self.read);
        let end = frame.strip_suffix(b"\r\n").or_else(|| frame.strip_suffix(b"\n")).map_or(0, <[u8]>::len);
        let beginning = self.beginning;
        self.release(frame.len());
        frame.truncate(end);
        self.next_command();
        match beginning {
            Beginning::Here => Event::Command(frame.freeze()),
            Beginning::Streamed => Event::Rest(frame.freeze()),
        }
    }

    fn next_command(&mut self) {
        self.read = 0;
        self.line = 0;
        self.line_left = self.limits.line_octets;
        self.kept = 0;
        self.skipped = 0;
        self.beginning = Beginning::Here;
        self.state = State::Line;
    }

    /// Lets go of the memory of a command that has gone. What came behind it is moved only where it is the
    /// smaller part, so that moving costs no more than reading did.
    fn release(&mut self, gone: usize) {
        let rest = self.buffer.len();
        if rest == 0 {
            self.buffer = BytesMut::new();
        } else if gone >= LARGE_FRAME_OCTETS && rest <= gone {
            self.count_work(rest);
            self.buffer = BytesMut::from(&*self.buffer);
        }
    }

    /// Drops what is read.
    fn drop_read(&mut self) {
        self.buffer.advance(self.read);
        self.release(self.read);
        self.read = 0;
        self.line = 0;
    }

    // Literals that are wanted.

    fn keep_octets(&mut self, left: u64) -> Step {
        let here = self.buffer.len() - self.read;
        let octets = usize::try_from(left).unwrap_or(usize::MAX).min(here);
        self.read += octets;
        let left = left - octets as u64;
        if left > 0 {
            self.state = State::Keeping(left);
            return Step::More;
        }
        self.line = self.read;
        self.state = State::Line;
        Step::Again
    }

    fn stream_octets(&mut self, left: u64) -> Step {
        let octets = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
        if octets == 0 && left > 0 {
            return Step::More;
        }
        let left = left - octets as u64;
        let octets = self.buffer.split_to(octets).freeze();
        self.release(octets.len());
        self.state = if left > 0 { State::Streaming(left) } else { State::Line };
        Step::Event(Event::Octets { octets, left })
    }

    // Commands that are not wanted.

    fn too_long(&mut self) -> Step {
        let event = self.bad(Misframed::TooLong(self.limits.line_octets));
        self.state = State::SkippingLine;
        self.forget_line();
        Step::Event(event)
    }

    fn bare_lf(&mut self, announced: Option<Announced>) -> Step {
        let event = self.bad(Misframed::BareLf);
        self.skip_announced(announced);
        Step::Event(event)
    }

    fn bad(&self, why: Misframed) -> Event {
        let start = match self.beginning {
            Beginning::Here => self.buffer.get(..self.read.min(MAX_START_OCTETS)).unwrap_or_default(),
            Beginning::Streamed => &[],
        };
        Event::Bad { why, start: Bytes::copy_from_slice(start) }
    }

    fn skip_line(&mut self) -> Step {
        let before = self.read;
        let found = self.find_line_end(self.buffer.len());
        if self.skip((self.read - before) as u64) == Budget::Spent {
            return Step::Again;
        }
        if found.is_none() {
            self.forget_line();
            return Step::More;
        }
        let announced = announcement(self.start());
        self.skip_announced(announced);
        Step::Again
    }

    fn skip_literal(&mut self, left: u64) -> Step {
        let octets = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
        self.buffer.advance(octets);
        self.release(octets);
        let left = left - octets as u64;
        self.state = if left > 0 { State::SkippingLiteral(left) } else { State::SkippingLine };
        if left > 0 { Step::More } else { Step::Again }
    }

    /// Behind the line of a bad command: skips the literal that comes without asking, if any.
    fn skip_announced(&mut self, announced: Option<Announced>) {
        self.drop_read();
        match announced {
            Some(Announced { octets, sync: Sync::NonSync, .. }) => {
                // The whole literal counts at once: it is known not to be worth waiting for.
                if self.skip(octets) == Budget::Left {
                    self.state = State::SkippingLiteral(octets);
                }
            }
            _ => self.next_command(),
        }
    }

    /// Keeps no more of a bad command's line than could be the start of an announcement.
    fn forget_line(&mut self) {
        let forgotten = self.read.saturating_sub(MAX_ANNOUNCEMENT_OCTETS);
        self.buffer.advance(forgotten);
        self.read -= forgotten;
        self.line = 0;
        if forgotten >= LARGE_FRAME_OCTETS {
            self.buffer = BytesMut::from(&*self.buffer);
        }
    }

    fn skip(&mut self, octets: u64) -> Budget {
        self.skipped = self.skipped.saturating_add(octets);
        if self.skipped <= self.limits.skipped_octets {
            return Budget::Left;
        }
        self.state = State::Lost;
        self.buffer = BytesMut::new();
        self.read = 0;
        Budget::Spent
    }

    /// Tests hold the framer to linear work by this count.
    #[cfg(test)]
    fn count_work(&mut self, octets: usize) {
        self.work += octets as u64;
    }

    #[cfg(not(test))]
    fn count_work(&mut self, _octets: usize) {}
}

enum Step {
    Event(Event),
    More,
    Again,
}

#[derive(PartialEq, Eq)]
enum Budget {
    Left,
    Spent,
}

const fn go_ahead(announced: Announced) -> GoAhead {
    match announced.sync {
        Sync::Sync => GoAhead::Continue,
        Sync::NonSync => GoAhead::Nothing,
    }
}

/// The literal that a line announces at its end. Quotes do not hide it: a quoted string cannot hold a line end,
/// so a line that ends like this is either an announcement or wrong, and then it is safer to believe it
/// (RFC 7888, 3: the end of every line MUST be checked).
fn announcement(line: &[u8]) -> Option<Announced> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.get(line.len().saturating_sub(MAX_ANNOUNCEMENT_OCTETS - 2)..).unwrap_or(line);
    let inside = line.strip_suffix(b"}")?;
    let (number, sync) = match inside.strip_suffix(b"+") {
        Some(number) => (number, Sync::NonSync),
        None => (inside, Sync::Sync),
    };
    let brace = number.iter().rposition(|octet| !octet.is_ascii_digit())?;
    let (before, digits) = (number.get(..brace)?, number.get(brace + 1..)?);
    if number.get(brace) != Some(&b'{') || digits.is_empty() {
        return None;
    }
    let form = if before.ends_with(b"~") { LiteralForm::Literal8 } else { LiteralForm::Literal };
    Some(Announced { octets: saturating_number(digits), sync, form })
}

/// A number too large for 64 bits is as good as the largest: no limit allows it.
fn saturating_number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n: u64, &digit| n.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
