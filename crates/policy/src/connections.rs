//! Connections that have not signed in yet.

use crate::network::Network;
use crate::tally::Tally;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// How many connections may be open before they have signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// From one [narrow](Network::narrow) network.
    pub per_narrow: usize,
    /// From one [wide](Network::wide) network.
    pub per_wide: usize,
    /// From everywhere; this bounds our tables too.
    pub total: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { per_narrow: 64, per_wide: 512, total: 10_000 }
    }
}

/// Counts connections from their acceptance until they sign in or end.
#[derive(Debug)]
pub struct Connections {
    limits: ConnectionLimits,
    narrow: Tally<Network>,
    wide: Tally<Network>,
    /// Each wide network by how many it has, so that the fullest is at the end.
    crowds: BTreeSet<(usize, Network)>,
    total: usize,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(limits: ConnectionLimits) -> Self {
        Self { limits, narrow: Tally::default(), wide: Tally::default(), crowds: BTreeSet::new(), total: 0 }
    }

    /// Counts one more, or says why not.
    ///
    /// # Errors
    /// A limit is reached; nothing was counted.
    pub fn admit(&mut self, from: IpAddr) -> Result<ConnectionPermit, Crowded> {
        let permit = ConnectionPermit { narrow: Network::narrow(from), wide: Network::wide(from) };
        if self.narrow.count(&permit.narrow) >= self.limits.per_narrow {
            return Err(Crowded::Network(permit.narrow));
        }
        if self.wide.count(&permit.wide) >= self.limits.per_wide {
            return Err(Crowded::Network(permit.wide));
        }
        if self.total >= self.limits.total {
            return Err(Crowded::Server);
        }
        let before = self.wide.count(&permit.wide);
        self.narrow.add(permit.narrow);
        self.wide.add(permit.wide);
        self.crowd_is(permit.wide, before, before + 1);
        self.total += 1;
        Ok(permit)
    }

    /// The connection has signed in, or is gone.
    pub fn release(&mut self, permit: ConnectionPermit) {
        let ConnectionPermit { narrow, wide } = permit;
        let before = self.wide.count(&wide);
        self.narrow.remove(&narrow);
        self.wide.remove(&wide);
        self.crowd_is(wide, before, before.saturating_sub(1));
        self.total = self.total.saturating_sub(1);
    }

    /// The [wide](Network::wide) network that has the most, if one has more than one: whoever has to make room in a full
    /// house, it is one of those.
    #[must_use]
    pub fn fullest(&self) -> Option<Network> {
        self.crowds.last().filter(|(count, _)| *count > 1).map(|(_, network)| *network)
    }

    fn crowd_is(&mut self, wide: Network, before: usize, now: usize) {
        self.crowds.remove(&(before, wide));
        if now > 0 {
            self.crowds.insert((now, wide));
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.total
    }
}

/// One connection was counted. Give it back to [`Connections::release`].
#[derive(Debug)]
#[must_use = "a permit that is not released counts for ever"]
pub struct ConnectionPermit {
    narrow: Network,
    wide: Network,
}

impl ConnectionPermit {
    /// The [narrow](Network::narrow) and the [wide](Network::wide) network in which it counts.
    #[must_use]
    pub const fn networks(&self) -> [Network; 2] {
        [self.narrow, self.wide]
    }
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// Too many from this network.
    Network(Network),
    /// Too many at all.
    Server,
}

impl fmt::Display for Crowded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => write!(f, "Too many connections from {network} have not signed in"),
            Self::Server => f.write_str("Too many connections have not signed in"),
        }
    }
}

impl std::error::Error for Crowded {}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn a_network_is_refused_at_its_limit_and_others_are_not() {
        let mut connections = Connections::new(ConnectionLimits::default());
        let mut permits: Vec<_> = (0..64).map(|_| connections.admit(address(1)).unwrap()).collect();
        assert_eq!(connections.admit(address(1)).err(), Some(Crowded::Network(Network::narrow(address(1)))));
        permits.push(connections.admit(address(2)).unwrap());
        connections.release(permits.remove(0));
        assert!(connections.admit(address(1)).is_ok());
    }

    #[test]
    fn a_neighbourhood_and_the_server_have_limits_too() {
        let limits = ConnectionLimits { per_narrow: 2, per_wide: 3, total: 4 };
        let mut connections = Connections::new(limits);
        let _permits: Vec<_> = (0..3).map(|n| connections.admit(address(n)).unwrap()).collect();
        assert_eq!(connections.admit(address(9)).err(), Some(Crowded::Network(Network::wide(address(9)))));
        let _other = connections.admit([198, 51, 100, 1].into()).unwrap();
        assert_eq!(connections.admit([203, 0, 113, 1].into()).err(), Some(Crowded::Server));
    }

    #[test]
    fn what_was_released_leaves_nothing_behind() {
        let mut connections = Connections::new(ConnectionLimits::default());
        for n in 0..10_000_u32 {
            let permit = connections.admit(n.to_be_bytes().into()).unwrap();
            connections.release(permit);
        }
        let entries = [connections.narrow.entries(), connections.wide.entries(), connections.crowds.len()];
        assert_eq!((connections.open(), entries), (0, [0; 3]));
    }

    #[test]
    fn the_fullest_network_is_the_one_with_the_most() {
        let mut connections = Connections::new(ConnectionLimits::default());
        let here = connections.admit(address(1)).unwrap();
        let _elsewhere = connections.admit([198, 51, 100, 1].into()).unwrap();
        assert_eq!(connections.fullest(), None);
        let neighbour = connections.admit(address(2)).unwrap();
        assert_eq!(connections.fullest(), Some(Network::wide(address(1))));
        assert_eq!(here.networks(), [Network::narrow(address(1)), Network::wide(address(1))]);
        connections.release(here);
        connections.release(neighbour);
        assert_eq!(connections.fullest(), None);
    }
}
