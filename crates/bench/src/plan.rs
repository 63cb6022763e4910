//! What is to be measured, where, and as whom.

use crate::client::Way;
use crate::corpus::Recipe;
use crate::meter::Watched;
use crate::report::Row;
use crate::trouble::Trouble;
use crate::workload::Workload;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// Mailboxes whose names begin so are ours: we make them, and take them away again. Nothing is written to any other but an
/// empty INBOX, where LMTP delivers.
pub const OURS: &str = "bench-";

/// Everything that a run goes by.
pub struct Plan {
    /// How the server is reached.
    pub way: Way,
    /// Where it takes LMTP; without it nothing is delivered.
    pub lmtp: Option<LmtpPlace>,
    /// Who signs in.
    pub users: Users,
    /// Everybody's password.
    pub password: Zeroizing<String>,
    /// What is measured, in this order.
    pub workloads: Vec<Workload>,
    /// The mail of the large mailbox.
    pub recipe: Recipe,
    /// Its name, which begins with [`OURS`].
    pub mailbox: String,
    /// How many messages are in it.
    pub messages: u32,
    /// How many connections at once, where there is more than one; `None` for as many as a workload usually has.
    pub connections: Option<u32>,
    /// How long to go on.
    pub bound: Bound,
    /// How often what reads is measured.
    pub rounds: u32,
    /// What `idle` does besides.
    pub idling: Idling,
    /// Actions of `mixed` in a second, of [`RATES`].
    pub rate: f64,
    /// What is watched while the server works.
    pub watched: Watched,
    /// What becomes of our mailboxes.
    pub leaving: Leaving,
}

/// Most operations that [`Bound::Count`] may ask for.
pub const MOST_OPERATIONS: u64 = 1_000_000_000;
/// Actions of `mixed` in a second, at least and at most: with fewer nobody would wait for the second one.
pub const RATES: RangeInclusive<f64> = 0.001..=1e6;

impl Plan {
    /// # Errors
    /// It asks for what cannot be.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        let refuse = |why: String| Err(Trouble::Asked(why));
        if !self.mailbox.starts_with(OURS) {
            let why = "the mailbox's name has to begin so: everything in such a mailbox is ours to delete";
            return refuse(format!("{OURS}: {why}"));
        }
        if !self.mailbox.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet)) {
            return refuse(format!("{}: only letters, digits, - and _", self.mailbox));
        }
        if let Bound::Count(count) = self.bound
            && !(1..=MOST_OPERATIONS).contains(&count)
        {
            return refuse(format!(
                "{count} operations: at least one is needed, and {MOST_OPERATIONS} are enough"
            ));
        }
        if !RATES.contains(&self.rate) {
            let (least, most) = (RATES.start(), RATES.end());
            return refuse(format!(
                "{} actions a second: {least} is the least and {most} the most",
                self.rate
            ));
        }
        if self.idling.restart.is_some() && matches!(self.watched, Watched::Processes(_)) {
            let why = "a server that is started anew is another process; watch its control group";
            return refuse(why.to_owned());
        }
        Ok(())
    }
}

/// What `idle` does with its sessions, besides waiting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Idling {
    /// So many of them hear of mail; none where it is 0.
    pub wake: u32,
    /// A command for a shell, which ends the server at once and begins it anew: all sessions come back then.
    pub restart: Option<String>,
    /// How many sign in at the same time; `None` for some, and for all who come back.
    pub at_once: Option<u32>,
}

/// Where LMTP is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LmtpPlace {
    /// A host and a port.
    Tcp(String, u16),
    /// A socket of this machine.
    Unix(PathBuf),
}

/// When a measurement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// After so long: `login`, `append`, `lmtp` and `mixed`. The others do as much as they always do.
    Time(Duration),
    /// After so many operations, of [`MOST_OPERATIONS`].
    Count(u64),
}

/// What becomes of our mailboxes at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Those that this run made are deleted.
    Clean,
    /// They stay, for another run.
    Keep,
}

/// Users, by a pattern such as `user{0..99}@example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    before: String,
    behind: String,
    first: u32,
    count: u32,
    width: usize,
}

impl Users {
    /// Reads a pattern. Without braces it is one user. Digits in front stay: `{00..99}`.
    ///
    /// # Errors
    /// It has braces, and no range in them.
    pub fn read(pattern: &str) -> Result<Self, Trouble> {
        let wrong =
            || Trouble::Asked(format!("{pattern}: users are one name, or a range such as user{{0..99}}"));
        let Some((before, rest)) = pattern.split_once('{') else {
            return match pattern {
                "" => Err(wrong()),
                _ => Ok(Self { before: pattern.into(), behind: String::new(), first: 0, count: 0, width: 0 }),
            };
        };
        let (range, behind) = rest.split_once('}').ok_or_else(wrong)?;
        let (from, to) = range.split_once("..").ok_or_else(wrong)?;
        let (first, last): (u32, u32) =
            (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
        let count = last.checked_sub(first).and_then(|more| more.checked_add(1)).ok_or_else(wrong)?;
        let width = if from.starts_with('0') { from.len() } else { 0 };
        Ok(Self { before: before.into(), behind: behind.into(), first, count, width })
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        if self.count == 0 { 1 } else { self.count }
    }

    /// The name of user `number`, from 0 on; behind the last comes the first again.
    #[must_use]
    pub fn name(&self, number: u32) -> String {
        let Self { before, behind, first, count, width } = self;
        match count {
            0 => before.clone(),
            _ => format!("{before}{:0width$}{behind}", first + number % count),
        }
    }
}

/// Who is told how far a run is. It is called from several threads.
pub trait Watcher: Send + Sync {
    /// Something begins that takes a while: `total` steps.
    fn begins(&self, what: &str, total: u64);
    /// It has done so many more.
    fn moves(&self, what: &str, steps: u64);
    /// It has ended.
    fn ends(&self, what: &str);
    /// A measurement has come to this.
    fn measured(&self, row: &Row);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{KeyExchange, Security, Verification};
    use crate::corpus::Sizes;

    fn plan() -> Plan {
        Plan {
            way: Way {
                host: "localhost".into(),
                port: 993,
                security: Security::Tls,
                verification: Verification::Nothing,
                exchange: KeyExchange::Usual,
            },
            lmtp: None,
            users: Users::read("ann").unwrap(),
            password: Zeroizing::default(),
            workloads: Vec::new(),
            recipe: Recipe { seed: 1, sizes: Sizes::Small, largest: 30_000 },
            mailbox: "bench-large".into(),
            messages: 10,
            connections: None,
            bound: Bound::Count(1),
            rounds: 1,
            idling: Idling::default(),
            rate: 20.0,
            watched: Watched::Processes(vec![1]),
            leaving: Leaving::Clean,
        }
    }

    #[test]
    fn what_would_never_end_or_overflow_is_refused_with_a_sentence() {
        assert!(plan().check().is_ok());
        let refused = |plan: Plan| plan.check().unwrap_err().to_string();
        let count = |count| refused(Plan { bound: Bound::Count(count), ..plan() });
        assert_eq!(count(0), "0 operations: at least one is needed, and 1000000000 are enough");
        assert!(count(u64::MAX).starts_with("18446744073709551615 operations"));
        for rate in [0.0, 1e-300, f64::NAN, f64::INFINITY, -1.0] {
            let said = refused(Plan { rate, ..plan() });
            assert!(said.ends_with("actions a second: 0.001 is the least and 1000000 the most"), "{said}");
        }
        let restart = Idling { restart: Some("true".into()), ..Idling::default() };
        assert!(refused(Plan { idling: restart, ..plan() }).contains("control group"));
        assert!(refused(Plan { mailbox: "bench-a\"b".into(), ..plan() }).contains("only letters"));
        assert!(refused(Plan { mailbox: "Archive".into(), ..plan() }).starts_with("bench-: "));
    }

    #[test]
    fn a_pattern_names_its_users() {
        let names = |pattern: &str| {
            let users = Users::read(pattern).unwrap();
            (users.count(), users.name(0), users.name(1), users.name(users.count()))
        };
        let texts = |count, a: &str, b: &str, c: &str| (count, a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(names("user{0..99}@x"), texts(100, "user0@x", "user1@x", "user0@x"));
        assert_eq!(names("u{08..10}"), texts(3, "u08", "u09", "u08"));
        assert_eq!(names("u{7..7}"), texts(1, "u7", "u7", "u7"));
        assert_eq!(
            names("ann@example.org"),
            texts(1, "ann@example.org", "ann@example.org", "ann@example.org")
        );
        for wrong in ["", "u{", "u{1}", "u{2..1}", "u{a..b}", "u{0..4294967295}"] {
            assert!(Users::read(wrong).is_err(), "{wrong}");
        }
    }
}
