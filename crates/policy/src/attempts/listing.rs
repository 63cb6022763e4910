//! What is held against whom, for whoever runs the server; and letting them off.

use super::ledger::Ledger;
use super::scale::{ACCOUNT, ADDRESS, NETWORK, Scale, WIDER};
use super::score::Score;
use super::verdict::{Scope, Verdict};
use super::{Attempts, score};
use crate::network::{Network, Wide};
use std::cmp::Reverse;
use std::net::IpAddr;
use terms::Moment;

/// No more are listed; those with the most failures come first.
pub const MAX_LISTED: usize = 1_000;

/// Something that failures are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What.
    pub subject: Subject,
    /// Of which kind it is.
    pub scope: Scope,
    /// Failures that have not leaked yet, rounded down.
    pub failures: u32,
    /// What a stranger hears who tries now.
    pub verdict: Verdict,
}

/// Against what failures are held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Addresses.
    Network(Network),
    /// An account, by its name.
    Account(String),
}

impl Attempts {
    /// What has failures that have not leaked yet. Accounts are listed whose names are among those given: we keep hashes of
    /// names alone, and of those that nobody has there are as many as strangers like.
    #[must_use]
    pub fn list<'a>(&self, names: impl Iterator<Item = &'a str>, now: Moment) -> Vec<Listed> {
        let mut listed = Vec::new();
        for (ledger, scale) in
            [(&self.addresses, &ADDRESS), (&self.networks, &NETWORK), (&self.wider, &WIDER)]
        {
            listed.extend(self.list_networks(ledger, scale, now));
        }
        listed.extend(names.filter_map(|name| self.list_account(name, now)));
        listed.sort_by(|one, other| {
            (Reverse(one.failures), one.scope, &one.subject).cmp(&(
                Reverse(other.failures),
                other.scope,
                &other.subject,
            ))
        });
        listed.truncate(MAX_LISTED);
        listed
    }

    /// Takes back what is held against an address and its networks, and against accounts from there; how many entries that
    /// was.
    pub fn clear_address(&mut self, address: IpAddr) -> usize {
        let (narrow, wide, wider) =
            (Network::narrow(address), Network::wide(address), Network::wider(address));
        let here = Wide::of(address);
        self.changes += 1;
        self.addresses.forget(|key| *key == narrow)
            + self.networks.forget(|key| *key == wide)
            + self.wider.forget(|key| *key == wider)
            + self.pairs.forget(|pair| pair.device.network == here)
    }

    /// Takes back what is held against an account, from wherever; how many entries that was.
    pub fn clear_account(&mut self, name: &str) -> usize {
        let key = self.account_key(name);
        self.changes += 1;
        self.accounts.forget(|account| *account == key) + self.pairs.forget(|pair| pair.account == key)
    }

    /// Takes back all that is held against anybody. Who is known stays so. How many entries that was.
    pub fn clear(&mut self) -> usize {
        self.changes += 1;
        let of_networks = [&mut self.addresses, &mut self.networks, &mut self.wider];
        let networks: usize = of_networks.into_iter().map(|ledger| ledger.forget(|_| true)).sum();
        networks + self.accounts.forget(|_| true) + self.pairs.forget(|_| true)
    }

    fn list_networks<'a>(
        &self,
        ledger: &'a Ledger<Network, Score>,
        scale: &'a Scale,
        now: Moment,
    ) -> impl Iterator<Item = Listed> + use<'a, '_> {
        ledger.iter().filter_map(move |(network, score)| {
            let friends = self.known.friends(network.widened(), now);
            let scale = scale.among(friends);
            let score = score.as_of(now, &scale);
            let verdict = scale.judge(score, now);
            let failures = score.failures_now();
            let subject = Subject::Network(*network);
            (failures > 0).then_some(Listed { subject, scope: scale.scope, failures, verdict })
        })
    }

    fn list_account(&self, name: &str, now: Moment) -> Option<Listed> {
        let score = score(&self.accounts, &self.account_key(name), &ACCOUNT, now);
        let verdict = ACCOUNT.judge(score, now);
        let (subject, failures) = (Subject::Account(name.to_owned()), score.failures_now());
        (failures > 0).then_some(Listed { subject, scope: Scope::Account, failures, verdict })
    }
}
