//! `gatepost undelete`: through the running server if there is one, else by itself.

use crate::account::{Style, ask_or_do, table};
use crate::cli::{Undelete, UndeleteCommand};
use crate::desk::{GoneLine, Reply, Request};
use crate::say::say;
use anyhow::{Result, bail};

/// Runs one undelete command.
pub(crate) async fn run(undelete: Undelete) -> Result<()> {
    let (request, style) = request(undelete.command);
    match (ask_or_do(&undelete.config.config, request).await?, style) {
        (Reply::Gone(lines), Style::Json) => say!("{}", serde_json::to_string(&lines)?),
        (Reply::Gone(lines), Style::Lines) => table(lines.iter().map(row)),
        (Reply::Done(sentence), _) => say!("{sentence}"),
        (Reply::Refused(why), _) => bail!(why),
        (reply, _) => bail!("the server answers something else: {reply:?}"),
    }
    Ok(())
}

fn request(command: UndeleteCommand) -> (Request, Style) {
    match command {
        UndeleteCommand::List { account: None, json } => (Request::ListRemovedAccounts, Style::of(json)),
        UndeleteCommand::List { account: Some(account), json } => {
            (Request::ListDeletedMailboxes { account }, Style::of(json))
        }
        UndeleteCommand::Account { name, under } => (Request::UndeleteAccount { name, under }, Style::Lines),
        UndeleteCommand::Mailbox { account, mailbox, under } => {
            (Request::UndeleteMailbox { account, mailbox, under }, Style::Lines)
        }
        UndeleteCommand::Messages { account, mailbox, since } => {
            let since_ms = since.map_or(i64::MIN, |since| since.as_millisecond());
            (Request::UndeleteMessages { account, mailbox, since_ms }, Style::Lines)
        }
    }
}

fn row(line: &GoneLine) -> Vec<String> {
    let GoneLine { name, deleted, by, messages } = line;
    let held = messages.map(|messages| format!("{messages} messages")).unwrap_or_default();
    vec![name.clone(), deleted.clone(), held, by.as_ref().map(ToString::to_string).unwrap_or_default()]
}
