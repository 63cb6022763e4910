//! Who stands outside.

use crate::certificate::ShownCertificate;
use crate::limits::Failures;
use events::{ClientId, ConnectionId, Mechanism, Peer};
use mail::{Protocol, SignIn};
use mailbox::account::directory::keyring::Service;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

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
    /// The certificate that it has shown, if that was asked for.
    pub certificate: Option<Arc<ShownCertificate>>,
    /// What has failed on this connection before.
    pub failures: Failures,
}

impl Visitor {
    /// As app passwords are judged by.
    pub(crate) const fn sign_in(&self, now_s: i64) -> SignIn {
        let service = match self.protocol {
            Protocol::Imap | Protocol::Desk | Protocol::Lmtp => Service::IMAP,
        };
        SignIn { now_s, service, address: address_of(self.peer) }
    }

    /// Where it comes from, for limits: a program on this host counts as the host itself.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        match self.peer {
            Peer::Address(address) => address.ip(),
            Peer::UnixSocket => Ipv6Addr::LOCALHOST.into(),
        }
    }
}

/// `None` for a program on this host.
pub(crate) const fn address_of(peer: Peer) -> Option<IpAddr> {
    match peer {
        Peer::Address(address) => Some(address.ip()),
        Peer::UnixSocket => None,
    }
}
