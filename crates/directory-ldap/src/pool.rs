//! Connections that look entries up, each signed in as the reader.

use crate::config::Reader;
use crate::connection::{Connection, Route, Search, SearchAnswer};
use directory::Trouble;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// Most connections that look entries up at once; whoever comes when all are busy waits.
pub const MAX_READERS: usize = 8;

/// A connection on which nothing happened for so long is not asked any more: servers and firewalls forget such ones.
const IDLE_FOR: Duration = Duration::from_secs(60);

/// One that answered so short a while ago is there, and if it takes its time, then so would another.
const TRUSTED_FOR: Duration = Duration::from_secs(5);

/// Any other is doubted when it has not answered by then, and a new one is asked: of the [patience](directory::PATIENCE) that
/// whoever asks has with us it leaves enough for that.
const DOUBTED_AFTER: Duration = Duration::from_millis(500);

pub(crate) struct Readers {
    reader: Reader,
    /// The one that was used last on top.
    idle: Mutex<Vec<Idle>>,
    turns: Semaphore,
}

struct Idle {
    connection: Connection,
    since: Instant,
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
        if let Some(idle) = self.take()
            && let Some(answer) = self.ask_idle(idle, search, attributes).await
        {
            return Ok(answer);
        }
        self.ask(self.open(route).await?, search, attributes).await
    }

    fn take(&self) -> Option<Idle> {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < IDLE_FOR);
        idle.pop()
    }

    /// Asks over a connection that may be there no more. If it is not, the others that lie idle are not, either: a server ends
    /// connections on which nothing happens, and all of them when it starts anew, and a firewall forgets them alike.
    async fn ask_idle(&self, idle: Idle, search: &Search, attributes: &[Box<str>]) -> Option<SearchAnswer> {
        let is_trusted = idle.since.elapsed() < TRUSTED_FOR;
        let patience = if is_trusted { Duration::MAX } else { DOUBTED_AFTER };
        let mut doubt = Doubt { readers: self, asked: Instant::now(), is_answered: false };
        match timeout(patience, self.ask(idle.connection, search, attributes)).await {
            Ok(Ok(answer)) => {
                doubt.is_answered = true;
                Some(answer)
            }
            Ok(Err(_)) => {
                self.idle().clear();
                None
            }
            Err(_) => None,
        }
    }

    async fn ask(
        &self,
        connection: Connection,
        search: &Search,
        attributes: &[Box<str>],
    ) -> Result<SearchAnswer, Trouble> {
        let (connection, answer) = connection.search(search, attributes).await?;
        self.idle().push(Idle { connection, since: Instant::now() });
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

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a question to a connection that lay idle comes to an end. Where it does not, those that lie idle still go: also
/// where whoever asked has no more patience, and this is all that is left of the question. To hang up at once does not do it,
/// or a stranger could have us connect anew each time.
struct Doubt<'a> {
    readers: &'a Readers,
    asked: Instant,
    is_answered: bool,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.is_answered && self.asked.elapsed() >= DOUBTED_AFTER {
            self.readers.idle().clear();
        }
    }
}
