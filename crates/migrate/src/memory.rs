//! What was brought before: for each folder of a source a file beside the mail.
//!
//! It is soft. A message is in the mailbox before it is in here, so what a crash forgets is found again by its octets
//! and never doubled. The first line says which mailbox and which generation of the folder it speaks of; when either is
//! another one, it is begun anew. Each further line is a message: its UID here, its key, its flags at the source. A
//! later line about the same key replaces an earlier one; a line that does not read is passed over.

use crate::link::Key;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use terms::{AccountId, Uid};

/// Longest line that is read, in octets: some hundred flags.
const MAX_LINE: u64 = 64 << 10;

/// What is known of a folder.
pub(crate) struct Memory {
    file: File,
    messages: HashMap<Key, Brought>,
    /// Combinations of flags, each once.
    flags: Vec<String>,
    numbers: HashMap<String, u32>,
}

/// A message that was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) uid: Uid,
    flags: u32,
}

/// Where a folder's memory is.
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) source: &'a str,
    pub(crate) name: &'a str,
}

/// Why a memory cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoMemory {
    #[error("another import brings the same folder just now")]
    InUse,
    #[error("cannot remember what was brought, in {}: {why}", path.display())]
    Io { path: PathBuf, why: io::Error },
}

impl Place<'_> {
    fn path(&self) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        // The length in front: no source and folder read as another pair does.
        hasher.update(&(self.source.len() as u64).to_le_bytes());
        hasher.update(self.source.as_bytes()).update(self.name.as_bytes());
        let name: String = hasher.finalize().to_hex().chars().take(32).collect();
        self.folder.join(name)
    }
}

impl Memory {
    /// Opens it, for nobody else meanwhile. `subject` says what it has to speak of.
    pub(crate) fn open(place: &Place<'_>, subject: &str) -> Result<Self, NoMemory> {
        let path = place.path();
        let failed = |why| NoMemory::Io { path: path.clone(), why };
        fs::create_dir_all(place.folder).map_err(failed)?;
        let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NoMemory::InUse),
            Err(TryLockError::Error(why)) => return Err(failed(why)),
        }
        let mut memory = Self { file, messages: HashMap::new(), flags: Vec::new(), numbers: HashMap::new() };
        memory.read(&heading(subject)).map_err(failed)?;
        Ok(memory)
    }

    fn read(&mut self, heading: &str) -> io::Result<()> {
        let mut lines = BufReader::new(self.file.try_clone()?);
        let mut whole = 0;
        let mut is_first = true;
        loop {
            let mut line = Vec::new();
            let mut read = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
            if read == MAX_LINE && line.last() != Some(&b'\n') {
                // None of ours: it is passed over, and those behind it count.
                line.clear();
                read += rest_of_line(&mut lines, &mut line)?;
            }
            if line.last() != Some(&b'\n') {
                // The end, or a line that a crash cut off.
                break;
            }
            let line = String::from_utf8_lossy(&line);
            if is_first && line != heading {
                break;
            }
            if !is_first && let Some((key, uid, flags)) = parse(line.trim_end_matches('\n')) {
                self.learn(key, uid, flags);
            }
            is_first = false;
            whole += read;
        }
        self.file.set_len(whole)?;
        self.file.seek(SeekFrom::Start(whole))?;
        if whole == 0 { self.file.write_all(heading.as_bytes()) } else { Ok(()) }
    }

    pub(crate) fn get(&self, key: Key) -> Option<Brought> {
        self.messages.get(&key).copied()
    }

    /// The flags that a message had at the source when they were last brought.
    pub(crate) fn flags(&self, brought: Brought) -> &str {
        usize::try_from(brought.flags).ok().and_then(|at| self.flags.get(at)).map_or("", String::as_str)
    }

    /// The UIDs of all that was brought.
    pub(crate) fn uids(&self) -> impl Iterator<Item = Uid> {
        self.messages.values().map(|brought| brought.uid)
    }

    /// Forgets what cannot be so.
    pub(crate) fn retain(&mut self, is_so: impl Fn(Uid) -> bool) {
        self.messages.retain(|_, brought| is_so(brought.uid));
    }

    /// Notes messages, with flags as [`crate::letter::alike`] writes them.
    pub(crate) fn note<'a>(&mut self, messages: impl Iterator<Item = (Key, Uid, &'a str)>) -> io::Result<()> {
        let mut lines = String::new();
        for (key, uid, flags) in messages {
            lines.push_str(&format!("{uid} {} {flags}\n", String::from(key)));
            self.learn(key, uid, flags);
        }
        self.file.write_all(lines.as_bytes())
    }

    fn learn(&mut self, key: Key, uid: Uid, flags: &str) {
        let flags = match self.numbers.get(flags) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.flags.len()).unwrap_or(u32::MAX);
                self.flags.push(flags.to_owned());
                self.numbers.insert(flags.to_owned(), number);
                number
            }
        };
        self.messages.insert(key, Brought { uid, flags });
    }
}

/// Passes over what is left of a line, and hands out its line feed, if it has one.
fn rest_of_line(lines: &mut impl BufRead, end: &mut Vec<u8>) -> io::Result<u64> {
    let mut passed = 0;
    loop {
        let mut piece = Vec::new();
        passed += lines.take(MAX_LINE).read_until(b'\n', &mut piece)? as u64;
        match piece.last() {
            None => return Ok(passed),
            Some(b'\n') => {
                end.push(b'\n');
                return Ok(passed);
            }
            Some(_) => {}
        }
    }
}

/// Forgets all that was brought into an account; nothing of it comes back after a power cut.
pub(crate) fn forget(memories: &Path, account: AccountId) -> io::Result<()> {
    match fs::remove_dir_all(folder_of(memories, account)) {
        Ok(()) => File::open(memories)?.sync_all(),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(why),
    }
}

/// Forgets what was brought into accounts that are gone.
pub(crate) fn forget_all_but(memories: &Path, accounts: &HashSet<AccountId>) -> io::Result<()> {
    let entries = match fs::read_dir(memories) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        let account = name.to_str().and_then(|name| name.parse().ok()).map(AccountId);
        if let Some(account) = account.filter(|account| !accounts.contains(account)) {
            forget(memories, account)?;
        }
    }
    Ok(())
}

/// Where the memories of an account are.
pub(crate) fn folder_of(memories: &Path, account: AccountId) -> PathBuf {
    memories.join(account.0.to_string())
}

fn heading(subject: &str) -> String {
    let subject: String = subject.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    format!("gatepost-import 1 {subject}\n")
}

fn parse(line: &str) -> Option<(Key, Uid, &str)> {
    let mut words = line.splitn(3, ' ');
    let uid = Uid::new(words.next()?.parse().ok()?)?;
    let key = Key::try_from(words.next()?.to_owned()).ok()?;
    Some((key, uid, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("gatepost-memory-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn uid(number: u32) -> Uid {
        Uid::new(number).unwrap()
    }

    fn key(number: u32) -> Key {
        Key::of_uid(number)
    }

    #[test]
    fn what_was_noted_is_known_the_next_time_and_the_last_word_counts() {
        let folder = folder("kept");
        let place = Place { folder: &folder, source: "s", name: "INBOX" };
        let mut memory = Memory::open(&place, "1 7").unwrap();
        memory.note([(key(1), uid(4), "\\seen"), (key(2), uid(5), "")].into_iter()).unwrap();
        memory.note([(key(1), uid(4), "\\draft work")].into_iter()).unwrap();
        assert!(matches!(Memory::open(&place, "1 7"), Err(NoMemory::InUse)));
        drop(memory);
        let memory = Memory::open(&place, "1 7").unwrap();
        assert_eq!(memory.get(key(1)).map(|b| (b.uid, memory.flags(b))), Some((uid(4), "\\draft work")));
        assert_eq!(memory.get(key(2)).map(|b| (b.uid, memory.flags(b))), Some((uid(5), "")));
        assert_eq!(memory.get(key(3)), None);
        drop(memory);
        // Another mailbox or another generation: nothing of it holds.
        assert_eq!(Memory::open(&place, "1 8").unwrap().uids().count(), 0);
        assert_eq!(Memory::open(&place, "1 7").unwrap().uids().count(), 0);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn of_accounts_that_are_gone_nothing_is_remembered() {
        let memories = folder("gone");
        forget(&memories, AccountId(1)).unwrap();
        forget_all_but(&memories, &HashSet::new()).unwrap();
        for account in 1..=3 {
            let folder = folder_of(&memories, AccountId(account));
            Memory::open(&Place { folder: &folder, source: "s", name: "INBOX" }, "x").unwrap();
        }
        fs::create_dir(memories.join("not-ours")).unwrap();
        forget(&memories, AccountId(1)).unwrap();
        forget_all_but(&memories, &HashSet::from([AccountId(3)])).unwrap();
        let entries = fs::read_dir(&memories).unwrap();
        let mut left: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["3", "not-ours"]);
        fs::remove_dir_all(memories).unwrap();
    }

    #[test]
    fn a_line_that_is_none_or_was_cut_off_is_forgotten_and_the_next_one_is_whole() {
        let folder = folder("torn");
        let place = Place { folder: &folder, source: "s", name: "INBOX" };
        Memory::open(&place, "x").unwrap().note([(key(1), uid(1), "")].into_iter()).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(place.path()).unwrap();
        file.write_all(b"nonsense\n").unwrap();
        file.write_all(&vec![b'x'; 3 * usize::try_from(MAX_LINE).unwrap()]).unwrap();
        file.write_all(format!("\n5 {} \n2 0123", String::from(key(5))).as_bytes()).unwrap();
        drop(file);
        Memory::open(&place, "x").unwrap().note([(key(3), uid(3), "")].into_iter()).unwrap();
        let memory = Memory::open(&place, "x").unwrap();
        let mut uids: Vec<_> = memory.uids().collect();
        uids.sort_unstable();
        assert_eq!(uids, [uid(1), uid(3), uid(5)]);
        fs::remove_dir_all(folder).unwrap();
    }
}
