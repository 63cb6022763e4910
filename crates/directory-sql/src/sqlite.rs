//! SQLite, on a thread of its own: a look into a file blocks whoever takes it.

use crate::fault::Fault;
use crate::row::{Columns, Odd, Rows, Value};
use directory::PATIENCE;
use rusqlite::ffi::ErrorCode;
use rusqlite::types::ValueRef;
use rusqlite::{OpenFlags, Statement};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Most questions that wait for the one that is being answered; who comes then is told that the database is busy.
pub const MAX_WAITING: usize = 64;

/// How long a look waits for whoever writes to the file. A writer of SQLite is through in milliseconds.
const WRITER_PATIENCE: Duration = Duration::from_millis(500);

/// Steps of SQLite's machine between two looks at the clock: some 100 us.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// A file, and the thread that reads it. The thread ends when this is dropped.
pub(crate) struct Sqlite {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    /// `None` where the query is to be prepared and no more.
    login: Option<Box<str>>,
    since: Instant,
    answer: oneshot::Sender<Result<Rows, Fault>>,
}

impl Sqlite {
    pub(crate) fn start(file: PathBuf, query: String) -> Result<Self, Fault> {
        let (jobs, coming) = mpsc::channel(MAX_WAITING);
        let thread = thread::Builder::new().name("directory-sqlite".into());
        thread.spawn(move || serve(&file, &query, coming)).map_err(Fault::unavailable)?;
        Ok(Self { jobs })
    }

    pub(crate) async fn examine(&self) -> Result<(), Fault> {
        self.put(None).await.map(drop)
    }

    pub(crate) async fn ask(&self, login: &str) -> Result<Rows, Fault> {
        self.put(Some(login.into())).await
    }

    async fn put(&self, login: Option<Box<str>>) -> Result<Rows, Fault> {
        let (answer, coming) = oneshot::channel();
        let job = Job { login, since: Instant::now(), answer };
        self.jobs.try_send(job).map_err(|_| Fault::unavailable("too many ask the database at once"))?;
        coming.await.unwrap_or_else(|_| Err(Fault::unavailable("the thread that reads the database is gone")))
    }
}

/// Opens the file for each job that comes when it is not open, and stays with it as long as it is the same.
fn serve(file: &Path, query: &str, mut jobs: mpsc::Receiver<Job>) {
    let mut next = jobs.blocking_recv();
    while let Some(job) = next {
        next = match Opened::at(file) {
            Ok(opened) => opened.serve(query, job, &mut jobs),
            Err(fault) => {
                job.told(Err(fault));
                jobs.blocking_recv()
            }
        };
    }
}

impl Job {
    /// To somebody who may have gone.
    fn told(self, rows: Result<Rows, Fault>) {
        let _ = self.answer.send(rows);
    }
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(file: &Path) -> std::io::Result<Self> {
        let found = fs::metadata(file)?;
        Ok(Self { device: found.dev(), inode: found.ino() })
    }
}

struct Opened<'a> {
    file: &'a Path,
    identity: Identity,
    connection: rusqlite::Connection,
    /// When the question that is being answered is given up.
    until: Arc<Mutex<Instant>>,
}

impl<'a> Opened<'a> {
    fn at(file: &'a Path) -> Result<Self, Fault> {
        let identity = Identity::of(file)
            .map_err(|why| Fault::unavailable(format_args!("{}: {why}", file.display())))?;
        let failed =
            |why| Fault::unavailable(format_args!("{} does not open: {}", file.display(), words(&why)));
        // Not as a URI, and without locks: one thread has it.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = rusqlite::Connection::open_with_flags(file, flags).map_err(failed)?;
        connection.busy_timeout(WRITER_PATIENCE).map_err(failed)?;
        let until = Arc::new(Mutex::new(Instant::now() + PATIENCE));
        let seen = Arc::clone(&until);
        let is_over = move || Instant::now() >= *seen.lock().unwrap_or_else(PoisonError::into_inner);
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(is_over)).map_err(failed)?;
        Ok(Self { file, identity, connection, until })
    }

    /// Answers from this file until another is in its place, or something goes wrong with it. Gives back the job that is still
    /// to be done.
    fn serve(self, query: &str, mut job: Job, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        self.lasts_until(job.since + PATIENCE);
        let mut statement = match self.prepared(query) {
            Ok(statement) => statement,
            Err(fault) => {
                job.told(Err(fault));
                return jobs.blocking_recv();
            }
        };
        loop {
            self.lasts_until(job.since + PATIENCE);
            let rows = match &job.login {
                // Its asker has no patience any more, or will have none by the time of an answer.
                _ if job.answer.is_closed() => Ok(Rows::None),
                None => Ok(Rows::None),
                Some(login) => ask(&mut statement, login),
            };
            let is_well = rows.is_ok();
            job.told(rows);
            job = jobs.blocking_recv()?;
            // A job that only examines has the query prepared as it would be now.
            if !is_well || job.login.is_none() || Identity::of(self.file).ok() != Some(self.identity) {
                return Some(job);
            }
        }
    }

    fn lasts_until(&self, until: Instant) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn prepared(&self, query: &str) -> Result<Statement<'_>, Fault> {
        let statement = self.connection.prepare(query).map_err(|why| not_prepared(&why))?;
        match statement.parameter_count() {
            1 => {}
            0 => {
                let why = "the query has no parameter: the login name is ?1, as in `WHERE login = ?1`";
                return Err(Fault::wrong(why));
            }
            more => {
                return Err(Fault::wrong(format_args!(
                    "the query has {more} parameters, and there is one, the login name: write ?1 in each place"
                )));
            }
        }
        if !statement.readonly() {
            return Err(Fault::wrong("the query writes to the database"));
        }
        Columns::of(statement.column_names()).map_err(Fault::wrong)?;
        Ok(statement)
    }
}

/// What the query brings for a name. The columns are looked at behind the first step, which may have prepared it anew for tables
/// that are others now.
fn ask(statement: &mut Statement<'_>, login: &str) -> Result<Rows, Fault> {
    let mut rows = statement.query([login]).map_err(|why| failed(&why))?;
    let row = match rows.next().map_err(|why| failed(&why))? {
        None => return Ok(Rows::None),
        Some(row) => {
            let columns = Columns::of(row.as_ref().column_names()).map_err(Fault::wrong)?;
            columns.read(|place| row.get_ref(place).map(value)).map_err(|why| failed(&why))?
        }
    };
    match rows.next().map_err(|why| failed(&why))? {
        None => Ok(Rows::One(row)),
        Some(_) => Ok(Rows::Odd(Odd::MoreThanOne)),
    }
}

/// Text that is no UTF-8 has no meaning here: nobody can type it.
fn value(raw: ValueRef<'_>) -> Value {
    match raw {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => {
            std::str::from_utf8(text).map_or(Value::Other, |text| Value::Text(text.into()))
        }
        ValueRef::Blob(octets) => Value::Octets(octets.into()),
        ValueRef::Real(_) => Value::Other,
    }
}

fn not_prepared(error: &rusqlite::Error) -> Fault {
    let why = format!("the query cannot be prepared: {error}");
    match error.sqlite_error_code() {
        // SQLITE_ERROR: syntax, tables and columns that are not there.
        Some(ErrorCode::Unknown) | None => Fault::wrong(why),
        Some(_) => Fault::unavailable(why),
    }
}

fn failed(error: &rusqlite::Error) -> Fault {
    Fault::unavailable(format_args!("the query failed: {}", words(error)))
}

/// By its number: what SQLite says while it runs a query may have the name in it.
fn words(error: &rusqlite::Error) -> String {
    error.sqlite_error().map_or_else(|| error.to_string(), ToString::to_string)
}
