//! `gatepost store upgrade`: of which format the data directory is, and raising it to the newest.

use crate::account::{Style, table};
use crate::cli::Config;
use crate::office::{MAIL, Office, Opener};
use crate::say::say;
use crate::{config, desk};
use anyhow::{Result, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use store_local::disk::{Disk, RealDisk};
use store_local::{IndexFile, READABLE_FORMATS, Survey};

/// Whether anything is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// `--dry-run`
    Look,
    Upgrade,
}

/// What there is, and what is to be done.
#[derive(Debug, Serialize)]
struct Report {
    /// The format of the directory, before anything is done.
    format: u32,
    /// The version that has raised it to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<String>,
    /// Whether this version reads it.
    readable: bool,
    /// The formats that this version reads.
    reads: (u32, u32),
    files: Vec<Files>,
    /// What an upgrade does, in words; nothing where there is nothing to do.
    steps: Vec<String>,
    /// Whether that was done.
    done: bool,
}

/// Files of one kind and version.
#[derive(Debug, Serialize)]
struct Files {
    what: &'static str,
    count: u64,
    /// None where it cannot be told.
    version: Option<u32>,
    /// The version that is written now.
    written: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Says what there is, and upgrades it if it is to.
pub(super) async fn run(config: &Config, intent: Intent, style: Style) -> Result<ExitCode> {
    let settings = config::read(&config.config)?;
    let data = &settings.server.data;
    if desk::is_open(data) {
        bail!("the server runs; stop it before its store is upgraded or looked at");
    }
    let survey = survey(data)?;
    let mut report = Report::of(&survey);
    if !report.readable {
        tell(&report, style)?;
        bail!(
            "this is Gatepost {}, which reads formats {} to {}; run the version that made this, or a later one",
            env!("CARGO_PKG_VERSION"),
            report.reads.0,
            report.reads.1
        );
    }
    if intent == Intent::Upgrade && !report.steps.is_empty() {
        // Opening it makes the index again; the number is raised when all of it was read.
        let office = Office::open(&settings, Opener::Desk).await?;
        office.store.raise_format(*READABLE_FORMATS.end())?;
        office.close()?;
        report.done = true;
    }
    tell(&report, style)?;
    Ok(ExitCode::SUCCESS)
}

fn survey(data: &Path) -> Result<Survey> {
    let mail = data.join(MAIL);
    // What looks at a disk would make it.
    if !mail.is_dir() {
        bail!("there is no store in {}: the first start of the server makes one", data.display());
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::at(mail)?);
    Ok(Survey::of(&disk)?)
}

impl Report {
    fn of(survey: &Survey) -> Self {
        let (segments, bodies, index) = Survey::written();
        let mut files = rows("segments of the log", &survey.segments, segments);
        files.extend(rows("bodies in files", &survey.bodies, bodies));
        files.push(index_row(&survey.index, index));
        let mut steps = Vec::new();
        if survey.is_readable() && survey.makes_index() {
            steps.push(
                "make the index again from the log; \\Recent marks and the like are forgotten".to_owned(),
            );
        }
        if let Some(to) = survey.upgrade() {
            steps.push(format!(
                "raise the directory from format {} to {to}; versions of Gatepost that do not know it refuse the directory \
                 from then on",
                survey.format
            ));
        }
        Self {
            format: survey.format,
            made_by: survey.maker.clone(),
            readable: survey.is_readable(),
            reads: READABLE_FORMATS.into_inner(),
            files,
            steps,
            done: false,
        }
    }
}

fn rows(what: &'static str, versions: &BTreeMap<Option<u32>, u64>, written: u32) -> Vec<Files> {
    let row = |(version, count): (&Option<u32>, &u64)| {
        let note = version.is_none().then(|| "damaged: gatepost store check says how".to_owned());
        Files { what, count: *count, version: *version, written, note }
    };
    versions.iter().map(row).collect()
}

fn index_row(index: &IndexFile, written: u32) -> Files {
    let (count, version, note) = match index {
        IndexFile::Missing => (0, None, Some("it is made by whoever opens the store".to_owned())),
        IndexFile::OfVersion(version) => (1, Some(*version), None),
        IndexFile::Damaged(why) => (1, None, Some(format!("not to be relied on: {why}"))),
        IndexFile::Unknown(why) => (1, None, Some(format!("it cannot be looked into: {why}"))),
    };
    Files { what: "index", count, version, written, note }
}

fn tell(report: &Report, style: Style) -> Result<()> {
    match style {
        Style::Json => say!("{}", serde_json::to_string(report)?),
        Style::Lines => print(report),
    }
    Ok(())
}

fn print(report: &Report) {
    let maker = report.made_by.as_ref().map_or_else(String::new, |by| format!(", made by Gatepost {by}"));
    let (first, last) = report.reads;
    say!("format {}{maker}; this version reads formats {first} to {last}", report.format);
    table(report.files.iter().map(|row| {
        let version = row.version.map_or_else(|| "version unknown".to_owned(), |n| format!("version {n}"));
        let behind = row.note.clone().unwrap_or_else(|| match row.version {
            Some(version) if version != row.written => format!("version {} is written now", row.written),
            _ => String::new(),
        });
        vec![row.what.to_owned(), row.count.to_string(), version, behind]
    }));
    let (verb, end) = if report.done { ("done", "") } else { ("to do", " (nothing was changed)") };
    for step in &report.steps {
        say!("{verb}: {step}{end}");
    }
    if report.steps.is_empty() && report.readable {
        say!("nothing to do");
    }
}
