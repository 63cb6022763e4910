//! Purging at the desk: what was deleted goes at once, and leaves the disk.

use super::store::{Space, give_space_back};
use crate::office::Office;
use anyhow::{Result, anyhow};
use events::Event;
use mail::{DirectoryError, Error, Purge};
use mailbox::account::directory::Login;
use serde::{Deserialize, Serialize};
use terms::MailboxName;

/// What is to go.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PurgeRequest {
    pub(crate) account: String,
    /// Only of this mailbox.
    pub(crate) mailbox: Option<String>,
    /// Only what was deleted at this time or before: Unix time in milliseconds.
    pub(crate) before_ms: Option<i64>,
    pub(crate) whose: Whose,
}

/// Of several accounts that have had a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Whose {
    /// The one that has it; where none does, those that were removed.
    TheAccounts,
    /// Those that were removed.
    RemovedAccounts,
}

/// What went, and what is left of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PurgeLine {
    /// Messages that had been expunged, or lay in what was deleted.
    pub(crate) messages: u64,
    /// Their octets, as far as no other message has them.
    pub(crate) octets: u64,
    /// Deleted mailboxes.
    pub(crate) mailboxes: u64,
    /// Removed accounts.
    pub(crate) accounts: u64,
    /// Mailboxes whose events of the time before went.
    pub(crate) histories: u64,
    /// What has left the disk.
    #[serde(flatten)]
    pub(crate) space: Space,
}

pub(super) async fn purge(office: &Office, request: PurgeRequest) -> Result<PurgeLine> {
    let PurgeRequest { account, mailbox, before_ms, whose } = request;
    let mailbox = mailbox.map(|name| MailboxName::new(&name)).transpose()?;
    let told = mailbox.as_ref().map(events::Mailbox::from);
    let swept = match whose {
        Whose::TheAccounts => office.accounts.purge(&account, &Purge { mailbox, before_ms }).await,
        Whose::RemovedAccounts => office.accounts.purge_removed(Login::new(&account)?, before_ms).await,
    };
    let swept = swept.map_err(|why| match why {
        DirectoryError::Mail(Error::NoSuchMailbox) => {
            anyhow!(
                "{account} has no mailbox of that name, and none of that name was deleted that is kept still"
            )
        }
        why => why.into(),
    })?;
    // Of those that were removed there may be several.
    let living = match whose {
        Whose::TheAccounts => office.accounts.named(&account).ok().map(|account| account.id()),
        Whose::RemovedAccounts => None,
    };
    let (messages, octets) = (swept.records, swept.octets);
    Event::AccountPurged { account: events::Account::new(&account), mailbox: told, messages, octets }.log();
    Ok(PurgeLine {
        messages,
        octets,
        mailboxes: swept.mailboxes,
        accounts: swept.accounts,
        histories: swept.trimmed,
        space: give_space_back(office, living).await?,
    })
}
