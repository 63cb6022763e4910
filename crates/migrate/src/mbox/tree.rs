//! Finding mbox files.

use crate::local::{open_regular, told_apart};
use crate::names::fitting;
use crate::source::Folder;
use crate::trouble::Trouble;
use mailbox::account::SpecialUses;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How deep directories are looked into.
const MAX_DEPTH: usize = 64;

/// Every mbox below `root`, which may be one itself: INBOX then.
pub(super) fn find(root: &Path) -> Result<Vec<(Folder, PathBuf)>, Trouble> {
    // What is named may be a link; what lies below may not.
    let root = &fs::canonicalize(root).map_err(|why| Trouble::file(root, why))?;
    let about = fs::metadata(root).map_err(|why| Trouble::file(root, why))?;
    let mut found = Vec::new();
    if about.is_dir() {
        descend(root, &[], &mut found)?;
    } else if is_mbox(root)? {
        found.push((vec!["INBOX".to_owned()], root.to_owned()));
    }
    Ok(told_apart(found.into_iter().map(|(levels, path)| (folder(&levels), path)).collect()))
}

fn descend(folder: &Path, levels: &[String], found: &mut Vec<(Vec<String>, PathBuf)>) -> Result<(), Trouble> {
    let failed = |why| Trouble::file(folder, why);
    let entries = fs::read_dir(folder).map_err(failed)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || path.is_symlink() {
            continue;
        }
        // Thunderbird: what lies below the folder `Lists` is in `Lists.sbd`.
        let level = if path.is_dir() { name.strip_suffix(".sbd").unwrap_or(&name) } else { &name };
        let below: Vec<_> = levels.iter().cloned().chain([level.to_owned()]).collect();
        if path.is_dir() {
            if below.len() <= MAX_DEPTH {
                descend(&path, &below, found)?;
            }
        } else if is_mbox(&path)? {
            found.push((below, path));
        }
    }
    Ok(())
}

/// By its first octets; an empty file is an empty folder where Thunderbird has an index beside it.
fn is_mbox(path: &Path) -> Result<bool, Trouble> {
    let failed = |why| Trouble::file(path, why);
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Ok(false);
    }
    let mut first = Vec::new();
    open_regular(path).map_err(failed)?.take(5).read_to_end(&mut first).map_err(failed)?;
    let mut index = path.as_os_str().to_owned();
    index.push(".msf");
    Ok(first == b"From " || first.is_empty() && Path::new(&index).is_file())
}

fn folder(levels: &[String]) -> Folder {
    let (name, note) = fitting(levels);
    Folder { at_source: levels.join("/"), name, special_uses: SpecialUses::NONE, is_subscribed: true, note }
}
