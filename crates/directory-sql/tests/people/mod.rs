//! Who is in the databases of these tests, and how they are asked for.

use directory::conformance::{Person, Population};
use directory::{Answer, Directory};
use directory_sql::SqlDirectory;
use foreign_hash::{ForeignHash, Verdict};
use terms::Login;

pub(crate) const PEOPLE: Population<'_> = Population {
    ann: Person { login: "ann@example.org", password: "right" },
    bob: Person { login: "bob@example.org", password: "pässword" },
    disabled: Some(Person { login: "cid@example.org", password: "his" }),
};

/// The same, for a table of number, login, password and whether they may sign in.
pub(crate) const INSERT_PEOPLE: &str = "
INSERT INTO people VALUES
    (1, 'ann@example.org', '$5$saltsalt$1aZ4x5UIV44zvNqrzDnvxkgrN1oqaxnEleT36Cwe2L9', true),
    (2, 'bob@example.org', '$5$saltsalt$rQBvFGQx3u6doxkk7cvWbhhnhS2qa1.FI.tt6NGFH66', true),
    (3, 'cid@example.org', '$5$saltsalt$nz72CZOBPOPqp2133ESsJafl4YC.XtSATkCBOdfJO9B', false);
";

pub(crate) fn is_right(hash: &str, typed: &str) -> bool {
    ForeignHash::parse(hash).is_ok_and(|hash| hash.verify(typed.as_bytes()) == Verdict::Right)
}

pub(crate) fn login(name: &str) -> Login {
    Login::new(name).unwrap()
}

/// The subject of whoever has a name, or in words why there is none.
pub(crate) async fn whose(directory: &SqlDirectory, name: &str) -> String {
    match directory.find(&login(name)).await {
        Answer::Yes(found) => found.subject.to_string(),
        Answer::Unavailable(why) => format!("unavailable: {why}"),
        answer => format!("{answer:?}"),
    }
}
