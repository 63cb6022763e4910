//! The store, tested and counted at the desk.

use crate::office::Office;
use anyhow::{Result, bail};
use mail::Unreadable;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use store::AccountId;
use store_local::{Check, Damage, Extent, Lost, Progress, Tally};

/// How long an index may be in the making before a check is given up, in pauses.
const PATIENCE: u32 = 600;
const PAUSE: Duration = Duration::from_millis(100);

/// What a check found.
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
        self.damages.is_empty() && self.findings.is_empty()
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
pub(crate) async fn check(office: &Office, account: Option<&str>) -> Result<CheckReport> {
    let only = id_of(office, account)?;
    let check = office.store.check(only);
    let (damages, tally) = tokio::task::spawn_blocking(move || run_through(check)).await??;
    let mut report = CheckReport {
        segments: tally.segments,
        records: tally.records,
        entries: tally.entries,
        body_files: tally.body_files,
        octets: tally.octets,
        damages: damages.iter().map(DamageLine::from).collect(),
        ..CheckReport::default()
    };
    for (login, id) in office.accounts.list() {
        if only.is_none_or(|only| only == id) {
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
    }
    Ok(report)
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

fn id_of(office: &Office, account: Option<&str>) -> Result<Option<AccountId>> {
    Ok(account.map(|name| office.accounts.named(name).map(|account| account.id())).transpose()?)
}
