//! The store, tested, mended and counted at the desk.

mod settled;

use crate::office::Office;
use crate::sweeper;
use anyhow::{Result, bail};
use events::{Event, Sentence};
use mail::{Mending, Pace, Swept, Unreadable};
use mailbox::account::directory::Login;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use store::{AccountId, StoreError};
use store_local::{Check, Damage, Extent, Lost, Progress, Tally};
use terms::MailboxName;

/// The index's file.
const INDEX: &str = "index.redb";

/// How long an index may be in the making before a check is given up, in pauses.
const PATIENCE: u32 = 600;
const PAUSE: Duration = Duration::from_millis(100);

/// What a check found; behind a repair, what it still finds.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct CheckReport {
    pub(crate) segments: u64,
    pub(crate) records: u64,
    pub(crate) entries: u64,
    pub(crate) body_files: u64,
    pub(crate) octets: u64,
    pub(crate) accounts: u64,
    pub(crate) mailboxes: u64,
    pub(crate) messages: u64,
    /// Parts of files that are not what was written.
    pub(crate) damages: Vec<DamageLine>,
    /// What cannot be had for it, or does not fit together.
    pub(crate) findings: Vec<FindingLine>,
    /// Damages that cost nothing, and that are known since a repair.
    pub(crate) settled: u64,
    /// Files of bodies that nothing names. They do no harm.
    pub(crate) unnamed_files: Vec<String>,
    /// What was right again behind a repair.
    pub(crate) mended: Vec<FindingLine>,
    /// What a repair tried in vain, and why.
    pub(crate) left: Vec<FindingLine>,
}

/// What follows when everything has been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AfterCheck {
    /// What was found is told.
    Tell,
    /// It is mended, as far as that can be.
    Mend,
}

/// Part of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DamageLine {
    pub(crate) file: String,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) detail: String,
    /// What lay there and is needed.
    pub(crate) lost: Vec<String>,
}

/// Something of an account.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FindingLine {
    pub(crate) account: String,
    pub(crate) mailbox: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    pub(crate) what: String,
}

/// What is in the store, or of an account in it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatsLine {
    pub(crate) segments: u64,
    pub(crate) log_octets: u64,
    pub(crate) index_octets: u64,
    pub(crate) streams: u64,
    pub(crate) events: u64,
    pub(crate) snapshots: u64,
    pub(crate) records: u64,
    pub(crate) bodies: u64,
    pub(crate) body_files: u64,
    pub(crate) body_file_octets: u64,
    /// Octets of the log that are in use.
    pub(crate) log_octets_in_use: u64,
}

impl CheckReport {
    pub(crate) const fn is_clean(&self) -> bool {
        self.damages.is_empty() && self.findings.is_empty() && self.left.is_empty()
    }
}

impl DamageLine {
    /// Whether nothing that is needed lay in a part of the log.
    fn costs_nothing(&self) -> bool {
        self.lost.is_empty() && self.file != INDEX
    }
}

impl From<&Damage> for DamageLine {
    fn from(damage: &Damage) -> Self {
        Self {
            file: damage.file.clone(),
            from: damage.from,
            to: damage.to,
            detail: damage.detail.clone(),
            lost: damage.lost.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Tests everything, or what is one account's.
pub(crate) async fn check(office: &Office, account: Option<&str>, then: AfterCheck) -> Result<CheckReport> {
    let only = id_of(office, account)?;
    let (report, damages) = examine(office, only).await?;
    match then {
        AfterCheck::Tell => Ok(report),
        AfterCheck::Mend => mend(office, only, report, &damages).await,
    }
}

async fn examine(office: &Office, only: Option<AccountId>) -> Result<(CheckReport, Vec<Damage>)> {
    let check = office.store.check(only);
    let (mut damages, tally) = tokio::task::spawn_blocking(move || run_through(check)).await??;
    let settled = settled::of(office).await?;
    let found = damages.len();
    damages.retain(|damage| !settled.covers(damage));
    let store = Arc::clone(&office.store);
    let unnamed = match only {
        None => tokio::task::spawn_blocking(move || store.unnamed_files()).await??,
        Some(_) => Vec::new(),
    };
    let mut report = CheckReport {
        segments: tally.segments,
        records: tally.records,
        entries: tally.entries,
        body_files: tally.body_files,
        octets: tally.octets,
        damages: damages.iter().map(DamageLine::from).collect(),
        settled: (found - damages.len()) as u64,
        unnamed_files: unnamed.iter().map(|path| path.display().to_string()).collect(),
        ..CheckReport::default()
    };
    for (login, id) in chosen(office, only) {
        let checked = office.accounts.account(id).check(&unreadable(&damages, id)).await?;
        report.accounts += 1;
        report.mailboxes += checked.mailboxes;
        report.messages += checked.messages;
        report.findings.extend(checked.findings.into_iter().map(|finding| FindingLine {
            account: login.to_string(),
            mailbox: finding.mailbox.to_string(),
            uid: finding.uid.map(|uid| uid.get()),
            what: finding.what,
        }));
    }
    Ok((report, damages))
}

fn chosen(office: &Office, only: Option<AccountId>) -> impl Iterator<Item = (Login, AccountId)> {
    office.accounts.list().into_iter().filter(move |(_, id)| only.is_none_or(|only| only == *id))
}

/// Mends what can be; what a second look still finds could not be saved.
async fn mend(
    office: &Office,
    only: Option<AccountId>,
    before: CheckReport,
    damages: &[Damage],
) -> Result<CheckReport> {
    let mut mended: Vec<FindingLine> =
        office.mended.iter().map(|what| of_all_accounts(what.clone())).collect();
    let mut left = Vec::new();
    if only.is_none() {
        let store = Arc::clone(&office.store);
        let headers = tokio::task::spawn_blocking(move || store.mend_headers()).await??;
        mended.extend(headers.into_iter().map(of_all_accounts));
        mended.extend(office.accounts.repair(&*office.store).await?.into_iter().map(of_all_accounts));
    }
    for (login, id) in chosen(office, only).collect::<Vec<_>>() {
        let repaired = office.accounts.account(id).repair(&*office.store, &unreadable(damages, id)).await?;
        let line = |mending: Mending| FindingLine {
            account: login.to_string(),
            mailbox: mending.mailbox.map(|name| name.to_string()).unwrap_or_default(),
            uid: mending.uid.map(|uid| uid.get()),
            what: mending.what,
        };
        mended.extend(repaired.mended.into_iter().map(line));
        left.extend(repaired.left.into_iter().map(line));
    }
    let (after, damages) = examine(office, only).await?;
    let was_there =
        |line: &DamageLine| line.file == INDEX && !after.damages.iter().any(|now| now.file == INDEX);
    if before.damages.iter().any(was_there) {
        mended.push(of_all_accounts(format!("{INDEX} was made again from the log")));
    }
    mended.iter().for_each(tell);
    let mut report = CheckReport { mended, left, ..after };
    if only.is_none() {
        settled::keep(office, &damages).await?;
        let (lost, settled): (Vec<_>, Vec<_>) =
            std::mem::take(&mut report.damages).into_iter().partition(|damage| !damage.costs_nothing());
        report.settled += settled.len() as u64;
        report.damages = lost;
    }
    Ok(report)
}

const fn of_all_accounts(what: String) -> FindingLine {
    FindingLine { account: String::new(), mailbox: String::new(), uid: None, what }
}

fn tell(mended: &FindingLine) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let account = some(&mended.account).map(|name| events::Account::new(&name));
    let mailbox = some(&mended.mailbox).and_then(|name| MailboxName::new(&name).ok());
    let mailbox = mailbox.as_ref().map(events::Mailbox::from);
    let (uid, done) = (mended.uid.map(u64::from), Sentence::new(&mended.what));
    Event::StoreMended { account, mailbox, uid, done }.log();
}

/// What of an account cannot be read for these damages.
pub(crate) fn unreadable(damages: &[Damage], id: AccountId) -> Unreadable {
    let mut unreadable = Unreadable::default();
    for lost in damages.iter().flat_map(|damage| &damage.lost).filter(|lost| lost.account() == id) {
        match lost {
            Lost::Record { email, .. } => drop(unreadable.records.insert(*email)),
            Lost::Body { body, .. } => drop(unreadable.bodies.insert(*body)),
            Lost::Event { stream, .. } | Lost::Snapshot { stream, .. } => {
                unreadable.streams.extend([stream.number]);
            }
        }
    }
    unreadable
}

fn run_through(mut check: Check) -> Result<(Vec<Damage>, Tally)> {
    let mut waited = 0;
    loop {
        match check.step()? {
            Progress::Read(_) => {}
            Progress::Waits if waited < PATIENCE => {
                waited += 1;
                std::thread::sleep(PAUSE);
            }
            Progress::Waits => bail!("the index is damaged and could not be made again"),
            Progress::Done => return Ok((check.damages().to_vec(), check.tally())),
        }
    }
}

/// Frees what is needed no more, and says how much that was.
pub(crate) async fn compact(office: &Office, everything: bool) -> Result<String> {
    let store = Arc::clone(&office.store);
    let extent = if everything { Extent::Everything } else { Extent::Worthwhile };
    let done = tokio::task::spawn_blocking(move || store.compact(extent)).await??;
    if let Some(why) = done.put_off {
        bail!("not everything could be freed now: {why}");
    }
    let freed = done.octets_before.saturating_sub(done.octets_after);
    let mut sentence = format!("{} segments were rewritten, and {freed} octets are free", done.segments);
    if done.damaged > 0 {
        let damaged = done.damaged;
        sentence += &format!("; {damaged} are damaged and stay as they are (gatepost store check)");
    }
    Ok(sentence)
}

/// Counts what is there.
pub(super) async fn stats(office: &Office, account: Option<&str>) -> Result<StatsLine> {
    let only = id_of(office, account)?;
    let store = Arc::clone(&office.store);
    let stats = tokio::task::spawn_blocking(move || store.stats(only)).await??;
    Ok(StatsLine {
        segments: stats.segments,
        log_octets: stats.log_octets,
        index_octets: stats.index_octets,
        streams: stats.streams,
        events: stats.events,
        snapshots: stats.snapshots,
        records: stats.records,
        bodies: stats.bodies,
        body_files: stats.body_files,
        body_file_octets: stats.body_file_octets,
        log_octets_in_use: stats.log_octets_in_use,
    })
}

/// Sweeps now, by the clock as it is: an admin says that it is right.
pub(super) async fn sweep(office: &Office) -> Result<String> {
    let report = office.accounts.sweep(office.retention, Pace::Trusting).await?;
    if report.behind_ms.is_none() {
        bail!("the clock of this machine shows a time before there was Gatepost; set it, and try again");
    }
    sweeper::tell(&report, &mut BTreeSet::new());
    let Swept { records, octets, mailboxes, accounts, .. } = report.swept;
    let left: Vec<_> =
        report.left.iter().map(|left| format!("\n{} is left as it is: {}", left.login, left.why)).collect();
    Ok(format!(
        "gone for good: {records} messages with {octets} octets, {mailboxes} mailboxes, {accounts} accounts{}",
        left.concat()
    ))
}

/// What came of giving space back.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Space {
    /// Octets that have left the log.
    pub(crate) log_octets_freed: u64,
    /// Octets of the log that nothing needs, and that are there still.
    pub(crate) log_octets_left: u64,
    /// Why not everything could leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) put_off: Option<String>,
}

/// What a purge has let go of leaves the disk: an account's, or everybody's.
pub(super) async fn give_space_back(office: &Office, of: Option<AccountId>) -> Result<Space> {
    let store = Arc::clone(&office.store);
    let extent = of.map_or(Extent::Everything, Extent::AllOf);
    let (done, stats) = tokio::task::spawn_blocking(move || {
        Ok::<_, StoreError>((store.compact(extent)?, store.stats(None)?))
    })
    .await??;
    Ok(Space {
        log_octets_freed: done.octets_before.saturating_sub(done.octets_after),
        log_octets_left: stats.log_octets.saturating_sub(stats.log_octets_in_use),
        put_off: done.put_off.map(str::to_owned),
    })
}

fn id_of(office: &Office, account: Option<&str>) -> Result<Option<AccountId>> {
    Ok(account.map(|name| office.accounts.named(name).map(|account| account.id())).transpose()?)
}
