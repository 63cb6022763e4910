//! Accounts that a SQL database knows: one query, one parameter, one row.
//!
//! A [`SqlDirectory`] asks a PostgreSQL server or a SQLite file who has a name, by a query of the settings. What it gets is
//! whom the name means and the hash of their password; whoever asked checks that, in memory that is bounded.
//!
//! > **Promises.** A name is a parameter of a statement that was prepared before anybody's name was known; it is never part of
//! > its text (threat T-33). The database is only read. A connection whose answer nobody waited for is not used again. To
//! > another host nothing is said in the clear but where the settings say so.
//!
//! Left to others: hashes (`foreign-hash`); how long an answer may take, and rest after failures ([`directory::Member`]).

mod config;
mod fault;
mod postgresql;
mod row;
mod sqlite;

pub use config::{Database, PostgreSql, Privacy, Server, SqlConfig};
pub use fault::Fault;
pub use postgresql::MAX_CONNECTIONS;
pub use row::{MAX_HASH_OCTETS, MAX_VERSION_OCTETS, Odd};
pub use sqlite::MAX_WAITING;

use directory::{
    Ability, Answer, Asked, Directory, DirectoryName, Found, Password, Question, Token, Trouble,
};
use row::Rows;
use std::fmt;
use terms::Login;

/// Who hears of names whose rows are not as they should be: two of them, or one that cannot be read. It is for the log, and
/// called by whoever asks, so it must not wait. Strangers can bring it about, once for each try.
pub type Notice = dyn Fn(&Login, Odd) + Send + Sync;

/// A directory that is a query of a database.
pub struct SqlDirectory {
    name: DirectoryName,
    backend: Backend,
    notice: Box<Notice>,
}

enum Backend {
    PostgreSql(Box<postgresql::Pool>),
    Sqlite(sqlite::Sqlite),
}

impl SqlDirectory {
    /// A directory that asks this database, when it is first asked itself.
    ///
    /// # Errors
    /// [`Fault::Wrong`] for a file of authorities that cannot be read, or holds none.
    pub fn new(config: SqlConfig, notice: Box<Notice>) -> Result<Self, Fault> {
        let backend = match config.database {
            Database::PostgreSql(server) => {
                Backend::PostgreSql(Box::new(postgresql::Pool::new(&server, config.query)?))
            }
            Database::Sqlite { file } => Backend::Sqlite(sqlite::Sqlite::start(file, config.query)?),
        };
        Ok(Self { name: config.name, backend, notice })
    }

    /// Whether the query is one that this can work with. It is prepared, and nobody's name is asked for.
    ///
    /// # Errors
    /// [`Fault::Wrong`] says what is wrong with query or tables; with [`Fault::Unavailable`] it is not known now.
    pub async fn examine(&self) -> Result<(), Fault> {
        match &self.backend {
            Backend::PostgreSql(pool) => pool.examine().await,
            Backend::Sqlite(sqlite) => sqlite.examine().await,
        }
    }

    async fn answer(&self, login: &Login) -> Answer<Found> {
        let rows = match &self.backend {
            Backend::PostgreSql(pool) => pool.ask(login.as_str()).await,
            Backend::Sqlite(sqlite) => sqlite.ask(login.as_str()).await,
        };
        match rows {
            Ok(Rows::None) => Answer::NoSuch,
            Ok(Rows::One(row)) => match row.person(login) {
                Ok(found) => Answer::Yes(found),
                Err(odd) => self.nobody(login, odd),
            },
            Ok(Rows::Odd(odd)) => self.nobody(login, odd),
            Err(fault) => Answer::Unavailable(fault.into_trouble()),
        }
    }

    /// A row that cannot be read is that of one name: were it "unavailable", whoever asked for that name three times would have
    /// the whole directory rest.
    fn nobody(&self, login: &Login, odd: Odd) -> Answer<Found> {
        (self.notice)(login, odd);
        Answer::NoSuch
    }
}

impl Directory for SqlDirectory {
    fn name(&self) -> &DirectoryName {
        &self.name
    }

    fn can(&self, ability: Ability) -> bool {
        match ability {
            Ability::Passwords => true,
            Ability::Bearer => false,
        }
    }

    /// A file has one reader.
    fn turns(&self, _: Question) -> usize {
        match self.backend {
            Backend::PostgreSql(_) => MAX_CONNECTIONS,
            Backend::Sqlite(_) => 1,
        }
    }

    fn examine(&self) -> Asked<'_, ()> {
        Box::pin(async {
            Self::examine(self).await.map_or_else(|why| Answer::Unavailable(Trouble::new(why)), Answer::Yes)
        })
    }

    fn find<'a>(&'a self, login: &'a Login) -> Asked<'a, Found> {
        Box::pin(self.answer(login))
    }

    /// Nobody is found here with a password that is known elsewhere, so there is nothing to check.
    fn check<'a>(&'a self, _: &'a Found, _: Password<'a>) -> Asked<'a, ()> {
        Box::pin(std::future::ready(Answer::Unavailable(Trouble::new("a database checks no passwords"))))
    }

    fn bearer<'a>(&'a self, _: Token<'a>) -> Asked<'a, Found> {
        Box::pin(std::future::ready(Answer::NoSuch))
    }
}

impl fmt::Debug for SqlDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlDirectory").field(&self.name).finish()
    }
}
