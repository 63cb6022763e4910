//! A Maildir in the Maildir++ layout, with the files in which Dovecot keeps UIDs and keywords.
//!
//! A message's file is named after its UID and UIDVALIDITY, so a second run finds what the first has written, and
//! takes away those of its own files whose messages are gone. Octets are written as they are stored, CRLF and all.

use super::taking::{FolderToWrite, MessageToWrite, Shelf};
use crate::trouble::Trouble;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wire::imap::mailbox_name::{NameForm, encode};

/// Says that a directory is an export, and whose: only such a one is written to again.
const MARK: &str = "gatepost-export";
/// In the names of our files, and of no others.
const OURS: &str = ".gatepost,";
/// Keywords that have a letter.
const LETTERS: usize = 26;
/// The keyword that is the flag P (passed) of a Maildir.
const FORWARDED: &str = "$Forwarded";

/// A directory that becomes a Maildir.
#[derive(Debug)]
pub struct MaildirShelf {
    root: PathBuf,
    /// Directory of each folder that was written.
    directories: HashMap<String, PathBuf>,
    folder: Option<Folder>,
    message: Option<Begun>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    uid_validity: u32,
    uid_next: u32,
    /// Keywords by letter from `a`.
    letters: Vec<String>,
    /// Our files that are there: the part of the name that stays, and the whole.
    there: HashMap<String, String>,
    /// UIDs, and the part of the file's name that stays.
    listed: BTreeMap<u32, String>,
}

#[derive(Debug)]
struct Begun {
    file: File,
    temporary: PathBuf,
    uid: u32,
    base: String,
    flags: String,
    modified: SystemTime,
}

impl MaildirShelf {
    /// Begins an export of `account` into a directory that is new, empty, or an earlier export of the same account.
    ///
    /// # Errors
    /// It holds something else, or cannot be written.
    pub fn open(root: &Path, account: &str) -> Result<Self, Trouble> {
        claim(root, account)?;
        Ok(Self { root: root.to_owned(), directories: HashMap::new(), folder: None, message: None })
    }

    /// The directory of a folder; and what is said where the name is not that of the mailbox.
    fn directory(&mut self, name: &str) -> (PathBuf, Option<String>) {
        if name == "INBOX" {
            return (self.root.clone(), None);
        }
        let plain = file_name(name);
        let taken = |path: &PathBuf| self.directories.values().any(|other| other == path);
        let numbered = (1..).map(|n| if n == 1 { plain.clone() } else { format!("{plain}_{n}") });
        let path = numbered.map(|name| self.root.join(name)).find(|path| !taken(path));
        let path = path.unwrap_or_else(|| self.root.join(&plain));
        let is_itself = !name.contains('.') && path.ends_with(&plain);
        let note = format!("its name is {} there: a dot parts levels in a Maildir", path.display());
        (path, (!is_itself).then_some(note))
    }

    fn folder(&mut self) -> Result<&mut Folder, Trouble> {
        self.folder.as_mut().ok_or_else(|| Trouble::Ours("a message came without a folder".into()))
    }
}

/// `.A.B`, each level in modified UTF-7.
fn file_name(name: &str) -> String {
    let level = |level: &str| {
        let mut out = Vec::new();
        encode(&mut out, &level.replace('.', "_"), NameForm::Utf7);
        String::from_utf8_lossy(&out).into_owned()
    };
    name.split('/').map(level).fold(String::new(), |path, level| path + "." + &level)
}

impl Shelf for MaildirShelf {
    fn begin(&mut self, folder: &FolderToWrite) -> Result<Vec<String>, Trouble> {
        let (path, renamed) = self.directory(&folder.name);
        for part in ["", "cur", "new", "tmp"] {
            make_directory(&path.join(part))?;
        }
        if path != self.root {
            write_file(&path.join("maildirfolder"), b"")?;
        }
        let mut letters: Vec<_> = folder.keywords.iter().filter(|word| *word != FORWARDED).cloned().collect();
        let left_out = letters.split_off(letters.len().min(LETTERS));
        let mut notes: Vec<String> = renamed.into_iter().collect();
        if !left_out.is_empty() {
            let words = left_out.join(" ");
            notes.push(format!("a Maildir's folder has {LETTERS} keywords; left out are: {words}"));
        }
        let there = ours_in(&path.join("cur"))?;
        self.directories.insert(folder.name.clone(), path.clone());
        let FolderToWrite { uid_validity, uid_next, .. } = *folder;
        self.folder = Some(Folder { path, uid_validity, uid_next, letters, there, listed: BTreeMap::new() });
        Ok(notes)
    }

    fn message(&mut self, message: &MessageToWrite) -> Result<bool, Trouble> {
        let folder = self.folder()?;
        let seconds = message.date.seconds();
        let (uid, octets) = (message.uid, message.octets);
        let base = format!("{}.U{uid}V{}{OURS}S={octets},W={octets}", seconds.max(0), folder.uid_validity);
        let flags = folder.flags(&message.flags);
        folder.listed.insert(uid, base.clone());
        if let Some(name) = folder.there.remove(&base) {
            let (old, new) =
                (folder.path.join("cur").join(name), folder.path.join("cur").join(base + &flags));
            fs::rename(&old, &new).map_err(|why| Trouble::file(&old, why))?;
            return Ok(false);
        }
        let temporary = folder.path.join("tmp").join(&base);
        let file = create(&temporary)?;
        let since = Duration::from_secs(seconds.unsigned_abs());
        let modified =
            if seconds < 0 { SystemTime::UNIX_EPOCH - since } else { SystemTime::UNIX_EPOCH + since };
        self.message = Some(Begun { file, temporary, uid, base, flags, modified });
        Ok(true)
    }

    fn octets(&mut self, octets: &[u8]) -> Result<(), Trouble> {
        let Some(begun) = &mut self.message else { return Ok(()) };
        begun.file.write_all(octets).map_err(|why| Trouble::file(&begun.temporary, why))
    }

    fn keep(&mut self) -> Result<(), Trouble> {
        let Some(begun) = self.message.take() else { return Ok(()) };
        let path = self.folder()?.path.join("cur").join(begun.base + &begun.flags);
        let kept = begun.file.set_modified(begun.modified).and_then(|()| fs::rename(&begun.temporary, &path));
        kept.map_err(|why| Trouble::file(&path, why))
    }

    fn forget(&mut self) -> Result<(), Trouble> {
        let Some(begun) = self.message.take() else { return Ok(()) };
        self.folder()?.listed.remove(&begun.uid);
        fs::remove_file(&begun.temporary).map_err(|why| Trouble::file(&begun.temporary, why))
    }

    fn end(&mut self) -> Result<(), Trouble> {
        let Some(folder) = self.folder.take() else { return Ok(()) };
        for name in folder.there.values() {
            let path = folder.path.join("cur").join(name);
            fs::remove_file(&path).map_err(|why| Trouble::file(&path, why))?;
        }
        let keywords: String =
            folder.letters.iter().enumerate().map(|(n, word)| format!("{n} {word}\n")).collect();
        replace(&folder.path.join("dovecot-keywords"), keywords.as_bytes())?;
        replace(&folder.path.join("dovecot-uidlist"), folder.uid_list().as_bytes())?;
        sync(&folder.path)
    }

    fn finish(&mut self, subscribed: &[String]) -> Result<(), Trouble> {
        let line = |name: &String| {
            let levels = match self.directories.get(name).and_then(|path| path.strip_prefix(&self.root).ok())
            {
                Some(path) if !path.as_os_str().is_empty() => path.to_string_lossy().into_owned(),
                _ if name == "INBOX" => ".INBOX".to_owned(),
                _ => file_name(name),
            };
            levels.trim_start_matches('.').replace('.', "\t") + "\n"
        };
        let lines: String = subscribed.iter().map(line).collect();
        replace(&self.root.join("subscriptions"), format!("V\t2\n\n{lines}").as_bytes())?;
        sync(&self.root)
    }
}

impl Folder {
    /// Behind the part of a file's name that stays: letters in order.
    fn flags(&self, flags: &[String]) -> String {
        let letter = |flag: &String| match flag.as_str() {
            "\\Draft" => Some('D'),
            "\\Flagged" => Some('F'),
            FORWARDED => Some('P'),
            "\\Answered" => Some('R'),
            "\\Seen" => Some('S'),
            "\\Deleted" => Some('T'),
            keyword => {
                ('a'..='z').zip(&self.letters).find(|(_, word)| *word == keyword).map(|(letter, _)| letter)
            }
        };
        let mut letters: Vec<char> = flags.iter().filter_map(letter).collect();
        letters.sort_unstable();
        format!(":2,{}", letters.into_iter().collect::<String>())
    }

    /// `dovecot-uidlist`, version 3.
    fn uid_list(&self) -> String {
        let seed = format!("{} {}", self.path.display(), self.uid_validity);
        let guid: String = blake3::hash(seed.as_bytes()).to_hex().chars().take(32).collect();
        let head = format!("3 V{} N{} G{guid}\n", self.uid_validity, self.uid_next);
        self.listed.iter().fold(head, |list, (uid, base)| list + &format!("{uid} :{base}\n"))
    }
}

/// Our files in a `cur`: the part of the name that stays, and the whole.
fn ours_in(cur: &Path) -> Result<HashMap<String, String>, Trouble> {
    let failed = |why| Trouble::file(cur, why);
    let mut ours = HashMap::new();
    for entry in fs::read_dir(cur).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if let Some((base, _)) = name.split_once(":2,").filter(|(base, _)| base.contains(OURS)) {
            ours.insert(base.to_owned(), name);
        }
    }
    Ok(ours)
}

/// Makes the directory ours, if it is not somebody else's.
pub(super) fn claim(root: &Path, account: &str) -> Result<(), Trouble> {
    let mark = root.join(MARK);
    match fs::read_to_string(&mark) {
        Ok(text) => return check_mark(&text, account).map_err(|why| Trouble::file(root, why)),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
        Err(why) => return Err(Trouble::file(&mark, why)),
    }
    make_directory(root)?;
    let names = fs::read_dir(root).map_err(|why| Trouble::file(root, why))?;
    if names.count() > 0 {
        return Err(Trouble::file(
            root,
            "it is not empty, and not an earlier export; take another directory",
        ));
    }
    replace(&mark, format!("{account}\n").as_bytes())
}

/// A mark is the account's name. Should an export ever lie there in another form, a second line says so.
fn check_mark(text: &str, account: &str) -> Result<(), String> {
    let mut lines = text.trim().lines();
    let whose = lines.next().unwrap_or_default().trim();
    if let Some(form) = lines.next() {
        return Err(format!(
            "it holds an export by a newer Gatepost ({form}); use that version or a later one, or take another directory"
        ));
    }
    if whose == account {
        Ok(())
    } else {
        Err(format!("it holds an export of {whose}; take another directory"))
    }
}

/// Makes a directory that only its owner can read; content when it is there.
pub(super) fn make_directory(path: &Path) -> Result<(), Trouble> {
    let made = DirBuilder::new().mode(0o700).recursive(true).create(path);
    made.map_err(|why| Trouble::file(path, why))
}

pub(super) fn create(path: &Path) -> Result<File, Trouble> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.map_err(|why| Trouble::file(path, why))
}

fn write_file(path: &Path, octets: &[u8]) -> Result<(), Trouble> {
    create(path)?.write_all(octets).map_err(|why| Trouble::file(path, why))
}

/// Writes a file that is there whole or as it was.
pub(super) fn replace(path: &Path, octets: &[u8]) -> Result<(), Trouble> {
    let temporary = path.with_extension("part");
    write_file(&temporary, octets)?;
    fs::rename(&temporary, path).map_err(|why| Trouble::file(path, why))
}

/// Makes all that was written durable: one sync instead of one for each message.
pub(super) fn sync(path: &Path) -> Result<(), Trouble> {
    let synced = File::open(path).and_then(|directory| Ok(rustix::fs::syncfs(&directory)?));
    synced.map_err(|why| Trouble::file(path, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_written_to_again_by_whoever_knows_its_form_for_the_same_account() {
        assert_eq!(check_mark("ann@example.org\n", "ann@example.org"), Ok(()));
        let others = check_mark("bob@example.org\n", "ann@example.org").unwrap_err();
        assert!(others.contains("an export of bob@example.org"), "{others}");
        let newer = check_mark("ann@example.org\nform 2\n", "ann@example.org").unwrap_err();
        assert!(newer.contains("newer Gatepost (form 2)"), "{newer}");
    }

    #[test]
    fn levels_are_parted_by_dots_and_names_are_modified_utf_7() {
        assert_eq!(file_name("Lists/Tides & Co"), ".Lists.Tides &- Co");
        assert_eq!(file_name("Entwürfe/v1.2"), ".Entw&APw-rfe.v1_2");
    }
}
