//! Where a server is, and the way to it.

use super::session::Session;
use super::tls::{self, KeyExchange, Verification};
use super::wire::{PATIENCE, Wire};
use crate::trouble::Trouble;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// At once.
    Tls,
    /// Behind STARTTLS.
    StartTls,
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub struct Way {
    /// Its name, which is in its certificate, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When TLS begins.
    pub security: Security,
    /// By what its certificate is verified.
    pub verification: Verification,
    /// What keys are agreed upon with.
    pub exchange: KeyExchange,
}

/// A server that connections are made to.
pub(crate) struct Target {
    address: SocketAddr,
    security: Security,
    name: ServerName<'static>,
    tls: TlsConnector,
}

/// Connections that come from one loopback address: far below the ports that it has, and below what a server may allow to
/// one address.
const PER_SOURCE: u32 = 50;

impl Target {
    /// Looks the host up, once for all connections.
    pub(crate) async fn find(way: &Way) -> Result<Self, Trouble> {
        let place = format!("{}:{}", way.host, way.port);
        let unknown = |why: &dyn std::fmt::Display| Trouble::Asked(format!("{place}: {why}"));
        let found = lookup_host((way.host.as_str(), way.port)).await.map_err(|why| unknown(&why))?;
        let mut found: Vec<_> = found.collect();
        // A server of one's own listens on IPv4 more often than on IPv6.
        found.sort_by_key(SocketAddr::is_ipv6);
        let Some(address) = found.first().copied() else { return Err(unknown(&"has no address")) };
        let name = ServerName::try_from(way.host.clone()).map_err(|why| unknown(&why))?;
        let config: ClientConfig = tls::config(&way.verification, way.exchange)?;
        Ok(Self { address, security: way.security, name, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection that is private and has been greeted. `number` says which of many it is: so they come from several
    /// addresses where the server is on this machine.
    pub(crate) async fn connect(&self, number: u32) -> Result<Session, Trouble> {
        match timeout(PATIENCE, self.reach(number)).await {
            Ok(reached) => reached,
            Err(_) => Err(Trouble::Lost(format!("{} does not answer", self.address))),
        }
    }

    async fn reach(&self, number: u32) -> Result<Session, Trouble> {
        let failed =
            |why: std::io::Error| Trouble::lost(&format!("cannot connect to {}", self.address), &why);
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(failed)?;
        if let Some(source) = source(self.address.ip(), number) {
            socket.bind(SocketAddr::new(source, 0)).map_err(failed)?;
        }
        let stream = socket.connect(self.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        match self.security {
            Security::Tls => {
                let (stream, handshake) = self.shake_hands(stream).await?;
                let mut session = Session::new(Wire::new(Box::new(stream)), handshake);
                session.greeting().await?;
                Ok(session)
            }
            Security::StartTls => {
                let stream = start_tls(stream).await?;
                let (stream, handshake) = self.shake_hands(stream).await?;
                Ok(Session::new(Wire::new(Box::new(stream)), handshake))
            }
        }
    }

    async fn shake_hands<S: super::wire::Stream>(
        &self,
        stream: S,
    ) -> Result<(TlsStream<S>, Handshake), Trouble> {
        let start = Instant::now();
        let stream = self.tls.connect(self.name.clone(), stream).await;
        let stream = stream.map_err(|why| self.no_tls(&why))?;
        let (_, tls) = stream.get_ref();
        let version = tls.protocol_version().map(|version| format!("{version:?}"));
        let suite = tls.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let group = tls.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
        let agreed = [version, group, suite].into_iter().flatten().collect::<Vec<_>>().join(", ");
        Ok((stream, Handshake { took: start.elapsed(), agreed }))
    }

    fn no_tls(&self, why: &std::io::Error) -> Trouble {
        let cause = why.get_ref().and_then(|cause| cause.downcast_ref());
        let advice = match cause {
            Some(rustls::Error::InvalidCertificate(_)) => {
                "; --ca-file names the authority that made it, and --insecure takes any"
            }
            _ => "",
        };
        Trouble::lost(&format!("no TLS with {}", self.address), &format!("{why}{advice}"))
    }
}

/// How TLS came about.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    pub(crate) took: Duration,
    /// Version, key exchange and cipher.
    pub(crate) agreed: String,
}

/// Which address to come from: all of 127.0.0.0/8 are this machine's.
fn source(target: IpAddr, number: u32) -> Option<IpAddr> {
    let IpAddr::V4(target) = target else { return None };
    if !target.is_loopback() || number == 0 {
        return None;
    }
    let [_, low, high, top] = (number / PER_SOURCE).to_be_bytes();
    Some(Ipv4Addr::new(127, low, high, top.checked_add(1).unwrap_or(254)).into())
}

/// STARTTLS (RFC 9051, 6.2.1). Nothing may have come in the clear behind its OK.
async fn start_tls(stream: TcpStream) -> Result<Box<dyn super::wire::Stream>, Trouble> {
    let no_latency = Handshake { took: Duration::ZERO, agreed: String::new() };
    let mut session = Session::new(Wire::new(Box::new(stream)), no_latency);
    session.greeting().await?;
    session.ask("STARTTLS").await?;
    if session.wire.has_unread() {
        return Err(Trouble::Garbled("something came in the clear behind the OK to STARTTLS".into()));
    }
    Ok(session.wire.into_stream())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn many_connections_to_this_machine_come_from_many_addresses() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let sources: HashSet<_> = (0..100_000).map(|number| source(loopback, number)).collect();
        assert!(sources.len() > 1_900, "{}", sources.len());
        assert!(sources.iter().flatten().all(IpAddr::is_loopback));
        assert_eq!(source(loopback, 0), None);
        assert_eq!(source(IpAddr::from([192, 0, 2, 1]), 700), None);
    }
}
