//! mbox: messages one behind the other, each led by a line that begins with `From `.
//!
//! A file, or a directory of them; Thunderbird's folders (`Lists` and, for those below it, `Lists.sbd`) too. What
//! mail programs write into a message's header to remember its state there (`Status`, `X-Mozilla-Status`, ...) is
//! read as flags and taken out: it is the file's, not the message's, and changes whenever somebody reads the message.

mod header;
mod reader;
mod tree;

use crate::local::{Files, Layout, Messages, open_regular};
use crate::source::Folder;
use crate::trouble::Trouble;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

pub use reader::messages;

/// mbox files: one, which is INBOX, or a directory of files, each a folder.
pub type Mbox = Files<Mboxes>;

/// All messages of a folder are in one file.
#[derive(Clone, Copy, Debug)]
pub struct Mboxes;

impl Layout for Mboxes {
    const NAME: &'static str = "mbox";
    const NONE: &'static str =
        "no mbox is there: a file that begins with a line `From ...`, or a directory of such";

    fn find(root: &Path) -> Result<Vec<(Folder, PathBuf)>, Trouble> {
        tree::find(root)
    }

    /// It is read twice, so that it is known how many there are: nothing else in the file says it. What is added
    /// meanwhile is for the next run.
    fn messages(folder: &Path) -> Result<Messages, Trouble> {
        let (first, fallback, octets) = open(folder, u64::MAX)?;
        let count = messages(first.take(octets), fallback).count() as u64;
        let (second, ..) = open(folder, octets)?;
        Ok(Messages { count, numbering: None, all: Box::new(messages(second, fallback)) })
    }
}

/// The beginning of a file; the time at which it was written last, the date of messages that have none; its octets.
fn open(path: &Path, most: u64) -> Result<(impl BufRead + Send + use<>, i64, u64), Trouble> {
    let file = open_regular(path).map_err(|why| Trouble::file(path, why))?;
    let about = file.metadata().map_err(|why| Trouble::file(path, why))?;
    let since = about.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok());
    let reader = io::BufReader::with_capacity(256 << 10, file.take(most));
    Ok((reader, seconds.unwrap_or_default(), about.len()))
}
