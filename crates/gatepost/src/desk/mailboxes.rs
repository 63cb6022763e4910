//! An account's mailboxes, as they are asked for and told at the desk.

use anyhow::{Context, Result, bail};
use events::{self, Event};
use mail::{Account, Origin};
use mailbox::account::{Mailbox, SpecialUse, SpecialUses};
use serde::{Deserialize, Serialize};
use terms::MailboxName;

/// A mailbox by its name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MailboxLine {
    pub(crate) name: String,
    pub(crate) special_uses: Vec<String>,
    pub(crate) subscribed: bool,
}

/// What is in a mailbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatusLine {
    pub(crate) name: String,
    pub(crate) messages: u32,
    pub(crate) unseen: u32,
    pub(crate) octets: u64,
    pub(crate) uid_next: u32,
    pub(crate) uid_validity: u32,
    pub(crate) highest_modseq: u64,
}

/// All mailboxes in the order of their names.
pub(super) async fn list(account: &Account) -> Result<Vec<MailboxLine>> {
    let names = account.names().await?;
    let line = |(name, mailbox): (&MailboxName, &Mailbox)| MailboxLine {
        name: name.to_string(),
        special_uses: mailbox.special_uses.iter().map(|one| one.to_string()).collect(),
        subscribed: names.is_subscribed(name),
    };
    Ok(names.mailboxes().map(line).collect())
}

/// One mailbox, or all: one question to the store.
pub(super) async fn status(account: &Account, mailbox: Option<&str>) -> Result<Vec<StatusLine>> {
    let names = account.names().await?;
    let wanted: Vec<(&MailboxName, &Mailbox)> = match mailbox {
        None => names.mailboxes().collect(),
        Some(text) => {
            let name = MailboxName::new(text)?;
            let found = names.mailboxes().find(|(known, _)| **known == name);
            vec![found.with_context(|| format!("There is no mailbox {name}"))?]
        }
    };
    let ids: Vec<_> = wanted.iter().map(|(_, mailbox)| mailbox.id).collect();
    let heads = account.heads(&ids).await?;
    let there = wanted.into_iter().zip(heads).filter_map(|((name, _), head)| Some((name, head?)));
    Ok(there.map(|(name, head)| line(name, &head)).collect())
}

fn line(name: &MailboxName, head: &mailbox::Head) -> StatusLine {
    StatusLine {
        name: name.to_string(),
        messages: head.messages,
        unseen: head.unseen,
        octets: head.octets,
        uid_next: head.uid_next.get(),
        uid_validity: head.uid_validity.get(),
        highest_modseq: head.highest_modseq.get(),
    }
}

/// Makes a mailbox, subscribed.
pub(super) async fn create(account: &Account, login: &str, mailbox: &str, uses: &[String]) -> Result<()> {
    let name = MailboxName::new(mailbox)?;
    account.create_mailbox(&Origin::desk(), &name, special_uses(uses)?).await?;
    let account = events::Account::new(login);
    Event::MailboxCreated { connection: None, account, mailbox: (&name).into() }.log();
    Ok(())
}

fn special_uses(words: &[String]) -> Result<SpecialUses> {
    let mut uses = Vec::new();
    for word in words {
        match SpecialUse::named(word.trim_start_matches('\\')) {
            Some(one) => uses.push(one),
            None => {
                let known: Vec<_> = SpecialUse::ALL.iter().map(|one| one.attribute()).collect();
                bail!("No mailbox can serve as {word}; they can as {}", known.join(", "))
            }
        }
    }
    Ok(uses.into_iter().collect())
}
