//! Sockets that wait for connections.

use crate::socket_file::SocketFile;
use crate::tls::ListenerTls;
use crate::unix_door;
use events::Peer;
use settings::{Listener, ListenerKind, Settings};
use socket2::{Domain, Protocol, Socket, Type};
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;
/// How long accepting rests when the system has nothing left to accept with.
pub(crate) const REST: Duration = Duration::from_millis(250);

/// Every listener of the configuration, open.
#[derive(Debug)]
pub(crate) struct Doors {
    open: Vec<(ListenerKind, Door)>,
    /// Whose turn it is to be asked first, so that a busy door does not shut out the others.
    turn: usize,
}

#[derive(Debug)]
enum Door {
    Tcp(TcpListener, ListenerTls),
    Unix(SocketFile),
}

/// A connection that has come in, or why none could.
pub(crate) type Arrival = io::Result<(ListenerKind, Caller)>;

/// Who stands at a door.
#[derive(Debug)]
pub(crate) enum Caller {
    /// Over a network, by a listener that may have something of its own about TLS.
    Tcp(TcpStream, SocketAddr, ListenerTls),
    /// A program on this host.
    Unix(UnixStream),
}

impl Caller {
    pub(crate) const fn peer(&self) -> Peer {
        match self {
            Self::Tcp(_, address, _) => Peer::Address(*address),
            Self::Unix(_) => Peer::UnixSocket,
        }
    }
}

impl Door {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Caller>> {
        match self {
            Self::Tcp(door, tls) => {
                let caller = |(stream, address)| Caller::Tcp(stream, address, *tls);
                door.poll_accept(cx).map(|came| came.map(caller))
            }
            Self::Unix(door) => door.poll_accept(cx).map(|came| came.map(Caller::Unix)),
        }
    }
}

impl Doors {
    pub(crate) fn open(settings: &Settings) -> Result<Self, ListenError> {
        let bound = |(place, listener): (usize, &Listener)| {
            Ok((listener.kind, Door::Tcp(bind(listener.address)?, ListenerTls::of(place, listener))))
        };
        let listeners = settings.network.listeners.iter().enumerate();
        let mut open: Vec<_> = listeners.map(bound).collect::<Result<_, _>>()?;
        if let Some(path) = &settings.lmtp.socket {
            open.push((ListenerKind::Lmtp, Door::Unix(unix_door::open(path, &settings.lmtp)?)));
        }
        Ok(Self { open, turn: 0 })
    }

    /// Where connections come in.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (ListenerKind, SocketAddr)> {
        self.open.iter().filter_map(|(kind, door)| match door {
            Door::Tcp(door, _) => Some((*kind, door.local_addr().ok()?)),
            Door::Unix(_) => None,
        })
    }

    /// The sockets in the file system where connections come in.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (ListenerKind, &Path)> {
        self.open.iter().filter_map(|(kind, door)| match door {
            Door::Tcp(..) => None,
            Door::Unix(door) => Some((*kind, door.path())),
        })
    }

    /// The next connection. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Arrival {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arrival> {
        self.turn = (self.turn + 1) % self.open.len().max(1);
        let (before, from_here) = self.open.split_at(self.turn);
        for (kind, door) in from_here.iter().chain(before) {
            if let Poll::Ready(accepted) = door.poll_accept(cx) {
                return Poll::Ready(accepted.map(|caller| (*kind, caller)));
            }
        }
        Poll::Pending
    }
}

/// What an error of accept(2) means for the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// That one connection is lost; the next may do better at once.
    GoOn,
    /// We have run out of something; asking again at once would only burn time.
    Rest,
}

impl Afterwards {
    /// accept(2): errors that are pending on the new socket are given too, and should be treated like a retry.
    pub(crate) fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::WouldBlock
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable
            | Kind::TimedOut => Self::GoOn,
            // EMFILE, ENFILE, ENOBUFS, ENOMEM, and whatever nobody has thought of.
            _ => Self::Rest,
        }
    }
}

pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let listener = match listen(address) {
        // `[::]` means everywhere; where the system has no IPv6, that is everywhere in IPv4.
        Err(why) if address.ip().is_unspecified() && is_missing_family(&why) => {
            listen(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port()))
        }
        bound => bound,
    };
    listener.map_err(|why| ListenError { place: address.to_string(), advice: advice(&why), why })
}

fn is_missing_family(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(errno, Some(rustix::io::Errno::AFNOSUPPORT | rustix::io::Errno::ADDRNOTAVAIL))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?; // `[::]` takes IPv4 too, whatever the system's default
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {place}: {why}{advice}")]
pub struct ListenError {
    place: String,
    advice: &'static str,
    why: io::Error,
}

impl ListenError {
    /// Of a socket in the file system.
    pub(crate) fn at_path(path: &Path, why: io::Error) -> Self {
        let advice = match why.kind() {
            io::ErrorKind::PermissionDenied => {
                "; whoever runs the server has to own the folder, and be a member of the socket's group"
            }
            io::ErrorKind::AddrInUse => "; another program listens there: stop it, or name another path",
            _ => "",
        };
        Self { place: path.display().to_string(), advice, why }
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need root or CAP_NET_BIND_SERVICE, others (1143, 1993) do not"
        }
        io::ErrorKind::AddrInUse => "; another program listens there: stop it, or choose another port",
        io::ErrorKind::AddrNotAvailable => "; this host has no such address",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_lost_connection_is_no_reason_to_rest_and_a_full_table_is() {
        let after = |errno: Errno| Afterwards::of(&io::Error::from_raw_os_error(errno.raw_os_error()));
        for errno in [Errno::CONNABORTED, Errno::INTR, Errno::HOSTUNREACH, Errno::NETDOWN] {
            assert_eq!(after(errno), Afterwards::GoOn, "{errno}");
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(after(errno), Afterwards::Rest, "{errno}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_what_to_do() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let again = bind(taken.local_addr().unwrap()).unwrap_err().to_string();
        assert!(again.ends_with("another program listens there: stop it, or choose another port"), "{again}");
    }
}
