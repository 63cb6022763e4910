//! mbox: messages one behind the other, each led by a line that begins with `From `.
//!
//! A file, or a directory of them; Thunderbird's folders (`Lists` and, for those below it, `Lists.sbd`) too. What
//! mail programs write into a message's header to remember its state there (`Status`, `X-Mozilla-Status`, ...) is
//! read as flags and taken out: it is the file's, not the message's, and changes whenever somebody reads the message.

mod header;
mod reader;
mod tree;

use crate::local::{Found, Unreadable, open_regular, pour_all};
use crate::pour::Pour;
use crate::source::{Folder, Folders, Reader, Source};
use crate::trouble::Trouble;
use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

pub use reader::messages;

/// mbox files.
#[derive(Clone, Debug)]
pub struct Mbox {
    root: PathBuf,
    folders: Vec<(Folder, PathBuf)>,
}

impl Mbox {
    /// Opens it: one file, which is INBOX, or a directory of files, each a folder.
    ///
    /// # Errors
    /// No mbox is there, or it cannot be read.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        let folders = tree::find(root)?;
        if folders.is_empty() {
            let why = "no mbox is there: a file that begins with a line `From ...`, or a directory of such";
            return Err(Trouble::file(root, why));
        }
        Ok(Self { root: root.into(), folders })
    }

    /// Its folders.
    pub fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.folders.iter().map(|(folder, _)| folder)
    }

    /// The messages of a folder, in their order. One is in memory at a time.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn messages(
        &self,
        folder: &Folder,
    ) -> Result<impl Iterator<Item = Result<Found, Unreadable>> + use<>, Trouble> {
        let found = self.folders.iter().find(|(known, _)| known.at_source == folder.at_source);
        let (_, path) = found.ok_or_else(|| Trouble::file(&self.root, "there is no such folder"))?;
        let (file, fallback) = open(path)?;
        Ok(messages(file, fallback))
    }
}

/// A file, and the time at which it was written last: the date of messages that have none.
fn open(path: &Path) -> Result<(impl BufRead + use<>, i64), Trouble> {
    let file = open_regular(path).map_err(|why| Trouble::file(path, why))?;
    let modified = file.metadata().and_then(|about| about.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok());
    Ok((io::BufReader::with_capacity(256 << 10, file), seconds.unwrap_or_default()))
}

impl Source for Mbox {
    type Reader = Self;

    fn identity(&self) -> String {
        let path = fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        format!("mbox {}", path.display())
    }

    async fn folders(&self) -> Result<Folders, Trouble> {
        Ok(Folders { brought: Self::folders(self).cloned().collect(), left_out: Vec::new() })
    }

    async fn reader(&self) -> Result<Self, Trouble> {
        Ok(self.clone())
    }
}

impl Reader for Mbox {
    async fn read(&mut self, folder: &Folder, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        pour.open("files").await?;
        // Read twice, so that it is known how many there are: nothing else in the file says it.
        pour.has(self.messages(folder)?.count() as u64, 0);
        pour_all(self.messages(folder)?, pour).await
    }

    async fn end(self) {}
}
