//! Why nothing was fetched.

use std::io;
use std::time::Duration;

/// Why there is no answer, in words for the admin. What was sent is never in it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody is asked by such a URL.
    #[error("{url} cannot be fetched: {why}")]
    Url {
        /// Which; cut or left out where it is long or holds a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no authority to verify a server by.
    #[error("no authority to verify servers by: {0}")]
    Roots(String),
    /// A header cannot be sent.
    #[error("the header {0} cannot be sent: it has characters that HTTP does not allow")]
    Header(String),
    /// The name leads nowhere, or nobody listens there.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system said last.
        why: io::Error,
    },
    /// The server is not whom it should be, or does not speak TLS.
    #[error("no TLS with {host}: {why}")]
    Tls {
        /// Host and port.
        host: String,
        /// What rustls said.
        why: io::Error,
    },
    /// What came is not HTTP, or was cut off.
    #[error("{host} gave no whole answer: {why}")]
    Broken {
        /// Host and port.
        host: String,
        /// What hyper said.
        why: hyper::Error,
    },
    /// The answer has more octets than are taken.
    #[error("{host} sends more than {max} octets", max = crate::MAX_BODY)]
    TooLarge {
        /// Host and port.
        host: String,
    },
    /// It took too long, all in all.
    #[error("{host} took longer than {} s", patience.as_secs())]
    TooSlow {
        /// Host and port.
        host: String,
        /// What it had.
        patience: Duration,
    },
}
