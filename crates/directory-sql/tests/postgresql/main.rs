//! A real PostgreSQL server, as Debian has it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says when it is skipped")]

#[path = "../people/mod.rs"]
mod people;
mod server;

use directory::conformance::{self, HOSTILE_NAMES};
use directory::{Ability, Answer, Directory, Domains, Member, Token};
use directory_sql::{Fault, MAX_CONNECTIONS, Odd, Privacy, Server, SqlConfig, SqlDirectory};
use people::{PEOPLE, is_right, login, whose};
use server::{Postgres, QUERY, config};
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use terms::Login;

fn directory(config: SqlConfig) -> SqlDirectory {
    SqlDirectory::new(config, Box::new(|_, _| {})).unwrap()
}

#[tokio::test]
async fn the_suite_holds_for_postgresql() {
    let Some(server) = Postgres::start() else { return };
    let staff = directory(server.config(QUERY));
    conformance::check(&staff, PEOPLE, is_right).await;
    assert!(!staff.can(Ability::Bearer));
    assert_eq!(staff.bearer(Token::new("x")).await, Answer::NoSuch);
}

/// Each of them is somebody's, so that a query that they became part of would bring another row, or none.
#[tokio::test]
async fn t_33_no_name_becomes_part_of_a_query_to_postgresql() {
    let Some(server) = Postgres::start() else { return };
    let names: Vec<_> = HOSTILE_NAMES.iter().filter_map(|name| Login::new(name).ok()).collect();
    for (number, name) in names.iter().enumerate() {
        let quoted = name.as_str().replace('\'', "''");
        server.sql(&format!("INSERT INTO people VALUES ({}, '{quoted}', 'x', true)", number + 100));
    }
    let staff = directory(server.config(QUERY));
    for (number, name) in names.iter().enumerate() {
        assert_eq!(whose(&staff, name.as_str()).await, (number + 100).to_string(), "{name}");
    }
    assert_eq!(server.sql("SELECT count(*) FROM people"), (names.len() + 3).to_string());
}

#[tokio::test]
async fn a_name_with_two_rows_is_nobodys_and_the_log_hears_of_it() {
    let Some(server) = Postgres::start() else { return };
    server.sql("INSERT INTO people VALUES (4, 'ann@example.org', 'x', true)");
    server.sql("INSERT INTO people SELECT n, 'many' || n, 'x', true FROM generate_series(10, 100000) n");
    for (query, odd) in [
        (QUERY, Odd::MoreThanOne),
        // Everybody: no more is read of it than shows that.
        ("SELECT id AS subject, password FROM people WHERE $1::text IS NOT NULL", Odd::MoreThanOne),
        ("SELECT id AS subject, password FROM people WHERE id = $1::text::int", Odd::NotComputed),
        ("SELECT '' AS subject, password FROM people WHERE id = 1 AND $1::text <> ''", Odd::Subject),
    ] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        let notice = move |login: &Login, odd| notes.lock().unwrap().push((login.clone(), odd));
        let staff = SqlDirectory::new(server.config(query), Box::new(notice)).unwrap();
        for _ in 0..2 {
            assert_eq!(whose(&staff, "ann@example.org").await, "NoSuch", "{query}");
        }
        assert_eq!(*heard.lock().unwrap(), vec![(login("ann@example.org"), odd); 2], "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_told_before_anybody_signs_in() {
    let Some(server) = Postgres::start() else { return };
    server
        .sql("CREATE TABLE odd (n numeric, j jsonb, u uuid, t timestamptz, b bytea, c char(3), login text)");
    server.sql("GRANT SELECT ON odd TO gatepost; CREATE TABLE secret (login text)");
    for (query, words) in [
        ("SELECT id AS subject, password FROM people", "the query has no parameter: the login name is $1"),
        (
            "SELECT id AS subject, password FROM people WHERE login = $1 OR login = $2",
            "the query has 2 parameters, and there is one, the login name",
        ),
        (
            "SELECT id AS subject, password FROM people WHERE id = $1",
            "the query takes $1 for int8; it is a text",
        ),
        ("SELECT id AS subject FROM people WHERE login = $1", "the query gives no column `password`"),
        (
            "SELECT id, password FROM people WHERE login = $1",
            "the query gives a column `id`, which means nothing",
        ),
        (
            "SELECT n AS subject, c AS password FROM odd WHERE login = $1",
            "the column `subject` of the query is of type numeric, and has to be a text, an integer or a uuid",
        ),
        (
            "SELECT u AS subject, b AS password FROM odd WHERE login = $1",
            "the column `password` of the query is of type bytea, and has to be a text",
        ),
        (
            "SELECT u AS subject, c AS password, j AS version FROM odd WHERE login = $1",
            "the column `version` of the query is of type jsonb",
        ),
        ("SELEC $1", "the query cannot be prepared: syntax error at or near \"SELEC\""),
        (
            "SELECT id AS subject, password FROM people WHERE login = $1; DELETE FROM people",
            "the query cannot be prepared: cannot insert multiple commands into a prepared statement",
        ),
        (
            "SELECT id AS subject, password FROM persons WHERE login = $1",
            "relation \"persons\" does not exist",
        ),
        (
            "SELECT login AS subject, login AS password FROM secret WHERE login = $1",
            "permission denied for table",
        ),
    ] {
        // Whoever has no table's rights may prepare a statement over it, and hears of it when it runs.
        let staff = directory(server.config(query));
        let told = match staff.examine().await {
            Err(Fault::Wrong(why)) => why.to_string(),
            Ok(()) => whose(&staff, "ann@example.org").await,
            Err(fault) => panic!("{query}: {fault}"),
        };
        let runs_into = words.starts_with("permission") && told.contains("SQLSTATE 42501");
        assert!(told.contains(words) || runs_into, "{query}: {told}");
    }
    for query in [
        QUERY,
        "SELECT u AS subject, c AS password, t AS version, c AS login FROM odd WHERE login = $1",
        "SELECT u AS subject, c AS password, b AS version FROM odd WHERE lower(login) = lower($1)",
    ] {
        directory(server.config(query)).examine().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_is_down_is_unavailable_and_one_that_is_back_is_asked_again() {
    let Some(mut server) = Postgres::start() else { return };
    let staff = directory(server.config(QUERY));
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    // Restarted in between: the connection that was kept is of no use any more, and nobody notices.
    server.down();
    server.up();
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    server.down();
    for name in ["ann@example.org", "nobody"] {
        let told = whose(&staff, name).await;
        assert!(told.starts_with("unavailable: error connecting to server"), "{told}");
    }
    assert!(matches!(staff.examine().await, Err(Fault::Unavailable(_))));
    server.up();
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    assert_eq!(whose(&staff, "nobody").await, "NoSuch");
}

/// A query that is slow for one name.
const SLOW: &str = "SELECT id AS subject, password FROM people \
    WHERE login = $1 AND (login <> 'bob@example.org' OR pg_sleep(60) IS NOT NULL)";

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_the_answer_to_the_next_question() {
    let Some(server) = Postgres::start() else { return };
    let staff = directory(server.config(SLOW));
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    let bob = login("bob@example.org");
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    {
        let mut asked = pin!(staff.find(&bob));
        // The driver of the connection has its turns while psql is started and waited for.
        while server.sql(busy) != "1" {
            let once = poll_fn(|task| Poll::Ready(asked.as_mut().poll(task).is_ready()));
            assert!(!once.await, "the query is slow");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    assert_eq!(whose(&staff, "nobody").await, "NoSuch");
}

#[tokio::test]
async fn a_slow_database_is_unavailable_and_the_server_gives_the_query_up() {
    let Some(server) = Postgres::start() else { return };
    let member = Member::new(Arc::new(directory(server.config(SLOW))), Domains::All);
    let answer = member.find(&login("bob@example.org")).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
    let answer = member.find(&login("ann@example.org")).await;
    assert!(matches!(answer, Answer::Yes(_)), "{answer:?}");
    // Whether or not the server has noticed that nobody listens: it stops.
    while server.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") != "0" {}
}

#[tokio::test]
async fn however_many_ask_there_are_few_connections_and_they_are_kept() {
    let Some(server) = Postgres::start() else { return };
    let staff = Arc::new(directory(server.config(QUERY)));
    for _ in 0..2 {
        let asked: Vec<_> = (0..100)
            .map(|_| {
                let staff = Arc::clone(&staff);
                tokio::spawn(async move { whose(&staff, "ann@example.org").await })
            })
            .collect();
        for task in asked {
            assert_eq!(task.await.unwrap(), "1");
        }
    }
    // A sequence of theirs would be simpler, had they the right to write.
    let sessions = server.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gatepost'");
    assert!((1..=MAX_CONNECTIONS).contains(&sessions.parse().unwrap()), "{sessions}");
}

#[tokio::test]
async fn tables_may_change_under_a_prepared_statement() {
    let Some(server) = Postgres::start() else { return };
    let staff = directory(server.config(QUERY));
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    server.sql("ALTER TABLE people ALTER password TYPE text, ALTER id TYPE text");
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    server.sql("ALTER TABLE people RENAME active TO is_active");
    let told = whose(&staff, "ann@example.org").await;
    assert!(
        told.starts_with("unavailable: the query cannot be prepared: column \"active\" does not exist"),
        "{told}"
    );
    server.sql("ALTER TABLE people RENAME is_active TO active");
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
}

#[tokio::test]
async fn a_query_that_would_write_does_not() {
    let Some(server) = Postgres::start() else { return };
    server.sql(
        "CREATE FUNCTION take(text) RETURNS SETOF people LANGUAGE sql VOLATILE AS
         $$ INSERT INTO people VALUES (9, $1, 'x', true) RETURNING * $$",
    );
    let staff = directory(server.config("SELECT id AS subject, password FROM take($1)"));
    let told = whose(&staff, "dee").await;
    assert_eq!(told, "unavailable: the query failed (SQLSTATE 25006)");
    assert_eq!(server.sql("SELECT count(*) FROM people"), "3");
}

fn tls(ca_file: &std::path::Path) -> Privacy {
    Privacy::Tls { ca_file: Some(ca_file.into()) }
}

#[tokio::test]
async fn behind_tls_only_the_server_that_is_meant_is_asked() {
    let Some(mut server) = Postgres::start() else { return };
    // Before it has a certificate: nothing is said in the clear instead.
    let (stranger, ..) = server::certificate(&["127.0.0.1"]);
    let other = std::env::temp_dir().join(format!("gatepost-other-ca-{}.pem", std::process::id()));
    std::fs::write(&other, stranger).unwrap();
    let told =
        whose(&directory(config(server.by_tcp("127.0.0.1", tls(&other)), QUERY)), "ann@example.org").await;
    assert!(told.contains("server does not support TLS"), "{told}");

    let authority = server.with_certificate(&["localhost"]);
    for (host, ca_file, words) in [
        ("localhost", &authority, "1"),
        ("localhost", &other, "invalid peer certificate: BadSignature"),
        // The certificate is not for this name.
        ("127.0.0.1", &authority, "certificate not valid for name \"127.0.0.1\""),
    ] {
        let staff = directory(config(server.by_tcp(host, tls(ca_file)), QUERY));
        let told = whose(&staff, "ann@example.org").await;
        assert!(told == words || (words != "1" && told.contains(words)), "{host}: {told}");
    }
    let encrypted =
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'gatepost'";
    let staff = directory(config(server.by_tcp("localhost", tls(&authority)), QUERY));
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    assert_eq!(server.sql(encrypted), "t");
    drop(staff);

    // Where the settings say so, in the clear: with a password that is proved and not said.
    let staff = directory(config(server.by_tcp("127.0.0.1", Privacy::Cleartext), QUERY));
    assert_eq!(whose(&staff, "bob@example.org").await, "2");
    std::fs::remove_file(other).unwrap();
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_told_at_once() {
    let missing = PathBuf::from("/nonexistent/ca.pem");
    let server = Server::Tcp { host: "localhost".into(), port: 5432, privacy: tls(&missing) };
    let fault = SqlDirectory::new(config(server, QUERY), Box::new(|_, _| {})).unwrap_err();
    assert!(fault.to_string().starts_with("/nonexistent/ca.pem cannot be used: "), "{fault}");
}
