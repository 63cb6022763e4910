//! `gatepost purge`: through the running server if there is one, else by itself.

use crate::account::{Style, ask_or_do};
use crate::cli::Purge;
use crate::desk::{PurgeLine, PurgeRequest, Reply, Request, Whose};
use crate::say::say;
use crate::when;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, IsTerminal, Read, Write, stderr, stdin};

/// Longest answer that is read, in octets.
const LONGEST_ANSWER: u64 = 100;

/// Purges, once it is certain that this is meant.
pub(crate) async fn run(purge: Purge) -> Result<()> {
    if !purge.yes {
        ask(&what(&purge))?;
    }
    let request = Request::Purge(PurgeRequest {
        before_ms: purge.expunged_before.map(|time| time.as_millisecond()),
        whose: if purge.removed { Whose::RemovedAccounts } else { Whose::TheAccounts },
        account: purge.account,
        mailbox: purge.mailbox,
    });
    match ask_or_do(&purge.config.config, request).await? {
        Reply::Purged(line) => tell(&line, Style::of(purge.json)),
        Reply::Refused(why) => bail!(why),
        reply => bail!("the server answers something else: {reply:?}"),
    }
}

fn what(purge: &Purge) -> String {
    let account = &purge.account;
    let what = match &purge.mailbox {
        _ if purge.removed => format!("everything of the removed account {account}"),
        Some(mailbox) => {
            format!("what was expunged from {mailbox} of {account}, or deleted under that name,")
        }
        None => {
            format!("what was expunged from {account}, or deleted in it, and all of it if it was removed,")
        }
    };
    match purge.expunged_before {
        None => what,
        Some(time) => format!("{what} up to {}", when::told(time.as_millisecond())),
    }
}

fn ask(what: &str) -> Result<()> {
    if !stdin().is_terminal() {
        bail!("a purge cannot be undone; say --yes where nobody can be asked whether it is meant");
    }
    write!(stderr(), "Of {what} nothing can be brought back afterwards. Type yes to go on: ")?;
    let mut answer = String::new();
    stdin().lock().take(LONGEST_ANSWER).read_line(&mut answer).context("cannot read the answer")?;
    if answer.trim() == "yes" { Ok(()) } else { bail!("nothing is purged") }
}

fn tell(line: &PurgeLine, style: Style) -> Result<()> {
    if let Style::Json = style {
        say!("{}", serde_json::to_string(line)?);
        return Ok(());
    }
    let PurgeLine { messages, octets, mailboxes, accounts, histories, space } = line;
    say!(
        "gone for good: {messages} messages with {octets} octets, {mailboxes} mailboxes, {accounts} accounts, and the \
         history of {histories} more"
    );
    say!("{} octets have left the disk", space.log_octets_freed);
    if let Some(why) = &space.put_off {
        say!("not everything could: {why}; gatepost store compact --everything tries again");
    }
    say!("backups that were taken before have it all; so may copies that clients and other servers keep");
    Ok(())
}
