//! The files of one folder, in the order in which its server numbered them.

use crate::link::Numbering;
use crate::local::open_regular;
use crate::trouble::Trouble;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Most octets of `dovecot-uidlist` and `dovecot-keywords` that are read.
const MAX_LIST_OCTETS: u64 = 256 << 20;
/// What the keywords' letters mean.
const KEYWORDS: &str = "dovecot-keywords";
/// Keywords that have a letter.
const LETTERS: usize = 26;

/// A folder's files, and what its keywords' letters mean.
pub(super) struct Listing {
    /// Each with the UID that its server gave it.
    pub(super) files: Vec<(PathBuf, Option<u32>)>,
    /// By letter from `a`.
    pub(super) keywords: Vec<Option<String>>,
    pub(super) numbering: Option<Numbering>,
}

/// What `dovecot-uidlist` says.
#[derive(Default)]
struct UidList {
    numbering: Option<Numbering>,
    /// By the part of a file's name that stays.
    uids: HashMap<String, u32>,
}

impl Listing {
    pub(super) fn of(folder: &Path) -> Result<Self, Trouble> {
        let mut files = entries(&folder.join("cur"))?;
        if folder.join("new").is_dir() && !folder.join("new").is_symlink() {
            files.extend(entries(&folder.join("new"))?);
        }
        files.retain(|file| !file_name(file).starts_with('.'));
        let UidList { numbering, uids } = UidList::of(folder);
        let uid = |file: PathBuf| {
            let uid = uids.get(base(&file_name(&file))).copied();
            (file, uid)
        };
        let mut files: Vec<_> = files.into_iter().map(uid).collect();
        // Without a number of its own a file's name tells the time, which is its order.
        files.sort_by_cached_key(|(file, uid)| {
            let name = file_name(file);
            (uid.unwrap_or(u32::MAX), time(&name), name)
        });
        Ok(Self { files, keywords: keywords(lines(&folder.join(KEYWORDS))), numbering })
    }
}

/// What lies in a directory, in the order of the names.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let failed = |why| Trouble::file(folder, why);
    let entries = fs::read_dir(folder).map_err(failed)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The part of a file's name that stays when flags change.
pub(super) fn base(name: &str) -> &str {
    match name.rsplit_once([':', ';']) {
        Some((base, info)) if info.starts_with("2,") || info.starts_with("1,") => base,
        _ => name,
    }
}

fn time(name: &str) -> u64 {
    name.split('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX)
}

impl UidList {
    /// `dovecot-uidlist`, version 3 (and 1): a line is a UID, perhaps fields, and the file's name behind a colon.
    /// doc.dovecot.org, Maildir. What does not read is passed over.
    fn of(folder: &Path) -> Self {
        let uid = |line: String| {
            let (uid, rest) = line.split_once(' ')?;
            let name = rest.split_once(':').map_or(rest, |(_, name)| name);
            Some((base(name).to_owned(), uid.parse().ok()?))
        };
        let mut lines = lines(&folder.join("dovecot-uidlist"));
        let numbering = lines.next().and_then(|line| numbering(&line));
        Self { numbering, uids: lines.filter_map(uid).collect() }
    }
}

/// The first line: `3 V1173189136 N20221 G3085f01b7f11094c501100008c4a11c1`, or `1 1173189136 20221`.
fn numbering(line: &str) -> Option<Numbering> {
    let mut words = line.split(' ');
    let (uid_validity, uid_next) = match words.next()? {
        "3" => {
            let number = |letter| words.clone().find_map(|word| word.strip_prefix(letter));
            (number('V')?, number('N')?)
        }
        "1" => (words.next()?, words.next()?),
        _ => return None,
    };
    Some(Numbering { uid_validity: uid_validity.parse().ok()?, uid_next: uid_next.parse().ok()? })
}

/// The lines of `dovecot-keywords`: a number, which stands for a letter, and a keyword.
pub(super) fn keywords(lines: impl Iterator<Item = String>) -> Vec<Option<String>> {
    let mut keywords = vec![None; LETTERS];
    for line in lines {
        let Some((number, keyword)) = line.split_once(' ') else { continue };
        if let Some(slot) = number.parse::<usize>().ok().and_then(|number| keywords.get_mut(number)) {
            *slot = Some(keyword.to_owned());
        }
    }
    keywords
}

/// The lines of a file that may be missing; as many as read.
pub(super) fn lines(file: &Path) -> impl Iterator<Item = String> + use<> {
    let opened = open_regular(file).ok();
    opened.into_iter().flat_map(|file| lines_of(BufReader::new(file.take(MAX_LIST_OCTETS))))
}

/// Lines that are wanted as far as they read.
pub(super) fn lines_of(text: impl BufRead) -> impl Iterator<Item = String> {
    let line = |line: Vec<u8>| String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
    text.split(b'\n').map_while(Result::ok).map(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_uid_list_says_how_messages_are_numbered() {
        let read =
            |line: &str| numbering(line).map(|Numbering { uid_validity, uid_next }| (uid_validity, uid_next));
        assert_eq!(
            read("3 V1173189136 N20221 G3085f01b7f11094c501100008c4a11c1"),
            Some((1_173_189_136, 20_221))
        );
        assert_eq!(read("3 N7 V9 G0"), Some((9, 7)));
        assert_eq!(read("1 1173189136 20221"), Some((1_173_189_136, 20_221)));
        for bad in ["", "3", "3 V1", "3 V-1 N2", "3 V4294967296 N2", "2 1 1", "1 5"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
