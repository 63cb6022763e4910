//! Maildir, in both layouts: Maildir++ (`.Lists.Tides` beside `cur` is *Lists/Tides*), and a tree of directories.

mod listing;
mod tree;

use crate::MAX_MESSAGE_OCTETS;
use crate::letter::Marks;
use crate::local::{Found, Unreadable, open_regular, pour_all};
use crate::pour::Pour;
use crate::source::{Folder, Folders, Reader, Source};
use crate::trouble::Trouble;
use listing::{Listing, base};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use terms::InternalDate;

/// A Maildir and its folders.
#[derive(Clone, Debug)]
pub struct Maildir {
    root: PathBuf,
    folders: Vec<(Folder, PathBuf)>,
}

impl Maildir {
    /// Opens it: the one in which `cur` lies, or a directory of such.
    ///
    /// # Errors
    /// No Maildir is in it, or a directory cannot be listed.
    pub fn open(root: &Path) -> Result<Self, Trouble> {
        let folders = tree::find(root)?;
        if folders.is_empty() {
            return Err(Trouble::file(root, "there is no Maildir in it: no directory has a `cur`"));
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
    /// The folder cannot be listed.
    pub fn messages(
        &self,
        folder: &Folder,
    ) -> Result<impl ExactSizeIterator<Item = Result<Found, Unreadable>> + use<>, Trouble> {
        let found = self.folders.iter().find(|(known, _)| known.at_source == folder.at_source);
        let (_, path) = found.ok_or_else(|| Trouble::file(&self.root, "there is no such folder"))?;
        let Listing { files, keywords } = Listing::of(path)?;
        Ok(files.into_iter().map(move |file| read(&file, &keywords)))
    }
}

fn read(file: &Path, keywords: &[Option<String>]) -> Result<Found, Unreadable> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let failed = |why: String| Unreadable::message(name.clone(), why);
    let opened = open_regular(file).map_err(|why| failed(why.to_string()))?;
    let about = opened.metadata().map_err(|why| failed(why.to_string()))?;
    let mut octets = Vec::new();
    let read = opened.take(MAX_MESSAGE_OCTETS + 1).read_to_end(&mut octets);
    let read = read.map_err(|why| failed(why.to_string()))?;
    if read as u64 > MAX_MESSAGE_OCTETS {
        return Err(failed(format!("it has more than {MAX_MESSAGE_OCTETS} octets")));
    }
    let mut marks = marks(&name, keywords);
    marks.date = date(&name, &about);
    Ok(Found::new(base(&name).into(), marks, octets))
}

/// The flags behind `:2,` (or `;2,`, where a file system allows no colon): cr.yp.to/proto/maildir.html, and small
/// letters for the folder's own keywords. `P`, passed on, is `$Forwarded`.
fn marks(name: &str, keywords: &[Option<String>]) -> Marks {
    let info = name.rsplit_once([':', ';']).and_then(|(_, info)| info.strip_prefix("2,"));
    let mut marks = Marks::default();
    for letter in info.unwrap_or_default().chars() {
        match letter {
            'D' => marks.push("\\Draft"),
            'F' => marks.push("\\Flagged"),
            'P' => marks.push("$Forwarded"),
            'R' => marks.push("\\Answered"),
            'S' => marks.push("\\Seen"),
            'T' => marks.push("\\Deleted"),
            'a'..='z' => {
                let number = u32::from(letter) - u32::from('a');
                let keyword = usize::try_from(number).ok().and_then(|at| keywords.get(at)?.as_deref());
                marks.push(keyword.unwrap_or(&format!("{letter} (a letter without a keyword)")));
            }
            // Other letters are other programs' own affair.
            _ => {}
        }
    }
    marks
}

/// When it came: the file's time, which mail programs set to that. A file that was copied without its time is told by
/// its name, which begins with the second of delivery.
fn date(name: &str, about: &fs::Metadata) -> Option<InternalDate> {
    let modified = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok();
    let modified =
        modified.and_then(|since| i64::try_from(since.as_secs()).ok()).filter(|seconds| *seconds > 0);
    let named = || base(name).split('.').next().and_then(|digits| digits.parse().ok());
    InternalDate::new(modified.or_else(named)?, 0)
}

impl Source for Maildir {
    type Reader = Self;

    fn identity(&self) -> String {
        let path = fs::canonicalize(&self.root).unwrap_or_else(|_| self.root.clone());
        format!("maildir {}", path.display())
    }

    async fn folders(&self) -> Result<Folders, Trouble> {
        Ok(Folders { brought: Self::folders(self).cloned().collect(), left_out: Vec::new() })
    }

    async fn reader(&self) -> Result<Self, Trouble> {
        Ok(self.clone())
    }
}

impl Reader for Maildir {
    async fn read(&mut self, folder: &Folder, pour: &mut Pour<'_>) -> Result<(), Trouble> {
        pour.open("files").await?;
        let messages = self.messages(folder)?;
        pour.has(messages.len() as u64, 0);
        pour_all(messages, pour).await
    }

    async fn end(self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str) -> Vec<String> {
        marks(name, &[Some("Work".into()), None, Some("$label1".into())]).words()
    }

    #[test]
    fn the_name_of_a_file_tells_its_flags() {
        assert_eq!(words("1700000000.1.host:2,RS"), ["\\Answered", "\\Seen"]);
        assert_eq!(
            words("1700000000.1.host,S=12,W=13:2,DFTac"),
            ["\\Draft", "\\Flagged", "\\Deleted", "Work", "$label1"]
        );
        assert_eq!(words("1700000000.1.host;2,P"), ["$Forwarded"]);
        assert!(words("1700000000.1.host").is_empty());
        assert!(words("1700000000.1.host:1,S").is_empty());
        let unknown = marks("1:2,b", &[None]);
        assert_eq!(unknown.refused, ["b (a letter without a keyword)"]);
    }
}
