//! mbox: messages one behind the other, each led by a line that begins with `From `.
//!
//! The form is mboxrd: the separator is at the beginning or behind an empty line, and a line of a message that
//! begins with `>`s and `From ` has one `>` too many.

use super::{ImportError, MAX_MESSAGE_OCTETS, Why};
use crate::calendar::{DAY, at, days, month};
use crate::{DemoMessage, with_crlf};
use std::io::{BufRead, Read};
use std::path::PathBuf;
use terms::{Flag, MailboxName};

/// How much of a line is read at once; a longer one comes in pieces.
const PIECE_OCTETS: u64 = 64 << 10;

/// The messages of an mbox file, all for INBOX. `fallback` is the date (Unix seconds) of those whose separator has none.
pub fn mbox(reader: impl BufRead, fallback: i64) -> impl Iterator<Item = Result<DemoMessage, ImportError>> {
    Mbox { reader, fallback, separator: None, number: 0, ended: false }
}

struct Mbox<R> {
    reader: R,
    fallback: i64,
    /// The separator that has been read before its message.
    separator: Option<Vec<u8>>,
    number: u64,
    ended: bool,
}

/// A message that grows line by line.
#[derive(Default)]
struct Growing {
    bytes: Vec<u8>,
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
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(piece);
        }
    }

    /// The bytes without the empty line that belongs to the separator behind them; `None` if they were too many.
    fn finish(mut self) -> Option<Vec<u8>> {
        if self.size > MAX_MESSAGE_OCTETS {
            return None;
        }
        if self.behind_empty {
            let end = if self.bytes.ends_with(b"\r\n") { 2 } else { 1 };
            self.bytes.truncate(self.bytes.len() - end);
        }
        Some(with_crlf(&self.bytes))
    }
}

impl<R: BufRead> Mbox<R> {
    fn piece(&mut self) -> std::io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        (&mut self.reader).take(PIECE_OCTETS).read_until(b'\n', &mut piece)?;
        Ok(piece)
    }

    /// Reads up to the first separator.
    fn find_first(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        loop {
            let piece = self.piece()?;
            if piece.is_empty() {
                return Ok(None);
            }
            if piece.starts_with(b"From ") {
                return Ok(Some(piece));
            }
        }
    }

    /// Reads a message and the separator behind it.
    fn message(&mut self) -> std::io::Result<Growing> {
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

    fn read(&mut self) -> std::io::Result<Option<Result<DemoMessage, ImportError>>> {
        let separator = match self.separator.take() {
            Some(separator) => separator,
            None if self.number > 0 => return Ok(None),
            None => match self.find_first()? {
                Some(separator) => separator,
                None => return Ok(None),
            },
        };
        self.number += 1;
        let Some(bytes) = self.message()?.finish() else {
            return Ok(Some(Err(ImportError { path: PathBuf::new(), why: Why::TooLarge(self.number) })));
        };
        let date = separator_date(&String::from_utf8_lossy(&separator)).unwrap_or(self.fallback);
        let flags = flags(&bytes);
        Ok(Some(Ok(DemoMessage { mailbox: MailboxName::inbox(), flags, date: at(date, 0), bytes })))
    }
}

impl<R: BufRead> Iterator for Mbox<R> {
    type Item = Result<DemoMessage, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.read().unwrap_or_else(|error| {
            // What cannot be read once would not be read again: an end, not a hole.
            self.ended = true;
            Some(Err(ImportError { path: PathBuf::new(), why: Why::Io(error) }))
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

/// The date of `From someone@example.org Mon Nov 16 08:00:00 2026`, with or without seconds and zone; UTC.
fn separator_date(line: &str) -> Option<i64> {
    let words: Vec<_> = line.split_ascii_whitespace().collect();
    let at = words.iter().rposition(|word| month(word).is_some())?;
    let month = month(words.get(at)?)?;
    let day = words.get(at + 1)?.parse().ok()?;
    let mut clock = words.get(at + 2)?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().flatten().unwrap_or_default();
    let year = words.iter().skip(at + 3).find(|word| word.len() == 4)?.parse().ok()?;
    Some(days(year, month, day) * DAY + (hour * 60 + minute) * 60 + second)
}

/// Flags as mutt and Dovecot write them: `Status: RO`, `X-Status: AFDT`.
fn flags(message: &[u8]) -> Vec<Flag> {
    let header = message.split_inclusive(|&b| b == b'\n').take_while(|line| !matches!(line, [b'\r', b'\n']));
    let mut flags = Vec::new();
    for line in header {
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "status" => flags.extend(value.contains('R').then_some(Flag::Seen)),
            "x-status" => flags.extend(value.chars().filter_map(status)),
            _ => {}
        }
    }
    flags
}

fn status(letter: char) -> Option<Flag> {
    match letter {
        'A' => Some(Flag::Answered),
        'F' => Some(Flag::Flagged),
        'D' => Some(Flag::Deleted),
        'T' => Some(Flag::Draft),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<DemoMessage> {
        mbox(text, 7).map(Result::unwrap).collect()
    }

    #[test]
    fn messages_are_parted_at_from_lines_behind_empty_ones() {
        let found = read(
            b"From a@example.org Mon Nov 16 08:00:00 2026\nSubject: 1\n\nHere\nFrom there\n\n\
              From b@example.org Mon Nov 16 09:00 +0100 2026\nSubject: 2\n\nx\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].bytes, b"Subject: 1\r\n\r\nHere\r\nFrom there\r\n".as_slice());
        assert_eq!(found[0].date.seconds(), crate::calendar::TODAY);
        assert_eq!(found[1].date.seconds(), crate::calendar::TODAY + 3_600);
        assert_eq!(found[1].bytes, b"Subject: 2\r\n\r\nx\r\n".as_slice());
    }

    #[test]
    fn one_sign_of_escaping_is_taken_away() {
        let found = read(b"From -\nSubject: 1\n\n>From me\n>>From you\n> From\n>Frome\n");
        assert_eq!(
            found[0].bytes,
            b"Subject: 1\r\n\r\nFrom me\r\n>From you\r\n> From\r\n>Frome\r\n".as_slice()
        );
        assert_eq!(found[0].date.seconds(), 7);
    }

    #[test]
    fn status_lines_become_flags() {
        let found = read(b"From -\nStatus: RO\nX-Status: AF\n\nStatus: D\n");
        assert_eq!(found[0].flags, [Flag::Seen, Flag::Answered, Flag::Flagged]);
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
        let large = std::io::repeat(b'x').take(MAX_MESSAGE_OCTETS + 1);
        let rest: &[u8] = b"\n\nFrom -\nSubject: small\n\n";
        let reader = std::io::BufReader::new(start.chain(large).chain(rest));
        let found: Vec<_> = mbox(reader, 0).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].as_ref().unwrap_err().to_string().contains("message 1 has more than"));
        assert!(found[1].is_ok());
    }
}
