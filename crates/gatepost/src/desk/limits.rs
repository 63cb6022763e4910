//! What failed logins are held against, and letting somebody off.

use crate::guesses;
use crate::office::Office;
use anyhow::Result;
use policy::{Listed, Subject, Verdict};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use terms::{Login, Moment};

/// Whom to let off.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Whom {
    Address(IpAddr),
    Account(String),
    Everybody,
}

/// Something that failures are held against.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LimitLine {
    /// `address`, `network`, `wider-network` or `account`.
    pub(crate) scope: String,
    /// Addresses, or the name of an account.
    pub(crate) subject: String,
    /// Failures that are not forgotten yet.
    pub(crate) failures: u32,
    /// For how long strangers are refused, in seconds, if they are.
    pub(crate) refused_seconds: Option<u64>,
    /// How long strangers wait, in milliseconds, if they do.
    pub(crate) wait_ms: Option<u64>,
}

pub(super) fn list(office: &Office) -> Vec<LimitLine> {
    let names = office.accounts.list();
    let (now, listed) = office.failed.list(names.iter().map(|(login, _)| login.as_str()));
    listed.into_iter().map(|entry| line(entry, now)).collect()
}

fn line(Listed { subject, scope, failures, verdict }: Listed, now: Moment) -> LimitLine {
    let (refused_seconds, wait_ms) = match verdict {
        Verdict::Go => (None, None),
        Verdict::Wait(wait) => (None, u64::try_from(wait.as_millis()).ok()),
        Verdict::Recall { until } | Verdict::Refuse { until, .. } => (Some(until.since(now).as_secs()), None),
    };
    let subject = match subject {
        Subject::Network(network) => network.to_string(),
        Subject::Account(name) => name,
    };
    LimitLine { scope: scope.as_str().to_owned(), subject, failures, refused_seconds, wait_ms }
}

/// Lets somebody off. It is written at once, for there may be no server that would do so later.
pub(super) fn clear(office: &Office, whom: &Whom) -> Result<String> {
    let entries = match whom {
        Whom::Address(address) => office.failed.clear_address(*address),
        Whom::Account(name) => {
            let login = Login::new(name)?;
            office.failed.clear_account(login.as_str())
        }
        Whom::Everybody => office.failed.clear(),
    };
    guesses::write(office)?;
    let whom = match whom {
        Whom::Address(address) => address.to_string(),
        Whom::Account(name) => name.clone(),
        Whom::Everybody => "anybody".to_owned(),
    };
    Ok(match entries {
        0 => format!("nothing is held against {whom}"),
        _ => format!("nothing is held against {whom} any more"),
    })
}
