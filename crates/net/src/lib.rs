//! Sockets, TLS and timeouts; drives sessions.
