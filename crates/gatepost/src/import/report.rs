//! What an import prints at its end.

use crate::account::table;
use crate::say::say;
use anyhow::Result;
use migrate::{FolderReport, Report, Uids, Verdict};

/// Prints it, as JSON or for people.
pub(crate) fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        say!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    let head = ["folder", "at source", "imported", "already here", "skipped", ""].map(String::from);
    table(std::iter::once(head.to_vec()).chain(report.folders.iter().map(row)));
    report.folders.iter().for_each(remarks);
    for left in &report.left_out {
        say!("{} was left out: {}", visible(&left.what), visible(&left.why));
    }
    if let Some(why) = &report.stopped {
        say!("The import stopped: {}", visible(why));
    }
    let mut numbered = report.folders.iter().filter(|folder| folder.uids != Uids::None).peekable();
    if numbered.peek().is_some() && numbered.all(|folder| folder.uids == Uids::Kept && folder.other_uids == 0)
    {
        say!(
            "UIDVALIDITY and UIDs are as they are at the source: mail programs that know them load nothing again."
        );
    }
    let imported: u64 = report.folders.iter().map(|folder| folder.imported).sum();
    let read_back: u64 = report.folders.iter().filter_map(|folder| folder.check).map(|c| c.read_back).sum();
    say!(
        "{imported} messages imported; {read_back} of them read back from the store, octet by octet as they were read."
    );
    Ok(())
}

fn row(folder: &FolderReport) -> Vec<String> {
    let verdict = match folder.verdict() {
        Verdict::Complete => "complete",
        Verdict::SomeSkipped => "some skipped",
        Verdict::Incomplete => "INCOMPLETE",
    };
    let numbers = [folder.messages, folder.imported, folder.already_here, folder.skipped];
    let numbers = numbers.iter().map(ToString::to_string);
    std::iter::once(visible(&folder.mailbox)).chain(numbers).chain([verdict.into()]).collect()
}

fn remarks(folder: &FolderReport) {
    let name = visible(&folder.mailbox);
    if folder.mailbox != folder.at_source {
        say!("{name}: it is {} at the source", visible(&folder.at_source));
    }
    for (count, what) in [
        (folder.removed_here, "were removed here since they were brought, and stay removed"),
        (folder.flags_updated, "have the flags now that they have at the source"),
        (folder.flags_kept, "have other flags at the source, and were changed here too: they stay (--flags)"),
    ] {
        if count > 0 {
            say!("{name}: {count} messages {what}");
        }
    }
    match &folder.uids {
        Uids::New(why) => say!("{name}: mail programs load it again, for its UIDs are new: {}", visible(why)),
        Uids::Kept if folder.other_uids > 0 => say!(
            "{name}: {} messages have other UIDs than at the source, which came too late for theirs: mail programs \
             that know this mailbox from there should load it again",
            folder.other_uids
        ),
        Uids::Kept | Uids::None => {}
    }
    folder.notes.iter().for_each(|note| say!("{name}: {}", visible(note)));
    for (count, named, what, more_of_it) in [
        (folder.skipped, &folder.skipped_messages, "was skipped", "were skipped"),
        (
            folder.flags_refused,
            &folder.flags_refused_messages,
            "is here, but not all of its flags are",
            "are here, but not all of their flags are",
        ),
    ] {
        for one in named {
            say!("{name}: {} {what}: {}", visible(&one.what), visible(&one.why));
        }
        let more = count.saturating_sub(named.len() as u64);
        if more > 0 {
            say!("{name}: {more} more {more_of_it}");
        }
    }
    if let Some(check) = folder.check.filter(|check| check.wrong > 0) {
        say!("{name}: {} messages are NOT stored as they were read", check.wrong);
    }
    if let Some(why) = &folder.failed {
        say!("{name}: not read to its end: {}", visible(why));
    }
}

/// Another server's words, without what a terminal would obey.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
