//! Who did it: kept with every event, so that "which device deleted this message?" has an answer.

use bytes::Bytes;
use std::net::IpAddr;
use terms::AccountId;

/// Longest client name that an origin keeps, in octets.
const MAX_TEXT: usize = 120;

/// Where a commit comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who is signed in; `None` for the server itself and for an admin.
    pub account: Option<AccountId>,
    /// Through which door.
    pub protocol: Protocol,
    /// From which address; `None` for what did not come over the network.
    pub address: Option<IpAddr>,
    /// The session's number in the log.
    pub session: u64,
    /// Which credential or device: the account's password has no name.
    pub device: Box<str>,
}

/// Through which door a change came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Protocol {
    /// IMAP
    Imap = 1,
    /// The command line, or the server itself.
    Desk = 2,
    /// LMTP
    Lmtp = 3,
}

impl Origin {
    /// A change that nobody made over the network.
    #[must_use]
    pub fn desk() -> Self {
        Self { account: None, protocol: Protocol::Desk, address: None, session: 0, device: "".into() }
    }

    /// As it is stored: version, protocol, account, session, address (octet count first), device.
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = vec![1, self.protocol as u8];
        out.extend_from_slice(&self.account.map_or(0, |a| a.0).to_le_bytes());
        out.extend_from_slice(&self.session.to_le_bytes());
        match self.address {
            None => out.push(0),
            Some(IpAddr::V4(v4)) => {
                out.push(4);
                out.extend_from_slice(&v4.octets());
            }
            Some(IpAddr::V6(v6)) => {
                out.push(16);
                out.extend_from_slice(&v6.octets());
            }
        }
        let end = self.device.floor_char_boundary(MAX_TEXT);
        out.extend_from_slice(self.device.get(..end).unwrap_or_default().as_bytes());
        out.into()
    }

    /// From what is stored; `None` for what this version does not write.
    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let (&[1, protocol], rest) = octets.split_first_chunk()? else { return None };
        let (account, rest) = rest.split_first_chunk()?;
        let (session, rest) = rest.split_first_chunk()?;
        let (&width, rest) = rest.split_first()?;
        let (address, device) = rest.split_at_checked(width.into())?;
        Some(Self {
            account: Some(AccountId(u64::from_le_bytes(*account))).filter(|account| account.0 != 0),
            protocol: [Protocol::Imap, Protocol::Desk, Protocol::Lmtp]
                .into_iter()
                .find(|known| *known as u8 == protocol)?,
            session: u64::from_le_bytes(*session),
            address: match address.len() {
                0 => None,
                4 => Some(<[u8; 4]>::try_from(address).ok()?.into()),
                16 => Some(<[u8; 16]>::try_from(address).ok()?.into()),
                _ => return None,
            },
            device: std::str::from_utf8(device).ok()?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_comes_back_from_its_octets() {
        let imap = Origin {
            account: Some(AccountId(7)),
            protocol: Protocol::Imap,
            address: Some(IpAddr::from([192, 0, 2, 9])),
            session: 1 << 40,
            device: "téléphone".into(),
        };
        let lmtp = Origin { protocol: Protocol::Lmtp, address: "2001:db8::1".parse().ok(), ..Origin::desk() };
        for origin in [imap, lmtp, Origin::desk()] {
            let octets = origin.encode();
            assert_eq!(Origin::decode(&octets).as_ref(), Some(&origin));
            for end in 0..octets.len() - origin.device.len() {
                assert_eq!(Origin::decode(&octets[..end]), None, "{end}");
            }
        }
        assert_eq!(Origin::decode(b"\x02\x01rest of another version, long enough to be one"), None);
    }
}
