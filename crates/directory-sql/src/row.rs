//! From a row to somebody. Pure: what a database brings is a [`Value`].

use directory::{Found, Standing, Stored, Subject, Version};
use std::fmt;
use terms::Login;

/// Longest hash of a password that is taken, in octets: SHA-512 crypt has 123, Argon2id with all its parameters less than 200.
pub const MAX_HASH_OCTETS: usize = 1024;

/// Longest version that is taken, in octets.
pub const MAX_VERSION_OCTETS: usize = 255;

/// What stands for the hash of somebody who has none: no password's hash is ever like it, as in crypt(5).
const NO_HASH: &str = "{CRYPT}*";

/// What a query brought for a name.
pub(crate) enum Rows {
    None,
    One(Row),
    /// Something that is nobody.
    Odd(Odd),
}

/// Why a name is nobody's though the database has something for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Odd {
    /// Then it is not known whose the name is.
    #[error("the query has more than one row for this name")]
    MoreThanOne,
    /// The database says that it cannot compute the query for this name, as where the name is made a number.
    #[error("the query cannot be computed for this name")]
    NotComputed,
    /// A subject is what the account hangs on.
    #[error("the subject is no text of 1 to 255 octets and no integer")]
    Subject,
    /// An account has to have a name that somebody can type.
    #[error("the login is no name that an account can have")]
    Login,
    /// It is a hash, which is text.
    #[error("the password is no text of at most {MAX_HASH_OCTETS} octets")]
    Password,
    /// Only what is certainly yes or no is taken.
    #[error("enabled is neither a boolean nor 0 or 1")]
    Enabled,
    /// Something that changes with the password is there or it is not: a password that was right would else be known again too
    /// long.
    #[error("the version is NULL or has more than {MAX_VERSION_OCTETS} octets")]
    Version,
}

/// What a column holds.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(Box<str>),
    Octets(Box<[u8]>),
    /// What has no meaning in any column.
    Other,
}

/// The columns that mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Subject,
    Password,
    Login,
    Enabled,
    Version,
}

impl Column {
    const ALL: [Self; 5] = [Self::Subject, Self::Password, Self::Login, Self::Enabled, Self::Version];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Password => "password",
            Self::Login => "login",
            Self::Enabled => "enabled",
            Self::Version => "version",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name().eq_ignore_ascii_case(name))
    }
}

/// Which column stands where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    subject: usize,
    password: usize,
    login: Option<usize>,
    enabled: Option<usize>,
    version: Option<usize>,
}

/// Columns that a query should not have, or lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadColumns {
    Missing(Column),
    Twice(Column),
    /// Not passed over: `enable` for `enabled` would let in whoever may not.
    Unknown(Box<str>),
}

impl fmt::Display for BadColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(column) => {
                write!(f, "the query gives no column `{0}`: name one by `AS {0}`", column.name())
            }
            Self::Twice(column) => write!(f, "the query gives two columns `{}`", column.name()),
            Self::Unknown(name) => write!(
                f,
                "the query gives a column `{name}`, which means nothing: there are subject, password, login, enabled, version"
            ),
        }
    }
}

impl Columns {
    /// Reads the names of a query's columns, in their order.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, BadColumns> {
        let mut found: Vec<Column> = Vec::new();
        for name in names {
            let column = Column::named(name).ok_or_else(|| BadColumns::Unknown(name.into()))?;
            if found.contains(&column) {
                return Err(BadColumns::Twice(column));
            }
            found.push(column);
        }
        let place = |column: Column| found.iter().position(|found| *found == column);
        let needed = |column| place(column).ok_or(BadColumns::Missing(column));
        Ok(Self {
            subject: needed(Column::Subject)?,
            password: needed(Column::Password)?,
            login: place(Column::Login),
            enabled: place(Column::Enabled),
            version: place(Column::Version),
        })
    }

    /// All columns, with where they stand.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Column, usize)> {
        let optional =
            [(Column::Login, self.login), (Column::Enabled, self.enabled), (Column::Version, self.version)];
        [(Column::Subject, self.subject), (Column::Password, self.password)]
            .into_iter()
            .chain(optional.into_iter().filter_map(|(column, place)| Some((column, place?))))
    }

    /// Reads a row by what gives the value at a place.
    pub(crate) fn read<E>(&self, mut value: impl FnMut(usize) -> Result<Value, E>) -> Result<Row, E> {
        let mut optional = |place: Option<usize>| place.map(&mut value).transpose();
        Ok(Row {
            login: optional(self.login)?,
            enabled: optional(self.enabled)?,
            version: optional(self.version)?,
            subject: value(self.subject)?,
            password: value(self.password)?,
        })
    }
}

/// One row, by the meaning of its columns. It has a hash in it, and so it is not printed.
pub(crate) struct Row {
    subject: Value,
    password: Value,
    login: Option<Value>,
    enabled: Option<Value>,
    version: Option<Value>,
}

impl Row {
    /// Whom it is about, where `asked` is the name that was asked for.
    pub(crate) fn person(&self, asked: &Login) -> Result<Found, Odd> {
        Ok(Found {
            subject: subject(&self.subject).ok_or(Odd::Subject)?,
            login: match &self.login {
                None => asked.clone(),
                Some(Value::Text(name)) => Login::new(name).map_err(|_| Odd::Login)?,
                Some(_) => return Err(Odd::Login),
            },
            also: [].into(),
            standing: self.enabled.as_ref().map_or(Some(Standing::Enabled), standing).ok_or(Odd::Enabled)?,
            stored: Stored::Hash(hash(&self.password).ok_or(Odd::Password)?.into()),
            version: match &self.version {
                None => None,
                Some(value) => Some(version(value).ok_or(Odd::Version)?),
            },
        })
    }
}

fn subject(value: &Value) -> Option<Subject> {
    match value {
        Value::Integer(number) => Subject::new(&number.to_string()).ok(),
        Value::Text(text) => Subject::new(text).ok(),
        _ => None,
    }
}

fn hash(value: &Value) -> Option<&str> {
    match value {
        Value::Null => Some(NO_HASH),
        Value::Text(text) if text.is_empty() => Some(NO_HASH),
        Value::Text(text) if text.len() <= MAX_HASH_OCTETS => Some(text),
        _ => None,
    }
}

fn standing(value: &Value) -> Option<Standing> {
    match value {
        Value::Boolean(true) | Value::Integer(1) => Some(Standing::Enabled),
        Value::Boolean(false) | Value::Integer(0) | Value::Null => Some(Standing::Disabled),
        _ => None,
    }
}

/// Which kind a value is of stands in front, so that the number 1 and the text "1" are two.
fn version(value: &Value) -> Option<Version> {
    let (kind, octets): (u8, &[u8]) = match value {
        Value::Null | Value::Other => return None,
        Value::Boolean(boolean) => (b'b', &[u8::from(*boolean)]),
        Value::Integer(number) => (b'i', &number.to_be_bytes()),
        Value::Text(text) => (b't', text.as_bytes()),
        Value::Octets(octets) => (b'o', octets),
    };
    let kept = [&[kind], octets].concat();
    (octets.len() <= MAX_VERSION_OCTETS).then(|| Version::new(&kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn row(values: &[(&str, Value)]) -> Row {
        let columns = Columns::of(values.iter().map(|(name, _)| *name)).unwrap();
        columns.read(|place| Ok::<_, ()>(values[place].1.clone())).unwrap()
    }

    fn person(values: &[(&str, Value)]) -> Result<Found, Odd> {
        row(values).person(&Login::new("ann").unwrap())
    }

    #[test]
    fn columns_are_found_by_their_names_in_any_order() {
        let found = person(&[
            ("VERSION", Value::Integer(7)),
            ("password", text("$2y$x")),
            ("enabled", Value::Boolean(true)),
            ("login", text("Ann@Example.org")),
            ("subject", Value::Integer(41)),
        ])
        .unwrap();
        assert_eq!(found.subject.as_str(), "41");
        assert_eq!(found.login.as_str(), "ann@example.org");
        assert_eq!(found.standing, Standing::Enabled);
        assert_eq!(found.stored, Stored::Hash("$2y$x".into()));
        assert_eq!(found.version.unwrap().as_bytes(), [b'i', 0, 0, 0, 0, 0, 0, 0, 7]);
    }

    #[test]
    fn what_is_wrong_with_the_columns_is_told_in_words() {
        for (names, why) in [
            (&["subject"][..], "the query gives no column `password`: name one by `AS password`"),
            (&["password"], "the query gives no column `subject`: name one by `AS subject`"),
            (&[], "the query gives no column `subject`: name one by `AS subject`"),
            (&["subject", "password", "Subject"], "the query gives two columns `subject`"),
            (
                &["subject", "password", "enable"],
                "the query gives a column `enable`, which means nothing: there are subject, password, login, enabled, version",
            ),
        ] {
            assert_eq!(Columns::of(names.iter().copied()).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn without_a_login_of_its_own_a_row_is_about_who_was_asked_for() {
        let found = person(&[("subject", text("a")), ("password", text("x"))]).unwrap();
        assert_eq!(found.login.as_str(), "ann");
        assert_eq!((found.standing, found.version), (Standing::Enabled, None));
    }

    #[test]
    fn only_a_certain_yes_lets_in() {
        for (value, standing) in [
            (Value::Boolean(true), Ok(Standing::Enabled)),
            (Value::Integer(1), Ok(Standing::Enabled)),
            (Value::Boolean(false), Ok(Standing::Disabled)),
            (Value::Integer(0), Ok(Standing::Disabled)),
            (Value::Null, Ok(Standing::Disabled)),
            (Value::Integer(2), Err(Odd::Enabled)),
            (Value::Integer(-1), Err(Odd::Enabled)),
            (text("yes"), Err(Odd::Enabled)),
            (Value::Other, Err(Odd::Enabled)),
        ] {
            let found = person(&[("subject", text("a")), ("password", text("x")), ("enabled", value)]);
            assert_eq!(found.map(|found| found.standing), standing);
        }
    }

    #[test]
    fn no_password_fits_who_has_none() {
        for nothing in [Value::Null, text("")] {
            let found = person(&[("subject", text("a")), ("password", nothing)]).unwrap();
            assert_eq!(found.stored, Stored::Hash("{CRYPT}*".into()));
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_is_nobody() {
        let long = "x".repeat(2_000);
        for (subject, password, login, version, odd) in [
            (Value::Null, text("x"), text("a"), text("1"), Odd::Subject),
            (text(""), text("x"), text("a"), text("1"), Odd::Subject),
            (text(&long), text("x"), text("a"), text("1"), Odd::Subject),
            (Value::Boolean(true), text("x"), text("a"), text("1"), Odd::Subject),
            (text("a"), text(&long), text("a"), text("1"), Odd::Password),
            (text("a"), Value::Integer(1), text("a"), text("1"), Odd::Password),
            (text("a"), text("x"), text("a b"), text("1"), Odd::Login),
            (text("a"), text("x"), Value::Null, text("1"), Odd::Login),
            (text("a"), text("x"), text("a"), Value::Null, Odd::Version),
            (text("a"), text("x"), text("a"), text(&long), Odd::Version),
        ] {
            let values =
                [("subject", subject), ("password", password), ("login", login), ("version", version)];
            assert_eq!(person(&values), Err(odd));
        }
    }

    proptest! {
        #[test]
        fn a_subject_is_what_the_database_wrote_octet_by_octet(octets in "\\PC{1,60}") {
            let found = person(&[("subject", text(&octets)), ("password", text("x"))]).unwrap();
            prop_assert_eq!(found.subject.as_str(), octets);
        }

        #[test]
        fn two_values_are_two_versions(one in any::<i64>(), other in any::<i64>(), word in ".{0,40}") {
            let of = |value| version(&value).unwrap();
            prop_assert_eq!(one == other, of(Value::Integer(one)) == of(Value::Integer(other)));
            prop_assert_ne!(of(Value::Integer(one)), of(text(&word)));
        }
    }
}
