//! Mail in files: what Maildir and mbox share. Messages are read whole, one at a time, and known by their octets.

use crate::crlf::with_crlf;
use crate::letter::Marks;
use crate::link::{Key, Known, Numbering};
use crate::pour::Pour;
use crate::source::{Folder, Folders, Reader, Source};
use crate::trouble::Trouble;
use bytes::Bytes;
use rustix::fs::OFlags;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Octets and messages that are in memory at once.
const MAX_HELD_OCTETS: usize = 4 << 20;
const MAX_HELD: usize = 128;

/// A message from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is called in a report.
    pub what: String,
    /// What was said of it.
    pub marks: Marks,
    /// Header and body; lines end in CRLF.
    pub octets: Bytes,
    /// Whether lines ended otherwise in the file.
    pub line_ends: LineEnds,
}

/// Whether line ends had to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// All were CRLF.
    AsTheyWere,
    /// Some were a lone LF.
    Changed,
}

/// A message that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What it is called in a report.
    pub what: String,
    /// Why.
    pub why: String,
    /// What cannot be read with it.
    pub extent: Extent,
}

/// How much cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One message; there may be others behind it.
    Message,
    /// Nobody knows how many.
    Rest,
}

impl Unreadable {
    pub(crate) const fn message(what: String, why: String) -> Self {
        Self { what, why, extent: Extent::Message }
    }
}

impl Found {
    pub(crate) fn new(what: String, marks: Marks, octets: Vec<u8>) -> Self {
        match with_crlf(&octets) {
            None => Self { what, marks, octets: octets.into(), line_ends: LineEnds::AsTheyWere },
            Some(octets) => Self { what, marks, octets: octets.into(), line_ends: LineEnds::Changed },
        }
    }
}

/// Opens a file whose name somebody else chose. An import may run as root on what belongs to a user, so a link, which
/// could lead to what is not theirs, is not followed, and a pipe, which could hold us up, is not waited for.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"))
    }
}

/// How messages lie in files.
pub trait Layout: Clone + Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// Said of a place where there is none.
    const NONE: &'static str;

    /// Every folder below a directory.
    ///
    /// # Errors
    /// A directory cannot be listed.
    fn find(root: &Path) -> Result<Vec<(Folder, PathBuf)>, Trouble>;

    /// The messages of a folder.
    ///
    /// # Errors
    /// It cannot be opened.
    fn messages(folder: &Path) -> Result<Messages, Trouble>;
}

/// The messages of a folder, in their order. One is in memory at a time.
pub struct Messages {
    /// How many there are.
    pub count: u64,
    /// How they are numbered, where they are.
    pub numbering: Option<Numbering>,
    /// They themselves.
    pub all: Box<dyn Iterator<Item = Result<Found, Unreadable>> + Send>,
}

/// Folders of files.
#[derive(Clone, Debug)]
pub struct Files<L> {
    root: PathBuf,
    folders: Vec<(Folder, PathBuf)>,
    layout: PhantomData<L>,
}

impl<L: Layout> Files<L> {
    /// Opens what lies at `root`.
    ///
    /// # Errors
    /// Nothing of this layout lies there, or it cannot be read.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        let folders = L::find(root)?;
        if folders.is_empty() {
            return Err(Trouble::file(root, L::NONE));
        }
        Ok(Self { root: root.into(), folders, layout: PhantomData })
    }

    /// Its folders.
    pub fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.folders.iter().map(|(folder, _)| folder)
    }

    /// The messages of a folder.
    ///
    /// # Errors
    /// The folder cannot be opened.
    pub fn messages(&self, folder: &Folder) -> Result<Messages, Trouble> {
        let found = self.folders.iter().find(|(known, _)| known.at_source == folder.at_source);
        let (_, path) = found.ok_or_else(|| Trouble::file(&self.root, "there is no such folder"))?;
        L::messages(path)
    }
}

impl<L: Layout> Source for Files<L> {
    type Reader = Self;

    fn identity(&self) -> String {
        let path = fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        format!("{} {}", L::NAME, path.display())
    }

    async fn folders(&self) -> Result<Folders, Trouble> {
        Ok(Folders { brought: Self::folders(self).cloned().collect(), left_out: Vec::new() })
    }

    async fn reader(&self) -> Result<Self, Trouble> {
        Ok(self.clone())
    }
}

impl<L: Layout> Reader for Files<L> {
    async fn read(&mut self, folder: &Folder, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        let Messages { count, numbering, all } = self.messages(folder)?;
        pour.open("files", numbering).await?;
        pour.has(count, 0);
        pour_all(all, pour).await
    }

    async fn end(self) {}
}

/// Folders are known by what the source calls them. Where two are called the same (a Maildir++ folder and a directory,
/// or names that are no UTF-8), the later one is called by its path too.
pub(crate) fn told_apart(mut folders: Vec<(Folder, PathBuf)>) -> Vec<(Folder, PathBuf)> {
    let mut names = HashSet::new();
    for (folder, path) in &mut folders {
        if !names.insert(folder.at_source.clone()) {
            folder.at_source = format!("{} ({})", folder.at_source, path.display());
            names.insert(folder.at_source.clone());
        }
    }
    folders
}

/// Pours out messages: asks about some, then brings those that are not here.
async fn pour_all(
    messages: impl Iterator<Item = Result<Found, Unreadable>> + Send,
    pour: &mut Pour<'_>,
) -> Result<(), Trouble> {
    let mut pouring = Local { seen: HashMap::new(), held: Vec::new(), octets: 0, changed: 0 };
    for message in messages {
        match message {
            Ok(found) => pouring.hold(found, pour).await?,
            Err(Unreadable { what, why, extent: Extent::Message }) => pour.skip(what, why),
            Err(Unreadable { what, why, extent: Extent::Rest }) => {
                pouring.bring(pour).await?;
                return Err(Trouble::Source(format!("{what} cannot be read: {why}")));
            }
        }
    }
    pouring.bring(pour).await?;
    if pouring.changed > 0 {
        pour.note(format!("in {} messages lines ended in LF alone; they end in CRLF now", pouring.changed));
    }
    Ok(())
}

struct Local {
    /// How many messages with the same octets there have been.
    seen: HashMap<[u8; 16], u32>,
    held: Vec<(Key, Found)>,
    octets: usize,
    changed: u64,
}

impl Local {
    async fn hold(&mut self, found: Found, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        let name = *blake3::hash(&found.octets).as_bytes();
        let seen = self.seen.entry(name.first_chunk().copied().unwrap_or_default()).or_default();
        let key = Key::of_octets(name, *seen);
        *seen = seen.saturating_add(1);
        self.octets += found.octets.len();
        self.held.push((key, found));
        if self.held.len() >= MAX_HELD || self.octets >= MAX_HELD_OCTETS {
            self.bring(pour).await
        } else {
            Ok(())
        }
    }

    async fn bring(&mut self, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        let held = std::mem::take(&mut self.held);
        self.octets = 0;
        let known = |(key, found): &(Key, Found)| Known {
            key: *key,
            flags: found.marks.words(),
            uid: found.marks.uid,
        };
        let named = |place: usize| held.get(place).map(|(_, found)| found.what.clone()).unwrap_or_default();
        let unknown = pour.unknown(held.iter().map(known).collect(), named).await?;
        for (key, found) in unknown.into_iter().filter_map(|place| held.get(place)) {
            self.changed += u64::from(found.line_ends == LineEnds::Changed);
            found.marks.remarks(&found.what).for_each(|remark| pour.note(remark));
            pour.message(&found.octets, (*key, &found.marks), found.what.clone()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{FlagsPolicy, Link};
    use crate::pour::{Stream, Watcher};
    use crate::report::{FolderReport, Verdict};
    use mailbox::account::SpecialUses;
    use terms::MailboxName;

    struct Nobody;

    impl Watcher for Nobody {
        fn begins(&self, _: &str, _: u64) {}
        fn moves(&self, _: &str, _: u64) {}
        fn ends(&self, _: &str) {}
    }

    async fn poured(messages: Vec<Result<Found, Unreadable>>) -> (Result<(), Trouble>, FolderReport) {
        let (near, _far) = tokio::io::duplex(1 << 10);
        let mut link = Link::new(Box::new(near) as Box<dyn Stream>);
        let mut report = FolderReport::default();
        let folder = Folder {
            at_source: "mail".into(),
            name: MailboxName::inbox(),
            special_uses: SpecialUses::NONE,
            is_subscribed: true,
            note: None,
        };
        let policy = (FlagsPolicy::KeepChanges, "mbox mail");
        let mut pour = Pour::new(&mut link, &Nobody, policy, &folder, &mut report);
        let poured = pour_all(messages.into_iter(), &mut pour).await;
        (poured, report)
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_read_is_skipped_and_a_file_that_cannot_is_not_done_with() {
        let one = Unreadable::message("message 1".into(), "it is too large".into());
        let rest = Unreadable { extent: Extent::Rest, ..one.clone() };
        let (poured_one, report) = poured(vec![Err(one.clone())]).await;
        assert!(poured_one.is_ok());
        assert_eq!(report.skipped, 1);
        let (poured_rest, report) = poured(vec![Err(rest), Err(one)]).await;
        let why = poured_rest.unwrap_err();
        assert!(matches!(why, Trouble::Source(_)), "{why:?}");
        assert_eq!(report.skipped, 0);
        let failed = FolderReport { failed: Some(why.to_string()), ..report };
        assert_eq!(failed.verdict(), Verdict::Incomplete);
    }
}
