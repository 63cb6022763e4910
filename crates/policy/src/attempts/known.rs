//! From where an account is signed in to.

use super::ledger::Ledger;
use super::scale::MAX_FRIENDS;
use crate::network::Network;
use std::time::Duration;
use terms::Moment;

/// A device is known for so long after it last signed in, at least; twice as long at most.
pub const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many devices of an account are known; the one that has not signed in for longest goes first.
pub const MAX_KNOWN_DEVICES: usize = 16;

/// How many accounts' devices are known at least; twice as many at most. 24 octets a device.
pub(super) const MAX_KNOWN_ACCOUNTS: usize = 1 << 16;

/// A kind of client in a network: as near to a device as one can come before it has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Device {
    /// A [wide](Network::wide) one: a telephone has another address in it tomorrow.
    pub(super) network: Network,
    /// What it says that it is, hashed; zero if it has not said.
    pub(super) client: u64,
}

/// How near a device is to those that have signed in to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acquaintance {
    /// It is one of them.
    Known,
    /// Another client, in the network of one of them: a new telephone at home.
    Neighbour,
    Stranger,
}

/// The devices that have signed in to each account, and how many accounts have signed in from each network.
#[derive(Debug)]
pub(super) struct Known {
    /// The last to sign in is the last in its list.
    pub(super) devices: Ledger<u64, Vec<Device>>,
    pub(super) friends: Ledger<Network, u32>,
}

impl Known {
    pub(super) fn new() -> Self {
        let ledger_of_accounts = Ledger::new(MAX_KNOWN_ACCOUNTS, KNOWN_FOR);
        Self { devices: ledger_of_accounts, friends: Ledger::new(MAX_KNOWN_ACCOUNTS, KNOWN_FOR) }
    }

    /// How near a device is to those that have signed in to the account.
    pub(super) fn acquaintance(&self, account: u64, device: &Device) -> Acquaintance {
        let devices = self.devices.get(&account).map(Vec::as_slice).unwrap_or_default();
        if devices.contains(device) {
            Acquaintance::Known
        } else if devices.iter().any(|known| known.network == device.network) {
            Acquaintance::Neighbour
        } else {
            Acquaintance::Stranger
        }
    }

    /// Accounts that have signed in from there, up to [`MAX_FRIENDS`].
    pub(super) fn friends(&self, network: Network) -> u32 {
        self.friends.get(&network).copied().unwrap_or_default()
    }

    pub(super) fn note(&mut self, account: u64, device: Device, now: Moment) {
        let mut devices = self.devices.get(&account).cloned().unwrap_or_default();
        if devices.iter().all(|known| known.network != device.network) {
            let friends = self.friends(device.network).saturating_add(1).min(MAX_FRIENDS);
            self.friends.put(device.network, friends, now);
        }
        devices.retain(|known| *known != device);
        if devices.len() >= MAX_KNOWN_DEVICES {
            devices.remove(0);
        }
        devices.push(device);
        self.devices.put(account, devices, now);
    }
}
