//! Maildir, with Maildir++ folders: `.Lists.Tides` beside `cur` is the folder *Lists/Tides*.

use super::{ImportError, MAX_MESSAGE_OCTETS, Messages, Why, modified};
use crate::calendar::at;
use crate::{DemoMessage, with_crlf};
use std::path::{Path, PathBuf};
use std::{fs, io};
use terms::{Flag, MailboxName};
use wire::imap::mailbox_name::{NameForm, decode_text};

/// Opens a Maildir. The folder itself is INBOX. Names of files are kept in memory, their contents are not.
///
/// # Errors
/// When there is no `cur` in it, or a folder cannot be listed.
pub fn maildir(path: &Path) -> Result<Messages, ImportError> {
    if !path.join("cur").is_dir() {
        return Err(ImportError { path: path.into(), why: Why::NoMaildir });
    }
    let mut files = list(path, &MailboxName::inbox())?;
    for folder in entries(path)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = name.strip_prefix('.').filter(|_| folder.join("cur").is_dir()) else {
            continue;
        };
        // Maildir++ writes names as IMAP does; what is not modified UTF-7 is taken as it stands.
        let name = name.replace('.', "/");
        let name = decode_text(name.as_bytes(), NameForm::Utf7).unwrap_or(name);
        let name = MailboxName::new(&name)
            .map_err(|why| ImportError { path: folder.clone(), why: Why::BadName(why) })?;
        files.extend(list(&folder, &name)?);
    }
    Ok(Box::new(files.into_iter().map(|(mailbox, file)| read(mailbox, &file))))
}

/// The messages of one folder, in the order of their names, which begin with the time (cr.yp.to/proto/maildir.html).
fn list(folder: &Path, mailbox: &MailboxName) -> Result<Vec<(MailboxName, PathBuf)>, ImportError> {
    let mut files = entries(&folder.join("cur"))?;
    if folder.join("new").is_dir() {
        files.extend(entries(&folder.join("new"))?);
    }
    files.retain(|file| !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(files.into_iter().map(|file| (mailbox.clone(), file)).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let failed = |error| ImportError::io(folder, error);
    let mut paths = fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn read(mailbox: MailboxName, file: &Path) -> Result<DemoMessage, ImportError> {
    let failed = |error| ImportError::io(file, error);
    let about = fs::metadata(file).map_err(failed)?;
    if about.len() > MAX_MESSAGE_OCTETS {
        return Err(ImportError { path: file.into(), why: Why::TooLarge(1) });
    }
    let bytes = with_crlf(&fs::read(file).map_err(failed)?);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(DemoMessage { mailbox, flags: flags(&name), date: at(modified(&about), 0), bytes })
}

/// The flags behind `:2,` (or `;2,`, where a file system allows no colon). `P`, passed on, is `$Forwarded`.
fn flags(name: &str) -> Vec<Flag> {
    let info = name.rsplit_once([':', ';']).and_then(|(_, info)| info.strip_prefix("2,"));
    info.unwrap_or_default().chars().filter_map(flag).collect()
}

fn flag(letter: char) -> Option<Flag> {
    match letter {
        'D' => Some(Flag::Draft),
        'F' => Some(Flag::Flagged),
        'P' => Some(crate::room::keyword("$Forwarded")),
        'R' => Some(Flag::Answered),
        'S' => Some(Flag::Seen),
        'T' => Some(Flag::Deleted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_flags() {
        assert_eq!(flags("1700000000.1.host:2,RS"), [Flag::Answered, Flag::Seen]);
        assert_eq!(flags("1700000000.1.host;2,FTD"), [Flag::Flagged, Flag::Deleted, Flag::Draft]);
        assert!(flags("1700000000.1.host").is_empty());
        assert!(flags("1700000000.1.host:1,S").is_empty());
    }
}
