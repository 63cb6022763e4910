//! What an import has done: per folder, and all in all.

use crate::link::{Checked, Uids};
use serde::{Deserialize, Serialize};

/// Messages that a folder's report names; of further ones it tells the number.
pub const MAX_NAMED: usize = 200;
/// Characters of a name or a reason that a report keeps: some are the other server's words.
const MAX_TEXT: usize = 400;

/// What became of everything.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Where it came from.
    pub source: String,
    /// Whose it is now.
    pub account: String,
    /// Folder by folder, in the order of their names here.
    pub folders: Vec<FolderReport>,
    /// Folders that were left out, and why.
    pub left_out: Vec<Skipped>,
    /// Why the import ended before it was through with all folders.
    pub stopped: Option<String>,
    /// Whether all of it is here.
    pub verdict: Verdict,
}

/// Whether all of it is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every message of every folder that was to be brought is here, or was and has been removed here since.
    #[default]
    Complete,
    /// Some messages, or flags of theirs, were refused; the report says which and why. Everything else is here.
    SomeSkipped,
    /// A folder could not be read to its end, or what is here is not what is there. Run it again.
    Incomplete,
}

/// What became of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FolderReport {
    /// What it is called at the source.
    pub at_source: String,
    /// What it is called here.
    pub mailbox: String,
    /// Messages that the source says it has.
    pub messages: u64,
    /// Their octets, where the source says so without sending them.
    pub octets: u64,
    /// Messages that came in this run.
    pub imported: u64,
    /// Their octets.
    pub imported_octets: u64,
    /// Messages that were here before.
    pub already_here: u64,
    /// Of those, messages that have been removed here since they were brought; they stay removed.
    pub removed_here: u64,
    /// Messages whose flags had changed at the source, and are here as there now.
    pub flags_updated: u64,
    /// Messages whose flags had changed at both sides, and are as they were here.
    pub flags_kept: u64,
    /// Messages that are here, whose flags could not be made what they are at the source.
    pub flags_refused: u64,
    /// The first of them, and why.
    pub flags_refused_messages: Vec<Skipped>,
    /// Whether messages have the UIDs here that they have there.
    pub uids: Uids,
    /// Messages that have another one, although others keep theirs.
    pub other_uids: u64,
    /// Messages that did not come.
    pub skipped: u64,
    /// The first of them, and why.
    pub skipped_messages: Vec<Skipped>,
    /// What else is to be said: what was altered, and what was dropped.
    pub notes: Vec<String>,
    /// What was found when everything was looked at again; none for a folder that was not read to its end.
    pub check: Option<Checked>,
    /// Why it was not read to its end.
    pub failed: Option<String>,
}

/// Something that did not come, or not all of it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// A message, or a folder.
    pub what: String,
    /// Why.
    pub why: String,
}

impl FolderReport {
    pub(crate) fn skip(&mut self, what: &str, why: &str) {
        self.skipped += 1;
        name(&mut self.skipped_messages, what, why);
    }

    /// A message is here, and not all of its flags are.
    pub(crate) fn refuse_flags(&mut self, what: &str, why: &str) {
        self.flags_refused += 1;
        name(&mut self.flags_refused_messages, what, why);
    }

    pub(crate) fn note(&mut self, note: &str) {
        let note = short(note);
        if self.notes.len() < MAX_NAMED && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Whether the counts agree, and everything that came was read back as it came.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let here = self.imported + self.already_here;
        let is_whole = self.failed.is_none() && self.messages == here + self.skipped;
        let is_right = self.check.is_some_and(|check| check.wrong == 0);
        match (is_whole && is_right, self.skipped + self.flags_refused) {
            (false, _) => Verdict::Incomplete,
            (true, 0) => Verdict::Complete,
            (true, _) => Verdict::SomeSkipped,
        }
    }
}

impl Report {
    /// The worst of the folders' verdicts.
    pub(crate) fn judge(&mut self) {
        let verdicts: Vec<_> = self.folders.iter().map(FolderReport::verdict).collect();
        let worst =
            [Verdict::Incomplete, Verdict::SomeSkipped].into_iter().find(|bad| verdicts.contains(bad));
        let worst = if self.stopped.is_some() { Some(Verdict::Incomplete) } else { worst };
        self.verdict = worst.unwrap_or(Verdict::Complete);
    }
}

fn name(messages: &mut Vec<Skipped>, what: &str, why: &str) {
    if messages.len() < MAX_NAMED {
        messages.push(Skipped { what: short(what), why: short(why) });
    }
}

pub(crate) fn short(text: &str) -> String {
    let end = text.char_indices().nth(MAX_TEXT).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).map_or_else(|| text.to_owned(), |start| format!("{start}…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(messages: u64, imported: u64, skipped: u64, wrong: u64) -> FolderReport {
        let check = Some(Checked { read_back: imported, wrong, in_mailbox: imported });
        FolderReport { messages, imported, skipped, check, ..FolderReport::default() }
    }

    #[test]
    fn a_verdict_is_good_only_where_counts_and_octets_agree() {
        assert_eq!(folder(3, 3, 0, 0).verdict(), Verdict::Complete);
        assert_eq!(folder(3, 2, 1, 0).verdict(), Verdict::SomeSkipped);
        assert_eq!(folder(3, 2, 0, 0).verdict(), Verdict::Incomplete);
        assert_eq!(folder(3, 3, 0, 1).verdict(), Verdict::Incomplete);
        let failed = FolderReport { failed: Some("x".into()), ..folder(3, 3, 0, 0) };
        assert_eq!(failed.verdict(), Verdict::Incomplete);
        assert_eq!(FolderReport { check: None, ..folder(3, 3, 0, 0) }.verdict(), Verdict::Incomplete);
        assert_eq!(FolderReport { flags_refused: 1, ..folder(1, 1, 0, 0) }.verdict(), Verdict::SomeSkipped);
        let mut report =
            Report { folders: vec![folder(1, 1, 0, 0), folder(2, 1, 1, 0)], ..Report::default() };
        report.judge();
        assert_eq!(report.verdict, Verdict::SomeSkipped);
        report.stopped = Some("the disk is full".into());
        report.judge();
        assert_eq!(report.verdict, Verdict::Incomplete);
    }
}
