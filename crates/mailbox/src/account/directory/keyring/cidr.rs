//! Networks from which an app password is taken.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The addresses that begin with the same bits (RFC 4632, 3.1), such as `192.0.2.0/24`. An IPv4 address within IPv6
/// (`::ffff:192.0.2.1`) is the IPv4 address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

impl Cidr {
    /// # Errors
    /// More bits than the address has, or an address that is not the first of its network.
    pub fn new(base: IpAddr, bits: u8) -> Result<Self, BadCidr> {
        if base.to_canonical() != base {
            return Err(BadCidr::Text);
        }
        match first(base, bits) {
            None => Err(BadCidr::Bits),
            Some(first) if first != base => Err(BadCidr::NotTheFirst(Self { base: first, bits })),
            Some(_) => Ok(Self { base, bits }),
        }
    }

    /// Whether an address is one of it.
    #[must_use]
    pub fn holds(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.base.is_ipv4() && first(address, self.bits) == Some(self.base)
    }

    pub(super) const fn base(self) -> IpAddr {
        self.base
    }

    pub(super) const fn bits(self) -> u8 {
        self.bits
    }
}

/// The first address that has so many bits in common with `address`.
fn first(address: IpAddr, bits: u8) -> Option<IpAddr> {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
            Some(Ipv4Addr::from(u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(bits)?).unwrap_or(0);
            Some(Ipv6Addr::from(u128::from(v6) & mask).into())
        }
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;

    /// An address alone is a network of one.
    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| BadCidr::Text)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadCidr::Text)?;
        Self::new(address, bits.unwrap_or(if address.is_ipv4() { 32 } else { 128 }))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no network, for whoever typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCidr {
    /// It does not read as one.
    Text,
    /// More bits than an address of this kind has.
    Bits,
    /// This network was meant, or fewer addresses were.
    NotTheFirst(Cidr),
}

impl fmt::Display for BadCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str(
                "a network is an address with a number of bits, such as 192.0.2.0/24 or 2001:db8::/32",
            ),
            Self::Bits => f.write_str("an IPv4 network has at most 32 bits, an IPv6 network at most 128"),
            Self::NotTheFirst(meant) => {
                write!(f, "a network is named by its first address: was {meant} meant?")
            }
        }
    }
}

impl std::error::Error for BadCidr {}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Result<Cidr, BadCidr> {
        text.parse()
    }

    #[test]
    fn an_address_is_of_the_network_whose_first_bits_it_has() {
        for (network, address, is_in) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            assert_eq!(
                cidr(network).unwrap().holds(address.parse().unwrap()),
                is_in,
                "{address} in {network}"
            );
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_what_was_meant() {
        assert_eq!(cidr("10.1.2.3/8"), Err(BadCidr::NotTheFirst(cidr("10.0.0.0/8").unwrap())));
        for text in ["10.0.0.0/33", "::/129"] {
            assert_eq!(cidr(text), Err(BadCidr::Bits), "{text}");
        }
        for text in ["", "/8", "10/8", "10.0.0.0/", "10.0.0.0/-1", "example.org", "::ffff:10.0.0.0/104"] {
            assert_eq!(cidr(text), Err(BadCidr::Text), "{text}");
        }
    }
}
