//! How much an account may hold (RFC 9208), and what of it is used.
//!
//! What is used is nobody's to write down: it is the sum of the mailboxes' heads. What may be used is the server's usual
//! quota, but where the account has an [`Allowance`] of its own.

use super::state::{Account, Limits};
use std::fmt;

/// Limits for all mailboxes of an account together; `None` for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// STORAGE, in octets: the sum of the messages' sizes.
    pub octets: Option<u64>,
    /// MESSAGE: how many messages.
    pub messages: Option<u64>,
    /// MAILBOX: how many mailboxes, INBOX included.
    pub mailboxes: Option<u64>,
}

impl Quota {
    /// No limits.
    pub const NONE: Self = Self { octets: None, messages: None, mailboxes: None };

    /// Whether an account that holds `held` may grow to `then`. One that holds too much already may shrink, and move
    /// messages from one mailbox to another.
    ///
    /// # Errors
    /// It would hold more of something, and too much of it.
    pub fn check(&self, held: Usage, then: Usage) -> Result<(), OverQuota> {
        let over =
            |before: u64, after: u64, most: Option<u64>| most.filter(|most| after > before && after > *most);
        if let Some(most) = over(held.octets, then.octets, self.octets) {
            return Err(OverQuota::Storage(most));
        }
        over(held.messages, then.messages, self.messages)
            .map_or(Ok(()), |most| Err(OverQuota::Messages(most)))
    }
}

/// What messages take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The sum of their sizes.
    pub octets: u64,
    /// How many there are.
    pub messages: u64,
}

impl Usage {
    /// With `more` besides.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            octets: self.octets.saturating_add(more.octets),
            messages: self.messages.saturating_add(more.messages),
        }
    }

    /// Without `less`.
    #[must_use]
    pub const fn minus(self, less: Self) -> Self {
        Self {
            octets: self.octets.saturating_sub(less.octets),
            messages: self.messages.saturating_sub(less.messages),
        }
    }
}

impl From<crate::Head> for Usage {
    fn from(head: crate::Head) -> Self {
        Self { octets: head.octets, messages: head.messages.into() }
    }
}

/// What an account is allowed of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allowance {
    /// As much as every account.
    #[default]
    Usual,
    /// Whatever it likes.
    Unlimited,
    /// So much.
    AtMost(u64),
}

impl Allowance {
    const fn or(self, usual: Option<u64>) -> Option<u64> {
        match self {
            Self::Usual => usual,
            Self::Unlimited => None,
            Self::AtMost(most) => Some(most),
        }
    }
}

/// What an account is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Of STORAGE, in octets.
    pub octets: Allowance,
    /// Of MESSAGE.
    pub messages: Allowance,
    /// Of MAILBOX.
    pub mailboxes: Allowance,
}

/// A resource: how much of it is used, and how much may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What is used.
    pub used: u64,
    /// What may be; `None` for any amount.
    pub most: Option<u64>,
}

/// An account's resources (RFC 9208, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaReport {
    /// STORAGE, in octets.
    pub octets: Measure,
    /// MESSAGE
    pub messages: Measure,
    /// MAILBOX. It always has a limit: the one that no account passes.
    pub mailboxes: Measure,
}

impl Account {
    /// What it is allowed in its own right.
    #[must_use]
    pub const fn allowances(&self) -> Allowances {
        self.allowances
    }

    /// Its limits.
    #[must_use]
    pub fn quota(&self, limits: &Limits) -> Quota {
        let (own, usual) = (self.allowances, limits.quota);
        Quota {
            octets: own.octets.or(usual.octets),
            messages: own.messages.or(usual.messages),
            mailboxes: own.mailboxes.or(usual.mailboxes),
        }
    }

    /// Its limits, and what is used of them where its messages take `usage`.
    #[must_use]
    pub fn quota_report(&self, usage: Usage, limits: &Limits) -> QuotaReport {
        let Quota { octets, messages, mailboxes } = self.quota(limits);
        let hard = limits.mailboxes as u64;
        QuotaReport {
            octets: Measure { used: usage.octets, most: octets },
            messages: Measure { used: usage.messages, most: messages },
            mailboxes: Measure {
                used: self.mailboxes.len() as u64,
                most: Some(mailboxes.map_or(hard, |most| most.min(hard))),
            },
        }
    }
}

/// An account would hold too much: `OVERQUOTA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverQuota {
    /// More octets than these.
    Storage(u64),
    /// More messages than these.
    Messages(u64),
    /// More mailboxes than these.
    Mailboxes(u64),
}

impl fmt::Display for OverQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("This account may hold ")?;
        match self {
            Self::Storage(octets) => write!(f, "{} of mail", Octets(*octets))?,
            Self::Messages(messages) => write!(f, "{messages} messages")?,
            Self::Mailboxes(mailboxes) => write!(f, "{mailboxes} mailboxes")?,
        }
        f.write_str(", and this would be more; delete something first")
    }
}

impl std::error::Error for OverQuota {}

/// Octets for people: rounded down to a unit that leaves them some digits.
struct Octets(u64);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            octets if octets >= 10 << 30 => write!(f, "{} GiB", octets >> 30),
            octets if octets >= 10 << 20 => write!(f, "{} MiB", octets >> 20),
            octets if octets >= 10 << 10 => write!(f, "{} KiB", octets >> 10),
            octets => write!(f, "{octets} octets"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn usage(octets: u64, messages: u64) -> Usage {
        Usage { octets, messages }
    }

    #[test]
    fn an_account_may_grow_up_to_its_quota_and_shrink_from_beyond_it() {
        let quota = Quota { octets: Some(100), messages: Some(3), mailboxes: None };
        assert_eq!(quota.check(usage(0, 0), usage(100, 3)), Ok(()));
        assert_eq!(quota.check(usage(0, 0), usage(101, 1)), Err(OverQuota::Storage(100)));
        assert_eq!(quota.check(usage(0, 0), usage(1, 4)), Err(OverQuota::Messages(3)));
        assert_eq!(quota.check(usage(200, 9), usage(150, 8)), Ok(()));
        assert_eq!(quota.check(usage(200, 9), usage(200, 9)), Ok(()), "a move within the account");
        assert_eq!(quota.check(usage(200, 2), usage(200, 3)), Ok(()), "a message of no octets");
        assert_eq!(Quota::NONE.check(usage(0, 0), usage(u64::MAX, u64::MAX)), Ok(()));
    }

    #[test]
    fn an_allowance_of_its_own_goes_before_what_is_usual() {
        assert_eq!(Allowance::Usual.or(Some(1)), Some(1));
        assert_eq!(Allowance::Unlimited.or(Some(1)), None);
        assert_eq!(Allowance::AtMost(0).or(None), Some(0));
    }

    #[test]
    fn what_is_too_much_is_said_in_units_that_people_read() {
        let why = |octets| OverQuota::Storage(octets).to_string();
        assert!(why(2 << 30).starts_with("This account may hold 2048 MiB of mail, and this would"));
        assert!(why(900).starts_with("This account may hold 900 octets"));
    }
}
