//! What the settings say of a database.

use directory::{DirectoryName, Secret};
use std::path::PathBuf;

/// A directory that is a query of a database.
#[derive(Clone, Debug)]
pub struct SqlConfig {
    /// What the directory is called.
    pub name: DirectoryName,
    /// Which database is asked.
    pub database: Database,
    /// The query: one SELECT with one parameter, which is the login name in lower case and is written `$1` for PostgreSQL and
    /// `?1` for SQLite. It gives one row for whoever has that name, and none for a name that nobody has. Its columns go by their
    /// names:
    ///
    /// | column | | type | what it says |
    /// |---|---|---|---|
    /// | `subject` | needed | text, integer, uuid | who it is: a key that is never given to somebody else |
    /// | `password` | needed | text | the hash of the password, as in `{ARGON2ID}$argon2id$...` or `$2y$...`; NULL where no password fits |
    /// | `login` | | text | what their account is called here, where that is not what they typed |
    /// | `enabled` | | boolean, 0 or 1 | whether they may sign in; NULL is no |
    /// | `version` | | anything but NULL | what becomes another when the password does, as the time of its change |
    ///
    /// As in `SELECT id AS subject, address AS login, password, active AS enabled FROM users WHERE address = $1`.
    pub query: String,
}

/// Which database.
#[derive(Clone, Debug)]
pub enum Database {
    /// A PostgreSQL server.
    PostgreSql(PostgreSql),
    /// A SQLite file. It is opened to read, and looked for anew when another file has taken its place. One that is written in
    /// WAL mode needs its directory to be writable for this server.
    Sqlite {
        /// Where the file lies.
        file: PathBuf,
    },
}

/// How a PostgreSQL server is reached.
#[derive(Clone, Debug)]
pub struct PostgreSql {
    /// Where it is.
    pub server: Server,
    /// The database on it.
    pub database: String,
    /// As whom we sign in. All that this role needs is to SELECT what the query reads.
    pub user: String,
    /// Its password; `None` where the server knows us otherwise, as by `peer` on a Unix socket.
    pub password: Option<Secret>,
}

/// Where a PostgreSQL server is.
#[derive(Clone, Debug)]
pub enum Server {
    /// On this machine, by its Unix socket.
    Socket {
        /// The directory that the socket is in, as `/run/postgresql`.
        directory: PathBuf,
        /// The port that the socket is called after, as 5432 in `.s.PGSQL.5432`.
        port: u16,
    },
    /// By TCP.
    Tcp {
        /// A host name or an address, which the server's certificate has to be for.
        host: String,
        /// As 5432.
        port: u16,
        /// Who could listen.
        privacy: Privacy,
    },
}

/// Who could listen to what is said to a database.
#[derive(Clone, Debug)]
pub enum Privacy {
    /// Nobody: TLS, and the server proves who it is (what libpq calls `verify-full`). Without it nothing is said.
    Tls {
        /// A PEM file of the authorities that vouch for the server; `None` for those of the system.
        ca_file: Option<PathBuf>,
    },
    /// Everybody on the way. Names and hashes of passwords go over the wire as they are, and whoever sits on it can answer in the
    /// server's place: only for the loopback interface, or for a network that is private by other means.
    Cleartext,
}
