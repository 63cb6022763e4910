//! `gatepost store`: through the running server if there is one, else by itself.

mod upgrade;

use crate::account::{Style, ask_or_do, table};
use crate::cli::{Config, Store, StoreCommand};
use crate::config;
use crate::desk::{self, AfterCheck, CheckReport, FindingLine, Reply, Request, StatsLine};
use crate::office::{MAIL, Office, Opener};
use crate::say::{complaint, say};
use anyhow::{Context, Error, Result, bail};
use std::process::ExitCode;
use std::sync::Arc;
use store_local::disk::RealDisk;
use store_local::{LocalStore, OpenError};
use upgrade::Intent;

/// Something is damaged.
const DAMAGED: u8 = 1;
/// Whether something is damaged could not be found out.
const UNKNOWN: u8 = 2;

/// Runs one command about the store.
pub(crate) async fn run(store: Store) -> ExitCode {
    let done = match store.command {
        StoreCommand::Check { account, repair, json } => {
            let then = if repair { AfterCheck::Mend } else { AfterCheck::Tell };
            check(&store.config, Request::CheckStore { account, then }, Style::of(json)).await
        }
        StoreCommand::Scrub => scrub(&store.config).await,
        StoreCommand::Compact { everything } => compact(&store.config, everything).await,
        StoreCommand::Sweep => sweep(&store.config).await,
        StoreCommand::Stats { account, json } => stats(&store.config, account, Style::of(json)).await,
        StoreCommand::Upgrade { dry_run, json } => {
            let intent = if dry_run { Intent::Look } else { Intent::Upgrade };
            upgrade::run(&store.config, intent, Style::of(json)).await
        }
        StoreCommand::Reindex { force } => reindex(&store.config, force).await,
    };
    done.unwrap_or_else(|why| {
        eprintln!("gatepost: {}", complaint(&why));
        ExitCode::from(if is_damage(&why) { DAMAGED } else { UNKNOWN })
    })
}

/// A store that cannot be opened for its damage has been found damaged.
fn is_damage(why: &Error) -> bool {
    matches!(why.downcast_ref(), Some(OpenError::Damaged { .. } | OpenError::DamagedIndex(_)))
        || matches!(why.downcast_ref(), Some(mail::Error::Damaged(_)))
}

async fn check(config: &Config, request: Request, style: Style) -> Result<ExitCode> {
    let report = match ask_or_do(&config.config, request).await? {
        Reply::Checked(report) => report,
        Reply::Refused(why) => bail!(why),
        reply => bail!("the server answers something else: {reply:?}"),
    };
    match style {
        Style::Json => say!("{}", serde_json::to_string(&report)?),
        Style::Lines => print(&report),
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) })
}

fn print(report: &CheckReport) {
    for damage in &report.damages {
        let lost = match damage.lost.as_slice() {
            [] => "nothing that is needed lay there, or it can be made again".to_owned(),
            lost => format!("lost: {}", lost.join(", ")),
        };
        say!("{} {}-{}: {}; {lost}", damage.file, damage.from, damage.to, damage.detail);
    }
    for finding in report.findings.iter().chain(&report.left) {
        say!("{}{}", whose(finding), finding.what);
    }
    for mended in &report.mended {
        say!("mended: {}{}", whose(mended), mended.what);
    }
    for file in &report.unnamed_files {
        say!("{file}: nothing names it; it does no harm, and stays");
    }
    if report.settled > 0 {
        say!("{} damages in the log cost nothing, and are known since a repair", report.settled);
    }
    let verdict = match (report.is_clean(), report.mended.len()) {
        (true, 0) => "all is well".to_owned(),
        (true, mended) => format!("{mended} things mended, all is well"),
        (false, 0) => format!("{} damages, {} findings", report.damages.len(), report.findings.len()),
        (false, mended) => {
            let (damages, findings) = (report.damages.len(), report.findings.len() + report.left.len());
            format!("{mended} things mended, {damages} damages and {findings} findings left")
        }
    };
    say!(
        "{verdict}: {} segments with {} records, {} entries of the index, {} files of bodies; {} messages in {} \
         mailboxes of {} accounts",
        report.segments,
        report.records,
        report.entries,
        report.body_files,
        report.messages,
        report.mailboxes,
        report.accounts
    );
}

/// Whose it is, as far as it is anybody's.
fn whose(finding: &FindingLine) -> String {
    let uid = finding.uid.map(|uid| format!("UID {uid}"));
    let parts = [finding.account.clone(), finding.mailbox.clone()].join(" ");
    let parts = [Some(parts.trim().to_owned()), uid].into_iter().flatten().filter(|part| !part.is_empty());
    let whose = parts.collect::<Vec<_>>().join(", ");
    if whose.is_empty() { whose } else { format!("{whose}: ") }
}

async fn scrub(config: &Config) -> Result<ExitCode> {
    let settings = config::read(&config.config)?;
    match desk::ask(&settings.server.data, &Request::ScrubStore).await? {
        Some(Reply::Done(sentence)) => {
            say!("{sentence}");
            Ok(ExitCode::SUCCESS)
        }
        Some(Reply::Refused(why)) => bail!(why),
        Some(reply) => bail!("the server answers something else: {reply:?}"),
        None => {
            bail!("no server runs here; without one, everything is tested at once by gatepost store check")
        }
    }
}

async fn compact(config: &Config, everything: bool) -> Result<ExitCode> {
    match ask_or_do(&config.config, Request::CompactStore { everything }).await? {
        Reply::Done(sentence) => {
            say!("{sentence}");
            Ok(ExitCode::SUCCESS)
        }
        Reply::Refused(why) => bail!(why),
        reply => bail!("the server answers something else: {reply:?}"),
    }
}

async fn sweep(config: &Config) -> Result<ExitCode> {
    match ask_or_do(&config.config, Request::SweepStore).await? {
        Reply::Done(sentence) => say!("{sentence}"),
        Reply::Refused(why) => bail!(why),
        reply => bail!("the server answers something else: {reply:?}"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn stats(config: &Config, account: Option<String>, style: Style) -> Result<ExitCode> {
    let stats = match ask_or_do(&config.config, Request::StoreStats { account }).await? {
        Reply::Stats(stats) => stats,
        Reply::Refused(why) => bail!(why),
        reply => bail!("the server answers something else: {reply:?}"),
    };
    match style {
        Style::Json => say!("{}", serde_json::to_string(&stats)?),
        Style::Lines => table(lines(&stats)),
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(stats: &StatsLine) -> impl Iterator<Item = Vec<String>> {
    let row = |name: &str, number: u64, more: String| vec![name.to_owned(), number.to_string(), more];
    let of = |octets: u64| format!("{octets} octets");
    [
        row(
            "segments",
            stats.segments,
            format!("{}, {} of them in use", of(stats.log_octets), stats.log_octets_in_use),
        ),
        row("index", 1, of(stats.index_octets)),
        row("streams", stats.streams, String::new()),
        row("events", stats.events, String::new()),
        row("snapshots", stats.snapshots, String::new()),
        row("records", stats.records, String::new()),
        row(
            "bodies",
            stats.bodies,
            format!("{} of them in files, {}", stats.body_files, of(stats.body_file_octets)),
        ),
    ]
    .into_iter()
}

async fn reindex(config: &Config, force: bool) -> Result<ExitCode> {
    let settings = config::read(&config.config)?;
    let data = &settings.server.data;
    if desk::is_open(data) {
        bail!("the server runs; stop it before its index is made again");
    }
    let office = Office::open(&settings, Opener::Desk).await?;
    let rotten = office.store.damaged_log()?;
    office.close()?;
    if !rotten.is_empty() && !force {
        for damage in &rotten {
            say!("{} {}-{}: {}", damage.file, damage.from, damage.to, damage.detail);
        }
        eprintln!(
            "gatepost: the log is damaged, and the index may know what cannot be read there any more: what was deleted \
             could come back, and mailboxes end where their damage begins. With --force it is made again all the same"
        );
        return Ok(ExitCode::from(DAMAGED));
    }
    drop(office);
    let disk = Arc::new(RealDisk::at(data.join(MAIL))?);
    LocalStore::forget_index(&*disk).context("the index could not be taken away")?;
    let office = Office::open(&settings, Opener::Desk).await?;
    let report = office.store.compare_index()?;
    office.close()?;
    say!("the index is made again: {} entries", report.entries);
    Ok(ExitCode::SUCCESS)
}
