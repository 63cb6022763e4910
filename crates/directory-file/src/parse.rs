//! The lines of a passwd-file.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use terms::Login;

/// Largest file that is read, in octets: some million people.
pub const MAX_FILE_OCTETS: u64 = 64 * 1024 * 1024;
/// Longest line, in octets, without its end.
pub const MAX_LINE_OCTETS: usize = 4096;
/// Of so many bad lines it is told what is wrong; further ones are not looked for.
pub const MAX_LINES_TOLD: usize = 10;

/// What stands for a hash that no password has: not one in any form.
const NO_HASH: &str = "*";

/// Days since 1970 (UTC), as shadow(5) counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub u64);

/// Who is known, by name.
pub(crate) type Table = HashMap<Login, Person>;

/// Somebody.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) hash: Box<str>,
    /// May not sign in, whatever their password.
    pub(crate) is_shut_out: bool,
    /// May not sign in on that day, nor later.
    pub(crate) end: Option<Day>,
}

impl Person {
    /// Whether they may sign in on that day, with their password. As PAM has it, the day of the end is one of those on which
    /// they may not; so the days 0 and 1, which tools write to shut somebody out, do so.
    pub(crate) fn may_sign_in(&self, today: Day) -> bool {
        !self.is_shut_out && self.end.is_none_or(|end| today < end)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Person");
        shown.field("is_shut_out", &self.is_shut_out).field("end", &self.end).finish_non_exhaustive()
    }
}

/// A line that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {fault}")]
pub struct BadLine {
    /// Counted from 1.
    pub number: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a line. Nothing of the line is in it but the name of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is too long.
    #[error("it has more than {MAX_LINE_OCTETS} octets")]
    TooLong,
    /// It is no text.
    #[error("it is not UTF-8, or has control characters")]
    NotText,
    /// There is no colon, so that it says of nobody what their hash is.
    #[error("a name and a hash are expected, with a colon in between")]
    NoColon,
    /// The name cannot be one.
    #[error("the name: {0}")]
    Name(terms::BadLogin),
    /// The same name, however it is written, stands in an earlier line.
    #[error("the name is that of line {0} too")]
    Twice(usize),
    /// A field that would forbid something, or let somebody in without a password.
    #[error("the extra field {0} is not known here, and to pass over it would let in whom it is to keep out")]
    Field(&'static str),
}

/// How many are in a file, for whoever wants to know before it is put in its place.
///
/// # Errors
/// The first of its bad lines, [`MAX_LINES_TOLD`] at most.
pub fn count(octets: &[u8]) -> Result<usize, Vec<BadLine>> {
    table(octets).map(|table| table.len())
}

/// Somebody of a file, for whoever wants to have them elsewhere.
pub struct Line {
    /// Where it stands, from 1.
    pub number: usize,
    /// What they are called.
    pub login: Login,
    /// The hash of their password, as it stands there.
    pub hash: Box<str>,
    /// They may not sign in, whatever their password, or have none.
    pub is_shut_out: bool,
    /// They may not sign in on that day, nor later.
    pub end: Option<Day>,
}

/// All who are in a file, in the order of their names.
///
/// # Errors
/// The first of its bad lines, [`MAX_LINES_TOLD`] at most.
pub fn lines(octets: &[u8]) -> Result<Vec<Line>, Vec<BadLine>> {
    let line = |(login, (number, person))| {
        let Person { hash, is_shut_out, end } = person;
        let is_shut_out = is_shut_out || *hash == *NO_HASH;
        Line { number, login, hash, is_shut_out, end }
    };
    let mut lines: Vec<_> = numbered(octets)?.into_iter().map(line).collect();
    lines.sort_by(|one, other| one.login.cmp(&other.login));
    Ok(lines)
}

/// All who are in a file; or else the first of its bad lines.
pub(crate) fn table(octets: &[u8]) -> Result<Table, Vec<BadLine>> {
    Ok(numbered(octets)?.into_iter().map(|(login, (_, person))| (login, person)).collect())
}

/// The same, each with the number of the line.
fn numbered(octets: &[u8]) -> Result<HashMap<Login, (usize, Person)>, Vec<BadLine>> {
    let mut people: HashMap<_, (usize, Person)> = HashMap::new();
    let mut bad = Vec::new();
    for (number, line) in (1..).zip(octets.split(|octet| *octet == b'\n')) {
        let fault = match line_of(line) {
            Ok(None) => continue,
            Ok(Some((login, person))) => match people.entry(login) {
                Entry::Occupied(earlier) => Fault::Twice(earlier.get().0),
                Entry::Vacant(place) => {
                    place.insert((number, person));
                    continue;
                }
            },
            Err(fault) => fault,
        };
        bad.push(BadLine { number, fault });
        if bad.len() == MAX_LINES_TOLD {
            break;
        }
    }
    if bad.is_empty() { Ok(people) } else { Err(bad) }
}

/// Who a line is about; none for one that is about nobody.
fn line_of(line: &[u8]) -> Result<Option<(Login, Person)>, Fault> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > MAX_LINE_OCTETS {
        return Err(Fault::TooLong);
    }
    let line = std::str::from_utf8(line).map_err(|_| Fault::NotText)?;
    if line.trim().is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Fault::NotText);
    }
    let (name, rest) = line.split_once(':').ok_or(Fault::NoColon)?;
    let login = Login::new(name).map_err(Fault::Name)?;
    let mut fields = rest.splitn(7, ':');
    let hash = fields.next().unwrap_or_default();
    // Behind uid, gid, gecos, home and shell; or, in a line of shadow(5), behind the ages of a password.
    let rest = fields.nth(5).unwrap_or_default();
    let end = end(rest);
    let is_shut_out = end.is_none() && is_nologin(rest)?;
    Ok(Some((login, person(hash, is_shut_out, end))))
}

/// With an empty hash nobody signs in, and neither with one that is locked: shadow(5) locks a password so, and not the account,
/// which may have other ways in.
fn person(hash: &str, is_shut_out: bool, end: Option<Day>) -> Person {
    let is_locked = hash.is_empty() || hash.starts_with(['!', '*']);
    let hash = if is_locked { NO_HASH } else { hash }.into();
    Person { hash, is_shut_out, end }
}

/// The end of an account, where this is the end of a line of shadow(5): a day, and behind a colon a field for later. No
/// field of Dovecot's begins so.
fn end(rest: &str) -> Option<Day> {
    let (day, _) = rest.split_once(':')?;
    let is_day = !day.is_empty() && day.bytes().all(|octet| octet.is_ascii_digit());
    // No number is too large for what comes after all days.
    is_day.then(|| Day(day.parse().unwrap_or(u64::MAX)))
}

/// Fields by which Dovecot keeps somebody out, sends them elsewhere or lets them in for nothing; which nobody does here.
const REFUSED_FIELDS: [&str; 5] = ["allow_nets", "allow_real_nets", "nopassword", "proxy", "user"];

/// Whether the extra fields say that nobody may sign in by this line.
fn is_nologin(extra: &str) -> Result<bool, Fault> {
    let mut is_shut_out = false;
    for field in extra.split_whitespace() {
        let name = field.split_once('=').map_or(field, |(name, _)| name);
        if let Some(refused) = REFUSED_FIELDS.iter().find(|refused| **refused == name) {
            return Err(Fault::Field(refused));
        }
        is_shut_out |= name == "nologin" && field != "nologin=n" && field != "nologin=no";
    }
    Ok(is_shut_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(line: &str) -> Person {
        let table = table(line.as_bytes()).unwrap();
        assert_eq!(table.len(), 1, "{line}");
        table.into_values().next().unwrap()
    }

    fn faults(text: &str) -> Vec<(usize, Fault)> {
        table(text.as_bytes()).unwrap_err().into_iter().map(|bad| (bad.number, bad.fault)).collect()
    }

    #[test]
    fn a_name_and_a_hash_are_enough_and_the_rest_is_passed_over() {
        for line in [
            "ann:$2y$hash",
            "Ann:$2y$hash\r",
            "ann:$2y$hash:1000:1000::/home/ann::userdb_mail=maildir:~/Maildir",
        ] {
            let person = one(line);
            assert_eq!((&*person.hash, person.is_shut_out), ("$2y$hash", false), "{line}");
        }
        assert_eq!(&*one("ann@example.org:{SSHA256}aGFzaA==:::::").hash, "{SSHA256}aGFzaA==");
    }

    #[test]
    fn comments_and_blank_lines_are_about_nobody() {
        assert_eq!(table(b"# ann:x\n\n  \t\r\n#\nann:$2y$hash\n").unwrap().len(), 1);
        assert_eq!(table(b"").unwrap().len(), 0);
    }

    #[test]
    fn nobody_gets_in_without_a_hash_or_by_one_that_is_locked() {
        for line in ["ann:", "ann::1000", "ann:!$6$hash", "ann:*", "ann:*LK*:::::", "ann:!!"] {
            let person = one(line);
            assert_eq!((&*person.hash, person.is_shut_out), (NO_HASH, false), "{line}");
            let lines = lines(line.as_bytes()).unwrap();
            assert!(lines.iter().all(|line| line.is_shut_out), "{line}: nothing of it can be brought over");
        }
        assert!(one("ann:$2y$hash::::::nologin").is_shut_out);
        assert!(one("ann:$2y$hash::::::userdb_x=y nologin=y").is_shut_out);
        assert!(!one("ann:$2y$hash::::::nologin=n userdb_nologin").is_shut_out);
    }

    #[test]
    fn nobody_of_a_shadow_file_gets_in_from_the_day_on_that_ends_their_account() {
        let ends = |line: &str| one(line).end.map(|Day(day)| day);
        assert_eq!(ends("ann:$6$hash:19000:0:99999:7:::"), None);
        assert_eq!(ends("ann:$6$hash:19000:0:99999:7::-1:"), None);
        assert_eq!(ends("ann:$6$hash:19000:0:99999:7::20000:"), Some(20_000));
        assert_eq!(ends("ann:$6$hash:19000:0:99999:7:30:99999999999999999999999:0"), Some(u64::MAX));
        assert_eq!(ends("ann:$2y$hash:1000:1000::/home/ann::20000=x userdb_mail=maildir:~/x"), None);
        let may = |line: &str, day: u64| one(line).may_sign_in(Day(day));
        let until = "ann:$6$hash:19000:0:99999:7::20000:";
        assert_eq!([19_999, 20_000, 20_001].map(|day| may(until, day)), [true, false, false]);
        for shut_out in ["ann:$6$hash::::::0:", "ann:$6$hash::::::1:"] {
            assert!(!may(shut_out, 20_000), "{shut_out}");
        }
    }

    #[test]
    fn what_would_forbid_something_is_not_passed_over() {
        for (field, name) in
            [("allow_nets=192.0.2.0/24", "allow_nets"), ("nopassword", "nopassword"), ("proxy=y", "proxy")]
        {
            assert_eq!(faults(&format!("ann:x::::::a=b {field}")), [(1, Fault::Field(name))]);
        }
    }

    #[test]
    fn a_bad_line_is_told_by_its_number_and_nothing_is_taken() {
        let text = "ann:x\nno colon\n\nBob:x\nbob:y\n:x\na b:x\ncid:x\0\n";
        let found = faults(text);
        assert_eq!(found[0], (2, Fault::NoColon));
        assert_eq!(found[1], (5, Fault::Twice(4)));
        assert!(matches!(found[2], (6, Fault::Name(terms::BadLogin::Empty))));
        assert!(matches!(found[3], (7, Fault::Name(terms::BadLogin::Character))));
        assert_eq!(found[4], (8, Fault::NotText));
        assert_eq!(table(b"ann:x\n\xff:x").unwrap_err()[0], BadLine { number: 2, fault: Fault::NotText });
    }

    #[test]
    fn a_line_has_a_bound_and_so_has_what_is_told() {
        let long = |length: usize| format!("ann:{}", "x".repeat(length - 4));
        assert_eq!(one(&long(MAX_LINE_OCTETS)).hash.len(), MAX_LINE_OCTETS - 4);
        assert_eq!(faults(&long(MAX_LINE_OCTETS + 1)), [(1, Fault::TooLong)]);
        assert_eq!(faults(&"x\n".repeat(100)).len(), MAX_LINES_TOLD);
    }

    #[test]
    fn a_hash_is_not_printed() {
        assert!(!format!("{:?}", one("ann:secret")).contains("secret"));
    }

    proptest! {
        #[test]
        fn whatever_is_in_a_file_it_is_read_or_told(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = table(&octets);
        }

        #[test]
        fn whatever_looks_like_lines_is_read_or_told(text in "([a-b@#:!* {}\\r\\nü]|nologin|user=){0,80}") {
            match table(text.as_bytes()) {
                Ok(table) => prop_assert!(table.values().all(|person| !person.hash.is_empty())),
                Err(bad) => {
                    let lines = text.split('\n').count();
                    prop_assert!(!bad.is_empty() && bad.iter().all(|bad| (1..=lines).contains(&bad.number)));
                }
            }
        }

        #[test]
        fn who_is_written_is_read(names in proptest::collection::hash_set("[a-z][a-z0-9.-]{0,20}(@[a-z]{1,9}\\.org)?", 0..20)) {
            let text: String = names.iter().map(|name| format!("{name}:{{X}}{name}\n")).collect();
            let table = table(text.as_bytes()).unwrap();
            prop_assert_eq!(table.len(), names.len());
            for name in &names {
                prop_assert_eq!(&*table[&Login::new(name).unwrap()].hash, format!("{{X}}{name}"));
            }
        }
    }
}
