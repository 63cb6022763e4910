//! Who stands outside.

use events::{ClientId, ConnectionId, Mechanism, Peer};
use mail::Protocol;
use std::net::{IpAddr, Ipv6Addr};

/// Somebody who has made a claim. What the client says of itself is for the log, and never to be trusted.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The number that all events of the connection carry.
    pub connection: ConnectionId,
    /// Where it comes from.
    pub peer: Peer,
    /// What is spoken.
    pub protocol: Protocol,
    /// How the claim was made.
    pub mechanism: Mechanism,
    /// What the client says it is.
    pub client: Option<ClientId>,
}

impl Visitor {
    /// Where it comes from, for limits: a program on this host counts as the host itself.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        match self.peer {
            Peer::Address(address) => address.ip(),
            Peer::UnixSocket => Ipv6Addr::LOCALHOST.into(),
        }
    }
}
