//! Whom an address stands for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that probably belong to one party.
///
/// IPv4 lies within IPv6 as `::ffff:a.b.c.d`, so that a client counts as the same whether our socket speaks one
/// protocol or both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    base: u128,
    /// Of 128 bits.
    length: u8,
}

impl Network {
    /// One customer: /32 of IPv4, /64 of IPv6.
    #[must_use]
    pub fn narrow(address: IpAddr) -> Self {
        Self::around(address, 32, 64)
    }

    /// One customer of another kind, or a small provider: /24 of IPv4, /48 of IPv6.
    #[must_use]
    pub fn wide(address: IpAddr) -> Self {
        Self::around(address, 24, 48)
    }

    /// Part of a provider: /16 of IPv4, /32 of IPv6.
    #[must_use]
    pub fn wider(address: IpAddr) -> Self {
        Self::around(address, 16, 32)
    }

    /// The [wide](Self::wide) network that its first address is in.
    pub(crate) fn widened(self) -> Wide {
        Wide::of(Ipv6Addr::from(self.base).into())
    }

    /// Its first address within IPv6, and how many of its bits count.
    pub(crate) const fn to_parts(self) -> (u128, u8) {
        (self.base, self.length)
    }

    /// The network of such parts, if they are some.
    pub(crate) fn from_parts(base: u128, length: u8) -> Option<Self> {
        (length <= 128 && base & !mask(length) == 0).then_some(Self { base, length })
    }

    /// The network of `address` of which all addresses share so many bits; more than the address has are as many as it
    /// has.
    #[must_use]
    pub fn of(address: IpAddr, bits: u8) -> Self {
        match address {
            // An IPv4 address within IPv6, and bits that are counted there.
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
                Self::around(address, bits.saturating_sub(V4_WITHIN_V6).min(32), bits)
            }
            _ => Self::around(address, bits.min(32), bits.min(128)),
        }
    }

    /// Whether an address is one of it.
    #[must_use]
    pub fn holds(self, address: IpAddr) -> bool {
        let bits = match address.to_canonical() {
            // The other way round nothing of IPv4 is within a network that is wider than all of it.
            IpAddr::V4(_) if self.length < V4_WITHIN_V6 => return false,
            IpAddr::V4(_) => Self::around(address, self.length - V4_WITHIN_V6, 0),
            IpAddr::V6(_) => Self::around(address, 0, self.length),
        };
        bits == self
    }

    fn around(address: IpAddr, v4_length: u8, v6_length: u8) -> Self {
        let (address, length) = match address.to_canonical() {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped(), V4_WITHIN_V6 + v4_length),
            IpAddr::V6(v6) => (v6, v6_length),
        };
        Self { base: u128::from(address) & mask(length), length }
    }
}

/// A [wide](Network::wide) network in eight octets, for tables that hold two million of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Wide(u64);

impl Wide {
    /// The one that an address is in.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(Self::V4 | u64::from(v4.to_bits() >> (32 - Self::V4_BITS))),
            // 48 bits are left.
            IpAddr::V6(v6) => Self((v6.to_bits() >> (128 - Self::V6_BITS)) as u64),
        }
    }

    /// The same network, if it is a wide one.
    pub(crate) fn from_network(network: Network) -> Option<Self> {
        Some(network.widened()).filter(|wide| wide.network() == network)
    }

    /// What it is.
    pub(crate) fn network(self) -> Network {
        let Self(bits) = self;
        match bits & Self::V4 {
            0 => Network::wide(Ipv6Addr::from(u128::from(bits) << (128 - Self::V6_BITS)).into()),
            // The cast takes the mark away: it is above the 32 bits that are left.
            _ => Network::wide(Ipv4Addr::from((bits as u32) << (32 - Self::V4_BITS)).into()),
        }
    }

    /// Set where the others are those of IPv4.
    const V4: u64 = 1 << 63;
    const V4_BITS: u32 = 24;
    const V6_BITS: u32 = 48;
}

impl fmt::Debug for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.network(), f)
    }
}

/// The first `length` of 128 bits.
fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0)
}

/// Bits before an IPv4 address within IPv6.
const V4_WITHIN_V6: u8 = 96;

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = Ipv6Addr::from(self.base);
        match base.to_ipv4_mapped() {
            Some(v4) => write!(f, "{v4}/{}", self.length.saturating_sub(V4_WITHIN_V6)),
            None => write!(f, "{base}/{}", self.length),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, narrow: &str, wide: &str, wider: &str) {
        let address = address.parse().unwrap();
        let networks = [Network::narrow(address), Network::wide(address), Network::wider(address)];
        assert_eq!(networks.map(|network| network.to_string()), [narrow, wide, wider]);
        assert_eq!(networks.map(|network| network.widened().network())[..2], [networks[1]; 2]);
        assert_eq!(Wide::of(address).network(), networks[1]);
        assert_eq!(networks.map(|network| Wide::from_network(network).is_some()), [false, true, false]);
        for network in networks {
            let (base, length) = network.to_parts();
            assert_eq!(Network::from_parts(base, length), Some(network));
            assert_eq!(Network::from_parts(base | 1, length.min(127)), None);
        }
    }

    #[test]
    fn parts_that_are_no_network_are_none() {
        assert_eq!(Network::from_parts(0, 129), None);
        assert_eq!(Network::from_parts(1, 64), None);
        assert!(Network::from_parts(0, 0).is_some() && Network::from_parts(u128::MAX, 128).is_some());
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        let check = |network: &str, bits: u8, address: &str, holds: bool| {
            let network = Network::of(network.parse().unwrap(), bits);
            assert_eq!(network.holds(address.parse().unwrap()), holds, "{network} {address}");
        };
        check("192.0.2.9", 24, "192.0.2.200", true);
        check("192.0.2.9", 24, "::ffff:192.0.2.200", true);
        check("192.0.2.9", 24, "192.0.3.1", false);
        check("127.0.0.0", 8, "127.1.2.3", true);
        check("192.0.2.9", 32, "192.0.2.9", true);
        check("192.0.2.9", 32, "192.0.2.8", false);
        check("0.0.0.0", 0, "203.0.113.1", true);
        check("0.0.0.0", 0, "2001:db8::1", false);
        check("::", 0, "2001:db8::1", true);
        check("::", 0, "203.0.113.1", false);
        check("::1", 128, "::1", true);
        check("::1", 128, "127.0.0.1", false);
        check("2001:db8::", 32, "2001:db8:7::1", true);
        check("2001:db8::", 32, "2001:db9::1", false);
        check("::ffff:192.0.2.0", 120, "192.0.2.5", true);
    }

    #[test]
    fn an_address_stands_for_a_customer_and_for_a_neighbourhood() {
        check("192.0.2.77", "192.0.2.77/32", "192.0.2.0/24", "192.0.0.0/16");
        check("::ffff:192.0.2.77", "192.0.2.77/32", "192.0.2.0/24", "192.0.0.0/16");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32");
        check("::1", "::/64", "::/48", "::/32");
    }
}
