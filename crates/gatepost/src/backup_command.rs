//! `gatepost backup` and `gatepost restore`: the running server, or else this process, gives, and this process writes.

use crate::account::{Style, table};
use crate::cli::{Backup, BackupCommand, BackupTake};
use crate::config;
use crate::counterpart::Counterpart;
use crate::desk::Transport;
use crate::say::say;
use crate::world::Machine;
use anyhow::{Result, bail};
use backup::{Choice, Numbers, Restored, Shelf, Taken, Verified, Watcher};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const STYLE: &str = "{bar:30} {bytes} of {total_bytes}, {eta} to go";

/// Takes a backup, lists what there is, or proves one.
pub(crate) async fn run(backup: Backup, now: jiff::Timestamp) -> Result<()> {
    match (backup.command, backup.take) {
        (Some(BackupCommand::List { directory, json }), _) => list(&directory, Style::of(json)),
        (Some(BackupCommand::Verify { directory, manifest, scratch, json }), _) => {
            verify(&directory, manifest.as_deref(), scratch, Style::of(json)).await
        }
        (None, Some(take)) => take_one(&backup.config.config, take, now).await,
        (None, None) => bail!("say into which directory"),
    }
}

async fn take_one(config: &Path, take: BackupTake, now: jiff::Timestamp) -> Result<()> {
    let settings = config::read(config)?;
    let style = Style::of(take.json);
    let counterpart = Counterpart::open(&settings, Transport::Backup).await?;
    let bar = Bar::new(style);
    let taken = write(&counterpart, &take, now, &bar).await;
    bar.0.finish_and_clear();
    counterpart.close().await?;
    let Taken { id, files, octets, taken_files, taken_octets, removed_files } = taken?;
    match style {
        Style::Json => say!(
            "{}",
            json!({
                "id": id.to_string(), "files": files, "octets": octets, "new-files": taken_files,
                "new-octets": taken_octets, "removed-files": removed_files,
            })
        ),
        Style::Lines => {
            say!(
                "Backup {id}: {files} files, {}; new were {taken_files}, {}.",
                HumanBytes(octets),
                HumanBytes(taken_octets)
            );
            if removed_files > 0 {
                say!("{removed_files} files that no backup has any more were taken away.");
            }
            say!("The settings and the certificates are not part of it: keep copies of these too.");
        }
    }
    Ok(())
}

async fn write(
    counterpart: &Counterpart,
    take: &BackupTake,
    now: jiff::Timestamp,
    bar: &Bar,
) -> Result<Taken> {
    let shelf = Shelf::make(&take.directory)?;
    let keep = take.keep.map(usize::try_from).transpose()?;
    Ok(backup::take(counterpart.stream().await?, &shelf, now, keep, bar).await?)
}

fn list(directory: &Path, style: Style) -> Result<()> {
    let shelf = Shelf::open(directory)?;
    let mut bad = 0;
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    for id in shelf.ids()? {
        match shelf.manifest(&id) {
            Ok(manifest) => {
                let (files, octets) = (manifest.files.len(), manifest.octets());
                rows.push(vec![
                    id.to_string(),
                    files.to_string(),
                    HumanBytes(octets).to_string(),
                    manifest.accounts.to_string(),
                ]);
                listed.push(json!({
                    "id": id.to_string(), "made": manifest.made.to_string(), "files": files, "octets": octets,
                    "accounts": manifest.accounts,
                }));
            }
            Err(why) => {
                bad += 1;
                eprintln!("gatepost: {why}");
            }
        }
    }
    match style {
        Style::Json => say!("{}", serde_json::to_string(&listed)?),
        Style::Lines => {
            let head = ["backup", "files", "size", "accounts"].map(String::from).to_vec();
            table(std::iter::once(head).chain(rows));
        }
    }
    if bad > 0 { bail!("{bad} of the manifests cannot be read") } else { Ok(()) }
}

async fn verify(
    directory: &Path,
    manifest: Option<&str>,
    scratch: Option<PathBuf>,
    style: Style,
) -> Result<()> {
    let shelf = Shelf::open(directory)?;
    let scratch = scratch.unwrap_or_else(std::env::temp_dir);
    let scratch = scratch.join(format!("gatepost-verify-{}", std::process::id()));
    let choice = manifest.map_or(Choice::Newest, Choice::Named);
    let found = backup::verify(&shelf, choice, &scratch, Arc::new(Machine)).await?;
    let Verified { id, made, files, octets, accounts, mailboxes, messages, bodies, problems } = found;
    match style {
        Style::Json => say!(
            "{}",
            json!({
                "id": id.to_string(), "made": made.to_string(), "files": files, "octets": octets,
                "accounts": accounts, "mailboxes": mailboxes, "messages": messages, "bodies": bodies,
                "problems": problems,
            })
        ),
        Style::Lines => {
            say!("Backup {id} was restored and read: {files} files, {}.", HumanBytes(octets));
            say!("{accounts} accounts, {mailboxes} mailboxes, {messages} messages, {bodies} bodies.");
            problems.iter().for_each(|problem| say!("{problem}"));
        }
    }
    match problems.len() {
        0 => Ok(()),
        1 => bail!("one thing is wrong with backup {id}"),
        many => bail!("{many} things are wrong with backup {id}"),
    }
}

/// Makes a data directory from a backup.
pub(crate) async fn restore(
    directory: &Path,
    choice: Choice<'_>,
    new: &Path,
    numbers: Numbers,
    style: Style,
) -> Result<()> {
    let shelf = Shelf::open(directory)?;
    let new = std::path::absolute(new)?;
    let restored = backup::restore(&shelf, choice, &new, numbers, &Machine).await?;
    match style {
        Style::Json => say!("{}", as_json(&restored)),
        Style::Lines => print(&restored, &new),
    }
    let left = restored.skipped.map_or(0, |skipped| skipped.left.len());
    match restored.rot.len() + left {
        0 => Ok(()),
        _ => bail!("everything was brought back, and some of it was damaged before the backup was made"),
    }
}

fn as_json(restored: &Restored) -> serde_json::Value {
    let Restored { id, made, files, octets, skipped, rot } = restored;
    json!({
        "id": id.to_string(), "made": made.to_string(), "files": files, "octets": octets,
        "accounts-skipped": skipped.as_ref().map(|skipped| skipped.accounts),
        "mailboxes-skipped": skipped.as_ref().map(|skipped| skipped.mailboxes),
        "read-only": skipped.as_ref().map(|skipped| &skipped.left),
        "damaged": rot,
    })
}

fn print(restored: &Restored, new: &Path) {
    say!("Restored backup {} of {} into {}.", restored.id, restored.made, new.display());
    match &restored.skipped {
        Some(skipped) => {
            say!(
                "UIDs and MODSEQs were skipped in {} mailboxes of {} accounts, so that no client's cache is wrong.",
                skipped.mailboxes,
                skipped.accounts
            );
            skipped.left.iter().for_each(|why| say!("Kept read-only: {why}"));
        }
        None => say!(
            "Nothing was skipped: let no client sign in that has seen mail which is newer than the backup."
        ),
    }
    restored.rot.iter().for_each(|rot| say!("Damaged in the log: {rot}"));
    say!(
        "The settings and the certificates are not part of a backup: let server.data name the new directory."
    );
}

/// How far it is, where somebody looks.
struct Bar(ProgressBar);

impl Bar {
    fn new(style: Style) -> Self {
        let is_watched = matches!(style, Style::Lines) && std::io::stderr().is_terminal();
        let bar = if is_watched { ProgressBar::new(0) } else { ProgressBar::hidden() };
        Self(
            bar.with_style(
                ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar()),
            ),
        )
    }
}

impl Watcher for Bar {
    fn at(&self, octets: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(octets);
    }
}
