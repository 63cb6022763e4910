//! Which records are of one password: a better hash is no other password, and ends nobody's session.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use store::AccountId;

/// Most renewals that are remembered. Each is needed until those who began to sign in by the old record are in, or not; of
/// one that is forgotten sooner they are told that their password is wrong, and try again.
const MAX_RENEWALS: usize = 1_024;

/// The latest records that took the place of others of the same password. That they are of the same password is true
/// whether the store has taken them or not.
#[derive(Debug, Default)]
pub(super) struct Renewals(Mutex<VecDeque<Renewal>>);

#[derive(Debug)]
struct Renewal {
    account: AccountId,
    old: Box<[u8]>,
    fresh: Box<[u8]>,
}

impl Renewals {
    /// `fresh` is of the password that `old` is of.
    pub(super) fn remember(&self, account: AccountId, old: &[u8], fresh: &[u8]) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() >= MAX_RENEWALS {
            latest.pop_front();
        }
        latest.push_back(Renewal { account, old: old.into(), fresh: fresh.into() });
    }

    /// Whether one record of an account is known to be of the password that an earlier one was of.
    pub(super) fn is_same_password(&self, account: AccountId, old: &[u8], now: &[u8]) -> bool {
        let is_it = |known: &Renewal| known.account == account && *known.old == *old && *known.fresh == *now;
        old == now || self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_the_same_password_as_the_one_that_it_renewed_and_as_no_other() {
        let renewals = Renewals::default();
        let (ann, ben) = (AccountId(1), AccountId(2));
        renewals.remember(ann, b"old", b"fresh");
        for (account, old, now, is_same) in [
            (ann, &b"old"[..], &b"fresh"[..], true),
            (ann, b"old", b"old", true),
            (ann, b"fresh", b"old", false),
            (ann, b"old", b"other", false),
            (ben, b"old", b"fresh", false),
        ] {
            assert_eq!(renewals.is_same_password(account, old, now), is_same, "{account:?} {old:?} {now:?}");
        }
    }

    #[test]
    fn no_more_renewals_are_remembered_than_the_limit_says() {
        let renewals = Renewals::default();
        for n in 0..=MAX_RENEWALS as u64 {
            renewals.remember(AccountId(n), b"old", b"fresh");
        }
        let is_known = |n| renewals.is_same_password(AccountId(n), b"old", b"fresh");
        assert!(!is_known(0) && is_known(1) && is_known(MAX_RENEWALS as u64));
    }
}
