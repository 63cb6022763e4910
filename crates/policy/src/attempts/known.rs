//! From where an account is signed in to.

use super::ledger::Ledger;
use super::scale::MAX_FRIENDS;
use crate::network::Wide;
use std::time::Duration;
use terms::Moment;

/// A device is known for so long after it last signed in.
pub const KNOWN_FOR: Duration = Duration::from_secs(KNOWN_FOR_SECONDS as u64);

const KNOWN_FOR_SECONDS: u32 = 30 * 24 * 60 * 60;

/// How many devices of an account are known; the one that has not signed in for longest goes first, of the network of whichever
/// comes if there are any.
pub const MAX_KNOWN_DEVICES: usize = 16;

/// How many accounts' devices are known at least; twice as many at most. 24 octets a device.
pub(super) const MAX_KNOWN_ACCOUNTS: usize = 1 << 16;

/// A kind of client in a network: as near to a device as one can come before it has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Device {
    /// A telephone has another address in it tomorrow.
    pub(super) network: Wide,
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
    pub(super) devices: Ledger<u64, Vec<KnownDevice>>,
    pub(super) friends: Ledger<Wide, Friends>,
}

/// A device, and when it last signed in.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownDevice {
    pub(super) device: Device,
    pub(super) seen: Second,
}

/// As many of them as there may be take 50 MiB.
const _: () = assert!(size_of::<KnownDevice>() == 24, "a device has grown");

/// How many accounts have signed in from a network, in a month and in the one before it: each that comes at all comes to be
/// counted in every month, and who comes no more is not counted for ever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Friends {
    pub(super) this_month: u32,
    pub(super) before: u32,
    /// When this month began, for this network.
    pub(super) since: Second,
}

/// A second of a clock that ran before the server started: what is remembered over a restart is older than that of
/// [`Moment`]s. For 136 years it does not stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Second(u32);

impl Known {
    pub(super) fn new() -> Self {
        let ledger_of_accounts = Ledger::new(MAX_KNOWN_ACCOUNTS, KNOWN_FOR);
        Self { devices: ledger_of_accounts, friends: Ledger::new(MAX_KNOWN_ACCOUNTS, KNOWN_FOR) }
    }

    /// How near a device is to those that have signed in to the account.
    pub(super) fn acquaintance(&self, account: u64, device: &Device, now: Moment) -> Acquaintance {
        let (devices, second) = (self.devices.get(&account), Second::of(now));
        let devices = devices.into_iter().flatten().filter(|known| known.is_known(second));
        let near = devices.filter(|known| known.device.network == device.network);
        near.map(|known| known.device == *device).max().map_or(Acquaintance::Stranger, |is_it| match is_it {
            true => Acquaintance::Known,
            false => Acquaintance::Neighbour,
        })
    }

    /// Accounts that have signed in from there, up to [`MAX_FRIENDS`].
    pub(super) fn friends(&self, network: Wide, now: Moment) -> u32 {
        self.friends.get(&network).map_or(0, |friends| friends.by(Second::of(now)).many())
    }

    pub(super) fn note(&mut self, account: u64, device: Device, now: Moment) {
        let second = Second::of(now);
        let devices = self.devices.get(&account).map(Vec::as_slice).unwrap_or_default();
        let friends = self.friends.get(&device.network).copied().unwrap_or_else(|| Friends::none(second));
        let friends = friends.with(devices, device.network, second);
        self.friends.put(device.network, friends, now);
        self.remember(account, KnownDevice { device, seen: second }, now);
    }

    /// Puts a device behind all others of its account, in place of what was known of it.
    pub(super) fn remember(&mut self, account: u64, known: KnownDevice, now: Moment) {
        let second = Second::of(now);
        let mut devices = self.devices.get(&account).cloned().unwrap_or_default();
        devices.retain(|other| other.device != known.device && other.is_known(second));
        if devices.len() >= MAX_KNOWN_DEVICES {
            devices.remove(first_to_go(&devices, &known));
        }
        devices.push(known);
        self.devices.put(account, devices, now);
    }
}

/// Which device goes for another: the oldest of those that are many in one network with it, else the oldest of all. Whoever
/// calls their client something else each time forgets none that are elsewhere.
fn first_to_go(devices: &[KnownDevice], newcomer: &KnownDevice) -> usize {
    let is_beside = |known: &KnownDevice| known.device.network == newcomer.device.network;
    devices.iter().position(is_beside).unwrap_or_default()
}

impl KnownDevice {
    pub(super) const fn is_known(&self, second: Second) -> bool {
        second.since(self.seen) < KNOWN_FOR_SECONDS
    }
}

impl Friends {
    const fn none(second: Second) -> Self {
        Self { this_month: 0, before: 0, since: second }
    }

    /// The same by a second that may be in another month.
    pub(super) const fn by(self, second: Second) -> Self {
        let months = second.since(self.since) / KNOWN_FOR_SECONDS;
        match months {
            0 => self,
            1 => Self { this_month: 0, before: self.this_month, since: second },
            _ => Self::none(second),
        }
    }

    /// With an account that has signed in now, of which these devices were known before. It counts once a month.
    fn with(self, devices: &[KnownDevice], network: Wide, second: Second) -> Self {
        let friends = self.by(second);
        let is_of_it = |known: &KnownDevice| known.device.network == network && known.seen >= friends.since;
        match devices.iter().any(is_of_it) {
            true => friends,
            false => Self { this_month: friends.this_month.saturating_add(1).min(MAX_FRIENDS), ..friends },
        }
    }

    fn many(self) -> u32 {
        self.this_month.max(self.before)
    }
}

impl Second {
    /// So many were before the clock of [`Moment`]s started: what is older is not remembered of anybody.
    const BEFORE: u32 = 2 * KNOWN_FOR_SECONDS;

    pub(super) fn of(now: Moment) -> Self {
        Self(seconds(now.since(Moment::default())).saturating_add(Self::BEFORE))
    }

    /// So many before, if that is remembered.
    pub(super) fn ago(self, seconds: u32) -> Option<Self> {
        self.0.checked_sub(seconds).map(Self)
    }

    /// How many have passed since.
    pub(super) const fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Whole seconds of a time.
pub(super) fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
