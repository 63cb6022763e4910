//! Accounts from a passwd-file: Dovecot's, or just names and hashes.
//!
//! A line is `name:hash` or `name:hash:uid:gid:gecos:home:shell:extra`, of which the name, the hash and `nologin` among the
//! extra fields count here; or one of `/etc/shadow` (shadow(5)), of which the name, the hash and the end of the account do, and
//! the ages of a password do not: those who let a password grow old may still read their mail. Blank lines, and those that begin with `#`, are none. The file is read again when it has changed,
//! and then all of it or nothing: a file with a bad line leaves what was known as it was, and says which line it is.
//!
//! **Who somebody is** the file does not say but by their name, so the name is the [`Subject`]: whoever is renamed in the file
//! is somebody else, with an account of their own, and whoever gets the name of one that has gone gets that one's mail.
//! Take the account away first, or give no name twice.
//!
//! > **Promises.** A hash is passed on and never judged, printed or logged here. Nobody gets in whose hash is empty, or marked
//! > as locked. What a field of Dovecot's would forbid, and this does not know, is an error and not passed over.

mod parse;
mod stamp;

pub use parse::{BadLine, Day, Fault, Line, MAX_FILE_OCTETS, MAX_LINE_OCTETS, MAX_LINES_TOLD, count, lines};

use directory::{
    Ability, Answer, Asked, Directory, DirectoryName, Found, Password, Standing, Stored, Subject, Token,
    Trouble, Version,
};
use parse::{Person, Table};
use stamp::Stamp;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::SystemTime;
use terms::Login;

/// A passwd-file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// What the directory is called.
    pub name: DirectoryName,
    /// The file. Only the server should be able to read it, and somebody else to write it.
    pub path: PathBuf,
}

/// What became of a file that changed.
#[derive(Debug)]
pub enum Reread {
    /// So many are in it, and they are known from now on.
    Taken(usize),
    /// It cannot be used; what was known stays.
    Kept(BadFile),
}

/// Whoever wants to know what became of the file, for the log.
pub type Tell = Box<dyn Fn(Reread) + Send + Sync>;

/// Whoever knows what time it is: an account may end.
pub type Clock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// A directory over a passwd-file.
pub struct FileDirectory {
    name: DirectoryName,
    kept: Arc<Kept>,
    clock: Clock,
}

/// What is known, and of which state of the file.
struct Kept {
    path: PathBuf,
    table: RwLock<Arc<Table>>,
    /// Held while the file is looked at.
    seen: Mutex<Seen>,
    tell: Tell,
}

/// What is known of the file.
#[derive(Debug)]
struct Seen {
    /// How it looked when it was last read, whatever came of it. Where it cannot be read this stays, and it is tried at each
    /// question: that may be over without anybody's touching the file (a limit of ours, a disk).
    read: Stamp,
    /// Why it could not be read at the last look, as it was told.
    trouble: Option<Box<str>>,
}

impl FileDirectory {
    /// Reads the file. It reads it again, in the course of a question, when it has changed, and then tells what came of it.
    ///
    /// # Errors
    /// The file cannot be read or used, in words for the admin.
    pub fn open(config: FileConfig, clock: Clock, tell: Tell) -> Result<Self, BadFile> {
        let Read { stamp, table } = read(&config.path)?;
        let kept = Kept {
            path: config.path,
            table: RwLock::new(Arc::new(table?)),
            seen: Mutex::new(Seen { read: stamp, trouble: None }),
            tell,
        };
        Ok(Self { name: config.name, kept: Arc::new(kept), clock })
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.table().len()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks whether the file has changed, and takes in what is sound. Cheap when nothing has: a `stat`.
    pub fn look_again(&self) {
        self.kept.look_again();
    }

    async fn look_up(&self, login: &Login) -> Answer<Found> {
        let kept = Arc::clone(&self.kept);
        // Files are read where nobody waits for a socket.
        let looked = tokio::task::spawn_blocking(move || {
            kept.look_again();
            kept.table()
        });
        match looked.await {
            Ok(table) => found(login, table.get(login), self.today()),
            Err(why) => Answer::Unavailable(Trouble::new(why)),
        }
    }

    fn today(&self) -> Day {
        let since = (self.clock)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Day(since.as_secs() / SECONDS_OF_A_DAY)
    }
}

const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;

fn found(login: &Login, person: Option<&Person>, today: Day) -> Answer<Found> {
    let Some((person, subject)) = person.zip(Subject::new(login.as_str()).ok()) else {
        return Answer::NoSuch;
    };
    let version = Version::new(blake3::hash(person.hash.as_bytes()).as_bytes());
    let standing = if person.may_sign_in(today) { Standing::Enabled } else { Standing::Disabled };
    let stored = Stored::Hash(person.hash.clone());
    Answer::Yes(Found {
        subject,
        login: login.clone(),
        also: [].into(),
        standing,
        stored,
        version: Some(version),
    })
}

impl Kept {
    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn look_again(&self) {
        self.look_again_by(read);
    }

    /// Whoever comes while it is being read goes by what is known so far.
    fn look_again_by(&self, read: impl FnOnce(&Path) -> Result<Read, BadFile>) {
        let mut seen = match self.seen.try_lock() {
            Ok(seen) => seen,
            Err(TryLockError::Poisoned(seen)) => seen.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if Stamp::of(&self.path) == Some(seen.read) {
            seen.trouble = None;
            return;
        }
        let reread = match read(&self.path) {
            Ok(read) => {
                *seen = Seen { read: read.stamp, trouble: None };
                Some(self.take(read.table))
            }
            Err(why) => {
                let trouble = Some(why.to_string().into_boxed_str());
                let is_known = seen.trouble == trouble;
                seen.trouble = trouble;
                (!is_known).then_some(Reread::Kept(why))
            }
        };
        drop(seen);
        reread.into_iter().for_each(&self.tell);
    }

    fn take(&self, table: Result<Table, BadFile>) -> Reread {
        match table {
            Ok(table) => {
                let count = table.len();
                *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
                Reread::Taken(count)
            }
            Err(why) => Reread::Kept(why),
        }
    }
}

/// A file that could be read.
struct Read {
    /// How it looked before its first octet was read: whatever is written meanwhile makes it look otherwise. Of the file that
    /// was read, which may be a newer one than whoever reads it has seen.
    stamp: Stamp,
    table: Result<Table, BadFile>,
}

fn read(path: &Path) -> Result<Read, BadFile> {
    let bad = |why| BadFile { path: path.into(), why };
    let unreadable = |why: io::Error| bad(Why::Unreadable(why));
    // To open a pipe would be to wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is not a file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mut octets = Vec::new();
    file.take(MAX_FILE_OCTETS + 1).read_to_end(&mut octets).map_err(unreadable)?;
    let table = if octets.len() as u64 > MAX_FILE_OCTETS {
        Err(bad(Why::TooLarge))
    } else {
        parse::table(&octets).map_err(|lines| bad(Why::Lines(lines)))
    };
    Ok(Read { stamp: Stamp::from(&metadata), table })
}

impl Directory for FileDirectory {
    fn name(&self) -> &DirectoryName {
        &self.name
    }

    fn can(&self, ability: Ability) -> bool {
        ability == Ability::Passwords
    }

    fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found> {
        Box::pin(self.look_up(login))
    }

    /// Nobody is found here with a password that is known elsewhere.
    fn check<'a>(&'a self, _: &'a Found, _: Password<'a>) -> Asked<'a, ()> {
        Box::pin(std::future::ready(Answer::Wrong))
    }

    fn bearer<'a>(&'a self, _: Token<'a>) -> Asked<'a, Found> {
        Box::pin(std::future::ready(Answer::NoSuch))
    }
}

impl fmt::Debug for FileDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileDirectory").field(&self.name).finish()
    }
}

/// A file that cannot be used.
#[derive(Debug)]
pub struct BadFile {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Unreadable(io::Error),
    TooLarge,
    Lines(Vec<BadLine>),
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Unreadable(why) => write!(f, "{path}: {why}"),
            Why::TooLarge => write!(f, "{path}: it has more than {MAX_FILE_OCTETS} octets"),
            Why::Lines(lines) => {
                write!(f, "{path}: ")?;
                lines.iter().enumerate().try_for_each(|(i, line)| {
                    let between = if i == 0 { "" } else { "; " };
                    write!(f, "{between}{line}")
                })
            }
        }
    }
}

impl std::error::Error for BadFile {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_could_not_be_read_is_read_at_the_next_look_though_nobody_touched_it() {
        let path = std::env::temp_dir().join(format!("gatepost-passwd-unread-{}", std::process::id()));
        std::fs::write(&path, "ann:x\nbob:x\n").unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let tell = move |reread| {
            log.lock().unwrap().push(match reread {
                Reread::Taken(count) => format!("taken: {count}"),
                Reread::Kept(why) => why.to_string(),
            });
        };
        let config = FileConfig { name: DirectoryName::new("file").unwrap(), path: path.clone() };
        let directory = FileDirectory::open(config, Box::new(SystemTime::now), Box::new(tell)).unwrap();
        std::fs::write(&path, "ann:x\n").unwrap();
        let busy = || Why::Unreadable(io::Error::other("Too many open files"));
        for _ in 0..3 {
            directory.kept.look_again_by(|path| Err(BadFile { path: path.into(), why: busy() }));
            assert_eq!(directory.len(), 2);
        }
        directory.look_again();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(directory.len(), 1, "bob's line has gone");
        let once = format!("{}: Too many open files", path.display());
        assert_eq!(*told.lock().unwrap(), [once, "taken: 1".to_owned()]);
    }
}
