//! Sessions that have signed in.

use crate::tally::Tally;
use std::fmt;
use terms::AccountId;

/// How many sessions one account may have at once: five clients with a dozen connections each, and their webmail.
pub const DEFAULT_SESSIONS: usize = 64;

/// Counts the sessions of each account.
#[derive(Debug)]
pub struct Sessions {
    per_account: usize,
    open: Tally<AccountId>,
}

impl Sessions {
    /// None yet; at most `per_account` of each account.
    #[must_use]
    pub fn new(per_account: usize) -> Self {
        Self { per_account, open: Tally::default() }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// The account has its number already; nothing was counted.
    pub fn admit(&mut self, account: AccountId) -> Result<SessionPermit, TooManySessions> {
        if self.open.count(&account) >= self.per_account {
            return Err(TooManySessions(self.per_account));
        }
        self.open.add(account);
        Ok(SessionPermit(account))
    }

    /// The accounts that have any, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.open.keys().copied()
    }

    /// The session is gone.
    pub fn release(&mut self, SessionPermit(account): SessionPermit) {
        self.open.remove(&account);
    }
}

/// One session was counted. Give it back to [`Sessions::release`].
#[derive(Debug)]
#[must_use = "a permit that is not released counts for ever"]
pub struct SessionPermit(AccountId);

/// The account has as many sessions as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManySessions(pub usize);

impl fmt::Display for TooManySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "This account has {} connections already; close a mail program and try again", self.0)
    }
}

impl std::error::Error for TooManySessions {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_refused_at_its_limit_and_others_are_not() {
        let mut sessions = Sessions::new(2);
        let first = sessions.admit(AccountId(1)).unwrap();
        let _second = sessions.admit(AccountId(1)).unwrap();
        assert_eq!(sessions.admit(AccountId(1)).err(), Some(TooManySessions(2)));
        assert!(sessions.admit(AccountId(2)).is_ok());
        assert_eq!(sessions.accounts().map(|id| id.0).sum::<u64>(), 3);
        sessions.release(first);
        assert!(sessions.admit(AccountId(1)).is_ok());
        assert_eq!(sessions.open.entries(), 2);
    }
}
