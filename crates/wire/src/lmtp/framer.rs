//! Framing: where a line ends, and where a message does.
//!
//! A line that ends in LF alone, or has a CR in its middle, is no line: whoever sends it reads lines otherwise than we
//! do, and what it thinks to be one command could be two to us. The session says so and closes (RFC 5321, 2.3.8).

use super::data::{BadData, Course, DataReader};
use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr2;

/// Longest command line, in octets, without its end. RFC 5321, 4.5.3.1.4 asks for 512, extensions add to it.
pub const MAX_LINE_OCTETS: usize = 2_048;
/// How much of a line that is too long is passed over before the client is given up, in octets.
pub const MAX_SKIPPED_OCTETS: usize = 64 << 10;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing yet: push more.
    More,
    /// A command, without its line end.
    Line(Bytes),
    /// A line longer than [`MAX_LINE_OCTETS`]; it has been passed over.
    LongLine,
    /// Octets of a message.
    Data(Bytes),
    /// The message has ended. What is wrong with it, where something is.
    End(Result<(), BadData>),
    /// No more can be understood: close the connection. This is all that comes from now on.
    Lost(Misframed),
}

/// Why nothing more can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misframed {
    /// A command line ends in LF alone.
    BareLf,
    /// A CR without LF in a command line.
    BareCr,
    /// A line without end.
    Endless,
}

#[derive(Debug)]
enum State {
    /// Looking for the end of a line; so many octets have been looked at.
    Line(usize),
    /// The same of one that is too long; so many octets of it have been passed over.
    Skipping(usize),
    Data(DataReader),
    /// The last octets of a message have been given out.
    Ended(Result<(), BadData>),
    Lost(Misframed),
}

/// Cuts a stream into lines and messages.
#[derive(Debug)]
pub struct Framer {
    buffer: BytesMut,
    state: State,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// At the start of a line.
    #[must_use]
    pub fn new() -> Self {
        Self { buffer: BytesMut::new(), state: State::Line(0) }
    }

    /// Takes in what was read.
    pub fn push(&mut self, octets: &[u8]) {
        if !matches!(self.state, State::Lost(_)) {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// From here on a message comes: DATA has been granted.
    pub fn begin_data(&mut self) {
        self.state = State::Data(DataReader::new());
    }

    /// How many octets the message has so far.
    #[must_use]
    pub const fn data_octets(&self) -> u64 {
        match &self.state {
            State::Data(reader) => reader.octets(),
            _ => 0,
        }
    }

    /// What comes next.
    pub fn next_event(&mut self) -> Event {
        match &mut self.state {
            State::Lost(why) => Event::Lost(*why),
            State::Data(_) => self.data(),
            State::Ended(end) => {
                let end = *end;
                self.end(end)
            }
            State::Line(looked) => {
                let looked = *looked;
                self.line(looked)
            }
            State::Skipping(_) => self.skip(),
        }
    }

    fn data(&mut self) -> Event {
        let State::Data(reader) = &mut self.state else { return Event::More };
        let mut out = Vec::new();
        let course = reader.read(&self.buffer, &mut out);
        let end = reader.bad().map_or(Ok(()), Err);
        match course {
            Course::Open => self.buffer.clear(),
            Course::Ended(read) => {
                self.buffer.advance(read);
                self.state = State::Ended(end);
            }
        }
        match (out.is_empty(), course) {
            (false, _) => Event::Data(out.into()),
            (true, Course::Open) => Event::More,
            (true, Course::Ended(_)) => self.end(end),
        }
    }

    const fn end(&mut self, end: Result<(), BadData>) -> Event {
        self.state = State::Line(0);
        Event::End(end)
    }

    fn line(&mut self, looked: usize) -> Event {
        let from_here = self.buffer.get(looked..).unwrap_or_default();
        let Some(at) = memchr2(b'\r', b'\n', from_here).map(|at| looked + at) else {
            return self.no_end(self.buffer.len());
        };
        if at > MAX_LINE_OCTETS {
            return self.no_end(at);
        }
        match (self.buffer.get(at), self.buffer.get(at + 1)) {
            (Some(b'\n'), _) => self.lose(Misframed::BareLf),
            (Some(_), None) => self.no_end(at),
            (Some(_), Some(b'\n')) => {
                let line = self.buffer.split_to(at).freeze();
                self.buffer.advance(2);
                self.state = State::Line(0);
                Event::Line(line)
            }
            _ => self.lose(Misframed::BareCr),
        }
    }

    fn no_end(&mut self, looked: usize) -> Event {
        if looked <= MAX_LINE_OCTETS {
            self.state = State::Line(looked);
            return Event::More;
        }
        self.state = State::Skipping(0);
        self.skip()
    }

    fn skip(&mut self) -> Event {
        let State::Skipping(skipped) = self.state else { return Event::More };
        let end = memchr2(b'\r', b'\n', &self.buffer);
        let passed = end.unwrap_or(self.buffer.len());
        let skipped = skipped.saturating_add(passed);
        if skipped > MAX_SKIPPED_OCTETS {
            return self.lose(Misframed::Endless);
        }
        self.buffer.advance(passed);
        self.state = State::Skipping(skipped);
        match (self.buffer.first(), self.buffer.get(1)) {
            (None, _) | (Some(b'\r'), None) => Event::More,
            (Some(b'\n'), _) => self.lose(Misframed::BareLf),
            (Some(_), Some(b'\n')) => {
                self.buffer.advance(2);
                self.state = State::Line(0);
                Event::LongLine
            }
            _ => self.lose(Misframed::BareCr),
        }
    }

    fn lose(&mut self, why: Misframed) -> Event {
        self.buffer = BytesMut::new();
        self.state = State::Lost(why);
        Event::Lost(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All that comes of these pieces; DATA is granted wherever it is said.
    fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let (mut framer, mut events) = (Framer::new(), Vec::new());
        for piece in pieces {
            framer.push(piece);
            loop {
                let event = framer.next_event();
                match &event {
                    Event::More => break,
                    Event::Line(line) if line.eq_ignore_ascii_case(b"DATA") => framer.begin_data(),
                    Event::Data(more) => {
                        if let Some(Event::Data(before)) = events.last_mut() {
                            *before = [&before[..], more].concat().into();
                            continue;
                        }
                    }
                    _ => {}
                }
                let is_lost = matches!(event, Event::Lost(_));
                events.push(event);
                if is_lost {
                    return events;
                }
            }
        }
        events
    }

    fn check(stream: &[u8], expected: &[Event]) {
        assert_eq!(events([stream]), expected, "{}", stream.escape_ascii());
        assert_eq!(events(stream.chunks(1)), expected, "{}", stream.escape_ascii());
    }

    fn line(text: &'static str) -> Event {
        Event::Line(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_and_messages_take_turns() {
        check(
            b"LHLO a\r\n\r\nDATA\r\na\r\n..b\r\n.\r\nDATA\r\n.\r\nQUIT\r\n",
            &[
                line("LHLO a"),
                line(""),
                line("DATA"),
                Event::Data("a\r\n.b\r\n".into()),
                Event::End(Ok(())),
                line("DATA"),
                Event::End(Ok(())),
                line("QUIT"),
            ],
        );
        check(
            b"data\r\na\nb\r\n.\r\nNOOP\r\n",
            &[line("data"), Event::Data("a".into()), Event::End(Err(BadData::BareLf)), line("NOOP")],
        );
    }

    #[test]
    fn a_line_with_a_bare_line_end_is_the_last() {
        check(b"NOOP\nNOOP\r\n", &[Event::Lost(Misframed::BareLf)]);
        check(b"NOOP\r\nNOOP\rNOOP\r\n", &[line("NOOP"), Event::Lost(Misframed::BareCr)]);
        check(b"NOOP\r\r\n", &[Event::Lost(Misframed::BareCr)]);
    }

    #[test]
    fn a_long_line_is_passed_over_and_an_endless_one_is_not() {
        let longest = "x".repeat(MAX_LINE_OCTETS);
        check(format!("{longest}\r\nx\r\n").as_bytes(), &[Event::Line(longest.clone().into()), line("x")]);
        check(format!("{longest}x\r\nx\r\n").as_bytes(), &[Event::LongLine, line("x")]);
        check(format!("{longest}x\nx\r\n").as_bytes(), &[Event::Lost(Misframed::BareLf)]);
        let endless = "x".repeat(MAX_LINE_OCTETS + MAX_SKIPPED_OCTETS + 2);
        check(endless.as_bytes(), &[Event::Lost(Misframed::Endless)]);
    }

    proptest! {
        #[test]
        fn any_cut_anywhere_gives_the_same(
            pieces in prop::collection::vec(
                prop::sample::select(vec![&b"DATA\r\n"[..], b"\r\n.\r\n", b"a", b"\r\n", b".", b"\n", b"\r", b"\0"]),
                0..16,
            ),
            cut in 1..6_usize,
        ) {
            let stream = pieces.concat();
            prop_assert_eq!(events(stream.chunks(cut)), events([&stream[..]]));
        }
    }
}
