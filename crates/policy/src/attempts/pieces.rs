//! How what is remembered over a restart is written: a piece at a time, so that nobody who wants to sign in meanwhile waits for
//! more than one. What changes between two pieces may be in the state or not; what does not change is in it.

use super::known::{Friends, KnownDevice, MAX_KNOWN_ACCOUNTS, MAX_KNOWN_DEVICES, Second};
use super::ledger::{Generation, PARTS};
use super::scale::{ACCOUNT, ADDRESS, NETWORK, PAIR, Scale, WIDER};
use super::score::Score;
use super::state::{Kind, MAGIC};
use super::{Attempts, Pair};
use crate::network::{Network, Wide};
use std::ops::Deref;
use terms::Moment;

/// No piece is longer, in octets.
pub const MAX_PIECE_OCTETS: usize = MAX_KNOWN_ACCOUNTS / PARTS * MAX_KNOWN_DEVICES * 38;

/// A table of which pieces are taken.
#[derive(Clone, Copy, Debug)]
enum Table {
    Addresses,
    Networks,
    Wider,
    Accounts,
    Pairs,
    Devices,
    Friends,
}

const TABLES: [Table; 7] = [
    Table::Addresses,
    Table::Networks,
    Table::Wider,
    Table::Accounts,
    Table::Pairs,
    Table::Devices,
    Table::Friends,
];

/// Where a piece is.
#[derive(Clone, Copy, Debug)]
struct Place {
    generation: Generation,
    table: Table,
    part: usize,
}

impl Attempts {
    /// Writes what is to be [remembered over a restart](Self::from_state), in pieces of [`MAX_PIECE_OCTETS`] at most. `attempts`
    /// gives access to them and is asked anew for each piece: where others share them, they are held no longer than it takes
    /// to copy that. `second` is that of the calendar, since 1970.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn write_state<A: Deref<Target = Self>, E>(
        mut attempts: impl FnMut() -> A,
        now: Moment,
        second: u64,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let names = attempts().keys.names;
        let mut piece = [MAGIC.as_slice(), &names, &second.to_be_bytes()].concat();
        let mut sum = blake3::Hasher::new();
        sum.update(&piece);
        write(&piece)?;
        for place in places() {
            piece.clear();
            attempts().copy(place, now, &mut piece);
            sum.update(&piece);
            write(&piece)?;
        }
        write(sum.finalize().as_bytes())
    }

    fn copy(&self, Place { generation, table, part }: Place, now: Moment, out: &mut Vec<u8>) {
        match table {
            Table::Addresses => {
                let scores = self.addresses.part(part, generation);
                write_scores(out, Kind::Address, scores, &ADDRESS, now, write_network);
            }
            Table::Networks => {
                let scores = self.networks.part(part, generation);
                write_scores(out, Kind::Network, scores, &NETWORK, now, write_network);
            }
            Table::Wider => {
                let scores = self.wider.part(part, generation);
                write_scores(out, Kind::Wider, scores, &WIDER, now, write_network);
            }
            Table::Accounts => {
                let scores = self.accounts.part(part, generation);
                write_scores(out, Kind::Account, scores, &ACCOUNT, now, write_account);
            }
            Table::Pairs => {
                let scores = self.pairs.part(part, generation);
                write_scores(out, Kind::Pair, scores, &PAIR, now, write_pair);
            }
            Table::Devices => write_devices(out, self.known.devices.part(part, generation), now),
            Table::Friends => write_friends(out, self.known.friends.part(part, generation), now),
        }
    }
}

/// The old generation of everything first: what is read last is what is remembered longest.
fn places() -> impl Iterator<Item = Place> {
    [Generation::Old, Generation::Young].into_iter().flat_map(|generation| {
        let place = move |table| (0..PARTS).map(move |part| Place { generation, table, part });
        TABLES.into_iter().flat_map(place)
    })
}

fn write_scores<'a, K: 'a>(
    out: &mut Vec<u8>,
    kind: Kind,
    scores: impl Iterator<Item = (&'a K, &'a Score)>,
    scale: &Scale,
    now: Moment,
    write_key: impl Fn(&mut Vec<u8>, &K),
) {
    for (key, score) in scores {
        let score = score.as_of(now, scale);
        if !score.is_nothing() {
            out.push(kind as u8);
            write_key(out, key);
            out.extend_from_slice(&score.thousandths().to_be_bytes());
            out.extend_from_slice(&score.failures().to_be_bytes());
        }
    }
}

fn write_devices<'a>(
    out: &mut Vec<u8>,
    devices: impl Iterator<Item = (&'a u64, &'a Vec<KnownDevice>)>,
    now: Moment,
) {
    let second = Second::of(now);
    for (account, devices) in devices {
        for known in devices.iter().filter(|known| known.is_known(second)) {
            out.push(Kind::Device as u8);
            write_pair(out, &Pair { account: *account, device: known.device });
            out.extend_from_slice(&second.since(known.seen).to_be_bytes());
        }
    }
}

fn write_friends<'a>(out: &mut Vec<u8>, friends: impl Iterator<Item = (&'a Wide, &'a Friends)>, now: Moment) {
    for (network, Friends { this_month, before, since }) in friends {
        out.push(Kind::Friends as u8);
        write_network(out, &network.network());
        for part in [*this_month, *before, Second::of(now).since(*since)] {
            out.extend_from_slice(&part.to_be_bytes());
        }
    }
}

fn write_account(out: &mut Vec<u8>, account: &u64) {
    out.extend_from_slice(&account.to_be_bytes());
}

fn write_network(out: &mut Vec<u8>, network: &Network) {
    let (base, length) = network.to_parts();
    out.extend_from_slice(&base.to_be_bytes());
    out.push(length);
}

fn write_pair(out: &mut Vec<u8>, pair: &Pair) {
    write_account(out, &pair.account);
    write_network(out, &pair.device.network.network());
    out.extend_from_slice(&pair.device.client.to_be_bytes());
}
