//! Finding the folders of a Maildir.

use super::listing::{entries, lines};
use crate::local::told_apart;
use crate::names::fitting;
use crate::source::Folder;
use crate::trouble::Trouble;
use mailbox::account::SpecialUses;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use wire::imap::mailbox_name::{NameForm, decode_text};

/// How deep directories are looked into.
const MAX_DEPTH: usize = 64;

/// Every folder below `root`, `root` itself being INBOX where it is one.
pub(super) fn find(root: &Path) -> Result<Vec<(Folder, PathBuf)>, Trouble> {
    let mut found = Vec::new();
    if root.join("cur").is_dir() {
        found.push((vec!["INBOX".to_owned()], root.to_owned()));
    }
    for folder in entries(root)? {
        let Some(name) = name_of(&folder) else { continue };
        match name.strip_prefix('.') {
            // Maildir++: the levels stand in one name.
            Some(levels) if is_maildir(&folder) && !levels.is_empty() => {
                found.push((levels.split('.').map(plain).collect(), folder));
            }
            Some(_) => {}
            None => descend(&folder, vec![plain(&name)], &mut found)?,
        }
    }
    let subscribed = subscriptions(root);
    let folders = found.into_iter().map(|(levels, path)| (folder(&levels, subscribed.as_ref()), path));
    Ok(told_apart(folders.collect()))
}

/// LAYOUT=fs: a level is a directory. `dbox-Mails` and the like have no `cur` and hold none of ours.
fn descend(
    folder: &Path,
    levels: Vec<String>,
    found: &mut Vec<(Vec<String>, PathBuf)>,
) -> Result<(), Trouble> {
    // What a link leads to is brought where it lies, if it does.
    if !folder.is_dir() || folder.is_symlink() || levels.len() > MAX_DEPTH {
        return Ok(());
    }
    if is_maildir(folder) {
        found.push((levels.clone(), folder.to_owned()));
    }
    for below in entries(folder)? {
        let Some(name) = name_of(&below) else { continue };
        if !["cur", "new", "tmp"].contains(&name.as_str()) && !name.starts_with('.') {
            let levels = levels.iter().cloned().chain([plain(&name)]).collect();
            descend(&below, levels, found)?;
        }
    }
    Ok(())
}

/// Links are not followed, for an import may run as root: see [`crate::local::open_regular`].
fn is_maildir(folder: &Path) -> bool {
    let cur = folder.join("cur");
    !folder.is_symlink() && cur.is_dir() && !cur.is_symlink()
}

fn name_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    (!["cur", "new", "tmp"].contains(&name.as_str())).then_some(name)
}

/// Servers write names as IMAP does; what is not modified UTF-7 is taken as it stands.
fn plain(level: &str) -> String {
    decode_text(level.as_bytes(), NameForm::Utf7).unwrap_or_else(|_| level.to_owned())
}

fn folder(levels: &[String], subscribed: Option<&HashSet<String>>) -> Folder {
    let at_source = levels.join("/");
    let (name, note) = fitting(levels);
    let is_subscribed = name.is_inbox() || subscribed.is_none_or(|names| names.contains(&at_source));
    Folder { at_source, name, special_uses: SpecialUses::NONE, is_subscribed, note }
}

/// The `subscriptions` file of Dovecot (a first line `V 2` says that levels are parted by tabs), or Courier's
/// `courierimapsubscribed`; `None` where there is neither, which is to say nothing.
fn subscriptions(root: &Path) -> Option<HashSet<String>> {
    let files = ["subscriptions", "courierimapsubscribed"].map(|name| root.join(name));
    let file = files.into_iter().find(|file| file.is_file())?;
    let mut names = lines(&file).filter(|line| !line.is_empty()).peekable();
    let is_second = names.next_if(|line| line.starts_with("V\t2")).is_some();
    let split =
        |line: &str, separators: &[char]| line.split(separators).map(plain).collect::<Vec<_>>().join("/");
    let both = |line: String| {
        let line = line.strip_prefix("INBOX.").unwrap_or(&line);
        let separators: &[char] = if is_second { &['\t'] } else { &['.', '/'] };
        // A dot parts levels in Maildir++, and is a dot in a tree.
        [split(line, separators), split(line, &['\t', '/'])]
    };
    Some(names.flat_map(both).collect())
}
