//! Another IMAP server as a source.
//!
//! Mail is read over TLS that is verified, from mailboxes that are opened read-only (EXAMINE, BODY.PEEK): nothing
//! changes there. The other server is not trusted either: what it can make us hold is bounded, and what nobody asked
//! for ends the conversation (threat T-4).

mod client;
mod connect;
mod folders;
mod lines;
mod read;
mod response;

use crate::source::{Folders, Source};
use crate::trouble::Trouble;
use client::Client;
use read::Connection;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use zeroize::Zeroizing;

pub use connect::trust;
pub use lines::{Lines, Part};
pub use response::{Response, Status, Told, Value, parse};

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// With the first octet (RFC 8314, 3.2).
    Tls,
    /// After STARTTLS; nothing of worth is said before.
    StartTls,
}

/// Which server, and as whom.
#[derive(Clone)]
pub struct Account {
    /// The name that the certificate has to be for.
    pub host: String,
    /// Its port, unless an address says another.
    pub port: u16,
    /// Where to connect, if not where the name leads.
    pub address: Option<SocketAddr>,
    /// When TLS begins.
    pub security: Security,
    /// Whose mail.
    pub user: String,
    /// Their password. It goes through TLS alone.
    pub password: Zeroizing<String>,
}

impl Account {
    /// The server, by its name and the port that is really connected to.
    fn place(&self) -> String {
        format!("{}:{}", self.host, self.address.map_or(self.port, |address| address.port()))
    }
}

/// A user of another IMAP server.
pub struct Server {
    account: Account,
    host: ServerName<'static>,
    tls: TlsConnector,
    /// Mailboxes as the server spells them, by the name that stands in a folder.
    spelt: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Server {
    /// A server that shows a certificate of one of these authorities: those in a file, or the system's.
    ///
    /// # Errors
    /// The name is none, or the authorities cannot be read.
    pub fn new(account: Account, ca_file: Option<&Path>) -> Result<Self, Trouble> {
        let host = ServerName::try_from(account.host.clone());
        let host = host.map_err(|_| Trouble::Source(format!("{:?} is no host name", account.host)))?;
        Ok(Self { account, host, tls: trust(ca_file)?, spelt: Arc::default() })
    }

    async fn client(&self) -> Result<Client, Trouble> {
        connect::sign_in(&self.account, &self.host, &self.tls).await
    }
}

impl Source for Server {
    type Reader = Connection;

    fn identity(&self) -> String {
        format!("imap {}@{}", self.account.user, self.account.place())
    }

    async fn folders(&self) -> Result<Folders, Trouble> {
        let mut client = self.client().await?;
        let (folders, spelt) = folders::find(&mut client).await?;
        client.log_out().await;
        *self.spelt.lock().unwrap_or_else(PoisonError::into_inner) = spelt;
        Ok(folders)
    }

    async fn reader(&self) -> Result<Connection, Trouble> {
        Ok(Connection::new(self.client().await?, Arc::clone(&self.spelt)))
    }
}
