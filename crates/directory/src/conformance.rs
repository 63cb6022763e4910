//! What every directory has to do. Each test gives a directory in which three are known, and this asks.

use crate::{Ability, Answer, Directory, Found, Password, Standing, Stored};
use terms::Login;

/// Who is in the directory that is tested. Nobody else is.
#[derive(Clone, Copy, Debug)]
pub struct Population<'a> {
    /// May sign in.
    pub ann: Person<'a>,
    /// May sign in, with a password of more than ASCII.
    pub bob: Person<'a>,
    /// May not sign in, where the directory can say so.
    pub disabled: Option<Person<'a>>,
}

/// Somebody of it.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// What they type.
    pub login: &'a str,
    /// The password that is theirs.
    pub password: &'a str,
}

/// Names that are nobody's, and that would be somebody's or everybody's where they became part of a query (threat T-33).
pub const HOSTILE_NAMES: &[&str] = &[
    "*",
    "a*",
    "ann*@example.org",
    "ann)(uid=*",
    "*)(objectClass=*)(|(uid=ann",
    "ann\\2a",
    "ann'--",
    "'or'1'='1",
    "ann\"or\"\"=\"",
    "ann;drop-table-users",
    "$1",
    "%u",
    "%{user}",
    "%{env:home}",
    "${user}",
    "{{user}}",
    "..",
    "..%2f..%2fetc%2fpasswd",
    "ann:",
    ":",
    "ann,dc=example",
    "uid=ann",
    "ann+ou=people",
    "ann\u{fe}",
];

/// Passwords that are nobody's.
pub const HOSTILE_PASSWORDS: &[&str] =
    &["", " ", "*", "\0", "right\0", "' or '1'='1", "{PLAIN}", "$1$", "x", "%{password}"];

/// What checks a hash against a password: no directory does it, so the suite is given one that can.
pub type CheckHash = fn(&str, &str) -> bool;

/// Runs all of it.
///
/// # Panics
/// The directory does not do what it has to.
pub async fn check(directory: &dyn Directory, people: Population<'_>, check_hash: CheckHash) {
    assert!(directory.can(Ability::Passwords), "this suite is for directories that know passwords");
    let asked = Examined { directory, check_hash };
    asked.knows_its_own(people).await;
    asked.knows_nobody_else().await;
    asked.takes_no_wrong_password(people).await;
    asked.keeps_out_who_may_not(people).await;
}

struct Examined<'a> {
    directory: &'a dyn Directory,
    check_hash: CheckHash,
}

impl Examined<'_> {
    async fn knows_its_own(&self, people: Population<'_>) {
        let mut subjects = Vec::new();
        for person in [people.ann, people.bob] {
            let found = self.find(person.login).await;
            assert_eq!(found.standing, Standing::Enabled, "{}", person.login);
            assert!(self.right(&found, person.password).await, "the password of {}", person.login);
            assert_eq!(found, self.find(person.login).await, "the answer to the same question is the same");
            let shouted = self.find(&person.login.to_uppercase()).await;
            assert_eq!(shouted.subject, found.subject, "a name is one however it is typed");
            subjects.push(found.subject);
        }
        assert_ne!(subjects.first(), subjects.last(), "two are two");
    }

    async fn knows_nobody_else(&self) {
        let hostile = HOSTILE_NAMES.iter().map(|name| (*name).to_owned());
        let names = hostile.chain(["nobody@example.org".into(), "a".repeat(255)]);
        // What is no login does not get as far as to a directory.
        for login in names.filter_map(|name| Login::new(&name).ok()) {
            let answer = self.directory.find(&login).await;
            assert_eq!(answer, Answer::NoSuch, "{login:?}");
        }
    }

    async fn takes_no_wrong_password(&self, people: Population<'_>) {
        for (person, other) in [(people.ann, people.bob), (people.bob, people.ann)] {
            let found = self.find(person.login).await;
            let longer = format!("{}x", person.password);
            let shorter: String = person.password.chars().skip(1).collect();
            let wrong = HOSTILE_PASSWORDS.iter().copied().chain([other.password, &*longer, &*shorter]);
            for password in wrong {
                assert!(!self.right(&found, password).await, "{} came in by {password:?}", person.login);
            }
        }
    }

    async fn keeps_out_who_may_not(&self, people: Population<'_>) {
        let Some(person) = people.disabled else { return };
        let found = self.find(person.login).await;
        let is_in = found.standing == Standing::Enabled && self.right(&found, person.password).await;
        assert!(!is_in, "{} may not sign in", person.login);
        assert!(!self.right(&found, "wrong").await);
    }

    async fn find(&self, name: &str) -> Found {
        match self.directory.find(&Login::new(name).expect("a login")).await {
            Answer::Yes(found) => found,
            answer => panic!("{name} is known, and the answer was {answer:?}"),
        }
    }

    async fn right(&self, found: &Found, password: &str) -> bool {
        match &found.stored {
            Stored::Hash(hash) => (self.check_hash)(hash, password),
            Stored::Elsewhere => {
                self.directory.check(found, Password::new(password)).await == Answer::Yes(())
            }
        }
    }
}
