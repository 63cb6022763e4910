//! One connection, with the query prepared.

use super::tls::Tls;
use super::value::{self, Kind};
use crate::fault::Fault;
use crate::row::{BadColumns, Columns, Odd, Rows, Value};
use directory::PATIENCE;
use futures_core::Stream;
use std::error::Error as _;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Error, Row, RowStream, Statement};

/// A connection to a server that is asked one thing at a time. It is closed when it is dropped, whatever the server is at.
pub(super) struct Connection {
    client: Client,
    statement: Statement,
    columns: Columns,
    _driver: Driver,
}

/// What moves octets between the server and the client. `tokio_postgres` would have it read on until all that was asked for is
/// answered.
struct Driver(JoinHandle<()>);

impl Driver {
    fn behind<S, T>((client, driving): (Client, tokio_postgres::Connection<S, T>)) -> (Client, Self)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let driving = tokio::spawn(async move {
            // Whoever asked hears of it.
            let _ = driving.await;
        });
        (client, Self(driving))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a server is, and how it is spoken to.
pub(super) struct Place {
    /// The name and the port; `None` for a Unix socket, which the configuration has.
    pub(super) host: Option<(Box<str>, u16)>,
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: Tls,
}

impl Place {
    /// A client, and what moves its octets.
    async fn connect(&self) -> Result<(Client, Driver), Fault> {
        let Some((host, port)) = &self.host else {
            let connected = self.config.connect(self.tls.clone()).await;
            return connected.map(Driver::behind).map_err(|why| unreachable(&why));
        };
        // tokio_postgres would wait for each of the addresses, one behind the other.
        let unreached = |why| Fault::unavailable(format_args!("{host}:{port} cannot be reached: {why}"));
        let stream = dial::connect(host, *port).await.map_err(unreached)?;
        dial::look_after(&stream).map_err(unreached)?;
        let handshake = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut self.tls.clone(), host);
        let handshake = handshake.map_err(Fault::unavailable)?;
        let connected = self.config.connect_raw(stream, handshake).await;
        connected.map(Driver::behind).map_err(|why| unreachable(&why))
    }
}

/// Why a connection brought nothing.
pub(super) enum Broken {
    /// A new one may do better.
    Stale(Fault),
    /// It is the query, or the server: a new one would do no better.
    Refused(Fault),
}

impl Broken {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Stale(fault) | Self::Refused(fault) => fault,
        }
    }
}

impl Connection {
    /// Connects, signs in, prepares the query, and looks whether it is one that we can use.
    pub(super) async fn open(place: &Place, query: &str) -> Result<Self, Fault> {
        let (client, driver) = place.connect().await?;
        client.batch_execute(&manners()).await.map_err(|why| unreachable(&why))?;
        let statement = client.prepare(query).await.map_err(|why| not_prepared(&why))?;
        check_parameters(&statement)?;
        let columns = check_columns(&statement)?;
        Ok(Self { client, statement, columns, _driver: driver })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// What the query brings for a name, and whether all that the server says to it has been read. No more than two rows are
    /// looked at: a query without a condition would bring everybody.
    pub(super) async fn ask(&self, login: &str) -> Result<(Rows, bool), Broken> {
        // It cannot be said to PostgreSQL, and so it is in no table. A login has none.
        if login.contains('\0') {
            return Ok((Rows::None, true));
        }
        match self.rows(login).await {
            Ok(answer) => Ok(answer),
            Err(error) if is_about_the_name(&error) => Ok((Rows::Odd(Odd::NotComputed), true)),
            Err(error) => Err(broken(&error)),
        }
    }

    async fn rows(&self, login: &str) -> Result<(Rows, bool), Error> {
        let mut stream = pin!(self.client.query_raw(&self.statement, [login]).await?);
        let Some(row) = next(stream.as_mut()).await? else { return Ok((Rows::None, true)) };
        match next(stream).await? {
            Some(_) => Ok((Rows::Odd(Odd::MoreThanOne), false)),
            None => Ok((Rows::One(self.columns.read(|place| row.try_get::<_, Value>(place))?), true)),
        }
    }
}

async fn next(mut stream: Pin<&mut RowStream>) -> Result<Option<Row>, Error> {
    poll_fn(|task| stream.as_mut().poll_next(task)).await.transpose()
}

/// What every session begins with. Said behind the login, since a pooler in between may not take options with it.
fn manners() -> String {
    let millis = PATIENCE.as_millis();
    format!(
        "SET default_transaction_read_only = on; SET statement_timeout = {millis}; SET lock_timeout = {millis}"
    )
}

fn check_parameters(statement: &Statement) -> Result<(), Fault> {
    match statement.params() {
        [one] if value::is_text(one) => Ok(()),
        [one] => Err(Fault::wrong(format_args!(
            "the query takes $1 for {}; it is a text: write `$1::text`",
            one.name()
        ))),
        [] => Err(Fault::wrong("the query has no parameter: the login name is $1, as in `WHERE login = $1`")),
        more => Err(Fault::wrong(format_args!(
            "the query has {} parameters, and there is one, the login name: write $1 in each place",
            more.len()
        ))),
    }
}

fn check_columns(statement: &Statement) -> Result<Columns, Fault> {
    let columns = Columns::of(statement.columns().iter().map(|column| column.name()));
    let columns = columns.map_err(|why: BadColumns| Fault::wrong(why))?;
    for (column, place) in columns.each() {
        let Some(found) = statement.columns().get(place) else { continue };
        if !Kind::of(found.type_()).is_some_and(|kind| kind.fits(column)) {
            return Err(Fault::wrong(format_args!(
                "the column `{}` of the query is of type {}, and has to be {}",
                column.name(),
                found.type_().name(),
                Kind::wanted(column)
            )));
        }
    }
    Ok(columns)
}

/// Data that a query cannot be computed with (class 22), or more rows than it has room for (class 21): another name would do,
/// and the connection is as good as before.
fn is_about_the_name(error: &Error) -> bool {
    error.code().is_some_and(|state| ["21", "22"].iter().any(|class| state.code().starts_with(class)))
}

/// What a server says while it runs a query may have the name in it, so it is told by its number alone.
fn broken(error: &Error) -> Broken {
    let Some(state) = error.code() else { return Broken::Stale(unreachable(error)) };
    if *state == SqlState::QUERY_CANCELED {
        return Broken::Refused(Fault::unavailable("the query took too long (SQLSTATE 57014)"));
    }
    Broken::Stale(Fault::unavailable(format_args!("the query failed (SQLSTATE {})", state.code())))
}

/// Syntax, names, rights (class 42) and what this server cannot do (0A) stay wrong until somebody puts them right.
fn not_prepared(error: &Error) -> Fault {
    let stays =
        error.code().is_some_and(|state| ["42", "0A"].iter().any(|class| state.code().starts_with(class)));
    let why = format!("the query cannot be prepared: {}", words(error));
    if stays { Fault::wrong(why) } else { Fault::unavailable(why) }
}

fn unreachable(error: &Error) -> Fault {
    Fault::unavailable(words(error))
}

/// An error with what led to it; of what the server says the one line that is for people.
fn words(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", told.message(), told.code().code());
    }
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(why) = source {
        // A String takes everything.
        let _ = write!(words, ": {why}");
        source = why.source();
    }
    words
}
