//! Maildir, in both layouts: Maildir++ (`.Lists.Tides` beside `cur` is *Lists/Tides*), and a tree of directories.

mod listing;
mod tree;

use crate::MAX_MESSAGE_OCTETS;
use crate::letter::Marks;
use crate::local::{Files, Found, Layout, Messages, Unreadable, open_regular};
use crate::source::Folder;
use crate::trouble::Trouble;
use listing::{Listing, base};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use terms::InternalDate;

/// A Maildir and its folders: the one in which `cur` lies, or a directory of such.
pub type Maildir = Files<Directories>;

/// A message is a file in `cur` or `new`.
#[derive(Clone, Copy, Debug)]
pub struct Directories;

impl Layout for Directories {
    const NAME: &'static str = "maildir";
    const NONE: &'static str = "there is no Maildir in it: no directory has a `cur`";

    fn find(root: &Path) -> Result<Vec<(Folder, PathBuf)>, Trouble> {
        tree::find(root)
    }

    fn messages(folder: &Path) -> Result<Messages, Trouble> {
        let Listing { files, keywords, numbering } = Listing::of(folder)?;
        let count = files.len() as u64;
        let read = move |(file, uid): (PathBuf, Option<u32>)| {
            let mut found = read(&file, &keywords)?;
            found.marks.uid = uid;
            Ok(found)
        };
        Ok(Messages { count, numbering, all: Box::new(files.into_iter().map(read)) })
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

/// What a file's name says of its message, by the `dovecot-keywords` that lies in its folder.
#[must_use]
pub fn marks_of(name: &str, keywords: &[u8]) -> Marks {
    marks(name, &listing::keywords(listing::lines_of(keywords)))
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
