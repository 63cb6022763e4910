//! The desk: what an admin asks for, whether the server runs or not.
//!
//! A request is performed by whoever has the data directory open: the running server, asked through a Unix socket in
//! that directory (a JSON line each way), or else the command line itself.

mod bring_back;
mod certificates;
mod client_certificates;
mod keyrings;
mod limits;
mod links;
mod mailboxes;
mod purge;
mod quota;
mod socket;
mod store;
mod undo;

pub(crate) use bring_back::{BackLine, Job, Line, READY, Whither};
pub(crate) use certificates::{AcmeLine, CertificateLine, Keeper, line as certificate_line};
pub(crate) use client_certificates::{BoundBy, BoundLine, CertificateWanted, hex};
pub(crate) use keyrings::{
    AppPasswordLine, AppPasswordMade, AppPasswordWanted, ExposedLine, OwnPassword, UseLine,
};
pub(crate) use limits::{LimitLine, Whom};
pub(crate) use links::LinkLine;
pub(crate) use mailboxes::{MailboxLine, StatusLine};
pub(crate) use purge::{PurgeLine, PurgeRequest, Whose};
pub(crate) use quota::{Allowed, QuotaChange, QuotaUse, Used};
pub(crate) use socket::{Desk, Transport, ask, ask_for_stream, is_open};
pub(crate) use store::{AfterCheck, CheckReport, FindingLine, StatsLine, unreadable};
pub(crate) use undo::{GoneLine, HistoryLine, Target, Then};

use crate::meter;
use crate::office::Office;
use crate::say::complaint;
use anyhow::{Context, Result};
use events::{Account, Event};
use mail::{Accounts, Certainty};
use mailbox::account::directory;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that an admin wants.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    AddAccount {
        name: String,
        password: Password,
    },
    /// Accounts with hashes that were made elsewhere, by their names.
    ImportAccounts {
        accounts: Vec<(String, Password)>,
    },
    /// An account of somebody whom a directory elsewhere knows.
    AddLinkedAccount {
        name: String,
        link: LinkLine,
    },
    LinkAccount {
        name: String,
        link: LinkLine,
    },
    UnlinkAccount {
        name: String,
        directory: String,
    },
    RenameAccount {
        name: String,
        new: String,
    },
    ListAccounts,
    SetPassword {
        name: String,
        password: Password,
    },
    RemoveAccount {
        name: String,
    },
    DisableAccount {
        name: String,
    },
    EnableAccount {
        name: String,
    },
    Quota {
        name: String,
        change: QuotaChange,
    },
    AddAppPassword(AppPasswordWanted),
    ListAppPasswords {
        account: String,
    },
    RevokeAppPassword {
        account: String,
        called: String,
    },
    BindCertificate(CertificateWanted),
    ListBoundCertificates {
        account: String,
    },
    UnbindCertificate {
        account: String,
        called: String,
    },
    ClearExposure {
        account: String,
    },
    SetOwnPassword {
        account: String,
        own_password: OwnPassword,
    },
    ListMailboxes {
        account: String,
    },
    MailboxStatus {
        account: String,
        mailbox: Option<String>,
    },
    CreateMailbox {
        account: String,
        mailbox: String,
        uses: Vec<String>,
    },
    History {
        account: String,
        mailbox: String,
        limit: u32,
    },
    Restore {
        account: String,
        mailbox: String,
        then: Then,
        target: Target,
    },
    ListRemovedAccounts,
    ListDeletedMailboxes {
        account: String,
    },
    UndeleteAccount {
        name: String,
        under: Option<String>,
    },
    UndeleteMailbox {
        account: String,
        mailbox: String,
        under: Option<String>,
    },
    UndeleteMessages {
        account: String,
        mailbox: String,
        since_ms: i64,
    },
    CheckStore {
        account: Option<String>,
        then: AfterCheck,
    },
    ScrubStore,
    CompactStore {
        everything: bool,
    },
    StoreStats {
        account: Option<String>,
    },
    SweepStore,
    Metrics,
    CertificateStatus,
    RenewCertificate {
        name: Option<String>,
    },
    ListLimits,
    ClearLimits {
        whom: Whom,
    },
    Purge(PurgeRequest),
    /// Once this is granted, the connection is the import's.
    Import {
        account: String,
    },
    /// Once this is granted, the connection is the export's.
    Export {
        account: String,
    },
    /// Once this is granted, the connection is the backup's.
    Backup,
    /// Once this is granted, the connection tells how far the bringing back is.
    BringBack(Box<Job>),
}

impl Request {
    /// Whether it is to mend what it meets.
    pub(crate) const fn mends(&self) -> bool {
        matches!(self, Self::CheckStore { then: AfterCheck::Mend, .. })
    }
}

/// A password on its way to the hash. It prints as `…`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// It is done; a sentence about it.
    Done(String),
    /// The accounts, in the order of their names.
    Accounts(Vec<AccountLine>),
    /// Of accounts that were to be imported, how many are, and why the others are not.
    AccountsImported { added: usize, left: Vec<String> },
    /// What an account may hold, and what it holds.
    Quota(QuotaUse),
    /// An app password that was made.
    AppPassword(AppPasswordMade),
    /// The app passwords of an account, in the order in which they were made.
    AppPasswords(Vec<AppPasswordLine>),
    /// The client certificates of an account, in the order in which they were bound.
    BoundCertificates(Vec<BoundLine>),
    /// Mailboxes in the order of their names.
    Mailboxes(Vec<MailboxLine>),
    /// What is in them.
    Statuses(Vec<StatusLine>),
    /// What happened to a mailbox, newest first.
    History(Vec<HistoryLine>),
    /// What was deleted, the last one first.
    Gone(Vec<GoneLine>),
    /// What a check of the store found.
    Checked(Box<CheckReport>),
    /// What is in the store.
    Stats(Box<StatsLine>),
    /// What is measured, as Prometheus reads it.
    Metrics(String),
    /// The certificates, those first that clients get who ask for no name.
    Certificates(Vec<CertificateLine>),
    /// What failed logins are held against.
    Limits(Vec<LimitLine>),
    /// What a purge took.
    Purged(PurgeLine),
    /// It is not done, and why.
    Refused(String),
}

/// An account by its name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountLine {
    pub(crate) name: String,
    pub(crate) standing: Standing,
    /// When a password of it was sent in clear, if nobody has looked after that since.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) exposed: Option<ExposedLine>,
    /// Who its owner is elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) links: Vec<LinkLine>,
}

/// Whether an account may be signed in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    Enabled,
    Disabled,
    /// The directory that its owner comes from lets them in no more.
    Barred,
    /// It cannot be, as long as part of the directory is lost and it is not known whether it may.
    InDoubt,
}

impl From<directory::Standing> for Standing {
    fn from(standing: directory::Standing) -> Self {
        match standing {
            directory::Standing::Enabled => Self::Enabled,
            directory::Standing::Disabled => Self::Disabled,
        }
    }
}

/// An account that is there already stays as it is; where the store fails, it is said what was done before.
async fn import_accounts(office: &Office, wanted: Vec<(String, Password)>) -> Result<Reply> {
    let recorded = |(name, hash): (String, Password)| {
        let record = office.foreign_record(&hash.0);
        Ok((name, record.context("a hash is not one")?))
    };
    // All of them before any: what is refused halfway would be counted by nobody.
    let wanted = wanted.into_iter().map(recorded).collect::<Result<Vec<_>>>()?;
    let (mut added, mut left) = (0, Vec::new());
    for (name, record) in wanted {
        match office.accounts.add(&name, &record).await {
            Ok(_) => {
                Event::AccountAdded { account: Account::new(&name) }.log();
                added += 1;
            }
            Err(why) => left.push(format!("{name}: {why}")),
        }
    }
    Ok(Reply::AccountsImported { added, left })
}

/// Does what is asked.
pub(crate) async fn perform(office: &Office, request: Request) -> Reply {
    try_perform(office, request).await.unwrap_or_else(|why| Reply::Refused(complaint(&why)))
}

async fn try_perform(office: &Office, request: Request) -> Result<Reply> {
    let accounts = &office.accounts;
    Ok(match request {
        Request::AddAccount { name, password } => {
            accounts.add(&name, &office.record(&password.0).await?).await?;
            Event::AccountAdded { account: Account::new(&name) }.log();
            Reply::Done(format!("{name} is added"))
        }
        Request::ImportAccounts { accounts: wanted } => import_accounts(office, wanted).await?,
        Request::AddLinkedAccount { name, link } => Reply::Done(links::add(office, &name, &link).await?),
        Request::LinkAccount { name, link } => Reply::Done(links::link(office, &name, &link).await?),
        Request::UnlinkAccount { name, directory } => {
            Reply::Done(links::unlink(office, &name, &directory).await?)
        }
        Request::RenameAccount { name, new } => Reply::Done(links::rename(office, &name, &new).await?),
        Request::ListAccounts => Reply::Accounts(account_lines(accounts).await?),
        Request::SetPassword { name, password } => {
            accounts.set_credential(&name, &office.next_record(&name, &password.0).await?).await?;
            Event::PasswordChanged { account: Account::new(&name) }.log();
            Reply::Done(links::has_new_password(accounts, &name))
        }
        Request::RemoveAccount { name } => {
            let id = accounts.named(&name)?.id();
            accounts.remove(&name).await?;
            Event::AccountRemoved { account: Account::new(&name) }.log();
            if let Err(why) = office.imports.forget(id).await {
                tracing::warn!(%why, "what was imported into it is still remembered, until the next start");
            }
            Reply::Done(format!("{name} is removed"))
        }
        Request::DisableAccount { name } => {
            accounts.set_standing(&name, directory::Standing::Disabled).await?;
            Event::AccountDisabled { account: Account::new(&name) }.log();
            Reply::Done(format!("{name} is disabled: nobody can sign in to it, and its mail stays"))
        }
        Request::EnableAccount { name } => {
            accounts.set_standing(&name, directory::Standing::Enabled).await?;
            Event::AccountEnabled { account: Account::new(&name) }.log();
            Reply::Done(format!("{name} is enabled"))
        }
        Request::Quota { name, change } => {
            let (told, changed) = quota::change(&*accounts.named(&name)?, &change).await?;
            if changed == quota::Changed::Yes {
                Event::QuotaChanged { account: Account::new(&name) }.log();
            }
            Reply::Quota(told)
        }
        Request::AddAppPassword(wanted) => Reply::AppPassword(keyrings::add(office, wanted).await?),
        Request::ListAppPasswords { account } => Reply::AppPasswords(keyrings::list(office, &account).await?),
        Request::RevokeAppPassword { account, called } => {
            Reply::Done(keyrings::revoke(office, &account, &called).await?)
        }
        Request::BindCertificate(wanted) => Reply::Done(client_certificates::bind(office, &wanted).await?),
        Request::ListBoundCertificates { account } => {
            Reply::BoundCertificates(client_certificates::list(office, &account)?)
        }
        Request::UnbindCertificate { account, called } => {
            Reply::Done(client_certificates::unbind(office, &account, &called).await?)
        }
        Request::ClearExposure { account } => Reply::Done(keyrings::clear_exposure(office, &account).await?),
        Request::SetOwnPassword { account, own_password } => {
            Reply::Done(keyrings::set_own_password(office, &account, own_password).await?)
        }
        Request::ListMailboxes { account } => {
            Reply::Mailboxes(mailboxes::list(&*accounts.named(&account)?).await?)
        }
        Request::MailboxStatus { account, mailbox } => {
            Reply::Statuses(mailboxes::status(&*accounts.named(&account)?, mailbox.as_deref()).await?)
        }
        Request::CreateMailbox { account, mailbox, uses } => {
            mailboxes::create(&*accounts.named(&account)?, &account, &mailbox, &uses).await?;
            Reply::Done(format!("{mailbox} is made"))
        }
        Request::History { account, mailbox, limit } => {
            Reply::History(undo::history(accounts, &account, &mailbox, limit).await?)
        }
        Request::Restore { account, mailbox, then, target } => {
            Reply::Done(undo::restore(accounts, &account, &mailbox, then, target).await?)
        }
        Request::ListRemovedAccounts => Reply::Gone(undo::removed_accounts(accounts).await?),
        Request::ListDeletedMailboxes { account } => {
            Reply::Gone(undo::deleted_mailboxes(accounts, &account).await?)
        }
        Request::UndeleteAccount { name, under } => {
            Reply::Done(undo::undelete_account(accounts, &name, under.as_deref()).await?)
        }
        Request::UndeleteMailbox { account, mailbox, under } => {
            Reply::Done(undo::undelete_mailbox(accounts, &account, &mailbox, under.as_deref()).await?)
        }
        Request::UndeleteMessages { account, mailbox, since_ms } => {
            Reply::Done(undo::undelete_messages(accounts, &account, &mailbox, since_ms).await?)
        }
        Request::CheckStore { account, then } => {
            Reply::Checked(Box::new(store::check(office, account.as_deref(), then).await?))
        }
        Request::ScrubStore => {
            office.store.scrub();
            Reply::Done("everything is read and tested now, and what is found is in the server's log".into())
        }
        Request::CompactStore { everything } => Reply::Done(store::compact(office, everything).await?),
        Request::StoreStats { account } => {
            Reply::Stats(Box::new(store::stats(office, account.as_deref()).await?))
        }
        Request::ListLimits => Reply::Limits(limits::list(office)),
        Request::ClearLimits { whom } => Reply::Done(limits::clear(office, &whom)?),
        Request::Metrics => Reply::Metrics(meter::page(office).await?),
        Request::CertificateStatus => Reply::Certificates(certificates::status(office).await?),
        Request::RenewCertificate { name } => {
            Reply::Done(certificates::renew(office, name.as_deref()).await?)
        }
        Request::SweepStore => Reply::Done(store::sweep(office).await?),
        Request::Purge(purge) => Reply::Purged(purge::purge(office, purge).await?),
        Request::Import { account } => {
            accounts.named(&account)?;
            Reply::Done(format!("{account} can be filled"))
        }
        Request::Export { account } => {
            accounts.named(&account)?;
            Reply::Done(format!("{account} can be taken"))
        }
        Request::Backup => Reply::Done("a backup can be taken".to_owned()),
        Request::BringBack(job) => {
            bring_back::check(office, &job)?;
            Reply::Done(format!("{} can be brought back", job.account))
        }
    })
}

async fn account_lines(accounts: &Accounts) -> Result<Vec<AccountLine>> {
    let standing = |id| match accounts.certainty(id) {
        Certainty::Doubtful => Some(Standing::InDoubt),
        Certainty::Whole | Certainty::OfThisOne => match accounts.standing(id)? {
            directory::Standing::Enabled if accounts.is_barred(id) => Some(Standing::Barred),
            standing => Some(standing.into()),
        },
    };
    let mut lines = Vec::new();
    for (login, id) in accounts.list() {
        // One that has been removed meanwhile is not listed.
        let Some(standing) = standing(id) else { continue };
        let exposed = accounts.exposure(id).await?.map(ExposedLine::from);
        let links = accounts.links(login.as_str()).iter().map(LinkLine::from).collect();
        lines.push(AccountLine { name: login.to_string(), standing, exposed, links });
    }
    Ok(lines)
}
