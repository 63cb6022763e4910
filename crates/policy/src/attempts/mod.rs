//! Guessing passwords is slow, and does not keep out whose passwords they are.
//!
//! Each failure is held against five things: the address, its network, the wider network, the account, and the account from
//! that network. Each bears some failures, makes the next ones wait, then refuses, and forgets with time. Whoever signs in
//! from where the account has been signed in to before goes by what failed *there* alone: what strangers do, to the account or
//! from the same address, does not keep them out.
//!
//! Names of accounts are kept as keyed hashes; so are wrong passwords, by a key that is never written down.

mod known;
mod ledger;
mod listing;
mod pieces;
mod scale;
mod score;
mod state;
mod under_way;
mod verdict;

pub use known::{KNOWN_FOR, MAX_KNOWN_DEVICES};
pub use listing::{Listed, MAX_LISTED, Subject};
pub use pieces::MAX_PIECE_OCTETS;
pub use scale::{FIRST_DELAY, LONGEST_DELAY};
pub use state::{Damaged, MAX_STATE_OCTETS};
pub use under_way::{Begun, MAX_UNDER_WAY};
pub use verdict::{Scope, Verdict};

use crate::network::{Network, Wide};
use known::{Acquaintance, Device, Known};
use ledger::Ledger;
use scale::{
    ACCOUNT, ADDRESS, CLEAN_RESERVE, CLEAN_UNTIL, FRIENDLY_RESERVE, KNOWN_UNTIL, NETWORK, PAIR,
    PAIR_BEHIND_PROXY, Scale, WIDER, delay,
};
use score::{FORGET_AFTER, Score, WHOLE};
use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;
use terms::Moment;
use under_way::{Sums, UnderWay};

/// How many of each kind are remembered at least; twice as many at most. Some 50 octets each, and what a table takes.
pub const MAX_REMEMBERED: usize = 1 << 16;

/// For how long a wrong password that comes again is not counted again, at least; twice as long at most. That is what a
/// telephone does whose owner has changed the password.
pub const SAME_PASSWORD_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What a wrong password that comes again costs its address, in thousandths of a failure, where the account is not known: it
/// tells nobody anything, but it is hashed.
const OF_A_REPETITION: u32 = WHOLE / 64;

/// What a failure of a known device costs its address and networks, in thousandths: most are passwords that were changed.
const OF_A_KNOWN_DEVICE: u32 = WHOLE / 4;

/// Keys of 32 random octets for what is kept hashed. They print as `…`.
#[derive(Clone)]
pub struct Keys {
    /// Of names. It is written into the [state](Attempts::write_state), or nothing in it could be found again.
    pub names: [u8; 32],
    /// Of wrong passwords, which are typing errors of right ones. It is never written.
    pub passwords: [u8; 32],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Somebody who wants to sign in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// From where, once proxies that are believed have said so.
    pub from: IpAddr,
    /// What the client says that it is, if it does.
    pub client: Option<&'a str>,
    /// To what: the account's own name where there is such an account, so that no way of writing it is a way around its
    /// limits; else the name that was typed, in the form in which names are compared.
    pub account: &'a str,
}

/// By what a wrong password is met again. It is of no use without the key, prints as `…`, and is never written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A failure that was counted, for whoever may have to take it back. Its account is not told.
#[derive(Clone, Debug)]
pub struct Charge {
    keys: Found,
    weights: Weights,
}

/// What became of telling a failure.
#[derive(Clone, Debug)]
#[must_use]
pub struct Failure {
    /// How long the answer waits, what it has waited before included.
    pub delay: Duration,
    /// What was counted. [`Attempts::succeeded`] takes it back where the same session comes to sign in to the same account
    /// after all: clients try one mechanism after the other.
    pub charge: Charge,
}

/// All failures that are held against anybody, and who is known.
#[derive(Debug)]
pub struct Attempts {
    addresses: Ledger<Network, Score>,
    networks: Ledger<Network, Score>,
    wider: Ledger<Network, Score>,
    accounts: Ledger<u64, Score>,
    pairs: Ledger<Pair, Score>,
    wrong: Ledger<u64, ()>,
    under_way: UnderWay,
    known: Known,
    trusted: Vec<Network>,
    keys: Keys,
    changes: u64,
}

/// Who is counted for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    address: Network,
    network: Network,
    wider: Network,
    pair: Pair,
    nearness: Nearness,
    acquaintance: Acquaintance,
}

/// An account from one network, by one kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair {
    account: u64,
    device: Device,
}

/// Whether addresses say anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nearness {
    /// It is that of a proxy or a webmail, for all of its users.
    Trusted,
    Public,
}

/// What becomes of an attempt that is to be looked at if it may be.
#[derive(Debug)]
#[must_use]
pub enum Asked {
    /// It is to be looked at as the verdict says, and to be [ended](Attempts::ended) then.
    Begun(Verdict, Box<Begun>),
    /// It is not to be looked at, as the verdict says.
    Refused(Verdict),
    /// If what is being looked at just now turns out to be wrong, this is too much: ask again in a moment.
    Crowded,
}

/// What is held against whom.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// What was wrong.
    Failures,
    /// That, and what is being looked at.
    UnderWayToo,
}

/// How much of a failure each of them bears, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weights {
    networks: u32,
    address: u32,
    account: u32,
    pair: u32,
}

impl Attempts {
    /// Nothing has failed yet, and nobody is known. `trusted` are networks whose addresses stand for nobody: proxies,
    /// webmail; of those, accounts alone are counted.
    #[must_use]
    pub fn new(keys: Keys, trusted: Vec<Network>) -> Self {
        let scores = || Ledger::new(MAX_REMEMBERED, FORGET_AFTER);
        Self {
            addresses: scores(),
            networks: scores(),
            wider: scores(),
            accounts: Ledger::new(MAX_REMEMBERED, FORGET_AFTER),
            pairs: Ledger::new(MAX_REMEMBERED, FORGET_AFTER),
            wrong: Ledger::new(MAX_REMEMBERED, SAME_PASSWORD_FOR),
            under_way: UnderWay::default(),
            known: Known::new(),
            trusted,
            keys,
            changes: 0,
        }
    }

    /// What becomes of an attempt. This is asked before anything is spent on it, and changes nothing: that an attempt came is
    /// no failure, and one that is refused costs nothing.
    pub fn ask(&self, attempt: &Attempt<'_>, now: Moment) -> Verdict {
        self.judge(&self.find(attempt, now), Counting::Failures, now)
    }

    /// The same for an attempt that is looked at now, if it may be: until it has [ended](Self::ended), others are judged as if
    /// it were wrong, so that many at one moment are no way around what one after the other comes to. Nobody is refused for
    /// that which may turn out to be right: they are asked to wait. The same password counts once.
    pub fn begin(&mut self, attempt: &Attempt<'_>, typed: Option<Fingerprint>, now: Moment) -> Asked {
        let found = self.find(attempt, now);
        let verdict = self.judge(&found, Counting::Failures, now);
        if let Verdict::Refuse { .. } = verdict {
            return Asked::Refused(verdict);
        }
        let at_worst = self.judge(&found, Counting::UnderWayToo, now);
        if self.under_way.is_full() || severity(at_worst) > severity(verdict) {
            return Asked::Crowded;
        }
        let is_repeated =
            typed.is_some_and(|typed| self.wrong.get(&typed.0).is_some() || self.under_way.looks_at(typed));
        let begun = Begun { keys: found, weights: Weights::of(&found, is_repeated), typed };
        self.under_way.add(&begun);
        Asked::Begun(verdict, Box::new(begun))
    }

    /// An attempt that has begun is not being looked at any more. If it was wrong, that is [told](Self::failed) first.
    pub fn ended(&mut self, begun: &Begun) {
        self.under_way.take(begun);
    }

    /// Whether this comes from somewhere the account has been signed in to before.
    #[must_use]
    pub fn knows(&self, attempt: &Attempt<'_>, now: Moment) -> bool {
        self.find(attempt, now).acquaintance == Acquaintance::Known
    }

    /// By what a password is met again if it turns out to be wrong. It is made before it is looked at.
    #[must_use]
    pub fn fingerprint(&self, attempt: &Attempt<'_>, typed: &[u8]) -> Fingerprint {
        let mut hasher = blake3::Hasher::new_keyed(&self.keys.passwords);
        hasher.update(&self.account_key(attempt.account).to_be_bytes()).update(typed);
        Fingerprint(short(&hasher.finalize()))
    }

    /// An attempt was looked at, and was wrong. There is no `typed` where a proof was given, which tells no password.
    ///
    /// Only what was wrong is told here, or what a directory was handed and had no answer to: that we, or a directory, could not
    /// look at all is nobody's failure.
    pub fn failed(&mut self, attempt: &Attempt<'_>, typed: Option<Fingerprint>, now: Moment) -> Failure {
        let found = self.find(attempt, now);
        let is_repeated = typed.is_some_and(|typed| self.is_repeated(typed, now));
        let weights = Weights::of(&found, is_repeated);
        self.charge(&found, &weights, now);
        self.changes += 1;
        Failure { delay: self.answer_after(&found, now), charge: Charge { keys: found, weights } }
    }

    /// An attempt was looked at, and was right. Of `earlier`, what failed in the same session, those are taken back that
    /// were meant for the same account: who has an account of their own shall not guess at others for nothing.
    pub fn succeeded(&mut self, attempt: &Attempt<'_>, earlier: Vec<Charge>, now: Moment) {
        let found = self.find(attempt, now);
        self.take_back_at(&found, earlier);
        self.known.note(found.pair.account, found.pair.device, now);
        self.changes += 1;
    }

    /// The same of an attempt that had no name: nobody is known by it.
    pub fn succeeded_without_name(&mut self, attempt: &Attempt<'_>, earlier: Vec<Charge>, now: Moment) {
        let found = self.find(attempt, now);
        self.take_back_at(&found, earlier);
        self.changes += 1;
    }

    fn take_back_at(&mut self, found: &Found, earlier: Vec<Charge>) {
        for Charge { keys, weights } in earlier {
            if keys.pair.account == found.pair.account {
                self.take_back(&keys, &weights);
            }
        }
    }

    /// Grows with each change, so that whoever writes the [state](Self::write_state) knows whether there is anything to write.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    fn judge(&self, found: &Found, counting: Counting, now: Moment) -> Verdict {
        let pair = self.of_pair(found, counting, now);
        let of_pair = found.pair_scale().judge(pair, now);
        let of_networks = || self.of_networks(found, counting, now);
        match found.acquaintance {
            Acquaintance::Known if pair.failures_now() < KNOWN_UNTIL => of_pair,
            Acquaintance::Known => found.bearable(of_pair).max(of_networks()),
            Acquaintance::Neighbour => of_pair.max(of_networks()),
            Acquaintance::Stranger => of_pair.max(of_networks()).max(self.of_account(found, counting, now)),
        }
    }

    fn of_pair(&self, found: &Found, counting: Counting, now: Moment) -> Score {
        let failed = score(&self.pairs, &found.pair, found.pair_scale(), now);
        counting.with(failed, &self.under_way.pairs, &found.pair)
    }

    fn of_networks(&self, found: &Found, counting: Counting, now: Moment) -> Verdict {
        if found.nearness == Nearness::Trusted {
            return Verdict::Go;
        }
        let friends = self.friends(found, now);
        let judge = |ledger, under_way, network, scale: Scale| {
            let scale = scale.among(friends);
            scale.judge(counting.with(score(ledger, network, &scale, now), under_way, network), now)
        };
        let under_way = &self.under_way;
        let of_address = judge(&self.addresses, &under_way.addresses, &found.address, ADDRESS);
        let of_network = judge(&self.networks, &under_way.networks, &found.network, NETWORK);
        of_address.max(of_network).max(judge(&self.wider, &under_way.wider, &found.wider, WIDER))
    }

    fn of_account(&self, found: &Found, counting: Counting, now: Moment) -> Verdict {
        let more = match (self.is_clean(found, counting, now), self.friends(found, now)) {
            (false, _) => 0,
            (true, 0) => CLEAN_RESERVE,
            (true, _) => CLEAN_RESERVE + FRIENDLY_RESERVE,
        };
        let failed = score(&self.accounts, &found.pair.account, &ACCOUNT, now);
        let failed = counting.with(failed, &self.under_way.accounts, &found.pair.account);
        ACCOUNT.bearing(more).judge(failed, now)
    }

    /// Whether nothing much is held against an address, leaked or not: a few failures at this account, and none at others
    /// than might be those of people who are known there. Who goes from one account to the next is not clean.
    fn is_clean(&self, found: &Found, counting: Counting, now: Moment) -> bool {
        let here = self.of_pair(found, counting, now).failures();
        let everywhere = score(&self.addresses, &found.address, &ADDRESS, now);
        let everywhere = counting.with(everywhere, &self.under_way.addresses, &found.address).failures();
        let elsewhere = everywhere.saturating_sub(here);
        here < CLEAN_UNTIL && elsewhere <= self.friends(found, now)
    }

    /// How many accounts have signed in from there.
    fn friends(&self, found: &Found, now: Moment) -> u32 {
        self.known.friends(found.pair.device.network, now)
    }

    fn is_repeated(&mut self, Fingerprint(typed): Fingerprint, now: Moment) -> bool {
        let is_repeated = self.wrong.get(&typed).is_some();
        if !is_repeated {
            self.wrong.put(typed, (), now);
        }
        is_repeated
    }

    fn charge(&mut self, found: &Found, weights: &Weights, now: Moment) {
        let Found { address, network, wider, pair, .. } = *found;
        let friends = self.friends(found, now);
        let account = ACCOUNT.bearing(CLEAN_RESERVE + FRIENDLY_RESERVE);
        add(&mut self.addresses, address, weights.address, &ADDRESS.among(friends), now);
        add(&mut self.networks, network, weights.networks, &NETWORK.among(friends), now);
        add(&mut self.wider, wider, weights.networks, &WIDER, now);
        add(&mut self.accounts, pair.account, weights.account, &account, now);
        add(&mut self.pairs, pair, weights.pair, found.pair_scale(), now);
    }

    fn take_back(&mut self, found: &Found, weights: &Weights) {
        let Found { address, network, wider, pair, .. } = *found;
        self.addresses.alter(&address, |score| score.minus(weights.address));
        self.networks.alter(&network, |score| score.minus(weights.networks));
        self.wider.alter(&wider, |score| score.minus(weights.networks));
        self.accounts.alter(&pair.account, |score| score.minus(weights.account));
        self.pairs.alter(&pair, |score| score.minus(weights.pair));
    }

    /// A wrong answer waits from the first failure on: the pair's, or the address's beyond what it bears.
    fn answer_after(&self, found: &Found, now: Moment) -> Duration {
        let of_pair =
            score(&self.pairs, &found.pair, found.pair_scale(), now).failures_now().saturating_sub(1);
        let of_address = score(&self.addresses, &found.address, &ADDRESS, now).failures_now();
        delay(of_pair.max(of_address.saturating_sub(ADDRESS.free)))
    }

    fn find(&self, attempt: &Attempt<'_>, now: Moment) -> Found {
        let client = attempt.client.map_or(0, |client| self.hash("client", client));
        let device = Device { network: Wide::of(attempt.from), client };
        let pair = Pair { account: self.account_key(attempt.account), device };
        let is_trusted = self.trusted.iter().any(|network| network.holds(attempt.from));
        Found {
            address: Network::narrow(attempt.from),
            network: Network::wide(attempt.from),
            wider: Network::wider(attempt.from),
            pair,
            nearness: if is_trusted { Nearness::Trusted } else { Nearness::Public },
            acquaintance: self.known.acquaintance(pair.account, &pair.device, now),
        }
    }

    fn account_key(&self, name: &str) -> u64 {
        self.hash("account", name)
    }

    fn hash(&self, purpose: &str, text: &str) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.keys.names);
        hasher.update(purpose.as_bytes()).update(&[0]).update(text.as_bytes());
        short(&hasher.finalize())
    }
}

impl Counting {
    fn with<K: Eq + Hash>(self, failed: Score, under_way: &Sums<K>, key: &K) -> Score {
        match self {
            Self::Failures => failed,
            Self::UnderWayToo => failed.and(under_way.of(key)),
        }
    }
}

/// How much of an attempt is looked at, whatever it waits.
const fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Go | Verdict::Wait(_) => 0,
        Verdict::Recall { .. } => 1,
        Verdict::Refuse { .. } => 2,
    }
}

impl Found {
    const fn pair_scale(&self) -> &'static Scale {
        match (self.nearness, self.acquaintance) {
            (Nearness::Trusted, Acquaintance::Known) => &PAIR_BEHIND_PROXY,
            _ => &PAIR,
        }
    }

    /// What a known device hears of its pair. Where addresses tell who else fails there, those bound what is guessed at
    /// what is known again; where they do not, the pair alone does.
    fn bearable(&self, of_pair: Verdict) -> Verdict {
        match (of_pair, self.nearness) {
            (Verdict::Refuse { until, .. }, Nearness::Public) => Verdict::Recall { until },
            (verdict, _) => verdict,
        }
    }
}

impl Weights {
    const NOTHING: Self = Self { networks: 0, address: 0, account: 0, pair: 0 };

    const fn of(found: &Found, is_repeated: bool) -> Self {
        let of_a_guess = match (is_repeated, found.acquaintance) {
            (true, Acquaintance::Known) => return Self::NOTHING,
            (true, _) => return Self::of_a_repetition(found.nearness),
            (false, Acquaintance::Stranger | Acquaintance::Neighbour) => {
                Self { networks: WHOLE, address: WHOLE, account: WHOLE, pair: WHOLE }
            }
            (false, Acquaintance::Known) => {
                Self { networks: OF_A_KNOWN_DEVICE, address: OF_A_KNOWN_DEVICE, account: 0, pair: WHOLE }
            }
        };
        match found.nearness {
            Nearness::Public => of_a_guess,
            Nearness::Trusted => Self { networks: 0, address: 0, ..of_a_guess },
        }
    }

    const fn of_a_repetition(nearness: Nearness) -> Self {
        let address = match nearness {
            Nearness::Public => OF_A_REPETITION,
            Nearness::Trusted => 0,
        };
        Self { address, ..Self::NOTHING }
    }
}

fn score<K: Eq + Hash>(ledger: &Ledger<K, Score>, key: &K, scale: &Scale, now: Moment) -> Score {
    ledger.get(key).copied().unwrap_or_default().as_of(now, scale)
}

fn add<K: Eq + Hash>(ledger: &mut Ledger<K, Score>, key: K, weight: u32, scale: &Scale, now: Moment) {
    if weight > 0 {
        let before = ledger.get(&key).copied().unwrap_or_default();
        ledger.put(key, before.plus(weight, now, scale), now);
    }
}

fn short(hash: &blake3::Hash) -> u64 {
    let octets = hash.as_bytes().first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(octets)
}

#[cfg(test)]
mod tests;
