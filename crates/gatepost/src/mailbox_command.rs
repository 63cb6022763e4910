//! `gatepost mailbox`: through the running server if there is one, else by itself.

use crate::account::{Style, ask_or_do, table};
use crate::cli::{Mailbox, MailboxCommand};
use crate::desk::{HistoryLine, MailboxLine, Reply, Request, StatusLine, Target, Then};
use crate::say::say;
use anyhow::{Result, bail};

/// Runs one mailbox command.
pub(crate) async fn run(mailbox: Mailbox) -> Result<()> {
    let (request, style) = request(mailbox.command);
    print(ask_or_do(&mailbox.config.config, request).await?, style)
}

fn request(command: MailboxCommand) -> (Request, Style) {
    match command {
        MailboxCommand::List { account, json } => (Request::ListMailboxes { account }, Style::of(json)),
        MailboxCommand::Status { account, mailbox, json } => {
            (Request::MailboxStatus { account, mailbox }, Style::of(json))
        }
        MailboxCommand::History { account, mailbox, limit, json } => {
            (Request::History { account, mailbox, limit }, Style::of(json))
        }
        MailboxCommand::Restore { account, mailbox, then, in_place, into } => {
            let at = then.at.map(|at| Then::At(at.as_millisecond()));
            let then = at.unwrap_or(Then::ModSeq(then.modseq.unwrap_or_default()));
            let target = if in_place { Target::InPlace } else { Target::New(into) };
            (Request::Restore { account, mailbox, then, target }, Style::Lines)
        }
        MailboxCommand::Create { account, mailbox, special_use } => {
            (Request::CreateMailbox { account, mailbox, uses: special_use }, Style::Lines)
        }
    }
}

fn print(reply: Reply, style: Style) -> Result<()> {
    match (reply, style) {
        (Reply::Mailboxes(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::Mailboxes(lines), Style::Lines) => table(lines.iter().map(listed)),
        (Reply::Statuses(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::Statuses(lines), Style::Lines) => table(lines.iter().map(counted)),
        (Reply::History(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::History(lines), Style::Lines) => table(lines.iter().map(happened)),
        (Reply::Done(sentence), _) => say!("{sentence}"),
        (Reply::Refused(why), _) => bail!(why),
        (reply, _) => bail!("the server answers something else: {reply:?}"),
    }
    Ok(())
}

fn listed(line: &MailboxLine) -> Vec<String> {
    let subscribed = if line.subscribed { "subscribed" } else { "" };
    vec![line.name.clone(), subscribed.into(), line.special_uses.join(" ")]
}

fn happened(line: &HistoryLine) -> Vec<String> {
    let by = line.by.as_ref().map(ToString::to_string).unwrap_or_default();
    vec![line.time.clone(), line.modseq.to_string(), line.to_string(), by]
}

fn counted(line: &StatusLine) -> Vec<String> {
    vec![
        line.name.clone(),
        format!("{} messages", line.messages),
        format!("{} unseen", line.unseen),
        format!("{} octets", line.octets),
    ]
}
