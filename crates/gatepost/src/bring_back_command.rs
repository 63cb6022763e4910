//! `gatepost restore`: everything into a new data directory, or an account into the one that there is. What is wanted of a
//! backup is taken out here, and brought in by the running server, or else by this process.

use crate::account::Style;
use crate::backup_command;
use crate::cli::Restore;
use crate::config;
use crate::counterpart::Counterpart;
use crate::desk::{BackLine, Job, Line, READY, Transport, Whither};
use crate::office::remote;
use crate::say::say;
use crate::scratch::Scratch;
use anyhow::{Context, Result, bail};
use backup::{Choice, Extracted, Numbers, Shelf, Wanted};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

const STYLE: &str = "{bar:30} {pos} of {len} messages, {eta} to go";

/// Brings back what is asked for, and prints what came of it.
pub(crate) async fn restore(restore: Restore) -> Result<()> {
    let style = Style::of(restore.json);
    let choice = chosen(&restore);
    match (&restore.data, &restore.account) {
        (Some(_), _) if restore.manifest.is_some() && restore.at.is_some() => {
            bail!("--manifest names the backup of everything, and --at chooses it: give one of them")
        }
        (Some(new), _) => {
            let numbers = if restore.exact { Numbers::Exact } else { Numbers::Skip };
            backup_command::restore(&restore.directory, choice, new, numbers, style).await
        }
        (None, Some(account)) => bring_back(&restore, account, choice, style).await,
        (None, None) => bail!("say what is to be restored: --data or --account"),
    }
}

fn chosen(restore: &Restore) -> Choice<'_> {
    match (&restore.manifest, restore.at) {
        (Some(id), _) => Choice::Named(id),
        (None, None) => Choice::Newest,
        (None, Some(then)) if restore.data.is_some() => Choice::UpTo(then),
        (None, Some(then)) => Choice::From(then),
    }
}

async fn bring_back(restore: &Restore, account: &str, choice: Choice<'_>, style: Style) -> Result<()> {
    let settings = config::read(&restore.config.config)?;
    let shelf = Shelf::open(&restore.directory)?;
    let backup = shelf.choose(choice)?;
    let at_ms = restore.at.map(jiff::Timestamp::as_millisecond);
    let job = Job {
        account: account.to_owned(),
        mailbox: restore.mailbox.clone(),
        at_ms,
        made_ms: backup.1.made.as_millisecond(),
        whither: whither(restore),
    };
    // What cannot be is refused before anything is read.
    let counterpart = Counterpart::open(&settings, Transport::BringBack(Box::new(job))).await?;
    let scratch = Scratch::make(&settings.server.data)?;
    let wanted = Wanted { account, until_ms: at_ms.unwrap_or(i64::MAX), remote: remote(&settings) };
    let extracted = backup::extract(&shelf, backup, wanted, scratch.folder()).await?;
    let bar = bar(style);
    let back = follow(counterpart.stream().await?, &bar).await;
    bar.finish_and_clear();
    counterpart.close().await?;
    let back = back?;
    match style {
        Style::Json => say!("{}", as_json(&extracted, &back)),
        Style::Lines => print(&extracted, account, &back),
    }
    match back.lost {
        0 if extracted.damaged.is_empty() => Ok(()),
        0 => bail!("all that is known of was brought back, and some of the backup is damaged"),
        1 => bail!("one thing could not be brought back whole"),
        many => bail!("{many} things could not be brought back whole"),
    }
}

fn whither(restore: &Restore) -> Whither {
    match &restore.under {
        Some(name) => Whither::As(name.clone()),
        None if restore.in_place => Whither::InPlace,
        None => Whither::Usual,
    }
}

fn bar(style: Style) -> ProgressBar {
    let is_watched = matches!(style, Style::Lines) && std::io::stderr().is_terminal();
    let bar = if is_watched { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.with_style(ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Lets it be brought in, and shows how far it is until it is done.
async fn follow(mut stream: impl AsyncRead + AsyncWrite + Unpin, bar: &ProgressBar) -> Result<BackLine> {
    stream.write_u8(READY).await?;
    stream.flush().await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line).context("the server answers in words of another version")? {
            Line::At { messages, of } => {
                bar.set_length(of);
                bar.set_position(messages);
            }
            Line::Done(back) => return Ok(*back),
            Line::Refused(why) => bail!(why),
        }
    }
    bail!("the server stopped before all was back; run it again, and it goes on")
}

fn as_json(extracted: &Extracted, back: &BackLine) -> serde_json::Value {
    let BackLine { account, made, mailboxes, messages, lost, left } = back;
    json!({
        "id": extracted.id.to_string(), "made": extracted.made.to_string(), "account": account,
        "account-made": made, "mailboxes": mailboxes, "messages": messages, "lost": lost, "left": left,
        "damaged": extracted.damaged,
    })
}

fn print(extracted: &Extracted, account: &str, back: &BackLine) {
    let from = format!("from backup {} of {}", extracted.id, extracted.made);
    match (back.made, back.account == account) {
        (true, true) => say!("{account} is there again, with its password, {from}."),
        (true, false) => say!("{} is made of {account}, with its password of then, {from}.", back.account),
        (false, _) => say!("Brought back into {account} {from}:"),
    }
    for mailbox in &back.mailboxes {
        say!("{}", sentence(mailbox.name.as_str(), mailbox.messages, mailbox.flags, mailbox.mended));
    }
    for left in &back.left {
        let uid = left.uid.map(|uid| format!(", UID {uid}")).unwrap_or_default();
        say!("Not brought back: {}{uid}: {}", left.mailbox, left.why);
    }
    let told = back.left.len() as u64;
    if back.lost > told {
        say!("Not brought back: {} more", back.lost - told);
    }
    extracted.damaged.iter().for_each(|what| say!("Damaged in the backup: {what}"));
}

fn sentence(name: &str, messages: u64, flags: u64, mended: u64) -> String {
    let mut said = format!("{name}: {} came back", counted(messages));
    if flags > 0 {
        said += &format!(", {} have their flags again", counted(flags));
    }
    if mended > 0 {
        said += &format!(", {} can be read again", counted(mended));
    }
    said
}

fn counted(messages: u64) -> String {
    match messages {
        1 => "1 message".to_owned(),
        many => format!("{many} messages"),
    }
}
