//! Channel binding: what a client and a server see of one TLS connection, and nobody between them does (RFC 5056).

use std::fmt;
use subtle::ConstantTimeEq;

/// What a connection can be bound to. Whoever drives TLS makes it, and only of what is real: without any, no mechanism
/// with channel binding is offered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bindings {
    /// `tls-exporter` (RFC 9266): 32 octets of keying material that both ends derive. With TLS 1.2 it binds only where
    /// the extended master secret was agreed (RFC 9266, 4.2).
    pub exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` (RFC 5929, 4): the hash of the certificate that was shown, of 32, 48 or 64 octets.
    pub server_end_point: Option<Box<[u8]>>,
}

impl Bindings {
    /// Nothing to bind to.
    pub const NONE: Self = Self { exporter: None, server_end_point: None };

    /// Whether there is nothing to bind to.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.exporter.is_none() && self.server_end_point.is_none()
    }

    /// What goes into a SCRAM exchange for a type of this name (IANA, "Channel-Binding Types").
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        match name {
            "tls-exporter" => self.exporter.as_ref().map(|octets| &octets[..]),
            "tls-server-end-point" => self.server_end_point.as_deref(),
            _ => None,
        }
    }
}

/// Says which there are; the exporter's octets are a secret of the connection.
impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            self.exporter.as_ref().map(|_| "tls-exporter"),
            self.server_end_point.as_ref().map(|_| "tls-server-end-point"),
        ];
        f.debug_set().entries(names.into_iter().flatten()).finish()
    }
}

/// Whether a mechanism binds the channel, and to what.
pub(crate) enum Binding {
    /// It does not, and none is offered that does.
    NotOffered,
    /// It does not, though one is offered that does.
    Declined,
    /// It does.
    Chosen(Bindings),
}

/// Whether two texts are the same, whatever they have in common at their beginning.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}
