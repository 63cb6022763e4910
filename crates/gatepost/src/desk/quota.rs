//! What an account may hold, as it is asked for and told at the desk.

use anyhow::Result;
use mail::{Account, Origin};
use mailbox::account::{Allowance, Allowances, Measure};
use serde::{Deserialize, Serialize};

/// Limits to change; those that are `None` stay.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct QuotaChange {
    pub(crate) storage_octets: Option<Allowed>,
    pub(crate) messages: Option<Allowed>,
    pub(crate) mailboxes: Option<Allowed>,
}

/// How much of something an account is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Allowed {
    /// As much as the settings say.
    Usual,
    /// Any amount.
    Unlimited,
    /// So much.
    AtMost(u64),
}

/// What is used, and what may be: `None` for any amount.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) used: u64,
    pub(crate) limit: Option<u64>,
}

/// An account's resources.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct QuotaUse {
    pub(crate) storage_octets: Used,
    pub(crate) messages: Used,
    pub(crate) mailboxes: Used,
}

impl QuotaChange {
    const fn is_empty(&self) -> bool {
        self.storage_octets.is_none() && self.messages.is_none() && self.mailboxes.is_none()
    }

    fn apply(&self, before: Allowances) -> Allowances {
        let or = |change: Option<Allowed>, before| change.map_or(before, Allowance::from);
        Allowances {
            octets: or(self.storage_octets, before.octets),
            messages: or(self.messages, before.messages),
            mailboxes: or(self.mailboxes, before.mailboxes),
        }
    }
}

impl From<Allowed> for Allowance {
    fn from(allowed: Allowed) -> Self {
        match allowed {
            Allowed::Usual => Self::Usual,
            Allowed::Unlimited => Self::Unlimited,
            Allowed::AtMost(most) => Self::AtMost(most),
        }
    }
}

impl From<Measure> for Used {
    fn from(Measure { used, most: limit }: Measure) -> Self {
        Self { used, limit }
    }
}

/// Changes what there is to change, and tells what is so then.
pub(super) async fn change(account: &Account, change: &QuotaChange) -> Result<(QuotaUse, Changed)> {
    let changed = if change.is_empty() { Changed::No } else { Changed::Yes };
    if changed == Changed::Yes {
        account.allow(&Origin::desk(), |before| change.apply(before)).await?;
    }
    let report = account.quota().await?;
    let told = QuotaUse {
        storage_octets: report.octets.into(),
        messages: report.messages.into(),
        mailboxes: report.mailboxes.into(),
    };
    Ok((told, changed))
}

/// Whether limits were asked to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Yes,
    No,
}
