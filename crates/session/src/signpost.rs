//! Where a client should go: the names and ports that messages print.

/// What the configuration calls this server, for the sentences that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signpost {
    /// The host name that clients connect to.
    pub host: Box<str>,
    /// The port where TLS comes first (993), if there is one.
    pub imaps_port: Option<u16>,
}

impl Signpost {
    /// The way to a private line, for a client that is on a public one.
    #[must_use]
    pub fn to_encryption(&self) -> String {
        match self.imaps_port {
            Some(port) => format!("issue STARTTLS first, or connect to {} port {port}", self.host),
            None => "issue STARTTLS first".into(),
        }
    }

    /// The port where TLS comes first, as words to end a sentence with.
    #[must_use]
    pub fn or_tls_port(&self) -> String {
        self.imaps_port.map_or_else(String::new, |port| format!(", or use port {port}"))
    }
}
