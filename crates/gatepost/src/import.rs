//! `gatepost import`: reads here, and files through the running server if there is one, else by itself.

mod imap;
pub(crate) mod progress;
pub(crate) mod report;

use crate::account::Style;
use crate::cli::{Import, ImportChoice, ImportSource};
use crate::config;
use crate::counterpart::Counterpart;
use crate::desk::Transport;
use anyhow::{Result, bail};
use migrate::maildir::Maildir;
use migrate::mbox::Mbox;
use migrate::{Choice, FlagsPolicy, Plan, Report, Source, Verdict};
use progress::Progress;
use settings::Settings;
use terms::MailboxName;

/// Imports, prints what became of it, and fails where not all of it is here.
pub(crate) async fn run(import: Import) -> Result<()> {
    let settings = config::read(&import.config.config)?;
    let (report, json) = match import.source {
        ImportSource::Maildir { files } => {
            let source = Maildir::open(&files.path)?;
            (bring(&settings, files.account, &files.choice, 1, &source).await?, files.choice.json)
        }
        ImportSource::Mbox { files } => {
            let source = Mbox::open(&files.path)?;
            (bring(&settings, files.account, &files.choice, 1, &source).await?, files.choice.json)
        }
        ImportSource::Imap(other) => {
            let source = imap::source(&other)?;
            let connections = usize::from(other.connections);
            (bring(&settings, other.account, &other.choice, connections, &source).await?, other.choice.json)
        }
    };
    report::print(&report, json)?;
    match report.verdict {
        Verdict::Complete => Ok(()),
        Verdict::SomeSkipped => bail!("some messages did not come; the report says which, and why"),
        Verdict::Incomplete => bail!("not everything is here; the report says what is missing. Run it again"),
    }
}

async fn bring(
    settings: &Settings,
    account: String,
    choice: &ImportChoice,
    connections: usize,
    source: &impl Source,
) -> Result<Report> {
    let plan = Plan { choice: chosen(choice)?, flags: policy(choice), connections, account: account.clone() };
    let filers = Counterpart::open(settings, Transport::Import(account)).await?;
    let progress = Progress::new(Style::of(choice.json));
    let report = migrate::run(&plan, source, &filers, &progress).await;
    progress.clear();
    filers.close().await?;
    Ok(report?)
}

const fn policy(choice: &ImportChoice) -> FlagsPolicy {
    if choice.flags { FlagsPolicy::Overwrite } else { FlagsPolicy::KeepChanges }
}

fn chosen(choice: &ImportChoice) -> Result<Choice> {
    let map = choice.map.iter().map(|pair| {
        let Some((there, here)) = pair.split_once('=') else {
            bail!("--map {pair}: it is THERE=HERE, such as --map 'Sent Items=Sent'");
        };
        let here = MailboxName::new(here)?;
        here.check_new()?;
        Ok((there.to_owned(), here))
    });
    Ok(Choice {
        only: choice.folder.clone(),
        except: choice.exclude.clone(),
        map: map.collect::<Result<_>>()?,
    })
}
