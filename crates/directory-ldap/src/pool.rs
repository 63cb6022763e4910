//! Connections that look entries up, each signed in as the reader.

use crate::config::Reader;
use crate::connection::{Connection, Route, Search, SearchAnswer};
use directory::Trouble;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Most connections that look entries up at once; whoever comes when all are busy waits.
pub const MAX_READERS: usize = 8;

pub(crate) struct Readers {
    reader: Reader,
    idle: Mutex<Vec<Connection>>,
    turns: Semaphore,
}

impl Readers {
    pub(crate) fn new(reader: Reader) -> Self {
        Self { reader, idle: Mutex::default(), turns: Semaphore::new(MAX_READERS) }
    }

    /// Asks over a connection that is there, or over a new one.
    pub(crate) async fn search(
        &self,
        route: &Route,
        search: &Search,
        attributes: &[Box<str>],
    ) -> Result<SearchAnswer, Trouble> {
        let _turn = self.turns.acquire().await.map_err(Trouble::new)?;
        let idle = self.idle().pop();
        if let Some(connection) = idle {
            match self.ask(connection, search, attributes).await {
                Ok(answer) => return Ok(answer),
                // A server ends connections on which nothing happens, and all of them when it starts anew.
                Err(_) => self.idle().clear(),
            }
        }
        self.ask(self.open(route).await?, search, attributes).await
    }

    async fn ask(
        &self,
        connection: Connection,
        search: &Search,
        attributes: &[Box<str>],
    ) -> Result<SearchAnswer, Trouble> {
        let (connection, answer) = connection.search(search, attributes).await?;
        self.idle().push(connection);
        Ok(answer)
    }

    async fn open(&self, route: &Route) -> Result<Connection, Trouble> {
        let connection = Connection::open(route).await?;
        let Reader::Account { dn, password } = &self.reader else { return Ok(connection) };
        let (connection, result) = connection.bind(dn, password.expose()).await?;
        if result.rc == 0 {
            return Ok(connection);
        }
        Err(Trouble::new(format_args!(
            "the LDAP server does not let {dn} read: code {} {}",
            result.rc, result.text
        )))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
