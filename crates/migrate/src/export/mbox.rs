//! Mbox files, one for each mailbox, in the form mboxrd, with the notes in which Dovecot and others keep UIDs and flags.
//!
//! Lines end in LF, as they do in an mbox; a line that begins with `>`s and `From ` gets one `>` more. A file is written
//! beside its place and takes it when it is whole.

use super::maildir::{claim, create, make_directory, sync};
use super::taking::{FolderToWrite, MessageToWrite, Shelf};
use crate::trouble::Trouble;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use terms::InternalDate;

/// Behind the name of a file that is not whole.
const PART: &str = ".part";

/// A directory of mbox files.
#[derive(Debug)]
pub struct MboxShelf {
    root: PathBuf,
    files: Vec<PathBuf>,
    folder: Option<Folder>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
    /// `X-IMAPbase`, until the first message has it.
    base: Option<String>,
    /// Where the message that is being written begins in the file.
    begins: u64,
    written: u64,
    message: Letter,
}

/// A message on its way to its form.
#[derive(Debug, Default)]
struct Letter {
    /// What the header gets at its end.
    notes: Vec<u8>,
    line: Vec<u8>,
    is_in_body: bool,
}

impl MboxShelf {
    /// Begins an export of `account` into a directory that is new, empty, or an earlier export of the same account.
    ///
    /// # Errors
    /// It holds something else, or cannot be written.
    pub fn open(root: &Path, account: &str) -> Result<Self, Trouble> {
        claim(root, account)?;
        Ok(Self { root: root.to_owned(), files: Vec::new(), folder: None })
    }

    fn folder(&mut self) -> Result<&mut Folder, Trouble> {
        self.folder.as_mut().ok_or_else(|| Trouble::Ours("a message came without a folder".into()))
    }
}

impl Shelf for MboxShelf {
    fn begin(&mut self, folder: &FolderToWrite) -> Result<Vec<String>, Trouble> {
        // What lies below a mailbox is in a directory beside its file, as in Thunderbird's folders.
        let mut path = self.root.clone();
        let mut levels = folder.name.split('/').map(level).peekable();
        while let Some(level) = levels.next() {
            path.push(if levels.peek().is_some() { format!("{level}.sbd") } else { level });
        }
        path.parent().map(make_directory).transpose()?;
        let mut part = path.clone().into_os_string();
        part.push(PART);
        let part = PathBuf::from(part);
        let out = BufWriter::new(create(&part)?);
        let last = folder.uid_next.saturating_sub(1);
        let words = folder.keywords.iter().map(|word| format!(" {word}")).collect::<String>();
        let base = Some(format!("X-IMAPbase: {} {last:010}{words}\n", folder.uid_validity));
        let message = Letter::default();
        self.folder = Some(Folder { path, part, out, base, begins: 0, written: 0, message });
        Ok(Vec::new())
    }

    fn message(&mut self, message: &MessageToWrite) -> Result<bool, Trouble> {
        let folder = self.folder()?;
        folder.begins = folder.written;
        let mut notes = folder.base.clone().unwrap_or_default();
        notes += &format!("X-UID: {}\n{}", message.uid, status(&message.flags));
        folder.message = Letter { notes: notes.into_bytes(), ..Letter::default() };
        folder.write(format!("From MAILER-DAEMON {}\n", ctime(message.date)).as_bytes())?;
        Ok(true)
    }

    fn octets(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        let folder = self.folder()?;
        let ready = folder.message.take_in(octets);
        folder.write(&ready)
    }

    fn keep(&mut self) -> Result<(), Trouble> {
        let folder = self.folder()?;
        let rest = folder.message.end();
        folder.write(&rest)?;
        folder.base = None;
        Ok(())
    }

    fn forget(&mut self) -> Result<(), Trouble> {
        let folder = self.folder()?;
        let failed = |why| Trouble::file(&folder.part, why);
        folder.out.flush().map_err(failed)?;
        let file = folder.out.get_mut();
        file.set_len(folder.begins).map_err(failed)?;
        std::io::Seek::seek(file, std::io::SeekFrom::Start(folder.begins)).map_err(failed)?;
        folder.written = folder.begins;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Trouble> {
        let Some(mut folder) = self.folder.take() else { return Ok(()) };
        let ended = folder.out.flush().and_then(|()| folder.out.get_ref().sync_all());
        ended.map_err(|why| Trouble::file(&folder.part, why))?;
        fs::rename(&folder.part, &folder.path).map_err(|why| Trouble::file(&folder.path, why))?;
        self.files.push(folder.path);
        Ok(())
    }

    fn finish(&mut self, _subscribed: &[String]) -> Result<(), Trouble> {
        sync(&self.root)
    }
}

impl Folder {
    fn write(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        self.written += octets.len() as u64;
        self.out.write_all(octets).map_err(|why| Trouble::file(&self.part, why))
    }
}

impl Letter {
    /// Takes octets, and gives those that are ready: whole lines.
    fn take_in(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut ready = Vec::with_capacity(octets.len() + 64);
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.put_line(&mut ready);
            }
        }
        ready
    }

    fn put_line(&mut self, ready: &mut Vec<u8>) {
        let mut line = std::mem::take(&mut self.line);
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            line.push(b'\n');
        }
        if !self.is_in_body && line == b"\n" {
            self.is_in_body = true;
            ready.append(&mut self.notes);
        }
        if line
            .iter()
            .position(|octet| *octet != b'>')
            .is_some_and(|at| tail(&line, at).starts_with(b"From "))
        {
            ready.push(b'>');
        }
        ready.append(&mut line);
    }

    /// What is left, and the empty line that belongs to the next separator.
    fn end(&mut self) -> Vec<u8> {
        let mut ready = Vec::new();
        if !self.line.is_empty() {
            self.line.push(b'\n');
            self.put_line(&mut ready);
        }
        ready.append(&mut self.notes);
        ready.push(b'\n');
        ready
    }
}

fn tail(line: &[u8], at: usize) -> &[u8] {
    line.get(at..).unwrap_or_default()
}

fn status(flags: &[String]) -> String {
    let has = |flag: &str| flags.iter().any(|other| other == flag);
    let letters = [("\\Answered", 'A'), ("\\Deleted", 'D'), ("\\Flagged", 'F'), ("\\Draft", 'T')];
    let letters: String = letters.iter().filter(|(flag, _)| has(flag)).map(|(_, letter)| *letter).collect();
    let words: Vec<_> = flags.iter().map(String::as_str).filter(|flag| !flag.starts_with('\\')).collect();
    let mut notes = format!("Status: {}\n", if has("\\Seen") { "RO" } else { "O" });
    if !letters.is_empty() {
        notes += &format!("X-Status: {letters}\n");
    }
    if !words.is_empty() {
        notes += &format!("X-Keywords: {}\n", words.join(" "));
    }
    notes
}

/// `asctime(3)`, in UTC.
fn ctime(date: InternalDate) -> String {
    let time = jiff::Timestamp::from_second(date.seconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

/// A name that is a file's: what a file system or this layout would take for something else is written by number.
fn level(level: &str) -> String {
    let is_odd =
        |(at, c): (usize, char)| matches!(c, '%' | '\\' | ':') || c.is_control() || at == 0 && c == '.';
    let has_odd_end = [".sbd", ".msf", PART].iter().any(|end| level.ends_with(end));
    let mut name: String = level
        .char_indices()
        .map(|(at, c)| if is_odd((at, c)) { format!("%{:02X}", u32::from(c)) } else { c.to_string() })
        .collect();
    if has_odd_end {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_their_form_wherever_the_pieces_are_cut() {
        let message = b"Subject: x\r\nFrom me\r\n\r\nFrom you\r\n>From them\r\n> From far\r\nno end";
        let expected = "Subject: x\n>From me\nX-UID: 7\n\n>From you\n>>From them\n> From far\nno end\n\n";
        for cut in 0..message.len() {
            let mut letter = Letter { notes: b"X-UID: 7\n".to_vec(), ..Letter::default() };
            let (head, tail) = message.split_at(cut);
            let mut out = letter.take_in(head);
            out.extend(letter.take_in(tail));
            out.extend(letter.end());
            assert_eq!(String::from_utf8(out).unwrap(), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_header_without_a_body_has_its_notes_too() {
        let mut letter = Letter { notes: b"X-UID: 7\n".to_vec(), ..Letter::default() };
        let mut out = letter.take_in(b"Subject: x\r\n");
        out.extend(letter.end());
        assert_eq!(out, b"Subject: x\nX-UID: 7\n\n");
    }

    #[test]
    fn flags_are_the_letters_that_dovecot_writes() {
        let flags = ["\\Seen", "\\Flagged", "red"].map(String::from);
        assert_eq!(status(&flags), "Status: RO\nX-Status: F\nX-Keywords: red\n");
        assert_eq!(ctime(InternalDate::new(0, 0).unwrap()), "Thu Jan  1 00:00:00 1970");
    }
}
