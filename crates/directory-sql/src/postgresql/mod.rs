//! PostgreSQL, by a few connections that are kept.

mod connection;
mod tls;
mod value;

use crate::config::{PostgreSql, Privacy, Server};
use crate::fault::Fault;
use crate::row::Rows;
use connection::{Broken, Connection, Place};
use directory::PATIENCE;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tls::Tls;
use tokio::sync::Semaphore;
use tokio_postgres::config::SslMode;

/// Most connections to a server that a directory has at a time: one question is one look into an index, and a server has a
/// hundred connections for all who want some. Who comes while all are busy waits, as long as they have patience.
pub const MAX_CONNECTIONS: usize = 4;

/// Connections to one server, each with the query prepared.
pub(crate) struct Pool {
    place: Place,
    query: String,
    turns: Semaphore,
    /// Connections that nobody uses, the one that was used last on top.
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(server: &PostgreSql, query: String) -> Result<Self, Fault> {
        let tls = match &server.server {
            Server::Tcp { privacy: Privacy::Tls { ca_file }, .. } => Tls::trusting(ca_file.as_deref())?,
            Server::Tcp { privacy: Privacy::Cleartext, .. } | Server::Socket { .. } => Tls::none(),
        };
        let (turns, idle) = (Semaphore::new(MAX_CONNECTIONS), Mutex::default());
        let host = match &server.server {
            Server::Tcp { host, port, .. } => Some((host.as_str().into(), *port)),
            Server::Socket { .. } => None,
        };
        Ok(Self { place: Place { host, config: configured(server), tls }, query, turns, idle })
    }

    /// Prepares the query on a new connection, as it would be prepared now.
    pub(crate) async fn examine(&self) -> Result<(), Fault> {
        let opening = async {
            let _turn = self.turns.acquire().await.map_err(Fault::unavailable)?;
            Connection::open(&self.place, &self.query).await
        };
        let connection = tokio::time::timeout(PATIENCE, opening).await;
        let connection = connection.map_err(|_| Fault::unavailable("the database does not answer"))??;
        self.keep(connection);
        Ok(())
    }

    /// What the query brings for a name.
    ///
    /// A connection that lay idle may have been closed since, or prepared for tables that are others now; then a new one is asked,
    /// and what that says counts.
    pub(crate) async fn ask(&self, login: &str) -> Result<Rows, Fault> {
        let _turn = self.turns.acquire().await.map_err(Fault::unavailable)?;
        if let Some(connection) = self.take() {
            match self.ask_by(connection, login).await {
                Err(Broken::Stale(_)) => self.idle().clear(),
                answer => return answer.map_err(Broken::into_fault),
            }
        }
        let connection = Connection::open(&self.place, &self.query).await?;
        self.ask_by(connection, login).await.map_err(Broken::into_fault)
    }

    /// Whoever drops this future drops the connection with it: what the server still says of it reaches nobody else.
    async fn ask_by(&self, connection: Connection, login: &str) -> Result<Rows, Broken> {
        let (rows, is_through) = connection.ask(login).await?;
        if is_through {
            self.keep(connection);
        }
        Ok(rows)
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        idle.retain(Connection::is_open);
        idle.pop()
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < MAX_CONNECTIONS {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn configured(server: &PostgreSql) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    match &server.server {
        Server::Socket { directory, port } => {
            config.host_path(directory).port(*port).ssl_mode(SslMode::Disable);
        }
        Server::Tcp { privacy, .. } => {
            config.ssl_mode(match privacy {
                Privacy::Tls { .. } => SslMode::Require,
                Privacy::Cleartext => SslMode::Disable,
            });
        }
    }
    if let Some(password) = &server.password {
        config.password(password.expose());
    }
    config.dbname(&server.database).user(&server.user).application_name("gatepost");
    config
}
