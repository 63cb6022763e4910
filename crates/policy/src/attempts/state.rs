//! What is remembered over a restart.
//!
//! A file of its own, written without a sync: losing it costs attackers nothing that they had not tried before, and costs
//! nobody else anything but a wait. Its form: a line that names it, the key of names, the second in which it was written,
//! records of fixed sizes that begin with their kind, and a checksum of all that. Of records about the same the last is right,
//! and earlier ones are those that are forgotten first. Wrong passwords are not in it. How it is written: [`super::pieces`].
//!
//! Version 1 did not say when devices and networks were seen; of those it is taken to be when it was written.

use super::known::{Device, Friends, KnownDevice, MAX_KNOWN_ACCOUNTS, MAX_KNOWN_DEVICES, Second, seconds};
use super::ledger::Ledger;
use super::scale::{ACCOUNT, ADDRESS, MAX_FRIENDS, NETWORK, PAIR, Scale, WIDER};
use super::score::Score;
use super::{Attempts, Keys, MAX_REMEMBERED, Pair};
use crate::network::{Network, Wide};
use std::fmt;
use std::hash::Hash;
use std::time::Duration;
use terms::Moment;

/// A state is no longer, in octets: no ledger holds more than twice what it remembers at least.
pub const MAX_STATE_OCTETS: usize = HEAD_OCTETS
    + 2 * MAX_REMEMBERED * (3 * 26 + 17 + 42)
    + 2 * MAX_KNOWN_ACCOUNTS * (MAX_KNOWN_DEVICES * 38 + 30)
    + SUM_OCTETS;

/// Names the form and its version.
pub(super) const MAGIC: &[u8; 18] = b"gatepost limits 2\n";
/// The one before, which is read and not written.
const MAGIC_1: &[u8; 18] = b"gatepost limits 1\n";
const HEAD_OCTETS: usize = MAGIC.len() + 32 + 8;
const SUM_OCTETS: usize = 32;

/// It is not a state, is of another version, or has rotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("It is not what was written there, or of another version")
    }
}

impl std::error::Error for Damaged {}

/// What a record is about.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Address = 1,
    Network = 2,
    Wider = 3,
    Account = 4,
    Pair = 5,
    /// Of version 1.
    UndatedDevice = 6,
    /// Of version 1.
    UndatedFriends = 7,
    Device = 8,
    Friends = 9,
}

impl Attempts {
    /// Takes up again what a state says, as it is by now. `passwords` is a new key, for the old one was not written.
    ///
    /// # Errors
    /// It is damaged; then all of it is, and whoever asks begins with nothing.
    pub fn from_state(
        state: &[u8],
        passwords: [u8; 32],
        trusted: Vec<Network>,
        now: Moment,
        second: u64,
    ) -> Result<Self, Damaged> {
        let mut reader = Reader::new(state)?;
        let (names, written) = (reader.take()?, u64::from_be_bytes(reader.take()?));
        let mut attempts = Self::new(Keys { names, passwords }, trusted);
        let elapsed = Duration::from_secs(second.saturating_sub(written));
        while !reader.0.is_empty() {
            attempts.take_up(&mut reader, elapsed, now)?;
        }
        Ok(attempts)
    }

    fn take_up(&mut self, reader: &mut Reader<'_>, elapsed: Duration, now: Moment) -> Result<(), Damaged> {
        let [kind] = reader.take()?;
        match kind {
            kind if kind == Kind::Address as u8 => {
                let (key, score) = (reader.network()?, reader.score(elapsed, &ADDRESS, now)?);
                put(&mut self.addresses, key, score, now);
            }
            kind if kind == Kind::Network as u8 => {
                let (key, score) = (reader.network()?, reader.score(elapsed, &NETWORK, now)?);
                put(&mut self.networks, key, score, now);
            }
            kind if kind == Kind::Wider as u8 => {
                let (key, score) = (reader.network()?, reader.score(elapsed, &WIDER, now)?);
                put(&mut self.wider, key, score, now);
            }
            kind if kind == Kind::Account as u8 => {
                let (key, score) =
                    (u64::from_be_bytes(reader.take()?), reader.score(elapsed, &ACCOUNT, now)?);
                put(&mut self.accounts, key, score, now);
            }
            kind if kind == Kind::Pair as u8 => {
                let (key, score) = (reader.pair()?, reader.score(elapsed, &PAIR, now)?);
                put(&mut self.pairs, key, score, now);
            }
            kind if kind == Kind::UndatedDevice as u8 => {
                let pair = reader.pair()?;
                self.know_again(pair, seconds(elapsed), now);
            }
            kind if kind == Kind::Device as u8 => {
                let (pair, age) = (reader.pair()?, reader.number()?);
                self.know_again(pair, seconds(elapsed).saturating_add(age), now);
            }
            kind if kind == Kind::UndatedFriends as u8 => {
                let (network, many) = (reader.wide()?, reader.number()?);
                self.favour_again(network, [many, 0], seconds(elapsed), now);
            }
            kind if kind == Kind::Friends as u8 => {
                let network = reader.wide()?;
                let (many, age) = ([reader.number()?, reader.number()?], reader.number()?);
                self.favour_again(network, many, seconds(elapsed).saturating_add(age), now);
            }
            _ => return Err(Damaged),
        }
        Ok(())
    }

    fn know_again(&mut self, Pair { account, device }: Pair, age: u32, now: Moment) {
        let second = Second::of(now);
        let known = second.ago(age).map(|seen| KnownDevice { device, seen });
        if let Some(known) = known.filter(|known| known.is_known(second)) {
            self.known.remember(account, known, now);
        }
    }

    fn favour_again(&mut self, network: Wide, many: [u32; 2], age: u32, now: Moment) {
        if let Some(since) = Second::of(now).ago(age) {
            let [this_month, before] = many.map(|many| many.min(MAX_FRIENDS));
            self.known.friends.put(network, Friends { this_month, before, since }, now);
        }
    }
}

fn put<K: Eq + Hash>(ledger: &mut Ledger<K, Score>, key: K, score: Score, now: Moment) {
    if !score.is_nothing() {
        ledger.put(key, score, now);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// What is between the name of the form and the checksum, both of which are right.
    fn new(state: &'a [u8]) -> Result<Self, Damaged> {
        let (rest, sum) = state.split_last_chunk::<SUM_OCTETS>().ok_or(Damaged)?;
        match blake3::hash(rest) == *sum {
            true => rest.strip_prefix(MAGIC).or(rest.strip_prefix(MAGIC_1)).map(Self).ok_or(Damaged),
            false => Err(Damaged),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn network(&mut self) -> Result<Network, Damaged> {
        let (base, [length]) = (u128::from_be_bytes(self.take()?), self.take()?);
        Network::from_parts(base, length).ok_or(Damaged)
    }

    fn wide(&mut self) -> Result<Wide, Damaged> {
        Wide::from_network(self.network()?).ok_or(Damaged)
    }

    fn number(&mut self) -> Result<u32, Damaged> {
        self.take().map(u32::from_be_bytes)
    }

    fn pair(&mut self) -> Result<Pair, Damaged> {
        let account = u64::from_be_bytes(self.take()?);
        let (network, client) = (self.wide()?, u64::from_be_bytes(self.take()?));
        Ok(Pair { account, device: Device { network, client } })
    }

    /// A score, less what has leaked since it was written.
    fn score(&mut self, elapsed: Duration, scale: &Scale, now: Moment) -> Result<Score, Damaged> {
        let (thousandths, failures) = (u32::from_be_bytes(self.take()?), u32::from_be_bytes(self.take()?));
        let thousandths = thousandths.saturating_sub(scale.leaked(elapsed));
        let failures = if elapsed >= super::FORGET_AFTER { 0 } else { failures };
        Ok(Score::new(thousandths, failures, now))
    }
}
