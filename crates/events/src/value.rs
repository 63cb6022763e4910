//! What a field may hold.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use tracing::Value;
use tracing::field::display;

/// A type that a field may have. Strings are not among them, so that none ends up in a log by accident.
pub(crate) trait Field {
    /// What the manual says of such values.
    const KIND: &'static str;

    /// The value as `tracing` takes it.
    fn value(&self) -> impl Value + '_;
}

/// Absent where there is none: neither format writes such a field.
impl<T: Field> Field for Option<T> {
    const KIND: &'static str = T::KIND;

    fn value(&self) -> impl Value + '_ {
        self.as_ref().map(Field::value)
    }
}

impl Field for u64 {
    const KIND: &'static str = "number";

    fn value(&self) -> impl Value + '_ {
        *self
    }
}

impl Field for SocketAddr {
    const KIND: &'static str = "address and port";

    fn value(&self) -> impl Value + '_ {
        display(self)
    }
}

/// The number of a connection since the server started: what ties its events together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl Field for ConnectionId {
    const KIND: &'static str = "number";

    fn value(&self) -> impl Value + '_ {
        self.0
    }
}

/// The number of a fault of ours, which the client was told: what ties its complaint to our log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u64);

impl Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Field for FaultId {
    const KIND: &'static str = "16 hexadecimal digits";

    fn value(&self) -> impl Value + '_ {
        display(self)
    }
}

/// A fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl Field for Sha256 {
    const KIND: &'static str = "64 hexadecimal digits";

    fn value(&self) -> impl Value + '_ {
        display(self)
    }
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Over a network. Behind a trusted proxy this is the client, not the proxy.
    Address(SocketAddr),
    /// A program on this host.
    UnixSocket,
}

impl Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::UnixSocket => f.write_str("unix"),
        }
    }
}

impl Field for Peer {
    const KIND: &'static str = "address and port, or `unix`";

    fn value(&self) -> impl Value + '_ {
        display(self)
    }
}

/// Most numbers that [`Codes`] keeps; a client may offer thousands.
pub const MAX_CODES: usize = 32;

/// Numbers from the registries of TLS, as a client offered them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes(Vec<u16>);

impl FromIterator<u16> for Codes {
    fn from_iter<I: IntoIterator<Item = u16>>(codes: I) -> Self {
        Self(codes.into_iter().take(MAX_CODES).collect())
    }
}

impl Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        self.0.iter().try_for_each(|code| write!(f, "{}{code:04x}", std::mem::replace(&mut separator, ",")))
    }
}

impl Field for Codes {
    const KIND: &'static str = "numbers of the TLS registries, hexadecimal";

    fn value(&self) -> impl Value + '_ {
        display(self)
    }
}
