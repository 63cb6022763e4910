//! What was, and how it comes back: history, restore and undelete at the desk.

use crate::when;
use anyhow::{Context, Result};
use events::Event as Log;
use mail::{Account, Accounts, DeletedMailbox, Happened, Moment, Origin, Protocol, RemovedAccount, Undone};
use mailbox::account::MailboxId;
use mailbox::account::directory::Login;
use mailbox::{Appended, Event, Flags, FlagsChanged, Scope};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use terms::{MailboxName, ModSeq, UidSet};

/// When a mailbox was as it is to be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Then {
    /// At this time: Unix time in milliseconds.
    At(i64),
    /// Behind this MODSEQ.
    ModSeq(u64),
}

/// Where it is to be so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// There.
    InPlace,
    /// In a new mailbox, of this name or of one that says what it is.
    New(Option<String>),
}

/// Something that happened to a mailbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HistoryLine {
    pub(crate) time: String,
    pub(crate) modseq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Who>,
    pub(crate) what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uids: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) removed: Vec<String>,
}

/// What it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    Created,
    Appended,
    FlagsChanged,
    /// Of `\\Seen`, which each account has for itself.
    SeenChanged,
    Expunged,
    Skipped,
}

/// Who did something.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Who {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// imap, lmtp or desk.
    pub(crate) door: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
}

/// Something that was deleted.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GoneLine {
    pub(crate) name: String,
    /// When.
    pub(crate) deleted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) messages: Option<u32>,
}

pub(super) async fn history(
    accounts: &Accounts,
    login: &str,
    mailbox: &str,
    limit: u32,
) -> Result<Vec<HistoryLine>> {
    let account = accounts.named(login)?;
    let id = find(&account, &MailboxName::new(mailbox)?).await?;
    let told = account.history(id, limit as usize).await?;
    Ok(told.into_iter().map(|happened| line(accounts, happened)).collect())
}

fn line(accounts: &Accounts, happened: Happened) -> HistoryLine {
    let (what, uids, added, removed) = match &happened.event {
        Event::Created(_) => (What::Created, None, Vec::new(), Vec::new()),
        Event::Appended(appended) => (What::Appended, Some(arrived(appended)), Vec::new(), Vec::new()),
        Event::Expunged { uids } => (What::Expunged, Some(uids.clone()), Vec::new(), Vec::new()),
        Event::FlagsChanged(FlagsChanged { scope, uids, add, remove }) => {
            let what = match scope {
                Scope::Shared => What::FlagsChanged,
                Scope::Private(_) => What::SeenChanged,
            };
            (what, Some(uids.clone()), names(add), names(remove))
        }
        Event::Skipped { .. } => (What::Skipped, None, Vec::new(), Vec::new()),
    };
    HistoryLine {
        time: when::told(happened.time_ms),
        modseq: happened.modseq.get(),
        by: happened.origin.map(|origin| who(accounts, origin)),
        what,
        uids: uids.map(|uids| uids.to_string()),
        added,
        removed,
    }
}

fn arrived(appended: &Appended) -> UidSet {
    let count = u32::try_from(appended.messages.len()).unwrap_or(u32::MAX);
    let last = terms::Uid::new(appended.first.get().saturating_add(count.saturating_sub(1)));
    UidSet::range(appended.first, last.unwrap_or(appended.first))
}

fn names(flags: &Flags) -> Vec<String> {
    let system = flags.system.names().map(ToOwned::to_owned);
    system.chain(flags.keywords().iter().map(|keyword| keyword.as_str().to_owned())).collect()
}

fn who(accounts: &Accounts, origin: Origin) -> Who {
    let name =
        |id| accounts.list().into_iter().find(|(_, other)| *other == id).map(|(name, _)| name.to_string());
    let door = match origin.protocol {
        Protocol::Imap => "imap",
        Protocol::Lmtp => "lmtp",
        Protocol::Desk => "desk",
    };
    Who {
        account: origin.account.map(|id| name(id).unwrap_or_else(|| format!("account {}", id.0))),
        door: door.to_owned(),
        address: origin.address.map(|address| address.to_string()),
        session: Some(origin.session).filter(|session| *session != 0),
        device: Some(String::from(origin.device)).filter(|device| !device.is_empty()),
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.account, self.door.as_str()) {
            (Some(account), door) => write!(f, "{account} by {}", door.to_uppercase())?,
            (None, "lmtp") => f.write_str("delivered by LMTP")?,
            (None, _) => f.write_str("the server or its admin")?,
        }
        if let Some(address) = &self.address {
            write!(f, " from {address}")?;
        }
        if let Some(session) = self.session {
            write!(f, ", session {session}")?;
        }
        match &self.device {
            Some(device) => write!(f, ", {}", device.escape_debug()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for HistoryLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Created => "the mailbox was created",
            What::Appended => "came in:",
            What::FlagsChanged | What::SeenChanged => "flags of",
            What::Expunged => "expunged:",
            What::Skipped => "numbers were skipped",
        };
        f.write_str(what)?;
        if let Some(uids) = &self.uids {
            write!(f, " {uids}")?;
        }
        self.added.iter().try_for_each(|flag| write!(f, " +{flag}"))?;
        self.removed.iter().try_for_each(|flag| write!(f, " -{flag}"))
    }
}

pub(super) async fn restore(
    accounts: &Accounts,
    login: &str,
    mailbox: &str,
    then: Then,
    target: Target,
) -> Result<String> {
    let account = accounts.named(login)?;
    let name = MailboxName::new(mailbox)?;
    let id = find(&account, &name).await?;
    let moment = match then {
        Then::At(time_ms) => Moment::Time(time_ms),
        Then::ModSeq(n) => Moment::ModSeq(ModSeq::new(n).context("a MODSEQ is below 2^63")?),
    };
    let past = account.state_at(id, moment).await?;
    let past = past.with_context(|| format!("{name} was not there yet, or what it held then is not kept"))?;
    let origin = Origin::desk();
    let (into, undone) = match target {
        Target::InPlace => (name, account.restore_in_place(&origin, id, &past).await?),
        Target::New(into) => {
            let into = into.unwrap_or_else(|| format!("{name} as of {}", as_of(then)));
            let into = MailboxName::new(&into)?;
            let undone = account.restore_as(&origin, &past, &into).await?;
            (into, undone)
        }
    };
    log_restored(login, &into, undone);
    Ok(told(&into, undone))
}

/// For a name: without what a client's file system may not have.
fn as_of(then: Then) -> String {
    match then {
        Then::At(time_ms) => as_of_time(time_ms),
        Then::ModSeq(n) => format!("MODSEQ {n}"),
    }
}

pub(super) fn as_of_time(time_ms: i64) -> String {
    when::told(time_ms).replace('T', " ").replace(':', ".").replace('Z', "")
}

fn log_restored(login: &str, mailbox: &MailboxName, undone: Undone) {
    let Undone { messages, flags, .. } = undone;
    Log::MailboxRestored { account: events::Account::new(login), mailbox: mailbox.into(), messages, flags }
        .log();
}

fn told(mailbox: &MailboxName, undone: Undone) -> String {
    let Undone { messages, flags, gone } = undone;
    let came_back = match messages {
        0 => "no message came back".to_owned(),
        1 => "1 message came back".to_owned(),
        more => format!("{more} messages came back"),
    };
    let flags = match flags {
        0 => String::new(),
        1 => ", and 1 has its flags again".to_owned(),
        more => format!(", and {more} have their flags again"),
    };
    let gone = match gone {
        0 => String::new(),
        1 => "; 1 that was expunged earlier is not kept any more".to_owned(),
        more => format!("; {more} that were expunged earlier are not kept any more"),
    };
    format!("{mailbox}: {came_back}{flags}{gone}")
}

/// The mailbox of that name; where there is none, the one that was deleted last.
async fn find(account: &Arc<Account>, name: &MailboxName) -> Result<MailboxId> {
    if let Some(mailbox) = account.names().await?.mailbox(name) {
        return Ok(mailbox.id);
    }
    Ok(find_deleted(account, name).await?.mailbox.id)
}

async fn find_deleted(account: &Account, name: &MailboxName) -> Result<DeletedMailbox> {
    let deleted = account.deleted_mailboxes().await?.into_iter().find(|deleted| deleted.name == *name);
    deleted.with_context(|| {
        format!("There is no mailbox {name}, and none of that name was deleted that is kept still")
    })
}

pub(super) async fn removed_accounts(accounts: &Accounts) -> Result<Vec<GoneLine>> {
    let line = |removed: &RemovedAccount| GoneLine {
        name: removed.login.to_string(),
        deleted: when::told(removed.time_ms),
        by: None,
        messages: None,
    };
    Ok(accounts.removed().await?.iter().map(line).collect())
}

pub(super) async fn deleted_mailboxes(accounts: &Accounts, login: &str) -> Result<Vec<GoneLine>> {
    let deleted = accounts.named(login)?.deleted_mailboxes().await?;
    let line = |deleted: DeletedMailbox| GoneLine {
        name: deleted.name.to_string(),
        deleted: when::told(deleted.time_ms),
        by: deleted.origin.map(|origin| who(accounts, origin)),
        messages: deleted.head.map(|head| head.messages),
    };
    Ok(deleted.into_iter().map(line).collect())
}

pub(super) async fn undelete_account(accounts: &Accounts, name: &str, under: Option<&str>) -> Result<String> {
    let login = Login::new(name)?;
    let removed = accounts.removed().await?.into_iter().find(|removed| removed.login == login);
    let removed =
        removed.with_context(|| format!("No account {name} was removed, or it is not kept any more"))?;
    let under = under.unwrap_or(name);
    accounts.restore(&removed, under).await?;
    Log::AccountRestored { account: events::Account::new(under) }.log();
    Ok(format!("{under} is there again, with its mail and its password"))
}

pub(super) async fn undelete_mailbox(
    accounts: &Accounts,
    login: &str,
    mailbox: &str,
    under: Option<&str>,
) -> Result<String> {
    let account = accounts.named(login)?;
    let deleted = find_deleted(&account, &MailboxName::new(mailbox)?).await?;
    let name = MailboxName::new(under.unwrap_or(mailbox))?;
    account.undelete_mailbox(&Origin::desk(), &deleted, &name).await?;
    let messages = deleted.head.map_or(0, |head| head.messages.into());
    let undone = Undone { messages, ..Undone::default() };
    log_restored(login, &name, undone);
    Ok(match messages {
        1 => format!("{name} is there again, with 1 message"),
        more => format!("{name} is there again, with {more} messages"),
    })
}

pub(super) async fn undelete_messages(
    accounts: &Accounts,
    login: &str,
    mailbox: &str,
    since_ms: i64,
) -> Result<String> {
    let account = accounts.named(login)?;
    let name = MailboxName::new(mailbox)?;
    let id = account.names().await?.mailbox(&name).map(|mailbox| mailbox.id);
    let id = id.with_context(|| {
        format!(
            "There is no mailbox {name}; one that was deleted comes back with `gatepost undelete mailbox`"
        )
    })?;
    let undone = account.undelete_messages(&Origin::desk(), id, since_ms).await?;
    log_restored(login, &name, undone);
    Ok(told(&name, undone))
}
