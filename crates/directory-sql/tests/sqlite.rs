//! A real SQLite file.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod people;

use directory::conformance::{self, HOSTILE_NAMES};
use directory::{Ability, Answer, Directory, DirectoryName, Domains, Member};
use directory_sql::{Database, Fault, MAX_WAITING, Odd, SqlConfig, SqlDirectory};
use people::{INSERT_PEOPLE, PEOPLE, is_right, login, whose};
use rusqlite::Connection;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use terms::Login;

const QUERY: &str = "SELECT id AS subject, password, active AS enabled FROM people WHERE login = ?1";

const TABLE: &str =
    "CREATE TABLE people (id INTEGER PRIMARY KEY, login TEXT NOT NULL, password, active INTEGER NOT NULL)";

/// A file for one test, gone with it.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("gatepost-{}-{name}.sqlite", std::process::id())));
        file.fill();
        file
    }

    /// With three people in it.
    fn fill(&self) {
        self.sql(TABLE);
        self.sql(INSERT_PEOPLE);
    }

    fn sql(&self, sql: &str) {
        self.open().execute_batch(sql).unwrap();
    }

    fn open(&self) -> Connection {
        Connection::open(&self.0).unwrap()
    }

    fn config(&self, query: &str) -> SqlConfig {
        SqlConfig {
            name: DirectoryName::new("staff").unwrap(),
            database: Database::Sqlite { file: self.0.clone() },
            query: query.into(),
        }
    }

    fn directory(&self, query: &str) -> SqlDirectory {
        SqlDirectory::new(self.config(query), Box::new(|_, _| {})).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // With the two that SQLite makes beside it for a log of writers.
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

#[tokio::test]
async fn the_suite_holds_for_sqlite() {
    let file = File::new("suite");
    let staff = file.directory(QUERY);
    conformance::check(&staff, PEOPLE, is_right).await;
    assert!(!staff.can(Ability::Bearer));
}

#[tokio::test]
async fn t_33_no_name_becomes_part_of_a_query_to_sqlite() {
    let file = File::new("hostile");
    let names: Vec<_> = HOSTILE_NAMES.iter().filter_map(|name| Login::new(name).ok()).collect();
    for (number, name) in names.iter().enumerate() {
        let values = (i64::try_from(number).unwrap() + 100, name.as_str());
        file.open().execute("INSERT INTO people VALUES (?1, ?2, 'x', 1)", values).unwrap();
    }
    let staff = file.directory(QUERY);
    for (number, name) in names.iter().enumerate() {
        assert_eq!(whose(&staff, name.as_str()).await, (number + 100).to_string(), "{name}");
    }
}

#[tokio::test]
async fn a_row_that_is_not_as_it_should_be_is_nobodys_and_the_log_hears_of_it() {
    let file = File::new("odd");
    file.sql(
        "INSERT INTO people VALUES (4, 'ann@example.org', 'x', 1), (5, 'dee', x'00', 1), (6, 'eve', 'x', 7)",
    );
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    let notice = move |login: &Login, odd| notes.lock().unwrap().push((login.to_string(), odd));
    let staff = SqlDirectory::new(file.config(QUERY), Box::new(notice)).unwrap();
    for name in ["ann@example.org", "dee", "eve"] {
        assert_eq!(whose(&staff, name).await, "NoSuch");
    }
    let told = [("ann@example.org", Odd::MoreThanOne), ("dee", Odd::Password), ("eve", Odd::Enabled)];
    assert_eq!(*heard.lock().unwrap(), told.map(|(name, odd)| (name.to_owned(), odd)));
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_told_before_anybody_signs_in() {
    let file = File::new("examined");
    for (query, words) in [
        ("SELECT id AS subject, password FROM people", "the query has no parameter: the login name is ?1"),
        (
            "SELECT id AS subject, password FROM people WHERE login IN (?1, ?2)",
            "the query has 2 parameters, and there is one, the login name",
        ),
        ("SELECT id AS subject FROM people WHERE login = ?1", "the query gives no column `password`"),
        (
            "SELECT id, password FROM people WHERE login = ?1",
            "the query gives a column `id`, which means nothing",
        ),
        ("DELETE FROM people WHERE login = ?1", "the query writes to the database"),
        ("SELEC ?1", "the query cannot be prepared: near \"SELEC\": syntax error"),
        ("SELECT ?1; DELETE FROM people", "the query cannot be prepared: Multiple statements provided"),
        ("SELECT 1 FROM persons WHERE login = ?1", "the query cannot be prepared: no such table: persons"),
    ] {
        match file.directory(query).examine().await {
            Err(Fault::Wrong(why)) => assert!(why.to_string().contains(words), "{query}: {why}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    file.directory(QUERY).examine().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_gone_or_no_database_is_unavailable_until_it_is_one() {
    let file = File::new("gone");
    let staff = file.directory(QUERY);
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    fs::remove_file(&file.0).unwrap();
    let told = whose(&staff, "ann@example.org").await;
    assert!(told.ends_with("No such file or directory (os error 2)"), "{told}");
    assert!(!file.0.exists(), "it is not made");
    fs::write(&file.0, "ann:secret\n".repeat(100)).unwrap();
    let told = whose(&staff, "ann@example.org").await;
    assert!(told.starts_with("unavailable: ") && told.contains("not a database"), "{told}");
    fs::remove_file(&file.0).unwrap();
    file.fill();
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
}

#[tokio::test]
async fn another_file_in_its_place_is_the_one_that_is_asked() {
    let (file, newer) = (File::new("replaced"), File::new("newer"));
    newer.sql("UPDATE people SET id = 101 WHERE id = 1");
    let staff = file.directory(QUERY);
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    fs::rename(&newer.0, &file.0).unwrap();
    assert_eq!(whose(&staff, "ann@example.org").await, "101");
}

#[tokio::test]
async fn tables_may_change_under_a_prepared_statement() {
    let file = File::new("altered");
    let query = "SELECT * FROM staff WHERE ?1 = login";
    file.sql("CREATE VIEW staff AS SELECT id AS subject, password, login FROM people");
    let staff = file.directory(query);
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
    // The same columns in another order.
    file.sql("DROP VIEW staff; CREATE VIEW staff AS SELECT login, password, id + 10 AS subject FROM people");
    assert_eq!(whose(&staff, "ann@example.org").await, "11");
    file.sql("DROP VIEW staff; CREATE VIEW staff AS SELECT login, id AS subject FROM people");
    let told = whose(&staff, "ann@example.org").await;
    assert!(told.starts_with("unavailable: the query gives no column `password`"), "{told}");
    file.sql("DROP VIEW staff");
    let told = whose(&staff, "ann@example.org").await;
    assert!(told.starts_with("unavailable: the query cannot be prepared: no such table"), "{told}");
    file.sql("CREATE VIEW staff AS SELECT id AS subject, password, login FROM people");
    assert_eq!(whose(&staff, "ann@example.org").await, "1");
}

#[tokio::test]
async fn whoever_writes_to_the_file_keeps_readers_waiting_for_a_moment_at_most() {
    let file = File::new("written");
    let staff = file.directory(QUERY);
    let writer = file.open();
    writer.execute_batch("BEGIN EXCLUSIVE; UPDATE people SET id = 101 WHERE id = 1").unwrap();
    let told = whose(&staff, "ann@example.org").await;
    assert!(told.starts_with("unavailable: ") && told.contains("locked"), "{told}");
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(whose(&staff, "ann@example.org").await, "101");
    // With a log for writers, nobody waits for anybody.
    writer
        .execute_batch(
            "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; UPDATE people SET id = 201 WHERE id = 101",
        )
        .unwrap();
    assert_eq!(whose(&staff, "ann@example.org").await, "101");
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(whose(&staff, "ann@example.org").await, "201");
}

/// A query that does not end for one name.
const ENDLESS: &str = "SELECT id AS subject, password FROM people WHERE login = ?1 AND (login <> 'bob@example.org' \
    OR (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n) > 0)";

#[tokio::test]
async fn a_query_that_does_not_end_is_given_up_and_the_next_is_answered() {
    let file = File::new("endless");
    let member = Member::new(Arc::new(file.directory(ENDLESS)), Domains::All);
    let answer = member.find(&login("bob@example.org")).await;
    assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
    // If the thread were at it still, this would come to nothing too.
    let answer = member.find(&login("ann@example.org")).await;
    assert!(matches!(answer, Answer::Yes(_)), "{answer:?}");
}

#[tokio::test]
async fn only_so_many_wait() {
    let file = File::new("many");
    let staff = Arc::new(file.directory(ENDLESS));
    let ask = |_| {
        let staff = Arc::clone(&staff);
        tokio::spawn(async move { whose(&staff, "bob@example.org").await })
    };
    let asked: Vec<_> = (0..MAX_WAITING * 2).map(ask).collect();
    let mut busy = 0;
    for task in asked {
        let told = task.await.unwrap();
        assert!(told.starts_with("unavailable: "), "{told}");
        busy += usize::from(told == "unavailable: too many ask the database at once");
    }
    // One may have been taken out while the others came.
    assert!((MAX_WAITING - 1..=MAX_WAITING).contains(&busy), "{busy}");
}
