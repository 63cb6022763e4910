//! `gatepost export`: has mail given by the running server if there is one, else by this process, and writes it here.

use crate::account::{Style, table};
use crate::cli::{Export, ExportForm};
use crate::config;
use crate::counterpart::Counterpart;
use crate::desk::Transport;
use crate::import::progress::Progress;
use crate::import::report::visible;
use crate::say::say;
use anyhow::{Result, bail};
use migrate::Filers;
use migrate::export::{ExportReport, ExportedFolder, MaildirShelf, MboxShelf, take};

/// Exports, prints what was written, and fails where not all of it was.
pub(crate) async fn run(export: Export) -> Result<()> {
    let settings = config::read(&export.config.config)?;
    let counterpart = Counterpart::open(&settings, Transport::Export(export.account.clone())).await?;
    let progress = Progress::new(Style::of(export.json));
    let taken = write(&export, &counterpart, &progress).await;
    progress.clear();
    counterpart.close().await?;
    let report = taken?;
    if export.json {
        say!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    match report.folders.iter().all(ExportedFolder::is_complete) {
        true => Ok(()),
        false => bail!("not everything was written; the report says what is missing, and why"),
    }
}

async fn write(export: &Export, counterpart: &Counterpart, progress: &Progress) -> Result<ExportReport> {
    let (account, only) = (export.account.as_str(), &export.folder);
    let stream = counterpart.connect().await?;
    Ok(match export.form {
        ExportForm::Maildir => {
            let mut shelf = MaildirShelf::open(&export.directory, account)?;
            take(account, only, stream, &mut shelf, progress).await?
        }
        ExportForm::Mbox => {
            let mut shelf = MboxShelf::open(&export.directory, account)?;
            take(account, only, stream, &mut shelf, progress).await?
        }
    })
}

fn print(report: &ExportReport) {
    let head = ["mailbox", "messages", "written", "already there", "damaged"].map(String::from);
    table(std::iter::once(head.to_vec()).chain(report.folders.iter().map(row)));
    for folder in &report.folders {
        let name = visible(&folder.mailbox);
        folder.notes.iter().for_each(|note| say!("{name}: {}", visible(note)));
        folder
            .skipped
            .iter()
            .for_each(|bad| say!("{name}: {} was left out: {}", bad.what, visible(&bad.why)));
        folder.failed.iter().for_each(|why| say!("{name}: cannot be read: {}", visible(why)));
    }
}

fn row(folder: &ExportedFolder) -> Vec<String> {
    let numbers = [folder.messages, folder.written, folder.already_there, folder.skipped.len() as u64];
    std::iter::once(visible(&folder.mailbox)).chain(numbers.iter().map(ToString::to_string)).collect()
}
