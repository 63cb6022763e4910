//! Where an LDAP server is, and how the way there is kept private.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// TLS from the first octet.
const LDAPS_PORT: u16 = 636;
/// StartTLS, or nothing.
const LDAP_PORT: u16 = 389;

/// An LDAP server. There is no way to one on another machine that somebody between could read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server(pub(crate) Way);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// TLS comes first.
    Tls { host: Box<str>, port: u16 },
    /// StartTLS comes first (RFC 4511, 4.14), and nothing goes before it.
    StartTls { host: Box<str>, port: u16 },
    /// No TLS, to this machine alone.
    Cleartext { host: Box<str>, port: u16 },
    /// A Unix socket.
    Socket(PathBuf),
}

/// Whether a server on this machine may be spoken to without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleartext {
    /// Never: `ldap://` means StartTLS.
    Never,
    /// `ldap://` to a loopback address means no TLS; to any other it is an error.
    Loopback,
}

impl Server {
    /// Reads an address: `ldaps://host`, `ldap://host`, each with a port if it is not 636 or 389, or `ldapi:///path`, which
    /// is a Unix socket. IPv6 addresses stand in brackets.
    ///
    /// # Errors
    /// It is none of these, or without TLS on another machine.
    pub fn at(url: &str, cleartext: Cleartext) -> Result<Self, BadServer> {
        let bad = || BadServer::Url(url.into());
        let (scheme, place) = url.split_once("://").ok_or_else(bad)?;
        if scheme == "ldapi" {
            let is_path = place.starts_with('/') && place.len() > 1;
            return if is_path { Ok(Self(Way::Socket(place.into()))) } else { Err(bad()) };
        }
        let (host, port) = host_and_port(place.strip_suffix('/').unwrap_or(place)).ok_or_else(bad)?;
        let on = |default| port.unwrap_or(default);
        match (scheme, cleartext) {
            ("ldaps", _) => Ok(Self(Way::Tls { port: on(LDAPS_PORT), host })),
            ("ldap", Cleartext::Never) => Ok(Self(Way::StartTls { port: on(LDAP_PORT), host })),
            ("ldap", Cleartext::Loopback) if is_loopback(&host) => {
                Ok(Self(Way::Cleartext { port: on(LDAP_PORT), host }))
            }
            ("ldap", Cleartext::Loopback) => Err(BadServer::Elsewhere(url.into())),
            _ => Err(bad()),
        }
    }
}

/// For the log and the admin.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Way::Tls { host, port } => write!(f, "ldaps://{host}:{port}"),
            Way::StartTls { host, port } | Way::Cleartext { host, port } => write!(f, "ldap://{host}:{port}"),
            Way::Socket(path) => write!(f, "ldapi://{}", path.display()),
        }
    }
}

/// The host without brackets.
fn host_and_port(place: &str) -> Option<(Box<str>, Option<u16>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map(str::parse).transpose().ok()?;
    rustls::pki_types::ServerName::try_from(host).ok()?;
    Some((host.into(), port.filter(|port| *port != 0)))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Why an address is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadServer {
    /// It cannot be read.
    #[error("`{0}` is not the address of an LDAP server: ldaps://host, ldap://host or ldapi:///path")]
    Url(Box<str>),
    /// Without TLS on another machine.
    #[error("`{0}` is another machine: without TLS only 127.0.0.1, ::1 and localhost are spoken to")]
    Elsewhere(Box<str>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, cleartext: Cleartext) -> Way {
        Server::at(url, cleartext).unwrap().0
    }

    #[test]
    fn an_address_says_how_the_way_there_is_kept_private() {
        let host: Box<str> = "ldap.example.org".into();
        let never = Cleartext::Never;
        assert_eq!(read("ldaps://ldap.example.org", never), Way::Tls { host: host.clone(), port: 636 });
        assert_eq!(read("ldap://ldap.example.org:1389/", never), Way::StartTls { host, port: 1389 });
        assert_eq!(
            read("ldap://[::1]:7", Cleartext::Loopback),
            Way::Cleartext { host: "::1".into(), port: 7 }
        );
        assert_eq!(read("ldapi:///run/slapd/ldapi", never), Way::Socket("/run/slapd/ldapi".into()));
    }

    #[test]
    fn another_machine_is_never_spoken_to_without_tls() {
        for url in [
            "ldap://ldap.example.org",
            "ldap://192.0.2.1",
            "ldap://localhost.example.org",
            "ldap://[2001:db8::1]",
        ] {
            assert_eq!(Server::at(url, Cleartext::Loopback), Err(BadServer::Elsewhere(url.into())));
            assert!(matches!(read(url, Cleartext::Never), Way::StartTls { .. }));
        }
    }

    #[test]
    fn what_is_no_address_is_told_as_such() {
        let bad = [
            "",
            "ldap",
            "ldap://",
            "http://a",
            "ldapi://",
            "ldapi://run",
            "ldaps://a:b",
            "ldaps://a b",
            "ldaps://[a]",
        ];
        for url in bad {
            assert_eq!(Server::at(url, Cleartext::Never), Err(BadServer::Url(url.into())));
        }
    }
}
