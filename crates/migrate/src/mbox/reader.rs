//! Parting the messages of an mbox.
//!
//! The form is mboxrd: the separator is at the beginning or behind an empty line, and a line of a message that
//! begins with `>`s and `From ` has one `>` too many. `Content-Length` is not believed: it is wrong as soon as another
//! program has touched the file.

use super::header::{Keeper, Keywords, Noted, Standing, take_notes};
use crate::MAX_MESSAGE_OCTETS;
use crate::local::{Extent, Found, Unreadable};
use std::io::{self, BufRead, Read};
use terms::InternalDate;

/// How much of a line is read at once; a longer one comes in pieces.
const PIECE_OCTETS: u64 = 64 << 10;

/// The messages of an mbox. `fallback` is the date (Unix seconds) of those whose separator has none.
pub fn messages(reader: impl BufRead, fallback: i64) -> impl Iterator<Item = Result<Found, Unreadable>> {
    Mbox { reader, fallback, separator: None, number: 0, ended: false, keywords: Keywords::default() }
        .flatten()
}

struct Mbox<R> {
    reader: R,
    fallback: i64,
    /// The separator that has been read before its message.
    separator: Option<Vec<u8>>,
    number: u64,
    ended: bool,
    keywords: Keywords,
}

/// A message that grows line by line.
#[derive(Default)]
struct Growing {
    octets: Vec<u8>,
    size: u64,
    /// Whether the next piece begins a line, and whether that line is behind an empty one.
    mid_line: bool,
    behind_empty: bool,
}

impl Growing {
    fn push(&mut self, piece: &[u8]) {
        let line_start = !self.mid_line;
        self.behind_empty = line_start && matches!(piece, b"\n" | b"\r\n");
        self.mid_line = piece.last() != Some(&b'\n');
        let piece = if line_start { without_escape(piece) } else { piece };
        self.size += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.size > MAX_MESSAGE_OCTETS {
            self.octets = Vec::new();
        } else {
            self.octets.extend_from_slice(piece);
        }
    }

    /// The octets without the empty line that belongs to the separator behind them; `None` if they were too many.
    fn finish(mut self) -> Option<Vec<u8>> {
        if self.size > MAX_MESSAGE_OCTETS {
            return None;
        }
        if self.behind_empty {
            let end = if self.octets.ends_with(b"\r\n") { 2 } else { 1 };
            self.octets.truncate(self.octets.len().saturating_sub(end));
        }
        Some(self.octets)
    }
}

/// A message, or none where there was one of the file's own.
type Message = Option<Result<Found, Unreadable>>;

impl<R: BufRead> Mbox<R> {
    fn piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        (&mut self.reader).take(PIECE_OCTETS).read_until(b'\n', &mut piece)?;
        Ok(piece)
    }

    /// Reads up to the first separator.
    fn find_first(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut mid_line = false;
        loop {
            let piece = self.piece()?;
            if piece.is_empty() {
                return Ok(None);
            }
            if !mid_line && piece.starts_with(b"From ") {
                return Ok(Some(piece));
            }
            mid_line = piece.last() != Some(&b'\n');
        }
    }

    /// Reads a message and the separator behind it.
    fn grow(&mut self) -> io::Result<Growing> {
        let mut message = Growing::default();
        loop {
            let piece = self.piece()?;
            let at_separator = message.behind_empty && !message.mid_line && piece.starts_with(b"From ");
            if piece.is_empty() || at_separator {
                self.separator = at_separator.then_some(piece);
                return Ok(message);
            }
            message.push(&piece);
        }
    }

    fn read(&mut self) -> io::Result<Option<Message>> {
        let separator = match self.separator.take() {
            Some(separator) => separator,
            None if self.number > 0 => return Ok(None),
            None => match self.find_first()? {
                Some(separator) => separator,
                None => return Ok(None),
            },
        };
        self.number += 1;
        let grown = self.grow()?.finish();
        Ok(Some(self.message(&separator, grown)))
    }

    fn message(&mut self, separator: &[u8], grown: Option<Vec<u8>>) -> Message {
        let what = format!("message {}", self.number);
        let unreadable = |why: String| Some(Err(Unreadable::message(what.clone(), why)));
        let Some(octets) = grown else {
            return unreadable(format!("it has more than {MAX_MESSAGE_OCTETS} octets"));
        };
        // A file has notes of its own at its beginning. Elsewhere it is a sender who wrote what programs write there.
        let is_first = self.number == 1;
        let (Noted { mut marks, standing }, octets) =
            take_notes(&octets, Keeper::of(separator), &mut self.keywords);
        match standing {
            Standing::Internal if is_first => return None,
            Standing::Expunged => return unreadable("it was deleted in Thunderbird".into()),
            Standing::Internal | Standing::Message => {}
        }
        let seconds = separator_date(&String::from_utf8_lossy(separator)).unwrap_or(self.fallback);
        marks.date = InternalDate::new(seconds, 0);
        Some(Ok(Found::new(what, marks, octets)))
    }
}

impl<R: BufRead> Iterator for Mbox<R> {
    type Item = Message;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.read().unwrap_or_else(|why| {
            // What cannot be read once would not be read again: an end, not a hole.
            self.ended = true;
            let what = format!("everything from message {} on", self.number.max(1));
            Some(Some(Err(Unreadable { what, why: why.to_string(), extent: Extent::Rest })))
        })
    }
}

/// `>From ` is `From `, `>>From ` is `>From `, and so on.
fn without_escape(line: &[u8]) -> &[u8] {
    let rest = line.strip_prefix(b">").unwrap_or(line);
    let behind = rest.iter().position(|&b| b != b'>').and_then(|at| rest.get(at..));
    let escaped = line.len() > rest.len() && behind.is_some_and(|text| text.starts_with(b"From "));
    if escaped { rest } else { line }
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn month(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(word))?;
    i8::try_from(at + 1).ok()
}

/// The date of `From someone@example.org Mon Nov 16 08:00:00 2026`, with or without seconds and zone; UTC.
fn separator_date(line: &str) -> Option<i64> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let at = words.iter().rposition(|word| month(word).is_some())?;
    let month = month(words.get(at)?)?;
    let day = words.get(at + 1)?.parse().ok()?;
    let mut clock = words.get(at + 2)?.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().flatten().unwrap_or_default();
    let year = words.iter().skip(at + 3).find(|word| word.len() == 4 && word.parse::<i16>().is_ok())?;
    let civil = jiff::civil::DateTime::new(year.parse().ok()?, month, day, hour, minute, second, 0).ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-16 08:00 UTC.
    const MORNING: i64 = 1_794_816_000;

    fn read(text: &[u8]) -> Vec<Found> {
        messages(text, 7).map(Result::unwrap).collect()
    }

    fn seconds(found: &Found) -> i64 {
        found.marks.date.unwrap().seconds()
    }

    #[test]
    fn messages_are_parted_at_from_lines_behind_empty_ones() {
        let found = read(
            b"From a@example.org Mon Nov 16 08:00:00 2026\nSubject: 1\n\nHere\nFrom there\n\n\
              From b@example.org Mon Nov 16 09:00 +0100 2026\nSubject: 2\n\nx\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].octets, b"Subject: 1\r\n\r\nHere\r\nFrom there\r\n".as_slice());
        assert_eq!(seconds(&found[0]), MORNING);
        assert_eq!(seconds(&found[1]), MORNING + 3_600);
        assert_eq!(found[1].octets, b"Subject: 2\r\n\r\nx\r\n".as_slice());
        assert_eq!(found[1].what, "message 2");
    }

    #[test]
    fn one_sign_of_escaping_is_taken_away() {
        let found = read(b"From -\nSubject: 1\n\n>From me\n>>From you\n> From\n>Frome\n");
        let octets = b"Subject: 1\r\n\r\nFrom me\r\n>From you\r\n> From\r\n>Frome\r\n";
        assert_eq!(found[0].octets, octets.as_slice());
        assert_eq!(seconds(&found[0]), 7);
    }

    #[test]
    fn a_length_that_lies_changes_nothing() {
        let found = read(b"From -\nContent-Length: 9999\n\nx\n\nFrom -\nContent-Length: 1\n\nlong\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].octets, b"\r\nlong\r\n".as_slice());
    }

    #[test]
    fn notes_of_the_server_are_no_message_and_what_was_deleted_is_told() {
        let text = b"From -\nX-IMAP: 1 2\n\nnotes\n\nFrom -\nX-Mozilla-Status: 0008\n\nx\n\nFrom -\nStatus: RO\n\ny\n";
        let found: Vec<_> = messages(text.as_slice(), 0).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].as_ref().unwrap_err().why, "it was deleted in Thunderbird");
        assert_eq!(found[1].as_ref().unwrap().marks.words(), ["\\Seen"]);
    }

    #[test]
    fn keywords_are_those_that_the_file_names_in_its_first_message() {
        let found = read(
            b"From -\nTo: a\nX-IMAPbase: 1 2 Work\nX-Keywords: Work\n\nx\n\n\
              From -\nTo: a\nX-IMAPbase: 1 2 Mine\nX-Keywords: Mine work\n\nx\n",
        );
        let flags: Vec<_> = found.iter().map(|found| found.marks.words().join(" ")).collect();
        assert_eq!(flags, ["Work", "work"]);
    }

    #[test]
    fn a_file_that_cannot_be_read_to_its_end_says_so() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is broken"))
            }
        }
        let start: &[u8] = b"From -\nSubject: 1\n\nx\n\nFrom -\nSubject: 2\n";
        let found: Vec<_> = messages(io::BufReader::new(start.chain(Broken)), 0).collect();
        let [Ok(_), Err(rest)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((rest.what.as_str(), rest.extent), ("everything from message 2 on", Extent::Rest));
    }

    #[test]
    fn nothing_and_what_is_no_mbox_hold_no_messages() {
        assert!(read(b"").is_empty());
        assert!(read(b"hello\nworld\n").is_empty());
        assert_eq!(read(b"From -").len(), 1);
    }

    #[test]
    fn a_message_that_is_too_large_is_passed_over_in_bounded_memory() {
        let start: &[u8] = b"From -\n\n";
        let large = io::repeat(b'x').take(MAX_MESSAGE_OCTETS + 1);
        let rest: &[u8] = b"\n\nFrom -\nSubject: small\n\n";
        let reader = io::BufReader::new(start.chain(large).chain(rest));
        let found: Vec<_> = messages(reader, 0).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].as_ref().unwrap_err().why.contains("it has more than"));
        assert!(found[1].is_ok());
    }
}
